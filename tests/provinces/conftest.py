"""Every face in turn, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.provinces.callers import CALLERS
from tests.provinces.places import Desk, Mailbox


@pytest_asyncio.fixture(params=[caller.region for caller in CALLERS])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """Any of the four provinces."""
    made = Desk(str(request.param), tmp_path)
    yield made
    await made.aclose()


@pytest_asyncio.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with Mailbox() as made:
        yield made
