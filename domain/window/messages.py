"""The words of a session: its states, what can be done in it, what is remembered and shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.messages import Actor, Message, Place, Text
from domain.record import Event


class WindowStatus(StrEnum):
    """Where a session stands."""

    REQUESTED = "requested"
    QUEUED = "queued"
    CONNECTING = "connecting"  # a clerk has picked it up, the applicant is being connected
    IDENTITY_CHECK = "identity_check"
    CONSENTED = "consented"
    IN_SERVICE = "in_service"
    ON_HOLD = "on_hold"
    SIGNING = "signing"
    CLOSED = "closed"


class WindowEnd(StrEnum):
    """How a session ended."""

    COMPLETED = "completed"
    REFERRED = "referred"  # it has to go on another time or elsewhere
    ABANDONED = "abandoned"
    FAILED_TECH = "failed_tech"
    IDENTITY_FAILED = "identity_failed"


S = WindowStatus
TRANSITIONS: dict[WindowStatus, frozenset[WindowStatus]] = {
    S.REQUESTED: frozenset({S.QUEUED, S.CLOSED}),
    S.QUEUED: frozenset({S.CONNECTING, S.CLOSED}),
    S.CONNECTING: frozenset({S.QUEUED, S.IDENTITY_CHECK, S.CLOSED}),
    S.IDENTITY_CHECK: frozenset({S.CONSENTED, S.CLOSED}),
    S.CONSENTED: frozenset({S.IN_SERVICE, S.CLOSED}),
    S.IN_SERVICE: frozenset({S.ON_HOLD, S.SIGNING, S.CLOSED}),
    S.ON_HOLD: frozenset({S.IN_SERVICE, S.CLOSED}),
    S.SIGNING: frozenset({S.IN_SERVICE, S.CLOSED}),
    S.CLOSED: frozenset(),
}


class Party(StrEnum):
    """The sides of a session."""

    APPLICANT = "applicant"
    HALL = "hall"  # the clerk beside the applicant
    HANDLING = "handling"  # the clerk of the authority that handles the case


class WindowTimes(Message):
    """How long things may take; from a data file, where each has its tag.

    queue: until a call back is offered. longest_wait: until nobody waits any more. connect: for the applicant to come
    once a clerk is there. grace: after a lost connection. hard_stop: for everything once connected.
    """

    queue_minutes: int = Field(ge=1, le=24 * 60)
    longest_wait_minutes: int = Field(ge=1, le=14 * 24 * 60)
    connect_minutes: int = Field(ge=1, le=60)
    grace_minutes: int = Field(ge=1, le=60)
    hard_stop_minutes: int = Field(ge=1, le=24 * 60)
    identity_tries: int = Field(ge=1, le=10)
    basis: Text
    tag: str


class WindowStart(Message):
    """What a session is started with. ``step``: the window step of the case it stands for, if any.

    decides: the place whose clerk decides that step. mandatory: lines of its checklist that have to be ticked.
    """

    id: str
    case_no: str
    hall: Place
    handling: Place
    asked_by: Actor
    consent_version: str
    times: WindowTimes
    step: str = ""
    decides: Place | None = None
    mandatory: tuple[str, ...] = ()


# what can be done


class Act(Message):
    """``id``: the same id again is the same act and gets the same result for ever."""

    id: str
    actor: Actor


class CallBackAct(Act):
    """The applicant does not wait on the line but is called. ``at``: when he would like to be."""

    act: Literal["call_back"] = "call_back"
    at: datetime | None = None


class PickUpAct(Act):
    """A clerk of the handling place takes the session out of the queue. ``window_no``: his counter."""

    act: Literal["pick_up"] = "pick_up"
    window_no: str = ""


class GiveBackAct(Act):
    """... and gives it back."""

    act: Literal["give_back"] = "give_back"


class JoinAct(Act):
    """A side is there. The clerk of the hall may say so for the applicant beside him."""

    act: Literal["join"] = "join"
    party: Party
    window_no: str = ""


class IdentityMethod(StrEnum):
    FACE = "face"  # 人脸比对
    CARD = "card"  # 读取身份证
    CERTIFICATE = "certificate"  # 数字证书, 电子营业执照
    OFFICIAL = "official"  # 人工核对


class IdentityAct(Act):
    """The applicant's identity was checked. ``score``: 0 to 100, as the method gives it."""

    act: Literal["identity"] = "identity"
    method: IdentityMethod
    passed: bool
    score: int = Field(default=0, ge=0, le=100)


