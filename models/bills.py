"""Our own record of fiscal e-bills: bills, the locks we hold, what was ordered of the platform, a chained trail.

The platform is the authority for how a bill stands; its states carry a version, and an older one never overwrites a
newer. A partial unique index makes two live locks on a bill impossible in our own books.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    func,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.audit import GENESIS, event_hash
from domain.bills import (
    BillOrder,
    BillOutcome,
    BillRef,
    BillState,
    EBill,
    Feedback,
    LockState,
    Purpose,
)
from domain.messages import Actor, Role
from domain.record import Event
from models.columns import digest_column, json_column, moment, serial

ASKED, REFUSED = "asked", "refused"  # of a lock, beside the platform's own states: no answer yet, and no
LIVE = (ASKED, LockState.OPEN.value, LockState.SUSPENDED.value)
_LIVE_SQL = "state IN ('asked', 'open', 'suspended')"


class Bill(SQLModel, table=True):
    """One bill. Amounts in fen. issued_here: we know its whole content and its red letter's.

    owner: login of the payer, or his digest; empty where he is no resident. institution: code of who issued.
    insured: six digits of the place of insurance.
    """

    __tablename__ = "bill"
    __table_args__ = (Index("ix_bill_owner", "owner"), Index("ix_bill_institution", "institution"))

    code: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    check_code: str
    issue_date: date
    region: str = Field(sa_column=Column(CHAR(6), nullable=False))
    kind: str
    payer: dict[str, Any] = json_column()
    payee: dict[str, Any] = json_column()
    items: list[dict[str, Any]] = json_column()
    total: int = Field(sa_column=Column(BigInteger, nullable=False))
    fund_pay: int = Field(sa_column=Column(BigInteger, nullable=False))
    acct_pay: int = Field(sa_column=Column(BigInteger, nullable=False))
    cash_pay: int = Field(sa_column=Column(BigInteger, nullable=False))
    setl_id: str
    file_hash: str
    status: str
    version: int
    reimbursed: int = Field(sa_column=Column(BigInteger, nullable=False))
    red_waiting: bool
    locked_for: str
    related_code: str
    related_number: str
    issued_here: bool
    owner: str
    institution: str
    insured: str
    events: int
    head: str = digest_column()
    created_at: datetime = moment()
    updated_at: datetime = moment()

    @property
    def ref(self) -> BillRef:
        """Its two numbers."""
        return BillRef(code=self.code, number=self.number)

    def bill(self) -> EBill:
        """The message that it was taken from, as it stands now."""
        related = BillRef(code=self.related_code, number=self.related_number) if self.related_number else None
        insurance = {name: getattr(self, name) for name in ("fund_pay", "acct_pay", "cash_pay", "setl_id")}
        return EBill.model_validate(self.model_dump() | {"insurance": insurance, "related": related})


class BillLock(SQLModel, table=True):
    """One lock of ours. order_key: of the order that asked for it; region, department: the desk that holds it.

    state: asked, refused, or the platform's word for it. suspended_at: when its owner was told that a red letter waits.
    """

    __tablename__ = "bill_lock"
    __table_args__ = (
        ForeignKeyConstraint(["code", "number"], ["bill.code", "bill.number"]),
        Index("uq_bill_lock_live", "code", "number", unique=True, postgresql_where=text(_LIVE_SQL)),
        Index("ix_bill_lock_bill", "code", "number"),
    )

    order_key: str = digest_column(primary_key=True)
    lock_id: str | None = Field(default=None, unique=True)
    code: str
    number: str
    owner_unit: str
    purpose: str
    amount: int = Field(sa_column=Column(BigInteger, nullable=False))
    claim: str
    region: str
    department: str
    state: str
    asked_at: datetime = moment()
    locked_at: datetime | None = moment(null=True)
    expires_at: datetime | None = moment(null=True)
    suspended_at: datetime | None = moment(null=True)
    tx_no: str | None = Field(default=None, unique=True)
    reimb_amount: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    reimb_time: datetime | None = moment(null=True)
    refund_tx_no: str | None = Field(default=None, unique=True)

    @property
    def ref(self) -> BillRef:
        """Of the bill."""
        return BillRef(code=self.code, number=self.number)


class BillOrderRow(SQLModel, table=True):
    """Intent before effect: what is asked of the platform, stored before it is sent. outcome: null until it is known.

    tries: runs that were about to send it. place: what the answer is to be stored with, and cannot tell by itself.
    """

    __tablename__ = "bill_order"
    __table_args__ = (Index("ix_bill_order_open", "asked_at", postgresql_where=text("outcome IS NULL")),)

    key: str = digest_column(primary_key=True)
    kind: str
    code: str
    number: str
    body: dict[str, Any] = json_column()
    place: dict[str, Any] = json_column()
    actor: dict[str, Any] = json_column()
    tries: int
    asked_at: datetime = moment()
    outcome: dict[str, Any] | None = json_column(null=True)
    answered_at: datetime | None = moment(null=True)

    def order(self) -> BillOrder:
        """The order as it is sent."""
        return BillOrder.model_validate(self.body)

    def by(self) -> Actor:
        """Who gave it."""
        return Actor.model_validate(self.actor)


class BillEventRow(SQLModel, table=True):
    """A line of a bill's trail: append-only, each hash covers the one before."""

    __tablename__ = "bill_event"
    __table_args__ = (
        UniqueConstraint("code", "number", "seq"),
        ForeignKeyConstraint(["code", "number"], ["bill.code", "bill.number"]),
    )

    id: int = serial()
    code: str
    number: str
    seq: int
    type: str
    at: datetime = moment()
    actor_subject: str
    actor_role: str
    actor_region: str
    actor_department: str
    data: dict[str, Any] = json_column()
    hash: str = digest_column()

    def event(self) -> Event:
        """The row as the message that was hashed."""
        actor = Actor(
            subject=self.actor_subject,
            role=Role(self.actor_role),
            region=self.actor_region,
            department=self.actor_department,
        )
        return Event(type=self.type, at=self.at, actor=actor, data=self.data)


