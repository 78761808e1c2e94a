"""A town whose time is turned: everything real, but nobody has to wait for a deadline."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from tests.fixtures.databases import Cluster
from tests.fixtures.running import Town, open_town
from tongban.stack.stack import Stack
from tongban.temporal import KeyRing, plugin


class Timeless(Town):
    """``clock``: the server whose time is turned by ``sleep``."""

    clock: WorkflowEnvironment


@pytest_asyncio.fixture(scope="session")
async def timeless(
    cluster: Cluster, folders: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Timeless]:
    with Stack(folders("machine"), parts={"provinces"}, usual_ports=False, say=lambda _line: None) as engine:
        keys = KeyRing.read(engine.secrets.payload_keys)
        clock = await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=str(Path(sys.executable).parent / "temporal-test-server"),
            plugins=[plugin(keys, sandbox=False)],
        )
        async with clock, open_town(cluster, engine, clock.client, tmp_path_factory.mktemp("machine")) as town:
            town.__class__ = Timeless
            town.clock = clock  # type: ignore[attr-defined]
            yield town  # type: ignore[misc]
