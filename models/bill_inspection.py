"""Invariant 7 as far as it is about bills, asked of the stored rows and of the trail. Sentences name the bill."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from sqlalchemy import select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.audit import GENESIS, event_hash
from domain.bills import BillStatus, takes_back
from models.bills import Bill, trail

PAGE = 200
_BREACHES: Mapping[str, str] = {
    "has {0} live locks": (
        "SELECT code, number, count(*) FROM bill_lock WHERE state IN ('asked', 'open', 'suspended')"
        " GROUP BY code, number HAVING count(*) > 1"
    ),
    "was reimbursed {0} fen more than total less fund pay": (
        "SELECT b.code, b.number, greatest(b.reimbursed, s.paid) + b.fund_pay - b.total FROM bill b"
        " LEFT JOIN LATERAL (SELECT coalesce(sum(l.reimb_amount), 0) AS paid FROM bill_lock l"
        " WHERE l.code = b.code AND l.number = b.number AND l.state = 'settled') s ON true"
        " WHERE b.status <> 'red' AND greatest(b.reimbursed, s.paid) + b.fund_pay > b.total"
    ),
    "does not add up: {0} fen in its lines and shares are not its total": (
        "SELECT code, number, total - fund_pay - acct_pay - cash_pay FROM bill"
        " WHERE total <> fund_pay + acct_pay + cash_pay"
        " OR total <> (SELECT coalesce(sum((i->>'amount')::bigint), 0) FROM jsonb_array_elements(items) i)"
    ),
    "is taken back and has a live lock ({0})": (
        "SELECT b.code, b.number, l.state FROM bill b JOIN bill_lock l ON l.code = b.code AND l.number = b.number"
        " WHERE b.status = 'red_lettered' AND l.state IN ('asked', 'open', 'suspended') AND l.lock_id IS NOT NULL"
    ),
    "is taken back and names no red-letter bill{0}": (
        "SELECT code, number, '' FROM bill WHERE status = 'red_lettered' AND related_number = ''"
    ),
    "was paid under {0} and the lock is not settled": (
        "SELECT code, number, tx_no FROM bill_lock WHERE tx_no IS NOT NULL AND state NOT IN ('settled', 'refunded')"
    ),
}


async def breaches(session: AsyncSession) -> list[str]:
    """Every breach of the invariants of bills, a sentence each; empty if all hold."""
    found = []
    for sentence, query in _BREACHES.items():
        rows = await session.execute(text(query))
        found += [f"bill {code}-{number} {sentence.format(what)}" for code, number, what in rows]
    async for page in _pages(session):
        for bill in page:
            said = await _negation(session, bill) + await _trail(session, bill)
            found += [f"bill {bill.ref} {what}" for what in said]
    return found


async def count(session: AsyncSession) -> int:
    """How many bills there are."""
    return int(await session.scalar(text("SELECT count(*) FROM bill")) or 0)


async def _pages(session: AsyncSession) -> AsyncIterator[Sequence[Bill]]:
    after = ("", "")
    while True:
        query = select(Bill).where(tuple_(col(Bill.code), col(Bill.number)) > after)
        rows = await session.execute(query.order_by(col(Bill.code), col(Bill.number)).limit(PAGE))
        page = rows.scalars().all()
        if not page:
            return
        yield page
        after = (page[-1].code, page[-1].number)


async def _negation(session: AsyncSession, original: Bill) -> list[str]:
    """Of a bill issued here: its red letter is there, names it, and negates each amount."""
    if original.status != BillStatus.RED_LETTERED or not original.issued_here or not original.related_number:
        return []
    red = await session.get(Bill, (original.related_code, original.related_number))
    if red is not None and takes_back(red.bill(), original.bill()):
        return []
    return ["is taken back by a bill that is not its negation"]


async def _trail(session: AsyncSession, bill: Bill) -> list[str]:
    head, lines = GENESIS, await trail(session, bill.ref)
    for number, line in enumerate(lines, 1):
        head = event_hash(head, str(bill.ref), number, line.event())
        if (line.seq, line.hash) != (number, head):
            return [f"has lost line {number} of its trail, or it was changed"]
    return [] if (len(lines), head) == (bill.events, bill.head) else ["does not say where its trail ends"]
