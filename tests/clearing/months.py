"""A month is cleared in the database as the workflow's activities do it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from activities.clearing import propose
from domain.calendar import SHANGHAI
from domain.clearing import Cleared, ConfirmAct, DisputeAct, PayAct, PeriodState, Propose, Proposed, days_of
from domain.ledger import SettledRow
from domain.messages import Actor, Role
from models import clearing
from models.clearing import ClearingStatement
from models.database import Database
from models.ledger import post_settlement
from tests.clearing.samples import CALENDAR, GOLDEN, PROFILE, settled

Pair = tuple[str, str]


def moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI)


def worker(province: str) -> Actor:
    return Actor(subject=f"mi-{province}", role=Role.CASEWORKER, region=province, department="health_insurance")


async def enter(database: Database, *rows: SettledRow) -> None:
    async with database.begin() as session:
        for row in rows:
            await post_settlement(session, row)


def golden_rows(parts: int = 3) -> list[SettledRow]:
    """The month 2026-10 of domain note 3.8, each pair in some settlements whose cents differ."""
    rows = []
    for number, ((payer, payee), yuan) in enumerate(sorted(GOLDEN.items())):
        left = yuan * 100
        for part in range(parts):
            fund = left if part == parts - 1 else left // parts + 7 * number + part
            rows.append(settled(payer, payee, fund, date(2026, 10, 1 + (7 * number + 11 * part) % 31)))
            left -= fund
    return rows


def order(month: str) -> Propose:
    day = PROFILE.proposed_on(month)
    return Propose(
        month=month, last_day=days_of(month)[1], proposed_on=day, confirm_by=PROFILE.confirm_by(month, day),
        profile=PROFILE,
    )  # fmt: skip


async def propose_month(database: Database, month: str) -> Proposed:
    return await propose(database, order(month))


def confirmation(month: str, payer: str, id_: str = "") -> ConfirmAct:
    at = moment(PROFILE.proposed_on(month))
    return ConfirmAct(id=id_ or f"c-{month}-{payer}", month=month, payer=payer, actor=worker(payer), at=at)


def objection(month: str, payer: str, *setl_ids: str, id_: str = "") -> DisputeAct:
    return DisputeAct(
        id=id_ or f"d-{month}-{payer}", month=month, payer=payer, actor=worker(payer),
        at=moment(PROFILE.proposed_on(month)), setl_ids=setl_ids, reason="与病历不符",
    )  # fmt: skip


async def confirm(database: Database, month: str, payer: str, id_: str = "") -> None:
    async with database.begin() as session:
        await clearing.confirm(session, confirmation(month, payer, id_))


async def dispute(database: Database, month: str, payer: str, *setl_ids: str, id_: str = "") -> None:
    async with database.begin() as session:
        await clearing.dispute(session, objection(month, payer, *setl_ids, id_=id_))


async def clear(database: Database, month: str) -> PeriodState:
    day = PROFILE.confirm_by(month, PROFILE.proposed_on(month)) + timedelta(days=1)
    due = CALENDAR.due(day, PROFILE.pay_within.count)
    made = Cleared(month=month, cleared_on=day, pay_by=due.day, provisional=due.provisional)
    async with database.begin() as session:
        return await clearing.clear(session, made, moment(day))


async def pay(database: Database, month: str, payer: str) -> None:
    day = PROFILE.confirm_by(month, PROFILE.proposed_on(month)) + timedelta(days=3)
    act = PayAct(id=f"p-{month}-{payer}", month=month, payer=payer, actor=worker(payer), at=moment(day))
    async with database.begin() as session:
        await clearing.pay(session, act)


async def statements(database: Database, month: str) -> dict[Pair, ClearingStatement]:
    async with database.begin() as session:
        return {(s.payer, s.payee): s for s in await clearing.statements_of(session, month)}


async def state(database: Database, month: str) -> tuple[str, list[str]]:
    async with database.begin() as session:
        period = await clearing.find_period(session, month)
        assert period is not None
        return period.state, list(await clearing.waiting_for(session, month))
