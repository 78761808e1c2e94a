"""A service as people and clients read it, made from its plan."""

from __future__ import annotations

from api.schemas_services import (
    ClockPlanOut,
    FeePlanOut,
    LegPlanOut,
    LimitOut,
    MaterialOut,
    ServiceOut,
    ServiceShort,
    StepPlanOut,
)
from catalogue.comparing import matrix_of
from domain.plan import Limit, Plan, Tolerance


def short(plan: Plan) -> ServiceShort:
    """A line of the list."""
    return ServiceShort(
        code=plan.code, version=plan.version, title=plan.title, summary=plan.summary, applicant=list(plan.applicant)
    )


def _limit(limit: Limit | None) -> LimitOut | None:
    return None if limit is None else LimitOut(days=limit.days, unit=limit.unit, basis=limit.basis, tag=limit.tag)


def full(plan: Plan) -> ServiceOut:
    """Everything that an applicant or a client may want to know beforehand."""
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
        **short(plan).model_dump(),
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
