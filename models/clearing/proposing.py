"""A month's items are taken, its statements made: set by set, so that our process never holds more than the pairs.

An item belongs to no month or to one: taking it is an update of that item. A proposal that was cut off goes on where it
stood, because what was taken stays taken and nobody is shown a month that is still open.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select, text
from sqlmodel import col

from domain.clearing import ClearingProfile, PeriodState
from domain.errors import Refusal
from domain.messages import SYSTEM
from models.clearing.tables import ClearingPeriod
from models.database import Session

PIECE = 50_000  # items a transaction: below a second, so that nobody waits for it and no time-out strikes

_OPEN = text(
    """
    INSERT INTO clearing_period (month, state, last_day, profile, pay_by_provisional, changed_at)
    VALUES (:month, 'open', :last_day, CAST(:profile AS jsonb), false, clock_timestamp()) ON CONFLICT DO NOTHING
    """
)


async def open_period(session: Session, month: str, last_day: date, profile: ClearingProfile) -> PeriodState:
    """Opens a month if it is new; its state."""
    values = {"month": month, "last_day": last_day, "profile": profile.model_dump_json()}
    await session.execute(_OPEN, values)
    return PeriodState((await locked(session, month)).state)


async def locked(session: Session, month: str) -> ClearingPeriod:
    """The month, kept from others until the transaction ends; Refusal(clearing_not_found)."""
    found = await session.execute(
        select(ClearingPeriod)
        .where(col(ClearingPeriod.month) == month)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    period = found.scalar_one_or_none()
    if period is None:
        raise Refusal("clearing_not_found")
    return period


_TAKE = text(
    """
    UPDATE clearing_item SET month = :month WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM clearing_item WHERE month IS NULL AND day <= :last_day ORDER BY day LIMIT :most FOR UPDATE))
    """
)


async def take_piece(session: Session, month: str, most: int = PIECE) -> int:
    """Takes some of the items that are due into an open month; 0 when there are none left or it is open no more."""
    period = await locked(session, month)
    if period.state != PeriodState.OPEN:
        return 0
    taken = await session.execute(_TAKE, {"month": month, "last_day": period.last_day, "most": most})
    return int(taken.rowcount)  # type: ignore[attr-defined]


_STATEMENTS = text(
    """
    INSERT INTO clearing_statement (month, payer, payee, items, proposed, disputed_items, disputed, answer, cleared)
    SELECT month, payer, payee, count(*), sum(amount), 0, 0, 'waiting', false FROM clearing_item
    WHERE month = :month GROUP BY month, payer, payee
    """
)


async def finish_proposal(session: Session, month: str, proposed_on: date, confirm_by: date, at: datetime) -> None:
    """Makes the statements. A month that is proposed already is left as it is."""
    period = await locked(session, month)
    if period.state != PeriodState.OPEN:
        return
    await session.execute(_STATEMENTS, {"month": month})
    period.state, period.proposed_on, period.confirm_by = PeriodState.PROPOSED, proposed_on, confirm_by
    period.changed_at = at
    await note(session, f"{month}:proposed", month, "proposed", at)


_NOTE = text(
    """
    INSERT INTO clearing_act (command, month, kind, payer, actor_subject, actor_role, actor_region, reason, setl_ids,
                              at)
    VALUES (:command, :month, :kind, :payer, :subject, :role, :region, :reason, CAST(:setl_ids AS text[]), :at)
    """
)


async def note(session: Session, command: str, month: str, kind: str, at: datetime, **more: object) -> None:
    """A line in the month's history; by the system unless ``subject`` says whose."""
    values: dict[str, object] = {"payer": "", "subject": SYSTEM.subject, "role": SYSTEM.role.value, "region": ""}
    values |= {"reason": "", "setl_ids": []} | more
    await session.execute(_NOTE, values | {"command": command, "month": month, "kind": kind, "at": at})
