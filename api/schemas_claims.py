"""What goes in and out of claims for manual reimbursement. Amounts are whole fen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import NO_NUL, DocumentId, PlaceOut, WaitingOut
from api.schemas_treatments import BillOut, Fen, Insurance, Region, TroubleOut

Ratio = Annotated[str, Field(pattern=r"^[01](\.[0-9]{1,4})?$")]
Words = Annotated[str, Field(max_length=400, pattern=NO_NUL)]


def _with(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


BILL = {"code": "31060226", "number": "0000000001", "check_code": "a1b2c3"}


class BillInHand(BaseModel):
    """A bill as it stands on paper."""

    model_config = _with(BILL)

    code: Annotated[str, Field(pattern="^[0-9]{1,20}$")]
    number: Annotated[str, Field(pattern="^[0-9]{1,20}$")]
    check_code: Annotated[str, Field(max_length=20, pattern="^[A-Za-z0-9]*$")] = ""


class ClaimIn(BaseModel):
    """A claim with a bill in hand, of care that was not settled here."""

    model_config = _with(
        {
            "insured": "340500",
            "insutype": "390",
            "med_type": "21",
            "treatment": "310104",
            "total": 3200000,
            "bill": BILL,
        }
    )

    insured: Region
    insutype: Insurance
    med_type: Literal["11", "14", "21", "22", "23", "24"]
    treatment: Region
    institution: Annotated[str, Field(pattern="^([HP][0-9]{11})?$")] = ""
    total: Annotated[int, Field(gt=0, le=10**12)]
    bill: BillInHand


class ClaimSubmitIn(BaseModel):
    """account: where the money goes. bill: another one than the claim has, if that was cancelled."""

    model_config = _with({"account": "6222 0000 0000 0000 000", "documents": []})

    account: Annotated[str, Field(min_length=4, max_length=60, pattern=NO_NUL)]
    documents: list[DocumentId] = Field(default_factory=list, max_length=20)
    bill: BillInHand | None = None


class ClassifiedFee(BaseModel):
    """A part of the bill in its class by the catalogue of the treatment place."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    fee_class: Literal["A", "B", "C"] = Field(alias="class")
    amount: Fen
    over_limit: Fen | None = None
    preselfpay: Ratio | None = None


class ClaimDecisionIn(BaseModel):
    """Approving, the bill is classified and the pack in force gives the amount; rejecting, a reason is named.
    ``revoke``: rejected after it was approved and before it is paid. ``discharged``: the claim's own day, if any.
    """

    model_config = _with(
        {
            "outcome": "approve", "category": "referral", "hospital_level": 3, "discharged": "2026-10-12",
            "fees": [{"class": "A", "amount": 3000000}, {"class": "C", "amount": 200000}],
        }
    )  # fmt: skip

    outcome: Literal["approve", "reject", "revoke"]
    reason: Annotated[str, Field(max_length=60, pattern="^[a-z_]*$")] = ""
    text: Words = ""
    category: Annotated[str, Field(max_length=40, pattern="^[a-z_]*$")] = ""
    hospital_level: Annotated[int, Field(ge=1, le=3)] = 3
    retiree: bool = False
    stay_of_year: Annotated[int, Field(ge=1, le=100)] = 1
    year_to_date: dict[str, str] | None = Field(default=None, max_length=10)
    discharged: date = date(1970, 1, 1)
    fees: list[ClassifiedFee] = Field(default_factory=list, max_length=500)


class ClaimPaidIn(BaseModel):
    model_config = _with({"tx_no": "T20261127001"})

    tx_no: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]


class ClaimDocument(BaseModel):
    """A paper that was handed in with a claim. ``digest``: SHA-256."""

    id: str
    name: str
    digest: str
    size: int
    media_type: str


class ClaimOut(BaseModel):
    """``computed``: how the amount came about, line by line. account, documents: for the patient and his agency.
    discharged: the day of the discharge, as the institution has said it.
    """

    no: str
    status: str
    about: str
    insured: PlaceOut
    treatment: PlaceOut
    institution: str
    insutype: str
    med_type: str
    total: int
    amount: int
    reason: str
    computed: dict[str, Any] | None
    account: str
    documents: list[ClaimDocument]
    discharged: date | None
    bill: BillOut | None
    locked: bool
    running: str
    trouble: TroubleOut | None
    tx_no: str
    due: datetime | None
    waiting_on: list[WaitingOut]
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None


class ClaimList(BaseModel):
    claims: list[ClaimOut]
