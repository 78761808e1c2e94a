"""A month is cleared: silence becomes consent, disputed items leave for the next month, what is left is owed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlmodel import col

from domain.clearing import Cleared, PeriodState, moved
from models.clearing.answers import act_of
from models.clearing.proposing import locked, note
from models.clearing.tables import ClearingStatement
from models.database import Session

_SILENT = text(
    "UPDATE clearing_statement SET answer = 'silent' WHERE month = :month AND answer = 'waiting' RETURNING payer"
)
_CARRY = text(
    "UPDATE clearing_item SET month = NULL, disputed = false, carried = carried + 1 WHERE month = :month AND disputed"
)
_FIX = text(
    """
    UPDATE clearing_statement s SET cleared = true, amount = coalesce(i.amount, 0), items = coalesce(i.items, 0)
    FROM clearing_statement t LEFT JOIN (
        SELECT payer, payee, count(*) AS items, sum(amount) AS amount FROM clearing_item WHERE month = :month
        GROUP BY payer, payee) i USING (payer, payee)
    WHERE t.month = :month AND s.month = t.month AND s.payer = t.payer AND s.payee = t.payee
    """
)
_NOTHING_OWED = text(
    "UPDATE clearing_statement SET paid_on = :today WHERE month = :month AND amount = 0 AND paid_on IS NULL"
)


async def clear(session: Session, order: Cleared, at: datetime) -> PeriodState:
    """Clears a month; one that is cleared already stays as it is. Its state."""
    period = await locked(session, order.month)
    state = PeriodState(period.state)
    if state in {PeriodState.CLEARED, PeriodState.PAID}:
        return state
    month = {"month": order.month}
    silent = sorted(set((await session.execute(_SILENT, month)).scalars()))
    for payer in silent:
        await note(session, f"{order.month}:silence:{payer}", order.month, "silence", at, payer=payer)
    if state is PeriodState.PROPOSED:
        state = moved(state, PeriodState.CONFIRMED)
    await session.execute(_CARRY, month)
    await session.execute(_FIX, month)
    await session.execute(_NOTHING_OWED, month | {"today": order.cleared_on})
    state = moved(state, PeriodState.CLEARED)
    if not await unpaid(session, order.month):
        state = moved(state, PeriodState.PAID)
        period.paid_on = order.cleared_on
    await note(session, f"{order.month}:cleared", order.month, "cleared", at)
    period.state, period.changed_at = state, at
    period.cleared_on, period.pay_by, period.pay_by_provisional = order.cleared_on, order.pay_by, order.provisional
    return state


async def unpaid(session: Session, month: str) -> Sequence[str]:
    """Who has not paid yet what was cleared."""
    found = await session.execute(
        select(ClearingStatement.payer)  # type: ignore[call-overload]
        .where(
            col(ClearingStatement.month) == month,
            col(ClearingStatement.cleared),
            col(ClearingStatement.paid_on).is_(None),
        )
        .distinct()
        .order_by(col(ClearingStatement.payer))
    )
    return list(found.scalars())


async def note_overdue(session: Session, month: str, at: datetime) -> None:
    """The day to pay by is over: a line for each payer who has not, once."""
    await locked(session, month)
    for payer in await unpaid(session, month):
        command = f"{month}:overdue:{payer}"
        if await act_of(session, command) is None:
            await note(session, command, month, "overdue", at, payer=payer)
