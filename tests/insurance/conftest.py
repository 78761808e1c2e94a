"""One town for the folder; each test takes people whom no other test touches."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio

from tests.insurance.places import Person, Town

_AREAS = [f"34{n:02}00" for n in (*range(1, 9), 10, 11, 12, 13, 15, 16, 17)] + [f"32{n:02}00" for n in range(1, 14)]
_free: dict[str, Iterator[str]] = {}


@pytest_asyncio.fixture(scope="session")
async def shared_town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    made = Town(tmp_path_factory.mktemp("insurance"), "--hop-timeout", "0.7")
    yield made
    assert await made.close() == [0] * 5


@pytest_asyncio.fixture
async def town(shared_town: Town) -> AsyncIterator[Town]:
    """All faults off before and after."""
    await shared_town.clear()
    yield shared_town
    await shared_town.clear()


@pytest.fixture
def somebody() -> Callable[[str], Person]:
    """A person of that kind whom nobody has treated yet."""

    def next_one(who: str) -> Person:
        areas = _free.setdefault(who, itertools.chain(_AREAS))
        return Person(next(areas), who)

    return next_one
