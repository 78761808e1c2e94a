"""What takes longer: the one extension the law allows (第四十二条), procedures that stop clocks (第四十五条)."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from domain.calendar import local_day
from domain.messages import Actor, Role
from domain.plan import Clock
from domain.process import clocks, deciding
from domain.process.orders import (
    AskExtensionCommand,
    BeginProcedureCommand,
    DecideCommand,
    EndProcedureCommand,
)
from domain.process.state import Extension, OpenTask, ProcedureState
from domain.record import TaskKind

if TYPE_CHECKING:
    from domain.process.engine import Process


def check_extension(process: Process, command: AskExtensionCommand) -> str | None:
    """Once per clock, while it runs, by a caseworker of the place it binds."""
    clock = next((c for c in process.plan.clocks if c.id == command.clock), None)
    state = process.state.clocks.get(command.clock)
    if clock is None or not _bound_by(process, clock, command.actor):
        return "not_found"
    if clock.extension is None or clock.legal is None:
        return "extension_not_foreseen"
    if state is None or state.stopped_at is not None:
        return "clock_not_running"
    return None if state.extension is Extension.NONE else "extension_used"


def _bound_by(process: Process, clock: Clock, actor: Actor) -> bool:
    step = process.steps.get(clock.stop.removesuffix(".done"))
    place = step.place if step else process.accepting
    return actor.role is Role.CASEWORKER and deciding.at(actor, place)


def ask_extension(process: Process, command: AskExtensionCommand, now: datetime) -> None:
    """Another person gets the task to approve it."""
    clock = next(c for c in process.plan.clocks if c.id == command.clock)
    process.state.clocks[command.clock].extension = Extension.ASKED
    data = {"clock": command.clock, "command": command.id}
    process.note("clock:extension:asked", now, actor=command.actor, data=data)
    step = process.steps.get(clock.stop.removesuffix(".done"))
    process.open_task(
        step.id if step else "",
        TaskKind.EXTENSION,
        step.place if step else process.accepting,
        ("approve", "deny"),
        now,
        about=f"extension:{command.clock}",
        not_by=(command.actor.subject,),
    )


def decide_extension(process: Process, task: OpenTask, command: DecideCommand, now: datetime) -> None:
    """Approved, the applicant is told with the reason; denied, the limit stands."""
    clock_id = task.about.removeprefix("extension:")
    if command.outcome == "approve":
        clocks.extend(process, clock_id, now)
    else:
        process.state.clocks[clock_id].extension = Extension.DENIED
        process.note("clock:extension:denied", now, data={"clock": clock_id})


def check_begin(process: Process, command: BeginProcedureCommand) -> str | None:
    """A caseworker with a task in this case, once at a time."""
    if not any(deciding.may_decide(task, command.actor) for task in process.state.tasks.values()):
        return "not_found"
    procedure = next((p for p in process.plan.procedures if p.id == command.procedure), None)
    if procedure is None:
        return "procedure_unknown"
    running = process.state.procedures.get(command.procedure)
    if running is not None:
        return "procedure_used"
    return "procedure_too_long" if command.planned_days > procedure.longest.days else None


def begin_procedure(process: Process, command: BeginProcedureCommand, now: datetime) -> None:
    """From tomorrow the clocks that name it stand still; the applicant is told until when."""
    planned = _planned(process, command.procedure, command.planned_days, local_day(now))
    process.state.procedures[command.procedure] = ProcedureState(begun_on=local_day(now), planned=planned)
    data = {"procedure": command.procedure, "planned": planned.isoformat(), "command": command.id}
    process.note("procedure:begun", now, actor=command.actor, data=data)
    clocks.pause(process, command.procedure, now)


def check_end(process: Process, command: EndProcedureCommand) -> str | None:
    """A caseworker with a task in this case."""
    if not any(deciding.may_decide(task, command.actor) for task in process.state.tasks.values()):
        return "not_found"
    state = process.state.procedures.get(command.procedure)
    return "procedure_unknown" if state is None or state.ended_at is not None else None


def end_procedure(process: Process, command: EndProcedureCommand, now: datetime) -> None:
    """What it took in fact is what did not count."""
    process.state.procedures[command.procedure].ended_at = now
    data = {"procedure": command.procedure, "command": command.id}
    process.note("procedure:ended", now, actor=command.actor, data=data)
    clocks.resume(process, command.procedure, now)


def expire(process: Process, now: datetime) -> None:
    """A procedure that takes longer than it was announced is a supervisor's business: clocks stand still by it."""
    for name, state in process.state.procedures.items():
        if state.ended_at is None and not state.overdue and now >= clocks.end_of(state.planned):
            state.overdue = True
            process.note("procedure:overdue", now, data={"procedure": name})
            process.open_task("", TaskKind.SUPERVISE, process.accepting, ("noted",), now, about=f"procedure:{name}")


def _planned(process: Process, name: str, days: int, since: date) -> date:
    longest = next(p.longest for p in process.plan.procedures if p.id == name)
    return process.calendar.due_in(since, days or longest.days, longest.unit).day
