"""The fiscal e-bill 财政电子票据 and what is said about it. Money is integer fen (domain note 5)."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum

from domain.errors import Refusal
from domain.messages import Message

LARGEST_FEN = 10**14
DIGEST = re.compile(r"[0-9a-f]{64}")


class BillStatus(StrEnum):
    """How a bill stands. RED is the red-letter bill itself, RED_LETTERED the original that it takes back (冲红)."""

    ISSUED = "issued"
    LOCKED = "locked"
    PARTLY_REIMBURSED = "partly_reimbursed"
    REIMBURSED = "reimbursed"
    RED_LETTERED = "red_lettered"
    RED = "red"


class BillKind(StrEnum):
    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"


class Purpose(StrEnum):
    """What a bill is locked for. All that another claimant ever learns of the lock's owner."""

    MEDICAL_INSURANCE = "medical_insurance"
    COMMERCIAL = "commercial"
    EMPLOYER = "employer"


class Payer(Message):
    """交款人."""

    name: str
    id_type: str
    id_no: str


class Payee(Message):
    """收款单位."""

    uscc: str
    name: str


class BillItem(Message):
    """One line; amount in fen."""

    name: str
    amount: int


class Insurance(Message):
    """医保分解, in fen: funds, personal account, cash. setl_id: of the direct settlement, if there was one."""

    fund_pay: int
    acct_pay: int
    cash_pay: int
    setl_id: str = ""


class BillRef(Message):
    """票据代码 and 票据号码."""

    code: str
    number: str

    def __str__(self) -> str:
        return f"{self.code}-{self.number}"


class BillContent(Message):
    """A bill before it has its numbers. region: six digits."""

    region: str
    kind: BillKind
    payer: Payer
    payee: Payee
    total: int
    items: tuple[BillItem, ...]
    insurance: Insurance


class EBill(BillContent):
    """An issued bill. file_hash: SHA-256 of the signed file. related: from a red letter to its original, and back."""

    code: str
    number: str
    check_code: str
    issue_date: date
    file_hash: str
    status: BillStatus
    related: BillRef | None = None

    @property
    def ref(self) -> BillRef:
        """Its two numbers."""
        return BillRef(code=self.code, number=self.number)

    @property
    def ceiling(self) -> int:
        """The most that all who reimburse may pay together: Σ reimbursed ≤ total − fund pay."""
        return self.total - self.insurance.fund_pay

    @property
    def settled_directly(self) -> bool:
        """The funds have paid their share at the institution already."""
        return bool(self.insurance.setl_id) and self.insurance.fund_pay > 0


class Verdict(StrEnum):
    """真伪鉴别."""

    AUTHENTIC = "AUTHENTIC"
    NOT_AUTHENTIC = "NOT_AUTHENTIC"


class Feedback(Message):
    """报销反馈: money that was paid under a lock. Negative with ``refunds``: the payment of that number came back."""

    lock_id: str
    reimb_time: datetime
    reimb_amount: int
    tx_no: str
    refunds: str = ""


class BillFormat(Message):
    """How bill numbers look: sources differ, so the lengths are data with a tag (catalogue/ebills.yaml)."""

    code_lengths: tuple[int, ...]
    number_lengths: tuple[int, ...]
    check_lengths: tuple[int, ...]
    tag: str

    def check(self, ref: BillRef) -> BillRef:
        """The same; Refusal(bill_number_malformed) unless both are ASCII digits of a known length."""
        for field, value, lengths in (
            ("/code", ref.code, self.code_lengths),
            ("/number", ref.number, self.number_lengths),
        ):
            if len(value) not in lengths or not (value.isascii() and value.isdigit()):
                raise Refusal("bill_number_malformed", field)
        return ref


class LockTerm(Message):
    """How long locks last, in days."""

    days: int
    most: int
    tag: str


class BillRules(Message):
    """catalogue/ebills.yaml."""

    format: BillFormat
    lock: LockTerm


def check_sums(content: BillContent) -> None:
    """Refusal(bill_wrong_sum) unless lines and shares each add up to the total and all have its sign."""
    paid = content.insurance
    amounts = [*(item.amount for item in content.items), paid.fund_pay, paid.acct_pay, paid.cash_pay]
    if not 0 < abs(content.total) <= LARGEST_FEN:
        raise Refusal("bill_wrong_sum", "/total")
    if any(amount * content.total < 0 for amount in amounts):
        raise Refusal("bill_wrong_sum", "/items")
    if sum(item.amount for item in content.items) != content.total:
        raise Refusal("bill_wrong_sum", "/items")
    if paid.fund_pay + paid.acct_pay + paid.cash_pay != content.total:
        raise Refusal("bill_wrong_sum", "/insurance")


def negated(content: BillContent) -> BillContent:
    """The content of the red-letter bill 红字票据: every amount with the other sign."""
    paid = content.insurance
    return BillContent(
        region=content.region,
        kind=content.kind,
        payer=content.payer,
        payee=content.payee,
        total=-content.total,
        items=tuple(BillItem(name=item.name, amount=-item.amount) for item in content.items),
        insurance=Insurance(
            fund_pay=-paid.fund_pay, acct_pay=-paid.acct_pay, cash_pay=-paid.cash_pay, setl_id=paid.setl_id
        ),
    )


def takes_back(red: EBill, original: EBill) -> bool:
    """Whether this is the red-letter bill of that one: it names it, and each amount is the negation."""
    content = BillContent.model_validate(red.model_dump(include=set(BillContent.model_fields)))
    return red.status is BillStatus.RED and red.related == original.ref and content == negated(original)
