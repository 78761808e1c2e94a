"""代为更正: traced, told, open to objection; not what a province has been sent already."""

from __future__ import annotations

from domain.messages import Actor
from domain.plan import StepKind
from domain.process import CorrectCommand, DecideCommand, ObjectCorrectionCommand
from domain.record import TaskKind
from tests.law.people import CLERK, COLLEAGUE, STRANGER, ask, reply, types
from tests.unit.law_plans import ACCEPT, law_plan, law_step
from tests.unit.world import CITIZEN, World

PLAN = law_plan(
    ACCEPT,
    law_step("effect", StepKind.EFFECT, ("accept",), send={"who": "form.name"}),
    law_step("decide", StepKind.DECIDE, ("effect",)),
)


def correct(world: World, *fields: str, by: Actor = CLERK) -> str | None:
    return world.order(CorrectCommand(id=f"c{len(world.orders)}", actor=by, fields=fields))


def object_(world: World, by: Actor = CITIZEN) -> str | None:
    name = next(iter(world.process.state.corrections), "none")
    return world.order(ObjectCorrectionCommand(id=f"o{len(world.orders)}", actor=by, correction=name))


def decide(world: World, outcome: str, by: Actor) -> str | None:
    task = next(i for i, t in world.process.state.tasks.items() if t.kind is TaskKind.OBJECTION)
    return world.order(DecideCommand(id=f"d{len(world.orders)}", task=task, outcome=outcome, actor=by))


def test_a_correction_is_on_record_with_its_fields_and_author() -> None:
    world = World(PLAN)
    assert correct(world, "name", by=STRANGER) == "not_found"
    assert correct(world, "name") is None
    shown = world.batches[-1].view.corrections[0]
    assert (shown.fields, shown.objected, shown.reverted) == (("name",), False, False)
    assert "case:corrected" in types(world)


def test_what_was_sent_cannot_be_corrected_any_more() -> None:
    world = World(PLAN)
    world.accept()
    world.answer(world.flight("effect"))
    assert correct(world, "name") == "already_sent"
    assert correct(world, "address") is None


def test_an_answer_to_a_notice_mends_the_form_but_not_what_was_sent() -> None:
    world = World(PLAN)
    assert ask(world, "form:name", "form:address") is None
    assert reply(world, "i1", "i2", fields=("address", "name")) is None
    assert world.batches[-1].view.corrections[0].fields == ("address", "name")
    assert object_(world) == "not_found", "his own words are nothing to object to"
    world = World(PLAN)
    world.accept()
    world.answer(world.flight("effect"))
    assert ask(world, "form:name", "form:address", step="decide") is None
    assert reply(world, "i1", "i2", fields=("address", "name")) is None
    assert world.batches[-1].view.corrections[0].fields == ("address",)


def test_an_objection_is_looked_into_by_another_person_and_may_revert_it() -> None:
    world = World(PLAN)
    assert correct(world, "name") is None
    assert object_(world, by=CLERK) == "not_found"
    assert object_(world) is None
    assert object_(world) == "correction_settled"
    assert decide(world, "objection_upheld", CLERK) == "same_person"
    assert decide(world, "objection_upheld", COLLEAGUE) is None
    assert world.batches[-1].view.corrections[0].reverted


def test_a_dismissed_objection_lets_it_stand() -> None:
    world = World(PLAN)
    assert correct(world, "name") is None
    assert object_(world) is None
    assert decide(world, "objection_dismissed", COLLEAGUE) is None
    assert not world.batches[-1].view.corrections[0].reverted
