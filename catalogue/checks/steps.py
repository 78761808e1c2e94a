"""Steps: what each kind needs and must not have, and what may be sent out at that point."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from catalogue.reading import Complaint
from domain.plan import ALWAYS_PERSON, ALWAYS_SYSTEM, Plan, StepKind, StepPlan, Way

_MAY_LAST = {StepKind.PUBLICITY, StepKind.INSPECTION, StepKind.WINDOW}


def check(plan: Plan) -> Iterator[Complaint]:
    """Each step for itself."""
    ids = [step.id for step in plan.steps]
    for i, step in enumerate(plan.steps):
        if ids.index(step.id) != i:
            yield ("steps", i, "id"), "step_twice", f"{step.id} is defined twice", "Give each its own id."
        yield from _check_kind(i, step)
        yield from _check_eyes(plan, i, step)
        yield from _check_send(plan, i, step)
        seen: set[str] = set()
        for n, item in enumerate(step.checklist):
            if item.id in seen:
                yield ("steps", i, "checklist", n), "checklist_twice", f"{item.id} twice", "Give each its own id."
            seen.add(item.id)
        for n, route in enumerate(step.routes[:-1]):
            if not route.when:
                yield ("steps", i, "routes", n), "route_first", "what comes after it is never reached", "Put it last."


def _check_kind(i: int, step: StepPlan) -> Iterator[Complaint]:
    path, by_system = ("steps", i), step.way is Way.SYSTEM
    if step.kind is StepKind.FEE:
        yield (*path, "kind"), "fee_step", "a fee is not written as a step", "Use fees."
    if step.kind in ALWAYS_SYSTEM and not step.operation and step.kind is not StepKind.FEE:
        yield path, "operation_missing", f"{step.kind} is carried out by a back office", "Name its operation."
    if (step.kind in ALWAYS_PERSON or step.kind is StepKind.PUBLICITY) and step.operation:
        yield (*path, "operation"), "operation_misplaced", f"no back office carries out {step.kind}", "Remove it."
    if step.kind is StepKind.EVIDENCE and step.purpose is None:
        yield path, "purpose_missing", "evidence needs a purpose the applicant can read", "Add purpose."
    acts = step.kind in {StepKind.EFFECT, StepKind.CERTIFICATE}
    if acts and not step.compensate_with and step.not_reversible is None:
        yield path, "compensation_missing", "neither undone nor said so", "Add compensate_with or not_reversible."
    if step.compensate_with and not by_system:
        yield (*path, "compensate_with"), "compensation_misplaced", "nothing is done that it undoes", "Remove it."
    if step.send and not by_system:
        yield (*path, "send"), "send_misplaced", "nothing is sent by this step", "Remove it."
    if step.kind is StepKind.PUBLICITY and step.lasts is None:
        yield path, "lasts_missing", "nobody knows how long it is on display", "Add lasts."
    if step.lasts is not None and step.kind not in _MAY_LAST:
        yield (*path, "lasts"), "lasts_misplaced", f"{step.kind} does not last", "Use a clock."


def _check_eyes(plan: Plan, i: int, step: StepPlan) -> Iterator[Complaint]:
    known = {other.id: other for other in plan.steps}
    if step.four_eyes and step.way is not Way.PERSON:
        yield ("steps", i, "four_eyes"), "four_eyes_misplaced", "no person decides this step", "Remove it."
    for name in step.four_eyes:
        if name not in known or known[name].way is not Way.PERSON:
            yield ("steps", i, "four_eyes"), "four_eyes_unknown", f"no person decides {name}", "Name a person's step."
        elif name not in step.needs_closure(plan):
            yield ("steps", i, "four_eyes"), "four_eyes_order", f"{name} may come later", "Let this step need it."


def _check_send(plan: Plan, i: int, step: StepPlan) -> Iterator[Complaint]:
    fields, before = plan.form_fields(), step.needs_closure(plan)
    for name, source in step.send.items():
        kind, _, rest = source.partition(".")
        earlier = rest.removesuffix(".reference")
        known = (
            source.startswith("=")
            or (kind == "form" and rest in fields)
            or (kind == "step" and rest.endswith(".reference") and earlier in before)
        )
        if not known:
            mend = "Use form.x, step.y.reference of a step before, or =text."
            yield ("steps", i, "send", name), "send_unknown", f"{source} is not known at this step", mend


def check_capabilities(plan: Plan, offers: Mapping[str, Collection[str]]) -> Iterator[Complaint]:
    """Every operation is one that somebody offers."""
    for i, step in enumerate(plan.steps):
        role = plan.roles.get(step.role)
        if role is None:
            continue
        for key in ("operation", "compensate_with"):
            operation = getattr(step, key)
            if operation and operation not in offers.get(role.department, ()):
                what = f"no adapter offers {operation} of {role.department}"
                yield ("steps", i, key), "capability_missing", what, "Add it to the adapter, or mend the name."
