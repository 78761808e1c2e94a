"""Provinces to talk to, one of each dialect: in this process for each test, or as a process for the whole folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.adapters.places import Desk, Mailbox, Process
from tests.adapters.wires import SHANGHAI, WIRES, ZHEJIANG, Wire


@pytest.fixture(params=WIRES, ids=lambda wire: wire.name)
def wire(request: pytest.FixtureRequest) -> Wire:
    """Each of the four."""
    assert isinstance(request.param, Wire)
    return request.param


@pytest_asyncio.fixture
async def desk(wire: Wire, tmp_path: Path) -> AsyncIterator[Desk]:
    """A province in this process; pending work stays pending."""
    place = Desk(wire, tmp_path)
    yield place
    await place.aclose()


@pytest_asyncio.fixture(scope="session")
async def mailbox() -> AsyncIterator[Mailbox]:
    """Where the shared processes send their callbacks."""
    async with Mailbox() as box:
        yield box


@pytest_asyncio.fixture(scope="session", params=WIRES, ids=lambda wire: wire.name)
async def shared(
    request: pytest.FixtureRequest, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Process]:
    """The process all tests of a dialect share; use ``province``."""
    data = tmp_path_factory.mktemp("province")
    place = Process(request.param, data, "--callback-url", mailbox.url, "--pending-seconds", "0.1")
    yield place
    assert await place.stop() == 0


@pytest_asyncio.fixture
async def province(shared: Process) -> AsyncIterator[Process]:
    """A real province, all faults off before and after."""
    await shared.clear()
    yield shared
    await shared.clear()


@pytest_asyncio.fixture
async def caller(province: Process) -> Process:
    """A real province that calls back."""
    if province.wire not in (SHANGHAI, ZHEJIANG):
        pytest.skip("it never calls back")
    return province
