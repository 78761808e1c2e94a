"""补正: one complete notice of everything that is missing, once (行政许可法第三十二条; domain note 2.4).

A second notice is refused unless it is about material handed in since the first, with a reason. No decision is made
while a request is open; who does not answer in time ends the case; whoever asked, or a supervisor, can take it back.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from domain import names
from domain.calendar import local_day
from domain.case import CaseStatus
from domain.messages import Role
from domain.plan import Limit
from domain.process import clocks, deciding, people
from domain.process.orders import CancelSupplementCommand, ReplySupplementCommand, RequestSupplementCommand
from domain.process.state import CorrectionState, SupplementState, SupplementStatus
from domain.record import TaskKind

if TYPE_CHECKING:
    from domain.process.engine import Process

ASKED_AT = frozenset({TaskKind.ACCEPT, TaskKind.VERIFY, TaskKind.REVIEW, TaskKind.DECIDE})


def open_one(process: Process) -> str | None:
    """The request that is open, if any."""
    for supplement_id, state in process.state.supplements.items():
        if state.status is SupplementStatus.OPEN:
            return supplement_id
    return None


def check_request(process: Process, command: RequestSupplementCommand) -> str | None:
    """Whether this notice may be given."""
    task = process.state.tasks.get(command.task)
    if task is None:
        return "task_not_open"
    if task.kind not in ASKED_AT or not deciding.may_decide(task, command.actor):
        return "not_found"
    if process.plan.reply is None:
        return "supplement_not_foreseen"
    if open_one(process):
        return "supplement_open"
    if not command.items or len({item.id for item in command.items}) != len(command.items):
        return "supplement_empty"
    given = [s for s in process.state.supplements.values() if s.status is SupplementStatus.ANSWERED]
    if given:
        new = {item.about for s in given for item in s.items}
        if not command.about_new or not {item.about for item in command.items} <= new:
            return "second_notice"
    return None


def request(process: Process, command: RequestSupplementCommand, now: datetime) -> None:
    """The notice is given: the applicant has the ball, the clocks that say so stand still."""
    task = process.state.tasks[command.task]
    supplement_id = names.supplement_id(process.case_no, command.id)
    due, provisional = _due(process, now, process.plan.reply)
    process.state.supplements[supplement_id] = SupplementState(
        command=command.id,
        by=command.actor,
        place=task.place,
        step=task.step,
        items=command.items,
        since=now,
        due=due,
        provisional=provisional,
        about_new=command.about_new,
        limit=process.plan.reply,
    )
    items = ",".join(f"{item.about}={item.kind}" for item in command.items)
    data = {"supplement": supplement_id, "items": items, "due": due.isoformat(), "command": command.id}
    process.note("supplement:requested", now, actor=command.actor, step=task.step, data=data)
    clocks.pause(process, clocks.SUPPLEMENT, now)


def check_reply(process: Process, command: ReplySupplementCommand) -> str | None:
    """Whether this can be an answer to that request."""
    state = process.state.supplements.get(command.supplement)
    if state is None or command.actor.role not in {Role.CITIZEN, Role.AGENT, Role.CASEWORKER}:
        return "not_found"
    if state.status is not SupplementStatus.OPEN:
        return "supplement_settled"
    asked = {item.id for item in state.items}
    if not command.items or not set(command.items) <= asked:
        return "supplement_item_unknown"
    return None


def reply(process: Process, command: ReplySupplementCommand, now: datetime) -> None:
    """Keeps the answers; with the last one the request is answered and the clocks go on.

    A new value of a field becomes the form's, unless some authority has been sent the old one.
    """
    state = process.state.supplements[command.supplement]
    state.answered = tuple(dict.fromkeys((*state.answered, *command.items)))
    whole = {item.id for item in state.items} <= set(state.answered)
    data = {"supplement": command.supplement, "items": ",".join(command.items), "command": command.id}
    if mended := tuple(sorted(set(command.fields) - people.sent_fields(process))):
        correction = names.correction_id(process.case_no, command.id)
        process.state.corrections[correction] = CorrectionState(
            command=command.id, fields=mended, by=command.actor, at=now
        )
        data["fields"] = ",".join(mended)
    what = "answered" if whole else "partly_answered"
    process.note(f"supplement:{what}", now, actor=command.actor, step=state.step, data=data)
    if whole:
        state.status = SupplementStatus.ANSWERED
        clocks.resume(process, clocks.SUPPLEMENT, now)


def check_cancel(process: Process, command: CancelSupplementCommand) -> str | None:
    """The requester or a supervisor of the place."""
    state = process.state.supplements.get(command.supplement)
    if state is None:
        return "not_found"
    own = command.actor.subject == state.by.subject and command.actor.role is Role.CASEWORKER
    above = command.actor.role is Role.SUPERVISOR and deciding.at(command.actor, state.place)
    if not own and not above:
        return "not_found"
    return None if state.status is SupplementStatus.OPEN else "supplement_settled"


def cancel(process: Process, command: CancelSupplementCommand, now: datetime) -> None:
    """As if it had not been asked: the one notice may still be given."""
    state = process.state.supplements[command.supplement]
    state.status = SupplementStatus.CANCELLED
    data = {"supplement": command.supplement, "command": command.id}
    process.note("supplement:cancelled", now, actor=command.actor, step=state.step, data=data)
    clocks.resume(process, clocks.SUPPLEMENT, now)


def expire(process: Process, now: datetime) -> None:
    """Not answered in time: the case ends for that reason."""
    for supplement_id, state in process.state.supplements.items():
        if state.status is SupplementStatus.OPEN and now >= clocks.end_of(state.due):
            state.status = SupplementStatus.LAPSED
            process.note("supplement:lapsed", now, step=state.step, data={"supplement": supplement_id})
            process.end(CaseStatus.TERMINATED, "not_supplemented", now)
            return


def recompute(process: Process, now: datetime) -> None:
    """A holiday notice was loaded."""
    for state in process.state.supplements.values():
        if state.status is SupplementStatus.OPEN:
            state.due, state.provisional = _due(process, state.since, state.limit or process.plan.reply)


def _due(process: Process, since: datetime, limit: Limit | None) -> tuple[date, bool]:
    if limit is None:
        raise RuntimeError("no limit to reply")
    due = process.calendar.due_in(local_day(since), limit.days, limit.unit)
    return due.day, due.provisional
