"""New versions of a plan, by hand and at random: what cases are moved to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from hypothesis import strategies as st

from domain.messages import Actor, Role
from domain.plan import (
    ENGINE,
    CasePlan,
    CaseStep,
    Clock,
    OnBroken,
    OnRejected,
    Partial,
    Policy,
    StepKind,
    Tolerance,
)
from domain.process import MigrateCommand
from tests.unit.law_plans import law_clock, law_step, limit, material
from tests.unit.world import World

OPERATOR = Actor(subject="o-1", role=Role.OPERATOR)
_NEW_KINDS = [StepKind.EFFECT, StepKind.REVIEW, StepKind.VERIFY, StepKind.EVIDENCE, StepKind.PUBLICITY, StepKind.DECIDE]


def version(plan: CasePlan, number: str = "2", **changes: object) -> CasePlan:
    """Another version of a plan, under a digest of its own."""
    made = plan.model_copy(update={"engine": ENGINE, "version": number} | changes)
    return made.model_copy(update={"plan_digest": hashlib.sha256(made.model_dump_json().encode()).hexdigest()})


def with_step(plan: CasePlan, name: str, **changes: object) -> CasePlan:
    """The next version, in which one step is another."""
    steps = tuple(s.model_copy(update=changes) if s.id == name else s for s in plan.steps)
    return version(plan, steps=steps)


def without(plan: CasePlan, name: str) -> CasePlan:
    """The next version, in which a step is left out; what it needed passes on."""
    gone = next(s for s in plan.steps if s.id == name)
    steps = tuple(
        s.model_copy(update={"needs": tuple(dict.fromkeys(_passed_on(s.needs, gone)))})
        for s in plan.steps
        if s.id != name
    )
    kept = {s.leg for s in steps}
    marks = {f"{name}.started", f"{name}.done"}
    return version(
        plan,
        steps=tuple(s.model_copy(update={"four_eyes": tuple(e for e in s.four_eyes if e != name)}) for s in steps),
        legs=tuple(leg for leg in plan.legs if leg.id in kept),
        clocks=tuple(c for c in plan.clocks if not {c.start, c.stop} & marks),
    )


def _passed_on(needs: tuple[str, ...], gone: CaseStep) -> list[str]:
    return [name for need in needs for name in (gone.needs if need == gone.id else (need,))]


def between(plan: CasePlan, new: CaseStep, before: str) -> CasePlan:
    """The next version, with a new step that another one needs."""
    steps: list[CaseStep] = []
    for s in plan.steps:
        if s.id == before:
            steps += [new, s.model_copy(update={"needs": (*s.needs, new.id)})]
        else:
            steps.append(s)
    return version(plan, steps=tuple(steps))


def order(plan: CasePlan, new: CasePlan, run: str = "r1") -> MigrateCommand:
    """The order that moves a case in a run."""
    name = f"m-{run}-{new.plan_digest[:8]}"
    return MigrateCommand(id=name, actor=OPERATOR, run=run, before=plan.plan_digest, plan=new)


def move(world: World, new: CasePlan, run: str = "r1") -> str | None:
    """Has a case moved; the code of the refusal if it is refused."""
    return world.order(order(world.plan, new, run))


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[CasePlan], CasePlan]:
    """A few changes, chosen before the plan is known."""
    kinds = draw(st.lists(st.sampled_from(sorted(_CHANGES)), min_size=1, max_size=4))
    picks = draw(st.lists(st.integers(0, 1000), min_size=8, max_size=8))

    def mutate(plan: CasePlan) -> CasePlan:
        for n, kind in enumerate(kinds):
            plan = _CHANGES[kind](plan, picks[2 * n], picks[2 * n + 1])
        return version(plan, f"2026.{picks[0] % 12 + 1}.{picks[1] % 100}")

    return mutate


def _pick(plan: CasePlan, number: int) -> CaseStep:
    return plan.steps[number % len(plan.steps)]


def _add(plan: CasePlan, a: int, b: int) -> CasePlan:
    """A step that needs one and that all may need that come later in the list."""
    index = a % len(plan.steps)
    name = f"n{a}-{b}"
    if any(s.id == name for s in plan.steps):
        return plan
    kind, after = _NEW_KINDS[b % len(_NEW_KINDS)], plan.steps[index]
    needs = {after.id} | {s.id for s in plan.steps[: index + 1] if s.kind is StepKind.ACCEPT}
    made = law_step(name, kind, tuple(sorted(needs)), after.leg, on_rejected=list(OnRejected)[a % len(OnRejected)])
    later = plan.steps[index + 1 :]
    if kind is StepKind.DECIDE:  # what is issued is issued after all is decided, and decided after acceptance
        if "accept" not in needs or any(s.kind is StepKind.CERTIFICATE for s in plan.steps[: index + 1]):
            return plan
        later = tuple(
            s.model_copy(update={"needs": (*s.needs, name)}) if s.kind is StepKind.CERTIFICATE else s for s in later
        )
    if b % 3 and later:
        chosen = later[b % len(later)].id
        later = tuple(s.model_copy(update={"needs": (*s.needs, name)}) if s.id == chosen else s for s in later)
    return plan.model_copy(update={"steps": (*plan.steps[: index + 1], made, *later)})


def _remove(plan: CasePlan, a: int, _b: int) -> CasePlan:
    step = _pick(plan, a)
    return plan if step.kind is StepKind.ACCEPT else without(plan, step.id)  # somebody has to accept


def _rewire(plan: CasePlan, a: int, b: int) -> CasePlan:
    """A step needs another one of those before it in the list, or one less."""
    index = a % len(plan.steps)
    step = plan.steps[index]
    if b % 2 and step.needs:
        return with_step(plan, step.id, needs=step.needs[1:])
    if index:
        return with_step(plan, step.id, needs=tuple(dict.fromkeys((*step.needs, plan.steps[b % index].id))))
    return plan


def _change(plan: CasePlan, a: int, b: int) -> CasePlan:
    step = _pick(plan, a)
    changes: list[dict[str, object]] = [
        {"on_rejected": list(OnRejected)[b % len(OnRejected)]},
        {"operation": f"{step.operation}_2"} if step.operation else {},
        {"compensate_with": f"{step.compensate_with}_2"} if step.compensate_with else {},
        {"send": {"x": "=1"}} if step.operation else {},
    ]
    return with_step(plan, step.id, **changes[b % len(changes)])


def _limits(plan: CasePlan, a: int, b: int) -> CasePlan:
    if not plan.clocks:
        return plan
    index = a % len(plan.clocks)
    changed = plan.clocks[index].model_copy(
        update={"legal": limit(b % 40) if b % 5 else None, "promised": limit(b % 7)}
    )
    return plan.model_copy(update={"clocks": (*plan.clocks[:index], changed, *plan.clocks[index + 1 :])})


def _clock(plan: CasePlan, a: int, b: int) -> CasePlan:
    """One clock more or one less."""
    if b % 2 and plan.clocks:
        index = a % len(plan.clocks)
        return plan.model_copy(update={"clocks": (*plan.clocks[:index], *plan.clocks[index + 1 :])})
    name = f"c{a % 5}"
    if any(c.id == name for c in plan.clocks):
        return plan
    start = ["received", "accepted", f"{_pick(plan, a).id}.started", f"{_pick(plan, a).id}.done"][b % 4]
    made: Clock = law_clock(name, start, "closed" if b % 3 else f"{_pick(plan, b).id}.done", legal=limit(b % 25))
    return plan.model_copy(update={"clocks": (*plan.clocks, made)})


def _partial(plan: CasePlan, a: int, b: int) -> CasePlan:
    """Another rule for what fails; an order of legs would have to fit the needs of the steps."""
    policy = [Policy.ALL_OR_NOTHING, Policy.BEST_EFFORT, Policy.QUORUM][a % 3]
    essential = (plan.legs[b % len(plan.legs)].id,) if b % 2 else ()
    return plan.model_copy(
        update={"partial": Partial(policy=policy, quorum=int(policy is Policy.QUORUM), essential=essential)}
    )


def _extension(plan: CasePlan, a: int, b: int) -> CasePlan:
    extension = limit(b % 20 + 1) if b % 4 else None
    clocks = tuple(
        c.model_copy(update={"extension": extension}) if i == a % len(plan.clocks) else c
        for i, c in enumerate(plan.clocks)
    )
    return plan.model_copy(update={"clocks": clocks})


def _materials(plan: CasePlan, _a: int, b: int) -> CasePlan:
    """What was promised or has to travel is another, or none."""
    made = (
        material("later", Tolerance.DEFERRABLE, list(OnBroken)[b % 2]),
        material("paper", Tolerance.CORE, original=True),
    )
    return plan.model_copy(update={"materials": made[: b % 3], "reply": limit(b % 9 + 1)})


_CHANGES: dict[str, Callable[[CasePlan, int, int], CasePlan]] = {
    "add": _add,
    "remove": _remove,
    "rewire": _rewire,
    "change": _change,
    "limits": _limits,
    "clock": _clock,
    "partial": _partial,
    "extension": _extension,
    "materials": _materials,
}
