"""Questions about a deadline as people ask them: read from text, checked, answered. One rule for CLI and API.

Everything wrong is told at once, each with the field it is about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from domain.calendar import Due, Suspension, WorkCalendar
from domain.errors import Refusal, Refusals
from domain.messages import Message, Text
from domain.plan import Clock, Plan, Unit

MOST_DAYS = 3660  # ten years, as in a definition
MOST_SUSPENSIONS = 20
FIRST_YEAR, LAST_YEAR = 2000, 2099
_SUSPENDED = Text(zh="暂停", en="suspended")


class Question(Message):
    """From which day, and what stopped the clock. ``days`` is None when the limits come from a service."""

    start: date
    days: int | None
    unit: Unit
    suspensions: tuple[Suspension, ...]


class Reply(Message):
    """A due date; ``working_days``: how many lie between the start and it."""

    due: Due
    working_days: int


class ClockReply(Message):
    """When the limits of one clock of a service end if it starts on that day."""

    clock: Clock
    legal: Reply | None
    promised: Reply | None


def read_question(
    start: str,
    days: str | None,
    suspensions: Sequence[str] = (),
    unit: str = Unit.WORKING_DAY,
    field: str = "days",
) -> Question:
    """The question these texts ask. Refusals with everything that is wrong; ``field`` is what days are called."""
    faults: list[Refusal] = []

    first_day = _day(start)
    if first_day is None:
        faults.append(Refusal("date_invalid", "/start"))
    number = None
    if days is not None:
        digits = days.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            faults.append(Refusal("field_invalid", f"/{field}"))
        elif len(digits) > 9 or not 0 <= int(days) <= MOST_DAYS:
            faults.append(Refusal("days_out_of_range", f"/{field}"))
        else:
            number = int(days)
    if unit not in set(Unit):
        faults.append(Refusal("field_invalid", "/unit"))
    if len(suspensions) > MOST_SUSPENSIONS:
        faults.append(Refusal("field_invalid", "/suspend"))
    spans = []
    for i, text in enumerate(suspensions[:MOST_SUSPENSIONS]):
        first, dots, last = text.partition("..")
        if not dots:
            faults.append(Refusal("suspension_invalid", f"/suspend/{i}"))
            continue
        begin, end = _day(first), _day(last)
        if begin is None or end is None:
            faults.append(Refusal("date_invalid", f"/suspend/{i}"))
        elif end < begin:
            faults.append(Refusal("suspension_reversed", f"/suspend/{i}"))
        else:
            spans.append(Suspension(first=begin, last=end, why=_SUSPENDED))
    if sum((span.last - span.first).days + 1 for span in spans) > MOST_DAYS:
        faults.append(Refusal("days_out_of_range", "/suspend"))
    if faults or first_day is None:
        raise Refusals(faults)
    return Question(start=first_day, days=number, unit=Unit(unit), suspensions=tuple(spans))


def _day(text: str) -> date | None:
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def answer(calendar: WorkCalendar, question: Question) -> Reply:
    """The due date of a question that names its days."""
    if question.days is None:
        raise ValueError("the question names no days")
    return _reply(calendar, question, question.days, question.unit)


def answer_for(calendar: WorkCalendar, question: Question, plan: Plan) -> list[ClockReply]:
    """The due dates of every clock of a service, each as if it started on the day of the question."""
    return [
        ClockReply(
            clock=clock,
            legal=_reply(calendar, question, clock.legal.days, clock.legal.unit) if clock.legal else None,
            promised=_reply(calendar, question, clock.promised.days, clock.promised.unit) if clock.promised else None,
        )
        for clock in plan.clocks
    ]


def _reply(calendar: WorkCalendar, question: Question, days: int, unit: Unit) -> Reply:
    due = calendar.due_in(question.start, days, unit, question.suspensions)
    return Reply(due=due, working_days=calendar.working_days_between(question.start, due.day))
