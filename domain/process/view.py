"""The projection: what people read of a case, computed from its state and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from domain.case import StepStatus
from domain.messages import Place
from domain.process import clocks
from domain.process.state import StepState, UndoStatus
from domain.record import CaseView, ClockView, StepView, Waiting, Who

if TYPE_CHECKING:
    from domain.process.book import Book

_RANK = {Who.APPLICANT: 0, Who.DEPARTMENT: 1, Who.PROVINCE: 2, Who.SYSTEM: 3}


def view(book: Book) -> CaseView:
    """The whole projection."""
    state = book.state
    running = [c for c in state.clocks.values() if c.stopped_at is None]
    dues = [clocks.end_of(c.legal_due) for c in running if c.legal_due]
    dues += [clocks.end_of(c.promised_due) for c in running if c.promised_due and not c.legal_due]
    return CaseView(
        status=state.status,
        reason=state.reason,
        target=state.closing.target if state.closing else None,
        waiting=waiting(book),
        steps=tuple(
            StepView(id=i, status=s.status, since=s.since, reference=s.reference, trouble=s.trouble, reasons=s.reasons)
            for i, s in state.steps.items()
        ),
        clocks=tuple(
            ClockView(
                id=clock_id,
                started_on=c.started_on,
                stopped_at=c.stopped_at,
                legal_due=c.legal_due,
                promised_due=c.promised_due,
                provisional=c.provisional,
                legal_overdue=c.legal_overdue,
                promised_overdue=c.promised_overdue,
            )
            for clock_id, c in state.clocks.items()
        ),
        due_at=min(dues, default=None),
        next_wake=book.next_wake(),
        closed_at=state.closed_at,
    )


def waiting(book: Book) -> tuple[Waiting, ...]:
    """Everybody who has the ball, the most important first; empty only when the case is closed."""
    state = book.state
    if state.closed_at is not None:
        return ()
    found = [w for step_id, step in state.steps.items() if (w := _step_waits(book, step_id, step))]
    for undo in state.undo:
        if undo.status in {UndoStatus.RUNNING, UndoStatus.PENDING}:
            found.append(_waiting(book, Who.PROVINCE, undo.place, "reversal", undo.step, state.steps[undo.step].since))
    for task in state.tasks.values():
        if task.undo:
            found.append(_waiting(book, Who.DEPARTMENT, task.place, "resolve", task.step, task.opened_at))
    if not found:
        found.append(_waiting(book, Who.SYSTEM, book.plan.accepting, "processing", "", state.since))
    return tuple(sorted(found, key=lambda w: (_RANK[w.who], w.since)))


_WHY_BY_STATUS = {
    StepStatus.TASK: (Who.DEPARTMENT, "task"),
    StepStatus.RESOLVE: (Who.DEPARTMENT, "resolve"),
    StepStatus.PENDING: (Who.PROVINCE, "province_working"),
    StepStatus.CALLING: (Who.PROVINCE, "province_asked"),
    StepStatus.BLOCKED: (Who.PROVINCE, "province_unavailable"),
}


def _step_waits(book: Book, step_id: str, step: StepState) -> Waiting | None:
    place = book.steps[step_id].place
    if step.status is StepStatus.PREVIEW:
        why = "evidence_preview" if step.available else "evidence_missing"
        return _waiting(book, Who.APPLICANT, None, why, step_id, step.since)
    if step.status not in _WHY_BY_STATUS:
        return None
    who, why = _WHY_BY_STATUS[step.status]
    if step.status is StepStatus.BLOCKED and step.trouble == "unknown":
        why = "outcome_unknown"
    return _waiting(book, who, place, why, step_id, step.since)


def _waiting(book: Book, who: Who, place: Place | None, why: str, step: str, since: datetime) -> Waiting:
    return Waiting(
        who=who,
        region=place.region if place else "",
        department=place.department if place else "",
        why=why,
        step=step,
        since=since,
        until=clocks.due_of(book, step),
    )
