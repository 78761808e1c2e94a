"""Orders to the e-bill platform: intent before effect, find before any resend, and our books in step.

``carry_out`` is for whoever orders, a person at the API or a workflow's activity: the same key is the same order,
however often and by how many processes it is carried out.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from adapters.ebills.port import EbillPlatform
from adapters.errors import ProvinceError, Unavailable
from domain.bills import (
    BillOrder,
    BillOutcome,
    BillRef,
    EBill,
    LockState,
    OrderKind,
    Standing,
    check_lock,
    locked_for,
)
from domain.errors import Refusal
from domain.messages import Actor
from models import bills
from models.bills import BillLock
from models.database import Database, Session
from models.matters import read_matter

_RANK = {
    bills.ASKED: 0,
    LockState.OPEN: 1,
    LockState.SUSPENDED: 2,
    LockState.RELEASED: 3,
    LockState.EXPIRED: 3,
    LockState.SETTLED: 4,
    LockState.REFUNDED: 5,
}  # what is told late never leads a lock back
log = logging.getLogger(__name__)


async def carry_out(
    database: Database,
    platform: EbillPlatform,
    actor: Actor,
    order: BillOrder,
    place: Mapping[str, str] | None = None,
    *,
    once: bool = False,
) -> BillOutcome:
    """Intent, effect, record. The outcome may be a refusal of the platform (``refusal_of``).

    Every order but an issue names its ``bill``. actor: of a lock, his region and department are the desk that holds it.
    place: of a bill to be issued ``owner``, ``institution``, ``insured``, and ``about``: the stay or visit. once: it is
    the only one of that stay or visit, Refusal(bill_exists) otherwise.

    Refusal(not_found): not in our books. Refusal(temporarily_down): nothing was done, nothing is kept.
    Refusal(ebills_unknown_outcome): nobody knows, the order is kept: the same again finds it, and so does the relay.
    """
    now = datetime.now(UTC)
    async with database.begin() as session:
        new = await bills.put_order(session, order, actor, place or {}, now)
        if new and order.kind is not OrderKind.ISSUE:
            await _check(session, order, actor, now)
        if new and once:
            await _only_one(session, order, (place or {}).get("about", ""))
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
        async with database.begin() as session:
            await bills.drop_order(session, order.key)
        raise Refusal("temporarily_down") from None
    except ProvinceError as error:
        log.warning("the outcome of an order about a bill is unknown: %s (%s)", order.kind, error.code)
        raise Refusal("ebills_unknown_outcome") from None
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


def refusal_of(outcome: BillOutcome) -> Refusal:
    """The platform's no as a refusal; of a lock in the way its purpose and nothing else."""
    if outcome.refused == "bill_locked" and outcome.locked_for is not None:
        return locked_for(outcome.locked_for)
    return Refusal(outcome.refused or "ebills_unknown_outcome")


async def _only_one(session: Session, order: BillOrder, about: str) -> None:
    """A stay or visit that was settled directly, or has a bill, gets no other one. Its row is locked: one at a time."""
    matter = await read_matter(session, about, lock=True)
    if matter is None:
        raise Refusal("not_found")
    settled = any(not s["undoes"] and not s["undone_by"] for s in matter.progress.get("settlements", ()))
    if settled or await bills.issued_for(session, about, order.key):
        raise Refusal("bill_exists", "/about")


async def _check(session: Session, order: BillOrder, actor: Actor, now: datetime) -> None:
    """Before anything is sent: the order is about a bill in our books, and a lock is one that may be asked for."""
    bill = await bills.read_bill(session, order.bill, lock=True) if order.bill else None
    if bill is None:
        raise Refusal("not_found")
    if order.kind is not OrderKind.LOCK or order.purpose is None:
        return
    # what others have locked or been paid may be out of date here; the platform says no to that
    check_lock(Standing(bill=bill.bill()), order.purpose, order.amount)
    held = await bills.add_lock(session, order, region=actor.region, department=actor.department, at=now)
    if held is not None:
        raise locked_for(held)
