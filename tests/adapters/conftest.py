"""Provinces to talk to: one in this process for each test, one as a process for the whole folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.adapters.places import Desk, Mailbox, Process


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A province in this process; pending work stays pending."""
    place = Desk(tmp_path)
    yield place
    await place.aclose()


@pytest_asyncio.fixture(scope="session")
async def mailbox() -> AsyncIterator[Mailbox]:
    """Where the shared process sends its callbacks."""
    async with Mailbox() as box:
        yield box


@pytest_asyncio.fixture(scope="session")
async def shared(mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Process]:
    """The process all tests share; use ``province``."""
    data = tmp_path_factory.mktemp("province")
    place = Process(data, "--callback-url", mailbox.url, "--pending-seconds", "0.1")
    yield place
    assert await place.stop() == 0


@pytest_asyncio.fixture
async def province(shared: Process) -> AsyncIterator[Process]:
    """A real province, all faults off before and after."""
    await shared.clear()
    yield shared
    await shared.clear()
