"""受理: receiving is not accepting; five working days of silence are acceptance from receipt (第三十二条)."""

from __future__ import annotations

from domain.case import CaseStatus, StepStatus
from domain.plan import OnExpiry, StepKind
from tests.law.people import events, legal_due, types, until
from tests.unit.law_plans import ACCEPT, ACCEPTANCE, PERMIT, law_clock, law_plan, law_step, limit
from tests.unit.world import World


def test_receiving_is_not_accepting() -> None:
    world = World(PERMIT)
    assert world.status is CaseStatus.RECEIVED
    assert "decision" not in world.process.state.clocks  # the legal limit has not begun
    world.accept()
    assert world.process.state.clocks["decision"].started_on.isoformat() == "2026-11-23"


def test_silence_is_acceptance_from_the_day_of_receipt() -> None:
    world = World(PERMIT)
    until(world, "2026-11-30", hour=23)
    assert world.step("accept") is StepStatus.TASK
    until(world, "2026-12-01", hour=1)
    assert world.step("accept") is StepStatus.DONE
    assert "case:deemed_accepted" in types(world)
    assert world.process.state.clocks["decision"].started_on.isoformat() == "2026-11-23"
    assert legal_due(world, "decision") == "2026-12-21"  # twenty working days from receipt, not from the first
    assert not world.process.state.tasks.get(world.process.state.steps["accept"].task)


def test_what_counts_from_receipt_may_be_over_in_the_moment_of_deemed_acceptance() -> None:
    """Five days promised from acceptance, five for acceptance: both end with the same day, and the case goes on."""
    plan = law_plan(
        ACCEPT,
        law_step("decide", StepKind.DECIDE, ("accept",)),
        clocks=(
            ACCEPTANCE,
            law_clock("decision", "accepted", "decide.done", promised=limit(5)),
        ),
    )
    world = World(plan)
    until(world, "2026-12-01", hour=1)
    assert types(world).index("case:deemed_accepted") < types(world).index("clock:promised:overdue")
    assert world.process.state.clocks["decision"].promised_overdue
    assert world.decide(world.task("decide"), "grant") is None
    assert world.status is CaseStatus.COMPLETED


def test_who_is_not_accepted_is_told_so_with_a_dated_line_on_record() -> None:
    world = World(PERMIT)
    assert world.decide(world.task("accept"), "refuse") is None
    assert world.status is CaseStatus.NOT_ACCEPTED
    last = [event for event in events(world) if event.type == "task:accept:decided"][-1]
    assert (last.data["outcome"], last.at) == ("refuse", world.now)


def test_silence_can_be_a_grant_or_a_refusal_where_the_law_says_so() -> None:
    for on_expiry, end in (
        (OnExpiry.DEEMED_GRANTED, CaseStatus.COMPLETED),
        (OnExpiry.DEEMED_REFUSED, CaseStatus.DECIDED_REFUSED),
    ):
        plan = law_plan(
            ACCEPT,
            law_step("decide", StepKind.DECIDE, ("accept",)),
            clocks=(law_clock("decision", "accepted", "decide.done", legal=limit(20), on_expiry=on_expiry),),
        )
        world = World(plan)
        world.accept()
        until(world, "2026-12-21", hour=23)
        assert not world.closed
        until(world, "2026-12-22", hour=1)
        assert world.status is end
        assert f"case:{on_expiry}" in types(world)
