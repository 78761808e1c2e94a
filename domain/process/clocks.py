"""Clocks of a case: started and stopped by marks, due by working days, expiry as an event and a task."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from domain.calendar import ONE_DAY, SHANGHAI, local_day
from domain.messages import Role
from domain.plan import Clock
from domain.process.state import ClockState
from domain.record import TaskKind

if TYPE_CHECKING:
    from domain.process.book import Book


def end_of(day: date) -> datetime:
    """The first instant after a due day, Asia/Shanghai."""
    return datetime.combine(day + ONE_DAY, time(0), SHANGHAI)


def mark(book: Book, name: str, now: datetime) -> None:
    """Something happened that clocks may start or stop at. Marks are idempotent."""
    for clock in book.plan.clocks:
        running = book.state.clocks.get(clock.id)
        if clock.start == name and running is None:
            book.state.clocks[clock.id] = _started(book, clock, local_day(now))
        elif clock.stop == name and running is not None and running.stopped_at is None:
            running.stopped_at = now


def stop_all(book: Book, now: datetime) -> None:
    """The case is closed: nothing runs any more."""
    for clock in book.state.clocks.values():
        if clock.stopped_at is None:
            clock.stopped_at = now


def _started(book: Book, clock: Clock, day: date) -> ClockState:
    state = ClockState(started_on=day)
    if clock.legal is not None:
        due = book.calendar.due(day, clock.legal.days)
        state.legal_due, state.provisional = due.day, due.provisional
    if clock.promised is not None:
        due = book.calendar.due(day, clock.promised.days)
        state.promised_due, state.provisional = due.day, state.provisional or due.provisional
    return state


def expire(book: Book, now: datetime) -> None:
    """Flags what is overdue. Past the legal limit the place's supervisor gets a task; nothing ever fails by time."""
    for clock in book.plan.clocks:
        state = book.state.clocks.get(clock.id)
        if state is None or state.stopped_at is not None:
            continue
        if state.promised_due and not state.promised_overdue and now >= end_of(state.promised_due):
            state.promised_overdue = True
            book.note("clock:promised:overdue", now, data={"clock": clock.id})
        if state.legal_due and not state.legal_overdue and now >= end_of(state.legal_due):
            state.legal_overdue = True
            book.note("clock:legal:overdue", now, data={"clock": clock.id})
            step_id = clock.stop.removesuffix(".done")
            if step_id not in book.steps:
                step_id = ""  # the limit is the whole case's
            place = book.steps[step_id].place if step_id else book.plan.accepting
            book.open_task(
                step_id, TaskKind.SUPERVISE, place, ("noted",), now, role=Role.SUPERVISOR, about=f"clock:{clock.id}"
            )


def next_expiry(book: Book) -> datetime | None:
    """When the next limit runs out, or None."""
    dues = [
        end_of(due)
        for state in book.state.clocks.values()
        if state.stopped_at is None
        for due, over in ((state.legal_due, state.legal_overdue), (state.promised_due, state.promised_overdue))
        if due is not None and not over
    ]
    return min(dues, default=None)


def due_of(book: Book, step_id: str) -> datetime | None:
    """Until when this step is to be done: the earliest running limit of a clock that stops with it.

    A step without a clock of its own is bound by the clock that its case is under.
    """
    own: list[datetime] = []
    other: list[datetime] = []
    for clock in book.plan.clocks:
        state = book.state.clocks.get(clock.id)
        if state is None or state.stopped_at is not None:
            continue
        dues = [end_of(d) for d in (state.legal_due, state.promised_due) if d is not None]
        if dues:
            (own if clock.stop == f"{step_id}.done" else other).append(min(dues))
    return min(own or other, default=None)


def recompute(book: Book, now: datetime) -> bool:
    """A new holiday notice was loaded: due dates of running clocks are computed again. True if any moved."""
    moved = False
    for clock in book.plan.clocks:
        state = book.state.clocks.get(clock.id)
        if state is None or state.stopped_at is not None:
            continue
        fresh = _started(book, clock, state.started_on)
        before = (state.legal_due, state.promised_due, state.provisional)
        after = (fresh.legal_due, fresh.promised_due, fresh.provisional)
        if before != after:
            state.legal_due, state.promised_due, state.provisional = after
            book.note("clock:due:recomputed", now, data={"clock": clock.id})
            moved = True
    return moved
