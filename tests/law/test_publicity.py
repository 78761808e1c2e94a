"""公示: it ends by itself after its calendar days, unless somebody objects; an upheld objection is a no."""

from __future__ import annotations

from domain.case import CaseStatus, StepStatus
from domain.plan import OnRejected, StepKind
from domain.process import ObjectCommand
from tests.law.people import types, until
from tests.unit.law_plans import ACCEPT, law_plan, law_step
from tests.unit.world import CITIZEN, World


def on_display() -> World:
    world = World(law_plan(ACCEPT, law_step("show", StepKind.PUBLICITY, ("accept",), on_rejected=OnRejected.REFUSE)))
    world.accept()
    assert world.step("show") is StepStatus.PUBLICITY
    return world


def object_to(world: World, step: str = "show") -> str | None:
    return world.order(ObjectCommand(id=f"o{len(world.orders)}", actor=CITIZEN, step=step))


def test_seven_calendar_days_and_it_is_over() -> None:
    world = on_display()
    until(world, "2026-11-30", hour=23)
    assert not world.closed
    until(world, "2026-12-01", hour=1)
    assert world.status is CaseStatus.COMPLETED
    assert "publicity:ended" in types(world)


def test_an_objection_holds_the_end_until_it_is_dismissed() -> None:
    world = on_display()
    assert object_to(world) is None
    assert object_to(world) == "objection_open"
    until(world, "2026-12-03")
    assert world.step("show") is StepStatus.PUBLICITY
    assert world.decide(world.task("show"), "objection_dismissed") is None
    assert world.status is CaseStatus.COMPLETED


def test_an_upheld_objection_refuses() -> None:
    world = on_display()
    assert object_to(world) is None
    assert world.decide(world.task("show"), "objection_upheld") is None
    assert world.status is CaseStatus.DECIDED_REFUSED


def test_what_is_not_on_display_cannot_be_objected_to() -> None:
    world = on_display()
    assert object_to(world, "accept") == "not_on_display"
    assert object_to(world, "nothing") == "not_on_display"
