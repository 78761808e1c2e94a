"""The plan that a case has after a move: what has begun as it was begun, the rest as the new version has it.

Whatever refers to the plan later - a retry, an open promise, a limit that has run out, the explanation of a date -
finds there what it began with. Also what of two plans still differs for a case.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from domain.calendar import WorkCalendar
from domain.case import SETTLED, StepStatus
from domain.messages import Text
from domain.plan import CaseMaterial, CasePlan, CaseStep, Clock, Limit, Procedure, StepKind, Way
from domain.process import clocks
from domain.record import CaseView, ClockView, StepView

_NEVER_SENT = {StepStatus.WAITING, StepStatus.SKIPPED, StepStatus.CANCELLED}
_WAS_DONE = {StepStatus.DONE, StepStatus.REVERSING, StepStatus.REVERSED}


def begun(shown: StepView) -> bool:
    """Whether anything has happened with a step."""
    return shown.status is not StepStatus.WAITING


def refused(shown: StepView) -> bool:
    """Whether the last word of its province was a definite no: it is asked again under a new key, if at all."""
    return shown.status is StepStatus.REJECTED or (shown.status is StepStatus.RESOLVE and not shown.trouble)


def calls_stand(step: CaseStep, shown: StepView) -> bool:
    """Whether a call of this step is under way, or has or may have taken effect."""
    if step.kind is StepKind.EVIDENCE and shown.status is StepStatus.DONE:
        return False  # it was read, and is in the file
    return step.way is Way.SYSTEM and shown.status not in _NEVER_SENT and not refused(shown)


def happened(plan: CasePlan, shown: CaseView, mark: str) -> bool:
    """Whether a mark of clocks lies behind the case."""
    status = {s.id: s.status for s in shown.steps}
    if mark == "received":
        return shown.received_on is not None
    if mark in {"accepted", "decided"}:
        kind = StepKind.ACCEPT if mark == "accepted" else StepKind.DECIDE
        found = [status.get(s.id) in _WAS_DONE for s in plan.steps if s.kind is kind]
        return any(found) if mark == "accepted" else bool(found) and all(found)
    name, _, what = mark.rpartition(".")
    if name not in status:
        return False  # a step that is not there, or the end of the case
    if what == "done":
        return status[name] in _WAS_DONE
    return status[name] not in {StepStatus.WAITING, StepStatus.SKIPPED}


def successor(plan: CasePlan, shown: CaseView, new: CasePlan, calendar: WorkCalendar, now: datetime) -> CasePlan:
    """The plan after the move, for a case that may be moved."""
    ids = {step.id for step in new.steps}
    old, seen = {s.id: s for s in plan.steps}, {s.id: s for s in shown.steps}
    steps = tuple(_step(old[s.id], s, seen[s.id], ids) if s.id in old else s for s in new.steps)
    changed = new.model_copy(
        update={
            "steps": steps,
            "procedures": _procedures(plan, shown, new),
            "materials": _materials(plan, shown, new),
        }
    )
    return changed.model_copy(update={"clocks": _clocks(plan, shown, changed, calendar, now)})


def _step(old: CaseStep, new: CaseStep, shown: StepView, ids: set[str]) -> CaseStep:
    """A step that has begun needed what it needed, and has sent and shown what it has sent and shown."""
    if not begun(shown):
        return new
    kept: dict[str, object] = {"needs": tuple(name for name in old.needs if name in ids)}
    if not refused(shown):
        kept |= {"send": old.send, "purpose": old.purpose, "refund_on": old.refund_on}
    return new.model_copy(update=kept)


def _procedures(plan: CasePlan, shown: CaseView, new: CasePlan) -> tuple[Procedure, ...]:
    used = {p.id for p in shown.procedures}
    return (*(p for p in new.procedures if p.id not in used), *(p for p in plan.procedures if p.id in used))


def _materials(plan: CasePlan, shown: CaseView, new: CasePlan) -> tuple[CaseMaterial, ...]:
    """A promise stays what was promised, with the consequence that was shown; paper under way has to arrive."""
    kept = {p.material for p in shown.promises} | {name for name, stage in shown.originals.items() if stage}
    return (*(m for m in new.materials if m.id not in kept), *(m for m in plan.materials if m.id in kept))


def _clocks(plan: CasePlan, shown: CaseView, new: CasePlan, calendar: WorkCalendar, now: datetime) -> tuple[Clock, ...]:
    """What has stopped stays as it was; a limit that has run out stays, unless there is now time left."""
    old, seen, found = {c.id: c for c in plan.clocks}, {c.id: c for c in shown.clocks}, []
    for clock in new.clocks:
        state = seen.get(clock.id)
        if state is None or state.dropped:
            found.append(clock)
        elif state.stopped_at is not None:
            found.append(old[clock.id])
        else:
            found.append(_running(old[clock.id], clock, state, new, calendar, now))
    ids = {clock.id for clock in new.clocks}
    return (*found, *(old[name] for name in seen if name not in ids))


def _running(old: Clock, clock: Clock, state: ClockView, new: CasePlan, calendar: WorkCalendar, now: datetime) -> Clock:
    extra = clocks.granted_days(clock, state.extension)
    kept = {}
    for name, over, more in (("legal", state.legal_overdue, extra), ("promised", state.promised_overdue, 0)):
        limit: Limit | None = getattr(clock, name)
        if over and (limit is None or now >= clocks.end_of(_due(calendar, new, state, limit, more))):
            kept[name] = getattr(old, name)
    return clock.model_copy(update=kept)


def _due(calendar: WorkCalendar, plan: CasePlan, state: ClockView, limit: Limit, extra: int) -> date:
    return clocks.due(calendar, plan, state.started_on, limit, state.pauses, extra).day


def changed_dues(shown: CaseView, after: CasePlan, calendar: WorkCalendar) -> Iterator[tuple[Text, str, str]]:
    """Every running limit that ends on another day after the move: its title, the day now, the day then."""
    defined = {clock.id: clock for clock in after.clocks}
    for state in shown.clocks:
        clock = defined[state.id]
        if state.stopped_at is not None:
            continue
        extra = clocks.granted_days(clock, state.extension)
        for limit, day, more in ((clock.legal, state.legal_due, extra), (clock.promised, state.promised_due, 0)):
            then = _due(calendar, after, state, limit, more) if limit else None
            if then != day:
                yield clock.title, day.isoformat() if day else "-", then.isoformat() if then else "-"


def in_force(plan: CasePlan, shown: CaseView) -> CasePlan:
    """The plan without the clocks that it keeps for being read only: what a case is moved back to later."""
    dropped = {c.id for c in shown.clocks if c.dropped}
    return plan.model_copy(update={"clocks": tuple(c for c in plan.clocks if c.id not in dropped)})


def differs(plan: CasePlan, shown: CaseView, new: CasePlan, after: CasePlan) -> bool:
    """Whether anything that is left of a case is another in ``after``, its plan once it is moved to ``new``."""
    before = _left(plan, shown, {c.id for c in in_force(plan, shown).clocks})
    return before != _left(after, shown, {c.id for c in new.clocks})


def _left(plan: CasePlan, shown: CaseView, running: set[str]) -> object:
    over = {s.id for s in shown.steps if s.status in SETTLED}
    steps = [step for step in plan.steps if step.id not in over]
    used = {step.leg for step in steps}
    stopped = {c.id for c in shown.clocks if c.stopped_at is not None and not c.dropped}
    return (
        steps,
        [leg for leg in plan.legs if leg.id in used],
        [c for c in plan.clocks if c.id in running - stopped and not happened(plan, shown, c.stop)],
        sorted(plan.procedures, key=lambda p: p.id),
        sorted(plan.materials, key=lambda m: m.id),
        (plan.accepting, plan.collecting, plan.reply, plan.partial),
    )