class BillFeed(SQLModel, table=True):
    """How far the platform's feed was read."""

    __tablename__ = "bill_feed"

    name: str = Field(primary_key=True)
    after: int = Field(sa_column=Column(BigInteger, nullable=False))
    read_at: datetime = moment()


async def read_bill(session: AsyncSession, ref: BillRef, *, lock: bool = False) -> Bill | None:
    """One bill or None."""
    query = select(Bill).where(col(Bill.code) == ref.code, col(Bill.number) == ref.number)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def bills_of(
    session: AsyncSession, owners: Sequence[str], *, after: tuple[datetime, str] | None = None, limit: int = 50
) -> Sequence[Bill]:
    """What belongs to one of these, the newest first. after: the moment and ``str(ref)`` of the last one seen."""
    place = tuple_(col(Bill.created_at), func.concat(col(Bill.code), "-", col(Bill.number)))
    query = select(Bill).where(col(Bill.owner).in_(list(owners)))
    if after is not None:
        query = query.where(place < after)
    return (await session.execute(query.order_by(place.desc()).limit(limit))).scalars().all()


async def add_bill(
    session: AsyncSession, bill: EBill, *, at: datetime, owner: str, institution: str, insured: str, issued_here: bool
) -> bool:
    """Takes a bill into the books; False if it is there already."""
    values = bill.model_dump(mode="json", exclude={"insurance", "related", "issue_date"}) | {
        "issue_date": bill.issue_date,
        "fund_pay": bill.insurance.fund_pay,
        "acct_pay": bill.insurance.acct_pay,
        "cash_pay": bill.insurance.cash_pay,
        "setl_id": bill.insurance.setl_id,
        "related_code": bill.related.code if bill.related else "",
        "related_number": bill.related.number if bill.related else "",
    }
    known = {"version": 0, "reimbursed": 0, "red_waiting": False, "locked_for": "", "events": 0, "head": GENESIS}
    about = {"owner": owner, "institution": institution, "insured": insured, "issued_here": issued_here}
    result = await session.execute(
        upsert(Bill)
        .values(**values, **known, **about, created_at=at, updated_at=at)
        .on_conflict_do_nothing()
        .returning(col(Bill.code))
    )
    return result.first() is not None


