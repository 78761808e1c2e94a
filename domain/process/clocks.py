"""Clocks of a case: started and stopped by marks, paused by what suspends them; what becomes of a limit that ran out.

A pause begins on the day after the one it was caused on (the day of a trigger does not count) and ends with the day
its cause ends. What a limit comes to is a pure function of start, limit, pauses and calendar: the record, the API and
``verify`` all compute it here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from domain.calendar import ONE_DAY, SHANGHAI, Due, Suspension, WorkCalendar, local_day
from domain.case import CaseStatus, StepStatus
from domain.messages import Text
from domain.plan import CasePlan, Clock, Limit, OnExpiry
from domain.process.state import ClockState, Extension, Pause, SupplementStatus
from domain.record import TaskKind

if TYPE_CHECKING:
    from domain.process.book import Book
    from domain.process.engine import Process

SUPPLEMENT = "supplement"
_SUPPLEMENT_TEXT = Text(zh="等待您补正材料", en="waiting for you to supplement")
_UNDER_WAY = {
    StepStatus.CALLING,
    StepStatus.BLOCKED,
    StepStatus.PENDING,
    StepStatus.TASK,
    StepStatus.PUBLICITY,
    StepStatus.PREVIEW,
    StepStatus.RESOLVE,
}


class Light(StrEnum):
    """How a clock stands: near a limit is yellow, past one is red; past the legal one a supervisor has a task."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class Paused(Protocol):
    """A pause, as it is remembered or as it is shown."""

    @property
    def cause(self) -> str: ...
    @property
    def first(self) -> date: ...
    @property
    def planned(self) -> date | None: ...
    @property
    def last(self) -> date | None: ...


def end_of(day: date) -> datetime:
    """The first instant after a due day, Asia/Shanghai."""
    return datetime.combine(day + ONE_DAY, time(0), SHANGHAI)


def due(
    calendar: WorkCalendar, plan: CasePlan, start: date, limit: Limit, pauses: Iterable[Paused] = (), extra: int = 0
) -> Due:
    """When a limit ends and why. An open pause without a planned end has so far cost its first day only."""
    spans = [
        Suspension(
            first=pause.first, last=pause.last or pause.planned or pause.first, why=cause_text(plan, pause.cause)
        )
        for pause in pauses
    ]
    return calendar.due_in(start, limit.days + extra, limit.unit, spans)


def granted_days(clock: Clock, extension: str) -> int:
    """By how much the legal limit was extended."""
    return clock.extension.days if clock.extension is not None and extension == Extension.GRANTED else 0


def cause_text(plan: CasePlan, cause: str) -> Text:
    """What a clock was paused for, in words."""
    titles = {x.id: x.title for x in plan.steps} | {x.id: x.title for x in plan.procedures}
    return titles.get(cause, _SUPPLEMENT_TEXT)


def light(calendar: WorkCalendar, clock: Clock, dues: Sequence[date], today: date) -> Light:
    """The light of a running clock whose limits end on ``dues``."""
    if any(today > day for day in dues):
        return Light.RED
    near = any(calendar.working_days_between(today, day) <= clock.near for day in dues)
    return Light.YELLOW if near else Light.GREEN


def mark(book: Book, name: str, now: datetime, *, on: date | None = None) -> None:
    """Something happened that clocks may start or stop at. Marks are idempotent. ``on``: the day it counts from."""
    book.state.marks.setdefault(name, on or local_day(now))
    for clock in book.plan.clocks:
        running = book.state.clocks.get(clock.id)
        if clock.start == name and running is None:
            state = book.state.clocks[clock.id] = ClockState(started_on=on or local_day(now))
            for cause in sorted(active(book) & set(clock.suspends)):
                state.pauses.append(_pause(book, cause, now))
            compute(book, clock, state)
        elif clock.stop == name and running is not None and running.stopped_at is None:
            end_pauses(running, now)
            running.stopped_at = now


def stop_all(book: Book, now: datetime) -> None:
    """The case is closed: nothing runs any more."""
    for clock in book.state.clocks.values():
        if clock.stopped_at is None:
            end_pauses(clock, now)
            clock.stopped_at = now


def pause(book: Book, cause: str, now: datetime) -> None:
    """Stops every clock that names the cause, from tomorrow on."""
    for clock, state in _running(book):
        if cause in clock.suspends and not any(p.cause == cause and p.last is None for p in state.pauses):
            state.pauses.append(_pause(book, cause, now))
            compute(book, clock, state)
            book.note("clock:paused", now, data={"clock": clock.id, "cause": cause})


def resume(book: Book, cause: str, now: datetime) -> None:
    """The cause is over: tomorrow counts again. A cause that began and ended on one day has cost nothing."""
    today = local_day(now)
    for clock, state in _running(book):
        open_pauses = [p for p in state.pauses if p.cause == cause and p.last is None]
        if open_pauses:
            for paused in open_pauses:
                paused.last = today
            state.pauses = [p for p in state.pauses if p.last is None or p.last >= p.first]
            compute(book, clock, state)
            book.note("clock:resumed", now, data={"clock": clock.id, "cause": cause})


def extend(book: Book, clock_id: str, now: datetime) -> None:
    """The one extension was approved."""
    state = book.state.clocks[clock_id]
    state.extension = Extension.GRANTED
    if state.stopped_at is None:
        state.legal_overdue = False
        compute(book, _clock(book, clock_id), state)
    book.note("clock:extended", now, data={"clock": clock_id})


