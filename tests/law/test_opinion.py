"""征求意见: another body is asked for its opinion; nothing waits for it but whoever asked."""

from __future__ import annotations

from domain.process import OpinionCommand
from tests.law.people import CLERK, STRANGER, types
from tests.unit.law_plans import PERMIT
from tests.unit.world import World

ELSEWHERE = {"region": "330000", "department": "ecology"}


def ask(world: World, name: str = "o1", **fields: object) -> str | None:
    return world.order(OpinionCommand.model_validate({"id": name, "actor": CLERK} | ELSEWHERE | fields))


def test_the_other_body_gets_a_task_and_whoever_asked_is_not_held_up() -> None:
    world = World(PERMIT)
    assert ask(world) is None
    kinds = {task.kind for task in world.process.state.tasks.values()}
    assert kinds == {"accept", "opinion"}
    assert ("department", "opinion") in {(w.who, w.why) for w in world.batches[-1].view.waiting}
    assert world.decide(world.task("accept"), "accept") is None


def test_one_body_is_asked_once_at_a_time_and_only_by_who_has_a_task() -> None:
    world = World(PERMIT)
    assert ask(world, actor=STRANGER) == "not_found"
    assert ask(world) is None
    assert ask(world, "o2") == "opinion_open"
    assert ask(world, "o3", region="340000") is None


def test_an_opinion_that_was_given_is_on_record() -> None:
    world = World(PERMIT)
    assert ask(world) is None
    task = next(i for i, t in world.process.state.tasks.items() if t.kind == "opinion")
    assert world.decide(task, "disagree") is None
    assert types(world)[-1] == "task:opinion:decided"
    assert ask(world, "o2") is None