class ConsentAct(Act):
    """The applicant consents to the service across provinces and to the recording; ``version`` of the text shown."""

    act: Literal["consent"] = "consent"
    version: str


class BeginAct(Act):
    act: Literal["begin"] = "begin"


class HoldAct(Act):
    act: Literal["hold"] = "hold"


class ResumeAct(Act):
    act: Literal["resume"] = "resume"


class CaptureAct(Act):
    """A document was photographed or handed in during the session."""

    act: Literal["capture"] = "capture"
    document: str
    digest: str
    material: str = ""


class AskSignAct(Act):
    """The applicant is asked to sign; ``digest``: of the document."""

    act: Literal["ask_sign"] = "ask_sign"
    digest: str


class SignedAct(Act):
    """The applicant has signed; ``digest``: of the signature."""

    act: Literal["signed"] = "signed"
    digest: str


class HandOverAct(Act):
    """A clerk's colleague of the same place goes on."""

    act: Literal["hand_over"] = "hand_over"
    to: str


class LostAct(Act):
    """A side has lost its connection."""

    act: Literal["lost"] = "lost"
    party: Party


class RejoinAct(Act):
    act: Literal["rejoin"] = "rejoin"
    party: Party


class Recording(Message):
    """Where the recording is kept and what it is: reference and digest, never the recording itself."""

    reference: str
    digest: str
    algorithm: Literal["sha256", "sm3"] = "sha256"


class CloseAct(Act):
    """The end. ``ticked``: lines of the step's checklist, when it is completed."""

    act: Literal["close"] = "close"
    outcome: WindowEnd
    recording: Recording | None = None
    ticked: tuple[str, ...] = ()


AnyAct = Annotated[
    CallBackAct
    | PickUpAct
    | GiveBackAct
    | JoinAct
    | IdentityAct
    | ConsentAct
    | BeginAct
    | HoldAct
    | ResumeAct
    | CaptureAct
    | AskSignAct
    | SignedAct
    | HandOverAct
    | LostAct
    | RejoinAct
    | CloseAct,
    Field(discriminator="act"),
]


# what is shown


class Identity(Message):
    method: IdentityMethod
    passed: bool
    score: int
    at: datetime


class Captured(Message):
    document: str
    digest: str
    material: str
    at: datetime


class Loss(Message):
    """A connection that was lost; no ``back``: it is lost."""

    party: Party
    at: datetime
    back: datetime | None = None


class WindowView(Message):
    """The projection of a session. ``clerks``: side -> opaque id; ``counters``: side -> number of the window."""

    status: WindowStatus
    since: datetime
    outcome: WindowEnd | None = None
    reason: str = ""
    waits_for: Party | None = None
    until: datetime | None = None
    next_wake: datetime | None = None
    call_back_offered: bool = False
    call_back: bool = False
    call_back_at: datetime | None = None
    clerks: Mapping[str, str] = Field(default_factory=dict)
    counters: Mapping[str, str] = Field(default_factory=dict)
    joined: tuple[Party, ...] = ()
    identity: tuple[Identity, ...] = ()
    consent_version: str = ""
    consented_at: datetime | None = None
    connected_at: datetime | None = None
    captured: tuple[Captured, ...] = ()
    to_sign: str = ""
    signed: str = ""
    losses: tuple[Loss, ...] = ()
    recording: Recording | None = None
    closed_at: datetime | None = None


class WindowBatch(Message):
    """What has to be written down of a session: numbered; the same number again is a no-op.

    epoch: how many events the workflow's history held.
    """

    id: str
    case_no: str
    number: int
    epoch: int = 0
    at: datetime
    view: WindowView
    events: tuple[Event, ...]


class WindowDone(Message):
    """What an act led to."""

    status: WindowStatus
    at: datetime


class WindowResult(Message):
    """Told to the case when a session that stands for a step was completed. ``clerk``: who decides by it."""

    session: str
    step: str
    clerk: Actor
    ticked: tuple[str, ...]
