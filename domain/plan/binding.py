"""The part of a Plan that one case carries: places known, conditions decided, overlays applied, no expression left."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from domain.messages import Message, Place, Text
from domain.plan.definition import (
    CheckItem,
    Clock,
    Fee,
    Limit,
    Material,
    Overlay,
    Partial,
    Plan,
    Procedure,
    RolePlan,
    StepOverlay,
    StepPlan,
)
from domain.plan.vocabulary import (
    FEE_ORDER,
    FEE_REFUND,
    Ending,
    MaterialSource,
    OnBroken,
    OnRejected,
    StepKind,
    Tolerance,
    Way,
    way_of,
)


class CaseStep(Message):
    """A step bound to a case: its place is known. ``queue``: which desk of the department gets its task."""

    id: str
    leg: str
    kind: StepKind
    title: Text
    role: str
    place: Place
    needs: tuple[str, ...]
    operation: str
    send: Mapping[str, str]
    compensate_with: str
    on_rejected: OnRejected
    purpose: Text | None = None
    licence_type: str = ""
    four_eyes: tuple[str, ...] = ()
    queue: str = ""
    checklist: tuple[CheckItem, ...] = ()
    lasts: Limit | None = None
    refund_on: tuple[Ending, ...] = ()

    @property
    def way(self) -> Way:
        """Who carries it out."""
        return way_of(self.kind, self.operation)


class CaseLeg(Message):
    id: str
    title: Text
    place: Place


class CaseMaterial(Message):
    """An uploaded material that the course of the case depends on: promised, or an original on its way."""

    id: str
    title: Text
    tolerance: Tolerance
    due: Limit | None
    on_broken: OnBroken
    original: bool


class CasePlan(Message):
    """What one case does: no expressions left, no personal data."""

    engine: str
    code: str
    version: str
    plan_digest: str
    accepting: Place
    collecting: Place | None = None
    legs: tuple[CaseLeg, ...]
    steps: tuple[CaseStep, ...]
    clocks: tuple[Clock, ...]
    procedures: tuple[Procedure, ...] = ()
    reply: Limit | None = None
    materials: tuple[CaseMaterial, ...] = ()
    partial: Partial = Partial()


def bind(plan: Plan, form: Mapping[str, JsonValue], holds: Mapping[str, bool]) -> CasePlan:
    """The plan of one case. ``holds``: every expression of the plan -> whether it holds for this form.

    A step that does not apply is left out, and with it its name in the ``needs`` of others. A step of a role that
    lies in several places happens once in each, as ``step-330000``; whoever needs it needs all of them.
    """
    return _Binder(plan, form, holds).bound()


class _Binder:
    def __init__(self, plan: Plan, form: Mapping[str, JsonValue], holds: Mapping[str, bool]) -> None:
        self.plan = plan
        self.form = form
        self.holds = holds
        self.regions = {name: _regions(role, form) for name, role in plan.roles.items()}
        self.overlays = [o for o in plan.overlays if _lies_in(self.regions[o.role], o.region)]
        self.kept = {s.id for s in plan.steps if self._holds(s.when) and self.regions[s.role]}
        self.fees = [f for f in plan.fees if self._holds(f.when) and f.before in self.kept]
        self.licence_types = {result.step: result.licence_type for result in plan.results}

    def bound(self) -> CasePlan:
        plan = self.plan
        steps = [bound for step in plan.steps if step.id in self.kept for bound in self._steps(step)]
        steps += [self._fee(fee) for fee in self.fees]
        used = {step.leg for step in steps}
        legs = [
            CaseLeg(id=self._named(leg.id, leg.role, region), title=leg.title, place=self._place(leg.role, region))
            for leg in plan.legs
            for region in self.regions[leg.role]
        ]
        return CasePlan(
            engine=plan.engine,
            code=plan.code,
            version=plan.version,
            plan_digest=plan.digest(),
            accepting=self._only(plan.accepting_role),
            collecting=self._only(plan.collecting_role) if plan.collecting_role else None,
            legs=tuple(leg for leg in legs if leg.id in used),
            steps=tuple(steps),
            clocks=tuple(self._clock(clock) for clock in plan.clocks if self._runs(clock)),
            procedures=plan.procedures,
            reply=plan.supplement.reply if plan.supplement else None,
            materials=tuple(self._materials()),
            partial=plan.partial,
        )

    def _holds(self, expression: str) -> bool:
        return not expression or self.holds[expression]

    def _many(self, role: str) -> bool:
        field = self.plan.roles[role].region_field
        return bool(field) and isinstance(self.form.get(field), list)

    def _named(self, name: str, role: str, region: str) -> str:
        return f"{name}-{region}" if self._many(role) else name

    def _place(self, role: str, region: str) -> Place:
        return Place(region=region, department=self.plan.roles[role].department)

    def _only(self, role: str) -> Place:
        return self._place(role, self.regions[role][0])

    def _steps(self, step: StepPlan) -> list[CaseStep]:
        step = self._overlaid(step)
        return [
            CaseStep(
                id=self._named(step.id, step.role, region),
                leg=self._named(step.leg, step.role, region),
                kind=step.kind,
                title=step.title,
                role=step.role,
                place=self._place(step.role, region),
                needs=self._needs(step),
                operation=step.operation,
                send=step.send,
                compensate_with=step.compensate_with,
                on_rejected=step.on_rejected,
                purpose=step.purpose,
                licence_type=self.licence_types.get(step.id, ""),
                four_eyes=tuple(name for other in step.four_eyes for name in self._bound(other)),
                queue=next((route.queue for route in step.routes if self._holds(route.when)), ""),
                checklist=step.checklist,
                lasts=step.lasts,
            )
            for region in self.regions[step.role]
        ]

    def _overlaid(self, step: StepPlan) -> StepPlan:
        for overlay in self.overlays:
            change = overlay.steps.get(step.id)
            if change is not None:
                given = {name: new for name in StepOverlay.model_fields if (new := getattr(change, name)) is not None}
                step = step.model_copy(update=given)
        return step

    def _bound(self, step_id: str) -> list[str]:
        """What a step is called in this case, once for each place; nothing if it does not apply."""
        role = self.plan.step(step_id).role
        return [self._named(step_id, role, region) for region in self.regions[role]] if step_id in self.kept else []

    def _needs(self, step: StepPlan) -> tuple[str, ...]:
        """What this step waits for; the needs of a step that is left out pass on to those that needed it."""
        result: list[str] = []
        for need in step.needs:
            inherited = self._bound(need) or list(self._needs(self.plan.step(need)))
            result += [name for name in inherited if name not in result]
        result += [_fee_step(fee) for fee in self.fees if fee.before == step.id]
        return tuple(result)

    def _fee(self, fee: Fee) -> CaseStep:
        before = self.plan.step(fee.before)
        amount = next((o.fees[fee.id].amount_fen for o in self.overlays if fee.id in o.fees), fee.amount_fen)
        own = {_fee_step(other) for other in self.fees}
        return CaseStep(
            id=_fee_step(fee),
            leg=self._named(before.leg, before.role, self.regions[before.role][0]),
            kind=StepKind.FEE,
            title=fee.title,
            role=fee.role,
            place=self._only(fee.role),
            needs=tuple(need for need in self._needs(before) if need not in own),
            operation=FEE_ORDER,
            send={"amount_fen": f"={amount}", "fee": f"={fee.id}"},
            compensate_with=FEE_REFUND,
            on_rejected=OnRejected.RESOLVE,
            refund_on=fee.refund_on,
        )

    def _runs(self, clock: Clock) -> bool:
        """A clock of a step that is left out is left out."""
        gone = {step.id for step in self.plan.steps} - self.kept
        return not any(mark.rpartition(".")[0] in gone for mark in (clock.start, clock.stop))

    def _clock(self, clock: Clock) -> Clock:
        for overlay in self.overlays:
            change = overlay.clocks.get(clock.id)
            if change is not None:
                given = {name: limit for name in ("legal", "promised") if (limit := getattr(change, name))}
                clock = clock.model_copy(update=given)
        return clock

    def _materials(self) -> list[CaseMaterial]:
        found = [overlaid_material(m, self.overlays) for m in self.plan.materials if m.source is MaterialSource.UPLOAD]
        return [
            CaseMaterial(
                id=m.id, title=m.title, tolerance=m.tolerance, due=m.due, on_broken=m.on_broken, original=m.original
            )
            for m in found
            if m.tolerance is not Tolerance.CORE or m.original
        ]


def overlays_of(plan: Plan, form: Mapping[str, JsonValue]) -> list[Overlay]:
    """The overlays that apply to this form: those whose role lies in their region."""
    return [o for o in plan.overlays if _lies_in(_regions(plan.roles[o.role], form), o.region)]


def overlaid_material(material: Material, overlays: list[Overlay]) -> Material:
    """A material as the provinces concerned want it."""
    for overlay in overlays:
        change = overlay.materials.get(material.id)
        if change is not None:
            material = material.model_copy(
                update={k: v for k, v in change.model_dump(exclude={"due"}).items() if v is not None}
                | ({"due": change.due} if change.due else {})
            )
    return material


def _fee_step(fee: Fee) -> str:
    return f"fee-{fee.id}"


def _lies_in(regions: tuple[str, ...], province: str) -> bool:
    return any(region[:2] == province[:2] for region in regions)


def _regions(role: RolePlan, form: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Where a role lies: one place, or as many as the form lists (none if the field is left out)."""
    if role.region:
        return (role.region,)
    value = form.get(role.region_field)
    if isinstance(value, list):
        return tuple(sorted({str(region) for region in value}))
    return () if value is None else (str(value),)
