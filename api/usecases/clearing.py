"""Clearing and reconciliation for people: who may see which pair, who answers for which province."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from api.auth import need
from api.gateway import NotRunning
from api.house import House
from api.schemas_clearing import (
    ActOut,
    AnsweredOut,
    BookRunOut,
    DifferenceDetail,
    DifferenceEvent,
    DifferenceRow,
    ItemList,
    ItemOut,
    MonthOut,
    NetOut,
    PairOut,
    PeriodOut,
    WaitingOut,
)
from catalogue.drawing.flows import draw_flows
from catalogue.drawing.words import Lang
from domain import names
from domain.calendar import local_day
from domain.clearing import (
    AnyClearingAct,
    ClearingProfile,
    ClearingStart,
    ConfirmAct,
    DisputeAct,
    MonthReport,
    PairLine,
    PayAct,
    PeriodState,
    Statement,
    days_of,
    flows_total,
    lines_of,
)
from domain.errors import Refusal
from domain.medical.access import INSURANCE
from domain.messages import Actor, Role
from domain.money import yuan
from domain.reconciliation import DifferenceState, ResolutionReason
from models import clearing, reconciliation
from models.clearing import ClearingPeriod
from models.database import Session
from models.reconciliation import ReconciliationDifference

OVERSEERS = (Role.OPERATOR, Role.COORDINATOR, Role.AUDITOR)
DESK = (Role.CASEWORKER, Role.SUPERVISOR)
PAGE = 100


def own_province(actor: Actor) -> str:
    """The province whose statements an actor sees, empty for those who oversee all; Refusal(forbidden) otherwise."""
    need(actor, *OVERSEERS, *DESK)
    if actor.role in OVERSEERS:
        return ""
    if actor.department not in INSURANCE:
        raise Refusal("forbidden")
    return actor.region[:2] + "0000"


def answering_province(actor: Actor) -> str:
    """The province an actor answers for: a caseworker of the province's own health insurance authority."""
    need(actor, Role.CASEWORKER)
    if actor.department not in INSURANCE or actor.region not in names.PROVINCES:
        raise Refusal("forbidden")
    return actor.region


async def report_of(session: Session, month: str) -> MonthReport:
    """A month as it stands; Refusal(clearing_not_found)."""
    period = await clearing.find_period(session, month)
    if period is None:
        raise Refusal("clearing_not_found")
    rows = await clearing.statements_of(session, month)
    statements = [Statement.model_validate(row.model_dump(exclude={"month", "cleared"})) for row in rows]
    quarter = await clearing.quarter_amounts(session, int(month[:4]) - 1)
    shown = period.model_dump(exclude={"profile", "changed_at"})
    return MonthReport(
        **shown,
        pairs=lines_of(ClearingProfile.model_validate(period.profile), statements, quarter),
        waiting=tuple(await clearing.waiting_for(session, month)),
    )


async def periods(session: Session, actor: Actor) -> list[PeriodOut]:
    """Every month there is, newest first."""
    own_province(actor)
    return [_period(row) for row in await clearing.periods(session)]


def _period(row: ClearingPeriod | MonthReport) -> PeriodOut:
    return PeriodOut.model_validate(row, from_attributes=True)


async def month_of(session: Session, actor: Actor, month: str) -> MonthOut:
    """One month: pairs, nets, who is waited for, history."""
    province = own_province(actor)
    whole = await report_of(session, month)
    report = whole.seen_by(province) if province else whole
    shown = [p for p in names.PROVINCES if not province or p == province]
    acts = [act for act in await clearing.acts_of(session, month) if not province or act.payer in {"", province}]
    return MonthOut(
        **_period(whole).model_dump(),
        pairs=[_pair(line) for line in report.pairs],
        nets=[
            NetOut(province=n.province, pays=yuan(n.pays), receives=yuan(n.receives), net=yuan(n.net))
            for n in report.nets(shown)
        ],
        total=yuan(flows_total(report.flows)),
        waiting=waiting_of(whole, local_day(datetime.now(UTC))),
        history=[
            ActOut(
                kind=act.kind,
                payer=act.payer,
                actor=act.actor_subject,
                reason=act.reason,
                settlements=act.setl_ids,
                at=act.at,
            )
            for act in acts
        ],
    )


def waiting_of(report: MonthReport, today: date) -> list[WaitingOut]:
    """Who is waited for, for what, until when."""
    what = "payment" if report.state is PeriodState.CLEARED else "answer"
    overdue = report.until is not None and report.until < today
    return [WaitingOut(province=p, what=what, until=report.until, overdue=overdue) for p in report.waiting]


def _pair(line: PairLine) -> PairOut:
    s = line.statement
    return PairOut(
        payer=s.payer,
        payee=s.payee,
        items=s.items,
        proposed=yuan(s.proposed),
        disputed_items=s.disputed_items,
        disputed=yuan(s.disputed),
        cleared=None if s.amount is None else yuan(s.amount),
        answer=s.answer,
        paid_on=s.paid_on,
        prepayment=yuan(line.quota) if line.quota else None,
        use_percent=line.use_per_mille / 10 if line.quota else None,
        warning=line.level.value,
    )


async def picture_of(session: Session, house: House, actor: Actor, month: str, lang: Lang) -> str:
    """The flows that this actor sees, as SVG."""
    province = own_province(actor)
    report = await report_of(session, month)
    report = report.seen_by(province) if province else report
    return draw_flows(month, report.flows, names.PROVINCES, house.library.divisions.names, lang)


