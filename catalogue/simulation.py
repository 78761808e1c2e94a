"""A definition run in virtual time against scripted provinces and people: the very rules that run real cases.

Nothing is imitated but the outside: ``domain.process`` decides, this module only lets time pass and answers for
everybody as the scenario says.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from catalogue.forms import check_eligibility, conditions, read_form
from catalogue.library import Library
from catalogue.scenario import Act, Item, Part, Scenario, ScenarioError, later
from domain import names
from domain.calendar import WorkCalendar, local_day
from domain.case import CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.errors import Refusals
from domain.identifiers import case_number, make_licence_id
from domain.messages import Actor, Message, Place, Role
from domain.plan import Plan, StepKind, bind
from domain.process import (
    AnyOrder,
    AskExtensionCommand,
    BeginProcedureCommand,
    Call,
    Callback,
    CallOutcome,
    CancelSupplementCommand,
    CosignCommand,
    DecideCommand,
    EndProcedureCommand,
    EvidenceCommand,
    HandInCommand,
    Intake,
    ItemKind,
    ObjectCommand,
    OriginalCommand,
    OutcomeStatus,
    Process,
    ReplySupplementCommand,
    RequestSupplementCommand,
    Stage,
    SupplementItem,
    TransferCommand,
    WithdrawCommand,
)
from domain.process.book import DECIDED_BY
from domain.process.state import OpenTask, SupplementStatus
from domain.record import Event, TaskKind

LONGEST = timedelta(days=5 * 365)
MOST_EVENTS = 5000
NEVER_S = 10**8
ISSUER = "11310000XXXX000510"  # synthetic, see docs/reference/scenarios.md
APPLICANT = Actor(subject="applicant", role=Role.CITIZEN)
_WAIT_AND_TRY_AGAIN = {"supplement_open", "originals_missing"}


class Line(Message):
    """One line of the path: when, where, which step, what (an audit event or something somebody could not do)."""

    at: datetime
    place: Place | None
    step: str
    what: str
    detail: str


class Course(Message):
    """How it went."""

    case_no: str
    status: CaseStatus
    reason: str
    closed_at: datetime | None
    lines: tuple[Line, ...]
    faults: tuple[str, ...]  # what differs from what the scenario says


def simulate(plan: Plan, scenario: Scenario, library: Library) -> Course:
    """The course of the scenario; ScenarioError if it does not fit the definition at all."""
    return _Simulation(plan, scenario, library).run()


class _Simulation:
    def __init__(self, plan: Plan, scenario: Scenario, library: Library) -> None:
        try:
            form = read_form(plan, scenario.form, library.divisions)
            if faults := check_eligibility(plan, form):
                raise Refusals(faults)
        except Refusals as refusals:
            found = "; ".join(f"{r.field}: {r.code}" for r in refusals.items)
            raise ScenarioError(f"the form does not pass: {found}") from refusals
        self.scenario = scenario
        self.calendar: WorkCalendar = library.calendar
        self.now = scenario.start
        case_plan = bind(plan, form, conditions(plan, form))
        self._known(plan, {step.id for step in case_plan.steps})
        day = local_day(self.now)
        number = case_number(case_plan.accepting.region, day, "pc", plan.number_code, 1)
        self.process = Process(number, case_plan, self.calendar, self.now)
        self.signers = tuple(f"cosigner-{i}" for i, _ in enumerate(plan.cosigners, 1))
        self.lines: list[Line] = []
        self.events: list[str] = []
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = count(1)
        self._asked: set[str] = set()
        self._steps: dict[str, StepStatus] = {}
        self._fired: set[str] = set()
        self._out: dict[str, AnswerStatus] = {}

    def _known(self, plan: Plan, bound: set[str]) -> None:
        """A scenario that names what is not there would say nothing."""
        ids = bound | {step.id for step in plan.steps}
        promises = {f"promise-{m.id}" for m in plan.materials}
        for name in self.scenario.steps:
            if name not in ids | promises:
                raise ScenarioError(f"steps.{name}: no such step")
        for i, act in enumerate(self.scenario.acts):
            named = {
                "step": (act.step, ids),
                "material": (act.material, {m.id for m in plan.materials}),
                "clock": (act.clock, {c.id for c in plan.clocks}),
                "procedure": (act.procedure, {p.id for p in plan.procedures}),
            }
            for what, (name, known) in named.items():
                if name and name not in known:
                    raise ScenarioError(f"acts.{i}.{what}: no such {what}: {name}")
            step, _, end = act.when.rpartition(".")
            if _moment(act.when) is not None:
                continue
            if step and (step not in ids or end not in {"started", "done"}):
                raise ScenarioError(f"acts.{i}.when: no such mark: {act.when}")
            if not step and act.when not in {"submitted", "received", "accepted", "decided", "supplement"}:
                raise ScenarioError(f"acts.{i}.when: no such mark: {act.when}")

    def run(self) -> Course:
        self._mark("submitted")
        for act in self.scenario.acts:
            if (moment := _moment(act.when)) is not None:
                self._on(later(moment, act.after, self.calendar), partial(self._do, act))
        self.process.begin(self.now, Intake(promised=self.scenario.promised, signers=self.signers))
        if self.scenario.cosigners != "never":
            for signer in self.signers:
                self._at("1h", partial(self._sign, signer))
        faults: list[str] = []
        while self.process.state.closed_at is None:
            self._look()
            wake = self.process.next_wake()
            first = self._agenda[0][0] if self._agenda else None
            moments = [m for m in (wake, first) if m is not None]
            if not moments or len(self.events) > MOST_EVENTS:
                faults.append("nothing more happens, and the case is not closed")
                break
            self.now = max(self.now, min(moments))
            if self.now > self.scenario.start + LONGEST:
                faults.append("the case is not closed after five years")
                break
            if first is not None and first <= self.now:
                heapq.heappop(self._agenda)[2]()
            else:
                self.process.take_time(self.now)
        self._look()
        state = self.process.state
        return Course(
            case_no=self.process.case_no,
            status=state.status,
            reason=state.reason,
            closed_at=state.closed_at,
            lines=tuple(self.lines),
            faults=(*faults, *self._differences()),
        )

    def _differences(self) -> Iterator[str]:
        state, wanted = self.process.state, self.scenario
        if state.status is not wanted.ends:
            yield f"ends: {state.status}, expected {wanted.ends}"
        if wanted.reason and state.reason != wanted.reason:
            yield f"reason: {state.reason or 'none'}, expected {wanted.reason}"
        if wanted.ends_on and (state.closed_at is None or local_day(state.closed_at) != wanted.ends_on):
            ended = local_day(state.closed_at) if state.closed_at else "never"
            yield f"ends_on: {ended}, expected {wanted.ends_on}"
        rest = iter(self.events)
        for event in wanted.events:
            if event not in rest:
                yield f"events: {event} did not come (in this order)"

    # looking at what has changed, and arranging what follows from it

    def _look(self) -> None:
        for call in self.process.calls:
            self._answer(call)
        self.process.calls.clear()
        if self.process.dirty:
            for event in self.process.batch(self.now).events:
                self._write(event)
        for task_id, task in self.process.state.tasks.items():
            if task_id not in self._asked:
                self._asked.add(task_id)
                self._ask(task_id, task)
        for step_id, state in self.process.state.steps.items():
            before, self._steps[step_id] = self._steps.get(step_id, StepStatus.WAITING), state.status
            if before is StepStatus.WAITING and state.status not in {StepStatus.WAITING, StepStatus.CANCELLED}:
                self._mark(f"{step_id}.started")
            if state.status is StepStatus.DONE:
                self._mark(f"{step_id}.done")
            if state.status is StepStatus.PREVIEW and f"preview:{step_id}:{state.generation}" not in self._asked:
                self._asked.add(f"preview:{step_id}:{state.generation}")
                declines = any(a.does == "decline_evidence" and a.step == step_id for a in self.scenario.acts)
                if not declines:
                    self._at("1h", partial(self._evidence, step_id, accept=state.available))
        if any(s.status is SupplementStatus.OPEN for s in self.process.state.supplements.values()):
            self._mark("supplement")

    def _write(self, event: Event) -> None:
        self.events.append(event.type)
        step = self.process.steps.get(event.step)
        detail = ", ".join(f"{k}={v}" for k, v in event.data.items() if v and k not in {"task", "command"})
        place = step.place if step else None
        self.lines.append(Line(at=event.at, place=place, step=event.step, what=event.type, detail=detail))
        for status in ("received", "accepted"):
            if event.type == f"case:status:{status}":
                self._mark(status)
        if event.type == "case:status:decided_granted":
            self._mark("decided")

    def _mark(self, name: str) -> None:
        if name in self._fired:
            return
        self._fired.add(name)
        for act in self.scenario.acts:
            if act.when == name:
                self._at(act.after, partial(self._do, act))

    def _at(self, after: str, do: Callable[[], None]) -> None:
        self._on(later(self.now, after, self.calendar), do)

    def _on(self, moment: datetime, do: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (moment, next(self._number), do))

    # provinces

    def _answer(self, call: Call) -> None:
        part = self.scenario.steps.get(call.step, Part())
        if call.verb is Verb.REVERSE:
            self._end(call, part.reversal, "1h" if part.reversal != "down" else part.after or "1d")
        elif call.verb is Verb.FIND:
            self._at("1h", lambda: self._outcome(call, self._out.get(call.key, AnswerStatus.PENDING)))
        elif call.verb is Verb.OFFER:
            self._end(call, "rejected" if part.answer == "missing" else part.answer, part.after)
        elif part.answer == "pending_forever":
            self._outcome_soon(call, AnswerStatus.PENDING)
        elif part.after and part.answer != "down":
            status = AnswerStatus.REJECTED if part.answer == "rejected" else AnswerStatus.ACCEPTED
            self._outcome_soon(call, AnswerStatus.PENDING)
            self._at(part.after, lambda: self._call_back(call, status, part))
        else:
            self._end(call, part.answer, part.after)

    def _end(self, call: Call, answer: str, after: str) -> None:
        if answer == "down" and not call.patient:
            self._at("1h", lambda: self._unavailable(call))
            return
        status = AnswerStatus.REJECTED if answer == "rejected" else AnswerStatus.ACCEPTED
        self._at(after or "1h", lambda: self._outcome(call, status))

    def _outcome_soon(self, call: Call, status: AnswerStatus) -> None:
        self._at("1h", lambda: self._outcome(call, status))

    def _unavailable(self, call: Call) -> None:
        self.process.take_outcome(call, CallOutcome(status=OutcomeStatus.UNAVAILABLE, code="down"), self.now)

    def _outcome(self, call: Call, status: AnswerStatus) -> None:
        part = self.scenario.steps.get(call.step, Part())
        reference, licence = self._result(call)
        outcome = CallOutcome(
            status=OutcomeStatus.ANSWERED,
            answer=status,
            reference=reference,
            reasons=part.reasons if status is AnswerStatus.REJECTED else (),
            poll_after_s=NEVER_S,
            licence=licence if status is AnswerStatus.ACCEPTED else "",
        )
        self.process.take_outcome(call, outcome, self.now)

    def _call_back(self, call: Call, status: AnswerStatus, part: Part) -> None:
        self._out[call.key] = status
        reference, licence = self._result(call)
        message = Callback(
            event_id=f"event-{next(self._number)}",
            key=call.key,
            answer=status,
            reference=reference,
            reasons=part.reasons if status is AnswerStatus.REJECTED else (),
            licence=licence,
        )
        self.process.take_callback(message, self.now)

    def _result(self, call: Call) -> tuple[str, str]:
        step, number = self.process.steps[call.step], next(self._number)
        licence = make_licence_id(step.licence_type, ISSUER, f"{number:016d}") if step.licence_type else ""
        return f"{call.place.region[:2]}-{number:06d}", licence

    # people

    def _ask(self, task_id: str, task: OpenTask) -> None:
        """Arranges when a task's person decides it, and how."""
        part = self.scenario.steps.get(task.step, Part())
        outcome, after = task.outcomes[0], "1wd"
        if task.kind is TaskKind.RESOLVE:
            outcome = part.resolve if not task.undo else "settled_by_hand"
        elif task.kind is TaskKind.OBJECTION:
            outcome = part.outcome or outcome
        elif task.kind is TaskKind.PROMISE:
            said = self.scenario.steps.get(f"promise-{task.about.split(':')[1]}", Part())
            outcome, after = (said.outcome, said.after or after) if said.outcome in task.outcomes else (outcome, after)
        elif task.kind is TaskKind.EXTENSION:
            denied = any(a.does == "ask_extension" and not a.approve for a in self.scenario.acts)
            outcome = "deny" if denied else "approve"
        elif task.kind.value in {kind.value for kind in StepKind}:
            outcome, after = part.outcome or outcome, part.after or after
        if outcome not in task.outcomes:
            raise ScenarioError(f"steps.{task.step}: {outcome} is none of {', '.join(task.outcomes)}")
        self._at(after, lambda: self._decide(task_id, task, outcome))

    def _decide(self, task_id: str, task: OpenTask, outcome: str) -> None:
        if task_id not in self.process.state.tasks:
            return  # the law, or the end of the case, was quicker
        step = self.process.steps.get(task.step)
        command = DecideCommand(
            id=f"d{next(self._number)}",
            task=task_id,
            outcome=outcome,
            ticked=tuple(item.id for item in step.checklist) if step else (),
            actor=_person(DECIDED_BY.get(task.kind, Role.CASEWORKER), task.place, f"{task.kind}-{task.step}"),
        )
        if self._order(command) in _WAIT_AND_TRY_AGAIN:
            self._at("1wd", lambda: self._decide(task_id, task, outcome))

    def _evidence(self, step_id: str, *, accept: bool) -> None:
        item = names.evidence_id(self.process.case_no, step_id)
        number = f"e{next(self._number)}"
        self._order(EvidenceCommand(id=number, evidence=item, accept=accept, replaced=not accept, actor=APPLICANT))

    def _sign(self, signer: str) -> None:
        self._order(self._cosign(signer, agree=True))

    def _cosign(self, signer: str, *, agree: bool) -> CosignCommand:
        actor = Actor(subject=signer, role=Role.CITIZEN)
        return CosignCommand(id=f"c{next(self._number)}", actor=actor, agree=agree)

    def _order(self, order: AnyOrder) -> str | None:
        refusal = self.process.check(order)
        if refusal is None:
            self.process.carry_out(order, self.now)
        else:
            self.lines.append(
                Line(at=self.now, place=None, step="", what=f"refused:{order.verb}", detail=f"code={refusal}")
            )
        return refusal

    def _do(self, act: Act) -> None:
        if self.process.state.closed_at is not None:
            return
        order = self._order_of(act)
        if order is None:
            raise ScenarioError(f"{act.does}: there is nothing to do this to at {self.now:%Y-%m-%d}")
        self._order(order)

    def _order_of(self, act: Act) -> AnyOrder | None:
        """The order that an act stands for."""
        state, name = self.process.state, f"a{next(self._number)}"
        accepting = self.process.accepting
        clerk = _person(Role.CASEWORKER, accepting, "acts")
        if act.does == "withdraw":
            return WithdrawCommand(id=name, actor=APPLICANT)
        if act.does == "decline_evidence":
            item = names.evidence_id(self.process.case_no, act.step)
            return EvidenceCommand(id=name, evidence=item, accept=False, replaced=True, actor=APPLICANT)
        if act.does == "request_supplement":
            return self._request(act, name)
        if act.does in {"reply_supplement", "cancel_supplement"}:
            found = next((i for i, s in state.supplements.items() if s.status is SupplementStatus.OPEN), None)
            if found is None:
                return None
            supplement = state.supplements[found]
            if act.does == "cancel_supplement":
                return CancelSupplementCommand(id=name, supplement=found, actor=supplement.by)
            wanted = supplement.items
            if act.items != "all":
                named = {i if isinstance(i, str) else i.material or i.field for i in act.items}
                wanted = tuple(i for i in wanted if i.about.partition(":")[2] in named)
            return ReplySupplementCommand(id=name, supplement=found, items=tuple(i.id for i in wanted), actor=APPLICANT)
        if act.does == "ask_extension":
            clock = next(c for c in self.process.plan.clocks if c.id == act.clock)
            step = self.process.steps.get(clock.stop.removesuffix(".done"))
            clerk = _person(Role.CASEWORKER, step.place if step else accepting, "extension")
            return AskExtensionCommand(id=name, clock=act.clock, actor=clerk)
        if act.does in {"begin_procedure", "end_procedure"}:
            task = next(iter(state.tasks.values()), None)
            clerk = _person(Role.CASEWORKER, task.place if task else accepting, "procedure")
            if act.does == "end_procedure":
                return EndProcedureCommand(id=name, procedure=act.procedure, actor=clerk)
            days = int(act.planned.rstrip("dwh") or 0)
            return BeginProcedureCommand(id=name, procedure=act.procedure, planned_days=days, actor=clerk)
        if act.does == "hand_in":
            return HandInCommand(id=name, material=act.material, actor=APPLICANT)
        if act.does == "cosign":
            left = [signer for signer, at in state.signatures.items() if at is None]
            return self._cosign(left[0], agree=act.agree) if left else None
        if act.does == "object":
            return ObjectCommand(id=name, step=act.step, actor=APPLICANT)
        if act.does == "original":
            return self._original(act, name)
        return TransferCommand(id=name, region=act.region, actor=clerk)

    def _request(self, act: Act, name: str) -> RequestSupplementCommand | None:
        tasks = self.process.state.tasks
        found = next((i for i, t in tasks.items() if t.step == act.step or not act.step), None)
        if found is None or act.items == "all":
            return None
        items = tuple(
            SupplementItem(
                id=f"i{n}",
                about=f"material:{item.material}" if item.material else f"form:{item.field}",
                kind=ItemKind(item.kind),
            )
            for n, item in enumerate(act.items, 1)
            if isinstance(item, Item)
        )
        actor = _person(Role.CASEWORKER, tasks[found].place, "supplement")
        return RequestSupplementCommand(id=name, task=found, items=items, about_new=act.about_new, actor=actor)

    def _original(self, act: Act, name: str) -> OriginalCommand:
        plan, stage = self.process.plan, Stage(act.stage)
        collector = plan.collecting if stage in {Stage.SEALED, Stage.SHIPPED} and plan.collecting else None
        place = collector or self.process.accepting
        return OriginalCommand(
            id=name, material=act.material, stage=stage, actor=_person(Role.CASEWORKER, place, "post")
        )


def _moment(when: str) -> datetime | None:
    """A moment instead of a mark."""
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _person(role: Role, place: Place, name: str) -> Actor:
    """Somebody at a place; another name is another person, as four eyes want it."""
    if role is Role.COORDINATOR:
        return Actor(subject="coordinator", role=role)
    return Actor(subject=f"{role}-{place.region}-{name}", role=role, region=place.region, department=place.department)
