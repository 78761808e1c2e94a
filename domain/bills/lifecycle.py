"""The life of a bill: who may lock how much, what was paid, and when a red letter takes it back (domain note 5).

A red letter that arrives while the bill is locked does not fail: it waits. The lock is suspended and its owner told;
nobody new can lock. As soon as the bill is free (released, expired, refunded) the red letter is written. What was paid
under a suspended lock is still taken: money that has moved is a fact.

Everything here is a function from one standing to the next; Refusal says why not. Nothing knows a platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from domain.bills.bill import BillStatus, EBill, Feedback, Purpose, takes_back
from domain.errors import Refusal
from domain.messages import Message, Text

S = BillStatus


class Lock(Message):
    """报销锁定. amount in fen; claim: what the owner wants it for, in his own numbers."""

    lock_id: str
    owner_unit: str
    purpose: Purpose
    amount: int
    locked_at: datetime
    expires_at: datetime
    claim: str = ""


class LockState(StrEnum):
    """OPEN and SUSPENDED hold the bill. SUSPENDED: a red letter waits, nothing more should be paid."""

    OPEN = "open"
    SUSPENDED = "suspended"
    RELEASED = "released"
    EXPIRED = "expired"
    SETTLED = "settled"
    REFUNDED = "refunded"


LIVE = frozenset({LockState.OPEN, LockState.SUSPENDED})

BILL_TRANSITIONS: Mapping[BillStatus, frozenset[BillStatus]] = MappingProxyType(
    {
        S.ISSUED: frozenset({S.LOCKED, S.RED_LETTERED}),
        S.LOCKED: frozenset({S.ISSUED, S.PARTLY_REIMBURSED, S.REIMBURSED}),
        S.PARTLY_REIMBURSED: frozenset({S.LOCKED, S.ISSUED}),
        S.REIMBURSED: frozenset({S.PARTLY_REIMBURSED, S.ISSUED}),
        S.RED_LETTERED: frozenset(),
        S.RED: frozenset(),
    }
)
"""From LOCKED back to ISSUED: released or expired. Out of REIMBURSED only by a refund. No way out of red."""

LOCK_TRANSITIONS: Mapping[LockState, frozenset[LockState]] = MappingProxyType(
    {
        LockState.OPEN: frozenset({LockState.SUSPENDED, LockState.RELEASED, LockState.EXPIRED, LockState.SETTLED}),
        LockState.SUSPENDED: frozenset({LockState.RELEASED, LockState.EXPIRED, LockState.SETTLED}),
        LockState.SETTLED: frozenset({LockState.REFUNDED}),
        LockState.RELEASED: frozenset(),
        LockState.EXPIRED: frozenset(),
        LockState.REFUNDED: frozenset(),
    }
)


class HeldLock(Message):
    """A lock and what became of it."""

    lock: Lock
    state: LockState = LockState.OPEN
    paid: Feedback | None = None
    refund: Feedback | None = None


class Standing(Message):
    """A bill with all locks it ever had, oldest first. red_waiting: a red letter waits until the bill is free."""

    bill: EBill
    locks: tuple[HeldLock, ...] = ()
    red_waiting: bool = False

    @property
    def live(self) -> HeldLock | None:
        """The lock that holds it."""
        return next((held for held in self.locks if held.state in LIVE), None)

    @property
    def reimbursed(self) -> int:
        """What was paid and not refunded, in fen."""
        return sum(h.paid.reimb_amount for h in self.locks if h.paid and h.state is LockState.SETTLED)

    @property
    def left(self) -> int:
        """What may still be reimbursed, in fen."""
        return self.bill.ceiling - self.reimbursed

    @property
    def red_due(self) -> bool:
        """A red letter waits and nothing is in its way any more."""
        return self.red_waiting and self.live is None and self.reimbursed == 0


PURPOSES: Mapping[Purpose, Text] = MappingProxyType(
    {
        Purpose.MEDICAL_INSURANCE: Text(zh="医保报销", en="medical insurance"),
        Purpose.COMMERCIAL: Text(zh="商业保险理赔", en="commercial insurance"),
        Purpose.EMPLOYER: Text(zh="单位报销", en="employer"),
    }
)


def locked_for(purpose: Purpose) -> Refusal:
    """LOCK_CONFLICT: says what the other lock is for and never whose it is."""
    return Refusal("bill_locked", detail=PURPOSES[purpose])


def check_lock(standing: Standing, purpose: Purpose, amount: int) -> None:
    """Refusal unless the bill may be locked for that purpose and amount."""
    bill = standing.bill
    if bill.status in {S.RED_LETTERED, S.RED}:
        raise Refusal("bill_red_lettered")
    if standing.live is not None:
        raise locked_for(standing.live.lock.purpose)
    if standing.red_waiting:
        raise Refusal("bill_reversal_waiting")
    if purpose is Purpose.MEDICAL_INSURANCE and bill.settled_directly:
        raise Refusal("bill_settled_directly")
    if not 0 < amount <= standing.left:
        raise Refusal("bill_amount_exceeds", "/amount")


def take_lock(standing: Standing, lock: Lock) -> Standing:
    """Compare and set: the bill is free, and is this lock's now."""
    standing = expire(standing, lock.locked_at)
    check_lock(standing, lock.purpose, lock.amount)
    return _settled(standing.model_copy(update={"locks": (*standing.locks, HeldLock(lock=lock))}))


