"""容缺受理 and 告知承诺: what was promised instead of handed in, until when, and what a broken promise leads to."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from domain.case import CaseStatus
from domain.messages import Role
from domain.plan import CaseMaterial, OnBroken, StepKind, Tolerance
from domain.process import clocks, deciding
from domain.process.orders import CaptureCommand, DecideCommand, HandInCommand
from domain.process.state import OpenTask, PromiseState, PromiseStatus
from domain.record import TaskKind

if TYPE_CHECKING:
    from domain.process.engine import Process


def begin(process: Process, promised: tuple[str, ...]) -> None:
    """Nothing runs before acceptance."""
    process.state.promises = {name: PromiseState() for name in promised}


def accepted(process: Process, now: datetime, on: date) -> None:
    """From acceptance on the limits run: a caseworker verifies a commitment, a deferred material is awaited."""
    for name, state in process.state.promises.items():
        _count(process, name, state, on)
        state.since = now
        if _material(process, name).tolerance is Tolerance.COMMITMENT:
            process.open_task(
                "",
                TaskKind.PROMISE,
                process.accepting,
                ("kept", "broken"),
                now,
                about=f"promise:{name}",
                due_at=clocks.end_of(state.due) if state.due else None,
            )


def check_hand_in(process: Process, command: HandInCommand) -> str | None:
    """The applicant hands in what is still owed."""
    state = process.state.promises.get(command.material)
    if state is None or command.actor.role not in {Role.CITIZEN, Role.AGENT, Role.CASEWORKER}:
        return "not_found"
    return None if state.status is PromiseStatus.OPEN else "promise_settled"


def hand_in(process: Process, command: HandInCommand, now: datetime) -> None:
    """A deferred material that comes keeps the promise; the proof of a commitment goes to whoever verifies it."""
    data = {"material": command.material, "command": command.id}
    process.note("promise:handed_in", now, actor=command.actor, data=data)
    if _material(process, command.material).tolerance is Tolerance.DEFERRABLE:
        _settle(process, command.material, PromiseStatus.KEPT, now)


def check_capture(process: Process, command: CaptureCommand) -> str | None:
    """A caseworker of a place that meets the applicant: where it is accepted, collected, or at the window.

    In a session at the virtual window the rules of the session have said who may, wherever its halls are.
    """
    if command.session and command.actor.role is Role.CASEWORKER:
        return None
    places = [process.accepting, *(s.place for s in process.steps.values() if s.kind is StepKind.WINDOW)]
    if process.plan.collecting is not None:
        places.append(process.plan.collecting)
    at_one = any(deciding.at(command.actor, place) for place in places)
    return None if command.actor.role is Role.CASEWORKER and at_one else "not_found"


def capture(process: Process, command: CaptureCommand, now: datetime) -> None:
    """The document is in the case; if it was promised, the promise is kept."""
    data = {"material": command.material, "digest": command.digest, "command": command.id}
    process.note("document:captured", now, actor=command.actor, data=data)
    promised = process.state.promises.get(command.material)
    owed = promised is not None and promised.status is PromiseStatus.OPEN
    if owed and _material(process, command.material).tolerance is Tolerance.DEFERRABLE:
        _settle(process, command.material, PromiseStatus.KEPT, now)


def decide(process: Process, task: OpenTask, command: DecideCommand, now: datetime) -> None:
    """A caseworker has verified a commitment, or has said what becomes of a broken promise."""
    name = task.about.split(":")[1]
    if command.outcome == "kept":
        _settle(process, name, PromiseStatus.KEPT, now)
    elif command.outcome == "excused":
        _settle(process, name, PromiseStatus.EXCUSED, now)
    elif command.outcome == "broken":
        _break(process, name, now)
    else:
        _settle(process, name, PromiseStatus.BROKEN, now)
        process.end(CaseStatus.TERMINATED, "promise_broken", now)


def expire(process: Process, now: datetime) -> None:
    """The limit of a deferred material has run out; an unverified commitment becomes a supervisor's business."""
    for name, state in process.state.promises.items():
        if state.status is not PromiseStatus.OPEN or state.due is None or now < clocks.end_of(state.due):
            continue
        if _material(process, name).tolerance is Tolerance.DEFERRABLE:
            _break(process, name, now)
            if process.state.closing is not None:
                return
        elif not any(t.about == f"promise:{name}:late" for t in process.state.tasks.values()):
            state.due = None  # told once
            process.note("promise:unverified", now, data={"material": name})
            process.open_task("", TaskKind.SUPERVISE, process.accepting, ("noted",), now, about=f"promise:{name}:late")


def recompute(process: Process, now: datetime) -> None:
    """A holiday notice was loaded."""
    for name, state in process.state.promises.items():
        if state.status is PromiseStatus.OPEN and state.due is not None and state.counted_from is not None:
            _count(process, name, state, state.counted_from)


def _break(process: Process, name: str, now: datetime) -> None:
    """The consequence is the one that was declared, and shown, before submission."""
    material = _material(process, name)
    if material.on_broken is OnBroken.TERMINATE:
        _settle(process, name, PromiseStatus.BROKEN, now)
        process.end(CaseStatus.TERMINATED, "promise_broken", now)
        return
    process.note("promise:broken", now, data={"material": name})
    process.state.promises[name].due = None
    process.open_task(
        "", TaskKind.PROMISE, process.accepting, ("excused", "terminate"), now, about=f"promise:{name}:broken"
    )


def _settle(process: Process, name: str, status: PromiseStatus, now: datetime) -> None:
    process.state.promises[name].status = status
    process.note(f"promise:{status}", now, data={"material": name})


def _count(process: Process, name: str, state: PromiseState, on: date) -> None:
    limit = _material(process, name).due
    state.counted_from = on
    if limit is not None:
        due = process.calendar.due_in(on, limit.days, limit.unit)
        state.due, state.provisional = due.day, due.provisional


def _material(process: Process, name: str) -> CaseMaterial:
    return next(m for m in process.plan.materials if m.id == name)
