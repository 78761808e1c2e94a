"""A month of clearing and its states.

    OPEN -> PROPOSED -> CONFIRMED ----------> CLEARED -> PAID
               \\-> DISPUTED (the rest goes on) -/

Disputed items leave the month when it is cleared and stand in the next proposal.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum


class PeriodState(StrEnum):
    OPEN = "open"
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    CLEARED = "cleared"
    PAID = "paid"


NEXT: dict[PeriodState, frozenset[PeriodState]] = {
    PeriodState.OPEN: frozenset({PeriodState.PROPOSED}),
    PeriodState.PROPOSED: frozenset({PeriodState.CONFIRMED, PeriodState.DISPUTED}),
    PeriodState.CONFIRMED: frozenset({PeriodState.CLEARED}),
    PeriodState.DISPUTED: frozenset({PeriodState.CLEARED}),
    PeriodState.CLEARED: frozenset({PeriodState.PAID}),
    PeriodState.PAID: frozenset(),
}
ANSWERABLE = (PeriodState.PROPOSED, PeriodState.DISPUTED)  # payers may confirm and dispute


def moved(state: PeriodState, to: PeriodState) -> PeriodState:
    """The new state; ValueError if the table has no such way."""
    if to not in NEXT[state]:
        raise ValueError(f"no way from {state} to {to}")
    return to


_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


def check_month(month: str) -> str:
    """The month as given, 2026-10; ValueError otherwise."""
    if not _MONTH.fullmatch(month):
        raise ValueError(f"no month: {month!r}")
    return month


def month_of(day: date) -> str:
    """2026-10-31 -> 2026-10."""
    return f"{day:%Y-%m}"


def days_of(month: str) -> tuple[date, date]:
    """First and last day."""
    first = date.fromisoformat(f"{check_month(month)}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def month_before(day: date) -> str:
    """The month before the one this day lies in."""
    return month_of(day.replace(day=1) - timedelta(days=1))
