"""What goes in and out of the API. Inputs refuse unknown fields; every model carries an example."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from domain.messages import Acting, Text

NO = "32050020261123PENTMOV002N9CH"


def _with(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


NO_NUL = r"^[^\x00]*$"  # PostgreSQL has no such character
SPELLED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # ... as JSON spells it
ShortText = Annotated[str, Field(max_length=4000, pattern=NO_NUL)]
DocumentId = Annotated[str, Field(max_length=40, pattern=NO_NUL)]

# inputs

FORM_EXAMPLE = {
    "company_name": "合肥示例新材料有限公司",
    "uscc": "91340100XXXX00043E",
    "origin_city": "340100",
    "destination_city": "320500",
    "new_address": "苏州市工业园区示例路1号",
    "legal_representative_name": "测试·甲",
    "legal_representative_id": "31019919900101001" + "8",
    "shareholder_name": "杭州示例投资有限公司",
    "shareholder_uscc": "91330100XXXX00035F",
}


class Precheck(BaseModel):
    """A form, complete or not: what fits, what is missing."""

    model_config = _with({"form": FORM_EXAMPLE})

    form: dict[str, JsonValue] = Field(max_length=200)


class ActingIn(BaseModel):
    """For whom you apply, if not for yourself. ``document``: the mandate, or the proof of guardianship."""

    model_config = _with({"basis": "mandate", "principal": "citizen-7", "document": "d0123456789abcdef0123456789"})

    basis: Acting
    principal: str = Field(
        default="", pattern="^[!-~]{0,200}$", description="his login, if he has one; he then sees the case as his own"
    )
    document: DocumentId = ""


class Submission(BaseModel):
    """An application. ``documents``: material id -> ids of documents uploaded before."""

    model_config = _with(
        {
            "service": "YRD-ENT-MOVE",
            "form": FORM_EXAMPLE,
            "documents": {
                "resolution": ["d0123456789abcdef0123456789"],
                "address_proof": ["d9876543210fedcba9876543210"],
            },
            "channel": "pc",
        }
    )

    service: str = Field(max_length=40)
    form: dict[str, JsonValue] = Field(max_length=200)
    documents: dict[str, list[DocumentId]] = Field(default_factory=dict, max_length=100)
    channel: str = Field(default="pc", pattern="^(pc|app|hall|kiosk|virtual_window|mail)$")
    promised: list[Annotated[str, Field(max_length=60, pattern=NO_NUL)]] = Field(
        default_factory=list, max_length=100, description="materials you promise to hand in later"
    )
    cosigners: list[Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]] = Field(
        default_factory=list,
        max_length=20,
        description="login ids of who has to confirm, in the service's order",
    )
    acting: ActingIn | None = Field(default=None, description="for whom you apply, if not for yourself")
    consent: Annotated[str, Field(max_length=40, pattern=NO_NUL)] = Field(
        default="", description="version of the consent form you have read and agree to, where the service wants it"
    )


class AssignIn(BaseModel):
    """Whom a task is given to: the login id of a caseworker."""

    model_config = _with({"to": "clerk-7"})

    to: str = Field(pattern="^[!-~]{1,200}$")


ShortNumber = Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Decision(BaseModel):
    """A caseworker's decision. A refusal needs a reason and its legal basis."""

    model_config = _with(
        {"outcome": "grant", "reason": "材料齐全，符合法定形式。", "legal_basis": "市场主体登记管理条例第十九条"}
    )

    outcome: str = Field(max_length=40)
    reason: ShortText = ""
    legal_basis: ShortText = ""
    checklist: list[Annotated[str, Field(max_length=60, pattern=NO_NUL)]] = Field(
        default_factory=list, max_length=100, description="ids of the checklist lines that were ticked"
    )
    reference: Annotated[str, Field(max_length=100, pattern=NO_NUL)] = Field(
        default="", description="a tracking or archive number"
    )
    number: ShortNumber = Field(default="", description="of a request keyed in by hand: the number that came back")
    number_again: ShortNumber = Field(default="", description="the same, read and typed a second time")
    photo: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = Field(
        default="", description="SHA-256 of the photo or print of what the department's system has shown"
    )


class EvidenceAnswer(BaseModel):
    """Declining: which own document stands in instead."""

    model_config = _with({"document_id": "d0123456789abcdef0123456789", "reason": "执照信息已更新"})

    document_id: DocumentId = ""
    reason: ShortText = ""


class Withdrawal(BaseModel):
    model_config = _with({"reason": "不再迁移"})

    reason: ShortText = ""


# outputs


class PlaceOut(BaseModel):
    region: str
    region_name: Text | None = None
    department: str


class DocumentOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "d0123456789abcdef0123456789",
                "name": "决议.pdf",
                "media_type": "application/pdf",
                "size": 18231,
                "digest": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
                "created_at": "2026-11-23T02:03:04Z",
            }
        }
    )

    id: str
    name: str
    media_type: str
    size: int
    digest: str = Field(description="SHA-256, hex")
    created_at: datetime


class WaitingOut(BaseModel):
    """Who has the ball. ``until`` is the limit that person is under, if any."""

    who: str
    region: str = ""
    region_name: Text | None = None
    department: str = ""
    why: str
    text: Text
    what_unblocks: Text
    step: str = ""
    since: datetime
    until: datetime | None = None
    attempts: int | None = Field(default=None, description="tries at a province that does not answer")


class StepOut(BaseModel):
    id: str
    title: Text
    kind: str
    status: str
    since: datetime
    needs: list[str]
    reference: str = ""
    trouble: str = ""
    reasons: list[str] = []


class LegOut(BaseModel):
    id: str
    title: Text
    place: PlaceOut
    steps: list[StepOut]


