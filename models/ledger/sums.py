"""Sums over the books, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import text

from domain.clearing import Flow
from domain.messages import Message
from models.database import Session


class AccountSum(Message):
    """Debits less credits of one account in one province, in fen."""

    province: str
    account: str
    amount: int


async def account_sums(session: Session, first: date, last: date, *, stay: str = "") -> Sequence[AccountSum]:
    """Per province and account, of the entries of these days; of one stay if it is named."""
    rows = await session.execute(
        text(
            "SELECT p.province, p.account, sum(p.amount)::bigint FROM ledger_entry e JOIN ledger_posting p"
            " ON p.entry = e.id WHERE e.day BETWEEN :first AND :last AND (:stay = '' OR e.stay = :stay)"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        ),
        {"first": first, "last": last, "stay": stay},
    )
    return [AccountSum(province=province, account=account, amount=amount) for province, account, amount in rows]


async def pair_sums(session: Session, first: date, last: date) -> Sequence[Flow]:
    """What each province owes each other one for the entries of these days, as the ledger has it."""
    rows = await session.execute(
        text(
            "SELECT e.payer, e.payee, count(*), -sum(p.amount)::bigint FROM ledger_entry e JOIN ledger_posting p"
            " ON p.entry = e.id WHERE e.day BETWEEN :first AND :last AND p.account = 'payable'"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        ),
        {"first": first, "last": last},
    )
    return [Flow(payer=payer, payee=payee, amount=amount, items=items) for payer, payee, items, amount in rows]