async def items_of(session: Session, actor: Actor, month: str, after: str) -> ItemList:
    """The items that the actor's province owes for, a page of them."""
    province = answering_province(actor)
    if await clearing.find_period(session, month) is None:
        raise Refusal("clearing_not_found")
    rows = await clearing.items_of(session, month, province, after=after, limit=PAGE + 1)
    items = [
        ItemOut(
            settlement=r.setl_id,
            payee=r.payee,
            day=r.day,
            amount=yuan(r.amount),
            disputed=r.disputed,
            carried=r.carried,
        )
        for r in rows[:PAGE]
    ]
    return ItemList(items=items, next=items[-1].settlement if len(rows) > PAGE else "")


async def start(house: House, month: str, *, early: bool = False, profile: ClearingProfile | None = None) -> None:
    """Starts a month's clearing if it does not run; Refusal(clearing_month_not_over) for one that goes on."""
    today = local_day(datetime.now(UTC))
    first, last = days_of(month)
    if first > today or (last >= today and not early):
        raise Refusal("clearing_month_not_over")
    async with house.database.begin() as session:
        calendar = await house.calendars.in_force(session)
    terms = profile or house.library.clearing
    await house.gateway.start_clearing(ClearingStart(month=month, profile=terms, calendar=calendar, early=early))


async def confirm(house: House, actor: Actor, month: str, key: str) -> AnsweredOut:
    """The actor's province agrees to its statements, but for what it has disputed."""
    payer = answering_province(actor)
    id_ = names.command_id(actor.subject, "clearing:confirm", month, key)
    return await _answer(house, ConfirmAct(id=id_, month=month, payer=payer, actor=actor, at=datetime.now(UTC)))


async def dispute(
    house: House, actor: Actor, month: str, settlements: Sequence[str], reason: str, key: str
) -> AnsweredOut:
    """The actor's province disputes items; they go into the next month."""
    payer = answering_province(actor)
    content = key or "\x1f".join([*settlements, reason])
    id_ = names.command_id(actor.subject, "clearing:dispute", month, content)
    act = DisputeAct(
        id=id_, month=month, payer=payer, actor=actor, at=datetime.now(UTC), setl_ids=tuple(settlements), reason=reason
    )
    return await _answer(house, act)


async def pay(house: House, actor: Actor, month: str, key: str) -> AnsweredOut:
    """The actor's province has paid what was cleared."""
    payer = answering_province(actor)
    id_ = names.command_id(actor.subject, "clearing:pay", month, key)
    return await _answer(house, PayAct(id=id_, month=month, payer=payer, actor=actor, at=datetime.now(UTC)))


async def _answer(house: House, act: AnyClearingAct) -> AnsweredOut:
    async with house.database.begin() as session:
        if await clearing.find_period(session, act.month) is None:
            raise Refusal("clearing_not_found")
        if await clearing.act_of(session, act.id) is not None:  # this very command, told again
            report = await report_of(session, act.month)
            return AnsweredOut(month=act.month, state=report.state, waiting=list(report.waiting))
    try:
        done = await house.gateway.answer_clearing(act)
    except NotRunning:
        code = "clearing_not_cleared" if isinstance(act, PayAct) else "clearing_not_answerable"
        raise Refusal(code) from None
    return AnsweredOut(month=act.month, state=done.state, waiting=list(done.waiting))


async def differences(
    session: Session, actor: Actor, day: date | None, state: DifferenceState | None
) -> list[DifferenceRow]:
    """Of the actor's province, or of all for those who oversee all."""
    province = own_province(actor)
    rows = await reconciliation.differences(session, region=province, day=day, state=state.value if state else "")
    return [_difference(row) for row in rows]


async def runs(session: Session, actor: Actor, day: date) -> list[BookRunOut]:
    """How the comparisons of a day went: all books for those who oversee all, else the province's own and the hub's."""
    province = own_province(actor)
    rows = await reconciliation.runs(session, day)
    return [
        BookRunOut.model_validate(row, from_attributes=True)
        for row in rows
        if not province or row.book in {province, "hub"}
    ]


def _difference(row: ReconciliationDifference) -> DifferenceRow:
    return DifferenceRow.model_validate(row.model_dump() | {"settlement": row.setl_id})


async def difference(session: Session, actor: Actor, id_: str) -> DifferenceDetail:
    """One difference with its history."""
    row = await _visible(session, actor, id_)
    events = [
        DifferenceEvent(type=e.type, actor=e.actor_subject, reason=e.reason, note=e.note, at=e.at)
        for e in await reconciliation.history(session, id_)
    ]
    return DifferenceDetail(**_difference(row).model_dump(), history=events)


async def _visible(session: Session, actor: Actor, id_: str) -> ReconciliationDifference:
    province = own_province(actor)
    row = await reconciliation.difference(session, id_)
    if row is None or (province and row.region not in {province, ""}):
        raise Refusal("not_found")
    return row


async def claim(session: Session, actor: Actor, id_: str) -> DifferenceRow:
    """A caseworker takes a difference on."""
    need(actor, *DESK)
    await _visible(session, actor, id_)
    return _difference(await reconciliation.claim(session, id_, actor, datetime.now(UTC)))


async def resolve(session: Session, actor: Actor, id_: str, reason: ResolutionReason, note: str) -> DifferenceRow:
    """A caseworker says why it is dealt with."""
    need(actor, *DESK)
    await _visible(session, actor, id_)
    done = await reconciliation.resolve(session, id_, actor, datetime.now(UTC), reason=reason, note=note)
    return _difference(done)
