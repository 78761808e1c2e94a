"""The order of steps: no circles, nothing decided before it is accepted, nothing issued before it is decided."""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.reading import Complaint
from domain.plan import MaterialSource, Plan, Policy, StepKind


def check(plan: Plan) -> Iterator[Complaint]:
    """What waits for what."""
    known = {step.id for step in plan.steps}
    for i, step in enumerate(plan.steps):
        for need in step.needs:
            if need not in known:
                yield ("steps", i, "needs"), "need_unknown", f"no step {need}", "Name one of steps."
    for i, step in enumerate(plan.steps):
        if step.id in step.needs_closure(plan):
            yield ("steps", i, "needs"), "cycle", f"{step.id} waits for itself", "Break the circle."
    yield from _check_kinds(plan)
    yield from _check_materials(plan)
    yield from _check_partial(plan)


def _check_kinds(plan: Plan) -> Iterator[Complaint]:
    kinds = {kind: {step.id for step in plan.steps if step.kind is kind} for kind in StepKind}
    for i, step in enumerate(plan.steps):
        before = step.needs_closure(plan)
        if step.kind is StepKind.CERTIFICATE and not kinds[StepKind.DECIDE] <= before:
            what = f"{step.id} is issued before all is decided"
            yield ("steps", i, "needs"), "certificate_early", what, "Let it need the decision."
        if step.kind is StepKind.ACCEPT and kinds[StepKind.DECIDE] & before:
            yield ("steps", i, "needs"), "accept_late", f"{step.id} comes after a decision", "Put acceptance first."
        if step.kind is StepKind.DECIDE and not kinds[StepKind.ACCEPT] & before:
            yield ("steps", i, "needs"), "decide_early", f"{step.id} may come before acceptance", "Let it need it."
    if not kinds[StepKind.ACCEPT]:
        yield ("steps",), "accept_missing", "nobody accepts the application", "Add a step of kind accept."
    for i, step in enumerate(plan.steps):
        if kinds[StepKind.ACCEPT] == {step.id} and step.when:
            what = f"where {step.when} does not hold nobody accepts"
            yield ("steps", i, "when"), "accept_missing", what, "Remove it, or add another acceptance."


def _check_materials(plan: Plan) -> Iterator[Complaint]:
    fetching = {step.id for step in plan.steps if step.kind is StepKind.EVIDENCE}
    for i, material in enumerate(plan.materials):
        if material.source is not MaterialSource.UPLOAD and material.step not in fetching:
            yield ("materials", i), "material_step", f"{material.id} is fetched by no evidence step", "Name the step."
        if material.source is MaterialSource.UPLOAD and material.step:
            yield ("materials", i, "step"), "material_fetched", "what is uploaded is not fetched", "Keep one."


def _check_partial(plan: Plan) -> Iterator[Complaint]:
    partial, legs = plan.partial, [leg.id for leg in plan.legs]
    for name in partial.essential:
        if name not in legs:
            yield ("partial", "essential"), "essential_unknown", f"no leg {name}", "Name one of legs."
    if partial.essential and partial.policy is Policy.ALL_OR_NOTHING:
        yield (
            ("partial", "essential"),
            "essential_misplaced",
            "every leg is essential without a policy",
            "Remove it, or set policy.",
        )
    if partial.policy is Policy.QUORUM and not 1 <= partial.quorum <= len(legs):
        yield ("partial",), "quorum", f"a quorum of 1 to {len(legs)} legs is needed", "Mend quorum."
    if partial.policy is not Policy.QUORUM and partial.quorum:
        yield ("partial", "quorum"), "quorum_misplaced", "only the policy quorum has one", "Remove it."
    if partial.policy is Policy.ORDERED:
        where = {step.id: step.leg for step in plan.steps}
        for i, step in enumerate(plan.steps):
            for need in step.needs:
                there, here = where.get(need), step.leg
                if there in legs and here in legs and legs.index(there) > legs.index(here):
                    what = f"{step.id} needs {need} of a later leg"
                    yield ("steps", i, "needs"), "ordered_backwards", what, "Put the legs in their order."
