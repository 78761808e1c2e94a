"""The book of one case: its state, and everything about it that has yet to be written down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domain import names
from domain.calendar import WorkCalendar
from domain.case import CASE_TRANSITIONS, STEP_TRANSITIONS, CaseStatus, StepStatus
from domain.messages import SYSTEM, Actor, Place, Role
from domain.plan import CasePlan, CaseStep
from domain.process import clocks
from domain.process.state import Call, OpenTask, ProcessState, PromiseStatus, StepState, SupplementStatus
from domain.process.view import view
from domain.record import (
    Event,
    EvidenceChange,
    EvidenceState,
    LicenceIssued,
    RecordBatch,
    TaskChange,
    TaskKind,
    TaskState,
)

DECIDED_BY = {
    # by whom a task is decided, if not by a caseworker of its place
    TaskKind.SUPERVISE: Role.SUPERVISOR,
    TaskKind.EXTENSION: Role.SUPERVISOR,
    TaskKind.ARBITRATE: Role.COORDINATOR,
}


class Book:
    """What every rule of a case writes through: nothing changes without its line in the audit trail."""

    def __init__(
        self, case_no: str, plan: CasePlan, calendar: WorkCalendar, now: datetime, state: ProcessState | None = None
    ) -> None:
        self.case_no = case_no
        self.plan = plan
        self.calendar = calendar
        self.state = state or ProcessState(since=now, steps={s.id: StepState(since=now) for s in plan.steps})
        self.steps: dict[str, CaseStep] = {step.id: self._placed(step) for step in plan.steps}
        self.calls: list[Call] = []
        self._events: list[Event] = []
        self._tasks: list[TaskChange] = []
        self._licences: list[LicenceIssued] = []
        self._commands: list[str] = []
        self._pinned: CasePlan | None = None

    def _placed(self, step: CaseStep) -> CaseStep:
        """The step where another place has taken it over (移送)."""
        region = self.state.moved.get(step.id)
        return step.model_copy(update={"place": step.place.model_copy(update={"region": region})}) if region else step

    def move_step(self, step_id: str, region: str) -> None:
        """Another place of the same department carries it out from here on."""
        self.state.moved[step_id] = region
        self.steps[step_id] = self._placed(self.steps[step_id])

    def pin(self, plan: CasePlan, now: datetime) -> None:
        """Another plan takes the place of the one so far. What is remembered of a step stays with its id."""
        known = self.state.steps
        self.plan = self._pinned = plan
        self.state.steps = {s.id: known.get(s.id) or StepState(since=now) for s in plan.steps}
        self.steps = {step.id: self._placed(step) for step in plan.steps}

    @property
    def accepting(self) -> Place:
        """The place that answers for the whole."""
        region = self.state.moved.get("", self.plan.accepting.region)
        return self.plan.accepting.model_copy(update={"region": region})

    def next_wake(self) -> datetime | None:
        """When time itself will next matter to this case."""
        if self.state.closed_at is not None:
            return None
        times = [s.poll_at for s in self.state.steps.values()] + [clocks.next_expiry(self)]
        if self.state.closing is None:
            times += [
                s.ends_at
                for s in self.state.steps.values()
                if s.status is StepStatus.PUBLICITY and not self.has_task(s.task)
            ]
            days = [s.due for s in self.state.supplements.values() if s.status is SupplementStatus.OPEN]
            days += [p.due for p in self.state.promises.values() if p.status is PromiseStatus.OPEN and p.due]
            days += [p.planned for p in self.state.procedures.values() if p.ended_at is None and not p.overdue]
            times += [clocks.end_of(day) for day in days]
        return min((t for t in times if t is not None), default=None)

    def has_task(self, task_id: str) -> bool:
        """Whether that task is open."""
        return task_id in self.state.tasks

    @property
    def dirty(self) -> bool:
        """Whether anything happened since the last batch was taken."""
        return bool(self._events)

    def batch(self, now: datetime, epoch: int = 0) -> RecordBatch:
        """Everything since the last batch, numbered."""
        self.state.recorded += 1
        batch = RecordBatch(
            case_no=self.case_no,
            number=self.state.recorded,
            epoch=epoch,
            at=now,
            view=view(self, now),
            events=tuple(self._events),
            tasks=tuple(self._tasks),
            evidence=self._all_evidence(),
            licences=tuple(self._licences),
            commands=tuple(self._commands),
            open_tasks=tuple(self.state.tasks),
            all_commands=tuple(self.state.commands),
            plan=self._pinned,
        )
        self._events, self._tasks, self._licences, self._commands, self._pinned = [], [], [], [], None
        return batch

    def _all_evidence(self) -> tuple[EvidenceChange, ...]:
        return tuple(
            EvidenceChange(
                id=names.evidence_id(self.case_no, step_id),
                step=step_id,
                state=state.evidence,
                place=self.steps[step_id].place,
                command=state.command,
            )
            for step_id, state in self.state.steps.items()
            if state.evidence is not None
        )

    def note(
        self, type_: str, now: datetime, *, actor: Actor = SYSTEM, step: str = "", data: Mapping[str, str] | None = None
    ) -> None:
        """Adds a line to the audit trail."""
        leg = self.steps[step].leg if step in self.steps else ""
        self._events.append(Event(type=type_, at=now, actor=actor, leg=leg, step=step, data=data or {}))

    def set_status(self, status: CaseStatus, now: datetime) -> None:
        """Moves the case along its table; a change that the table does not know is a bug and stops the task."""
        if status not in CASE_TRANSITIONS[self.state.status]:
            raise RuntimeError(f"case cannot go from {self.state.status} to {status}")
        self.state.status, self.state.since = status, now
        self.note(f"case:status:{status}", now)

    def move(self, step_id: str, status: StepStatus, now: datetime) -> None:
        """Moves a step along its table."""
        state = self.state.steps[step_id]
        if status not in STEP_TRANSITIONS[state.status]:
            raise RuntimeError(f"step {step_id} cannot go from {state.status} to {status}")
        state.status, state.since = status, now

    def open_task(
        self,
        step_id: str,
        kind: TaskKind,
        place: Place,
        outcomes: tuple[str, ...],
        now: datetime,
        *,
        role: Role | None = None,
        undo: bool = False,
        about: str = "",
        not_by: tuple[str, ...] = (),
        due_at: datetime | None = None,
    ) -> str:
        """A human task at a place, with the same id on every replay. ``about``: what sets it apart if not its step."""
        state = self.state.steps.get(step_id)
        rounds = 0
        if state is not None:
            state.rounds += 1
            rounds = state.rounds
        task_id = names.task_id(self.case_no, about or step_id, kind, rounds)
        task = OpenTask(
            step=step_id,
            kind=kind,
            place=place,
            outcomes=outcomes,
            opened_at=now,
            due_at=due_at or clocks.due_of(self, step_id),
            undo=undo,
            about=about,
            not_by=not_by,
        )
        self.state.tasks[task_id] = task
        queue = self.steps[step_id].queue if step_id in self.steps else ""
        self._tasks.append(_task_change(task_id, task, TaskState.OPEN, role=role, queue=queue))
        self.note(f"task:{kind}:opened", now, step=step_id, data={"task": task_id})
        return task_id

    def close_task(self, task_id: str, state: TaskState, now: datetime, outcome: str = "") -> None:
        """Takes a task out of the worklist."""
        task = self.state.tasks.pop(task_id)
        self._tasks.append(_task_change(task_id, task, state, outcome=outcome))
        if state is TaskState.CANCELLED:
            self.note(f"task:{task.kind}:cancelled", now, step=task.step, data={"task": task_id})

    def issued(self, licence: LicenceIssued) -> None:
        """A licence exists from now on."""
        self._licences.append(licence)

    def promises_open(self) -> bool:
        """Whether something promised has still to come."""
        return any(p.status is PromiseStatus.OPEN for p in self.state.promises.values())

    def evidence(self, step_id: str, state: EvidenceState) -> None:
        """The evidence of a step has changed its state."""
        self.state.steps[step_id].evidence = state

    def close(self, status: CaseStatus, now: datetime) -> None:
        """The end: no clock, task or timer is left."""
        for task_id in list(self.state.tasks):
            self.close_task(task_id, TaskState.CANCELLED, now)
        self.set_status(status, now)
        clocks.mark(self, "closed", now)
        clocks.stop_all(self, now)
        self.state.closed_at = now


def _task_change(
    task_id: str, task: OpenTask, state: TaskState, *, outcome: str = "", role: Role | None = None, queue: str = ""
) -> TaskChange:
    default = DECIDED_BY.get(task.kind, Role.CASEWORKER)
    return TaskChange(
        id=task_id,
        step=task.step,
        kind=task.kind,
        state=state,
        role=role or default,
        place=task.place,
        outcomes=task.outcomes,
        opened_at=task.opened_at,
        due_at=task.due_at,
        outcome=outcome,
        queue=queue,
    )
