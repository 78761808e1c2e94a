"""What goes in and out about clearing and reconciliation. Amounts are texts in yuan, like "1250000.00"."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import NO_NUL
from domain.clearing import PeriodState
from domain.reconciliation import DifferenceKind, DifferenceState, ResolutionReason

Yuan = Annotated[str, Field(pattern=r"^-?[0-9]+\.[0-9]{2}$", examples=["1250000.00"])]


class WaitingOut(BaseModel):
    """A province that is waited for. ``what``: answer | payment."""

    province: str
    what: str
    until: date | None
    overdue: bool


class PeriodOut(BaseModel):
    """One month in the list."""

    month: str
    state: PeriodState
    proposed_on: date | None
    confirm_by: date | None = Field(description="silence until the end of this day is consent")
    cleared_on: date | None
    pay_by: date | None
    pay_by_provisional: bool = Field(description="the holiday notice of a year concerned is not published yet")
    paid_on: date | None


class PeriodList(BaseModel):
    periods: list[PeriodOut]


class PairOut(BaseModel):
    """A statement: what the payer's (insured) province owes the payee's (treatment), gross."""

    payer: str
    payee: str
    items: int
    proposed: Yuan
    disputed_items: int
    disputed: Yuan
    cleared: Yuan | None
    answer: str = Field(description="waiting | confirmed | silent")
    paid_on: date | None
    prepayment: Yuan | None = Field(description="quota of the year; null if nothing was cleared in the quarter before")
    use_percent: float | None = Field(description="of that quota by this month, one place")
    warning: str = Field(description="none | green | yellow | red")


class NetOut(BaseModel):
    """A province's sums over the pairs shown. The net is a report: cleared is each pair in full."""

    province: str
    pays: Yuan
    receives: Yuan
    net: Yuan


class ActOut(BaseModel):
    """A line of the month's history."""

    kind: str = Field(description="proposed | confirm | dispute | silence | cleared | pay | overdue")
    payer: str
    actor: str
    reason: str
    settlements: list[str]
    at: datetime


class MonthOut(PeriodOut):
    """A caseworker sees the pairs of his own province; who supervises all sees all."""

    pairs: list[PairOut]
    nets: list[NetOut]
    total: Yuan
    waiting: list[WaitingOut]
    history: list[ActOut]


class ItemOut(BaseModel):
    """One settlement, or reversal (below 0), in a month's statements. ``carried``: from how many months before."""

    settlement: str
    payee: str
    day: date
    amount: Yuan
    disputed: bool
    carried: int


class ItemList(BaseModel):
    items: list[ItemOut]
    next: str = Field(description="pass as ``after`` for the next page; empty at the end")


class DisputeIn(BaseModel):
    """The items and why."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"settlements": ["S000000001"], "reason": "与病历不符"}}
    )

    settlements: list[Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]] = Field(min_length=1, max_length=500)
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=NO_NUL)]


class AnsweredOut(BaseModel):
    """How the month stands after the answer, and which provinces it still waits for."""

    month: str
    state: PeriodState
    waiting: list[str]


class BookRunOut(BaseModel):
    """The last comparison of one outside book. ``read`` false: it could not be had."""

    book: str
    read: bool
    why: str
    rows: int
    agreed: int
    differences: int
    in_doubt: int
    at: datetime


class DifferenceRow(BaseModel):
    """What an outside book says otherwise. ``side``: treatment | insured | hub, empty where nobody can tell."""

    id: str
    day: date
    book: str
    side: str
    region: str
    kind: DifferenceKind
    settlement: str
    ours: dict[str, Any] | None = Field(description="kind and amounts in fen; null: we have nothing")
    theirs: dict[str, Any] | None
    state: DifferenceState
    claimed_by: str
    reason: str
    note: str
    revision: int
    opened_at: datetime


class ReconciliationList(BaseModel):
    differences: list[DifferenceRow]
    books: list[BookRunOut] = Field(description="of the day that was asked for")


class DifferenceEvent(BaseModel):
    """What happened to a difference."""

    type: str
    actor: str
    reason: str
    note: str
    at: datetime


class DifferenceDetail(DifferenceRow):
    """With its history."""

    history: list[DifferenceEvent]


class ResolutionIn(BaseModel):
    """Why it is dealt with, and what was found."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"reason": "corrected_there", "note": "对方已于当日补录"}}
    )

    reason: ResolutionReason
    note: Annotated[str, Field(min_length=1, max_length=1000, pattern=NO_NUL)]
