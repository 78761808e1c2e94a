"""Fiscal e-bills: issue, show, verify, lock, release, feed back, take back.

Who may do what is decided here; how an order reaches the platform once stands in activities.billing. A client that
repeats its Idempotency-Key repeats the same order; what nobody repeats the relay brings to its end (see bill_feed).
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TypeVar

from activities.billing import carry_out, refusal_of
from adapters.ebills.port import EbillPlatform
from adapters.errors import ProvinceError
from api.house import House
from api.schemas_bills import BillIn, BillOut, FeedbackIn, LockIn, LockOut, RedLetterIn, ReleaseIn, VerifyIn, VerifyOut
from domain.bills import (
    BillContent,
    BillOrder,
    BillRef,
    Feedback,
    OrderKind,
    Verdict,
    check_sums,
)
from domain.errors import Refusal
from domain.identifiers import check_uscc
from domain.messages import Actor, Role
from domain.regions import covers
from models import bills
from models.bills import Bill, BillLock
from models.database import Session

DESKS = frozenset({"medical_insurance", "health_insurance"})
"""Departments that reimburse for the health insurance."""
T = TypeVar("T")
log = logging.getLogger(__name__)


def connected(house: House) -> EbillPlatform:
    """The platform; Refusal(ebills_not_connected) where there is none."""
    if house.ebills is None:
        raise Refusal("ebills_not_connected")
    return house.ebills


def order_key(actor: Actor, key: str, kind: OrderKind) -> str:
    """The key of an order: the caller's own, so that a repetition is the same order; a new one if there is none."""
    if not key:
        return secrets.token_hex(32)
    return hashlib.sha256(f"ebill\n{actor.subject}\n{kind}\n{key}".encode()).hexdigest()


def is_desk(actor: Actor) -> bool:
    """Whether this is somebody at the health insurance."""
    return actor.role in {Role.CASEWORKER, Role.SUPERVISOR} and actor.department in DESKS


async def visible(session: Session, house: House, actor: Actor, code: str, number: str, own: str = "") -> Bill:
    """The bill, for its payer, the institution that issued it, the desk where he is insured and whoever holds a lock;
    Refusal(not_found) for everybody else. own: digest of the number that the actor's login has verified.
    """
    try:
        ref = house.library.ebills.format.check(BillRef(code=code, number=number))
    except Refusal:
        raise Refusal("not_found") from None
    bill = await bills.read_bill(session, ref)
    if bill is None or not await _concerns(session, actor, bill, own):
        raise Refusal("not_found")
    return bill


async def _concerns(session: Session, actor: Actor, bill: Bill, own: str) -> bool:
    if actor.role is Role.SYSTEM:
        return True
    if actor.role in {Role.CITIZEN, Role.AGENT}:
        return bool(bill.owner) and bill.owner in {actor.subject, own}
    if actor.role is Role.INSTITUTION:
        return bool(bill.institution) and bill.institution == actor.department
    if not is_desk(actor):
        return False
    if bill.insured and covers(actor.region, bill.insured):
        return True
    return any(_is_mine(lock, actor) for lock in await bills.locks_of(session, bill.ref))


def _is_mine(lock: BillLock, actor: Actor) -> bool:
    return (lock.region, lock.department) == (actor.region, actor.department)


async def shown(session: Session, actor: Actor, bill: Bill, own: str = "") -> BillOut:
    """The bill as this actor reads it; ``own`` as in ``visible``."""
    mine = [LockOut.of(lock) for lock in await bills.locks_of(session, bill.ref) if _is_mine(lock, actor)]
    whole = actor.role is Role.INSTITUTION or bill.owner in {actor.subject, own} - {""}
    return BillOut.of(bill, mine, check_code=bill.check_code if whole else "")


async def issue(house: House, actor: Actor, body: BillIn, key: str, institution: str = "") -> BillRef:
    """Issues a bill; returns its numbers. ``institution``: its code, where the actor is not it himself."""
    content = BillContent.model_validate(body.model_dump(exclude={"owner", "insured"}))
    check_sums(content)
    if content.total <= 0:
        raise Refusal("bill_wrong_sum", "/total")
    content = content.model_copy(
        update={"payee": content.payee.model_copy(update={"uscc": check_uscc(content.payee.uscc)})}
    )
    order = BillOrder(
        kind=OrderKind.ISSUE,
        key=order_key(actor, key, OrderKind.ISSUE),
        unit=content.payee.uscc,
        content=content,
    )
    if is_desk(actor) and not (body.insured and covers(actor.region, body.insured)):
        raise Refusal("field_invalid", "/insured")  # it issues for those who are insured with it, and sees those
    institution = actor.department if actor.role is Role.INSTITUTION else institution
    place = {"owner": body.owner, "insured": body.insured, "institution": institution}
    outcome = await carry_out(house.database, connected(house), actor, order, place)
    if outcome.bill is None:
        raise refusal_of(outcome)
    return outcome.bill.ref


async def verify(house: House, body: VerifyIn, code: str, number: str) -> VerifyOut:
    """Whether code, number and check code belong together. NOT_AUTHENTIC is a verdict, not an error."""
    platform = connected(house)
    try:
        ref = house.library.ebills.format.check(BillRef(code=code, number=number))
    except Refusal:
        return VerifyOut(verdict=Verdict.NOT_AUTHENTIC)
    verdict, bill, state = await _asked(platform.verify(ref, body.check_code))
    if bill is None or state is None:
        return VerifyOut(verdict=verdict)
    return VerifyOut(
        verdict=verdict,
        status=state.status,
        total=bill.total,
        left=state.left,
        issue_date=bill.issue_date,
        locked_for=state.locked_for,
        red_waiting=state.red_waiting,
        related=state.related,
    )


