"""One case with everything around it: calls under way, a province, people. After each act the rules are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from domain import names
from domain.calendar import WorkCalendar
from domain.case import CASE_TRANSITIONS, TERMINAL, CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.messages import Actor, Role
from domain.plan import CasePlan, StepKind
from domain.process import (
    AnyOrder,
    Call,
    Callback,
    CallOutcome,
    CommandResult,
    CosignCommand,
    DecideCommand,
    EvidenceCommand,
    Intake,
    OriginalCommand,
    OutcomeStatus,
    Process,
    ProcessState,
    ReplySupplementCommand,
    Stage,
    WithdrawCommand,
    custody,
)
from domain.process.book import DECIDED_BY
from domain.process.state import PromiseStatus, SupplementStatus, UndoStatus
from domain.record import RecordBatch, TaskKind, TaskState
from tests.unit.plans import CASE_NO, LIBRARY, LICENCE, NOW
from tests.unit.receiver import ACCEPTED, PENDING, REJECTED, Entry, Receiver

CITIZEN = Actor(subject="c-1", role=Role.CITIZEN)
Result = CommandResult | bool | None


@dataclass
class Flight:
    """A call under way. ``taken``: what the province said, once it has arrived there."""

    call: Call
    told: CallOutcome | None = None


@dataclass
class World:
    plan: CasePlan
    intake: Intake = field(default_factory=Intake)
    calendar: WorkCalendar = field(default_factory=lambda: LIBRARY.calendar)
    receiver: Receiver = field(default_factory=Receiver)
    flights: list[Flight] = field(default_factory=list)
    lost: list[Call] = field(default_factory=list)
    batches: list[RecordBatch] = field(default_factory=list)
    results: dict[str, CommandResult] = field(default_factory=dict)
    orders: list[AnyOrder] = field(default_factory=list)
    path: list[CaseStatus] = field(default_factory=lambda: [CaseStatus.SUBMITTED])

    def __post_init__(self) -> None:
        self.now = NOW
        self.sound = True  # no act has been broken off by a failed assertion
        self.process = Process(CASE_NO, self.plan, self.calendar, self.now)
        self.process.begin(self.now, self.intake)
        self._collect(closing_before=False)

    # acts

    def act(self, do: Callable[[Process], Result]) -> Result:
        """Does something to the case and to its twin that has been through JSON; both must come out alike."""
        twin = Process(CASE_NO, self.process.plan, self.process.calendar, self.now, self.reread())
        closing_before = self.process.state.closing is not None
        self.sound = False
        result = do(self.process)
        self.plan = self.process.plan  # it may have been moved to another version
        assert do(twin) == result
        assert twin.calls == self.process.calls
        assert twin.dirty == self.process.dirty
        if twin.dirty:
            mine = self._collect(closing_before=closing_before)
            assert twin.batch(self.now) == mine
        else:
            self._collect(closing_before=closing_before)
        assert twin.state.model_dump_json() == self.process.state.model_dump_json()
        self.sound = True
        return result

    def reread(self) -> ProcessState:
        """The state as it comes out of continue-as-new."""
        return ProcessState.model_validate_json(self.process.state.model_dump_json())

    def arrive(self, flight: Flight, wish: AnswerStatus, licence: str = LICENCE) -> None:
        """The call reaches the province; its answer is still on the way."""
        call = flight.call
        if call.verb is Verb.FIND:
            flight.told = self.receiver.key_in(call) if call.decision else self.receiver.find(call)
        else:
            flight.told = self.receiver.take(call, wish, licence=licence).outcome()

    def end(self, flight: Flight, outcome: CallOutcome | None = None) -> None:
        """The call ends: as the province said, or as given."""
        outcome = outcome or flight.told
        assert outcome is not None
        self.flights.remove(flight)
        if flight.told is None and outcome.status is OutcomeStatus.UNKNOWN:
            self.lost.append(flight.call)  # it may still arrive
        self.act(lambda p: p.take_outcome(flight.call, outcome, self.now))

    def answer(self, flight: Flight, wish: AnswerStatus = ACCEPTED, licence: str = LICENCE) -> None:
        """Arrives and is answered."""
        if flight.told is None:
            self.arrive(flight, wish, licence)
        self.end(flight)

    def fail(self, flight: Flight, status: OutcomeStatus) -> None:
        """Ends without an answer."""
        self.end(flight, CallOutcome(status=status, code="test"))

    def call_back(self, message: Callback) -> bool:
        """A province's report comes in."""
        return bool(self.act(lambda p: p.take_callback(message, self.now)))

    def complete(self, entry: Entry, answer: AnswerStatus = ACCEPTED) -> None:
        """The province ends what it had taken in, and reports it."""
        self.receiver.complete(entry, answer)
        self.call_back(entry.callback("e1"))

    def order(self, command: AnyOrder) -> str | None:
        """What a person asks for; the code of the refusal if it is refused. A known id gets its old answer."""
        before = self.process.state.model_dump_json()
        refusal: str | None = self.process.check(command)
        assert self.process.state.model_dump_json() == before, "a check must not change anything"
        if refusal is None:
            result = self.act(lambda p: p.carry_out(command, self.now))
            assert isinstance(result, CommandResult)
            assert self.results.setdefault(command.id, result) == result
            self.orders.append(command)
        return refusal

    def decide(self, task: str, outcome: str) -> str | None:
        """The caseworker of the task's own place decides it."""
        place = self.process.state.tasks[task].place
        open_ = self.process.state.tasks[task]
        subject = next(name for name in ("w-1", "w-2", "w-3", "w-4") if name not in open_.not_by)
        role = DECIDED_BY.get(open_.kind, Role.CASEWORKER)
        actor = Actor(subject=subject, role=role, region=place.region, department=place.department)
        undo = next((u for u in self.process.state.undo if u.step == self.process.state.tasks[task].step), None)
        by_hand = outcome == "settled_by_hand" and undo is not None
        step = self.process.steps.get(open_.step)
        ticked = tuple(item.id for item in step.checklist) if step else ()
        refusal = self.order(
            DecideCommand(id=f"d-{task}-{outcome}", task=task, outcome=outcome, ticked=ticked, actor=actor)
        )
        if refusal is None and by_hand and undo is not None:
            self.receiver.undo(undo.step, undo.key)
        return refusal

    def evidence(self, step: str, *, accept: bool) -> str | None:
        """The applicant answers; declining means an own document is handed in."""
        item = names.evidence_id(CASE_NO, step)
        number = len(self.orders)
        return self.order(
            EvidenceCommand(
                id=f"e-{step}-{accept}-{number}", evidence=item, accept=accept, replaced=True, actor=CITIZEN
            )
        )

    def withdraw(self) -> str | None:
        return self.order(WithdrawCommand(id="w", actor=CITIZEN))

    def carry(self, material: str) -> str | None:
        """An original goes one stage further."""
        stage = custody.CHAIN[self.process.state.originals[material]]
        assert stage is not None
        early = stage in {Stage.SEALED, Stage.SHIPPED} and self.plan.collecting is not None
        place = self.plan.collecting if early and self.plan.collecting else self.process.accepting
        actor = Actor(subject="post", role=Role.CASEWORKER, region=place.region, department=place.department)
        return self.order(OriginalCommand(id=f"o-{material}-{stage}", actor=actor, material=material, stage=stage))

    def pass_time(self, by: timedelta | None = None) -> None:
        """Until the next timer, or by as much as given; the timer rings if it is due."""
        due = self.process.next_wake()
        self.now = max(self.now, due) if by is None and due else self.now + (by or timedelta(minutes=1))
        if due is not None and due <= self.now:
            self.act(lambda p: p.take_time(self.now))
            again = self.process.next_wake()
            assert again is None or again > self.now, "the timer would ring for ever"

    # what a test asks

    @property
    def status(self) -> CaseStatus:
        return self.process.state.status

    @property
    def closed(self) -> bool:
        return self.process.state.closed_at is not None

    def flight(self, step: str) -> Flight:
        """The call of that step."""
        return next(f for f in self.flights if f.call.step == step)

    def task(self, step: str) -> str:
        """The open task of that step."""
        return next(
            i for i, t in self.process.state.tasks.items() if t.step == step and t.kind is not TaskKind.SUPERVISE
        )

    def step(self, step: str) -> StepStatus:
        return self.process.state.steps[step].status

    def accept(self) -> None:
        """The application is accepted."""
        assert self.decide(self.task("accept"), "accept") is None

    # the rules

    def _collect(self, *, closing_before: bool) -> RecordBatch | None:
        process = self.process
        for call in process.calls:
            if closing_before:
                assert call.verb in {Verb.REVERSE, Verb.FIND}, f"{call.verb} of {call.step} although the case is ending"
            if call.verb is Verb.REVERSE and not call.patient:  # else it goes on with one that has begun
                undo = [u for u in process.state.undo if u.key == call.original]
                later = process.state.undo[process.state.undo.index(undo[0]) + 1 :]
                if process.state.closing is None:  # only a failed leg is undone, the others go on
                    leg = process.steps[call.step].leg
                    later = [u for u in later if process.steps[u.step].leg == leg]
                assert all(u.status is UndoStatus.DONE for u in later), "last in, first out"
            self.flights.append(Flight(call))
        process.calls.clear()
        batch = None
        if process.dirty:
            batch = process.batch(self.now)
            assert RecordBatch.model_validate_json(batch.model_dump_json()) == batch
            assert batch.number == len(self.batches) + 1
            self.batches.append(batch)
            self._follow(batch)
        self._nobody_waits_in_vain()
        return batch

    def _follow(self, batch: RecordBatch) -> None:
        for event in batch.events:
            if event.type.startswith("case:status:"):
                status = CaseStatus(event.type.rsplit(":", 1)[1])
                assert status in CASE_TRANSITIONS[self.path[-1]]
                self.path.append(status)
        assert batch.view.status is self.path[-1] is self.status
        assert bool(batch.view.waiting) != self.closed
        opened = [t.id for b in self.batches for t in b.tasks if t.state is TaskState.OPEN]
        assert len(opened) == len(set(opened)), "a task id is given once"

    def _nobody_waits_in_vain(self) -> None:
        """Never nobody's: each step that is under way has somebody or something that will move it."""
        state = self.process.state
        if self.closed:
            assert self.status in TERMINAL
            assert not state.tasks
            assert self.process.next_wake() is None
            assert all(c.stopped_at is not None for c in state.clocks.values())
            return
        flying = {(f.call.step, f.call.verb) for f in self.flights}
        tasks = {(t.step, t.undo) for t in state.tasks.values() if t.kind is not TaskKind.SUPERVISE}
        held = False
        for name, step in state.steps.items():
            holder = {
                StepStatus.CALLING: (name, step.calling) in flying,
                StepStatus.BLOCKED: (name, step.calling) in flying,
                StepStatus.PENDING: step.poll_at is not None
                or (name, Verb.FIND) in flying
                or (name, False) in tasks
                or bool(state.closing),
                StepStatus.TASK: (name, False) in tasks,
                StepStatus.RESOLVE: None if step.failed else (name, False) in tasks or bool(state.closing),
                StepStatus.PREVIEW: True,
                StepStatus.PUBLICITY: step.ends_at is not None or (name, False) in tasks,
            }.get(step.status)
            assert holder is not False, f"{name} is {step.status} and nobody's"
            held = held or (
                bool(holder) and not (state.closing and step.status in {StepStatus.PENDING, StepStatus.RESOLVE})
            )
        for undo in state.undo:
            poll = state.steps[undo.step].poll_at is not None
            holder = {
                UndoStatus.RUNNING: (undo.step, Verb.REVERSE) in flying,
                UndoStatus.PENDING: poll or (undo.step, Verb.FIND) in flying or (undo.step, True) in tasks,
                UndoStatus.RESOLVE: (undo.step, True) in tasks,
            }.get(undo.status)
            assert holder is not False, f"the reversal of {undo.step} is {undo.status} and nobody's"
            held = held or bool(holder)
        for supplement in state.supplements.values():
            held = held or supplement.status is SupplementStatus.OPEN
        for promise in state.promises.values():
            open_ = promise.status is PromiseStatus.OPEN
            held = held or (open_ and (promise.due is not None or any(t.about for t in state.tasks.values())))
        held = held or (self.status is CaseStatus.SUBMITTED and None in state.signatures.values())
        shown = {name: s.status.value for name, s in state.steps.items()}
        assert held, f"the case is open and nobody's: {self.status} {shown} {state.closing}"

    def check_end(self) -> None:
        """What must be true once the case is closed and everything sent has arrived."""
        for call in self.lost:
            if call.verb in {Verb.SUBMIT, Verb.REVERSE, Verb.FETCH}:
                self.receiver.take(call, ACCEPTED)
        assert self.closed
        for step in self.plan.steps:
            if step.kind not in {StepKind.EFFECT, StepKind.CERTIFICATE}:
                continue
            failed = self.process.state.reason == "partly_done" and self.step(step.id) is not StepStatus.DONE
            tolerated = self.process.state.steps[step.id].tolerated
            if self.status is CaseStatus.COMPLETED and not failed and not tolerated:
                assert self.step(step.id) is StepStatus.DONE
                assert self.receiver.net(step.id) == 1
            elif step.compensate_with:
                assert self.receiver.net(step.id) == 0, f"{step.id} still stands"
        submitted = [key for _, key, change in self.receiver.ledger if change > 0]
        assert len(submitted) == len(set(submitted))


