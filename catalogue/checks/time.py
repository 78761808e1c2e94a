"""Clocks: marks that come, in an order that ends, limits that the law allows, expiry that fits."""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.reading import Complaint
from domain.plan import Clock, Limit, OnExpiry, Plan, StepKind, StepPlan, Unit, Way

CASE_MARKS = ("received", "accepted", "decided", "closed")
_EXPIRY = {
    OnExpiry.DEEMED_ACCEPTED: StepKind.ACCEPT,
    OnExpiry.DEEMED_GRANTED: StepKind.DECIDE,
    OnExpiry.DEEMED_REFUSED: StepKind.DECIDE,
}


def longest_days(limit: Limit) -> float:
    """A limit in calendar days, at the least: five working days are seven."""
    return limit.days * 7 / 5 if limit.unit is Unit.WORKING_DAY else float(limit.days)


def check(plan: Plan) -> Iterator[Complaint]:
    """Each clock, and what is there for clocks only."""
    marks = {*CASE_MARKS} | {f"{step.id}.{what}" for step in plan.steps for what in ("started", "done")}
    causes = {"supplement"} | {step.id for step in plan.steps} | {p.id for p in plan.procedures}
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
        yield from _check_limits(plan, i, clock)
    named = {cause for clock in plan.clocks for cause in clock.suspends}
    for i, procedure in enumerate(plan.procedures):
        if procedure.id not in named:
            yield ("procedures", i), "procedure_useless", "it stops no clock", "Name it in suspends."


def _check_limits(plan: Plan, i: int, clock: Clock) -> Iterator[Complaint]:
    if clock.legal is None and clock.promised is None:
        yield ("clocks", i), "clock_empty", f"clock {clock.id} limits nothing", "Add legal or promised."
    elif clock.legal and clock.promised and longest_days(clock.promised) > longest_days(clock.legal):
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
    for mark, kind in (("accepted", StepKind.ACCEPT), ("decided", StepKind.DECIDE)):
        if clock.stop == mark and kind not in kinds:
            yield ("clocks", i, "stop"), "clock_never_stops", f"nothing is ever {mark}", "Mend stop."
            return
    start, stop = _step(plan, clock.start), _step(plan, clock.stop)
    if stop is None:
        return
    if start is not None and start.id != stop.id and stop.id in start.needs_closure(plan):
        yield ("clocks", i, "stop"), "clock_backwards", f"{stop.id} is over before {start.id}", "Mend the marks."
    elif clock.start == "decided" and not _after_decision(plan, stop):
        yield ("clocks", i, "stop"), "clock_backwards", f"{stop.id} is over before the decision", "Mend the marks."


def _after_decision(plan: Plan, step: StepPlan) -> bool:
    decisions = {s.id for s in plan.steps if s.kind is StepKind.DECIDE}
    return bool(decisions & step.needs_closure(plan))


def _step(plan: Plan, mark: str) -> StepPlan | None:
    name = mark.rpartition(".")[0]
    return next((step for step in plan.steps if step.id == name), None)