async def take_state(session: AsyncSession, state: BillState, at: datetime) -> bool:
    """How the bill stands at the platform, unless we know something newer. False: nothing new, or not our bill."""
    result = await session.execute(
        update(Bill)
        .where(
            col(Bill.code) == state.ref.code, col(Bill.number) == state.ref.number, col(Bill.version) < state.version
        )
        .values(
            status=state.status.value,
            version=state.version,
            reimbursed=state.reimbursed,
            red_waiting=state.red_waiting,
            locked_for=state.locked_for.value if state.locked_for else "",
            related_code=state.related.code if state.related else "",
            related_number=state.related.number if state.related else "",
            updated_at=at,
        )
        .returning(col(Bill.code))
    )
    return result.first() is not None


async def note(
    session: AsyncSession, ref: BillRef, kind: str, actor: Actor, at: datetime, data: Mapping[str, str] | None = None
) -> None:
    """Adds a line to the bill's trail."""
    bill = await read_bill(session, ref, lock=True)
    if bill is None:
        raise LookupError(str(ref))
    by = Actor(subject=actor.subject, role=actor.role, region=actor.region, department=actor.department)
    event = Event(type=kind, at=at, actor=by, data=dict(data or {}))
    bill.events += 1
    bill.head = event_hash(bill.head, str(ref), bill.events, event)
    bill.updated_at = at
    session.add(
        BillEventRow(
            code=ref.code,
            number=ref.number,
            seq=bill.events,
            type=kind,
            at=at,
            actor_subject=by.subject,
            actor_role=by.role.value,
            actor_region=by.region,
            actor_department=by.department,
            data=dict(event.data),
            hash=bill.head,
        )
    )
    await session.flush()


async def trail(session: AsyncSession, ref: BillRef) -> Sequence[BillEventRow]:
    """The lines of a bill, in order."""
    query = select(BillEventRow).where(col(BillEventRow.code) == ref.code, col(BillEventRow.number) == ref.number)
    return (await session.execute(query.order_by(col(BillEventRow.seq)))).scalars().all()


async def add_lock(
    session: AsyncSession, order: BillOrder, *, region: str, department: str, at: datetime
) -> Purpose | None:
    """Notes that a lock is asked for. The purpose of the lock that is in the way, or None."""
    if order.bill is None or order.purpose is None:
        raise ValueError("a lock needs a bill and a purpose")
    await session.execute(
        update(BillLock)
        .where(col(BillLock.code) == order.bill.code, col(BillLock.number) == order.bill.number)
        .where(col(BillLock.state).in_([LockState.OPEN, LockState.SUSPENDED]), col(BillLock.expires_at) <= func.now())
        .values(state=LockState.EXPIRED.value)
    )
    inserted = await session.execute(
        upsert(BillLock)
        .values(
            order_key=order.key,
            code=order.bill.code,
            number=order.bill.number,
            owner_unit=order.unit,
            purpose=order.purpose.value,
            amount=order.amount,
            claim=order.claim,
            region=region,
            department=department,
            state=ASKED,
            asked_at=at,
        )
        .on_conflict_do_nothing(index_elements=["code", "number"], index_where=text(_LIVE_SQL))
        .returning(col(BillLock.order_key))
    )
    if inserted.first() is not None:
        return None
    held = await live_lock(session, order.bill)
    return Purpose(held.purpose) if held else order.purpose