def finish(world: World) -> None:
    """From wherever the case is, everybody does what is asked of him: it must come to its end."""
    for _ in range(200):
        if world.closed:
            break
        state = world.process.state
        if world.flights:
            world.answer(world.flights[0])
        elif pending := world.receiver.pending():
            world.complete(pending[0])
        elif signer := next((s for s, at in state.signatures.items() if at is None), None):
            actor = Actor(subject=signer, role=Role.CITIZEN)
            assert world.order(CosignCommand(id=f"sign-{signer}", actor=actor, agree=True)) is None
        elif supplement := next((i for i, s in state.supplements.items() if s.status is SupplementStatus.OPEN), None):
            items = tuple(item.id for item in state.supplements[supplement].items)
            reply = ReplySupplementCommand(id=f"r-{supplement}", actor=CITIZEN, supplement=supplement, items=items)
            assert world.order(reply) is None
        elif state.closing is None and (missing := custody.missing(world.process)):
            world.carry(missing[0])
        elif task := next(iter(state.tasks), None):
            world.decide(task, _best(state.tasks[task].outcomes))
        elif preview := next((i for i, s in state.steps.items() if s.status is StepStatus.PREVIEW), None):
            world.evidence(preview, accept=state.steps[preview].available)
        else:
            world.pass_time()
    world.check_end()


def _best(outcomes: Sequence[str]) -> str:
    return next((o for o in ("noted", "settled_by_hand", "terminate") if o in outcomes), outcomes[0])


__all__ = ["ACCEPTED", "PENDING", "REJECTED", "Flight", "World", "finish"]
