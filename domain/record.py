"""What the workflow asks to be written down: one batch for all that changed since it last waited.

A batch is numbered; writing the same number twice is a no-op, a gap is an error. It holds codes and ids only;
texts and personal data stay in the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from pydantic import Field

from domain.case import CaseStatus, StepStatus
from domain.messages import Actor, Message, Place, Role
from domain.plan import CasePlan


class TaskKind(StrEnum):
    """Kinds of steps that a person carries out, and what else a person has to say in a case."""

    ACCEPT = "accept"
    VERIFY = "verify"
    REVIEW = "review"
    DECIDE = "decide"
    CONSULT = "consult"
    NOTIFY = "notify"
    INSPECTION = "inspection"
    WINDOW = "window"
    DELIVER = "deliver"
    ARCHIVE = "archive"
    RESOLVE = "resolve"  # something has failed: how to go on
    SUPERVISE = "supervise"  # a limit has run out
    EXTENSION = "extension"  # another person approves more time
    OBJECTION = "objection"  # somebody objects to what is on display, or to a correction
    PROMISE = "promise"  # was the promise kept
    TRANSFER = "transfer"  # is this place competent
    ARBITRATE = "arbitrate"  # two places disagree about that
    OPINION = "opinion"  # another body is asked
    REOPEN = "reopen"  # a second person: is the case to be taken up again
    FOLLOW_UP = "follow_up"  # of a bad rating
    REKEY = "rekey"  # a department without an interface: key it in, write down the number
    SUPPLY = "supply"  # a province wants something handed in


AFTER_THE_END = frozenset({TaskKind.REOPEN, TaskKind.FOLLOW_UP})  # opened by the API: no workflow runs any more


class TaskState(StrEnum):
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class EvidenceState(StrEnum):
    REQUESTED = "requested"  # the register has been asked
    OFFERED = "offered"  # the applicant can look at it
    UNAVAILABLE = "unavailable"  # the register has none; the applicant hands in a document instead
    ACCEPTED = "accepted"  # consent given, not yet released by the register
    USED = "used"
    REPLACED = "replaced"  # declined, own document instead
    CANCELLED = "cancelled"


class Who(StrEnum):
    APPLICANT = "applicant"
    DEPARTMENT = "department"
    PROVINCE = "province"
    SYSTEM = "system"


class Event(Message):
    """One line of the audit trail, ``type`` = source:subject:action."""

    type: str
    at: datetime
    actor: Actor
    leg: str = ""
    step: str = ""
    data: Mapping[str, str] = Field(default_factory=dict)


class TaskChange(Message):
    id: str
    step: str
    kind: TaskKind
    state: TaskState
    role: Role
    place: Place
    outcomes: tuple[str, ...]
    opened_at: datetime
    due_at: datetime | None = None
    outcome: str = ""
    queue: str = ""


class EvidenceChange(Message):
    id: str
    step: str
    state: EvidenceState
    place: Place
    command: str = ""


class LicenceIssued(Message):
    identifier: str
    step: str
    place: Place
    at: datetime


class Waiting(Message):
    """Who has the ball, why (a code of domain.waiting), since and until when."""

    who: Who
    region: str = ""
    department: str = ""
    why: str
    step: str = ""
    since: datetime
    until: datetime | None = None


class StepView(Message):
    id: str
    status: StepStatus
    since: datetime
    reference: str = ""
    trouble: str = ""
    reasons: tuple[str, ...] = ()
    ends_at: datetime | None = None
    failed: bool = False
    tolerated: bool = False


class PauseView(Message):
    """Days that did not count; no last day as long as it lasts."""

    cause: str
    first: date
    planned: date | None = None
    last: date | None = None


class ClockView(Message):
    """A clock that has started; days are Asia/Shanghai. Its explanation is computed on reading."""

    id: str
    started_on: date
    stopped_at: datetime | None = None
    legal_due: date | None = None
    promised_due: date | None = None
    provisional: bool = False
    legal_overdue: bool = False
    promised_overdue: bool = False
    pauses: tuple[PauseView, ...] = ()
    extension: str = ""
    dropped: bool = False

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self.stopped_at is None and any(pause.last is None for pause in self.pauses)


class SupplementView(Message):
    """A request to supplement; its words stand in the order ``command``. ``items``: id, about, kind."""

    id: str
    command: str
    step: str
    items: tuple[tuple[str, str, str], ...]
    answered: tuple[str, ...]
    since: datetime
    due: date
    provisional: bool
    status: str


class PromiseView(Message):
    material: str
    due: date | None
    provisional: bool
    status: str


class ProcedureView(Message):
    id: str
    begun_on: date
    planned: date
    ended_at: datetime | None
    overdue: bool


class CorrectionView(Message):
    id: str
    command: str
    fields: tuple[str, ...]
    at: datetime
    objected: bool
    reverted: bool


class CaseView(Message):
    """The projection that people read, whole."""

    status: CaseStatus
    reason: str = ""
    target: CaseStatus | None = None
    waiting: tuple[Waiting, ...]
    steps: tuple[StepView, ...]
    clocks: tuple[ClockView, ...]
    due_at: datetime | None
    next_wake: datetime | None
    closed_at: datetime | None = None
    received_on: date | None = None
    expected_on: date | None = None  # the longest way through what is left, if every limit is used up
    expected_provisional: bool = False
    supplements: tuple[SupplementView, ...] = ()
    promises: tuple[PromiseView, ...] = ()
    procedures: tuple[ProcedureView, ...] = ()
    originals: Mapping[str, str] = Field(default_factory=dict)
    corrections: tuple[CorrectionView, ...] = ()
    signers: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
    moved: Mapping[str, str] = Field(default_factory=dict)


class RecordBatch(Message):
    """``events``, ``tasks``, ``licences``, ``commands``: what is new.

    ``evidence``, ``open_tasks``, ``all_commands``: all there is, so that a batch can take the place of one that a
    lost workflow task had written. ``plan``: what the case is pinned to from here on, if it was moved.
    """

    case_no: str
    number: int
    epoch: int = 0  # how many events the workflow's history held
    at: datetime
    view: CaseView
    events: tuple[Event, ...]
    tasks: tuple[TaskChange, ...]
    evidence: tuple[EvidenceChange, ...]
    licences: tuple[LicenceIssued, ...]
    commands: tuple[str, ...]
    open_tasks: tuple[str, ...] = ()
    all_commands: tuple[str, ...] = ()
    plan: CasePlan | None = None
