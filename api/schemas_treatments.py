"""What goes in and out of stays, visits, settlements and reversals. Amounts are whole fen."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.schemas import NO_NUL, PlaceOut, WaitingOut

Region = Annotated[str, Field(pattern="^3[1-4][0-9]{4}$", description="GB/T 2260")]
Short = Annotated[str, Field(max_length=200, pattern=NO_NUL)]
Fen = Annotated[int, Field(ge=0, le=10**12)]
Insurance = Annotated[Literal["310", "390"], Field(description="310 employees 职工, 390 residents 居民")]


def _with(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


PATIENT_EXAMPLE = {"id_number": "34059919900101001" + "5", "name": "测试·丙"}
FEES_EXAMPLE = [
    {"serial": "F0001", "item": "001101000010000", "name": "床位费", "at": "2026-10-09T09:00:00+08:00",
     "count": "3", "price": 5000, "amount": 15000},
]  # fmt: skip


class PatientIn(BaseModel):
    """Who the patient is: the number of his identity card and his name, as his card or voucher shows them."""

    model_config = _with(PATIENT_EXAMPLE)

    id_number: Annotated[str, Field(min_length=15, max_length=24, pattern=NO_NUL)]
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=NO_NUL)]


class DiagnosisIn(BaseModel):
    model_config = _with({"code": "I25.103", "name": "冠状动脉粥样硬化性心脏病"})

    code: Annotated[str, Field(max_length=30, pattern="^[A-Za-z0-9.+*x/-]{1,30}$")]
    name: Short


class _TreatmentIn(BaseModel):
    patient: PatientIn
    insured: Region
    insutype: Insurance
    begin: AwareDatetime
    department: Short
    diagnosis: DiagnosisIn
    emergency: bool = False


class StayIn(_TreatmentIn):
    """An admission. ``no_third_party``: for injuries, the patient's written word that nobody else is liable."""

    model_config = _with(
        {
            "patient": PATIENT_EXAMPLE, "insured": "340500", "insutype": "390", "begin": "2026-10-08T09:00:00+08:00",
            "department": "心内科", "diagnosis": {"code": "I25.103", "name": "冠状动脉粥样硬化性心脏病"},
        }
    )  # fmt: skip

    med_type: Literal["21", "22", "23", "24"] = "21"
    no_third_party: bool = False


class VisitIn(_TreatmentIn):
    """A registration. ``disease``: the M code of a certified chronic disease, for med_type 14."""

    model_config = _with(
        {
            "patient": PATIENT_EXAMPLE, "insured": "340500", "insutype": "390", "begin": "2026-10-08T09:00:00+08:00",
            "department": "内分泌科", "diagnosis": {"code": "E11.900", "name": "2型糖尿病"}, "med_type": "14",
            "disease": "M01600",
        }
    )  # fmt: skip

    med_type: Literal["11", "14"] = "11"
    disease: Annotated[str, Field(pattern="^(M[0-9]{5})?$")] = ""


class FeeIn(BaseModel):
    """One line of the bill. ``amount``: of the whole line; it has to be price times count, rounded half up."""

    model_config = _with(FEES_EXAMPLE[0])

    serial: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,30}$")]
    item: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,50}$", description="code in the catalogue")]
    name: Short
    at: AwareDatetime
    count: Annotated[str, Field(pattern=r"^[0-9]{1,8}(\.[0-9]{1,4})?$")]
    price: Fen
    amount: Fen


class FeesIn(BaseModel):
    model_config = _with({"lines": FEES_EXAMPLE})

    lines: list[FeeIn] = Field(min_length=1, max_length=500)


class CancelFeesIn(BaseModel):
    """``upload``: which one; empty: all."""

    model_config = _with({"upload": ""})

    upload: Annotated[str, Field(max_length=60, pattern="^[a-z0-9:]*$")] = ""


class DischargeIn(BaseModel):
    """``way``: 1 ordered, 2 to another hospital, 3 to the community, 4 against advice, 5 died, 9 other."""

    model_config = _with(
        {"at": "2026-10-16T10:00:00+08:00", "way": "1", "diagnosis": {"code": "I25.103", "name": "冠心病"}}
    )

    at: AwareDatetime
    way: Literal["1", "2", "3", "4", "5", "9"] = "1"
    diagnosis: DiagnosisIn


class SettleIn(BaseModel):
    model_config = _with({"use_account": True})

    use_account: bool = True


class ReasonIn(BaseModel):
    model_config = _with({"reason": "direct settlement is not possible"})

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]


class ReversalIn(BaseModel):
    """Which stay or visit, which of its settlements, and why it is undone."""

    model_config = _with(
        {"no": "31010420261008PYBZY0100002C7", "settlement": "S20261016000001", "reason": "item wrong"}
    )

    no: Annotated[str, Field(max_length=40, pattern=NO_NUL)]
    settlement: Annotated[str, Field(max_length=60, pattern="^[A-Za-z0-9_-]+$")]
    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]


class UploadOut(BaseModel):
    upload: str
    lines: int
    total: int
    status: str
    code: str


class BillOut(BaseModel):
    code: str
    number: str
    red_lettered: bool


class SettlementOut(BaseModel):
    """``amounts``: by the names of the national interface, in fen; negative where a settlement was undone."""

    settlement: str
    at: datetime
    amounts: dict[str, int]
    undone_by: str
    undoes: str
    reason: str
    bill: BillOut | None


class TroubleOut(BaseModel):
    purpose: str
    code: str
    text: str


class TreatmentOut(BaseModel):
    """A stay or visit. ``running``: the message whose answer is awaited; while there is one nothing else is sent."""

    no: str
    kind: Literal["stay", "visit"]
    status: str
    institution: str
    institution_name: str
    place: PlaceOut
    insured: PlaceOut
    insutype: str
    med_type: str
    disease: str
    emergency: bool
    category: str
    filing: str
    visit: str
    balance: int | None
    uploads: list[UploadOut]
    total: int
    discharged_at: datetime | None
    died: bool
    running: str
    trouble: TroubleOut | None
    preview: dict[str, int] | None
    settlements: list[SettlementOut]
    bill: BillOut | None
    claim: str
    waiting_on: list[WaitingOut]
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None


class TreatmentList(BaseModel):
    treatments: list[TreatmentOut]
    next: str | None = None


class PreviewIn(BaseModel):
    """A bill and whose it is, in the format of docs/reference/settlement.md, and the pool whose pack applies."""

    model_config = _with({"claim": {"claim": "G1", "pack": "TEST-EMP", "category": "long_term"}})

    claim: dict[str, Any] = Field(max_length=40)


class ExplainedOut(BaseModel):
    """A settlement as our engine computes it, line by line; without effect."""

    result: dict[str, Any]


class SettlementFact(BaseModel):
    """A settlement that stands in the books, with what the patient needs to recompute it."""

    no: str
    settlement: SettlementOut
    lines: list[dict[str, Any]]
    recomputed: dict[str, Any] | None
    agrees: bool | None
