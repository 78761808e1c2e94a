"""Two real servers, each started once: one whose clock can be turned, one like the real thing."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.workflow.house import Case, House, case_of, new_number, start
from tongban.temporal import KeyRing, plugin

BIN = Path(sys.executable).parent
KEYS = KeyRing("test", {"test": bytes(32)})
Opening = Callable[..., Awaitable[Case]]


@pytest_asyncio.fixture(scope="session")
async def dev_server() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(BIN / "temporal"),
        dev_server_log_level="error",
        plugins=[plugin(KEYS, sandbox=True)],
        identity="test",
    )
    async with environment:
        yield environment


@pytest_asyncio.fixture(scope="session")
async def client(dev_server: WorkflowEnvironment) -> Client:
    return dev_server.client


@pytest_asyncio.fixture(scope="session")
async def house(client: Client) -> AsyncIterator[House]:
    """Everybody at work on the dev server."""
    place = House()
    async with place.at_work(client):
        yield place


@pytest.fixture
def case(house: House, client: Client) -> Case:
    """A case on the dev server, not started yet."""
    return case_of(house, client, new_number())


@pytest_asyncio.fixture(scope="session")
async def clock() -> AsyncIterator[WorkflowEnvironment]:
    """The server whose time is turned by ``sleep``."""
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(BIN / "temporal-test-server"), plugins=[plugin(KEYS, sandbox=True)]
    )
    async with environment:
        yield environment


@pytest_asyncio.fixture(scope="session")
async def later_house(clock: WorkflowEnvironment) -> AsyncIterator[House]:
    place = House()
    async with place.at_work(clock.client):
        yield place


@pytest.fixture
def later(later_house: House, clock: WorkflowEnvironment) -> Case:
    """A case on the server whose time is turned, not started yet."""
    return case_of(later_house, clock.client, new_number())


@pytest.fixture
def opened(client: Client) -> Opening:
    async def opening(case: Case, **options: object) -> Case:
        return await start(case, client, **options)  # type: ignore[arg-type]

    return opening