class ClockOut(BaseModel):
    id: str
    title: Text
    started_on: date
    stopped_at: datetime | None
    legal_due: date | None
    promised_due: date | None
    working_days_left: int | None = Field(description="until the nearest of both; negative when over")
    provisional: bool
    overdue: bool
    explanation: list[Text]


class EvidenceOut(BaseModel):
    id: str
    step: str
    title: Text
    purpose: Text | None
    place: PlaceOut
    state: str
    preview: dict[str, str] | None
    document_id: str = ""


class CaseShort(BaseModel):
    no: str
    service: str
    title: Text
    subject: str
    status: str
    waiting_on: WaitingOut | None
    due_at: datetime | None
    overdue: bool
    created_at: datetime
    closed_at: datetime | None


class CaseList(BaseModel):
    cases: list[CaseShort]
    next: str | None = Field(description="cursor of the next page")


class CaseOut(CaseShort):
    version: str
    plan_digest: str
    reason: str
    reason_text: Text | None
    waiting: list[WaitingOut]
    legs: list[LegOut]
    clocks: list[ClockOut]
    evidence: list[EvidenceOut]
    documents: dict[str, list[dict[str, Any]]]
    form: dict[str, JsonValue] | None = None
    acting: str = Field(default="", description="on what basis it was filed for somebody else; empty: for himself")
    duplicates: list[DuplicateOut] = Field(
        default_factory=list, description="open cases about the same, as far as you may see them"
    )
    reopens: str = Field(default="", description="the case that this one takes up again")
    reopened_as: str = Field(default="", description="the case that takes this one up again")
    keep_until: date | None = Field(default=None, description="how long the file is kept; none: for ever, or unsaid")


class DuplicateOut(BaseModel):
    """An open case of the same service about the same."""

    no: str
    status: str
    created_at: datetime


class Receipt(BaseModel):
    """What a submission is answered with: durable from here on.

    duplicates: open cases of yours about the same; withdraw the one you do not want.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "no": NO,
                "status": "submitted",
                "created_at": "2026-11-23T02:03:04Z",
                "digest": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
                "files": [
                    {
                        "material": "resolution",
                        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    }
                ],
            }
        }
    )

    no: str
    status: str
    created_at: datetime
    digest: str
    files: list[dict[str, str]]
    duplicates: list[DuplicateOut] = []


class EventOut(BaseModel):
    seq: int
    type: str
    at: datetime
    actor: dict[str, str]
    leg: str
    step: str
    data: dict[str, str]
    hash: str


class EventList(BaseModel):
    events: list[EventOut]
    next: int | None


class ResultOut(BaseModel):
    licence: str
    title: Text
    issuer: PlaceOut
    issued_at: datetime
    verify: str
    qr: str = Field(default="", description="a picture of that address")
    state: str


class DeliveryOut(BaseModel):
    """How a result reaches the applicant. ``reference``: the tracking number, once it is on its way."""

    step: str
    title: Text
    place: PlaceOut
    status: str
    reference: str
    at: datetime


class ResultList(BaseModel):
    """``results`` are in the applicant's account at once; ``deliveries`` are what is mailed or handed over besides."""

    status: str
    reason: str
    decision: dict[str, Any] | None
    results: list[ResultOut]
    deliveries: list[DeliveryOut] = []


class CommandOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"example": {"no": NO, "status": "under_review", "at": "2026-11-23T02:03:04Z"}}
    )

    no: str
    status: str
    at: datetime
    reopened_as: str = Field(default="", description="the case in which this one was taken up again by the order")


class RekeyOut(BaseModel):
    """What a clerk keys into a department's own system. ``undoes``: the number of what is to be undone, if known."""

    operation: str
    reverses: bool
    undoes: str = ""
    undoes_remark: str = Field(default="", description="what was keyed in beside it, if the number was not told")
    remark: str = Field(default="", description="to be keyed in beside it: the nightly file names the request by it")
    fields: dict[str, str]


class TaskOut(BaseModel):
    id: str
    case_no: str
    service: str = ""
    subject: str = ""
    step: str
    title: Text | None = None
    kind: str
    role: str
    place: PlaceOut
    state: str
    outcomes: list[str]
    opened_at: datetime
    due_at: datetime | None
    overdue: bool = False
    outcome: str
    claimed: str = Field(description="me | other | empty")
    queue: str = Field(default="", description="the department's desk it was routed to")
    checklist: list[dict[str, Any]] = Field(
        default_factory=list, description="of one task: id, title, mandatory of each line to tick"
    )
    rekey: RekeyOut | None = Field(default=None, description="of one task: what a clerk keys in by hand")
    wants: Text | None = Field(default=None, description="of one task: what the province wants handed in")
    revision: int


class TaskList(BaseModel):
    tasks: list[TaskOut]
    next: str | None


class CallbackOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"status": "taken"}})

    status: str = Field(description="taken | late")


class VerificationOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "licence": "1.2.156.3005.2.11100000XXXX000786001.11320000XXXX000514.2026000000000001.001.V",
                "valid": True,
                "state": "valid",
                "title": {"zh": "营业执照", "en": "Business licence"},
                "issuer": {"region": "320500", "department": "market_regulation"},
                "issued_at": "2026-11-23T02:03:04Z",
                "shows": [{"title": {"zh": "企业名称", "en": "Company name"}, "value": "合肥示例新材料有限公司"}],
            }
        }
    )

    licence: str
    valid: bool
    state: str
    title: Text
    issuer: PlaceOut
    issued_at: datetime
    shows: list[dict[str, Any]]


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    title_zh: str
    status: int
    code: str
    request_id: str
    errors: list[dict[str, str]] = []
