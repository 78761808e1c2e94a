"""Services: what there is, what each needs, whether it fits."""

from __future__ import annotations

from datetime import UTC, date, datetime

from fastapi import APIRouter, Request

from api.house import House, house
from api.problems import item_of
from api.schemas import (
    ClockPlanOut,
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
from api.usecases import submit
from domain.calendar import local_day
from domain.errors import Refusal, Refusals
from domain.plan import Limit, MaterialSource, Plan

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
            MaterialOut(id=m.id, title=m.title, source=m.source, required=m.required, fetched_by=m.step)
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
        tag=plan.tag,
        digest=plan.digest(),
    )


@router.get("", operation_id="listServices")
async def list_services(request: Request) -> ServiceList:
    """Every published service."""
    return ServiceList(services=[_short(plan) for plan in house(request).library.published(_today())])


@router.get("/{code}", operation_id="getService")
async def get_service(code: str, request: Request) -> ServiceOut:
    """One service: form, materials, steps per province, clocks, what cannot be undone."""
    return _full(house(request).library.service(code, _today()))


@router.post("/{code}/precheck", operation_id="precheck")
async def precheck(code: str, body: Precheck, request: Request) -> PrecheckOut:
    """Whether it fits, before anything is uploaded or stored. Wrong fields are told, not refused."""
    h: House = house(request)
    plan = h.library.service(code, _today())
    try:
        submit.check(h, code, body.form)
        faults: list[Refusal] = []
    except Refusals as found:
        faults = found.items
    return PrecheckOut(
        eligible=not faults,
        errors=[item_of(fault) for fault in faults],
        upload=[m.id for m in plan.materials if m.source is MaterialSource.UPLOAD],
        fetched=[m.id for m in plan.materials if m.source is not MaterialSource.UPLOAD],
    )
