"""What goes in and out of the verbs of the law: supplement, extend, suspend, sign, hand in, object, correct."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from api.schemas import NO_NUL, SPELLED_NUL, DocumentId, PlaceOut, ShortText
from domain.messages import Text


def _can_be_kept(value: JsonValue) -> JsonValue:
    """What the database cannot hold is refused: NUL, half a character, a number that is none."""
    spelled = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if SPELLED_NUL.search(spelled) or not spelled.encode():  # half a character cannot be encoded: a ValueError
        raise ValueError("NUL")
    return value


Value = Annotated[JsonValue, AfterValidator(_can_be_kept)]
Name = Annotated[str, Field(max_length=60, pattern=NO_NUL)]
Words = Annotated[str, Field(min_length=1, max_length=4000, pattern=NO_NUL)]


def _with(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


class SupplementItemIn(BaseModel):
    """One thing that is wrong: a material or a form field, how, why, and what a right one looks like."""

    model_config = _with(
        {"material": "resolution", "kind": "incomplete", "reason": "缺少股东签字", "example": "见样例"}
    )

    material: Name = ""
    field: Name = ""
    kind: Literal["incorrect", "incomplete", "outdated"]
    reason: Words
    example: ShortText = ""


class SupplementIn(BaseModel):
    """Everything at once. ``about_new``: why a second notice concerns what was handed in since the first."""

    model_config = _with(
        {
            "task": "t0123456789abcdef012345678",
            "items": [{"material": "resolution", "kind": "incomplete", "reason": "缺少股东签字"}],
        }
    )

    task: Name
    items: list[SupplementItemIn] = Field(min_length=1, max_length=50)
    about_new: ShortText = ""


class ReplyItem(BaseModel):
    model_config = _with({"documents": ["d0123456789abcdef0123456789"], "text": "已补充签字页"})

    documents: list[DocumentId] = Field(default_factory=list, max_length=20)
    value: Value = None
    text: ShortText = ""


class ReplyIn(BaseModel):
    """Item id -> the answer to it. What is left out can be answered later, until the deadline.

    A ``value`` to an item about a form field is checked as the form was, and becomes the form's.
    """

    model_config = _with({"items": {"i1": {"documents": ["d0123456789abcdef0123456789"]}}})

    items: dict[Name, ReplyItem] = Field(min_length=1, max_length=50)


class ReasonIn(BaseModel):
    model_config = _with({"reason": "材料已由部门共享取得"})

    reason: Words


class ExtensionIn(BaseModel):
    """A clock of the case and the reason that the applicant will be told."""

    model_config = _with({"clock": "decision", "reason": "案情复杂，需进一步核实"})

    clock: Name
    reason: Words


class ProcedureIn(BaseModel):
    model_config = _with({"procedure": "expert_review", "planned_days": 10, "reason": "需组织专家评审"})

    procedure: Name
    planned_days: int = Field(default=0, ge=0, le=3660, description="0: as long as it may take at most")
    reason: Words


class HandInIn(BaseModel):
    model_config = _with({"documents": ["d0123456789abcdef0123456789"]})

    documents: list[DocumentId] = Field(min_length=1, max_length=20)


class CosignIn(BaseModel):
    model_config = _with({"agree": True})

    agree: bool
    reason: ShortText = ""


class ObjectionIn(BaseModel):
    model_config = _with({"step": "publicity", "reason": "公示内容与事实不符"})

    step: Name
    reason: Words


class OriginalIn(BaseModel):
    """One link of the custody chain. ``photo``: the document id of a photo of the sealed original."""

    model_config = _with({"material": "old_card", "stage": "sealed", "photo": "d0123456789abcdef0123456789"})

    material: Name
    stage: Literal["sealed", "shipped", "arrived", "archived"]
    photo: DocumentId
    tracking: Annotated[str, Field(max_length=100, pattern=NO_NUL)] = ""


class TransferIn(BaseModel):
    model_config = _with({"region": "320100", "reason": "住所地属南京市"})

    region: Annotated[str, Field(pattern="^3[1-4][0-9]{4}$")]
    reason: Words


class OpinionIn(BaseModel):
    model_config = _with({"region": "330000", "department": "ecology", "question": "是否同意接收？"})

    region: Annotated[str, Field(pattern="^3[1-4][0-9]{4}$")]
    department: Annotated[str, Field(pattern="^[a-z_]{1,40}$")]
    question: Words


class CorrectionIn(BaseModel):
    model_config = _with({"fields": {"new_address": "苏州市工业园区示例路2号"}, "reason": "申请人电话更正"})

    fields: dict[Name, JsonValue] = Field(min_length=1, max_length=50)
    reason: Words


# outputs


class SupplementItemOut(BaseModel):
    id: str
    material: str = ""
    field: str = ""
    title: Text
    kind: str
    reason: str
    example: str
    answered: bool
    answer: dict[str, Any] | None = None


class SupplementOut(BaseModel):
    id: str
    status: str
    since: datetime
    due: date
    provisional: bool
    about_new: str
    items: list[SupplementItemOut]


class SupplementList(BaseModel):
    supplements: list[SupplementOut]


class PauseOut(BaseModel):
    cause: str
    text: Text
    first: date
    planned: date | None
    last: date | None


class DeadlineOut(BaseModel):
    """One clock in words. ``light``: green, yellow (near) or red (over); empty once it has stopped."""

    clock: str
    title: Text
    place: PlaceOut
    started_on: date
    stopped_at: datetime | None
    legal_due: date | None
    promised_due: date | None
    provisional: bool
    paused: bool
    light: str
    extension: str
    pauses: list[PauseOut]
    explanation: list[Text]


class DeadlineList(BaseModel):
    """``expected_on``: when the case will be over if everybody uses up his time; the latest path of the legs."""

    no: str
    expected_on: date | None
    expected_provisional: bool
    deadlines: list[DeadlineOut]


class ConsequenceOut(BaseModel):
    step: str
    title: Text
    place: PlaceOut
    what: Literal["undone", "stands", "cancelled", "not_begun"]
    text: Text


class Consequences(BaseModel):
    """What withdrawing now would mean, place by place; after a withdrawal, the proof that each has cancelled."""

    no: str
    possible: bool
    consequences: list[ConsequenceOut]
    proofs: list[dict[str, str]]


class CustodyOut(BaseModel):
    material: str
    title: Text
    stage: str
    links: list[dict[str, Any]]


class CustodyList(BaseModel):
    originals: list[CustodyOut]


class CorrectionOut(BaseModel):
    id: str
    at: datetime
    reason: str
    fields: dict[str, dict[str, JsonValue]] = Field(description="field -> before, after")
    objected: bool
    reverted: bool


class CorrectionList(BaseModel):
    corrections: list[CorrectionOut]


class FeeOut(BaseModel):
    id: str
    title: Text
    amount_fen: int
    status: str
    reference: str
    pay_at: str = Field(default="", description="the payment platform's page, while it is due")
    basis: Text
    tag: str
    refund_on: list[str]


class FeeList(BaseModel):
    fees: list[FeeOut]
