"""What payers answer: confirm, dispute items, pay. The same command again is the same answer."""

from __future__ import annotations

from sqlalchemy import select, text, update
from sqlmodel import col

from domain.calendar import local_day
from domain.clearing import ANSWERABLE, ConfirmAct, DisputeAct, PayAct, PeriodState
from domain.clearing.messages import ClearingAct as Act
from domain.errors import Refusal
from models.clearing.proposing import locked, note
from models.clearing.reading import waiting_for
from models.clearing.tables import ClearingAct, ClearingPeriod, ClearingStatement
from models.database import Session


async def act_of(session: Session, command: str) -> ClearingAct | None:
    """The act that a command was."""
    found = await session.execute(select(ClearingAct).where(col(ClearingAct.command) == command))
    return found.scalar_one_or_none()


async def _begin(session: Session, act: Act) -> ClearingPeriod | None:
    """The month, locked; None if this command is on record already."""
    period = await locked(session, act.month)
    return None if await act_of(session, act.id) is not None else period


async def _note(session: Session, act: Act, kind: str, reason: str = "", setl_ids: tuple[str, ...] = ()) -> None:
    who = {"subject": act.actor.subject, "role": act.actor.role.value, "region": act.actor.region}
    more: dict[str, object] = who | {"payer": act.payer, "reason": reason, "setl_ids": list(setl_ids)}
    await note(session, act.id, act.month, kind, act.at, **more)


async def _waiting_answers(session: Session, act: Act) -> None:
    """Refusal unless this payer has still to answer."""
    found = await session.execute(
        select(ClearingStatement.answer).where(  # type: ignore[call-overload]
            col(ClearingStatement.month) == act.month, col(ClearingStatement.payer) == act.payer
        )
    )
    answers = set(found.scalars())
    if not answers:
        raise Refusal("clearing_nothing_to_answer")
    if answers != {"waiting"}:
        raise Refusal("clearing_answered")


async def confirm(session: Session, act: ConfirmAct) -> None:
    """Refusal: clearing_not_answerable, clearing_answered, clearing_nothing_to_answer."""
    period = await _begin(session, act)
    if period is None:
        return
    if period.state not in ANSWERABLE:
        raise Refusal("clearing_not_answerable")
    await _waiting_answers(session, act)
    await session.execute(
        update(ClearingStatement)
        .where(col(ClearingStatement.month) == act.month, col(ClearingStatement.payer) == act.payer)
        .values(answer="confirmed")
    )
    await _note(session, act, "confirm")
    if period.state == PeriodState.PROPOSED and not await waiting_for(session, act.month):
        period.state = PeriodState.CONFIRMED
    period.changed_at = act.at


_DISPUTE = text(
    """
    WITH marked AS (
        UPDATE clearing_item SET disputed = true
        WHERE setl_id = ANY (CAST(:setl_ids AS text[])) AND month = :month AND payer = :payer AND NOT disputed
        RETURNING payee, amount
    ), told AS (
        UPDATE clearing_statement s SET disputed_items = s.disputed_items + m.items, disputed = s.disputed + m.amount
        FROM (SELECT payee, count(*) AS items, sum(amount) AS amount FROM marked GROUP BY payee) m
        WHERE s.month = :month AND s.payer = :payer AND s.payee = m.payee
    )
    SELECT count(*) FROM marked
    """
)


async def dispute(session: Session, act: DisputeAct) -> None:
    """Marks items of this payer's statements. Refusal(clearing_item_not_found) unless every one can be disputed."""
    period = await _begin(session, act)
    if period is None:
        return
    if period.state not in ANSWERABLE:
        raise Refusal("clearing_not_answerable")
    await _waiting_answers(session, act)
    ids = tuple(dict.fromkeys(act.setl_ids))
    marked = await session.scalar(_DISPUTE, {"setl_ids": list(ids), "month": act.month, "payer": act.payer})
    if marked != len(ids):
        raise Refusal("clearing_item_not_found", "/settlements")
    await _note(session, act, "dispute", act.reason, ids)
    period.state, period.changed_at = PeriodState.DISPUTED, act.at


async def pay(session: Session, act: PayAct) -> None:
    """This payer has paid all it owes for the month; the last one makes the month paid."""
    period = await _begin(session, act)
    if period is None:
        return
    if period.state != PeriodState.CLEARED:
        raise Refusal("clearing_not_cleared")
    today = local_day(act.at)
    paid = await session.execute(
        update(ClearingStatement)
        .where(
            col(ClearingStatement.month) == act.month,
            col(ClearingStatement.payer) == act.payer,
            col(ClearingStatement.paid_on).is_(None),
        )
        .values(paid_on=today)
    )
    if not paid.rowcount:  # type: ignore[attr-defined]
        raise Refusal("clearing_nothing_to_answer")
    await _note(session, act, "pay")
    period.changed_at = act.at
    if not await waiting_for(session, act.month):
        period.state, period.paid_on = PeriodState.PAID, today
