"""补正: one complete notice, once; no decision while it is open; answered, taken back, or the end (第三十二条)."""

from __future__ import annotations

import pytest

from domain.case import CaseStatus, StepStatus
from domain.messages import Actor, Role
from domain.process import ReplySupplementCommand
from domain.record import Who
from tests.law.people import (
    CLERK,
    COLLEAGUE,
    STRANGER,
    SUPERVISOR,
    ask,
    legal_due,
    open_notice,
    reply,
    take_back,
    types,
    until,
)
from tests.unit.law_plans import PERMIT
from tests.unit.plans import SIDE_BY_SIDE
from tests.unit.world import World


def test_the_notice_gives_the_ball_to_the_applicant_with_its_deadline() -> None:
    world = World(PERMIT)
    assert ask(world, "material:deed", "form:address") is None
    first = world.batches[-1].view.waiting[0]
    assert (first.who, first.why) == (Who.APPLICANT, "supplement")
    assert str(first.until)[:10] == "2026-12-15"  # fifteen working days after Monday 23 November: 14 December, 24:00
    shown = world.batches[-1].view.supplements[0]
    assert [item[1:] for item in shown.items] == [("material:deed", "incomplete"), ("form:address", "incomplete")]


def test_no_decision_is_made_while_the_notice_is_open() -> None:
    world = World(PERMIT)
    assert ask(world, "material:deed") is None
    assert world.decide(world.task("accept"), "accept") == "supplement_open"
    assert world.decide(world.task("accept"), "refuse") == "supplement_open"
    assert reply(world, "i1") is None
    assert world.decide(world.task("accept"), "accept") is None


def test_a_partial_answer_is_kept_and_the_rest_can_follow_until_the_deadline() -> None:
    world = World(PERMIT)
    assert ask(world, "material:deed", "material:map") is None
    notice = open_notice(world)
    assert reply(world, "i2") is None
    assert world.process.state.supplements[notice].status == "open"
    assert world.decide(world.task("accept"), "accept") == "supplement_open"
    until(world, "2026-12-14")
    assert reply(world, "i1") is None
    assert world.process.state.supplements[notice].status == "answered"
    assert types(world)[-3:] == ["supplement:partly_answered", "supplement:answered", "clock:resumed"]


def test_not_answered_in_time_ends_the_case_for_that_reason() -> None:
    world = World(PERMIT)
    assert ask(world, "material:deed") is None
    notice = open_notice(world)
    until(world, "2026-12-14", hour=23)
    assert not world.closed
    until(world, "2026-12-15", hour=1)
    assert world.status is CaseStatus.TERMINATED
    assert world.process.state.reason == "not_supplemented"
    assert world.process.state.supplements[notice].status == "lapsed"
    assert reply(world, "i1", notice=notice) == "case_closed"


def test_the_clock_stands_still_while_the_applicant_has_the_ball() -> None:
    world = World(PERMIT)
    assert legal_due(world, "acceptance") == "2026-11-30"
    until(world, "2026-11-25")
    assert ask(world, "material:deed") is None  # Wednesday: two of five days are used
    until(world, "2026-12-04")
    assert world.step("accept") is StepStatus.TASK  # nothing is deemed accepted meanwhile
    assert reply(world, "i1") is None
    assert legal_due(world, "acceptance") == "2026-12-09"  # seven working days were not counted


def test_a_second_notice_is_refused_unless_it_is_about_new_material_with_a_reason() -> None:
    world = World(PERMIT)
    assert ask(world, "material:deed") is None
    assert reply(world, "i1") is None
    assert ask(world, "material:map") == "second_notice"
    assert ask(world, "material:deed") == "second_notice"
    assert ask(world, "material:deed", "material:map", about_new=True) == "second_notice"
    assert ask(world, "material:deed", about_new=True) is None


def test_two_notices_at_once_and_an_empty_one_are_refused() -> None:
    world = World(PERMIT)
    assert ask(world) == "supplement_empty"
    assert ask(world, "material:deed") is None
    assert ask(world, "material:map") == "supplement_open"


@pytest.mark.parametrize(
    ("by", "refusal"), [(CLERK, None), (SUPERVISOR, None), (COLLEAGUE, "not_found"), (STRANGER, "not_found")]
)
def test_the_requester_or_a_supervisor_can_take_it_back(by: Actor, refusal: str | None) -> None:
    world = World(PERMIT)
    assert ask(world, "material:deed") is None
    assert take_back(world, by) == refusal
    if refusal is None:
        assert world.decide(world.task("accept"), "accept") is None


def test_a_notice_taken_back_does_not_count_as_the_one_notice() -> None:
    world = World(PERMIT)
    assert ask(world, "material:deed") is None
    notice = open_notice(world)
    assert take_back(world, CLERK) is None
    assert take_back(world, CLERK, notice) == "supplement_settled"
    assert ask(world, "material:map") is None


def test_only_who_may_decide_may_ask_and_only_for_what_was_asked_can_be_answered() -> None:
    world = World(PERMIT)
    assert ask(world, "material:deed", by=STRANGER) == "not_found"
    assert ask(world, "material:deed", by=SUPERVISOR) == "not_found"
    assert ask(world, "material:deed") is None
    assert reply(world, "i7") == "supplement_item_unknown"
    assert reply(world) == "supplement_item_unknown"
    auditor = Actor(subject="a", role=Role.AUDITOR)
    foreign = ReplySupplementCommand(id="f", actor=auditor, supplement=open_notice(world), items=("i1",))
    assert world.order(foreign) == "not_found"


def test_a_service_that_foresees_no_notice_gives_none() -> None:
    assert ask(World(SIDE_BY_SIDE), "material:deed") == "supplement_not_foreseen"
