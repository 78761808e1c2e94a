"""What goes in and out of the e-bills. Money is integer fen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.schemas import NO_NUL
from domain.bills import BillKind, BillRef, BillStatus, Purpose, Verdict
from domain.bills.bill import LARGEST_FEN
from models.bills import Bill, BillLock

Fen = Annotated[int, Field(ge=0, le=LARGEST_FEN)]
Words = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
Uscc = Annotated[str, Field(min_length=18, max_length=18)]
Region = Annotated[str, Field(pattern="^3[1-4][0-9]{4}$")]
Tx = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]
OptionalTx = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{0,64}$")]
LockId = Annotated[str, Field(pattern="^[0-9a-f]{16,64}$")]
LOCK_ID = "0123456789abcdef0123456789abcdef"


def _with(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PayerIn(_In):
    name: Words
    id_type: Annotated[str, Field(max_length=20, pattern=NO_NUL)]
    id_no: Annotated[str, Field(min_length=1, max_length=40, pattern=NO_NUL)]


class PayeeIn(_In):
    uscc: Uscc
    name: Words


class BillItemIn(_In):
    name: Words
    amount: Fen


class InsuranceIn(_In):
    fund_pay: Fen
    acct_pay: Fen
    cash_pay: Fen
    setl_id: OptionalTx = ""


class BillIn(BaseModel):
    """A bill to be issued. ``owner``: login of the payer; without it, whoever has verified the payer's number.
    ``insured``: six digits of the place where he is insured. An institution issues in its own name, names no owner, and
    says by ``about`` (its number) for which stay or visit that was not settled directly.
    """

    model_config = _with(
        {
            "region": "310104",
            "kind": "inpatient",
            "payer": {"name": "测试·甲", "id_type": "01", "id_no": "340199194910010042"},
            "payee": {"uscc": "12310104XXXX10022K", "name": "示例医院"},
            "total": 100000,
            "items": [{"name": "床位费", "amount": 100000}],
            "insurance": {"fund_pay": 0, "acct_pay": 0, "cash_pay": 100000, "setl_id": ""},
            "insured": "340500",
            "about": "310104202611pcYBZY0100000001",
        }
    )

    region: Region
    kind: BillKind
    payer: PayerIn
    payee: PayeeIn
    total: Annotated[int, Field(gt=0, le=LARGEST_FEN)]
    items: Annotated[list[BillItemIn], Field(min_length=1, max_length=1000)]
    insurance: InsuranceIn
    owner: Annotated[str, Field(max_length=200, pattern=NO_NUL)] = ""
    insured: Annotated[str, Field(pattern="^([1-9][0-9]{5})?$")] = ""
    about: Annotated[str, Field(max_length=40, pattern=NO_NUL)] = ""


class VerifyIn(BaseModel):
    """The check code as it stands on the bill."""

    model_config = _with({"check_code": "a1b2c3"})

    check_code: Annotated[str, Field(max_length=40, pattern=NO_NUL)]


class LockIn(BaseModel):
    """``check_code``: of a bill handed in at this desk; ``claim``: your own number for what it is locked for."""

    model_config = _with(
        {"owner_unit": "11310000XXXX000510", "purpose": "medical_insurance", "amount": 40000, "claim": "C-1"}
    )

    owner_unit: Uscc
    purpose: Purpose
    amount: Annotated[int, Field(gt=0, le=LARGEST_FEN)]
    days: Annotated[int | None, Field(ge=1, le=366)] = None
    claim: OptionalTx = ""
    check_code: Annotated[str, Field(max_length=40, pattern=NO_NUL)] = ""


class ReleaseIn(BaseModel):
    model_config = _with({"lock_id": LOCK_ID})

    lock_id: LockId


class FeedbackIn(BaseModel):
    """A payment under a lock; a refund is negative and names the payment in ``refunds``."""

    model_config = _with(
        {"lock_id": LOCK_ID, "reimb_time": "2026-11-27T10:00:00+08:00", "reimb_amount": 25000, "tx_no": "T20261127001"}
    )

    lock_id: LockId
    reimb_time: AwareDatetime
    reimb_amount: Annotated[int, Field(ge=-LARGEST_FEN, le=LARGEST_FEN)]
    tx_no: Tx
    refunds: OptionalTx = ""


class RedLetterIn(BaseModel):
    model_config = _with({"reason": "开具有误"})

    reason: Words


class LockOut(BaseModel):
    """A lock of one's own. ``state``: asked while the platform has not answered."""

    lock_id: str | None
    owner_unit: str
    purpose: Purpose
    amount: int
    claim: str
    state: str
    locked_at: datetime | None
    expires_at: datetime | None
    suspended_at: datetime | None
    tx_no: str | None
    reimb_amount: int | None
    reimb_time: datetime | None

    @classmethod
    def of(cls, lock: BillLock) -> LockOut:
        """From the row."""
        return cls.model_validate(lock, from_attributes=True)


class PayerOut(BaseModel):
    """The number shows its last four characters only."""

    name: str
    id_type: str
    id_no: str


class BillOut(BaseModel):
    """``locked_for``: what somebody's lock is for, never whose; ``locks``: one's own. Amounts in fen."""

    code: str
    number: str
    check_code: str
    issue_date: date
    region: str
    kind: BillKind
    payer: PayerOut
    payee: PayeeIn
    total: int
    items: list[dict[str, Any]]
    insurance: InsuranceOut
    file_hash: str
    status: BillStatus
    reimbursed: int
    left: int
    locked_for: Purpose | None
    red_waiting: bool
    related: BillRef | None
    locks: list[LockOut]

    @classmethod
    def of(cls, row: Bill, locks: list[LockOut], *, check_code: str) -> BillOut:
        """From the row and the locks that may be seen."""
        bill = row.bill()
        gone = bill.status in {BillStatus.RED_LETTERED, BillStatus.RED}
        content = bill.model_dump(exclude={"check_code", "payer"})
        payer = bill.payer.model_dump() | {"id_no": f"****{bill.payer.id_no[-4:]}"}
        return cls.model_validate(
            content
            | {
                "check_code": check_code,
                "payer": payer,
                "reimbursed": row.reimbursed,
                "left": 0 if gone else bill.ceiling - row.reimbursed,
                "locked_for": row.locked_for or None,
                "red_waiting": row.red_waiting,
                "locks": locks,
            }
        )


class BillList(BaseModel):
    """``next``: the cursor of the next page, if there is one."""

    bills: list[BillOut]
    next: str | None = None


class InsuranceOut(BaseModel):
    fund_pay: int
    acct_pay: int
    cash_pay: int
    setl_id: str


class VerifyOut(BaseModel):
    """NOT_AUTHENTIC says nothing more, whichever of the three was wrong. Amounts in fen."""

    verdict: Verdict
    status: BillStatus | None = None
    total: int | None = None
    left: int | None = None
    issue_date: date | None = None
    locked_for: Purpose | None = None
    red_waiting: bool = False
    related: BillRef | None = None
