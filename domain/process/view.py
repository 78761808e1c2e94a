"""The projection: what people read of a case, computed from its state and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from domain.calendar import local_day
from domain.case import CaseStatus, StepStatus
from domain.messages import Place
from domain.plan import StepKind
from domain.process import clocks
from domain.process.forecast import Forecast
from domain.process.state import PromiseStatus, StepState, SupplementStatus, UndoStatus
from domain.record import (
    CaseView,
    ClockView,
    CorrectionView,
    PauseView,
    ProcedureView,
    PromiseView,
    StepView,
    SupplementView,
    TaskKind,
    Waiting,
    Who,
)

if TYPE_CHECKING:
    from domain.process.book import Book

_RANK = {Who.APPLICANT: 0, Who.DEPARTMENT: 1, Who.PROVINCE: 2, Who.SYSTEM: 3}


def view(book: Book, now: datetime) -> CaseView:
    """The whole projection."""
    state = book.state
    running = [c for c in state.clocks.values() if c.stopped_at is None and not c.paused]
    dues = [clocks.end_of(c.legal_due) for c in running if c.legal_due]
    dues += [clocks.end_of(c.promised_due) for c in running if c.promised_due and not c.legal_due]
    forecast = Forecast(book, local_day(now)) if state.closed_at is None and state.closing is None else None
    return CaseView(
        status=state.status,
        reason=state.reason,
        target=state.closing.target if state.closing else None,
        waiting=waiting(book),
        steps=tuple(_step(i, s) for i, s in state.steps.items()),
        clocks=_clocks(book),
        due_at=min(dues, default=None),
        next_wake=book.next_wake(),
        closed_at=state.closed_at,
        received_on=state.received_on,
        expected_on=forecast.on if forecast else None,
        expected_provisional=forecast.provisional if forecast else False,
        supplements=tuple(
            SupplementView(
                id=i,
                command=s.command,
                step=s.step,
                items=tuple((item.id, item.about, item.kind.value) for item in s.items),
                answered=s.answered,
                since=s.since,
                due=s.due,
                provisional=s.provisional,
                status=s.status,
            )
            for i, s in state.supplements.items()
        ),
        promises=tuple(
            PromiseView(material=i, due=p.due, provisional=p.provisional, status=p.status)
            for i, p in state.promises.items()
        ),
        procedures=tuple(
            ProcedureView(id=i, begun_on=p.begun_on, planned=p.planned, ended_at=p.ended_at, overdue=p.overdue)
            for i, p in state.procedures.items()
        ),
        originals={i: stage.value if stage else "" for i, stage in state.originals.items()},
        corrections=tuple(
            CorrectionView(id=i, command=c.command, fields=c.fields, at=c.at, objected=c.objected, reverted=c.reverted)
            for i, c in state.corrections.items()
        ),
        signers=tuple(state.signatures),
        signed=tuple(i for i, at in state.signatures.items() if at),
        moved=dict(state.moved),
    )


def _step(step_id: str, state: StepState) -> StepView:
    return StepView(
        id=step_id,
        status=state.status,
        since=state.since,
        reference=state.reference,
        trouble=state.trouble,
        reasons=state.reasons,
        ends_at=state.ends_at,
        failed=state.failed,
        tolerated=state.tolerated,
    )


def _clocks(book: Book) -> tuple[ClockView, ...]:
    return tuple(
        ClockView(
            id=clock_id,
            started_on=c.started_on,
            stopped_at=c.stopped_at,
            legal_due=c.legal_due,
            promised_due=c.promised_due,
            provisional=c.provisional,
            legal_overdue=c.legal_overdue,
            promised_overdue=c.promised_overdue,
            pauses=tuple(PauseView(cause=p.cause, first=p.first, planned=p.planned, last=p.last) for p in c.pauses),
            extension=c.extension,
            dropped=c.dropped,
        )
        for clock_id, c in book.state.clocks.items()
    )


def waiting(book: Book) -> tuple[Waiting, ...]:
    """Everybody who has the ball, the most important first; empty only when the case is closed."""
    state = book.state
    if state.closed_at is not None:
        return ()
    found = [w for step_id, step in state.steps.items() if (w := _step_waits(book, step_id, step))]
    if state.closing is None:
        found += _applicant_waits(book)
    for undo in state.undo:
        if undo.status in {UndoStatus.RUNNING, UndoStatus.PENDING}:
            found.append(_waiting(book, Who.PROVINCE, undo.place, "reversal", undo.step, state.steps[undo.step].since))
    for task in state.tasks.values():
        why = _WHY_BY_TASK.get(task.kind, "resolve" if task.undo else "")
        if why:
            step = task.step if task.undo else ""
            held = _waiting(book, Who.DEPARTMENT, task.place, why, step, task.opened_at)
            found.append(held.model_copy(update={"until": task.due_at}) if task.due_at else held)
    if not found:
        found.append(_waiting(book, Who.SYSTEM, book.accepting, "processing", "", state.since))
    return tuple(sorted(found, key=lambda w: (_RANK[w.who], w.since)))


_WHY_BY_STATUS = {
    StepStatus.TASK: (Who.DEPARTMENT, "task"),
    StepStatus.RESOLVE: (Who.DEPARTMENT, "resolve"),
    StepStatus.PENDING: (Who.PROVINCE, "province_working"),
    StepStatus.CALLING: (Who.PROVINCE, "province_asked"),
    StepStatus.BLOCKED: (Who.PROVINCE, "province_unavailable"),
    StepStatus.PUBLICITY: (Who.SYSTEM, "publicity"),
}
_WHY_BY_TASK = {
    # tasks that something waits for; the others only inform
    TaskKind.TRANSFER: "transfer",
    TaskKind.ARBITRATE: "arbitration",
    TaskKind.OBJECTION: "objection",
    TaskKind.PROMISE: "promise_verification",
    TaskKind.OPINION: "opinion",
    TaskKind.REKEY: "rekey",
    TaskKind.SUPPLY: "supply",
}


def _applicant_waits(book: Book) -> list[Waiting]:
    """What the applicant, or a co-signer, has to do."""
    state, found = book.state, []
    if state.status is CaseStatus.SUBMITTED and any(at is None for at in state.signatures.values()):
        found.append(_waiting(book, Who.APPLICANT, None, "signature", "", state.since))
    for supplement in state.supplements.values():
        if supplement.status is SupplementStatus.OPEN:
            held = _waiting(book, Who.APPLICANT, None, "supplement", supplement.step, supplement.since)
            found.append(held.model_copy(update={"until": clocks.end_of(supplement.due)}))
    settled = all(s.status not in _WHY_BY_STATUS for s in state.steps.values())
    for promise in state.promises.values():
        if promise.status is PromiseStatus.OPEN and promise.due and settled and promise.since:
            held = _waiting(book, Who.APPLICANT, None, "promise", "", promise.since)
            found.append(held.model_copy(update={"until": clocks.end_of(promise.due)}))
    return found


def _step_waits(book: Book, step_id: str, step: StepState) -> Waiting | None:
    place = book.steps[step_id].place
    if step.status is StepStatus.PREVIEW:
        why = "evidence_preview" if step.available else "evidence_missing"
        return _waiting(book, Who.APPLICANT, None, why, step_id, step.since)
    if step.status not in _WHY_BY_STATUS or _is_keyed_in(book, step):
        return None
    who, why = _WHY_BY_STATUS[step.status]
    if step.status is StepStatus.BLOCKED and step.trouble == "unknown":
        why = "outcome_unknown"
    if step.status is StepStatus.PENDING and book.steps[step_id].kind is StepKind.FEE:
        return _waiting(book, Who.APPLICANT, None, "fee", step_id, step.since)
    held = _waiting(book, who, place, why, step_id, step.since)
    return held.model_copy(update={"until": step.ends_at}) if step.ends_at else held


def _is_keyed_in(book: Book, step: StepState) -> bool:
    """Whether a clerk is to key it in: then no province is working on it."""
    task = book.state.tasks.get(step.task)
    return task is not None and task.kind is TaskKind.REKEY


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
