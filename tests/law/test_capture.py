"""A clerk brings a document into the case: where it is accepted, collected, or at the window, and nowhere else."""

from __future__ import annotations

from domain.plan import OnBroken, Tolerance
from domain.process import CaptureCommand, Intake
from tests.law.people import CLERK, STRANGER, SUPERVISOR, events
from tests.unit.law_plans import ACCEPT, PERMIT, law_plan, material
from tests.unit.world import CITIZEN, World

DIGEST = "a" * 64


def capture(world: World, **fields: object) -> str | None:
    given = {"id": f"c{len(world.orders)}", "actor": CLERK, "material": "deed", "digest": DIGEST}
    return world.order(CaptureCommand.model_validate(given | fields))


def test_what_was_captured_is_on_record_with_its_digest() -> None:
    world = World(PERMIT)
    assert capture(world) is None
    last = events(world)[-1]
    assert (last.type, last.data["material"], last.data["digest"]) == ("document:captured", "deed", DIGEST)


def test_only_a_clerk_who_meets_the_applicant_captures() -> None:
    world = World(PERMIT)
    for actor in (STRANGER, SUPERVISOR, CITIZEN):
        assert capture(world, actor=actor) == "not_found"


def test_in_a_session_the_session_says_who_captures() -> None:
    world = World(PERMIT)
    for actor in (SUPERVISOR, CITIZEN):
        assert capture(world, actor=actor, session="w1") == "not_found"
    assert capture(world, actor=STRANGER, session="w1") is None


def test_what_was_promised_for_later_is_kept_by_it() -> None:
    plan = law_plan(ACCEPT, materials=(material("later", Tolerance.DEFERRABLE, OnBroken.TASK),))
    world = World(plan, intake=Intake(promised=("later",)))
    assert capture(world, material="later") is None
    assert world.process.state.promises["later"].status == "kept"
