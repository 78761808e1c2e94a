"""How an imagined case went."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.case import CaseStatus
from domain.messages import Message, Place
from domain.process import AnyOrder, Call, Callback, CallOutcome
from domain.start import StartCase


class Line(Message):
    """One line of the path: when, where, which step, what (an audit event or something somebody could not do)."""

    at: datetime
    place: Place | None
    step: str
    what: str
    detail: str


class Input(Message):
    """What somebody did that the case took in. ``events``: how many lines its audit trail had by then."""

    at: datetime
    events: int
    order: AnyOrder | None = None
    callback: Callback | None = None


class Answer(Message):
    """How a call to a province ended."""

    asked_at: datetime
    at: datetime
    call: Call
    outcome: CallOutcome


class Course(Message):
    """How it went. ``faults``: what differs from what the scenario says.

    start, inputs, answers: enough to take a real case down the same path.
    """

    case_no: str
    status: CaseStatus
    reason: str
    closed_at: datetime | None
    lines: tuple[Line, ...]
    faults: tuple[str, ...]
    start: StartCase = Field(exclude=True, repr=False)
    inputs: tuple[Input, ...] = Field(exclude=True, repr=False)
    answers: tuple[Answer, ...] = Field(exclude=True, repr=False)
