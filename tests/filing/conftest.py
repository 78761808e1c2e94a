"""A server whose clock can be turned, and a house around it: a recorder, a platform and chores that do as told."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.insurance import InsuranceActivities
from activities.matters import MatterActivities
from activities.province import ProvinceActivities
from activities.record import RecordActivities
from adapters.registry import open_provinces
from domain import names
from domain.medical import Act, Chore, Exchange, ExchangeOutcome, MatterBatch, MatterDone
from domain.messages import Message
from models.database import Database
from tests.filing.hall import Hall, Wire
from tests.filing.people import answer
from tests.fixtures.databases import Cluster
from tests.fixtures.houses import Office, open_office
from tests.insurance.conftest import shared_town, town
from tests.insurance.places import Town
from tongban.stack.keys import Secrets
from tongban.temporal import KeyRing, plugin
from tongban.worker import Work, build_workers
from workflows.medical import MATTER_WORKFLOWS

__all__ = ["shared_town", "town"]
KEYS = KeyRing("test", {"test": bytes(32)})


@dataclass
class House:
    """``answers``: what the platform says next to a message of this number; then it says yes."""

    client: Client
    batches: dict[str, list[MatterBatch]] = field(default_factory=lambda: defaultdict(list))
    asked: list[Exchange] = field(default_factory=list)
    answers: dict[str, list[ExchangeOutcome]] = field(default_factory=lambda: defaultdict(list))
    chores: list[Chore] = field(default_factory=list)

    @activity.defn(name=names.RECORD_MATTER_ACTIVITY)
    async def record_matter(self, batch: MatterBatch) -> None:
        kept = self.batches[batch.no]
        if batch.number > len(kept):
            assert batch.number == len(kept) + 1, "no gap"
            kept.append(batch)

    @activity.defn(name=names.INSURANCE_ACTIVITY)
    async def exchange(self, exchange: Exchange) -> ExchangeOutcome:
        self.asked.append(exchange)
        waiting = self.answers[exchange.infno]
        return waiting.pop(0) if waiting else answer(exchange)

    @activity.defn(name=names.CHORE_ACTIVITY)
    async def run_chore(self, chore: Chore) -> str:
        self.chores.append(chore)
        return json.dumps({"filed": True, "codes": []})

    async def start(self, kind: str, start: Message, no: str) -> WorkflowHandle[Any, Any]:
        return await self.client.start_workflow(names.MATTER_WORKFLOW[kind], start, id=no, task_queue=names.CORE_QUEUE)

    async def act(self, no: str, act: Act) -> MatterDone:
        handle = self.client.get_workflow_handle(no)
        done: MatterDone = await handle.execute_update(names.MATTER_UPDATE, act, id=act.id, result_type=MatterDone)
        return done

    async def refused(self, no: str, act: Act) -> str:
        with pytest.raises(WorkflowUpdateFailedError) as error:
            await self.act(no, act)
        assert isinstance(error.value.cause, ApplicationError)
        return str(error.value.cause.type)

    def view(self, no: str) -> dict[str, Any]:
        return dict(json.loads(self.batches[no][-1].view))

    def status(self, no: str) -> str:
        return self.batches[no][-1].status if self.batches[no] else ""

    def trail(self, no: str) -> list[str]:
        return [event.type for batch in self.batches[no] for event in batch.events]

    async def until(self, enough: Callable[[], object], within_s: float = 15.0) -> None:
        for _ in range(int(within_s / 0.02)):
            if enough():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(str({no: self.trail(no) for no in self.batches})[-2000:])


@pytest_asyncio.fixture(scope="session")
async def clock() -> AsyncIterator[WorkflowEnvironment]:
    """The server whose time is turned by ``sleep``."""
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(Path(sys.executable).parent / "temporal-test-server"),
        plugins=[plugin(KEYS, sandbox=True)],
    )
    async with environment:
        yield environment


@pytest_asyncio.fixture(scope="session")
async def house(clock: WorkflowEnvironment) -> AsyncIterator[House]:
    """Everybody at work."""
    place = House(clock.client)
    worker = Worker(
        clock.client,
        task_queue=names.CORE_QUEUE,
        workflows=list(MATTER_WORKFLOWS),
        activities=[place.record_matter, place.run_chore],
        graceful_shutdown_timeout=timedelta(0),
        identity="test",
    )
    counters = [
        Worker(clock.client, task_queue=names.insurance_queue(region), activities=[place.exchange], identity="test")
        for region in names.PROVINCES
    ]
    async with AsyncExitStack() as stack:
        for each in (worker, *counters):
            await stack.enter_async_context(each)
        yield place


@pytest_asyncio.fixture(scope="session")
async def dev_server() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal like the real thing, this room's own: no other worker listens to its queues."""
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
        dev_server_log_level="error",
        plugins=[plugin(KEYS, sandbox=False)],
    )
    async with environment:
        yield environment


@pytest_asyncio.fixture(scope="session")
async def product(
    dev_server: WorkflowEnvironment,
    cluster: Cluster,
    secrets_: Secrets,
    closed_port: int,
    shared_town: Town,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Office, Wire]]:
    """A running product over one new database; each test brings people of its own."""
    folder, database = tmp_path_factory.mktemp("hall"), Database(cluster.url(await cluster.create()), 12)
    urls = dict.fromkeys(names.PROVINCES, f"http://127.0.0.1:{closed_port}")
    async with open_office(database, secrets_, dev_server.client, folder, urls) as office:
        wire, provinces = Wire(shared_town), open_provinces(folder / "provinces.json")
        work = Work(
            record=RecordActivities(database),
            province=ProvinceActivities(database, provinces, 1),
            matters=MatterActivities(database),
            insurance=InsuranceActivities(database, wire),
        )
        workers = build_workers(dev_server.client, ["core", "province:340000"], work, 8)
        async with AsyncExitStack() as stack:
            for worker in workers:
                await stack.enter_async_context(worker)
            yield office, wire
        await provinces.aclose()
    await database.aclose()


@pytest.fixture
def hall(product: tuple[Office, Wire], town: Town) -> Hall:
    """That product, with people nobody has filed for yet."""
    return Hall(*product)
