"""What a running case remembers, and the messages that go into and out of its rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from domain.case import CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.messages import Actor, Message, Place
from domain.record import EvidenceState, TaskKind


class OutcomeStatus(StrEnum):
    """How a call to a province ended, as far as the process is concerned."""

    ANSWERED = "answered"
    NOT_FOUND = "not_found"  # FIND only: the province never saw the key
    UNAVAILABLE = "unavailable"  # nothing was done; try again
    UNKNOWN = "unknown"  # it may have been done; find before sending again
    DEFERRED = "deferred"  # not tried here: no slot free or the province has been failing
    UNUSABLE = "unusable"  # misconfigured or contract broken: a person has to act


class Call(Message):
    """A call the process wants made.

    patient: through the province's queue, with retries; else one quick try. again: the answer on record cannot be
    used, so the province is asked what it says now.
    """

    step: str
    verb: Verb
    place: Place
    operation: str
    key: str = ""
    original: str = ""
    send: Mapping[str, str] = Field(default_factory=dict)
    command: str = ""
    patient: bool = False
    again: bool = False


class CallOutcome(Message):
    """The end of a call. Result data stays in the database; the process must know only ``licence``, its number, and
    ``licence_taken``, whether another case holds that number.
    """

    status: OutcomeStatus
    answer: AnswerStatus | None = None
    code: str = ""
    reference: str = ""
    reasons: tuple[str, ...] = ()
    poll_after_s: int = 30
    licence: str = ""
    licence_taken: bool = False


class DecideCommand(Message):
    """A caseworker's decision; its reason and legal basis are in the database under ``id``."""

    id: str
    task: str
    outcome: str
    actor: Actor


class EvidenceCommand(Message):
    """The applicant's answer to an offered evidence; ``replaced`` when an own document was handed in."""

    id: str
    evidence: str
    accept: bool
    replaced: bool
    actor: Actor


class WithdrawCommand(Message):
    id: str
    actor: Actor


class Callback(Message):
    """A province has reported an end; the notice itself is in the inbox under ``event_id``."""

    event_id: str
    key: str
    answer: AnswerStatus
    reference: str = ""
    reasons: tuple[str, ...] = ()
    licence: str = ""
    licence_taken: bool = False


class CommandResult(Message):
    """What a command led to; the same command id gets the same result for ever."""

    status: CaseStatus
    at: datetime


class StepState(BaseModel):
    status: StepStatus = StepStatus.WAITING
    since: datetime
    key: str = ""
    generation: int = 0
    calling: Verb | None = None
    reference: str = ""
    reasons: tuple[str, ...] = ()
    refused: bool = False  # a definite no under the present key
    trouble: str = ""
    task: str = ""
    rounds: int = 0
    poll_at: datetime | None = None
    poll_after_s: int = 30
    polls: int = 0
    available: bool = False
    command: str = ""
    evidence: EvidenceState | None = None


class ClockState(BaseModel):
    started_on: date
    stopped_at: datetime | None = None
    legal_due: date | None = None
    promised_due: date | None = None
    provisional: bool = False
    legal_overdue: bool = False
    promised_overdue: bool = False


class OpenTask(BaseModel):
    """A human task that has not ended. ``undo``: it is about a compensation, not about the step itself."""

    step: str
    kind: TaskKind
    place: Place
    outcomes: tuple[str, ...]
    opened_at: datetime
    due_at: datetime | None = None
    undo: bool = False


class UndoStatus(StrEnum):
    OPEN = "open"
    RUNNING = "running"
    PENDING = "pending"
    RESOLVE = "resolve"
    DONE = "done"


class Undo(BaseModel):
    """One compensation, registered before its effect is sent, so that no crash can lose it."""

    step: str
    key: str
    operation: str
    place: Place
    generation: int = 0
    undo_key: str = ""
    status: UndoStatus = UndoStatus.OPEN


class Closing(BaseModel):
    """The case is ending early; ``target`` is the status it will end in."""

    target: CaseStatus
    reason: str
    since: datetime


class ProcessState(BaseModel):
    """All of it; pydantic so that it travels through continue-as-new."""

    status: CaseStatus = CaseStatus.SUBMITTED
    reason: str = ""
    since: datetime
    steps: dict[str, StepState]
    clocks: dict[str, ClockState] = Field(default_factory=dict)
    tasks: dict[str, OpenTask] = Field(default_factory=dict)
    undo: list[Undo] = Field(default_factory=list)
    early: dict[str, Callback] = Field(default_factory=dict)
    commands: dict[str, CommandResult] = Field(default_factory=dict)
    closing: Closing | None = None
    closed_at: datetime | None = None
    recorded: int = 0
