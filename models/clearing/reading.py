"""What people read of clearing: periods, statements, items, history, quotas' basis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select, text
from sqlmodel import col

from domain.clearing import ANSWERABLE, PeriodState
from models.clearing.tables import ClearingAct, ClearingPeriod, ClearingStatement
from models.database import Session
from models.ledger.tables import ClearingItem


async def periods(session: Session, limit: int = 120) -> Sequence[ClearingPeriod]:
    """Newest month first."""
    found = await session.execute(select(ClearingPeriod).order_by(col(ClearingPeriod.month).desc()).limit(limit))
    return found.scalars().all()


async def find_period(session: Session, month: str) -> ClearingPeriod | None:
    """One month."""
    return await session.get(ClearingPeriod, month, populate_existing=True)


async def statements_of(session: Session, month: str) -> Sequence[ClearingStatement]:
    """By payer and payee."""
    found = await session.execute(
        select(ClearingStatement)
        .where(col(ClearingStatement.month) == month)
        .order_by(col(ClearingStatement.payer), col(ClearingStatement.payee))
        .execution_options(populate_existing=True)
    )
    return found.scalars().all()


async def waiting_for(session: Session, month: str) -> Sequence[str]:
    """Whose answer, or whose payment once it is cleared, the month waits for."""
    period = await find_period(session, month)
    if period is None:
        return []
    owes = col(ClearingStatement.paid_on).is_(None) & col(ClearingStatement.cleared)
    wanted = col(ClearingStatement.answer) == "waiting" if period.state in ANSWERABLE else owes
    if period.state in {PeriodState.OPEN, PeriodState.CONFIRMED}:
        return []
    found = await session.execute(
        select(ClearingStatement.payer)  # type: ignore[call-overload]
        .where(col(ClearingStatement.month) == month, wanted)
        .distinct()
        .order_by(col(ClearingStatement.payer))
    )
    return list(found.scalars())


async def items_of(
    session: Session, month: str, payer: str, *, after: str = "", limit: int = 100
) -> Sequence[ClearingItem]:
    """A payer's items of a month by their numbers, from after one on."""
    found = await session.execute(
        select(ClearingItem)
        .where(col(ClearingItem.month) == month, col(ClearingItem.payer) == payer, col(ClearingItem.setl_id) > after)
        .order_by(col(ClearingItem.setl_id))
        .limit(limit)
    )
    return found.scalars().all()


async def acts_of(session: Session, month: str) -> Sequence[ClearingAct]:
    """The month's history, oldest first."""
    found = await session.execute(
        select(ClearingAct).where(col(ClearingAct.month) == month).order_by(col(ClearingAct.id))
    )
    return found.scalars().all()


async def quarter_amounts(session: Session, year: int) -> Mapping[tuple[str, str], tuple[int, int, int]]:
    """(payer, payee) -> what was cleared for October, November and December of a year, in fen; 0 where nothing was."""
    months = [f"{year}-{month}" for month in (10, 11, 12)]
    rows = await session.execute(
        text(
            "SELECT payer, payee, month, amount FROM clearing_statement"
            " WHERE cleared AND month = ANY (CAST(:months AS text[]))"
        ),
        {"months": months},
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for payer, payee, month, amount in rows:
        found.setdefault((payer, payee), {})[month] = amount
    return {pair: tuple(by.get(m, 0) for m in months) for pair, by in found.items()}  # type: ignore[misc]


async def due_items(session: Session, last_day: date) -> int:
    """How many items no month has taken yet."""
    query = "SELECT count(*) FROM clearing_item WHERE month IS NULL AND day <= :last_day"
    return int(await session.scalar(text(query), {"last_day": last_day}) or 0)
