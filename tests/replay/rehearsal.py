"""A shipped scenario taken down its path by the real workflow, on a server whose time is turned.

The simulation goes first and tells what comes from outside, and when: orders, callbacks, the ends of calls. Then the
workflow is given the same at the same moments. Task ids and keys follow from the case number, so what was meant for
the imagined case fits the real one; that both write the same audit trail is checked on the way.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from catalogue.library import Library
from catalogue.scenario import Scenario
from catalogue.simulation import Answer, Course, Input, simulate
from domain import names
from domain.effects import Verb
from domain.plan import Plan
from domain.process import Call, CallOutcome, CommandResult
from domain.record import RecordBatch
from domain.start import CallProvince
from tests.replay.record import READABLE
from workflows.case import CaseWorkflow

SERVER = Path(sys.executable).parent / "temporal-test-server"
AT_ONCE = "0h"  # time stands still while a first try is under way
SOON, LONGEST = 20.0, 120.0
WEEK = timedelta(weeks=1)


class Diverged(AssertionError):
    """The workflow did something else than the simulation."""


class Outside:
    """The record, and provinces that say again what they said in the simulation."""

    def __init__(self, course: Course) -> None:
        self._batches: dict[int, RecordBatch] = {}
        self._answers: dict[tuple[str, Verb, str], list[Answer]] = defaultdict(list)
        self._changed = asyncio.Event()
        for answer in sorted(course.answers, key=lambda answer: answer.asked_at):
            self._answers[_name(answer.call)].append(answer)

    def events(self) -> list[str]:
        """What stands in the audit trail."""
        return [event.type for _, batch in sorted(self._batches.items()) for event in batch.events]

    @property
    def last(self) -> RecordBatch:
        """How the case stands."""
        return self._batches[max(self._batches)]

    async def until(self, events: int) -> None:
        """Until so many lines are in the audit trail."""
        try:
            async with asyncio.timeout(SOON):
                while len(self.events()) < events:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise Diverged(f"{events} lines expected, there are {len(self.events())}") from None

    @activity.defn(name=names.RECORD_ACTIVITY)
    async def record(self, batch: RecordBatch) -> None:
        self._batches[batch.number] = batch
        self._changed.set()

    @activity.defn(name=names.PROVINCE_ATTEMPT_ACTIVITY)
    async def try_province(self, request: CallProvince) -> CallOutcome:
        return self._answer(request.call)

    @activity.defn(name=names.PROVINCE_ACTIVITY)
    async def call_province(self, request: CallProvince) -> CallOutcome:
        return self._answer(request.call)

    def _answer(self, call: Call) -> CallOutcome:
        left = self._answers[_name(call)]
        if not left:
            raise ApplicationError(f"the simulation never asked {_name(call)}", non_retryable=True)
        takes = left[0].at - left[0].asked_at
        if takes and activity.info().attempt == 1:
            # only a patient call takes time: until then it cannot be reached
            raise ApplicationError("down", type="unavailable", next_retry_delay=takes)
        return left.pop(0).outcome


def _name(call: Call) -> tuple[str, Verb, str]:
    return call.step, call.verb, f"{call.key}:{call.patient}"


@cache
def quiet() -> Runtime:
    """The test server cannot everything that a server can, and the worker says so once for each queue."""
    level = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=level)))


async def rehearse(plan: Plan, scenario: Scenario, library: Library, *, local_first: bool) -> str:
    """The history of the scenario on the real workflow, as JSON. Diverged if it does not go as the scenario says.

    Each has a server of its own, whose time begins now: it is turned forward to the scenario's start, or so many whole
    weeks beyond it, and cannot be turned back for the next.
    """
    environment = await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(SERVER), runtime=quiet())
    async with environment:
        now = await environment.get_current_time()
        moved = scenario.shifted(max(0, -((scenario.start - now) // WEEK)))
        course = simulate(plan, moved, library, delay=AT_ONCE)
        if course.faults:
            raise Diverged("; ".join(course.faults))
        address = environment.client.service_client.config.target_host
        client = await Client.connect(address, plugins=[READABLE], identity="test", runtime=quiet())
        outside = Outside(course)
        run = _Run(environment, client, outside, course, moved.start)
        async with _at_work(client, outside, course):
            try:
                return await asyncio.wait_for(run.run(local_first=local_first), LONGEST)
            except TimeoutError:
                raise Diverged(f"stuck after {len(outside.events())} lines") from None


@asynccontextmanager
async def _at_work(client: Client, outside: Outside, course: Course) -> AsyncIterator[None]:
    grace: dict[str, Any] = {"graceful_shutdown_timeout": timedelta(0), "identity": "test"}
    core = Worker(
        client,
        task_queue=names.CORE_QUEUE,
        workflows=[CaseWorkflow],
        activities=[outside.record, outside.try_province],
        **grace,
    )
    queues = {names.province_queue(answer.call.place.region) for answer in course.answers}
    others = [Worker(client, task_queue=q, activities=[outside.call_province], **grace) for q in sorted(queues)]
    async with AsyncExitStack() as stack:
        for worker in (core, *others):
            await stack.enter_async_context(worker)
        yield


class _Run:
    def __init__(
        self, environment: WorkflowEnvironment, client: Client, outside: Outside, course: Course, start: datetime
    ) -> None:
        self.environment = environment
        self.client = client
        self.outside = outside
        self.course = course
        self.start = start

    async def run(self, *, local_first: bool) -> str:
        course, outside = self.course, self.outside
        await self._until(self.start)
        handle: WorkflowHandle[Any, Any] = await self.client.start_workflow(
            names.CASE_WORKFLOW,
            course.start.model_copy(update={"local_first": local_first}),
            id=course.case_no,
            task_queue=names.CORE_QUEUE,
        )
        written = [(line.at, line.what) for line in course.lines if not line.what.startswith("refused:")]
        for moment in sorted({at for at, _ in written} | {given.at for given in course.inputs}):
            await self._until(moment)
            for given in (given for given in course.inputs if given.at == moment):
                await outside.until(given.events)
                await self._send(handle, given)
            await outside.until(sum(at <= moment for at, _ in written))
        try:
            await asyncio.wait_for(handle.result(), SOON)
        except TimeoutError:
            raise Diverged("the case is closed in the simulation, and not in the workflow") from None
        self._compare(Counter(what for _, what in written))
        return (await handle.fetch_history()).to_json()

    async def _until(self, moment: datetime) -> None:
        left = moment - await self.environment.get_current_time()
        if left > timedelta(0):
            await self.environment.sleep(left)

    async def _send(self, handle: WorkflowHandle[Any, Any], given: Input) -> None:
        if given.callback is not None:
            await handle.signal(names.CALLBACK_SIGNAL, given.callback)
        if given.order is not None:
            await handle.execute_update(names.ORDER_UPDATE, given.order, id=given.order.id, result_type=CommandResult)

    def _compare(self, written: Counter[str]) -> None:
        view, course = self.outside.last.view, self.course
        if (view.status, view.reason) != (course.status, course.reason):
            raise Diverged(f"ended as {view.status} {view.reason}, expected {course.status} {course.reason}")
        found = Counter(self.outside.events())
        if found != written:
            raise Diverged(f"too many: {dict(found - written)}; missing: {dict(written - found)}")
