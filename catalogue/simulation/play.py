"""Lets time pass until the case is closed, and compares how it went with what the scenario says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from catalogue.forms import check_eligibility, conditions, read_form
from catalogue.library import Library
from catalogue.scenario import Scenario, ScenarioError, later, moment_of
from catalogue.simulation.course import Course
from catalogue.simulation.people import People
from catalogue.simulation.provinces import Provinces
from catalogue.simulation.stage import Stage
from domain.calendar import local_day
from domain.case import StepStatus
from domain.errors import Refusals
from domain.identifiers import case_number
from domain.plan import Plan, Tolerance, bind
from domain.process import Intake, Process
from domain.process.state import SupplementStatus
from domain.record import Event
from domain.start import StartCase

LONGEST = timedelta(days=5 * 365)
MOST_EVENTS = 5000
USUAL_DELAY = "1h"
_CASE_MARKS = {"submitted", "received", "accepted", "decided", "supplement"}


def simulate(plan: Plan, scenario: Scenario, library: Library, *, delay: str = USUAL_DELAY) -> Course:
    """The course of the scenario; ScenarioError if it does not fit the definition at all.

    ``delay``: how long a back office takes for an answer of which the scenario does not say when it comes.
    """
    start = _start(plan, scenario, library)
    _check_names(plan, scenario, {step.id for step in start.plan.steps})
    deferrable = {m.id for m in start.plan.materials if m.tolerance is not Tolerance.CORE}
    for name in scenario.promised:
        if name not in deferrable:
            raise ScenarioError(f"promised: {name} is nothing that may be promised here")
    return _Play(start, scenario, delay).run()


def _start(plan: Plan, scenario: Scenario, library: Library) -> StartCase:
    try:
        form = read_form(plan, scenario.form, library.divisions)
        if faults := check_eligibility(plan, form):
            raise Refusals(faults)
    except Refusals as refusals:
        found = "; ".join(f"{r.field}: {r.code}" for r in refusals.items)
        raise ScenarioError(f"the form does not pass: {found}") from refusals
    case_plan = bind(plan, form, conditions(plan, form))
    number = case_number(case_plan.accepting.region, local_day(scenario.start), "pc", plan.number_code, 1)
    signers = tuple(f"cosigner-{i}" for i, _ in enumerate(plan.cosigners, 1))
    intake = Intake(promised=scenario.promised, signers=signers)
    return StartCase(case_no=number, plan=case_plan, calendar=library.calendar, local_first=True, intake=intake)


def _check_names(plan: Plan, scenario: Scenario, bound: set[str]) -> None:
    """A scenario that names what is not there would say nothing."""
    ids = bound | {step.id for step in plan.steps}
    promises = {f"promise-{m.id}" for m in plan.materials}
    for name in scenario.steps:
        if name not in ids | promises:
            raise ScenarioError(f"steps.{name}: no such step")
    for i, act in enumerate(scenario.acts):
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
        of_step = step in ids and end in {"started", "done"}
        if not of_step and act.when not in _CASE_MARKS and moment_of(act.when) is None:
            raise ScenarioError(f"acts.{i}.when: no such mark: {act.when}")


class _Play:
    def __init__(self, start: StartCase, scenario: Scenario, delay: str) -> None:
        self.start = start
        self.scenario = scenario
        self.process = Process(start.case_no, start.plan, start.calendar, scenario.start)
        self.stage = Stage(self.process, scenario)
        self.provinces = Provinces(self.stage, delay)
        self.people = People(self.stage)
        self._asked: set[str] = set()
        self._steps: dict[str, StepStatus] = {}
        self._fired: set[str] = set()
        self._called_off = False

    def run(self) -> Course:
        stage, state = self.stage, self.process.state
        self._mark("submitted")
        for act in self.scenario.acts:
            if (moment := moment_of(act.when)) is not None:
                stage.on(later(moment, act.after, self.process.calendar), partial(self.people.do, act))
        self.process.begin(stage.now, self.start.intake)
        self.people.sign(self.start.intake.signers)
        faults: list[str] = []
        while state.closed_at is None:
            self._look()
            if len(stage.events) > MOST_EVENTS or not stage.pass_time():
                faults.append("nothing more happens, and the case is not closed")
                break
            if stage.now > self.scenario.start + LONGEST:
                faults.append("the case is not closed after five years")
                break
        self._look()
        return Course(
            case_no=self.process.case_no,
            status=state.status,
            reason=state.reason,
            closed_at=state.closed_at,
            lines=tuple(stage.lines),
            faults=(*faults, *self._differences()),
            start=self.start,
            inputs=tuple(stage.inputs),
            answers=tuple(stage.answers),
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
        rest = iter(self.stage.events)
        for event in wanted.events:
            if event not in rest:
                yield f"events: {event} did not come (in this order)"

    # looking at what has changed, and arranging what follows from it

    def _look(self) -> None:
        if self.process.state.closing is not None and not self._called_off:
            self._called_off = True
            self.provinces.call_off()
        for call in self.process.calls:
            self.provinces.take(call)
        self.process.calls.clear()
        if self.process.dirty:
            for event in self.process.batch(self.stage.now).events:
                self._write(event)
        for task_id, task in self.process.state.tasks.items():
            if self._new(task_id):
                self.people.take(task_id, task)
        for step_id, state in self.process.state.steps.items():
            before, self._steps[step_id] = self._steps.get(step_id, StepStatus.WAITING), state.status
            if before is StepStatus.WAITING and state.status not in {StepStatus.WAITING, StepStatus.CANCELLED}:
                self._mark(f"{step_id}.started")
            if state.status is StepStatus.DONE:
                self._mark(f"{step_id}.done")
            if state.status is StepStatus.PREVIEW and self._new(f"preview:{step_id}:{state.generation}"):
                self.people.look_at_evidence(step_id, available=state.available)
        if any(s.status is SupplementStatus.OPEN for s in self.process.state.supplements.values()):
            self._mark("supplement")

    def _new(self, name: str) -> bool:
        """Whether this is seen for the first time."""
        new = name not in self._asked
        self._asked.add(name)
        return new

    def _write(self, event: Event) -> None:
        self.stage.write(event)
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
                self.stage.after(act.after, partial(self.people.do, act))
