"""What must never break, as checks over one case as it is stored. Numbers are those of docs/reference/invariants.md.

Each check yields sentences about what is broken; none of them trusts another row to be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from domain.audit import GENESIS, MIGRATED, SUPERSEDED, event_hash
from domain.calendar import WorkCalendar
from domain.case import CASE_TRANSITIONS, TERMINAL, CaseStatus
from domain.effects import AnswerStatus
from domain.messages import Message
from domain.plan import OUTCOMES, CasePlan, StepKind
from domain.process import clocks
from domain.record import AFTER_THE_END, CaseView, Event

STUCK_AFTER = timedelta(seconds=60)


class StoredEvent(Message):
    seq: int
    hash: str
    event: Event


class StoredEffect(Message):
    key: str
    leg: str
    step: str
    verb: str
    original: str
    intended_at: datetime
    answer: AnswerStatus | None


class StoredTask(Message):
    id: str
    state: str
    kind: str = ""


class CaseFile(Message):
    """One case with everything that is stored about it."""

    no: str
    status: CaseStatus
    closed_at: datetime | None
    recorded: int
    event_count: int
    head: str
    view: CaseView
    plan: CasePlan
    plan_digest: str
    plan_digest_matches: bool
    digest_matches: bool
    files_missing: tuple[str, ...]
    events: tuple[StoredEvent, ...]
    effects: tuple[StoredEffect, ...]
    tasks: tuple[StoredTask, ...]
    licences: tuple[str, ...]


def without_void(case: CaseFile) -> CaseFile:
    """The case without the events that a later batch has declared void."""
    void: set[int] = set()
    for stored in case.events:
        if stored.event.type == SUPERSEDED:
            void |= set(range(int(stored.event.data["from"]), int(stored.event.data["to"]) + 1))
    return case.model_copy(update={"events": tuple(e for e in case.events if e.seq not in void)}) if void else case


def files_are_there(case: CaseFile, now: datetime, calendar: WorkCalendar) -> Iterator[str]:
    """1: what the receipt vouches for is stored unchanged."""
    for digest in case.files_missing:
        yield f"file {digest} of the receipt is not in the store"
    if not case.digest_matches:
        yield "the application is not the one the receipt was given for"
    if not case.plan_digest_matches:
        yield "the pinned plan is not the one whose digest the case carries"


def one_effect_per_step(case: CaseFile, now: datetime, calendar: WorkCalendar) -> Iterator[str]:
    """5: at most one effect per step; none left when the case ended without success."""
    case = without_void(case)
    accepted = [e for e in case.effects if e.verb == "submit" and e.answer is AnswerStatus.ACCEPTED]
    reversed_keys = {e.original for e in case.effects if e.verb == "reverse" and e.answer is AnswerStatus.ACCEPTED}
    standing: dict[str, int] = {}
    settled = {"effect:reverse:settled_by_hand", "fee:kept"}
    by_hand = {e.event.step for e in case.events if e.event.type in settled}
    for effect in accepted:
        if effect.key not in reversed_keys:
            standing[effect.step] = standing.get(effect.step, 0) + 1
    for step, count in standing.items():
        if count > 1:
            yield f"step {step} has {count} effects"
    if case.status in TERMINAL and case.status is not CaseStatus.COMPLETED:
        undoable = {s.id for s in case.plan.steps if s.compensate_with}
        for step in standing:
            if step in undoable and step not in by_hand:
                yield f"the case ended as {case.status} but the effect of {step} stands"


def nothing_after_the_end(case: CaseFile, now: datetime, calendar: WorkCalendar) -> Iterator[str]:
    """6: after a withdrawal, or any early end, nothing new is asked of a province."""
    case = without_void(case)
    ends = [e.event.at for e in case.events if e.event.type in {"case:withdrawal:asked", "case:status:reversing"}]
    if case.closed_at is not None:
        ends.append(case.closed_at)
    if not ends:
        return
    for effect in case.effects:
        if effect.verb == "submit" and effect.intended_at > min(ends) + timedelta(seconds=1):
            asked = [
                e.event.at for e in case.events if e.event.type == "effect:submit:asked" and e.event.step == effect.step
            ]
            if not asked or min(asked) > min(ends):
                yield f"{effect.step} was submitted after the case was ending"


def audit_matches_state(case: CaseFile, now: datetime, calendar: WorkCalendar) -> Iterator[str]:
    """8: the audit trail leads exactly to the state that is shown."""
    case = without_void(case)
    path = _path(case.events)
    if not path or path[-1] != case.status:
        yield f"the audit trail ends in {path[-1] if path else 'nothing'}, the case says {case.status}"
    opened = [
        e.event.data.get("task", "")
        for e in case.events
        if e.event.type.startswith("task:") and e.event.type.endswith(":opened")
    ]
    if sorted(opened) != sorted(task.id for task in case.tasks):
        yield "tasks and their audit lines differ"
    if case.view.status != case.status:
        yield "the projection and its status column differ"
    issued = {s.id for s in case.plan.steps if s.licence_type}
    done = {e.event.step for e in case.events if e.event.type == "effect:submit:accepted" and e.event.step in issued}
    refused = {e.event.step for e in case.events if e.event.type == "effect:submit:unusable"}
    if len(case.licences) < len(done - refused):
        yield "a licence was granted but is not stored"


def pinned_as_told(case: CaseFile, now: datetime, calendar: WorkCalendar) -> Iterator[str]:
    """8: a case is moved to another version with a line in its trail, and not otherwise."""
    if case.plan.plan_digest != case.plan_digest:
        yield "the plan of the case is not of the version it is pinned to"
    moves = [e.event.data for e in without_void(case).events if e.event.type == MIGRATED]
    for earlier, later in pairwise(moves):
        if earlier["to_digest"] != later["from_digest"]:
            yield "between two moves the case was pinned to another version without a line"
    if moves and moves[-1]["to_digest"] != case.plan_digest:
        yield "the version it was moved to last is not the one it is pinned to"


def chain_verifies(case: CaseFile, now: datetime, calendar: WorkCalendar) -> Iterator[str]:
    """9: no event was edited, removed, reordered or cut off."""
    previous = GENESIS
    for number, stored in enumerate(case.events, 1):
        if stored.seq != number:
            yield f"event {number} is missing"
            return
        previous_hash = event_hash(previous, case.no, stored.seq, stored.event)
        if previous_hash != stored.hash:
            yield f"event {stored.seq} was changed"
            return
        previous = stored.hash
    if previous != case.head or case.event_count != len(case.events):
        yield "the chain does not end where the case says"


def path_is_allowed(case: CaseFile, now: datetime, calendar: WorkCalendar) -> Iterator[str]:
    """10 and 16: statuses follow the table, which never leads backwards; steps open after what they need."""
    case = without_void(case)
    path = _path(case.events)
    if path and path[0] is not CaseStatus.SUBMITTED:
        yield f"the path begins with {path[0]}"
    for before, after in pairwise(path):
        if after not in CASE_TRANSITIONS[before]:
            yield f"{before} was followed by {after}"
    steps = {step.id: step for step in case.plan.steps}
    gone = {name for e in case.events if e.event.type == MIGRATED for name in e.event.data["removed"].split(",")}
    done: set[str] = set()
    for stored in case.events:
        event = stored.event
        if event.step not in steps:
            if event.step and event.step not in gone:
                yield f"step {event.step} is not in the plan"
            continue
        if event.type in _OPENS and (missing := [n for n in steps[event.step].needs if n not in done]):
            yield f"{event.step} opened before {', '.join(missing)} was done"
        if _completes(event):
            done.add(event.step)


_GOOD = {f"task:{kind}:decided": good for kind, (good, _bad) in OUTCOMES.items()}
_OPENS = {"effect:submit:asked", "effect:offer:asked", "publicity:opened"} | {
    f"task:{kind}:opened" for kind in OUTCOMES if kind is not StepKind.PUBLICITY
}
_ENDS_STEP = {
    "effect:submit:accepted",
    "effect:fetch:accepted",
    "publicity:ended",
    "step:tolerated",
    "case:deemed_accepted",
    "case:deemed_granted",
}


def _completes(event: Event) -> bool:
    """Whether an event is the end of its step, after which others may open."""
    if event.type in _GOOD:
        return event.data.get("outcome") == _GOOD[event.type]
    replaced = event.type.startswith("evidence:") and event.type.endswith(":replaced")
    return replaced or event.type in _ENDS_STEP


def deadlines_are_right(case: CaseFile, now: datetime, calendar: WorkCalendar) -> Iterator[str]:
    """11: the deadline shown is the one that follows from start, limit and calendar."""
    defined = {clock.id: clock for clock in case.plan.clocks}
    for view in case.view.clocks:
        clock = defined.get(view.id)
        if clock is None:
            yield f"clock {view.id} is not in the plan"
            continue
        if view.stopped_at is not None:
            continue  # stopped under the calendar of its time
        extra = clocks.granted_days(clock, view.extension)
        for limit, shown, more in ((clock.legal, view.legal_due, extra), (clock.promised, view.promised_due, 0)):
            due = clocks.due(calendar, case.plan, view.started_on, limit, view.pauses, more).day if limit else None
            if due != shown:
                yield f"clock {view.id} shows {shown}, recomputed {due}"


def never_nobodys(case: CaseFile, now: datetime, calendar: WorkCalendar) -> Iterator[str]:
    """17: an open case has somebody who holds it, and no timer that should have fired long ago."""
    if case.closed_at is not None:
        if case.status not in TERMINAL:
            yield f"closed as {case.status}"
        if any(task.state == "open" and task.kind not in AFTER_THE_END for task in case.tasks):
            yield "closed with an open task"
        return
    if case.status in TERMINAL:
        yield f"{case.status} but not closed"
    if not case.view.waiting:
        yield "nobody holds it"
    if case.view.next_wake is not None and case.view.next_wake + STUCK_AFTER < now and case.recorded > 0:
        yield f"it should have woken at {case.view.next_wake.isoformat()}"
    if any(w.why == "task" for w in case.view.waiting) and not any(task.state == "open" for task in case.tasks):
        yield "it waits for a task that is not open"


CHECKS: Sequence[tuple[str, Callable[[CaseFile, datetime, WorkCalendar], Iterator[str]]]] = (
    ("1", files_are_there),
    ("5", one_effect_per_step),
    ("6", nothing_after_the_end),
    ("8", audit_matches_state),
    ("8", pinned_as_told),
    ("9", chain_verifies),
    ("10,16", path_is_allowed),
    ("11", deadlines_are_right),
    ("17", never_nobodys),
)


def _path(events: Sequence[StoredEvent]) -> list[CaseStatus]:
    prefix = "case:status:"
    return [CaseStatus(e.event.type.removeprefix(prefix)) for e in events if e.event.type.startswith(prefix)]
