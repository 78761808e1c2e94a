"""Services: what there is, what each needs, whether it fits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from fastapi import APIRouter, Request

from api.access import APPLICANTS
from api.auth import LoggedIn, need
from api.house import House, house
from api.problems import item_of
from api.schemas import (
    ClockPlanOut,
    ConsentOut,
    FeePlanOut,
    LegPlanOut,
    LimitOut,
    MaterialOut,
    Precheck,
    PrecheckOut,
    ServiceList,
    ServiceOut,
    ServiceShort,
    StepPlanOut,
)
from api.schemas_people import PrefillIn, PrefillOut
from api.usecases import prefill, submit
from catalogue.comparing import matrix_of
from domain.calendar import local_day
from domain.errors import Refusal, Refusals
from domain.plan import Limit, Material, MaterialSource, Mode, Plan, Tolerance

router = APIRouter(prefix="/v1/services", tags=["services"])


def _today() -> date:
    return local_day(datetime.now(UTC))


def _short(plan: Plan) -> ServiceShort:
    return ServiceShort(
        code=plan.code, version=plan.version, title=plan.title, summary=plan.summary, applicant=list(plan.applicant)
    )


def _limit(limit: Limit | None) -> LimitOut | None:
    return None if limit is None else LimitOut(days=limit.days, unit=limit.unit, basis=limit.basis, tag=limit.tag)


def _full(plan: Plan) -> ServiceOut:
    legs = []
    for leg in plan.legs:
        steps = [
            StepPlanOut(
                id=s.id,
                kind=s.kind,
                title=s.title,
                needs=list(s.needs),
                department=plan.roles[s.role].department,
                region=plan.roles[s.role].region,
                region_field=plan.roles[s.role].region_field,
                operation=s.operation,
                undone_by=s.compensate_with,
                not_reversible=s.not_reversible,
            )
            for s in plan.steps
            if s.leg == leg.id
        ]
        legs.append(LegPlanOut(id=leg.id, title=leg.title, steps=steps))
    return ServiceOut(
        **_short(plan).model_dump(),
        mode=plan.mode,
        form=dict(plan.form),
        eligibility=[{"id": r.id, "field": r.field, "text": r.text, "basis": r.basis} for r in plan.eligibility],
        materials=[
            MaterialOut(
                id=m.id,
                title=m.title,
                source=m.source,
                required=m.required,
                fetched_by=m.step,
                required_when=m.required_when,
                tolerance=m.tolerance,
                due=_limit(m.due),
                on_broken=m.on_broken if m.tolerance is not Tolerance.CORE else "",
                original=m.original,
            )
            for m in plan.materials
        ],
        legs=legs,
        clocks=[
            ClockPlanOut(
                id=c.id,
                title=c.title,
                starts=c.start,
                stops=c.stop,
                legal=_limit(c.legal),
                promised=_limit(c.promised),
            )
            for c in plan.clocks
        ],
        results=[{"id": r.id, "title": r.title, "licence_type": r.licence_type} for r in plan.results],
        cannot_be_undone=[s.not_reversible for s in plan.steps if s.not_reversible is not None],
        acting=list(plan.acting),
        cosigners=list(plan.cosigners),
        fees=[
            FeePlanOut(
                id=fee.id,
                title=fee.title,
                amount_fen=fee.amount_fen,
                when=fee.when,
                before=fee.before,
                refund_on=list(fee.refund_on),
                basis=fee.basis,
                tag=fee.tag,
            )
            for fee in plan.fees
        ],
        partial=plan.partial.model_dump(mode="json"),
        supplement=_limit(plan.supplement.reply) if plan.supplement else None,
        procedures=[{"id": p.id, "title": p.title, "longest": _limit(p.longest)} for p in plan.procedures],
        retention=plan.retention.model_dump(mode="json") if plan.retention else None,
        provinces=matrix_of(plan),
        tag=plan.tag,
        digest=plan.digest(),
    )


@router.post("/{code}/prefill", operation_id="prefill")
async def prefill_form(code: str, body: PrefillIn, request: Request, login: LoggedIn) -> PrefillOut:
    """What registers hold about the person logged in, for the fields of the form; nobody else's data is looked up."""
    need(login.actor, *APPLICANTS)
    return await prefill.fill(house(request), house(request).library.service(code, _today()), login, body.form)


@router.get("/{code}/consent", operation_id="getConsentForm")
async def get_consent(code: str, request: Request) -> ConsentOut:
    """The text an applicant agrees to before papers are collected for another place, or a session begins."""
    h = house(request)
    plan = h.library.service(code, _today())
    form = h.library.consent
    return ConsentOut(
        version=form.version, title=form.title, text=form.text, needed=plan.mode is Mode.COLLECT_AGENT, tag=form.tag
    )


@router.get("", operation_id="listServices")
async def list_services(request: Request) -> ServiceList:
    """Every published service."""
    return ServiceList(services=[_short(plan) for plan in house(request).library.published(_today())])


@router.get("/{code}", operation_id="getService")
async def get_service(code: str, request: Request) -> ServiceOut:
    """One service: form, materials, steps per province, clocks, what cannot be undone."""
    return _full(house(request).library.service(code, _today()))


def _asked(needed: Mapping[str, Material], material: str) -> bool:
    """Whether this form needs it; as long as the form does not pass, whatever the service may need."""
    return not needed or needed[material].required


@router.post("/{code}/precheck", operation_id="precheck")
async def precheck(code: str, body: Precheck, request: Request) -> PrecheckOut:
    """Whether it fits, before anything is uploaded or stored. Wrong fields are told, not refused."""
    h: House = house(request)
    plan, needed = h.library.service(code, _today()), {}
    try:
        needed = submit.wanted(submit.check(h, code, body.form))
        faults: list[Refusal] = []
    except Refusals as found:
        faults = found.items
    return PrecheckOut(
        eligible=not faults,
        errors=[item_of(fault) for fault in faults],
        upload=[
            m.id for m in plan.materials if m.source is MaterialSource.UPLOAD and (not needed or needed[m.id].required)
        ],
        fetched=[m.id for m in plan.materials if m.source is not MaterialSource.UPLOAD],
    )
