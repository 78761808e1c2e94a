"""What crosses Temporal for clearing and reconciliation. Amounts in fen; of persons nothing, of settlements numbers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from domain.calendar import WorkCalendar
from domain.clearing.flows import Flow
from domain.clearing.period import PeriodState
from domain.clearing.profile import ClearingProfile
from domain.messages import Actor, Message

Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


class ClearingStart(Message):
    """Profile and calendar are inputs, recorded in history. ``early``: do not wait for the day of the proposal."""

    month: Month
    profile: ClearingProfile
    calendar: WorkCalendar
    early: bool = False


class MonthlyStart(Message):
    """What the schedule starts. ``month``: empty for the one before the day it runs on."""

    month: str = ""


class Terms(Message):
    """What is in force now."""

    profile: ClearingProfile
    calendar: WorkCalendar


class Propose(Message):
    """To take what is due up to ``last_day`` into a month, and to make its statements."""

    month: Month
    last_day: date
    proposed_on: date
    confirm_by: date
    profile: ClearingProfile


class Proposed(Message):
    """Statements of a month, one for each pair that something flowed between."""

    month: Month
    state: PeriodState
    proposed_on: date
    confirm_by: date
    flows: tuple[Flow, ...]
    waiting: tuple[str, ...] = ()


class Cleared(Message):
    """To be written when a month is cleared."""

    month: Month
    cleared_on: date
    pay_by: date
    provisional: bool


class ClearingAct(Message):
    """``id``: of the command; the same again is the same act. ``payer``: the province that answers."""

    id: str
    month: Month
    payer: str
    actor: Actor
    at: datetime


class ConfirmAct(ClearingAct):
    """The payer agrees to its statements, but for what it has disputed."""

    kind: Literal["confirm"] = "confirm"


class DisputeAct(ClearingAct):
    """The payer disputes items of its statements."""

    kind: Literal["dispute"] = "dispute"
    setl_ids: Annotated[tuple[str, ...], Field(min_length=1, max_length=500)]
    reason: str


class PayAct(ClearingAct):
    """The payer has paid what was cleared."""

    kind: Literal["pay"] = "pay"


AnyClearingAct = Annotated[ConfirmAct | DisputeAct | PayAct, Field(discriminator="kind")]


class ClearingActDone(Message):
    """``refused``: the code of why nothing was done, or empty."""

    state: PeriodState
    refused: str = ""
    waiting: tuple[str, ...] = ()


class ClearingProgress(Message):
    """What the workflow says of itself."""

    month: Month
    state: PeriodState
    waiting: tuple[str, ...] = ()


class ReconcileDay(Message):
    """``day``: empty for yesterday in Shanghai when it runs. ``book``: one book's place, or empty for all."""

    day: str = ""
    book: str = ""


class Reconciled(Message):
    """What came of comparing one book."""

    day: date
    book: str
    read: bool
    rows: int = 0
    agreed: int = 0
    differences: int = 0
    in_doubt: int = 0
    why: str = ""
