"""What goes in and out of filing, referral and the search for institutions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import NO_NUL, ActingIn, DocumentId, PlaceOut, ShortNumber, ShortText, WaitingOut
from api.schemas_law import Name
from domain.medical.filing_decision import RuleLine
from domain.medical.filing_rules import Category
from domain.medical.institution import CareKind
from domain.messages import Text

Region = Annotated[str, Field(pattern="^3[1-4][0-9]{4}$")]
InstitutionId = Annotated[str, Field(pattern="^[HP][0-9]{11}$")]
Insutype = Annotated[str, Field(pattern="^[0-9]{3}$", description="310 employees, 390 residents")]
Code = Annotated[str, Field(pattern="^[a-z0-9_]{1,40}$")]
Words = Annotated[str, Field(max_length=400, pattern=NO_NUL)]
PERSON = {"name": "测试·甲", "id_number": "340199194910010042", "phone": "13900000000", "address": ""}


def _with(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


class PersonIn(BaseModel):
    """Who is insured. The number stays in the record; everything else knows a digest of it."""

    model_config = _with(PERSON)

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=NO_NUL)]
    id_number: Annotated[str, Field(min_length=15, max_length=20, pattern=NO_NUL, description="resident id number")]
    phone: Annotated[str, Field(max_length=30, pattern=r"^[0-9+ -]*$")] = ""
    address: Words = ""


class _WhatIn(BaseModel):
    destination: Region
    category: Category
    first: date | None = Field(default=None, description="first day; today if left out")
    documents: dict[Name, list[DocumentId]] = Field(default_factory=dict, max_length=20)
    committed: list[Name] = Field(default_factory=list, max_length=20, description="papers a commitment stands in for")


class FilingIn(_WhatIn):
    """An application. ``admitted``: the day, of somebody who is in hospital already and has not settled."""

    model_config = _with(
        {
            "person": PERSON,
            "insured": "340500",
            "insutype": "310",
            "destination": "310104",
            "category": "LT_RESIDENT",
            "committed": ["residence_proof"],
        }
    )

    person: PersonIn
    insured: Region
    insutype: Insutype
    admitted: date | None = None
    discharged: bool = False
    acting: ActingIn | None = None


class ChangeIn(_WhatIn):
    """What the filing is to be from a day on; the person and the insurance stay."""

    model_config = _with({"destination": "320100", "category": "LT_RESIDENT", "committed": ["residence_proof"]})


class ProofIn(BaseModel):
    model_config = _with({"documents": {"residence_proof": ["d0123456789abcdef0123456789"]}})

    documents: dict[Name, list[DocumentId]] = Field(min_length=1, max_length=20)


class CancelIn(BaseModel):
    model_config = _with({"reason": "moved_back"})

    reason: Annotated[str, Field(pattern="^[a-z0-9_]{0,40}$")] = ""


class FilingDecisionIn(BaseModel):
    """By a caseworker of the insured place. retry, by_hand: of what the platform did not take."""

    model_config = _with({"outcome": "reject", "reason": "papers_unclear"})

    outcome: Literal["approve", "reject", "retry", "by_hand"]
    reason: Annotated[str, Field(pattern="^[a-z0-9_]{0,40}$")] = ""
    reference: ShortNumber = ""


class CheckIn(BaseModel):
    """A treatment that is thought of. ``id_number``: by the insured place's caseworkers only; else it is oneself.

    category: how it would be filed, to see what the rules would say to that.
    """

    model_config = _with({"insured": "340500", "destination": "310104", "med_type": "21", "day": "2026-12-01"})

    insured: Region
    destination: Region
    med_type: Annotated[str, Field(pattern="^[0-9]{2,6}$")] = "21"
    day: date | None = None
    emergency: bool = False
    category: Category | None = None
    insutype: Insutype = "310"
    id_number: Annotated[str, Field(max_length=20, pattern=NO_NUL)] = ""


class FilingOut(BaseModel):
    """A filing. ``applies``: it covers today. ``first``, ``last``: the days it holds; no last: without an end."""

    no: str
    status: str
    category: Category
    category_title: Text
    benefit: str
    insured: PlaceOut
    destination: PlaceOut
    insutype: str
    first: date
    last: date | None
    applies: bool
    by_commitment: bool
    proof_due: date | None
    missed_proof: date | None
    changeable_from: date
    registered: str
    reason: str
    reason_text: Text | None
    decided_by: str
    review_due: date | None
    overdue: bool
    trouble: str = Field(description="what the insurance platform has not taken, and its code")
    replaces: str
    replaced_by: str
    referral: str
    documents: dict[str, list[dict[str, Any]]]
    person_name: str
    waiting_on: WaitingOut | None
    trace: list[RuleLine]
    rules: str
    created_at: datetime
    closed_at: datetime | None


class FilingList(BaseModel):
    filings: list[FilingOut]
    next: str | None = Field(description="cursor of the next page")


class PreviewOut(BaseModel):
    """What the rules would say if it were filed."""

    outcome: str
    first: date
    last: date | None
    trace: list[RuleLine]


class CheckOut(BaseModel):
    """``category``: how a settlement would treat it; null: no direct settlement."""

    covered: bool
    category: str | None
    filing: str
    why: str
    trace: list[RuleLine]
    if_filed: PreviewOut | None


class MatterDoneOut(BaseModel):
    """What an act led to. ``pending``: it was taken, its end is to be read at the matter's own address."""

    no: str
    status: str
    at: datetime
    pending: bool


