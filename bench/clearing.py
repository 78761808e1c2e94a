"""A month with very many settlements is cleared: how long each part takes, and how much memory our process needs.

The books are filled by the database itself, past the triggers. Measured is what the product does then: the items are
taken piece by piece, statements made, answered by silence, cleared, and everything is checked once (invariant 7).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from activities.clearing import propose
from bench.meter import Meter
from catalogue.library import Library
from domain.clearing import Cleared, Propose, Proposed, flows_total
from models import clearing
from models.database import Database, database_url
from models.ledger.inspection import breaches
from tongban.cli import alembic_config
from tongban.settings import Mode, Settings
from tongban.stack.stack import Stack

T = TypeVar("T")
MONTH, DAYS = "2026-10", 31
FUND = "10000 + n::bigint * 7919 % 900000"
FILL = (
    # twelve pairs of the four provinces, every day of the month
    f"""
    CREATE TEMPORARY TABLE made AS SELECT n, 'B' || lpad(n::text, 9, '0') AS setl_id,
        (ARRAY['310000','320000','330000','340000'])[1 + n % 4] AS payer,
        (ARRAY['310000','320000','330000','340000'])[1 + (n + 1 + n / 4 % 3) % 4] AS payee,
        date '{MONTH}-01' + (n / 12 % {DAYS})::int AS day, {FUND} AS fund, 50000::bigint AS cash
    FROM generate_series(0, :count - 1) n
    """,
    """
    INSERT INTO settlement (setl_id, msgid, stay, person, insured, treatment, payer, payee, institution, med_type,
        clr_type, day, basis, payable, medfee_sumamt, fulamt_ownpay_amt, overlmt_selfpay, preselfpay_amt, inscp_scp_amt,
        act_pay_dedc, hifp_pay, hifob_pay, hifmi_pay, hifes_pay, cvlserv_pay, maf_pay, oth_pay, fund_pay_sumamt,
        psn_part_amt, acct_pay, acct_mulaid_pay, psn_cash_pay, hosp_part_amt, posted_at)
    SELECT setl_id, 'M' || setl_id, 'stay-' || n, md5(n::text), payer, payee, payer, payee, 'H31011500001', '21', '21',
        day, 'fund', fund, fund + cash, 0, 0, 0, fund + cash, 0, fund, 0, 0, 0, 0, 0, 0, fund, cash, 0, 0, cash, 0,
        now()
    FROM made
    """,
    """
    INSERT INTO ledger_entry (id, setl_id, kind, stay, payer, payee, day) OVERRIDING SYSTEM VALUE
    SELECT n + 1, setl_id, 'settlement', 'stay-' || n, payer, payee, day FROM made
    """,
    """
    INSERT INTO ledger_posting (entry, line, account, province, amount)
    SELECT n + 1, v.line, v.account, v.province, v.amount FROM made
    CROSS JOIN LATERAL (VALUES (1, 'bill', payee, fund + cash), (2, 'cash', payer, -cash), (3, 'hifp', payer, -fund),
        (4, 'advance', payee, fund), (5, 'payable', payer, -fund)) AS v (line, account, province, amount)
    """,
    """
    INSERT INTO clearing_item (setl_id, payer, payee, day, amount, disputed, carried)
    SELECT setl_id, payer, payee, day, fund, false, 0 FROM made
    """,
)


async def _fill(database: Database, count: int) -> None:
    """With a connection of its own: these statements take longer than the product lets any take."""
    engine = create_async_engine(database.engine.url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text("SET session_replication_role = replica"))
        for statement in FILL:
            await connection.execute(text(statement), {"count": count} if ":count" in statement else {})
        await _settle_down(connection)
    await engine.dispose()


async def _settle_down(connection: AsyncConnection) -> None:
    """As autovacuum would have it after a month."""
    for table in ("settlement", "ledger_entry", "ledger_posting", "clearing_item"):
        await connection.execute(text(f"VACUUM ANALYZE {table}"))


async def _timed(took: dict[str, float], part: str, work: Awaitable[T]) -> T:
    begun = time.perf_counter()
    done = await work
    took[part] = round(time.perf_counter() - begun, 2)
    return done


async def _clear(database: Database) -> str:
    order = Cleared(month=MONTH, cleared_on=date(2026, 11, 26), pay_by=date(2026, 12, 10), provisional=False)
    async with database.begin() as session:
        return await clearing.clear(session, order, datetime.now(UTC))


async def _measure(database: Database, count: int, out: Console) -> dict[str, Any]:
    profile, took = Library().clearing, dict[str, float]()
    out.print(f"filling the books with {count:,} settlements …")
    await _timed(took, "fill", _fill(database, count))
    order = Propose(
        month=MONTH, last_day=date(2026, 10, 31), proposed_on=date(2026, 11, 21), confirm_by=date(2026, 11, 25),
        profile=profile,
    )  # fmt: skip
    meter = Meter({"ours": [os.getpid()]})
    await asyncio.sleep(0.3)
    before = meter.peak_mib["ours"]
    proposed: Proposed = await _timed(took, "propose", propose(database, order))
    state = await _timed(took, "clear", _clear(database))
    after = meter.peak_mib["ours"]
    _, found = await _timed(took, "verify", breaches(database))
    meter.close()
    if found or state != "cleared" or sum(flow.items for flow in proposed.flows) != count:
        raise SystemExit(f"not cleared rightly: {state}, {found[:3]}")
    return {
        "settlements": count,
        "pairs": len(proposed.flows),
        "total_fen": flows_total(proposed.flows),
        "seconds": took,
        "settlements_per_s": round(count / (took["propose"] + took["clear"])),
        "memory_mib": {"before": round(before, 1), "peak": round(after, 1), "peak_with_verify": meter.peak_mib["ours"]},
    }


def run(count: int, out: Console, folder: Path) -> dict[str, Any]:
    """In a database of its own."""
    with Stack(folder, parts={"postgres"}, usual_ports=False, say=lambda _: None) as stack:
        url = database_url(stack.database_url, stack.secrets.database_password)
        settings = Settings(
            mode=Mode.DEMO,
            database_url=url.set(drivername="postgresql").render_as_string(hide_password=False),
            provinces_file=stack.data_dir / "provinces.json",
            payload_keys_file=stack.secrets.payload_keys,
            oidc_issuer="https://login.test.invalid",
            data_dir=stack.data_dir,
        )
        command.upgrade(alembic_config(settings), "head")

        async def measured() -> dict[str, Any]:
            database = Database(url)
            try:
                return await _measure(database, count, out)
            finally:
                await database.aclose()

        return asyncio.run(measured())
