"""Invariant 7: each crime against the books is found, and an honest month has none."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import date

import pytest
import pytest_asyncio
from sqlalchemy import text

from domain.ledger import Reversal
from models.database import Database
from models.ledger import post_reversal
from models.ledger.inspection import breaches, breaches_within
from tests.clearing.months import clear, dispute, enter, golden_rows, propose_month
from tests.clearing.samples import AH, SH, settled
from tests.fixtures.databases import Cluster
from tongban.verify import Report, _tables


async def a_month(database: Database) -> None:
    """October with a dispute, cleared; a reversal in November, proposed; something that is not due yet."""
    rows = golden_rows()
    await enter(database, *rows, settled(SH, SH))
    await propose_month(database, "2026-10")
    mine = next(row for row in rows if (row.payer, row.payee) == (AH, SH))
    await dispute(database, "2026-10", AH, mine.setl_id)
    await clear(database, "2026-10")
    async with database.begin() as session:
        await post_reversal(
            session, Reversal(setl_id="R1", msgid="RM1", original=rows[5].setl_id, day=date(2026, 11, 3))
        )
    await propose_month(database, "2026-11")
    await dispute(database, "2026-11", AH, mine.setl_id)
    await enter(database, settled(AH, SH, 77, date(2026, 12, 1)))


async def test_an_honest_month_has_no_breach(database: Database) -> None:
    await a_month(database)
    assert await breaches(database) == (39, [])


ONE = "(SELECT id FROM ledger_entry WHERE kind = 'settlement' AND payer <> payee ORDER BY id LIMIT 1)"
CRIMES = [
    ("UPDATE ledger_posting SET amount = amount + 1 WHERE account = 'cash' AND entry = " + ONE, "debits and credits"),
    ("UPDATE ledger_posting SET amount = 1 WHERE account = 'payable' AND entry = " + ONE, "advance and payable"),
    ("DELETE FROM ledger_posting WHERE entry = " + ONE, "does not balance"),
    # balanced still, but another bill, and other payers
    (
        "UPDATE ledger_posting SET amount = amount + CASE account WHEN 'bill' THEN 5 ELSE -5 END"
        " WHERE account IN ('bill', 'cash') AND entry = " + ONE,
        "the books say",
    ),
    (
        "UPDATE ledger_posting SET amount = amount + CASE account WHEN 'hifp' THEN 5 ELSE -5 END"
        " WHERE account IN ('hifp', 'cash') AND entry = " + ONE,
        "its payers paid",
    ),
    ("DELETE FROM ledger_entry WHERE id = " + ONE, "the books say"),
    ("UPDATE ledger_entry SET stay = 'another' WHERE id = " + ONE, "the books say"),
    ("UPDATE settlement SET hosp_part_amt = 1 WHERE setl_id = 'R1'", "is not the bill"),
    ("UPDATE settlement SET hifp_pay = hifp_pay - 1, fund_pay_sumamt = fund_pay_sumamt - 1, payable = payable - 1,"
     " psn_part_amt = psn_part_amt + 1, psn_cash_pay = psn_cash_pay + 1 WHERE setl_id = 'R1'", "does not undo"),
    ("UPDATE settlement SET original = 'R1' WHERE setl_id = 'R1'", "does not undo"),
    ("UPDATE clearing_item SET amount = amount + 1 WHERE setl_id = 'R1'", "its item has"),
    ("DELETE FROM clearing_item WHERE day = '2026-12-01'", "its item has None"),
    ("UPDATE clearing_item SET month = NULL WHERE month = '2026-10' AND payer = '320000'", "its items add up"),
    ("UPDATE clearing_statement SET amount = amount + 1 WHERE month = '2026-10' AND payer = '330000'", "items add up"),
    ("UPDATE clearing_statement SET proposed = proposed + 1 WHERE month = '2026-11'", "its items add up"),
    ("UPDATE clearing_statement SET disputed = disputed + 1 WHERE month = '2026-11'", "disputed are"),
    ("UPDATE clearing_statement SET proposed = proposed + 1 WHERE month = '2026-10'", "less disputed"),
    ("DELETE FROM clearing_statement WHERE month = '2026-10' AND payer = '330000'", "its items add up"),
]  # fmt: skip


@pytest_asyncio.fixture(scope="module")
async def books(cluster: Cluster) -> AsyncIterator[Database]:
    """A month that every crime is committed against, and undone."""
    name = await cluster.create()
    opened = Database(cluster.url(name), 4)
    await a_month(opened)
    yield opened
    await opened.aclose()
    await cluster.drop(name)


class Undone(Exception):
    """So that nothing is committed."""


@pytest.mark.parametrize(("crime", "sentence"), CRIMES, ids=[f"{n}-{c[1]}" for n, c in enumerate(CRIMES)])
async def test_a_crime_against_the_books_is_found(books: Database, crime: str, sentence: str) -> None:
    found: list[str] = []
    with contextlib.suppress(Undone):
        async with books.begin() as session:
            for constraint in ("bill_by_class", "bill_by_payer", "funds", "person"):
                await session.execute(text(f"ALTER TABLE settlement DROP CONSTRAINT {constraint}"))
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            done = await session.execute(text(crime))
            assert done.rowcount > 0  # type: ignore[attr-defined]
            found += await breaches_within(session)
            raise Undone
    assert any(sentence in each for each in found), found


async def test_verify_says_that_money_is_broken(cluster: Cluster, database: Database, database_name: str) -> None:
    await a_month(database)
    report = Report()
    await _tables(database, cluster.settings(database_name), report)
    assert (report.breaks, report.checked["7"]) == ([], 40)
    async with database.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text(CRIMES[0][0]))
    report = Report()
    await _tables(database, cluster.settings(database_name), report)
    assert {number for number, _ in report.breaks} == {"7"}
