"""Never the same person: who decided a step that another one names may not decide that one; checklists are ticked."""

from __future__ import annotations

from pathlib import Path

from pydantic import JsonValue

from catalogue.compiler import compile_file
from catalogue.forms import conditions
from domain.plan import StepKind, bind
from domain.process import DecideCommand
from tests.law.people import CLERK, COLLEAGUE
from tests.unit.law_plans import ACCEPT, PERMIT, law_plan, law_step
from tests.unit.world import World

MINIMAL = Path(__file__).parents[1] / "definitions" / "good" / "minimal.yaml"


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


def test_eyes_of_a_step_that_does_not_apply_are_not_missed() -> None:
    checked = law_step("decide", StepKind.DECIDE, ("accept",), four_eyes=("check",))
    world = World(law_plan(ACCEPT, checked))
    world.accept()
    assert world.decide(world.task("decide"), "grant") is None


def test_a_step_that_happens_in_several_places_has_eyes_in_each() -> None:
    plan = compile_file(MINIMAL)
    roles = dict(plan.roles) | {"here": plan.roles["here"].model_copy(update={"region_field": "cities"})}
    review = plan.step("review").model_copy(update={"leg": "main", "role": "here", "when": ""})
    steps = tuple(review if s.id == "review" else s for s in plan.steps)
    several = plan.model_copy(update={"roles": roles, "accepting_role": "there", "steps": steps})
    form: dict[str, JsonValue] = {"name": "甲", "cities": ["320500", "310000"], "kind": "old"}
    bound = bind(several, form, conditions(plan, {"name": "甲", "city": "320500", "kind": "old"}))
    eyes = {name for s in bound.steps for name in s.four_eyes}
    assert eyes == {"review-310000", "review-320500"}
