"""What a running case remembers, and the calls it wants made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from domain.case import CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.messages import Actor, Message, Place
from domain.plan import Limit
from domain.process.orders import CommandResult, Stage, SupplementItem
from domain.record import EvidenceState, TaskKind


class OutcomeStatus(StrEnum):
    """How a call to a province ended, as far as the process is concerned."""

    ANSWERED = "answered"
    NOT_FOUND = "not_found"  # FIND only: the province never saw the key
    UNAVAILABLE = "unavailable"  # nothing was done; try again
    UNKNOWN = "unknown"  # it may have been done; find before sending again
    DEFERRED = "deferred"  # not tried here: no slot free or the province has been failing
    UNUSABLE = "unusable"  # misconfigured or contract broken: a person has to act


KEPT_AWAY = frozenset({"held", "rate"})
"""Codes of DEFERRED that say: only the province's queue may ask there."""


class Call(Message):
    """A call the process wants made.

    patient: through the province's queue, with retries; else one quick try. again: the answer on record cannot be
    used, so the province is asked what it says now. said_as: the verb the province hears, if it is another one.
    decision: a clerk's decision that stands in for the province's answer (his number), or that nothing was done.
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
    said_as: Verb | None = None
    decision: str = ""


class CallOutcome(Message):
    """The end of a call. Result data stays in the database; the process must know only ``licence``, its number, and
    ``licence_taken``, whether another case holds that number.

    by_clerk: pending until a clerk has keyed it in. wanting: pending, and the province wants something handed in.
    failed: with UNAVAILABLE, the province has tried and broken down; the same key may be sent again.
    """

    status: OutcomeStatus
    answer: AnswerStatus | None = None
    code: str = ""
    reference: str = ""
    reasons: tuple[str, ...] = ()
    poll_after_s: int = 30
    licence: str = ""
    licence_taken: bool = False
    by_clerk: bool = False
    wanting: bool = False
    failed: bool = False


class Callback(Message):
    """A province has reported an end; the notice itself is in the inbox under ``event_id``."""

    event_id: str
    key: str
    answer: AnswerStatus
    reference: str = ""
    reasons: tuple[str, ...] = ()
    licence: str = ""
    licence_taken: bool = False
    wanting: bool = False
    retryable: bool = False


class Intake(Message):
    """What was agreed when the application was handed in.

    promised: materials to come later. signers: opaque ids of who has to confirm before the submission counts.
    """

    promised: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()


class StepState(BaseModel):
    status: StepStatus = StepStatus.WAITING
    since: datetime
    key: str = ""
    generation: int = 0
    calling: Verb | None = None
    reference: str = ""
    reasons: tuple[str, ...] = ()
    refused: bool = False  # a definite no under the present key
    failed: bool = False  # it has come to its bad end and the case goes on without it
    tolerated: bool = False  # ... and what needs it goes on as well
    trouble: str = ""
    task: str = ""
    rounds: int = 0
    poll_at: datetime | None = None
    poll_after_s: int = 30
    polls: int = 0
    supplies: int = 0  # how often something was handed in to the province
    supplying: bool = False
    ends_at: datetime | None = None  # of a publicity period
    available: bool = False
    command: str = ""
    decider: str = ""  # opaque id of the person who brought it to its end
    evidence: EvidenceState | None = None


class Pause(BaseModel):
    """Days that do not count, first and last included. ``planned``: the last day as it was told to the applicant."""

    cause: str
    first: date
    planned: date | None = None
    last: date | None = None


class Extension(StrEnum):
    """The one extension of a legal limit."""

    NONE = ""
    ASKED = "asked"
    GRANTED = "granted"
    DENIED = "denied"


class ClockState(BaseModel):
    started_on: date
    stopped_at: datetime | None = None
    legal_due: date | None = None
    promised_due: date | None = None
    provisional: bool = False
    legal_overdue: bool = False
    promised_overdue: bool = False
    pauses: list[Pause] = Field(default_factory=list)
    extension: Extension = Extension.NONE
    legal_fired: list[date] = Field(default_factory=list)  # due days on which it has led to something
    dropped: bool = False  # it stands still because the version the case was moved to does not have it

    @property
    def paused(self) -> bool:
        """Whether it stands still now."""
        return any(pause.last is None for pause in self.pauses)


class OpenTask(BaseModel):
    """A human task that has not ended.

    undo: it is about a compensation, not about the step itself. about: what it is about, if not its step.
    not_by: opaque ids of people who may not decide it (four eyes).
    """

    step: str
    kind: TaskKind
    place: Place
    outcomes: tuple[str, ...]
    opened_at: datetime
    due_at: datetime | None = None
    undo: bool = False
    about: str = ""
    not_by: tuple[str, ...] = ()


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


class SupplementStatus(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


class SupplementState(BaseModel):
    """One request; its words are in the database under ``command``."""

    command: str
    by: Actor
    place: Place
    step: str
    items: tuple[SupplementItem, ...]
    answered: tuple[str, ...] = ()
    since: datetime
    due: date
    provisional: bool = False
    status: SupplementStatus = SupplementStatus.OPEN
    about_new: bool = False
    limit: Limit | None = None  # how long there is to answer; of the plan, if it was asked before this was kept


class PromiseStatus(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    EXCUSED = "excused"


class PromiseState(BaseModel):
    """What was promised at submission; the limit runs from acceptance."""

    counted_from: date | None = None
    due: date | None = None
    provisional: bool = False
    status: PromiseStatus = PromiseStatus.OPEN
    since: datetime | None = None


class ProcedureState(BaseModel):
    begun_on: date
    planned: date
    ended_at: datetime | None = None
    overdue: bool = False


class CorrectionState(BaseModel):
    """Fields that a caseworker mended, or the applicant in answer to a notice; the values are with ``command``."""

    command: str
    fields: tuple[str, ...]
    by: Actor
    at: datetime
    objected: bool = False
    reverted: bool = False


class ProcessState(BaseModel):
    """All of it; pydantic so that it travels through continue-as-new."""

    status: CaseStatus = CaseStatus.SUBMITTED
    reason: str = ""
    since: datetime
    received_on: date | None = None
    steps: dict[str, StepState]
    clocks: dict[str, ClockState] = Field(default_factory=dict)
    marks: dict[str, date] = Field(default_factory=dict)  # the day on which each mark of the clocks happened
    tasks: dict[str, OpenTask] = Field(default_factory=dict)
    undo: list[Undo] = Field(default_factory=list)
    early: dict[str, Callback] = Field(default_factory=dict)
    commands: dict[str, CommandResult] = Field(default_factory=dict)
    closing: Closing | None = None
    closed_at: datetime | None = None
    supplements: dict[str, SupplementState] = Field(default_factory=dict)
    promises: dict[str, PromiseState] = Field(default_factory=dict)
    signatures: dict[str, datetime | None] = Field(default_factory=dict)
    procedures: dict[str, ProcedureState] = Field(default_factory=dict)
    originals: dict[str, Stage | None] = Field(default_factory=dict)
    corrections: dict[str, CorrectionState] = Field(default_factory=dict)
    moved: dict[str, str] = Field(default_factory=dict)  # role -> region that took it over
    rounds: int = 0  # of tasks that are about no step
    recorded: int = 0
