"""What becomes of the rest when one leg fails: all or nothing, the best that can be done, in order, a quorum."""

from __future__ import annotations

from domain.case import CaseStatus, StepStatus
from domain.plan import Policy
from tests.unit.law_plans import in_legs
from tests.unit.receiver import ACCEPTED, REJECTED
from tests.unit.world import World, finish


def failing(policy: Policy, *bad: str, quorum: int = 0, essential: tuple[str, ...] = ()) -> World:
    """All goes well but the second step of the legs named."""
    world = World(in_legs(policy, quorum, essential))
    world.accept()
    for _ in range(40):
        if world.closed or not world.flights:
            break
        flight = world.flights[0]
        refused = flight.call.step in {f"{leg}2" for leg in bad} and flight.call.verb == "submit"
        world.answer(flight, REJECTED if refused else ACCEPTED)
    finish(world)
    return world


def standing(world: World) -> set[str]:
    return {s.id for s in world.plan.steps if world.receiver.net(s.id)}


def test_all_or_nothing_undoes_everything() -> None:
    world = failing(Policy.ALL_OR_NOTHING, "b")
    assert (world.status, standing(world)) == (CaseStatus.TERMINATED, set())


def test_best_effort_undoes_the_failed_leg_and_keeps_the_others() -> None:
    world = failing(Policy.BEST_EFFORT, "b")
    assert world.status is CaseStatus.COMPLETED
    assert world.process.state.reason == "partly_done"
    assert standing(world) == {"a1", "a2", "c1", "c2"}
    assert world.step("b1") is StepStatus.REVERSED


def test_without_an_essential_leg_nothing_stands() -> None:
    world = failing(Policy.BEST_EFFORT, "b", essential=("b",))
    assert (world.status, standing(world)) == (CaseStatus.TERMINATED, set())


def test_in_order_what_was_done_stays_and_what_comes_after_is_left_out() -> None:
    world = failing(Policy.ORDERED, "b")
    assert world.status is CaseStatus.COMPLETED
    assert standing(world) == {"a1", "a2"}
    assert world.step("c1") is StepStatus.SKIPPED


def test_a_quorum_holds_or_everything_is_undone() -> None:
    held = failing(Policy.QUORUM, "b", quorum=3)  # acceptance and two of the three
    assert (held.status, standing(held)) == (CaseStatus.COMPLETED, {"a1", "a2", "c1", "c2"})
    missed = failing(Policy.QUORUM, "b", "c", quorum=3)
    assert (missed.status, missed.process.state.reason) == (CaseStatus.TERMINATED, "quorum_missed")
    assert standing(missed) == set()