def expire(process: Process, now: datetime) -> None:
    """Flags what is overdue and does what the definition says. Nothing ever fails by time alone."""
    for clock, state in list(_running(process)):
        if state.paused or state.stopped_at is not None:
            continue  # an earlier one may have stopped it
        if state.promised_due and not state.promised_overdue and now >= end_of(state.promised_due):
            state.promised_overdue = True
            process.note("clock:promised:overdue", now, data={"clock": clock.id})
        if state.legal_due and not state.legal_overdue and now >= end_of(state.legal_due):
            state.legal_overdue = True
            state.legal_fired.append(state.legal_due)
            process.note("clock:legal:overdue", now, data={"clock": clock.id})
            _run_out(process, clock, state, now)


def _run_out(process: Process, clock: Clock, state: ClockState, now: datetime) -> None:
    step_id = clock.stop.removesuffix(".done")
    open_here = step_id in process.steps and process.state.steps[step_id].status is StepStatus.TASK
    if clock.on_expiry is OnExpiry.ESCALATE or not open_here or process.state.closing is not None:
        supervise(process, clock, state, now)
        return
    process.note(f"case:{clock.on_expiry}", now, step=step_id, data={"clock": clock.id})
    if clock.on_expiry is OnExpiry.DEEMED_REFUSED:
        process.end(CaseStatus.DECIDED_REFUSED, f"deemed_refused_at_{step_id}", now)
    else:
        received = process.state.received_on if clock.on_expiry is OnExpiry.DEEMED_ACCEPTED else None
        process.deem_done(step_id, now, on=received)


def supervise(process: Process, clock: Clock, state: ClockState, now: datetime) -> None:
    """A supervisor gets to know that a legal limit has run out."""
    step_id = clock.stop.removesuffix(".done")
    if step_id not in process.steps:
        step_id = ""  # the limit is the whole case's
    place = process.steps[step_id].place if step_id else process.accepting
    process.open_task(step_id, TaskKind.SUPERVISE, place, ("noted",), now, about=f"clock:{clock.id}:{state.legal_due}")


def next_expiry(book: Book) -> datetime | None:
    """When the next limit runs out, or None."""
    dues = [
        end_of(day)
        for _, state in _running(book)
        if not state.paused
        for day, over in ((state.legal_due, state.legal_overdue), (state.promised_due, state.promised_overdue))
        if day is not None and not over
    ]
    return min(dues, default=None)


def due_of(book: Book, step_id: str) -> datetime | None:
    """Until when this step is to be done: the earliest running limit of a clock that stops with it.

    A step without a clock of its own is bound by the clock that its case is under.
    """
    own: list[datetime] = []
    other: list[datetime] = []
    for clock, state in _running(book):
        dues = [end_of(d) for d in (state.legal_due, state.promised_due) if d is not None]
        if dues:
            (own if clock.stop == f"{step_id}.done" else other).append(min(dues))
    return min(own or other, default=None)


def recompute(book: Book, now: datetime) -> None:
    """A new holiday notice was loaded: due dates of running clocks are computed again."""
    for clock, state in _running(book):
        before = (state.legal_due, state.promised_due, state.provisional)
        compute(book, clock, state)
        if before != (state.legal_due, state.promised_due, state.provisional):
            book.note("clock:due:recomputed", now, data={"clock": clock.id})


def _running(book: Book) -> Iterable[tuple[Clock, ClockState]]:
    for clock in book.plan.clocks:
        state = book.state.clocks.get(clock.id)
        if state is not None and state.stopped_at is None:
            yield clock, state


def _clock(book: Book, clock_id: str) -> Clock:
    return next(clock for clock in book.plan.clocks if clock.id == clock_id)


def compute(book: Book, clock: Clock, state: ClockState) -> None:
    """When its limits end, as its plan and its pauses have it."""
    state.legal_due, state.promised_due, state.provisional = None, None, False
    if clock.legal is not None:
        extra = granted_days(clock, state.extension)
        legal = due(book.calendar, book.plan, state.started_on, clock.legal, state.pauses, extra)
        state.legal_due, state.provisional = legal.day, legal.provisional
    if clock.promised is not None:
        promised = due(book.calendar, book.plan, state.started_on, clock.promised, state.pauses)
        state.promised_due, state.provisional = promised.day, state.provisional or promised.provisional


def _pause(book: Book, cause: str, now: datetime) -> Pause:
    planned = book.state.procedures[cause].planned if cause in book.state.procedures else None
    first = local_day(now) + ONE_DAY
    return Pause(cause=cause, first=first, planned=planned if planned and planned >= first else None)


def active(book: Book) -> set[str]:
    """Everything that is under way and may suspend a clock."""
    active = {step_id for step_id, state in book.state.steps.items() if state.status in _UNDER_WAY}
    active |= {name for name, state in book.state.procedures.items() if state.ended_at is None}
    if any(s.status is SupplementStatus.OPEN for s in book.state.supplements.values()):
        active.add(SUPPLEMENT)
    return active


def end_pauses(state: ClockState, now: datetime) -> None:
    """What stopped it does so no longer; a pause that has cost no day is forgotten."""
    for paused in state.pauses:
        paused.last = paused.last or local_day(now)
    state.pauses = [p for p in state.pauses if p.last is not None and p.last >= p.first]
