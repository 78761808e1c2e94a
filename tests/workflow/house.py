"""The house around a real Temporal: a recorder that keeps batches, provinces that do as they are told, and people."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from domain import names
from domain.case import CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.identifiers import case_number
from domain.messages import Actor, Role
from domain.plan import CasePlan
from domain.process import (
    CallOutcome,
    CommandResult,
    DecideCommand,
    EvidenceCommand,
    OutcomeStatus,
    ProcessState,
    WithdrawCommand,
)
from domain.record import CaseView, EvidenceState, RecordBatch, TaskChange, TaskState
from domain.start import CallProvince, StartCase
from tests.unit.plans import HERE, LIBRARY, LICENCE, moving
from tests.unit.receiver import ACCEPTED, Receiver
from workflows.case import CaseWorkflow

CITIZEN = Actor(subject="c-1", role=Role.CITIZEN)
DAY = datetime(2026, 11, 23, tzinfo=UTC).date()
SOON = 10.0
Way = Callable[[Receiver, CallProvince], Awaitable[CallOutcome]]


def says(wish: AnswerStatus, *, after_s: int = 60) -> Way:
    """The province answers at once. ``after_s``: when it wants to be asked again."""

    async def way(receiver: Receiver, request: CallProvince) -> CallOutcome:
        outcome = receiver.take(request.call, wish).outcome()
        return outcome.model_copy(update={"poll_after_s": after_s})

    return way


def fails(status: OutcomeStatus, code: str = "test", *, acts: bool = False) -> Way:
    """No answer; with ``acts`` it has been done all the same."""

    async def way(receiver: Receiver, request: CallProvince) -> CallOutcome:
        if acts:
            receiver.take(request.call, ACCEPTED)
        return CallOutcome(status=status, code=code)

    return way


async def acts_then_hangs(receiver: Receiver, request: CallProvince) -> CallOutcome:
    """Done, and the answer never comes: the activity is cut off."""
    receiver.take(request.call, ACCEPTED)
    await asyncio.sleep(60)
    raise AssertionError("cut off before")


async def acts_then_crashes(receiver: Receiver, request: CallProvince) -> CallOutcome:
    """Done, and the process that asked dies of it."""
    receiver.take(request.call, ACCEPTED)
    raise RuntimeError("crashed")


@dataclass
class House:
    """``ways``: (operation, verb) -> what its next calls meet; then all goes well."""

    batches: dict[str, list[RecordBatch]] = field(default_factory=lambda: defaultdict(list))
    receivers: dict[str, Receiver] = field(default_factory=lambda: defaultdict(Receiver))
    ways: dict[tuple[str, str, Verb], list[Way]] = field(default_factory=lambda: defaultdict(list))
    tried: list[tuple[str, CallProvince]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    pen: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.pen.set()

    @activity.defn(name=names.RECORD_ACTIVITY)
    async def record(self, batch: RecordBatch) -> None:
        await self.pen.wait()
        kept = self.batches[batch.case_no]
        if batch.number <= len(kept):
            return
        if batch.number != len(kept) + 1 and kept:
            raise ApplicationError("gap", type="RecordOutOfOrder")
        kept.append(batch)
        self.changed.set()

    @activity.defn(name=names.PROVINCE_ATTEMPT_ACTIVITY)
    async def try_province(self, request: CallProvince) -> CallOutcome:
        return await self._meet("local", request)

    @activity.defn(name=names.PROVINCE_ACTIVITY)
    async def call_province(self, request: CallProvince) -> CallOutcome:
        outcome = await self._meet("queue", request)
        if request.call.patient and outcome.status in {OutcomeStatus.UNAVAILABLE, OutcomeStatus.UNKNOWN}:
            raise ApplicationError(outcome.code, type=outcome.status.value)
        return outcome

    async def _meet(self, how: str, request: CallProvince) -> CallOutcome:
        self.tried.append((how, request))
        self.changed.set()
        receiver, call = self.receivers[request.case_no], request.call
        ways = self.ways[request.case_no, call.operation if call.verb is not Verb.REVERSE else call.step, call.verb]
        if ways:
            return await ways.pop(0)(receiver, request)
        if call.verb is Verb.FIND:
            return receiver.find(call).model_copy(update={"poll_after_s": 60})
        return receiver.take(call, ACCEPTED, licence=LICENCE).outcome()

    @asynccontextmanager
    async def at_work(
        self,
        client: Client,
        queue: str = names.CORE_QUEUE,
        *,
        provinces: Sequence[str] = names.PROVINCES,
        cache: int = 100,
    ) -> AsyncIterator[None]:
        """Workers of all roles, one process of them."""
        grace: dict[str, Any] = {"graceful_shutdown_timeout": timedelta(0), "identity": "test"}
        core = Worker(
            client,
            task_queue=queue,
            workflows=[CaseWorkflow],
            activities=[self.record, self.try_province],
            max_cached_workflows=cache,
            **grace,
        )
        queues = [
            Worker(client, task_queue=names.province_queue(region), activities=[self.call_province], **grace)
            for region in provinces
        ]
        async with AsyncExitStack() as stack:
            for worker in (core, *queues):
                await stack.enter_async_context(worker)
            yield


_numbers = count(1)


@dataclass
class Case:
    """One case as its people see it."""

    house: House
    handle: WorkflowHandle[Any, Any]
    no: str
    commands: int = 0

    @property
    def batches(self) -> list[RecordBatch]:
        return self.house.batches[self.no]

    @property
    def view(self) -> CaseView:
        return self.batches[-1].view

    @property
    def receiver(self) -> Receiver:
        return self.house.receivers[self.no]

    def step(self, name: str) -> StepStatus:
        return next(s.status for s in self.view.steps if s.id == name)

    def tasks(self, step: str) -> list[TaskChange]:
        """The open tasks of a step, as recorded."""
        tasks = {t.id: t for batch in self.batches for t in batch.tasks}
        return [t for t in tasks.values() if t.step == step and t.state is TaskState.OPEN]

    def events(self) -> list[str]:
        return [event.type for batch in self.batches for event in batch.events]

    def meets(self, operation: str, *ways: Way, verb: Verb = Verb.SUBMIT) -> None:
        """The next calls of an operation (for reversals: of a step) go like this."""
        self.house.ways[self.no, operation, verb] += ways

    async def until(self, what: Callable[[], bool], within: float = SOON) -> None:
        """Until it is on record."""
        try:
            async with asyncio.timeout(within):
                while not (self.batches and what()):
                    self.house.changed.clear()
                    await self.house.changed.wait()
        except TimeoutError:
            raise AssertionError(
                f"not within {within} s; {self.batches[-1].view if self.batches else 'nothing'}"
            ) from None

    async def until_step(self, name: str, *status: StepStatus) -> None:
        await self.until(lambda: self.step(name) in status)

    async def until_closed(self) -> None:
        await self.until(lambda: self.view.closed_at is not None)
        await self.handle.result()

    async def order(self, update: str, command: object, command_id: str) -> CommandResult:
        result: CommandResult = await self.handle.execute_update(
            update, command, id=command_id, result_type=CommandResult
        )
        return result

    async def decide(self, step: str, outcome: str, actor: Actor | None = None) -> CommandResult:
        await self.until(lambda: bool(self.tasks(step)))
        open_ = self.tasks(step)
        task = next((t for t in open_ if outcome in t.outcomes), open_[0])
        by = actor or Actor(subject="w", role=task.role, region=task.place.region, department=task.place.department)
        self.commands += 1
        name = f"d{self.commands}"
        return await self.order(
            names.ORDER_UPDATE, DecideCommand(id=name, task=task.id, outcome=outcome, actor=by), name
        )

    async def until_tried(self, step: str) -> None:
        """Until a call of that step has reached its province; nothing need be on record."""
        async with asyncio.timeout(SOON):
            while not any(r.case_no == self.no and r.call.step == step for _, r in self.house.tried):
                self.house.changed.clear()
                await self.house.changed.wait()

    async def evidence(self, step: str, *, accept: bool = True) -> CommandResult:
        offered = EvidenceState.OFFERED if accept else EvidenceState.REQUESTED
        await self.until(lambda: any(e.step == step and e.state is offered for b in self.batches for e in b.evidence))
        self.commands += 1
        name = f"e{self.commands}"
        item = names.evidence_id(self.no, step)
        command = EvidenceCommand(id=name, evidence=item, accept=accept, replaced=not accept, actor=CITIZEN)
        return await self.order(names.ORDER_UPDATE, command, name)

    async def withdraw(self) -> CommandResult:
        self.commands += 1
        name = f"w{self.commands}"
        return await self.order(names.ORDER_UPDATE, WithdrawCommand(id=name, actor=CITIZEN), name)

    async def to_decision(self) -> None:
        """Accepted, evidence released: what is left is the provinces' and the decision."""
        await self.decide("accept", "accept")
        await self.evidence("representative")
        await self.evidence("shareholder")

    async def to_the_end(self) -> None:
        """Everybody agrees."""
        await self.to_decision()
        await self.decide("decide", "grant")
        await self.until_closed()
        assert self.view.status is CaseStatus.COMPLETED

    def nets(self) -> dict[str, int]:
        """What stands at the provinces."""
        steps = {step for step, _, _ in self.receiver.ledger}
        return {step: self.receiver.net(step) for step in steps if self.receiver.net(step)}


def new_number() -> str:
    return case_number(HERE.region, DAY, "pc", "ENTMOV", next(_numbers))


def case_of(house: House, client: Client, no: str) -> Case:
    """A case that is not started yet, so that its provinces can be told what to do."""
    return Case(house, client.get_workflow_handle(no), no)


async def start(
    case: Case,
    client: Client,
    *,
    plan: CasePlan | None = None,
    local_first: bool = True,
    state: ProcessState | None = None,
    queue: str = names.CORE_QUEUE,
) -> Case:
    """Starts the case's workflow as the gateway does."""
    message = StartCase(
        case_no=case.no, plan=plan or moving(), calendar=LIBRARY.calendar, local_first=local_first, state=state
    )
    case.handle = await client.start_workflow(names.CASE_WORKFLOW, message, id=case.no, task_queue=queue)
    return case
