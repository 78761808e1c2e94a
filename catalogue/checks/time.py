"""Clocks: marks that come, in an order that ends, limits that the law allows, expiry that fits."""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.reading import Complaint
from domain.plan import Clock, Limit, OnExpiry, Plan, StepKind, StepPlan, Unit, Way
from domain.process.clocks import SUPPLEMENT

_SAID = {"accepted": StepKind.ACCEPT, "decided": StepKind.DECIDE}
CASE_MARKS = ("received", "accepted", "decided", "closed")
_EXPIRY = {
    OnExpiry.DEEMED_ACCEPTED: StepKind.ACCEPT,
    OnExpiry.DEEMED_GRANTED: StepKind.DECIDE,
    OnExpiry.DEEMED_REFUSED: StepKind.DECIDE,
}


def may_exceed(limit: Limit, law: Limit) -> bool:
    """Whether a limit may end later than the law allows; five working days are seven days, three may be three."""
    if limit.unit is law.unit:
        return limit.days > law.days
    if limit.unit is Unit.WORKING_DAY:
        return limit.days * 7 > law.days * 5
    return limit.days > law.days + law.days // 5 * 2


def check(plan: Plan) -> Iterator[Complaint]:
    """Each clock, and what is there for clocks only."""
    marks = {*CASE_MARKS} | {f"{step.id}.{what}" for step in plan.steps for what in ("started", "done")}
    causes = {step.id for step in plan.steps} | {p.id for p in plan.procedures}
    causes |= {SUPPLEMENT} if plan.supplement is not None else set()
    for i, clock in enumerate(plan.clocks):
        known = True
        for name in ("start", "stop"):
            if getattr(clock, name) not in marks:
                known = False
                what = f"nothing is called {getattr(clock, name)}"
                yield ("clocks", i, name), "mark_unknown", what, "Use a mark of docs/reference/definition.md."
        if known:
            yield from _check_ends(plan, i, clock)
        for cause in clock.suspends:
            if cause not in causes:
                yield (
                    ("clocks", i, "suspends"),
                    "suspend_unknown",
                    f"no {cause} can stop it",
                    "Name a step or procedure.",
                )
            elif clock.stop == f"{cause}.done":
                what = f"it would stand still until {cause} is done, and then be over"
                yield ("clocks", i, "suspends"), "suspend_own", what, "Remove it."
        yield from _check_limits(plan, i, clock)
    named = {cause for clock in plan.clocks for cause in clock.suspends}
    for i, procedure in enumerate(plan.procedures):
        if procedure.id not in named:
            yield ("procedures", i), "procedure_useless", "it stops no clock", "Name it in suspends."


def _check_limits(plan: Plan, i: int, clock: Clock) -> Iterator[Complaint]:
    if clock.legal is None and clock.promised is None:
        yield ("clocks", i), "clock_empty", f"clock {clock.id} limits nothing", "Add legal or promised."
    elif clock.legal and clock.promised and may_exceed(clock.promised, clock.legal):
        yield ("clocks", i, "promised"), "promised_longer", "longer than the law allows", "Shorten it."
    if clock.extension is not None and clock.legal is None:
        yield ("clocks", i, "extension"), "extension_useless", "only a legal limit is extended", "Remove it."
    if clock.extension is not None and clock.legal is not None and clock.extension.unit is not clock.legal.unit:
        yield ("clocks", i, "extension"), "extension_unit", "in another unit than the limit", "Use the same unit."
    kind = _EXPIRY.get(clock.on_expiry)
    if kind is None:
        return
    if clock.legal is None:
        yield ("clocks", i, "on_expiry"), "expiry_without_law", "only a legal limit ends so", "Add legal."
    stops = [step for step in plan.steps if f"{step.id}.done" == clock.stop]
    if not stops or stops[0].kind is not kind or stops[0].way is not Way.PERSON:
        what = f"{clock.on_expiry} is for a clock that stops with a step of kind {kind}"
        yield ("clocks", i, "on_expiry"), "expiry_unfit", what, "Mend stop or on_expiry."


def _check_ends(plan: Plan, i: int, clock: Clock) -> Iterator[Complaint]:
    """Whether the stop comes, and after the start. A clock of a step that is left out is left out with it."""
    if clock.start == "closed":
        yield ("clocks", i, "start"), "clock_late", "nothing comes after the case is closed", "Start it earlier."
        return
    if clock.stop in {"received"} or clock.stop == clock.start:
        yield ("clocks", i, "stop"), "clock_backwards", "it stops before it starts", "Mend the marks."
        return
    kinds = {step.kind for step in plan.steps}
    for mark, kind in _SAID.items():
        if clock.stop == mark and kind not in kinds:
            yield ("clocks", i, "stop"), "clock_never_stops", f"nothing is ever {mark}", "Mend stop."
            return
        if clock.start == mark and kind not in kinds:
            yield ("clocks", i, "start"), "clock_never_starts", f"nothing is ever {mark}", "Mend start."
            return
    start, stop = _steps(plan, clock.start), _steps(plan, clock.stop)
    if not start or not stop:
        return  # receipt comes before everything, the end of the case after it
    before = {step.id: step.needs_closure(plan) for step in (*start, *stop)}
    if all(end.id in before[step.id] for end in stop for step in start):
        what = f"{_spelled(stop)} is over before {_spelled(start)}"
        yield ("clocks", i, "stop"), "clock_backwards", what, "Mend the marks."
    elif not any(end.id == step.id or step.id in before[end.id] for end in stop for step in start):
        what = f"{_spelled(stop)} does not wait for {_spelled(start)}, and may be over when the clock starts"
        yield ("clocks", i, "stop"), "clock_never_stops", what, "Mend the marks, or needs."


def _steps(plan: Plan, mark: str) -> list[StepPlan]:
    """The steps that bring a mark about."""
    kind, name = _SAID.get(mark), mark.rpartition(".")[0]
    return [step for step in plan.steps if step.id == name or step.kind is kind]


def _spelled(steps: list[StepPlan]) -> str:
    return ", ".join(step.id for step in steps)