async def live_lock(session: AsyncSession, ref: BillRef) -> BillLock | None:
    """The lock of ours that holds a bill."""
    query = select(BillLock).where(
        col(BillLock.code) == ref.code, col(BillLock.number) == ref.number, col(BillLock.state).in_(LIVE)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def locks_of(session: AsyncSession, ref: BillRef) -> Sequence[BillLock]:
    """All locks of ours on a bill, oldest first."""
    query = select(BillLock).where(col(BillLock.code) == ref.code, col(BillLock.number) == ref.number)
    return (await session.execute(query.order_by(col(BillLock.asked_at), col(BillLock.order_key)))).scalars().all()


async def read_lock(session: AsyncSession, *, order_key: str = "", lock_id: str = "") -> BillLock | None:
    """One lock, locked, by our key or by the platform's number."""
    wanted = col(BillLock.order_key) == order_key if order_key else col(BillLock.lock_id) == lock_id
    query = select(BillLock).where(wanted).with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


def set_paid(lock: BillLock, feedback: Feedback) -> None:
    """Notes the payment, or its refund, in a lock that was read under lock."""
    if feedback.refunds:
        lock.refund_tx_no = feedback.tx_no
    else:
        lock.tx_no, lock.reimb_amount, lock.reimb_time = feedback.tx_no, feedback.reimb_amount, feedback.reimb_time


async def put_order(
    session: AsyncSession, order: BillOrder, actor: Actor, place: Mapping[str, str], at: datetime
) -> bool:
    """The intent, in the transaction of whatever goes with it. False: it is there; while another transaction puts the
    same one, this waits for it."""
    ref = order.bill or BillRef(code="", number="")
    inserted = await session.execute(
        upsert(BillOrderRow)
        .values(
            key=order.key,
            kind=order.kind.value,
            code=ref.code,
            number=ref.number,
            body=order.model_dump(mode="json"),
            place=dict(place),
            actor=actor.model_dump(mode="json"),
            tries=1,
            asked_at=at,
        )
        .on_conflict_do_nothing()
        .returning(col(BillOrderRow.key))
    )
    return inserted.first() is not None


async def issued_for(session: AsyncSession, matter: str, but: str) -> bool:
    """Whether a stay or visit has a bill that was not taken back, or one on its way. ``but``: the key of an order."""
    found = await session.execute(
        text(
            "SELECT EXISTS (SELECT 1 FROM bill_order o LEFT JOIN bill b"
            " ON b.code = o.outcome->'bill'->>'code' AND b.number = o.outcome->'bill'->>'number'"
            " WHERE o.kind = 'issue' AND o.place->>'about' = :matter AND o.key <> :but"
            " AND (o.outcome IS NULL OR (b.code IS NOT NULL AND b.status <> 'red_lettered')))"
        ),
        {"matter": matter, "but": but},
    )
    return bool(found.scalar_one())


async def read_order(session: AsyncSession, key: str, *, lock: bool = False) -> BillOrderRow | None:
    """One order or None."""
    query = select(BillOrderRow).where(col(BillOrderRow.key) == key)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def again(session: AsyncSession, key: str) -> None:
    """Somebody else is about to send it."""
    await session.execute(
        update(BillOrderRow).where(col(BillOrderRow.key) == key).values(tries=col(BillOrderRow.tries) + 1)
    )


async def drop_order(session: AsyncSession, key: str) -> None:
    """Nothing was done there and nobody else has tried: as if it had never been asked. The lock goes with it."""
    gone = await session.execute(
        text("DELETE FROM bill_order WHERE key = :key AND outcome IS NULL AND tries = 1 RETURNING key"), {"key": key}
    )
    if gone.first() is not None:
        await session.execute(text("DELETE FROM bill_lock WHERE order_key = :key AND state = 'asked'"), {"key": key})


async def answer_order(row: BillOrderRow, outcome: BillOutcome, at: datetime) -> None:
    """What became of it, in a row that was read under lock."""
    row.outcome, row.answered_at = json.loads(outcome.model_dump_json()), at


async def unanswered(
    session: AsyncSession, *, refs: Sequence[BillRef] = (), older_s: float = 0.0
) -> list[BillOrderRow]:
    """Orders whose outcome nobody knows, oldest first; of some bills only, or of some age in seconds."""
    query = select(BillOrderRow).where(col(BillOrderRow.outcome).is_(None))
    if refs:
        query = query.where(col(BillOrderRow.number).in_([ref.number for ref in refs]))
    if older_s:
        query = query.where(text("asked_at < now() - make_interval(secs => :older)").bindparams(older=older_s))
    return list((await session.execute(query.order_by(col(BillOrderRow.asked_at)).limit(200))).scalars())


async def feed_position(session: AsyncSession, name: str, at: datetime) -> BillFeed:
    """How far the feed was read, locked against other readers."""
    await session.execute(upsert(BillFeed).values(name=name, after=0, read_at=at).on_conflict_do_nothing())
    query = select(BillFeed).where(col(BillFeed.name) == name).with_for_update()
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one()
