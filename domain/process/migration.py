"""Moving a case to another version of its definition: whether it may, and what becomes of what it remembers.

The check looks at nothing but what is on record of a case, so that a dry run over thousands of cases and the case
itself, when the order arrives, go by one rule. What has begun stays as it was begun; the rest is the new version's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from domain.case import SETTLED, CaseStatus, StepStatus
from domain.errors import ERRORS
from domain.messages import Message, Role, Text
from domain.plan import ENGINE, CasePlan, CaseStep, Limit, Policy, StepKind, Unit
from domain.process import carried_clocks, clocks
from domain.process.orders import MigrateCommand, Stage
from domain.process.state import Extension, SupplementStatus
from domain.process.successor import begun, calls_stand, successor
from domain.process.view import view
from domain.record import CaseView, StepView

if TYPE_CHECKING:
    from domain.process.engine import Process

_MOVED_BY = {Role.OPERATOR, Role.SYSTEM}
_UNDECIDED = {CaseStatus.RECEIVED, CaseStatus.ACCEPTED, CaseStatus.UNDER_REVIEW}
_GRANTED = {CaseStatus.DECIDED_GRANTED, CaseStatus.CERTIFICATE_MAKING}
_DECIDES = {StepKind.ACCEPT, StepKind.DECIDE}


class Block(Message):
    """Why a case cannot be moved: a key of ``ERRORS``, the step it is about, what exactly it is."""

    code: str
    step: str = ""
    about: Text | None = None

    @property
    def text(self) -> Text:
        """In words."""
        said = ERRORS[self.code].text
        return said if self.about is None else Text(zh=f"{said.zh}{self.about.zh}", en=f"{said.en} {self.about.en}")


class Change:
    """A case as it is on record, and the plan it would be moved to."""

    def __init__(self, plan: CasePlan, shown: CaseView, new: CasePlan) -> None:
        self.plan, self.view, self.new = plan, shown, new
        self.old = {s.id: s for s in plan.steps}
        self.after = {s.id: s for s in new.steps}
        self.seen = {s.id: s for s in shown.steps}

    def begun(self) -> Iterator[tuple[CaseStep, CaseStep, StepView]]:
        """The steps that have begun and are in both plans: as they are, as they would be, how they stand."""
        for name, shown in self.seen.items():
            if begun(shown) and name in self.after:
                yield self.old[name], self.after[name], shown


def check(plan: CasePlan, shown: CaseView, new: CasePlan) -> tuple[Block, ...]:
    """Everything that keeps a case that is pinned to ``plan`` from being moved to ``new``; nothing if it may be."""
    if shown.closed_at is not None or shown.target is not None:
        return (Block(code="migration_ending"),)
    change = Change(plan, shown, new)
    return tuple(block for rule in _RULES for block in rule(change))


def _whole(change: Change) -> Iterator[Block]:
    """The service, the engine and who answers for it are the same."""
    plan, new = change.plan, change.new
    if new.code != plan.code:
        yield Block(code="migration_service", about=Text(zh=new.code, en=new.code))
    if new.engine != ENGINE:
        yield Block(code="migration_engine", about=Text(zh=f"引擎 {new.engine}", en=f"engine {new.engine}"))
    if new.accepting != plan.accepting:
        said = Text(zh="受理机关不同", en="another authority accepts")
        yield Block(code="migration_place", about=said)
    if new.collecting != plan.collecting and Stage.SEALED in change.view.originals.values():
        said = Text(zh="原件已封装，代收机关不同", en="an original is sealed, and another authority collects")
        yield Block(code="migration_place", about=said)


def _steps(change: Change) -> Iterator[Block]:
    """What has begun is there, in the same place, of the same kind."""
    for name, shown in change.seen.items():
        if begun(shown) and name not in change.after:
            title = change.old[name].title
            said = Text(zh=f"“{title.zh}”已开始", en=f"{title.en} has begun")
            yield Block(code="migration_step_removed", step=name, about=said)
    for old, new, _ in change.begun():
        what = [words for key, words in _SAME.items() if getattr(old, key) != getattr(new, key)]
        if what:
            said = Text(
                zh=f"“{old.title.zh}”已开始：{'、'.join(w.zh for w in what)}不同",
                en=f"{old.title.en} has begun: another {', '.join(w.en for w in what)}",
            )
            yield Block(code="migration_step_changed", step=old.id, about=said)


_SAME = {
    "leg": Text(zh="分段", en="leg"),
    "kind": Text(zh="类型", en="kind"),
    "role": Text(zh="部门", en="role"),
    "place": Text(zh="办理地", en="place"),
    "way": Text(zh="办理方式", en="way of doing it"),
}


def _calls(change: Change) -> Iterator[Block]:
    """What a province was asked for can be found, and undone, as it was asked for."""
    for old, new, shown in change.begun():
        what = [key for key in _AS_ASKED if getattr(old, key) != getattr(new, key)]
        if what and old.way is new.way and calls_stand(old, shown):
            said = Text(zh=f"“{old.title.zh}”：{'、'.join(what)}", en=f"{old.title.en}: {', '.join(what)}")
            yield Block(code="migration_call_changed", step=old.id, about=said)


_AS_ASKED = ("operation", "compensate_with", "licence_type")


def _order(change: Change) -> Iterator[Block]:
    """Nothing unfinished comes to stand before what has begun; each step answers for what it needs itself."""
    over = {s.id for s in change.view.steps if s.status is StepStatus.DONE or s.tolerated}
    settled = {s.id for s in change.view.steps if s.status in SETTLED}
    for old, new, shown in change.begun():
        if shown.status is StepStatus.SKIPPED:
            continue
        before = _closure(change.old, old)
        missing = [name for name in new.needs if name not in before | over]
        in_turn = _earlier(change.new, new.leg) - _earlier(change.plan, old.leg)
        missing += sorted(in_turn - settled - set(missing))
        for name in missing:
            first = change.after[name].title
            said = Text(
                zh=f"“{first.zh}”须先于已开始的“{new.title.zh}”完成",
                en=f"{first.en} would come before {new.title.en}, which has begun",
            )
            yield Block(code="migration_step_before", step=name, about=said)


def _closure(steps: dict[str, CaseStep], step: CaseStep) -> set[str]:
    """Everything that a step waits for, directly or not."""
    found: set[str] = set()
    todo = list(step.needs)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += steps[name].needs
    return found


def _earlier(plan: CasePlan, leg: str) -> set[str]:
    """The steps that come first because legs are carried out one after another."""
    legs = [each.id for each in plan.legs]
    if plan.partial.policy is not Policy.ORDERED or leg not in legs:
        return set()
    return {step.id for step in plan.steps if step.leg in legs[: legs.index(leg)]}


def _rules_in_use(change: Change) -> Iterator[Block]:
    """A rule that has led to something already stays the rule: partial results, extensions, the grant."""
    gone = {StepStatus.SKIPPED, StepStatus.REVERSING, StepStatus.REVERSED}
    lost = [s for s in change.view.steps if s.status in gone or (s.failed and not s.tolerated)]
    if lost and change.new.partial != change.plan.partial:
        title = change.old[lost[0].id].title
        said = Text(zh=f"“{title.zh}”未办成", en=f"{title.en} has failed")
        yield Block(code="migration_partial", step=lost[0].id, about=said)
    defined, after = {c.id: c for c in change.plan.clocks}, {c.id: c for c in change.new.clocks}
    for state in change.view.clocks:
        if (state.stopped_at is not None and not state.dropped) or state.extension not in _EXTENDED:
            continue
        clock, new = defined[state.id], after.get(state.id)
        open_ = state.extension == Extension.ASKED  # somebody has to say yes or no to it
        if (new is None and open_) or (new is not None and _length(new.extension) != _length(clock.extension)):
            yield Block(code="migration_extension", about=clock.title)
    if change.view.status in _GRANTED:
        for step in change.new.steps:
            if step.kind in _DECIDES and step.id not in change.old:
                yield Block(code="migration_decided", step=step.id, about=step.title)


def _length(limit: Limit | None) -> tuple[int, Unit] | None:
    return None if limit is None else (limit.days, limit.unit)


_EXTENDED = {Extension.ASKED.value, Extension.GRANTED.value}
_RULES: tuple[Callable[[Change], Iterator[Block]], ...] = (_whole, _steps, _calls, _order, _rules_in_use)


# the order


def check_order(process: Process, command: MigrateCommand) -> str | None:
    """Only an operator, from the version he has looked at, and if nothing keeps the case from it."""
    if command.actor.role not in _MOVED_BY:
        return "not_found"
    if command.before != process.plan.plan_digest:
        return "migration_stale"
    blocks = check(process.plan, view(process, process.state.since), command.plan)
    return blocks[0].code if blocks else None


def carry_out(process: Process, command: MigrateCommand, now: datetime) -> None:
    """The plan changes; what is remembered is carried over. What can open now is opened by the caller."""
    old, shown = process.plan, view(process, now)
    plan = successor(old, shown, command.plan, process.calendar, now)
    ids, known = {s.id for s in plan.steps}, {s.id for s in old.steps}
    data = {
        "from": old.version,
        "to": plan.version,
        "from_digest": old.plan_digest,
        "to_digest": plan.plan_digest,
        "run": command.run,
        "added": ",".join(s.id for s in plan.steps if s.id not in known),
        "removed": ",".join(s.id for s in old.steps if s.id not in ids),
        "command": command.id,
    }
    process.note("case:migrated", now, actor=command.actor, data=data)
    _follow_transfer(process, old, plan)
    process.pin(plan, now)
    for supplement in process.state.supplements.values():
        if supplement.status is SupplementStatus.OPEN:
            supplement.limit = supplement.limit or old.reply
    originals = process.state.originals
    process.state.originals = {m.id: originals.get(m.id) for m in plan.materials if m.original}
    carried_clocks.carry(process, old, shown, command.plan, now)
    _follow_decisions(process, now)


def _follow_transfer(process: Process, old: CasePlan, plan: CasePlan) -> None:
    """After a 移送, what the new version adds at the old place is the new place's too."""
    moved, places = process.state.moved, {s.id: s.place for s in old.steps}
    for step in plan.steps:
        if places.get(step.id) != step.place:
            moved.pop(step.id, None)
            if "" in moved and step.place == plan.accepting:
                moved[step.id] = moved[""]
    for name in sorted(set(places) - {s.id for s in plan.steps}):
        moved.pop(name, None)


def _follow_decisions(process: Process, now: datetime) -> None:
    """A decision that is not wanted any more may have been the last."""
    decisions = [s.id for s in process.plan.steps if s.kind is StepKind.DECIDE]
    given = decisions and all(process.state.steps[i].status is StepStatus.DONE for i in decisions)
    if given and process.state.status in _UNDECIDED:
        process.set_status(CaseStatus.DECIDED_GRANTED, now)
        clocks.mark(process, "decided", now)
