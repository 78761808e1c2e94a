"""The platform in both forms."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from models.database import Database
from tests.bills.halls import Hall
from tests.bills.places import InProcess, Program
from tests.fixtures.databases import Cluster
from tests.fixtures.houses import Office, open_office
from tongban.stack.keys import Secrets

MEMORY = Path("/dev/shm")
IN_MEMORY = MEMORY if MEMORY.is_dir() else None


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: hundreds of transactions wait for the disk otherwise."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as made:
        yield Path(made)


@pytest_asyncio.fixture
async def platform(folder: Path) -> AsyncIterator[InProcess]:
    """Without sockets."""
    made = InProcess(folder)
    yield made
    await made.aclose()


@pytest_asyncio.fixture
async def program(folder: Path) -> AsyncIterator[Program]:
    """A process."""
    made = Program(folder)
    yield made
    await made.stop()


@pytest_asyncio.fixture(scope="module")
async def shared(
    cluster: Cluster,
    secrets_: Secrets,
    unreachable: Client,
    closed_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Office, InProcess]]:
    """The API with a database of this module's own, connected to a platform."""
    name, folder = await cluster.create(), tmp_path_factory.mktemp("hall")
    database = Database(cluster.url(name), 24)
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as books:
        platform = InProcess(Path(books))
        urls = dict.fromkeys(("310000", "320000", "330000", "340000"), f"http://127.0.0.1:{closed_port}")
        async with open_office(database, secrets_, unreachable, folder, urls, ebills=platform.ours) as office:
            yield office, platform
        await platform.aclose()
    await database.aclose()
    await cluster.drop(name)


@pytest_asyncio.fixture
async def hall(shared: tuple[Office, InProcess]) -> Hall:
    """New people, no fault left, the true time, and nothing unread."""
    made = Hall(*shared)
    await made.platform.controls.delete("/sim/faults")
    await made.platform.controls.delete("/sim/clock")
    await made.read_feed()
    made.recorder.told.clear()
    return made