def release(standing: Standing, lock_id: str, owner_unit: str, now: datetime) -> Standing:
    """The owner gives it up; Refusal(bill_lock_over) if it holds nothing any more, not_found if it is not his."""
    standing = expire(standing, now)
    return _settled(_changed(standing, _own(standing, lock_id, owner_unit), state=LockState.RELEASED))


def expire(standing: Standing, now: datetime) -> Standing:
    """A lock ends by itself when its time has come."""
    live = standing.live
    if live is None or live.lock.expires_at > now:
        return standing
    return _settled(_changed(standing, live, state=LockState.EXPIRED))


def feed_back(standing: Standing, feedback: Feedback, owner_unit: str, now: datetime) -> Standing:
    """Notes a payment, at most the locked amount, or its whole refund. The same number twice is the same payment."""
    for held in standing.locks:
        for known in (held.paid, held.refund):
            if known is not None and known.tx_no == feedback.tx_no:
                if known != feedback:
                    raise Refusal("bill_tx_reused", "/tx_no")
                return standing
    if feedback.refunds:
        return _refunded(standing, feedback, owner_unit)
    standing = expire(standing, now)
    held = _own(standing, feedback.lock_id, owner_unit)
    if not 0 < feedback.reimb_amount <= held.lock.amount:
        raise Refusal("bill_amount_exceeds", "/reimb_amount")
    return _settled(_changed(standing, held, state=LockState.SETTLED, paid=feedback))


def ask_red_letter(standing: Standing, now: datetime) -> Standing:
    """A red letter is wanted. It can be written at once if then ``red_due``; while locked it waits."""
    standing = expire(standing, now)
    if standing.bill.status in {S.RED_LETTERED, S.RED}:
        raise Refusal("bill_red_lettered")
    if standing.red_waiting:
        raise Refusal("bill_reversal_waiting")
    live = standing.live
    if live is None and standing.reimbursed:
        raise Refusal("bill_reimbursed")
    if live is not None:
        standing = _changed(standing, live, state=LockState.SUSPENDED)
    return standing.model_copy(update={"red_waiting": True})


def write_red_letter(standing: Standing, red: EBill) -> Standing:
    """The original is 冲红, and points at the bill that took it back."""
    if not standing.red_due or not takes_back(red, standing.bill):
        raise ValueError(f"{red.ref} does not take back {standing.bill.ref}")
    bill = _moved(standing.bill, S.RED_LETTERED).model_copy(update={"related": red.ref})
    return standing.model_copy(update={"bill": bill, "red_waiting": False})


def _own(standing: Standing, lock_id: str, owner_unit: str) -> HeldLock:
    held = next((held for held in standing.locks if held.lock.lock_id == lock_id), None)
    if held is None or held.lock.owner_unit != owner_unit:
        raise Refusal("not_found")
    if held.state not in LIVE:
        raise Refusal("bill_lock_over")
    return held


def _refunded(standing: Standing, feedback: Feedback, owner_unit: str) -> Standing:
    held = next((held for held in standing.locks if held.lock.lock_id == feedback.lock_id), None)
    if held is None or held.lock.owner_unit != owner_unit:
        raise Refusal("not_found")
    if held.state is not LockState.SETTLED or held.paid is None or held.paid.tx_no != feedback.refunds:
        raise Refusal("bill_lock_over")
    if feedback.reimb_amount != -held.paid.reimb_amount:
        raise Refusal("bill_amount_exceeds", "/reimb_amount")
    return _settled(_changed(standing, held, state=LockState.REFUNDED, refund=feedback))


def _changed(standing: Standing, held: HeldLock, *, state: LockState, **parts: Feedback) -> Standing:
    if state not in LOCK_TRANSITIONS[held.state]:
        raise ValueError(f"a lock cannot go from {held.state} to {state}")
    after = held.model_copy(update={"state": state, **parts})
    return standing.model_copy(update={"locks": tuple(after if each is held else each for each in standing.locks)})


def _settled(standing: Standing) -> Standing:
    """With the status that follows from locks and payments."""
    if standing.live is not None:
        status = S.LOCKED
    elif not standing.reimbursed:
        status = S.ISSUED
    else:
        status = S.REIMBURSED if standing.left == 0 else S.PARTLY_REIMBURSED
    return standing.model_copy(update={"bill": _moved(standing.bill, status)})


def _moved(bill: EBill, status: BillStatus) -> EBill:
    if status is bill.status:
        return bill
    if status not in BILL_TRANSITIONS[bill.status]:
        raise ValueError(f"a bill cannot go from {bill.status} to {status}")
    return bill.model_copy(update={"status": status})
