"""The books in PostgreSQL: entered once, never changed, refused where they do not balance."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import asyncpg
import pytest
from sqlalchemy import text

from domain.ledger import Reversal, SettledRow
from models.database import Database, DatabaseError
from models.ledger import (
    LedgerConflict,
    SettlementRow,
    account_sums,
    find_settlement,
    pair_sums,
    post_reversal,
    post_settlement,
)
from tests.clearing.samples import AH, JS, SH, amounts, settled
from tests.fixtures.databases import Cluster

DAY = date(2026, 10, 12)


async def enter(database: Database, *rows: SettledRow) -> None:
    async with database.begin() as session:
        for row in rows:
            await post_settlement(session, row)


async def undo(database: Database, row: SettledRow, day: date | None = None, number: str = "") -> Reversal:
    order = Reversal(
        setl_id=number or f"R{row.setl_id}", msgid=f"R{number}{row.msgid}", original=row.setl_id, day=day or row.day
    )
    async with database.begin() as session:
        await post_reversal(session, order)
    return order


async def counted(database: Database, table: str) -> int:
    async with database.begin() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_a_settlement_is_entered_once_however_often_it_is_told(database: Database) -> None:
    row = settled()
    await enter(database, row)
    await enter(database, row, row)
    assert await counted(database, "settlement") == 1
    assert await counted(database, "ledger_entry") == 1
    async with database.begin() as session:
        assert await find_settlement(session, row.setl_id) == row


async def test_told_by_many_at_once_it_is_entered_once(database: Database) -> None:
    row = settled()
    await asyncio.gather(*(enter(database, row) for _ in range(12)))
    assert await counted(database, "settlement") == 1
    assert await counted(database, "clearing_item") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"amounts": amounts(hifp_pay=1)},
        {"stay": "another"},
        {"day": DAY + timedelta(days=1)},
        {"treatment": "320500"},
        {"msgid": "another"},
        {"setl_id": "another"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_other_content_under_a_number_or_message_in_use_is_refused(
    database: Database, change: dict[str, object]
) -> None:
    row = settled()
    await enter(database, row)
    with pytest.raises(LedgerConflict, match="stands in the books"):
        await enter(database, row.model_copy(update=change))
    assert await counted(database, "settlement") == 1


async def test_a_reversal_is_a_new_entry_and_all_sums_are_nothing(database: Database) -> None:
    row = settled()
    await enter(database, row)
    order = await undo(database, row, DAY + timedelta(days=30))
    await undo(database, row, DAY + timedelta(days=30))  # told again
    assert await counted(database, "ledger_entry") == 2
    async with database.begin() as session:
        undone = await find_settlement(session, order.setl_id)
        assert undone is not None
        assert undone.amounts == row.amounts.negated()
        assert all(s.amount == 0 for s in await account_sums(session, DAY, DAY + timedelta(days=30)))
        assert all(s.amount == 0 for s in await account_sums(session, DAY, DAY + timedelta(days=99), stay=row.stay))
        assert [f.amount for f in await pair_sums(session, DAY, DAY + timedelta(days=30))] == [0]
        assert [f.amount for f in await pair_sums(session, DAY, DAY)] == [2_466_000]


async def test_a_settlement_is_reversed_once_and_only_if_it_is_there(database: Database) -> None:
    row = settled()
    with pytest.raises(LedgerConflict, match="not in the books"):
        await undo(database, row)
    await enter(database, row)
    order = await undo(database, row)
    with pytest.raises(LedgerConflict, match="stands in the books"):
        await undo(database, row, number="another")
    undone = row.model_copy(update={"setl_id": order.setl_id, "msgid": order.msgid})
    with pytest.raises(LedgerConflict, match="is a reversal"):
        await undo(database, undone)


async def test_sums_per_account_are_those_of_the_entries(database: Database) -> None:
    await enter(database, settled(AH, SH, 100), settled(AH, SH, 50), settled(JS, SH, 7), settled(SH, SH, 9))
    async with database.begin() as session:
        found = {(s.province, s.account): s.amount for s in await account_sums(session, DAY, DAY)}
        pairs = {(f.payer, f.payee): (f.amount, f.items) for f in await pair_sums(session, DAY, DAY)}
    assert found[SH, "advance"] == 157 == -(found[AH, "payable"] + found[JS, "payable"])
    assert found[AH, "hifp"] == -150
    assert sum(found.values()) == 0
    assert pairs == {(AH, SH): (150, 2), (JS, SH): (7, 1)}


TABLES = ("settlement", "ledger_entry", "ledger_posting", "clearing_act", "reconciliation_event")
KEPT = ("clearing_item", "clearing_period", "clearing_statement", "reconciliation_difference")
EMPTIED = "reason = ''"
COLUMNS = {"ledger_posting": "amount = 0", "ledger_entry": "stay = ''", "settlement": "payable = 1"}


async def test_nothing_in_the_books_is_changed_or_removed(
    cluster: Cluster, database_name: str, database: Database
) -> None:
    await enter(database, settled())
    crimes = [f"{verb} {table}" for table in (*TABLES, *KEPT) for verb in ("DELETE FROM", "TRUNCATE")]
    crimes += [f"TRUNCATE {table} CASCADE" for table in TABLES]
    crimes += [f"UPDATE {table} SET {COLUMNS.get(table, EMPTIED)}" for table in TABLES]
    connection = await cluster.connect(database_name)
    try:
        for crime in crimes:
            with pytest.raises((asyncpg.RaiseError, asyncpg.FeatureNotSupportedError)) as refused:
                await connection.execute(crime)
            # a table that others refer to is not truncated at all
            assert "append-only" in str(refused.value) or "cannot truncate" in str(refused.value), crime
        assert await connection.fetchval("SELECT count(*) FROM ledger_posting") == 6
    finally:
        await connection.close()


async def test_an_unbalanced_entry_is_refused_when_it_is_committed(database: Database) -> None:
    row = settled()
    await enter(database, row)
    with pytest.raises(DatabaseError, match="does not balance"):
        async with database.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO ledger_posting SELECT id, 99, 'cash', '340000', 1 FROM ledger_entry"
                    " WHERE setl_id = :id"
                ),
                {"id": row.setl_id},
            )
    with pytest.raises(DatabaseError, match="does not balance"):
        async with database.begin() as session:  # balanced as a whole, but the two provinces are not
            await session.execute(
                text(
                    "INSERT INTO ledger_posting SELECT id, 90 + n, CASE n WHEN 1 THEN 'cash' ELSE 'payable' END,"
                    " '340000', CASE n WHEN 1 THEN 5 ELSE -5 END FROM ledger_entry, generate_series(1, 2) n"
                    " WHERE setl_id = :id"
                ),
                {"id": row.setl_id},
            )
    assert await counted(database, "ledger_posting") == 6


async def test_a_settlement_without_entry_is_refused_when_it_is_committed(database: Database) -> None:
    row = settled()
    await enter(database, row)
    columns = ", ".join(name for name in SettlementRow.model_fields if name not in {"setl_id", "msgid", "original"})
    with pytest.raises(DatabaseError, match="has no entry"):
        async with database.begin() as session:
            await session.execute(
                text(f"INSERT INTO settlement (setl_id, msgid, {columns}) SELECT 'X', 'XM', {columns} FROM settlement")
            )


async def test_a_bill_that_does_not_add_up_is_refused_by_the_table(database: Database) -> None:
    await enter(database, settled())
    with pytest.raises(DatabaseError, match="bill_by_payer"):
        await by_force(database, "UPDATE settlement SET hosp_part_amt = 1")


async def by_force(database: Database, statement: str) -> None:
    """Past the triggers."""
    async with database.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text(statement))
