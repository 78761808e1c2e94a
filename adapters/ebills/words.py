"""The platform's words in ours, and back: yuan and fen, states, purposes, refusals. Unreadable: Ambiguous."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import TypeVar

from adapters.answers import meaning
from adapters.errors import Ambiguous, ContractBroken
from adapters.fields import from_yuan_text
from domain.bills import (
    BillContent,
    BillEvent,
    BillEventKind,
    BillItem,
    BillKind,
    BillOutcome,
    BillRef,
    BillState,
    BillStatus,
    EBill,
    Insurance,
    Lock,
    LockState,
    LockTold,
    Payee,
    Payer,
    Purpose,
    check_sums,
)
from domain.errors import Refusal
from domain.money import yuan

PURPOSES: Mapping[str, Purpose] = {
    "YB": Purpose.MEDICAL_INSURANCE,
    "SB": Purpose.COMMERCIAL,
    "DW": Purpose.EMPLOYER,
}
KINDS: Mapping[str, BillKind] = {"MZ": BillKind.OUTPATIENT, "ZY": BillKind.INPATIENT}
STATUSES: Mapping[str, BillStatus] = {
    "NORMAL": BillStatus.ISSUED,
    "LOCKED": BillStatus.LOCKED,
    "PART": BillStatus.PARTLY_REIMBURSED,
    "FULL": BillStatus.REIMBURSED,
    "REVERSED": BillStatus.RED_LETTERED,
    "RED": BillStatus.RED,
}
LOCK_STATES: Mapping[str, LockState] = {state.name: state for state in LockState}
EVENTS: Mapping[str, BillEventKind] = {
    "RED_WAITING": BillEventKind.RED_WAITING,
    "REVERSED": BillEventKind.RED_LETTERED,
    "LOCK_EXPIRED": BillEventKind.LOCK_EXPIRED,
    "CHANGED": BillEventKind.CHANGED,
}
REFUSALS: Mapping[str, str] = {
    "LOCK_CONFLICT": "bill_locked",
    "REVERSED": "bill_red_lettered",
    "REVERSAL_WAITING": "bill_reversal_waiting",
    "SETTLED_DIRECTLY": "bill_settled_directly",
    "AMOUNT_EXCEEDED": "bill_amount_exceeds",
    "LOCK_OVER": "bill_lock_over",
    "REIMBURSED": "bill_reimbursed",
    "TX_REUSED": "bill_tx_reused",
    "NO_SUCH_BILL": "not_found",
    "NO_SUCH_LOCK": "not_found",
    "NOT_YOURS": "not_found",
}
Body = Mapping[str, object]
_T = TypeVar("_T")
_WORDS = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{0,400}")
_DIGITS = re.compile(r"[0-9]{1,20}")
_HEX = re.compile(r"[0-9a-f]{16,128}")


def code_of(table: Mapping[str, _T], wanted: _T) -> str:
    """Our word in theirs."""
    return next(code for code, value in table.items() if value == wanted)


def content_out(content: BillContent) -> dict[str, object]:
    """A bill to be issued."""
    paid = content.insurance
    return {
        "region": content.region,
        "kind": code_of(KINDS, content.kind),
        "payer": {"name": content.payer.name, "idType": content.payer.id_type, "idNo": content.payer.id_no},
        "payee": {"uscc": content.payee.uscc, "name": content.payee.name},
        "total": yuan(content.total),
        "items": [{"name": item.name, "amount": yuan(item.amount)} for item in content.items],
        "insurance": {
            "fund": yuan(paid.fund_pay),
            "account": yuan(paid.acct_pay),
            "cash": yuan(paid.cash_pay),
            "settlementNo": paid.setl_id,
        },
    }


def outcome(key: str, body: Body) -> BillOutcome:
    """The answer to an order; ContractBroken for a word that is not in the tables."""
    match body.get("result"):
        case "DONE":
            return BillOutcome(
                key=key,
                state=state(part(body, "state")),
                bill=bill(part(body, "bill")) if "bill" in body else None,
                lock=lock(part(body, "lock")) if "lock" in body else None,
            )
        case "REFUSED":
            purpose = text(body, "purpose")
            return BillOutcome(
                key=key,
                refused=meaning(REFUSALS, body.get("reason")),
                locked_for=meaning(PURPOSES, purpose) if purpose else None,
            )
        case str():
            raise ContractBroken("unknown_result_code")
    raise Ambiguous("unreadable_answer", "result")


def state(body: Body) -> BillState:
    """How a bill stands."""
    waiting, purpose = body.get("reversalWaiting"), text(body, "lockPurpose")
    version = body.get("version")
    if not isinstance(waiting, bool) or not isinstance(version, int) or isinstance(version, bool):
        raise Ambiguous("unreadable_answer", "reversalWaiting")
    return BillState(
        ref=BillRef(code=text(body, "billCode", _DIGITS), number=text(body, "billNumber", _DIGITS)),
        version=version,
        status=meaning(STATUSES, body.get("status")),
        reimbursed=fen(body, "reimbursed"),
        left=fen(body, "left"),
        locked_for=meaning(PURPOSES, purpose) if purpose else None,
        red_waiting=waiting,
        related=_related(body),
    )


def bill(body: Body) -> EBill:
    """A whole bill; ContractBroken if it does not add up."""
    payer, payee, paid, lines = part(body, "payer"), part(body, "payee"), part(body, "insurance"), body.get("items")
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise Ambiguous("unreadable_answer", "items")
    made = EBill(
        code=text(body, "billCode", _DIGITS),
        number=text(body, "billNumber", _DIGITS),
        check_code=text(body, "checkCode"),
        issue_date=_day(body.get("issueDate")),
        file_hash=text(body, "fileDigest", _HEX),
        status=meaning(STATUSES, body.get("status")),
        related=_related(body),
        region=text(body, "region", _DIGITS),
        kind=meaning(KINDS, body.get("kind")),
        payer=Payer(name=text(payer, "name"), id_type=text(payer, "idType"), id_no=text(payer, "idNo")),
        payee=Payee(uscc=text(payee, "uscc"), name=text(payee, "name")),
        total=fen(body, "total"),
        items=tuple(BillItem(name=text(line, "name"), amount=fen(line, "amount")) for line in lines),
        insurance=Insurance(
            fund_pay=fen(paid, "fund"),
            acct_pay=fen(paid, "account"),
            cash_pay=fen(paid, "cash"),
            setl_id=text(paid, "settlementNo"),
        ),
    )
    try:
        check_sums(made)
    except Refusal as wrong:
        raise ContractBroken(wrong.code, wrong.field) from None
    return made


def lock(body: Body) -> LockTold:
    """A lock of ours."""
    made = Lock(
        lock_id=text(body, "lockId", _HEX),
        owner_unit=text(body, "unit"),
        purpose=meaning(PURPOSES, body.get("purpose")),
        amount=fen(body, "amount"),
        locked_at=moment(body.get("lockedAt")),
        expires_at=moment(body.get("expiresAt")),
        claim=text(body, "claim"),
    )
    return LockTold(lock=made, state=meaning(LOCK_STATES, body.get("status")))


def event(body: Body) -> BillEvent:
    """One entry of the feed."""
    no = body.get("no")
    if not isinstance(no, int) or isinstance(no, bool) or no < 1:
        raise Ambiguous("unreadable_answer", "no")
    return BillEvent(
        no=no,
        at=moment(body.get("at")),
        kind=meaning(EVENTS, body.get("kind")),
        state=state(part(body, "state")),
        lock_id=text(body, "lockId"),
        red=bill(part(body, "bill")) if "bill" in body else None,
    )


def part(body: Body, name: str) -> Body:
    """An object inside."""
    value = body.get(name)
    if not isinstance(value, Mapping):
        raise Ambiguous("unreadable_answer", name)
    return value


def text(body: Body, name: str, shape: re.Pattern[str] = _WORDS) -> str:
    """A text of bounded length without control characters."""
    value = body.get(name)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise Ambiguous("unreadable_answer", name)
    return value


def fen(body: Body, name: str) -> int:
    """An amount."""
    return int(from_yuan_text(body.get(name)))


def moment(value: object) -> datetime:
    """A time with its zone."""
    try:
        made = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        made = None
    if made is None or made.tzinfo is None:
        raise Ambiguous("unreadable_answer", "time")
    return made


def _day(value: object) -> date:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise Ambiguous("unreadable_answer", "date") from None


def _related(body: Body) -> BillRef | None:
    code, number = text(body, "relatedCode"), text(body, "relatedNumber")
    return BillRef(code=code, number=number) if code and number else None
