"""The platform in both forms."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bills.places import InProcess, Program

MEMORY = Path("/dev/shm")


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
