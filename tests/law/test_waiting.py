"""Who has the ball, why, since when, until when, and what unblocks it: computed for every state that is no end."""

from __future__ import annotations

from itertools import product

import pytest

from domain.case import CASE_TRANSITIONS, SETTLED, TERMINAL, CaseStatus, StepStatus
from domain.effects import Verb
from domain.process import Intake
from domain.process.state import Undo, UndoStatus
from domain.process.view import view, waiting
from domain.record import TaskKind, Who
from domain.waiting import WHY
from tests.unit.law_plans import PERMIT
from tests.unit.plans import SIDE_BY_SIDE
from tests.unit.world import World

OPEN_CASES = sorted(set(CaseStatus) - TERMINAL)
OPEN_STEPS = sorted(set(StepStatus) - SETTLED)


@pytest.mark.parametrize(("case", "step"), list(product(OPEN_CASES, sorted(StepStatus))))
def test_no_state_that_is_no_end_is_without_somebody_who_has_the_ball(case: CaseStatus, step: StepStatus) -> None:
    world = World(SIDE_BY_SIDE)
    state = world.process.state
    state.status = case
    state.tasks.clear()
    for one in state.steps.values():
        one.status, one.calling = step, Verb.SUBMIT
    for held in (found := waiting(world.process)):
        assert held.why in WHY
        assert held.since
        assert WHY[held.why].unblocks.zh
    assert found
    shown = view(world.process, world.now)
    assert shown.waiting == found


@pytest.mark.parametrize("step", OPEN_STEPS)
def test_every_step_that_is_under_way_says_for_whom_it_waits(step: StepStatus) -> None:
    world = World(SIDE_BY_SIDE)
    name = next(iter(world.process.state.steps))
    for one in world.process.state.steps.values():
        one.status = StepStatus.DONE
    world.process.state.steps[name].status = step
    world.process.state.tasks.clear()
    if step is StepStatus.REVERSING:
        place = world.process.steps[name].place
        undo = Undo(step=name, key="k", operation="o", place=place, status=UndoStatus.RUNNING)
        world.process.state.undo.append(undo)
    first = waiting(world.process)[0]
    if step is StepStatus.WAITING:  # it waits for others, who have the ball
        assert (first.who, first.why) == (Who.SYSTEM, "processing")
    else:
        assert first.step == name
        assert first.why != "processing"


@pytest.mark.parametrize("kind", sorted(TaskKind))
def test_every_task_that_something_waits_for_is_named(kind: TaskKind) -> None:
    informs = {TaskKind.SUPERVISE, TaskKind.EXTENSION, TaskKind.REOPEN, TaskKind.FOLLOW_UP}
    of_steps = {TaskKind(k) for k in ("accept", "verify", "review", "decide", "consult", "notify")}
    of_steps |= {TaskKind(k) for k in ("inspection", "window", "deliver", "archive", "resolve")}
    world = World(PERMIT)
    before = len(waiting(world.process))
    world.process.open_task("", kind, world.process.accepting, ("a", "b"), world.now, about=f"x:{kind}")
    added = len(waiting(world.process)) - before
    assert added == (0 if kind in informs | of_steps else 1)


def test_signatures_are_the_applicants_ball_and_a_closed_case_is_nobodys() -> None:
    world = World(PERMIT, intake=Intake(signers=("bank",)))
    assert [w.why for w in waiting(world.process)] == ["signature"]
    closed = World(PERMIT)
    assert closed.decide(closed.task("accept"), "refuse") is None
    assert closed.process.state.status in TERMINAL
    assert waiting(closed.process) == ()


def test_no_status_leads_back_to_one_before_it() -> None:
    """The citizen's status never goes backwards: the table has no circle."""

    def reaches(start: CaseStatus, seen: frozenset[CaseStatus] = frozenset()) -> frozenset[CaseStatus]:
        for following in CASE_TRANSITIONS[start] - seen:
            seen = reaches(following, seen | {following})
        return seen

    for status in CaseStatus:
        assert status not in reaches(status), status
