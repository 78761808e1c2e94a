"""移送 and 裁决: the competent place takes over what has not begun; two places that disagree are told by the third."""

from __future__ import annotations

from domain.messages import Actor, Role
from domain.process import DecideCommand, TransferCommand
from domain.record import TaskKind
from tests.law.people import CLERK, STRANGER, types
from tests.unit.law_plans import PERMIT
from tests.unit.plans import HERE
from tests.unit.world import World

COORDINATOR = Actor(subject="k", role=Role.COORDINATOR)


def ask(world: World, region: str = "320100", by: Actor = CLERK) -> str | None:
    return world.order(TransferCommand(id=f"t{len(world.orders)}", actor=by, region=region))


def task(world: World, kind: TaskKind) -> str:
    return next(i for i, t in world.process.state.tasks.items() if t.kind is kind)


def say(world: World, kind: TaskKind, outcome: str, by: Actor) -> str | None:
    return world.order(DecideCommand(id=f"s{len(world.orders)}", task=task(world, kind), outcome=outcome, actor=by))


def clerk_of(region: str) -> Actor:
    return Actor(subject=f"w-{region}", role=Role.CASEWORKER, region=region, department=HERE.department)


def test_agreed_the_acceptance_and_all_that_follows_is_the_other_places() -> None:
    world = World(PERMIT)
    assert ask(world) is None
    assert say(world, TaskKind.TRANSFER, "agree", CLERK) == "not_found"
    assert say(world, TaskKind.TRANSFER, "agree", clerk_of("320100")) is None
    assert world.process.accepting.region == "320100"
    assert say(world, TaskKind.ACCEPT, "accept", CLERK) == "not_found"
    assert say(world, TaskKind.ACCEPT, "accept", clerk_of("320100")) is None
    assert world.process.state.tasks[task(world, TaskKind.REVIEW)].place.region == "320100"
    assert "case:transferred" in types(world)
    assert world.process.steps["effect"].place.region == "340100"  # another authority's part stays where it is


def test_disputed_the_coordinator_decides_for_both() -> None:
    for outcome, region in (("move", "320100"), ("stay", "320500")):
        world = World(PERMIT)
        assert ask(world) is None
        assert say(world, TaskKind.TRANSFER, "dispute", clerk_of("320100")) is None
        assert say(world, TaskKind.ARBITRATE, outcome, CLERK) == "not_found"
        assert say(world, TaskKind.ARBITRATE, outcome, COORDINATOR) is None
        assert world.process.accepting.region == region
        assert world.process.state.tasks[task(world, TaskKind.ACCEPT)].place.region == region


def test_only_before_acceptance_by_who_would_accept_and_not_to_itself() -> None:
    world = World(PERMIT)
    assert ask(world, by=STRANGER) == "not_found"
    assert ask(world, region=HERE.region) == "transfer_nowhere"
    assert ask(world) is None
    assert ask(world, region="320200") == "transfer_open"
    done = World(PERMIT)
    done.accept()
    assert ask(done) == "not_found"


def test_who_reads_the_state_again_finds_the_new_place() -> None:
    world = World(PERMIT)
    assert ask(world) is None
    assert say(world, TaskKind.TRANSFER, "agree", clerk_of("320100")) is None
    world.pass_time()  # every act is compared with a twin made from the remembered state
    assert world.reread().moved[""] == "320100"
