"""延期: ten more working days, once, approved by another person, with the reason told (第四十二条)."""

from __future__ import annotations

from domain.messages import Actor
from domain.process import AskExtensionCommand, DecideCommand
from domain.record import TaskKind
from tests.law.people import CLERK, STRANGER, SUPERVISOR, legal_due, types, until
from tests.unit.law_plans import PERMIT
from tests.unit.world import World


def ask(world: World, clock: str = "decision", by: Actor = CLERK) -> str | None:
    return world.order(AskExtensionCommand(id=f"x-{len(world.orders)}", actor=by, clock=clock))


def decide(world: World, outcome: str, by: Actor = SUPERVISOR) -> str | None:
    task = next(i for i, t in world.process.state.tasks.items() if t.kind is TaskKind.EXTENSION)
    return world.order(DecideCommand(id=f"d-{by.subject}-{outcome}", task=task, outcome=outcome, actor=by))


def accepted() -> World:
    world = World(PERMIT)
    world.accept()
    return world


def test_approved_it_adds_ten_working_days() -> None:
    world = accepted()
    assert legal_due(world, "decision") == "2026-12-21"
    assert ask(world) is None
    assert legal_due(world, "decision") == "2026-12-21"  # asked for is not granted
    assert decide(world, "approve") is None
    assert legal_due(world, "decision") == "2027-01-04"  # 2027 by weekdays: its notice is not published
    assert world.process.state.clocks["decision"].provisional
    assert "clock:extended" in types(world)


def test_another_person_approves_it() -> None:
    world = accepted()
    asker = SUPERVISOR.model_copy(update={"subject": CLERK.subject})
    assert ask(world) is None
    assert decide(world, "approve", by=asker) == "same_person"
    assert decide(world, "approve", by=CLERK) == "not_found"
    assert decide(world, "approve") is None


def test_it_is_granted_once_and_a_denial_is_final() -> None:
    world = accepted()
    assert ask(world) is None
    assert ask(world) == "extension_used"
    assert decide(world, "deny") is None
    assert legal_due(world, "decision") == "2026-12-21"
    assert ask(world) == "extension_used"


def test_only_a_running_clock_that_foresees_it_by_the_place_it_binds() -> None:
    world = World(PERMIT)
    assert ask(world) == "clock_not_running"
    assert ask(world, "acceptance") == "extension_not_foreseen"
    assert ask(world, "nothing") == "not_found"
    world.accept()
    assert ask(world, by=STRANGER) == "not_found"
    assert ask(world, by=SUPERVISOR) == "not_found"


def test_more_time_after_the_limit_ran_out_lights_the_clock_green_again() -> None:
    world = accepted()
    until(world, "2026-12-22", hour=1)
    assert world.process.state.clocks["decision"].legal_overdue
    assert ask(world) is None
    assert decide(world, "approve") is None
    assert not world.process.state.clocks["decision"].legal_overdue
