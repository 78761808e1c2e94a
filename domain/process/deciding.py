"""Decisions on tasks: who may make them, and what each outcome leads to."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from domain.case import CaseStatus
from domain.messages import Actor, Place, Role
from domain.plan import OUTCOMES, StepKind
from domain.process import closing, custody, delays, hands, people, promises, steps, supplements
from domain.process.book import DECIDED_BY
from domain.process.orders import DecideCommand
from domain.process.state import OpenTask
from domain.record import TaskKind, TaskState
from domain.regions import covers

if TYPE_CHECKING:
    from domain.process.engine import Process

_OF_STEPS = {TaskKind(kind.value): good for kind, (good, _bad) in OUTCOMES.items() if kind is not StepKind.PUBLICITY}
_ENDS = {TaskKind.ACCEPT: CaseStatus.NOT_ACCEPTED, TaskKind.DECIDE: CaseStatus.DECIDED_REFUSED}


def may_decide(task: OpenTask, actor: Actor) -> bool:
    """Whether this person's role and place fit the task."""
    role = DECIDED_BY.get(task.kind, Role.CASEWORKER)
    if role is Role.COORDINATOR:
        return actor.role is Role.COORDINATOR
    return actor.role is role and at(actor, task.place)


def at(actor: Actor, place: Place) -> bool:
    """A caseworker of exactly this place, or a supervisor of it or above it."""
    if actor.department != place.department:
        return False
    return covers(actor.region, place.region) if actor.role is Role.SUPERVISOR else actor.region == place.region


def check(process: Process, command: DecideCommand) -> str | None:
    """Whether this decision may be made now, by this person."""
    task = process.state.tasks.get(command.task)
    if task is None:
        return "task_not_open"
    if command.outcome not in task.outcomes:
        return "outcome_unknown"
    if not may_decide(task, command.actor):
        return "not_found"
    if command.actor.subject in task.not_by:
        return "same_person"
    if task.kind in _OF_STEPS:
        return _check_step(process, task, command)
    return None


def _check_step(process: Process, task: OpenTask, command: DecideCommand) -> str | None:
    if supplements.open_one(process) and task.kind in supplements.ASKED_AT:
        return "supplement_open"
    step, good = process.steps[task.step], _OF_STEPS[task.kind]
    if command.outcome != good:
        return None
    if not {item.id for item in step.checklist if item.mandatory} <= set(command.ticked):
        return "checklist_incomplete"
    if task.kind is TaskKind.ARCHIVE and custody.missing(process):
        return "originals_missing"
    return None


def carry_out(process: Process, command: DecideCommand, now: datetime) -> None:
    """Closes the task and does what its outcome leads to."""
    task = process.state.tasks[command.task]
    process.close_task(command.task, TaskState.DONE, now, outcome=command.outcome)
    data = {"task": command.task, "outcome": command.outcome, "command": command.id}
    process.note(f"task:{task.kind}:decided", now, actor=command.actor, step=task.step, data=data)
    if task.kind in _OF_STEPS:
        _end_step(process, task, command, now)
    elif task.kind is TaskKind.RESOLVE:
        _resolve(process, task, command.outcome, now)
    elif rule := _ELSE.get(task.kind):
        rule(process, task, command, now)


def _end_step(process: Process, task: OpenTask, command: DecideCommand, now: datetime) -> None:
    state = process.state.steps[task.step]
    state.decider = command.actor.subject
    state.reference = command.reference or state.reference
    if command.outcome == _OF_STEPS[task.kind]:
        steps.done(process, task.step, now)
    elif task.kind in _ENDS:
        process.end_step(task.step, now)
        process.end(_ENDS[task.kind], f"refused_at_{task.kind}", now)
    else:
        steps.reject(process, task.step, now)


def _resolve(process: Process, task: OpenTask, outcome: str, now: datetime) -> None:
    if task.undo:
        closing.resolve(process, task.step, outcome, now)
    elif outcome == "terminate":
        steps.give_up(process, task.step, now)
    else:
        steps.retry(process, task.step, now)


_ELSE = {
    TaskKind.EXTENSION: delays.decide_extension,
    TaskKind.PROMISE: promises.decide,
    TaskKind.REKEY: hands.keyed_in,
    TaskKind.SUPPLY: hands.supplied,
    TaskKind.OBJECTION: people.decide_objection,
    TaskKind.TRANSFER: people.decide_transfer,
    TaskKind.ARBITRATE: people.decide_arbitration,
}
