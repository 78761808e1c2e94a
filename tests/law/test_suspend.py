"""Clocks stand still for what the law excludes: special procedures, planned and in fact (第四十五条)."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.calendar import SHANGHAI
from domain.messages import Actor
from domain.process import BeginProcedureCommand, EndProcedureCommand, clocks
from domain.record import TaskKind
from tests.law.people import CLERK, STRANGER, legal_due, types, until
from tests.unit.law_plans import ACCEPT, PERMIT, law_clock, law_plan, limit
from tests.unit.world import World


def begin(world: World, days: int = 0, name: str = "review", by: Actor = CLERK) -> str | None:
    return world.order(BeginProcedureCommand(id=f"b-{len(world.orders)}", actor=by, procedure=name, planned_days=days))


def end(world: World, name: str = "review", by: Actor = CLERK) -> str | None:
    return world.order(EndProcedureCommand(id=f"e-{len(world.orders)}", actor=by, procedure=name))


def test_the_golden_suspension() -> None:
    """Accepted on 16 September, five working days, suspended 19 to 28 September: due on 8 October."""
    plan = law_plan(ACCEPT, clocks=(law_clock("c", "received", "accept.done", legal=limit(5), extension=None),))
    world = World(plan)
    clock = world.process.state.clocks["c"]
    clock.started_on = datetime(2026, 9, 16, tzinfo=SHANGHAI).date()
    world.now = datetime(2026, 9, 18, 2, tzinfo=UTC)  # the procedure is begun on the 18th, the second day
    assert begin(world) is None
    world.now = datetime(2026, 9, 28, 2, tzinfo=UTC)
    assert end(world) is None
    assert legal_due(world, "c") == "2026-10-08"


def test_the_applicant_is_told_until_when_and_the_date_follows_the_plan_first() -> None:
    world = World(PERMIT)
    world.accept()
    assert begin(world, days=10) is None
    assert world.batches[-1].view.procedures[0].planned.isoformat() == "2026-12-07"
    assert legal_due(world, "decision") == "2027-01-04"  # 1 January 2027 by weekday: its notice is not published
    until(world, "2026-11-27")
    assert end(world) is None
    assert legal_due(world, "decision") == "2026-12-25"  # it took four


def test_a_paused_clock_does_not_expire_and_says_why() -> None:
    world = World(PERMIT)
    world.accept()
    assert begin(world) is None
    until(world, "2026-12-29")
    assert not world.process.state.clocks["decision"].legal_overdue
    view = next(c for c in world.batches[-1].view.clocks if c.id == "decision")
    assert view.paused
    assert clocks.cause_text(PERMIT, view.pauses[0].cause).en == "Expert review"


def test_what_takes_longer_than_announced_is_a_supervisors_business_once() -> None:
    world = World(PERMIT)
    world.accept()
    assert begin(world, days=5) is None
    until(world, "2026-12-01")
    supervised = [t for t in world.process.state.tasks.values() if t.kind is TaskKind.SUPERVISE]
    assert [t.about for t in supervised] == ["procedure:review"]
    assert types(world).count("procedure:overdue") == 1


def test_a_procedure_is_known_runs_once_and_not_longer_than_it_may() -> None:
    world = World(PERMIT)
    assert begin(world, name="feast") == "procedure_unknown"
    assert begin(world, days=31) == "procedure_too_long"
    assert begin(world, by=STRANGER) == "not_found"
    assert end(world) == "procedure_unknown"
    assert begin(world) is None
    assert begin(world) == "procedure_used"
    assert end(world, by=STRANGER) == "not_found"
    assert end(world) is None
    assert begin(world) == "procedure_used"


def test_a_cause_that_began_and_ended_on_one_day_has_cost_nothing() -> None:
    world = World(PERMIT)
    world.accept()
    before = legal_due(world, "decision")
    assert begin(world) is None
    assert end(world) is None
    assert legal_due(world, "decision") == before
    assert world.process.state.clocks["decision"].pauses == []
