"""What the clearing workflow has done: terms read, a month proposed, answered, cleared. Each may run twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from temporalio import activity

from domain import names
from domain.clearing import (
    AnyClearingAct,
    Cleared,
    ClearingActDone,
    ClearingProfile,
    ClearingProgress,
    ConfirmAct,
    DisputeAct,
    Flow,
    PeriodState,
    Propose,
    Proposed,
    Terms,
)
from domain.errors import Refusal
from models import clearing
from models.calendars import Calendars
from models.database import Database, Session


class ClearingActivities:
    """``profile``: in force when it is asked for. ``calendars``: national; no province's own days count between two."""

    def __init__(self, database: Database, profile: Callable[[], ClearingProfile], calendars: Calendars) -> None:
        self._database = database
        self._profile = profile
        self._calendars = calendars

    @activity.defn(name=names.CLEARING_TERMS_ACTIVITY)
    async def clearing_terms(self) -> Terms:
        """Profile and calendar of today: inputs of the workflow, recorded in its history."""
        async with self._database.begin() as session:
            return Terms(profile=self._profile(), calendar=await self._calendars.in_force(session))

    @activity.defn(name=names.CLEARING_PROPOSE_ACTIVITY)
    async def propose_clearing(self, order: Propose) -> Proposed:
        """Takes the items piece by piece, then makes the statements. Cut off, it goes on where it stood."""
        return await propose(self._database, order, activity.heartbeat)

    @activity.defn(name=names.CLEARING_ANSWER_ACTIVITY)
    async def answer_clearing(self, act: AnyClearingAct) -> ClearingActDone:
        """Writes an answer; a refusal is an answer, too, and nothing is written."""
        try:
            async with self._database.begin() as session:
                if isinstance(act, ConfirmAct):
                    await clearing.confirm(session, act)
                elif isinstance(act, DisputeAct):
                    await clearing.dispute(session, act)
                else:
                    await clearing.pay(session, act)
        except Refusal as refusal:
            async with self._database.begin() as session:
                state, waiting = await _now(session, act.month)
            return ClearingActDone(state=state, refused=refusal.code, waiting=waiting)
        async with self._database.begin() as session:
            state, waiting = await _now(session, act.month)
        return ClearingActDone(state=state, waiting=waiting)

    @activity.defn(name=names.CLEARING_CLEAR_ACTIVITY)
    async def clear_month(self, order: Cleared) -> ClearingProgress:
        """Silence becomes consent, disputed items leave, the rest is owed."""
        async with self._database.begin() as session:
            await clearing.clear(session, order, datetime.now(UTC))
            state, waiting = await _now(session, order.month)
        return ClearingProgress(month=order.month, state=state, waiting=waiting)

    @activity.defn(name=names.CLEARING_OVERDUE_ACTIVITY)
    async def note_overdue_payment(self, month: str) -> ClearingProgress:
        """The day to pay by is over: who has not paid is noted."""
        async with self._database.begin() as session:
            await clearing.note_overdue(session, month, datetime.now(UTC))
            state, waiting = await _now(session, month)
        return ClearingProgress(month=month, state=state, waiting=waiting)


async def propose(database: Database, order: Propose, told: Callable[[int], None] = lambda _: None) -> Proposed:
    """``told``: how many items were taken so far."""
    taken = 0
    async with database.begin() as session:
        await clearing.open_period(session, order.month, order.last_day, order.profile)
    while True:
        async with database.begin() as session:
            more = await clearing.take_piece(session, order.month)
        if not more:
            break
        taken += more
        told(taken)
    async with database.begin() as session:
        await clearing.finish_proposal(session, order.month, order.proposed_on, order.confirm_by, datetime.now(UTC))
        period = await clearing.find_period(session, order.month)
        if period is None or period.proposed_on is None or period.confirm_by is None:
            raise RuntimeError(f"{order.month} was not proposed")
        rows = await clearing.statements_of(session, order.month)
        state, waiting = await _now(session, order.month)
        return Proposed(
            month=order.month,
            state=state,
            proposed_on=period.proposed_on,
            confirm_by=period.confirm_by,
            flows=tuple(Flow(payer=r.payer, payee=r.payee, amount=r.proposed, items=r.items) for r in rows),
            waiting=waiting,
        )


async def _now(session: Session, month: str) -> tuple[PeriodState, tuple[str, ...]]:
    period = await clearing.find_period(session, month)
    state = PeriodState(period.state) if period else PeriodState.OPEN
    return state, tuple(await clearing.waiting_for(session, month))
