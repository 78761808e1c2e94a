"""What is asked of the service platform 全国财政电子票据公共服务平台, what it answers, and what it tells by itself."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.bills.bill import BillContent, BillRef, BillStatus, EBill, Feedback, Purpose
from domain.bills.lifecycle import Lock, LockState
from domain.messages import Message


class OrderKind(StrEnum):
    ISSUE = "issue"
    LOCK = "lock"
    RELEASE = "release"
    FEEDBACK = "feedback"
    RED_LETTER = "red_letter"


class BillOrder(Message):
    """One effect. key: ours, 64 hex; the same key is the same effect, however often it is sent.

    unit: the credit code of whoever acts (payee, or owner of the lock). The parts that a kind needs: content (issue);
    bill, purpose, amount, days, claim (lock); lock_id (release); feedback; bill, reason (red letter).
    """

    kind: OrderKind
    key: str
    unit: str
    content: BillContent | None = None
    bill: BillRef | None = None
    purpose: Purpose | None = None
    amount: int = 0
    days: int = 0
    claim: str = ""
    lock_id: str = ""
    feedback: Feedback | None = None
    reason: str = ""


class LockTold(Message):
    """A lock as the platform tells its owner."""

    lock: Lock
    state: LockState


class BillState(Message):
    """状态查询: how a bill stands. locked_for: what the lock is for, whoever has it; amounts in fen.

    version: grows with every change there, so that what is told late does not overwrite what is newer.
    """

    ref: BillRef
    version: int
    status: BillStatus
    reimbursed: int
    left: int
    locked_for: Purpose | None = None
    red_waiting: bool = False
    related: BillRef | None = None


class BillOutcome(Message):
    """What became of an order. refused: a code of domain.errors, or empty: then it was done.

    state: of the bill afterwards. bill: what was issued, or the red-letter bill; none while a red letter waits.
    """

    key: str
    refused: str = ""
    locked_for: Purpose | None = None
    state: BillState | None = None
    bill: EBill | None = None
    lock: LockTold | None = None


class BillEventKind(StrEnum):
    """What the platform tells by itself."""

    RED_WAITING = "red_waiting"  # to the owner of the lock it waits for
    RED_LETTERED = "red_lettered"
    LOCK_EXPIRED = "lock_expired"
    CHANGED = "changed"  # locked, released, paid or refunded, by whomever


class BillEvent(Message):
    """One entry of the feed. no: grows; lock_id: ours, or empty; red: the red-letter bill, once there is one."""

    no: int
    at: datetime
    kind: BillEventKind
    state: BillState
    lock_id: str = ""
    red: EBill | None = None


class BillReversed(Message):
    """What a claim is told whose bill is taken back. written: the red letter is there; if not, it waits."""

    ref: BillRef
    lock_id: str
    claim: str
    purpose: Purpose
    amount: int
    written: bool
    red: BillRef | None = None
