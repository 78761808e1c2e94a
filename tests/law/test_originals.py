"""代收代办: originals go sealed, shipped, arrived, archived; nothing is archived while one is missing."""

from __future__ import annotations

from domain.case import CaseStatus
from domain.messages import Actor, Role
from domain.plan import StepKind, Tolerance
from domain.process import OriginalCommand, Stage
from tests.law.people import CLERK, types
from tests.unit.law_plans import ACCEPT, COLLECTING, law_plan, law_step, material
from tests.unit.world import World

COLLECTOR = Actor(subject="p", role=Role.CASEWORKER, region=COLLECTING.region, department=COLLECTING.department)
PLAN = law_plan(
    ACCEPT,
    law_step("archive", StepKind.ARCHIVE, ("accept",)),
    materials=(material("card", Tolerance.CORE, original=True), material("photo", Tolerance.CORE, original=True)),
    collecting=COLLECTING,
)


def move(world: World, name: str, stage: Stage, by: Actor) -> str | None:
    return world.order(OriginalCommand(id=f"m{len(world.orders)}", actor=by, material=name, stage=stage))


def test_the_chain_has_its_order_and_each_link_its_place() -> None:
    world = World(PLAN)
    assert move(world, "card", Stage.SHIPPED, COLLECTOR) == "custody_order"
    assert move(world, "card", Stage.SEALED, CLERK) == "not_found"
    assert move(world, "card", Stage.SEALED, COLLECTOR) is None
    assert move(world, "card", Stage.SEALED, COLLECTOR) == "custody_order"
    assert move(world, "card", Stage.SHIPPED, COLLECTOR) is None
    assert move(world, "card", Stage.ARRIVED, COLLECTOR) == "not_found"
    assert move(world, "card", Stage.ARRIVED, CLERK) is None
    assert move(world, "card", Stage.ARCHIVED, CLERK) is None
    assert move(world, "card", Stage.ARCHIVED, CLERK) == "custody_order"
    assert move(world, "wing", Stage.SEALED, COLLECTOR) == "not_found"
    assert types(world)[-4:] == [f"original:{stage}" for stage in ("sealed", "shipped", "arrived", "archived")]


def test_the_archive_refuses_while_an_original_is_missing() -> None:
    world = World(PLAN)
    world.accept()
    for stage, by in ((Stage.SEALED, COLLECTOR), (Stage.SHIPPED, COLLECTOR), (Stage.ARRIVED, CLERK)):
        assert move(world, "card", stage, by) is None
    assert world.decide(world.task("archive"), "archived") == "originals_missing"
    for stage, by in ((Stage.SEALED, COLLECTOR), (Stage.SHIPPED, COLLECTOR), (Stage.ARRIVED, CLERK)):
        assert move(world, "photo", stage, by) is None
    assert world.decide(world.task("archive"), "archived") is None
    assert world.status is CaseStatus.COMPLETED
