"""One town for the folder; each test takes people whom no other test touches."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio

from tests.insurance.places import Person, Town

_seq = itertools.count(20)


@pytest_asyncio.fixture(scope="session")
async def shared_town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    made = Town(tmp_path_factory.mktemp("insurance"), "--hop-timeout", "0.5")
    yield made
    assert await made.close() == [0] * 5


@pytest_asyncio.fixture
async def town(shared_town: Town) -> AsyncIterator[Town]:
    """All faults off before and after."""
    await shared_town.clear()
    yield shared_town
    await shared_town.clear()


@pytest.fixture
def somebody(town: Town) -> Callable[[str], Person]:
    """A person of that kind whom nobody has treated yet."""

    def next_one(who: str) -> Person:
        person = Person("340100", who, f"{next(_seq):03}")
        told = httpx.post(
            town.urls["340000"] + "/sim/people",
            json={"area": person.area, "who": who, "seq": person.seq},
            trust_env=False,
        )
        assert told.json() == {"psn_no": person.psn_no, "certno": person.certno}
        return person

    return next_one