async def lock(house: House, actor: Actor, code: str, number: str, body: LockIn, key: str) -> LockOut:
    """Locks a bill for a claim. A bill that is not in our books is taken in, if its check code is right."""
    ref = await _presented(house, actor, code, number, body.check_code)
    term = house.library.ebills.lock
    if body.days is not None and body.days > term.most:
        raise Refusal("days_out_of_range", "/days")
    order = BillOrder(
        kind=OrderKind.LOCK,
        key=order_key(actor, key, OrderKind.LOCK),
        unit=check_uscc(body.owner_unit),
        bill=ref,
        purpose=body.purpose,
        amount=body.amount,
        days=body.days or term.days,
        claim=body.claim,
    )

    outcome = await carry_out(house.database, connected(house), actor, order)
    if outcome.refused:
        raise refusal_of(outcome)
    async with house.database.begin() as session:
        row = await bills.read_lock(session, order_key=order.key)
    if row is None:
        raise Refusal("not_found")
    return LockOut.of(row)


async def release(house: House, actor: Actor, code: str, number: str, body: ReleaseIn, key: str) -> LockOut:
    """Gives a lock of one's own up."""
    held = await _own_lock(house, actor, code, number, body.lock_id)
    order = BillOrder(
        kind=OrderKind.RELEASE,
        key=order_key(actor, key, OrderKind.RELEASE),
        unit=held.owner_unit,
        bill=held.ref,
        lock_id=body.lock_id,
    )
    return await _about_lock(house, actor, order, body.lock_id)


async def feed_back(house: House, actor: Actor, code: str, number: str, body: FeedbackIn, key: str) -> LockOut:
    """Reports what was paid under a lock of one's own, or that it came back. The same number is the same payment."""
    held = await _own_lock(house, actor, code, number, body.lock_id)
    order = BillOrder(
        kind=OrderKind.FEEDBACK,
        key=order_key(actor, key, OrderKind.FEEDBACK),
        unit=held.owner_unit,
        bill=held.ref,
        feedback=Feedback(
            lock_id=body.lock_id,
            reimb_time=body.reimb_time,
            reimb_amount=body.reimb_amount,
            tx_no=body.tx_no,
            refunds=body.refunds,
        ),
    )
    return await _about_lock(house, actor, order, body.lock_id)


async def red_letter(house: House, actor: Actor, code: str, number: str, body: RedLetterIn, key: str) -> BillRef:
    """Takes a bill back: at once, or as soon as nobody holds it. For whoever issued it."""
    async with house.database.begin() as session:
        bill = await visible(session, house, actor, code, number)
        if not bill.issued_here or (actor.role is Role.INSTITUTION and bill.institution != actor.department):
            raise Refusal("not_found")
    order = BillOrder(
        kind=OrderKind.RED_LETTER,
        key=order_key(actor, key, OrderKind.RED_LETTER),
        unit=str(bill.payee["uscc"]),
        bill=bill.ref,
        reason=body.reason,
    )
    outcome = await carry_out(house.database, connected(house), actor, order)
    if outcome.refused:
        raise refusal_of(outcome)
    return bill.ref


async def _about_lock(house: House, actor: Actor, order: BillOrder, lock_id: str) -> LockOut:
    outcome = await carry_out(house.database, connected(house), actor, order)
    if outcome.refused:
        raise refusal_of(outcome)
    async with house.database.begin() as session:
        row = await bills.read_lock(session, lock_id=lock_id)
    if row is None:
        raise Refusal("not_found")
    return LockOut.of(row)


async def _own_lock(house: House, actor: Actor, code: str, number: str, lock_id: str) -> BillLock:
    async with house.database.begin() as session:
        bill = await visible(session, house, actor, code, number)
        held = await bills.read_lock(session, lock_id=lock_id)
    if held is None or held.ref != bill.ref or not _is_mine(held, actor):
        raise Refusal("not_found")
    return held


async def _presented(house: House, actor: Actor, code: str, number: str, check_code: str) -> BillRef:
    """The bill that somebody has put on this desk: one it may see anyhow, or one whose check code it was given."""
    async with house.database.begin() as session:
        try:
            return (await visible(session, house, actor, code, number)).ref
        except Refusal:
            if not check_code:
                raise
    return await take_in(house, actor, actor.region, code, number, check_code)


async def take_in(house: House, actor: Actor, insured: str, code: str, number: str, check_code: str) -> BillRef:
    """A bill from elsewhere goes into our books, if its check code is right; Refusal(not_found) otherwise."""
    ref = house.library.ebills.format.check(BillRef(code=code, number=number))
    verdict, bill, state = await _asked(connected(house).verify(ref, check_code))
    if verdict is not Verdict.AUTHENTIC or bill is None or state is None:
        raise Refusal("not_found")
    now = datetime.now(UTC)
    async with house.database.begin() as session:
        new = await bills.add_bill(session, bill, at=now, owner="", institution="", insured=insured, issued_here=False)
        if new:
            await bills.note(session, ref, "bill:taken_in", actor, now)
        await bills.take_state(session, state, now)
    return ref


async def _asked(question: Awaitable[T]) -> T:
    """A question to the platform, which changes nothing there whatever becomes of it."""
    try:
        return await question
    except ProvinceError as error:
        log.warning("the e-bill platform cannot be asked: %s", error.code)
        raise Refusal("temporarily_down") from None
