"""Never the same person: who decided a step that another one names may not decide that one; checklists are ticked."""

from __future__ import annotations

from domain.process import DecideCommand
from tests.law.people import CLERK, COLLEAGUE
from tests.unit.law_plans import PERMIT
from tests.unit.world import World


def checked_by_clerk() -> World:
    world = World(PERMIT)
    world.accept()
    world.answer(world.flight("effect"))
    task = world.task("check")
    assert world.order(DecideCommand(id="c", task=task, outcome="pass", ticked=("form",), actor=CLERK)) is None
    return world


def test_who_checked_does_not_decide() -> None:
    world = checked_by_clerk()
    task = world.task("decide")
    assert world.order(DecideCommand(id="d1", task=task, outcome="grant", actor=CLERK)) == "same_person"
    assert world.order(DecideCommand(id="d2", task=task, outcome="refuse", actor=CLERK)) == "same_person"
    assert world.order(DecideCommand(id="d3", task=task, outcome="grant", actor=COLLEAGUE)) is None


def test_every_mandatory_line_is_ticked_before_the_good_outcome_and_not_before_the_bad_one() -> None:
    world = World(PERMIT)
    world.accept()
    task = world.task("check")
    wrong = DecideCommand(id="1", task=task, outcome="pass", ticked=("nice",), actor=CLERK)
    assert world.order(wrong) == "checklist_incomplete"
    assert world.order(DecideCommand(id="2", task=task, outcome="fail", actor=CLERK)) is None
