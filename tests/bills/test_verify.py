"""The invariants of bills hold after whatever went on, and each has a crime that trips it."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from domain.bills import BillOrder, BillRef, OrderKind, Purpose
from models import bills
from tests.bills.halls import Hall, payment
from tests.bills.places import NOW, new_key
from tests.fixtures.databases import Cluster

REASON = {"reason": "开具有误"}
WHERE = "WHERE code = :code AND number = :number"
ROW = (
    "INSERT INTO bill_lock SELECT repeat('f', 64), NULL, code, number, owner_unit, purpose, amount, claim, region,"
    " department, 'open', asked_at, locked_at, expires_at, suspended_at, NULL, NULL, NULL, NULL FROM bill_lock "
)
CRIMES = [
    ("two live locks", ("DROP INDEX uq_bill_lock_live", ROW + WHERE), "has 2 live locks"),
    (
        "the platform was told too much",
        (f"UPDATE bill SET reimbursed = total + 1 {WHERE}",),
        "was reimbursed 1 fen more than total less fund pay",
    ),
    (
        "more was paid than we say",
        (f"UPDATE bill_lock SET state = 'settled', tx_no = 'T9', reimb_amount = 100001 {WHERE}",),
        "was reimbursed 1 fen more than total less fund pay",
    ),
    ("the total was edited", (f"UPDATE bill SET total = total - 1, fund_pay = 0 {WHERE}",), "does not add up"),
    (
        "a line was edited",
        (f"UPDATE bill SET items = jsonb_set(items, '{{0,amount}}', '1') {WHERE}",),
        "does not add up",
    ),
    ("paid and still open", (f"UPDATE bill_lock SET tx_no = 'T9' {WHERE}",), "was paid under T9 and the lock is not"),
    (
        "taken back under a lock",
        (f"UPDATE bill SET status = 'red_lettered', related_number = 'x', issued_here = false {WHERE}",),
        "is taken back and has a live lock (open)",
    ),
    ("taken back by nothing", (f"UPDATE bill SET status = 'red_lettered' {WHERE}",), "names no red-letter bill"),
    (
        "a line of the trail was edited",
        (f"UPDATE bill_event SET actor_subject = 'x' {WHERE} AND seq = 1",),
        "has lost line 1 of its trail, or it was changed",
    ),
    ("the trail was cut", (f"DELETE FROM bill_event {WHERE} AND seq = 2",), "does not say where its trail ends"),
]


async def commit(hall: Hall, statements: tuple[str, ...], bill: dict[str, object]) -> None:
    """Somebody with the database's password, past the triggers."""
    async with hall.database.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            values = {} if statement.startswith("DROP") else {name: bill[name] for name in ("code", "number")}
            await session.execute(text(statement), values)


async def wipe(hall: Hall) -> None:
    """The next one starts from a clean slate."""
    async with hall.database.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        for table in ("bill_event", "bill_lock", "bill"):
            await session.execute(text(f"DELETE FROM {table}"))
        await session.execute(
            text(
                "CREATE UNIQUE INDEX IF NOT EXISTS uq_bill_lock_live ON bill_lock (code, number)"
                " WHERE state IN ('asked', 'open', 'suspended')"
            )
        )


async def test_each_crime_is_found_and_named_with_its_bill(hall: Hall) -> None:
    for what, statements, said in CRIMES:
        bill = await hall.issue()
        await hall.lock(bill, 60_000)
        assert await hall.breaches() == [], what
        await commit(hall, statements, bill)
        found = await hall.breaches()
        assert found, what
        assert any(said in each and f"bill {bill['code']}-{bill['number']}" in each for each in found), (what, found)
        await wipe(hall)


@pytest.mark.parametrize(
    "change",
    ["total = total + 1", "related_number = '0'", "status = 'issued'", 'payer = payer || \'{"name": "x"}\''],
)
async def test_a_red_letter_that_is_no_negation_is_found(hall: Hall, change: str) -> None:
    bill = await hall.issue()
    red = (await hall.act(hall.hospital, bill, "red-letter", REASON)).json()["related"]
    assert await hall.breaches() == []
    await commit(hall, (f"UPDATE bill SET {change} {WHERE}",), red)
    assert (
        f"bill {bill['code']}-{bill['number']} is taken back by a bill that is not its negation"
        in await hall.breaches()
    )
    await wipe(hall)


async def test_the_database_itself_refuses_a_second_live_lock_a_second_payment_and_any_edit_of_the_trail(
    hall: Hall, cluster: Cluster
) -> None:
    bill = await hall.issue()
    held = await hall.lock(bill, 60_000)
    with pytest.raises(IntegrityError, match="uq_bill_lock_live"):
        await commit(hall, (ROW + WHERE,), bill)
    ref = BillRef(code=bill["code"], number=bill["number"])
    order = BillOrder(
        kind=OrderKind.LOCK, key=new_key(), unit="x", bill=ref, purpose=Purpose.EMPLOYER, amount=1, days=1
    )
    async with hall.database.begin() as session:
        taken = await bills.add_lock(session, order, region="340500", department="x", at=NOW)
    assert taken is Purpose.MEDICAL_INSURANCE
    await hall.act(hall.desk, bill, "reimbursements", payment(held, 1, "T1"))
    other = await hall.issue()
    await hall.lock(other, 60_000)
    first = payment(held, 1, "T1")["tx_no"]
    with pytest.raises(IntegrityError, match="tx_no"):
        await commit(hall, (f"UPDATE bill_lock SET tx_no = '{first}' {WHERE}",), other)
    name = hall.database.engine.url.database
    assert name is not None
    connection = await cluster.connect(name)
    try:
        for statement in ("UPDATE bill_event SET hash = hash", "DELETE FROM bill_event", "TRUNCATE bill_event"):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute(statement)
    finally:
        await connection.close()
