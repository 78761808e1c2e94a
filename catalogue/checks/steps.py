"""Steps: what each kind needs and must not have, and what may be sent out at that point."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from catalogue.reading import Complaint
from domain.plan import ALWAYS_PERSON, ALWAYS_SYSTEM, FEE_ORDER, FEE_REFUND, OnRejected, Plan, StepKind, StepPlan, Way

_OF_TASKS = ("routes", "checklist", "four_eyes")
_NO_IS_NO = {StepKind.ACCEPT, StepKind.DECIDE, StepKind.EVIDENCE}  # refused, or an own document instead
_MAY_LAST = {StepKind.PUBLICITY, StepKind.INSPECTION, StepKind.WINDOW}


def check(plan: Plan) -> Iterator[Complaint]:
    """Each step for itself."""
    ids = [step.id for step in plan.steps]
    for i, step in enumerate(plan.steps):
        if ids.index(step.id) != i:
            yield ("steps", i, "id"), "step_twice", f"{step.id} is defined twice", "Give each its own id."
        yield from _check_kind(i, step)
        yield from _check_send(plan, i, step)
        yield from _check_task(plan, ("steps", i), step)
    for i, overlay in enumerate(plan.overlays):
        for step in plan.steps:
            change = overlay.steps.get(step.id)
            if change is not None:
                changed = {name: getattr(change, name) for name in _OF_TASKS if getattr(change, name) is not None}
                yield from _check_task(plan, ("overlays", i, "steps", step.id), step.model_copy(update=changed))


def _check_task(plan: Plan, path: tuple[str | int, ...], step: StepPlan) -> Iterator[Complaint]:
    """Whose task it is, and what is ticked: of a step, or of a step as a province wants it."""
    yield from _check_eyes(plan, path, step)
    if step.routes and step.way is not Way.PERSON:
        yield (*path, "routes"), "routes_misplaced", "no person does this step", "Remove it."
    if step.checklist and step.way is not Way.PERSON:
        yield (*path, "checklist"), "checklist_misplaced", "no person does this step", "Remove it."
    seen: set[str] = set()
    for n, item in enumerate(step.checklist):
        if item.id in seen:
            yield (*path, "checklist", n), "checklist_twice", f"{item.id} twice", "Give each its own id."
        seen.add(item.id)
    for n, route in enumerate(step.routes[:-1]):
        if not route.when:
            yield (*path, "routes", n), "route_first", "what comes after it is never reached", "Put it last."
    for n, route in enumerate(step.routes):
        if route.when and route.when in {earlier.when for earlier in step.routes[:n]}:
            yield (*path, "routes", n), "route_never", "the same condition stands before it", "Remove it."


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
    if step.kind is not StepKind.EVIDENCE and step.purpose is not None:
        yield (*path, "purpose"), "purpose_misplaced", "only evidence has a purpose", "Remove it."
    if step.kind in _NO_IS_NO and step.on_rejected is not OnRejected.TERMINATE:
        yield (*path, "on_rejected"), "rejected_useless", f"a no to {step.kind} has its own end", "Remove it."
    acts = step.kind in {StepKind.EFFECT, StepKind.CERTIFICATE}
    if acts and not step.compensate_with and step.not_reversible is None:
        yield path, "compensation_missing", "neither undone nor said so", "Add compensate_with or not_reversible."
    if step.not_reversible is not None and not by_system:
        yield (*path, "not_reversible"), "compensation_misplaced", "nothing is done that lasts", "Remove it."
    if step.compensate_with and not by_system:
        yield (*path, "compensate_with"), "compensation_misplaced", "nothing is done that it undoes", "Remove it."
    if step.send and not by_system:
        yield (*path, "send"), "send_misplaced", "nothing is sent by this step", "Remove it."
    if step.kind is StepKind.PUBLICITY and step.lasts is None:
        yield path, "lasts_missing", "nobody knows how long it is on display", "Add lasts."
    if step.lasts is not None and step.kind not in _MAY_LAST:
        yield (*path, "lasts"), "lasts_misplaced", f"{step.kind} does not last", "Use a clock."


def _check_eyes(plan: Plan, at: tuple[str | int, ...], step: StepPlan) -> Iterator[Complaint]:
    known, path = {other.id: other for other in plan.steps}, (*at, "four_eyes")
    if step.four_eyes and step.way is not Way.PERSON:
        yield path, "four_eyes_misplaced", "no person decides this step", "Remove it."
    for name in step.four_eyes:
        if name not in known or known[name].way is not Way.PERSON:
            yield path, "four_eyes_unknown", f"no person decides {name}", "Name a person's step."
        elif name not in step.needs_closure(plan):
            yield path, "four_eyes_order", f"{name} may come later", "Let this step need it."


def _check_send(plan: Plan, i: int, step: StepPlan) -> Iterator[Complaint]:
    fields, before = plan.form_fields(), step.needs_closure(plan)
    listed = {name for name, role in plan.roles.items() if fields.get(role.region_field, {}).get("type") == "array"}
    many = {other.id for other in plan.steps if other.role in listed}  # each place has a reference of its own
    for name, source in step.send.items():
        kind, _, rest = source.partition(".")
        earlier = rest.removesuffix(".reference")
        known = (
            source.startswith("=")
            or (kind == "form" and rest in fields)
            or (kind == "step" and rest.endswith(".reference") and earlier in before and earlier not in many)
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
    for i, fee in enumerate(plan.fees):
        role = plan.roles.get(fee.role)
        for operation in sorted({FEE_ORDER, FEE_REFUND} - set(offers.get(role.department, ()) if role else ())):
            what = f"no adapter offers {operation} of {role.department if role else fee.role}"
            yield ("fees", i, "role"), "capability_missing", what, "Add it to the adapter, or mend the role."
