"""Every invariant holds for a case that ran well, and each is tripped by its own mutant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.audit import GENESIS, event_hash
from domain.case import CaseStatus
from domain.effects import AnswerStatus, Verb
from domain.invariants import CHECKS, CaseFile, StoredEffect, StoredEvent, StoredTask
from domain.messages import Actor, Role
from domain.plan import StepKind
from domain.record import Event, TaskState
from tests.unit.plans import CASE_NO, LIBRARY, LICENCE, NOW, moving
from tests.unit.plans import step as step_of
from tests.unit.successors import between, move, version, without
from tests.unit.world import World, finish

LATER = NOW + timedelta(hours=1)


def ran(*, withdrawn: bool = False) -> World:
    """A company move, granted; or withdrawn when tax and file had taken effect."""
    world = World(moving())
    while not world.closed:
        for step in ("representative", "shareholder"):
            if world.process.state.steps[step].available and world.step(step) == "preview":
                world.evidence(step, accept=True)
        for flight in list(world.flights):
            world.answer(flight)
        if withdrawn and world.step("decide") == "task":
            world.withdraw()
            finish(world)
            break
        for task_id, task in list(world.process.state.tasks.items()):
            world.decide(task_id, task.outcomes[0])
    return world


def file_of(world: World) -> CaseFile:
    """The case as it would be stored."""
    first = Event(type="case:status:submitted", at=NOW, actor=Actor(subject="c-1", role=Role.CITIZEN))
    events, head = [], GENESIS
    for number, event in enumerate([first, *(e for batch in world.batches for e in batch.events)], 1):
        head = event_hash(head, CASE_NO, number, event)
        events.append(StoredEvent(seq=number, hash=head, event=event))
    tasks = {}
    for batch in world.batches:
        for change in batch.tasks:
            tasks[change.id] = StoredTask(id=change.id, state=change.state)
    asked = {(e.event.step, e.event.type): e.event.at for e in events}
    effects = [
        StoredEffect(
            key=key,
            leg=world.process.steps[entry.call.step].leg,
            step=entry.call.step,
            verb=entry.call.verb,
            original=entry.call.original,
            intended_at=asked.get((entry.call.step, f"effect:{entry.call.verb}:asked"), NOW),
            answer=entry.status,
        )
        for key, entry in world.receiver.entries.items()
    ]
    view = world.batches[-1].view
    return CaseFile(
        no=CASE_NO,
        status=view.status,
        closed_at=view.closed_at,
        recorded=len(world.batches),
        event_count=len(events),
        head=head,
        view=view,
        plan=world.process.plan,
        plan_digest=world.process.plan.plan_digest,
        plan_digest_matches=True,
        digest_matches=True,
        files_missing=(),
        events=tuple(events),
        effects=tuple(effects),
        tasks=tuple(tasks.values()),
        licences=tuple(issued.identifier for batch in world.batches for issued in batch.licences),
    )


def broken(case: CaseFile) -> set[str]:
    """The numbers of the invariants that do not hold."""
    return {number for number, check in CHECKS if list(check(case, LATER, LIBRARY.calendar))}


def moved() -> World:
    """A company move that was moved to another version and on to a third, which has one step more and one less."""
    world = World(moving())
    for task_id, task in list(world.process.state.tasks.items()):
        world.decide(task_id, task.outcomes[0])
    assert move(world, between(world.plan, step_of("again", StepKind.REVIEW, ("accept",)), "decide")) is None
    assert move(world, without(version(world.plan, "3"), "licence"), "r2") is None
    finish(world)
    return world


GRANTED = file_of(ran())
WITHDRAWN = file_of(ran(withdrawn=True))
OPEN = file_of(World(moving()))
MOVED = file_of(moved())


@pytest.mark.parametrize("case", [GRANTED, WITHDRAWN, OPEN, MOVED], ids=["granted", "withdrawn", "open", "moved"])
def test_a_case_that_ran_well_breaks_nothing(case: CaseFile) -> None:
    assert broken(case) == set()


def test_the_two_ends_are_the_ones_meant() -> None:
    assert GRANTED.status is CaseStatus.COMPLETED
    assert GRANTED.licences == (LICENCE,)
    assert WITHDRAWN.status is CaseStatus.WITHDRAWN
    assert {e.step for e in WITHDRAWN.effects if e.verb == Verb.REVERSE} == {"tax", "archive"}


def _event(case: CaseFile, at: int, **changes: object) -> CaseFile:
    events = list(case.events)
    event = events[at].event.model_copy(update=changes)
    events[at] = events[at].model_copy(update={"event": event})
    return case.model_copy(update={"events": tuple(events)})


def _rechained(case: CaseFile, events: list[Event]) -> CaseFile:
    """As somebody would do it who can also recompute hashes: the chain alone does not notice."""
    head, stored = GENESIS, []
    for number, event in enumerate(events, 1):
        head = event_hash(head, case.no, number, event)
        stored.append(StoredEvent(seq=number, hash=head, event=event))
    return case.model_copy(update={"events": tuple(stored), "head": head, "event_count": len(stored)})


def _swapped(case: CaseFile) -> CaseFile:
    events = list(case.events)
    events[3], events[4] = events[4], events[3]
    return case.model_copy(update={"events": tuple(events)})


def _second_effect(case: CaseFile) -> CaseFile:
    tax = next(e for e in case.effects if e.step == "tax")
    return case.model_copy(update={"effects": (*case.effects, tax.model_copy(update={"key": "f" * 64}))})


def _effect_left(case: CaseFile) -> CaseFile:
    return case.model_copy(update={"effects": tuple(e for e in case.effects if e.verb != Verb.REVERSE)})


def _effect_after_end(case: CaseFile) -> CaseFile:
    late = StoredEffect(
        key="e" * 64, leg="destination", step="register", verb="submit", original="",
        intended_at=LATER, answer=AnswerStatus.REJECTED,
    )  # fmt: skip
    return case.model_copy(update={"effects": (*case.effects, late)})


def _status_back(case: CaseFile) -> CaseFile:
    events = [stored.event for stored in case.events]
    back = Event(type="case:status:received", at=LATER, actor=events[1].actor)
    return _rechained(case, [*events[:-1], back, events[-1]])


def _step_too_early(case: CaseFile) -> CaseFile:
    events = [stored.event for stored in case.events]
    asked = next(i for i, e in enumerate(events) if e.type == "effect:submit:asked" and e.step == "register")
    return _rechained(case, [*events[:2], events[asked], *events[2:asked], *events[asked + 1 :]])


def _view(case: CaseFile, **changes: object) -> CaseFile:
    return case.model_copy(update={"view": case.view.model_copy(update=changes)})


def _wrong_deadline(case: CaseFile) -> CaseFile:
    clock = case.view.clocks[0]
    assert clock.legal_due is not None
    moved = clock.model_copy(update={"legal_due": clock.legal_due + timedelta(days=1)})
    return _view(case, clocks=(moved, *case.view.clocks[1:]))


def _open_task_left(case: CaseFile) -> CaseFile:
    left = case.tasks[0].model_copy(update={"state": TaskState.OPEN})
    return case.model_copy(update={"tasks": (left, *case.tasks[1:])})


def _pinned(case: CaseFile, digest: str) -> CaseFile:
    plan = case.plan.model_copy(update={"plan_digest": digest})
    return case.model_copy(update={"plan": plan, "plan_digest": digest})


def _two_moves_that_do_not_meet(case: CaseFile) -> CaseFile:
    events = [stored.event for stored in case.events]
    told = next(i for i, e in enumerate(events) if e.type == "case:migrated")
    other = events[told].model_copy(update={"data": dict(events[told].data) | {"to_digest": "e" * 64}})
    return _rechained(case, [*events[:told], other, *events[told + 1 :]])


def _unknown_step(case: CaseFile) -> CaseFile:
    events = [stored.event for stored in case.events]
    return _rechained(case, [*events, Event(type="step:skipped", at=LATER, actor=events[1].actor, step="nowhere")])


Mutant = tuple[str, CaseFile, Callable[[CaseFile], CaseFile], str]
MUTANTS: list[Mutant] = [
    ("a file is gone", GRANTED, lambda c: c.model_copy(update={"files_missing": ("a" * 64,)}), "1"),
    ("the form was edited", GRANTED, lambda c: c.model_copy(update={"digest_matches": False}), "1"),
    ("the plan was edited", GRANTED, lambda c: c.model_copy(update={"plan_digest_matches": False}), "1"),
    ("an effect stands twice", GRANTED, _second_effect, "5"),
    ("an effect was not undone", WITHDRAWN, _effect_left, "5"),
    ("an effect after the withdrawal", WITHDRAWN, _effect_after_end, "6"),
    ("the status was set by hand", GRANTED, lambda c: c.model_copy(update={"status": CaseStatus.WITHDRAWN}), "8"),
    ("a task without its audit line", OPEN, lambda c: c.model_copy(update={"tasks": ()}), "8"),
    ("the licence is gone", GRANTED, lambda c: c.model_copy(update={"licences": ()}), "8"),
    ("an event was edited", GRANTED, lambda c: _event(c, 5, data={"reference": "forged"}), "9"),
    ("an actor was exchanged", GRANTED, lambda c: _event(c, 0, actor=c.events[3].event.actor), "9"),
    ("an event was removed", GRANTED, lambda c: c.model_copy(update={"events": c.events[:4] + c.events[5:]}), "9"),
    ("events were reordered", GRANTED, _swapped, "9"),
    ("the tail was cut off", GRANTED, lambda c: c.model_copy(update={"events": c.events[:-2]}), "9"),
    ("the status went backwards", GRANTED, _status_back, "10,16"),
    ("a step opened too early", GRANTED, _step_too_early, "10,16"),
    ("it is pinned to another version without a line", MOVED, lambda c: _pinned(c, "f" * 64), "8"),
    ("two moves that do not meet", MOVED, _two_moves_that_do_not_meet, "8"),
    ("the plan is not the one it is pinned to", MOVED, lambda c: c.model_copy(update={"plan_digest": "f" * 64}), "8"),
    ("an event of a step that never was", MOVED, _unknown_step, "10,16"),
    ("the deadline shown is another", OPEN, _wrong_deadline, "11"),
    ("nobody holds it", OPEN, lambda c: _view(c, waiting=()), "17"),
    ("its timer did not ring", OPEN, lambda c: _view(c, next_wake=NOW - timedelta(hours=2)), "17"),
    ("closed with an open task", GRANTED, _open_task_left, "17"),
    ("ended but not closed", GRANTED, lambda c: c.model_copy(update={"closed_at": None}), "17"),
]


@pytest.mark.parametrize(("case", "mutate", "number"), [m[1:] for m in MUTANTS], ids=[m[0] for m in MUTANTS])
def test_a_mutant_trips_its_invariant(case: CaseFile, mutate: Callable[[CaseFile], CaseFile], number: str) -> None:
    assert number in broken(mutate(case))


def test_every_invariant_has_a_mutant() -> None:
    assert {mutant[3] for mutant in MUTANTS} == {number for number, _ in CHECKS}
