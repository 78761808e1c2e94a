"""The server whose clock can be turned, with the clearing's real work on a real database."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.clearing import ClearingActivities
from activities.reconciliation import ReconciliationActivities
from adapters.books import JsonBooks
from domain import names
from models.calendars import Calendars
from models.database import Database
from tests.clearing.samples import CALENDAR, PROFILE
from tongban.temporal import KeyRing, plugin
from tongban.wiring import ClearingWork
from workflows.clearing import CLEARING_WORKFLOWS

KEYS = KeyRing("test", {"test": bytes(32)})


@pytest_asyncio.fixture
async def clock(database: Database, tmp_path: Path) -> AsyncIterator[WorkflowEnvironment]:
    """A server and a worker of this test's own: its time has not been turned yet."""
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(Path(sys.executable).parent / "temporal-test-server"),
        plugins=[plugin(KEYS, sandbox=True)],
    )
    async with environment, at_work(environment.client, database, tmp_path):
        yield environment


def at_work(client: Client, database: Database, books: Path) -> Worker:
    """Somebody who does all of clearing and reconciliation."""
    work = ClearingWork(
        ClearingActivities(database, lambda: PROFILE, Calendars(lambda: CALENDAR)),
        ReconciliationActivities(database, JsonBooks(books)),
    )
    return Worker(
        client,
        task_queue=names.CORE_QUEUE,
        workflows=CLEARING_WORKFLOWS,
        activities=work.activities(),
        graceful_shutdown_timeout=timedelta(0),
        identity="test",
    )
