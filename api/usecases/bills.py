"""Fiscal e-bills: issue, show, verify, lock, release, feed back, take back.

Who may do what is decided here; how an order reaches the platform once stands in activities.billing. A client that
repeats its Idempotency-Key repeats the same order; what nobody repeats the relay brings to its end (see bill_feed).
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from activities.billing import carry_out, refusal_of
from adapters.ebills.port import EbillPlatform
from adapters.errors import ProvinceError
from api.auth import Login
from api.house import House
from api.schemas_bills import BillIn, BillOut, FeedbackIn, LockIn, LockOut, RedLetterIn, ReleaseIn, VerifyIn, VerifyOut
from api.usecases.health import may_read_about, own_person
from catalogue.medical import institutions
from domain import names
from domain.bills import (
    BillContent,
    BillOrder,
    BillRef,
    Feedback,
    OrderKind,
    Verdict,
    check_sums,
)
from domain.errors import Refusal, Refusals
from domain.identifiers import check_resident_id, check_uscc
from domain.medical import MatterKind
from domain.medical.access import INSURANCE, DataKind, Subject
from domain.messages import Actor, Role
from domain.regions import covers
from models import bills
from models.bills import Bill, BillLock
from models.database import Session
from models.matters import read_matter

T = TypeVar("T")
TREATMENTS = frozenset({MatterKind.STAY, MatterKind.VISIT})
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
    return actor.role in {Role.CASEWORKER, Role.SUPERVISOR} and actor.department in INSURANCE


async def found(session: Session, house: House, code: str, number: str) -> Bill:
    """The bill; Refusal(not_found) if there is none in our books."""
    try:
        ref = house.library.ebills.format.check(BillRef(code=code, number=number))
    except Refusal:
        raise Refusal("not_found") from None
    bill = await bills.read_bill(session, ref)
    if bill is None:
        raise Refusal("not_found")
    return bill


async def visible(session: Session, house: House, actor: Actor, code: str, number: str) -> Bill:
    """A bill that this actor may do something with: the institution that issued it, the desk where the payer is
    insured, whoever holds a lock. Refusal(not_found) for everybody else."""
    bill = await found(session, house, code, number)
    if not await _concerns(session, actor, bill):
        raise Refusal("not_found")
    return bill


async def _concerns(session: Session, actor: Actor, bill: Bill) -> bool:
    if actor.role is Role.INSTITUTION:
        return bool(bill.institution) and bill.institution == actor.department
    if not is_desk(actor):
        return False
    if bill.insured and covers(actor.region, bill.insured):
        return True
    return any(_is_mine(lock, actor) for lock in await bills.locks_of(session, bill.ref))


async def read(session: Session, house: House, login: Login, code: str, number: str) -> BillOut:
    """The bill, for its payer, the institution that issued it, the desk where he is insured and whoever holds a lock;
    another institution by the payer's consent. Its items tell what somebody was treated for: whoever is not the payer
    leaves a line in the list of who has read. Refusal(not_found) for everybody else.
    """
    bill, actor = await found(session, house, code, number), login.actor
    held = [lock for lock in await bills.locks_of(session, bill.ref) if _is_mine(lock, actor)]
    about = Subject(
        matter=f"{bill.code}-{bill.number}",
        kind=DataKind.BILL,
        person=payer_of(bill.payer),
        owner=bill.owner,
        institutions=tuple(filter(None, (bill.institution,))),
        regions=tuple(filter(None, (bill.insured, *(lock.region for lock in held)))),
    )
    own = own_person(login)
    await may_read_about(session, actor, about, own=own if bill.owner == own else "")
    return shown(actor, bill, held, own)


async def issued(session: Session, house: House, actor: Actor, ref: BillRef) -> BillOut:
    """A bill as it is handed to whoever has just ordered it."""
    return shown(actor, await found(session, house, ref.code, ref.number))


def shown(actor: Actor, bill: Bill, held: Sequence[BillLock] = (), own: str = "") -> BillOut:
    """As this actor reads it. The check code is for the payer and the issuer: whoever has it can lock the bill."""
    person = actor.role in {Role.CITIZEN, Role.AGENT} and bool(bill.owner) and bill.owner in {actor.subject, own}
    whole = person or (actor.role is Role.INSTITUTION and bill.institution == actor.department)
    return BillOut.of(bill, [LockOut.of(lock) for lock in held], check_code=bill.check_code if whole else "")


async def mine(
    session: Session, login: Login, after: tuple[datetime, str] | None, limit: int
) -> list[tuple[Bill, BillOut]]:
    """The bills of this person, by his login and by the number that it has verified; the newest first."""
    owners = [login.actor.subject, *filter(None, [own_person(login)])]
    rows = await bills.bills_of(session, owners, after=after, limit=limit)
    return [(bill, shown(login.actor, bill, own=own_person(login))) for bill in rows]


def payer_of(payer: Mapping[str, object]) -> str:
    """``names.person_digest`` of who is named on a bill; empty where the number is no resident's."""
    try:
        return names.person_digest(check_resident_id(str(payer["id_no"])))
    except Refusal:
        return ""


def _is_mine(lock: BillLock, actor: Actor) -> bool:
    return (lock.region, lock.department) == (actor.region, actor.department)


async def issue(house: House, actor: Actor, body: BillIn, key: str, institution: str = "") -> BillRef:
    """Issues a bill; returns its numbers. ``institution``: its code, where the actor is not it himself."""
    content = BillContent.model_validate(body.model_dump(exclude={"owner", "insured", "about"}))
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
    owner = body.owner or payer_of(body.payer.model_dump())
    place = {"owner": owner, "insured": body.insured, "institution": institution}
    by_itself = actor.role is Role.INSTITUTION
    if by_itself:
        place = await _own_patient(house, actor, body, content.payee.uscc)
    outcome = await carry_out(house.database, connected(house), actor, order, place, once=by_itself)
    if outcome.bill is None:
        raise refusal_of(outcome)
    return outcome.bill.ref


async def _own_patient(house: House, actor: Actor, body: BillIn, uscc: str) -> dict[str, str]:
    """What an institution may issue a bill for: in its own name, a stay or visit of its own, of the person who pays,
    and nothing of which a settlement could tell; whose the bill is follows from that. Refusals with every fault.
    """
    listed = institutions().get(actor.department)
    async with house.database.begin() as session:
        matter = await read_matter(session, body.about)
    theirs = matter is not None and matter.kind in TREATMENTS and matter.institution == actor.department
    wrong = {
        "/payee/uscc": listed is None or listed.uscc != uscc,
        "/owner": bool(body.owner),
        "/insurance/setl_id": bool(body.insurance.setl_id),
        "/about": not theirs,
        "/payer/id_no": theirs and matter is not None and payer_of(body.payer.model_dump()) != matter.person,
    }
    faults = [Refusal("field_invalid", field) for field, is_wrong in wrong.items() if is_wrong]
    if faults or matter is None:
        raise Refusals(faults)
    return {"owner": matter.person, "insured": matter.insured, "institution": actor.department, "about": matter.no}


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
        owner = payer_of(bill.payer.model_dump())
        new = await bills.add_bill(
            session, bill, at=now, owner=owner, institution="", insured=insured, issued_here=False
        )
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
