"""Invariant 7, by SQL only: what was entered balances, adds up, is undone exactly, and is what was cleared.

It goes day by day, so that no statement takes long and this process holds nothing but what it found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import text

from models.database import Database, Session

# a day's rows are looked up one by one: reading whole tables for each day would cost the more, the older the books are
_PLANNER = ("SET LOCAL random_page_cost = 1.1", "SET LOCAL work_mem = '64MB'", "SET LOCAL enable_seqscan = off")
MOST = 20  # sentences for one check on one day; the others are as broken

# check -> SQL with :day and :most, whose rows are what the sentence is made of
OF_A_DAY: Mapping[str, str] = {
    "{0}: fund {1} + patient {2} + hospital {3} is not the bill {4}": """
        SELECT setl_id, fund_pay_sumamt, psn_part_amt, hosp_part_amt, medfee_sumamt FROM settlement
        WHERE day = :day AND (medfee_sumamt <> fund_pay_sumamt + psn_part_amt + hosp_part_amt
           OR fund_pay_sumamt <> hifp_pay + hifob_pay + hifmi_pay + hifes_pay + cvlserv_pay + maf_pay + oth_pay
           OR psn_part_amt <> acct_pay + acct_mulaid_pay + psn_cash_pay) LIMIT :most""",
    "case {0}: debits and credits differ by {1} fen": """
        SELECT e.stay, sum(p.amount) FROM ledger_entry e JOIN ledger_posting p ON p.entry = e.id
        WHERE e.day = :day GROUP BY e.stay HAVING sum(p.amount) <> 0 LIMIT :most""",
    "{0} to {1}: advance and payable differ by {2} fen": """
        SELECT e.payer, e.payee, sum(p.amount) FROM ledger_entry e JOIN ledger_posting p ON p.entry = e.id
        WHERE e.day = :day AND p.account IN ('advance', 'payable')
        GROUP BY e.payer, e.payee HAVING sum(p.amount) <> 0 LIMIT :most""",
    "{0}: entry {1} does not balance: {2} fen": """
        SELECT e.setl_id, e.id, coalesce(sum(p.amount), 0) FROM ledger_entry e
        LEFT JOIN ledger_posting p ON p.entry = e.id
        WHERE e.day = :day GROUP BY e.id HAVING coalesce(sum(p.amount), 1) <> 0 LIMIT :most""",
    "{0}: the books say {1} fen, its entry {2}": """
        SELECT s.setl_id, s.medfee_sumamt, b.amount FROM settlement s
        LEFT JOIN ledger_entry e ON e.setl_id = s.setl_id AND (e.stay, e.payer, e.payee, e.day)
                  = (s.stay, s.payer, s.payee, s.day) AND (e.kind = 'reversal') = (s.original IS NOT NULL)
        LEFT JOIN ledger_posting b ON b.entry = e.id AND b.account = 'bill'
        WHERE s.day = :day AND b.amount IS DISTINCT FROM s.medfee_sumamt LIMIT :most""",
    "{0}: its entry has {1} lines, and not what the books say its payers paid": """
        SELECT s.setl_id, count(p.line) FROM settlement s JOIN ledger_entry e ON e.setl_id = s.setl_id AND e.day = s.day
        LEFT JOIN ledger_posting p ON p.entry = e.id WHERE s.day = :day GROUP BY s.setl_id
        HAVING bool_or(p.amount IS DISTINCT FROM CASE p.account
            WHEN 'bill' THEN s.medfee_sumamt WHEN 'cash' THEN -s.psn_cash_pay
            WHEN 'personal_account' THEN -s.acct_pay WHEN 'mutual_aid_account' THEN -s.acct_mulaid_pay
            WHEN 'hospital' THEN -s.hosp_part_amt WHEN 'hifp' THEN -s.hifp_pay WHEN 'hifob' THEN -s.hifob_pay
            WHEN 'hifmi' THEN -s.hifmi_pay WHEN 'hifes' THEN -s.hifes_pay WHEN 'cvlserv' THEN -s.cvlserv_pay
            WHEN 'maf' THEN -s.maf_pay WHEN 'oth' THEN -s.oth_pay WHEN 'advance' THEN s.payable
            WHEN 'payable' THEN -s.payable END)
            OR count(p.line) <> 1
            + (s.psn_cash_pay <> 0)::int + (s.acct_pay <> 0)::int + (s.acct_mulaid_pay <> 0)::int
            + (s.hosp_part_amt <> 0)::int + (s.hifp_pay <> 0)::int + (s.hifob_pay <> 0)::int
            + (s.hifmi_pay <> 0)::int + (s.hifes_pay <> 0)::int + (s.cvlserv_pay <> 0)::int
            + (s.maf_pay <> 0)::int + (s.oth_pay <> 0)::int + 2 * (s.payable <> 0)::int
        LIMIT :most""",
    "{0} does not undo {1} exactly": """
        SELECT r.setl_id, o.setl_id FROM settlement r JOIN settlement o ON o.setl_id = r.original
        WHERE r.day = :day AND ((r.stay, r.payer, r.payee, r.payable, r.medfee_sumamt, r.fulamt_ownpay_amt,
            r.overlmt_selfpay, r.preselfpay_amt, r.inscp_scp_amt, r.act_pay_dedc, r.hifp_pay, r.hifob_pay, r.hifmi_pay,
            r.hifes_pay, r.cvlserv_pay, r.maf_pay, r.oth_pay, r.acct_pay, r.acct_mulaid_pay, r.psn_cash_pay,
            r.hosp_part_amt) IS DISTINCT FROM (o.stay, o.payer, o.payee, -o.payable, -o.medfee_sumamt,
            -o.fulamt_ownpay_amt, -o.overlmt_selfpay, -o.preselfpay_amt, -o.inscp_scp_amt, -o.act_pay_dedc, -o.hifp_pay,
            -o.hifob_pay, -o.hifmi_pay, -o.hifes_pay, -o.cvlserv_pay, -o.maf_pay, -o.oth_pay, -o.acct_pay,
            -o.acct_mulaid_pay, -o.psn_cash_pay, -o.hosp_part_amt) OR o.original IS NOT NULL) LIMIT :most""",
    "{0}: owed between provinces are {1} fen, its item has {2}": """
        SELECT s.setl_id, s.payable, i.amount FROM settlement s LEFT JOIN clearing_item i USING (setl_id)
        WHERE s.day = :day AND ((s.payer <> s.payee AND (i.amount, i.payer, i.payee, i.day)
            IS DISTINCT FROM (s.payable, s.payer, s.payee, s.day)) OR (s.payer = s.payee AND i.setl_id IS NOT NULL))
        LIMIT :most""",
}
# check -> SQL with :month and :most
OF_A_MONTH: Mapping[str, str] = {
    "{0} {1} to {2}: the statement says {3} fen, its items add up to {4}": """
        SELECT :month, coalesce(s.payer, i.payer), coalesce(s.payee, i.payee), s.said, i.amount
        FROM (SELECT payer, payee, CASE WHEN cleared THEN amount ELSE proposed END AS said FROM clearing_statement
              WHERE month = :month) s
        FULL JOIN (SELECT payer, payee, sum(amount) AS amount FROM clearing_item WHERE month = :month
              GROUP BY payer, payee) i USING (payer, payee)
        WHERE coalesce(s.said, 0) <> coalesce(i.amount, 0) LIMIT :most""",
    "{0} {1} to {2}: disputed are {3} fen, its disputed items add up to {4}": """
        SELECT s.month, s.payer, s.payee, s.disputed, coalesce(i.amount, 0) FROM clearing_statement s
        LEFT JOIN (SELECT payer, payee, sum(amount) AS amount FROM clearing_item WHERE month = :month AND disputed
              GROUP BY payer, payee) i USING (payer, payee)
        WHERE s.month = :month AND NOT s.cleared AND s.disputed <> coalesce(i.amount, 0) LIMIT :most""",
    "{0} {1} to {2}: cleared {3} fen, not proposed less disputed {4}": """
        SELECT month, payer, payee, amount, proposed - disputed FROM clearing_statement
        WHERE month = :month AND cleared AND amount IS DISTINCT FROM proposed - disputed LIMIT :most""",
}


async def breaches(database: Database) -> tuple[int, Sequence[str]]:
    """(how many settlements were looked at, a sentence for each breach)."""
    async with database.begin() as session:
        count = int(await session.scalar(text("SELECT count(*) FROM settlement")) or 0)
        days, months = await _all_there_is(session)
    found: list[str] = []
    for day in days:
        async with database.begin() as session:
            found += await _look(session, OF_A_DAY, {"day": day}, str(day))
    for month in months:
        async with database.begin() as session:
            found += await _look(session, OF_A_MONTH, {"month": month}, "")
    return count, found


async def breaches_within(session: Session) -> Sequence[str]:
    """The same as one transaction sees it."""
    days, months = await _all_there_is(session)
    found = [sentence for day in days for sentence in await _look(session, OF_A_DAY, {"day": day}, str(day))]
    return found + [sentence for month in months for sentence in await _look(session, OF_A_MONTH, {"month": month}, "")]


async def _all_there_is(session: Session) -> tuple[Sequence[date], Sequence[str]]:
    days = await session.execute(text("SELECT day FROM settlement UNION SELECT day FROM ledger_entry ORDER BY 1"))
    months = await session.execute(text("SELECT month FROM clearing_period WHERE state <> 'open' ORDER BY 1"))
    return days.scalars().all(), months.scalars().all()


async def _look(session: Session, checks: Mapping[str, str], what: Mapping[str, date | str], head: str) -> list[str]:
    for setting in _PLANNER:
        await session.execute(text(setting))
    found = []
    for sentence, sql in checks.items():
        values: dict[str, Any] = {**what, "most": MOST}
        for row in await session.execute(text(sql), values):
            found.append(f"{head} {sentence.format(*row)}".strip())
    return found
