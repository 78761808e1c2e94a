"""What goes in and out around a case: drafts, messages, notes, ratings, taking up again, papers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api.schemas import FORM_EXAMPLE, NO_NUL, ActingIn, DocumentId, PlaceOut, ShortText
from api.schemas_law import Name, Words
from domain.messages import Text


def _with(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


class DraftBody(BaseModel):
    """An application as far as it is filled in: nothing has to be there, and wrong values are kept as well."""

    model_config = _with({"form": FORM_EXAMPLE})

    form: dict[str, JsonValue] = Field(default_factory=dict, max_length=200)
    documents: dict[Name, list[DocumentId]] = Field(default_factory=dict, max_length=100)
    channel: str = Field(default="pc", pattern="^(pc|app|hall|kiosk|virtual_window|mail)$")
    promised: list[Name] = Field(default_factory=list, max_length=100)
    cosigners: list[Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]] = Field(
        default_factory=list, max_length=20
    )
    acting: ActingIn | None = None
    consent: Annotated[str, Field(max_length=40, pattern=NO_NUL)] = ""


class DraftIn(DraftBody):
    model_config = _with({"service": "YRD-ENT-MOVE", "form": FORM_EXAMPLE})

    service: str = Field(max_length=40, pattern=NO_NUL)


class DraftOut(BaseModel):
    """``errors``: what still keeps it from being handed in. ``case_no``: what it has become."""

    id: str
    service: str
    title: Text
    body: DraftBody
    revision: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    errors: list[dict[str, str]]
    case_no: str


class DraftShort(BaseModel):
    id: str
    service: str
    title: Text
    revision: int
    updated_at: datetime
    expires_at: datetime


class DraftList(BaseModel):
    drafts: list[DraftShort]


class MessageIn(BaseModel):
    """A message to the other side. ``to``: a place of the case, if not the accepting one; only for applicants."""

    model_config = _with({"text": "请问档案何时移交？"})

    text: Words
    documents: list[DocumentId] = Field(default_factory=list, max_length=20)
    to: dict[Literal["region", "department"], Name] | None = None


class MessageOut(BaseModel):
    """``sender``: applicant, or the place it came from."""

    id: str
    at: datetime
    mine: bool
    sender: PlaceOut | None
    to: PlaceOut | None
    basis: str
    text: str
    files: list[dict[str, Any]]
    read_at: datetime | None


class MessageList(BaseModel):
    messages: list[MessageOut]


class NoteIn(BaseModel):
    model_config = _with({"text": "电话核实：住所由房东自用改为出租。"})

    text: Words


class NoteOut(BaseModel):
    id: str
    at: datetime
    mine: bool
    text: str


class NoteList(BaseModel):
    notes: list[NoteOut]


class RatingIn(BaseModel):
    """Five stars: very satisfied; one: very dissatisfied. Voluntary, once a case, after its end."""

    model_config = _with({"stars": 5, "text": "一次没跑。", "aspects": ["efficiency", "convenience"]})

    stars: int = Field(ge=1, le=5)
    text: ShortText = ""
    aspects: list[Name] = Field(default_factory=list, max_length=10, description="what the rating is about")


class RatingOut(BaseModel):
    """``follow_up``: what became of a bad one."""

    stars: int
    level: Text
    aspects: list[Text]
    text: str
    at: datetime
    follow_up: dict[str, Any] | None


class RatingView(BaseModel):
    """``levels``, ``aspects``: what can be said, one star first."""

    rating: RatingOut | None
    possible: bool
    levels: list[Text]
    aspects: list[dict[str, Any]]


class ReopenIn(BaseModel):
    """Why the case is to be taken up again; a second person approves it."""

    model_config = _with({"ground": "new_facts", "reason": "申请人提供了法院调解书，原不予受理理由不再成立。"})

    ground: Literal["review_decision", "court_judgment", "new_facts", "own_error"]
    reason: Words


class TaskRef(BaseModel):
    """A task that was opened by what was asked."""

    no: str
    task: str
    due_at: datetime | None


class NoticeOut(BaseModel):
    """A paper that the law wants: numbered, dated, verifiable at ``verify``; ``qr`` is a picture of that address."""

    number: str
    kind: str
    title: Text
    issued_on: date
    issued_at: datetime
    place: PlaceOut
    text: list[Text]
    items: list[dict[str, Any]]
    digest: str
    verify: str
    qr: str


class NoticeList(BaseModel):
    notices: list[NoticeOut]


class OpinionOut(BaseModel):
    """What another body was asked, and what it has said."""

    asked_at: datetime | None
    by: PlaceOut
    place: PlaceOut
    question: str
    outcome: str
    answer: str
    answered_at: datetime | None


class OpinionList(BaseModel):
    opinions: list[OpinionOut]


class PrefillIn(BaseModel):
    model_config = _with({"form": {"origin_city": "340100", "uscc": "91340100XXXX00043E"}})

    form: dict[str, JsonValue] = Field(max_length=200)


class PrefillOut(BaseModel):
    """Values that registers hold, with where each is from; ``missing``: registers that had nothing or no answer."""

    values: dict[str, str]
    sources: dict[str, dict[str, Any]]
    missing: list[dict[str, Any]]
