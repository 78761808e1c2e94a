"""What goes in and out of the virtual window."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import NO_NUL, DocumentId, PlaceOut
from api.schemas_law import Name
from domain.messages import Text
from domain.window import IdentityMethod, Party, WindowEnd

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 or SM3, hex")]


def _with(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


class HallIn(BaseModel):
    model_config = _with({"region": "310118", "department": "service_hall"})

    region: Annotated[str, Field(pattern="^3[1-4][0-9]{4}$")]
    department: Annotated[str, Field(pattern="^[a-z_]{1,40}$")]


class WindowIn(BaseModel):
    """For which case. ``hall``: where the applicant sits, if the case has no step at a window now."""

    model_config = _with({"case_no": "32050020261123PENTMOV002N9CH"})

    case_no: Annotated[str, Field(max_length=40, pattern=NO_NUL)]
    hall: HallIn | None = None


class _ActIn(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CallBackIn(_ActIn):
    act: Literal["call_back"]
    at: datetime | None = Field(default=None, description="when you would like to be called")


class PlainIn(_ActIn):
    act: Literal["give_back", "begin", "hold", "resume"]


class PickUpIn(_ActIn):
    act: Literal["pick_up"]
    window_no: Name = ""


class JoinIn(_ActIn):
    act: Literal["join"]
    party: Party
    window_no: Name = ""


class IdentityIn(_ActIn):
    act: Literal["identity"]
    method: IdentityMethod
    passed: bool
    score: int = Field(default=0, ge=0, le=100)


class ConsentIn(_ActIn):
    act: Literal["consent"]
    version: Name


class CaptureIn(_ActIn):
    """``document``: the id of a photo that the clerk has uploaded. It is brought into the case."""

    act: Literal["capture"]
    document: DocumentId
    material: Name = ""


class SignIn(_ActIn):
    act: Literal["ask_sign", "signed"]
    digest: Digest


class HandOverIn(_ActIn):
    act: Literal["hand_over"]
    to: str = Field(pattern="^[!-~]{1,200}$")


class ConnectionIn(_ActIn):
    act: Literal["lost", "rejoin"]
    party: Party


class RecordingIn(BaseModel):
    model_config = _with({"reference": "hall-31/2026/11/25/0007", "digest": "0" * 64, "algorithm": "sm3"})

    reference: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
    digest: Digest
    algorithm: Literal["sha256", "sm3"] = "sha256"


class CloseIn(_ActIn):
    act: Literal["close"]
    outcome: WindowEnd
    recording: RecordingIn | None = None
    checklist: list[Name] = Field(default_factory=list, max_length=100)


ActIn = Annotated[
    CallBackIn
    | PlainIn
    | PickUpIn
    | JoinIn
    | IdentityIn
    | ConsentIn
    | CaptureIn
    | SignIn
    | HandOverIn
    | ConnectionIn
    | CloseIn,
    Field(discriminator="act", json_schema_extra={"example": {"act": "join", "party": "applicant"}}),
]


class WindowOut(BaseModel):
    """A session. ``waits_for``, ``until``: who has the ball and until when. ``position``: in the queue."""

    id: str
    case_no: str
    status: str
    since: datetime
    outcome: str
    reason: str
    reason_text: Text | None
    hall: PlaceOut
    handling: PlaceOut
    step: str
    waits_for: str
    until: datetime | None
    position: int | None
    call_back_offered: bool
    call_back: bool
    call_back_at: datetime | None
    consent: dict[str, Any] = Field(description="the form to agree to: version, title, text")
    consented_at: datetime | None
    counters: dict[str, str]
    clerks: dict[str, str] = Field(description="side -> me | other")
    joined: list[str]
    identity: list[dict[str, Any]]
    captured: list[dict[str, Any]]
    to_sign: str
    signed: str
    losses: list[dict[str, Any]]
    recording: dict[str, Any] | None
    created_at: datetime
    closed_at: datetime | None


class WindowList(BaseModel):
    windows: list[WindowOut]


class WindowDoneOut(BaseModel):
    """What an act led to; the session as it stands is at its own address."""

    id: str
    status: str
    at: datetime
