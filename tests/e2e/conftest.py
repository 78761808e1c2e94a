"""One stack of real processes for the whole folder, and one more for the way through queues only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.drive import Drive
from tongban.stack.stack import Stack


@pytest.fixture(scope="session")
def stack(folders: Callable[[str], Path]) -> Iterator[Stack]:
    """Everything, with two workers of each kind."""
    folder = folders("e2e")
    workers = {"core": 2, "provinces": 2}
    # no province takes longer over a call here than 340000 is given to settle
    options = {"340000": {"settle_s": "4"}}
    with Stack(folder, workers=workers, options=options, usual_ports=False, say=lambda _line: None) as running:
        yield running


@pytest_asyncio.fixture
async def drive(stack: Stack) -> AsyncIterator[Drive]:
    """A client of the stack; all faults are off before and after."""
    made = Drive(stack)
    await made.calm()
    yield made
    await made.calm()
    await made.aclose()
