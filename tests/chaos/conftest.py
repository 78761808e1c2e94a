"""One stack of real processes for every seed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.town import Town
from tongban.stack.parts import WITHOUT_MEDICAL
from tongban.stack.stack import Stack

SETTLE_S = "4"  # longer than any request is under way here, see faults.LONGEST_DELAY_S


@pytest.fixture(scope="session")
def stack(folders: Callable[[str], Path]) -> Iterator[Stack]:
    """Everything, with two workers of each kind, so that one may be killed."""
    workers = {"core": 2, "provinces": 2}
    options = {"340000": {"settle_s": SETTLE_S}}
    folder = folders("chaos")
    with Stack(
        folder, parts=WITHOUT_MEDICAL, workers=workers, options=options, usual_ports=False, say=lambda _line: None
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="session")
async def town(stack: Stack) -> AsyncIterator[Town]:
    """Whoever lives in it: people at the API, clerks at the counter, the provinces' books."""
    made = Town(stack)
    yield made
    await made.aclose()