# referral


class ReferralIn(BaseModel):
    """A referral. ``institution``: which is asked; ``capability``: what it must be able to do."""

    model_config = _with(
        {
            "patient": PERSON,
            "insured": "340500",
            "insutype": "310",
            "diag_code": "I25.103",
            "diag_name": "冠状动脉粥样硬化性心脏病",
            "condition": "需行冠状动脉旁路移植术",
            "reason": "capability",
            "assessor": "D340500000001",
            "assessor_title": "associate_chief",
            "institution": "H31010400001",
            "capability": "cardiac_surgery",
        }
    )

    patient: PersonIn
    insured: Region
    insutype: Insutype
    diag_code: Annotated[str, Field(pattern=r"^[A-Z][0-9]{2}(\.[0-9A-Za-z+*]{1,8})?$", description="ICD-10 医保版")]
    diag_name: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
    condition: Words = ""
    reason: Code
    reason_text: Words = ""
    assessor: Annotated[str, Field(pattern=r"^D[0-9]{12}$", description="physician code")]
    assessor_title: Code
    institution: InstitutionId
    capability: Code
    first: date | None = None


class DeclineIn(BaseModel):
    model_config = _with({"reason": "no_bed"})

    reason: Code
    reason_text: Words = ""


class ProposeIn(BaseModel):
    """Another institution, that would be better; the referring side accepts it or cancels."""

    model_config = _with({"institution": "H32010000001", "reason": "sooner"})

    institution: InstitutionId
    reason: Code
    reason_text: Words = ""


class DayIn(BaseModel):
    model_config = _with({"day": "2026-12-03"})

    day: date


class OutcomeIn(BaseModel):
    """What became of the patient, for the referring side."""

    model_config = _with({"outcome": "improved", "day": "2026-12-18", "summary": "术后恢复良好，回当地康复。"})

    outcome: Code
    day: date
    summary: ShortText = ""


class CancelReferralIn(BaseModel):
    model_config = _with({"reason": "patient_wish"})

    reason: Code = "patient_wish"
    reason_text: Words = ""


class InstitutionOut(BaseModel):
    code: str
    name: Text
    region: str
    region_name: Text | None
    level: int
    capabilities: dict[str, Text]
    diseases: dict[str, Text]
    networked: list[CareKind]
    first: date
    last: date | None
    synthetic: bool


class InstitutionPage(BaseModel):
    institutions: list[InstitutionOut]
    total: int
    next: str | None = Field(description="cursor of the next page")


class InstitutionShort(BaseModel):
    code: str
    name: Text | None


class ReferralOut(BaseModel):
    """A referral. The outcome, the finding and the diagnosis are for its two sides and the patient."""

    no: str
    status: str
    referring: InstitutionShort
    receiving: InstitutionShort
    proposed: InstitutionShort | None
    asked: list[InstitutionShort]
    insured: PlaceOut
    first: date
    last: date
    diag_code: str
    diag_name: str
    condition: str
    reason: Text
    reason_text: str
    assessor: str
    assessor_title: Text
    capability: Text
    patient_name: str
    appointment: date | None
    admitted: date | None
    discharged: date | None
    outcome: str
    outcome_text: Text | None
    summary: str
    answer: str = Field(description="code of a refusal, a proposal or a cancellation")
    answer_text: Text | None
    answer_words: str
    ended_by: str
    filing: str
    filing_refused: list[str]
    waiting_on: WaitingOut | None
    created_at: datetime
    closed_at: datetime | None


class ReferralList(BaseModel):
    referrals: list[ReferralOut]
    next: str | None = Field(description="cursor of the next page")


class PaperOut(BaseModel):
    id: str
    title: Text
    committable: bool
    tag: str


class CategoryOut(BaseModel):
    category: Category
    title: Text
    benefit: str
    materials: list[PaperOut]
    months: int | None = Field(description="how long it holds; null: without an end")
    deemed: bool
    basis: Text
    tag: str


class FilingRulesOut(BaseModel):
    """What an insured place says about filing; a tag tells how far each value is verified."""

    version: str
    insured: str
    required: bool
    interval_months: int
    commitment: bool
    proof_days: int
    late_until_discharge: bool
    acting: list[str]
    guardian_below: int
    categories: list[CategoryOut]
    waivers: dict[str, Text]
    refusals: dict[str, Text]
