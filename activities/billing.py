"""Orders to the platform of fiscal e-bills, carried out once: for the API, the relay and the workflows alike.

Every order is stored with its key before it is sent; one that was stored and has no answer is looked up before it is
sent again. What became of it is written down once, whoever learns it first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from adapters.errors import Unavailable
from domain.bills import BillOrder, BillOutcome, BillRef, EBill, LockState, OrderKind
from domain.messages import Actor
from models import bills
from models.bills import BillLock
from models.database import Database, Session

_RANK = {
    bills.ASKED: 0,
    LockState.OPEN: 1,
    LockState.SUSPENDED: 2,
    LockState.RELEASED: 3,
    LockState.EXPIRED: 3,
    LockState.SETTLED: 4,
    LockState.REFUNDED: 5,
}  # what is told late never leads a lock back


class Platform(Protocol):
    """What is needed of the platform (adapters.ebills)."""

    async def send(self, order: BillOrder) -> BillOutcome: ...

    async def find(self, order: BillOrder) -> BillOutcome | None: ...


async def carry_out(
    database: Database,
    platform: Platform,
    actor: Actor,
    order: BillOrder,
    place: dict[str, str],
    ask: Callable[[Session, datetime], Awaitable[None]] | None = None,
) -> BillOutcome:
    """Intent, effect, record. ``ask``: what is checked and written in the transaction of a new intent.

    Raises the tree of adapters.errors: Unavailable, and nothing was done; anything else, and it is not known, until
    the same order is carried out again.
    """
    now = datetime.now(UTC)
    async with database.begin() as session:
        new = await bills.put_order(session, order, actor, place, now)
        if new and ask is not None:
            await ask(session, now)
        known = None if new else await bills.read_order(session, order.key, lock=True)
        if known is not None and known.outcome is not None:
            return BillOutcome.model_validate(known.outcome)
        if known is not None:
            order = known.order()  # as it was stored first: a key must not mean two things
            await bills.again(session, order.key)
    try:
        outcome = None if new else await platform.find(order)
        outcome = outcome or await platform.send(order)
    except Unavailable:
        if new:
            async with database.begin() as session:
                await bills.drop_order(session, order.key)
        raise
    await record(database, order.key, outcome)
    return outcome


async def record(database: Database, key: str, outcome: BillOutcome) -> None:
    """Writes down what became of an order, once, whoever learns it first."""
    now = datetime.now(UTC)
    async with database.begin() as session:
        row = await bills.read_order(session, key, lock=True)
        if row is None or row.outcome is not None:
            return
        await bills.answer_order(row, outcome, now)
        order, actor = row.order(), row.by()
        if order.kind is OrderKind.ISSUE:
            await _issued(session, actor, outcome, row.place, now)
            return
        bill = order.bill
        if bill is None or await bills.read_bill(session, bill, lock=True) is None:
            raise LookupError("an order about a bill that is not in the books")
        data = {"refused": outcome.refused} if outcome.refused else _told(order)
        end = "refused" if outcome.refused else "done"
        await bills.note(session, bill, f"bill:{order.kind}:{end}", actor, now, data)
        await _lock_after(session, order, outcome)
        if outcome.state is not None:
            await bills.take_state(session, outcome.state, now)
        if order.kind is OrderKind.RED_LETTER and outcome.bill is not None:
            await take_red(session, bill, outcome.bill, actor, now)


async def take_red(session: Session, original: BillRef, red: EBill, actor: Actor, now: datetime) -> None:
    """A red-letter bill of ours goes into the books beside its original, once."""
    first = await bills.read_bill(session, original)
    if first is None:
        return
    new = await bills.add_bill(
        session,
        red,
        at=now,
        owner=first.owner,
        institution=first.institution,
        insured=first.insured,
        issued_here=True,
    )
    if new:
        await bills.note(session, red.ref, "bill:red_letter:written", actor, now, {"original": str(original)})


async def _issued(session: Session, actor: Actor, outcome: BillOutcome, place: dict[str, str], now: datetime) -> None:
    if outcome.bill is None or outcome.state is None:
        return
    new = await bills.add_bill(
        session,
        outcome.bill,
        at=now,
        owner=place["owner"],
        institution=place["institution"],
        insured=place["insured"],
        issued_here=True,
    )
    await bills.take_state(session, outcome.state, now)
    if new:
        await bills.note(session, outcome.bill.ref, "bill:issue:done", actor, now)


async def _lock_after(session: Session, order: BillOrder, outcome: BillOutcome) -> None:
    """Our row of the lock that an order was about."""
    if order.kind is OrderKind.LOCK:
        row = await bills.read_lock(session, order_key=order.key)
    else:
        lock_id = order.feedback.lock_id if order.feedback else order.lock_id
        row = await bills.read_lock(session, lock_id=lock_id) if lock_id else None
    if row is None:
        return
    if outcome.refused:
        row.state = bills.REFUSED if row.state == bills.ASKED else row.state
        return
    if outcome.lock is None:
        return
    told = outcome.lock
    row.lock_id, row.locked_at, row.expires_at = told.lock.lock_id, told.lock.locked_at, told.lock.expires_at
    advance(row, told.state)
    if order.feedback is not None:
        bills.set_paid(row, order.feedback)


def advance(row: BillLock, state: LockState) -> bool:
    """The lock's next state, if it is a later one. False: it had come as far already."""
    if row.state != bills.REFUSED and _RANK[state] <= _RANK[row.state]:
        return False
    row.state = state.value
    return True


def _told(order: BillOrder) -> dict[str, str]:
    """Codes and amounts for the trail; nothing personal."""
    data = {"purpose": order.purpose.value if order.purpose else "", "claim": order.claim, "lock": order.lock_id}
    if order.kind is OrderKind.LOCK:
        data["amount_fen"] = str(order.amount)
    if order.feedback is not None:
        paid = order.feedback
        data |= {"lock": paid.lock_id, "tx_no": paid.tx_no, "refunds": paid.refunds}
        data["amount_fen"] = str(paid.reimb_amount)
    return {name: value for name, value in data.items() if value}
