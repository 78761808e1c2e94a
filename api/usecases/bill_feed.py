"""What the platform tells by itself, and orders whose outcome nobody has learnt: the relay's part of the e-bills.

The feed is read by cursor. What an entry changes, whom it is told to and the cursor itself are one transaction: an
entry is taken once, however often the relay dies. A claim of ours whose bill is taken back is told in that transaction
(an outbox message to its workflow), once when the red letter waits for its lock (``written`` False: pay nothing more,
release it) and once when it is written. One whose lock has run out is told likewise: it takes it again, or waits.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from activities.billing import advance, record, take_red
from adapters.ebills.port import EbillPlatform
from adapters.errors import ProvinceError
from api.house import House
from domain.bills import BillEvent, BillEventKind, BillReversed, LockState, Purpose
from domain.identifiers import is_case_number
from domain.medical.claim import BillReversed as ClaimAct
from domain.medical.claim import LockExpired
from domain.messages import SYSTEM
from models import bills, outbox
from models.bills import BillLock
from models.database import Session
from models.outbox import OutboxKind

FEED = "ebills"
SETTLE_AFTER_S = 20.0
"""An order this old without an outcome was left by whoever sent it: his call is over, whatever became of it."""
MOST_PAGES = 20
OnBillReversed = Callable[[Session, BillReversed], Awaitable[None]]


async def tell_claim(session: Session, reversed_: BillReversed) -> None:
    """The claim that holds the lock is told."""
    if not is_case_number(reversed_.claim):
        return  # locked by hand, for a claim that is kept elsewhere
    ref = reversed_.ref
    act = ClaimAct(id=f"bill:{ref}:{reversed_.written}", actor=SYSTEM, code=ref.code, number=ref.number)
    now = datetime.now(UTC)
    await outbox.post(session, OutboxKind.BILL_REVERSED, reversed_.claim, act.model_dump(mode="json"), now)


async def tell_of_end(session: Session, lock: BillLock) -> None:
    """The claim for which a lock was held is told that it has run out."""
    if lock.lock_id is None or not is_case_number(lock.claim):
        return
    act = LockExpired(id=f"lock:{lock.lock_id}", actor=SYSTEM, lock=lock.lock_id)
    await outbox.post(session, OutboxKind.LOCK_EXPIRED, lock.claim, act.model_dump(mode="json"), datetime.now(UTC))


ON_BILL_REVERSED: tuple[OnBillReversed, ...] = (tell_claim,)
log = logging.getLogger(__name__)


async def run_due(house: House, subscribers: Sequence[OnBillReversed] | None = None) -> int:
    """Everything that is due; returns how many entries and outcomes were taken. Nothing if no platform is connected."""
    if house.ebills is None:
        return 0
    taken = await settle_left(house, house.ebills)
    try:
        return taken + await read_feed(house, subscribers)
    except ProvinceError as error:
        log.warning("the e-bill platform cannot be read: %s", error.code)
        return taken


async def settle_left(house: House, platform: EbillPlatform, older_s: float = SETTLE_AFTER_S) -> int:
    """Brings orders to their end that were sent and never answered: found, or sent again under the same key. One that
    cannot be settled keeps no other waiting."""
    async with house.database.begin() as session:
        left = await bills.unanswered(session, older_s=older_s)
    settled = 0
    for row in left:
        order = row.order()
        async with house.database.begin() as session:
            await bills.again(session, order.key)
        try:
            outcome = await platform.find(order) or await platform.send(order)
        except ProvinceError as error:
            log.warning("an order about a bill is still without an answer: %s (%s)", order.kind, error.code)
            continue
        await record(house.database, order.key, outcome)
        settled += 1
    return settled


async def read_feed(house: House, subscribers: Sequence[OnBillReversed] | None = None) -> int:
    """Reads on from where it was left, to the end or for so many pages; returns how many entries were new."""
    platform, listeners = house.ebills, ON_BILL_REVERSED if subscribers is None else subscribers
    if platform is None:
        return 0
    taken = 0
    for _ in range(MOST_PAGES):
        async with house.database.begin() as session:
            after = (await bills.feed_position(session, FEED, datetime.now(UTC))).after
        events, more = await platform.events(after)
        await _learn_locks(house, platform, events)
        for event in events:
            taken += await _take(house, event, listeners)
        if not more:
            break
    return taken


async def _learn_locks(house: House, platform: EbillPlatform, events: Sequence[BillEvent]) -> None:
    """Entries may be about a lock whose order is still without an answer here: first the answer, then the entry.

    Nothing is sent: what the platform does not know an entry cannot be about.
    """
    refs = [event.state.ref for event in events if event.lock_id]
    if not refs:
        return
    async with house.database.begin() as session:
        rows = await bills.unanswered(session, refs=refs)
    for row in rows:
        outcome = await platform.find(row.order())
        if outcome is not None:
            await record(house.database, row.key, outcome)


async def _take(house: House, event: BillEvent, listeners: Sequence[OnBillReversed]) -> bool:
    now = datetime.now(UTC)
    async with house.database.begin() as session:
        position = await bills.feed_position(session, FEED, now)
        if position.after >= event.no:
            return False  # another relay was faster
        position.after, position.read_at = event.no, now
        bill = await bills.read_bill(session, event.state.ref, lock=True)
        if bill is None:
            return True
        await bills.take_state(session, event.state, now)
        lock = await bills.read_lock(session, lock_id=event.lock_id) if event.lock_id else None
        match event.kind:
            case BillEventKind.LOCK_EXPIRED if lock is not None:
                if advance(lock, LockState.EXPIRED):
                    await bills.note(session, bill.ref, "bill:lock:expired", SYSTEM, now, {"lock": event.lock_id})
                    await tell_of_end(session, lock)
            case BillEventKind.RED_WAITING if lock is not None:
                lock.suspended_at = event.at
                advance(lock, LockState.SUSPENDED)
                await bills.note(session, bill.ref, "bill:lock:suspended", SYSTEM, now, {"lock": event.lock_id})
                await _tell(session, event, lock, listeners, written=False)
            case BillEventKind.RED_LETTERED:
                await bills.note(
                    session, bill.ref, "bill:red_lettered", SYSTEM, now, {"by": str(event.state.related or "")}
                )
                if event.red is not None and bill.issued_here:
                    await take_red(session, bill.ref, event.red, SYSTEM, now)
                for each in await bills.locks_of(session, bill.ref):
                    if each.state in bills.LIVE and each.lock_id is not None:
                        advance(each, LockState.RELEASED)  # the platform writes no red letter over a live lock
                    if each.suspended_at is not None:
                        await _tell(session, event, each, listeners, written=True)
        await session.flush()
    return True


async def _tell(
    session: Session, event: BillEvent, lock: BillLock, listeners: Sequence[OnBillReversed], *, written: bool
) -> None:
    told = BillReversed(
        ref=event.state.ref,
        lock_id=lock.lock_id or "",
        claim=lock.claim,
        purpose=Purpose(lock.purpose),
        amount=lock.amount,
        written=written,
        red=event.state.related if written else None,
    )
    for listener in listeners:
        await listener(session, told)
