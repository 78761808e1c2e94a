"""The clocks of a case that is moved: what runs is reckoned anew, what has run out has run out, nothing is undone."""

from __future__ import annotations

from datetime import date

import pytest

from domain.calendar import WorkCalendar
from domain.case import StepStatus
from domain.invariants import deadlines_are_right
from domain.plan import CasePlan, Clock, OnExpiry, StepKind
from domain.process import (
    AskExtensionCommand,
    BeginProcedureCommand,
    EndProcedureCommand,
    Process,
    ProcessState,
)
from domain.process.migration import check
from domain.process.view import view
from domain.record import ClockView, TaskKind
from tests.law.people import CLERK, ask, events, legal_due, reply, types, until
from tests.unit.law_plans import ACCEPT, ACCEPTANCE, law_clock, law_plan, law_step, limit
from tests.unit.plans import CASE_NO, LIBRARY, NOW
from tests.unit.successors import move, order, version
from tests.unit.test_invariants import file_of
from tests.unit.world import World, finish

STEPS = (ACCEPT, law_step("check", StepKind.REVIEW, ("accept",)), law_step("decide", StepKind.DECIDE, ("check",)))
CHECKING = law_clock("checking", "check.started", "check.done")  # twenty working days by law
SERVICE = law_plan(*STEPS, clocks=(ACCEPTANCE, CHECKING))


def with_clocks(*clocks: Clock, number: str = "2") -> CasePlan:
    return version(SERVICE, number, clocks=clocks)


def limited(days: int, **changes: object) -> Clock:
    return CHECKING.model_copy(update={"legal": limit(days)} | changes)


def checking(plan: CasePlan = SERVICE) -> World:
    """Accepted on Monday 23 November 2026: 20 working days end on 21 December."""
    world = World(plan)
    world.accept()
    return world


def shown(world: World, name: str = "checking") -> ClockView:
    return next(c for c in view(world.process, world.now).clocks if c.id == name)


def supervised(world: World) -> list[str]:
    return [t.about for t in world.process.state.tasks.values() if t.kind is TaskKind.SUPERVISE]


def moved_dates(world: World, name: str = "checking") -> list[dict[str, str]]:
    found = [e.data for e in events(world) if e.type == "clock:limit:changed"]
    return [{k: v for k, v in data.items() if k != "clock"} for data in found if data["clock"] == name]


def right(world: World) -> bool:
    """Whether what is shown follows from start, limit and calendar."""
    return list(deadlines_are_right(file_of(world), world.now, world.process.calendar)) == []


# what runs


def test_a_running_clock_is_reckoned_with_the_new_limit_from_the_same_start() -> None:
    world = checking()
    until(world, "2026-12-01")
    assert move(world, with_clocks(ACCEPTANCE, limited(10))) is None
    assert (shown(world).started_on, legal_due(world, "checking")) == (date(2026, 11, 23), "2026-12-07")
    assert moved_dates(world) == [{"legal_from": "2026-12-21", "legal_to": "2026-12-07"}]
    until(world, "2026-12-09")
    assert supervised(world) == ["clock:checking:2026-12-07"]
    assert right(world)


def test_and_with_the_same_pauses() -> None:
    world = checking()
    assert world.order(BeginProcedureCommand(id="b", actor=CLERK, procedure="review", planned_days=5)) is None
    until(world, "2026-11-26")
    assert world.order(EndProcedureCommand(id="e", actor=CLERK, procedure="review")) is None
    assert move(world, with_clocks(ACCEPTANCE, limited(10, suspends=()))) is None
    assert legal_due(world, "checking") == "2026-12-10", "three working days did not count"
    assert [(p.first, p.last) for p in shown(world).pauses] == [(date(2026, 11, 24), date(2026, 11, 26))]
    assert right(world)


def test_a_clock_that_stands_still_goes_on_when_its_cause_is_over() -> None:
    world = checking()
    assert ask(world, "form:name", step="check") is None
    assert move(world, with_clocks(ACCEPTANCE, limited(10))) is None
    until(world, "2026-11-30")
    assert reply(world, "i1") is None
    assert legal_due(world, "checking") == "2026-12-14"
    assert right(world)


def test_a_clock_that_has_stopped_stays_as_it_was() -> None:
    world = checking()
    before = shown(world, "acceptance")
    quick = ACCEPTANCE.model_copy(update={"legal": limit(1)})
    assert move(world, with_clocks(quick, limited(10))) is None
    assert shown(world, "acceptance") == before
    assert next(c for c in world.plan.clocks if c.id == "acceptance") == ACCEPTANCE, "and is explained as it was"


def test_a_clock_that_now_stops_earlier_has_stopped_if_that_is_over() -> None:
    whole = law_clock("whole", "received", "closed")
    world = checking(version(SERVICE, "1", clocks=(whole,)))
    assert move(world, with_clocks(whole.model_copy(update={"stop": "accept.done"}))) is None
    assert shown(world, "whole").stopped_at == world.now
    assert {"clock": "whole", "why": "over"} in [e.data for e in events(world) if e.type == "clock:ended"]


# what has run out


def run_out() -> World:
    """The legal limit ended on 21 December; the supervisor has a task."""
    world = checking()
    until(world, "2026-12-23")
    assert supervised(world) == ["clock:checking:2026-12-21"]
    return world


@pytest.mark.parametrize("days", [5, 21])
def test_a_limit_that_has_run_out_stays_so_on_the_day_it_did_if_the_new_one_is_over_too(days: int) -> None:
    world = run_out()
    assert move(world, with_clocks(ACCEPTANCE, limited(days))) is None
    state = shown(world)
    assert (state.legal_due, state.legal_overdue) == (date(2026, 12, 21), True)
    assert moved_dates(world) == []
    world.act(lambda p: p.recalendar(LIBRARY.calendar, world.now))
    assert legal_due(world, "checking") == "2026-12-21"
    until(world, "2027-01-20")
    assert supervised(world) == ["clock:checking:2026-12-21"], "it does not run out twice"
    assert right(world)


def test_if_the_new_limit_leaves_time_it_runs_again_and_what_the_old_one_led_to_stays() -> None:
    world = run_out()
    assert move(world, with_clocks(ACCEPTANCE, limited(30))) is None
    state = shown(world)
    assert (state.legal_due, state.legal_overdue) == (date(2027, 1, 4), False)
    assert moved_dates(world) == [{"legal_from": "2026-12-21", "legal_to": "2027-01-04"}]
    assert supervised(world) == ["clock:checking:2026-12-21"], "the supervisor's task stays"
    until(world, "2027-01-06")
    assert supervised(world) == ["clock:checking:2026-12-21", "clock:checking:2027-01-04"]
    assert right(world)
    finish(world)


def test_moved_back_it_has_run_out_on_that_day_and_nobody_is_told_again() -> None:
    world = run_out()
    assert move(world, with_clocks(ACCEPTANCE, limited(30))) is None
    assert move(world, version(SERVICE, "3"), "r2") is None
    state = shown(world)
    assert (state.legal_due, state.legal_overdue) == (date(2026, 12, 21), True)
    until(world, "2027-01-20")
    assert supervised(world) == ["clock:checking:2026-12-21"]
    assert types(world).count("clock:legal:overdue") == 1
    assert right(world)


def test_a_limit_that_is_no_more_stays_run_out_if_it_did() -> None:
    world = run_out()
    promised = CHECKING.model_copy(update={"legal": None, "extension": None, "promised": limit(2)})
    assert move(world, with_clocks(ACCEPTANCE, promised)) is None
    state = shown(world)
    assert (state.legal_due, state.legal_overdue) == (date(2026, 12, 21), True)
    until(world, "2026-12-24")
    assert shown(world).promised_overdue
    assert right(world)


def test_the_promised_limit_goes_by_the_same_rule() -> None:
    plan = version(SERVICE, "1", clocks=(limited(20, promised=limit(3)),))
    world = checking(plan)
    until(world, "2026-12-02")
    assert shown(world).promised_overdue
    assert move(world, version(plan, "2", clocks=(limited(20, promised=limit(2)),))) is None
    assert (shown(world).promised_due, shown(world).promised_overdue) == (date(2026, 11, 26), True)
    assert move(world, version(plan, "3", clocks=(limited(20, promised=limit(10)),)), "r2") is None
    assert (shown(world).promised_due, shown(world).promised_overdue) == (date(2026, 12, 7), False)
    until(world, "2026-12-09")
    assert shown(world).promised_overdue
    assert right(world)


def test_what_silence_has_decided_stays_decided() -> None:
    world = World(SERVICE)
    until(world, "2026-12-02")
    assert "case:deemed_accepted" in types(world)
    slow = ACCEPTANCE.model_copy(update={"legal": limit(40)})
    assert move(world, with_clocks(slow, CHECKING)) is None
    assert world.step("accept") is StepStatus.DONE
    assert shown(world, "acceptance").legal_due == date(2026, 11, 30)
    assert right(world)


def test_a_shorter_limit_that_is_over_by_the_move_decides_nothing_by_silence() -> None:
    world = World(SERVICE)
    until(world, "2026-11-26")
    quick = ACCEPTANCE.model_copy(update={"legal": limit(2)})
    assert move(world, with_clocks(quick, CHECKING)) is None
    assert world.step("accept") is StepStatus.TASK
    assert supervised(world) == ["clock:acceptance:2026-11-25"]
    until(world, "2026-12-20")
    assert world.step("accept") is StepStatus.TASK, "people were not under this limit while it ran"
    assert right(world)


def test_a_shorter_limit_that_is_over_makes_a_supervisor_look() -> None:
    world = checking()
    until(world, "2026-12-02")
    assert move(world, with_clocks(ACCEPTANCE, limited(3))) is None
    world.pass_time()
    assert supervised(world) == ["clock:checking:2026-11-26"]


def test_silence_may_decide_later_under_a_limit_that_was_not_over() -> None:
    world = World(version(SERVICE, "1", clocks=(ACCEPTANCE.model_copy(update={"on_expiry": OnExpiry.ESCALATE}),)))
    assert move(world, with_clocks(ACCEPTANCE.model_copy(update={"legal": limit(3)}))) is None
    until(world, "2026-11-28")
    assert world.step("accept") is StepStatus.DONE


# what is new


def test_a_clock_whose_start_lies_behind_the_case_starts_on_the_day_it_happened() -> None:
    world = checking()
    until(world, "2026-11-25")
    new = (law_clock("whole", "received", "closed", legal=limit(30)), law_clock("over", "received", "accept.done"))
    coming = law_clock("coming", "decide.started", "decide.done")
    assert move(world, with_clocks(ACCEPTANCE, CHECKING, *new, coming)) is None
    assert (shown(world, "whole").started_on, legal_due(world, "whole")) == (date(2026, 11, 23), "2027-01-04")
    assert {"over", "coming"} & set(world.process.state.clocks) == set()
    assert {"clock": "whole", "started_on": "2026-11-23"} in [e.data for e in events(world) if e.type == "clock:joined"]
    until(world, "2026-11-27")
    assert world.decide(world.task("check"), "pass") is None
    assert shown(world, "coming").started_on == date(2026, 11, 27)
    assert right(world)


def test_days_that_did_not_count_for_the_others_do_not_count_for_it() -> None:
    world = checking()
    assert ask(world, "form:name", step="check") is None
    until(world, "2026-11-26")
    assert reply(world, "i1") is None
    assert world.order(BeginProcedureCommand(id="b", actor=CLERK, procedure="review")) is None
    until(world, "2026-11-30")
    new = law_clock("new", "check.started", "check.done", legal=limit(20))
    assert move(world, with_clocks(ACCEPTANCE, CHECKING, new)) is None
    assert shown(world, "new").pauses == shown(world).pauses
    assert legal_due(world, "new") == legal_due(world, "checking")
    until(world, "2026-12-02")
    assert world.order(EndProcedureCommand(id="e", actor=CLERK, procedure="review")) is None
    assert legal_due(world, "new") == legal_due(world, "checking")
    assert right(world)


def test_what_goes_on_now_stops_a_new_clock_from_the_day_it_began() -> None:
    plan = version(SERVICE, "1", clocks=())
    world = checking(plan)
    assert world.order(BeginProcedureCommand(id="b", actor=CLERK, procedure="review", planned_days=10)) is None
    until(world, "2026-11-27")
    assert move(world, with_clocks(CHECKING)) is None
    (pause,) = shown(world).pauses
    assert (pause.cause, pause.first, pause.planned) == ("review", date(2026, 11, 24), date(2026, 12, 7))
    assert right(world)


def test_a_case_from_before_marks_were_kept_goes_by_what_else_it_remembers() -> None:
    world = checking()
    until(world, "2026-11-26")
    assert world.decide(world.task("check"), "pass") is None
    until(world, "2026-11-30")
    state = world.reread()
    state.marks = {}
    assert _started(state, "received") == date(2026, 11, 23)
    assert _started(state, "check.started") == date(2026, 11, 23), "another clock knows"
    assert _started(state, "check.done") == date(2026, 11, 26)
    assert _started(state, "decide.started") == date(2026, 11, 30), "nobody knows: from now on"


def _started(state: ProcessState, mark: str) -> date:
    now = NOW.replace(day=30)
    process = Process(CASE_NO, SERVICE, LIBRARY.calendar, now, state.model_copy(deep=True))
    process.carry_out(order(SERVICE, with_clocks(ACCEPTANCE, CHECKING, law_clock("new", mark, "closed"))), now)
    return process.state.clocks["new"].started_on


# what is gone


def test_a_clock_that_is_gone_stops_and_can_still_be_seen() -> None:
    world = checking()
    assert move(world, with_clocks(ACCEPTANCE)) is None
    state = shown(world)
    assert (state.stopped_at, state.dropped) == (world.now, True)
    until(world, "2027-01-20")
    assert supervised(world) == []
    assert right(world)
    finish(world)


def test_a_clock_for_which_more_time_was_asked_is_not_gone_before_somebody_has_said_yes_or_no() -> None:
    world = checking()
    assert world.order(AskExtensionCommand(id="x", actor=CLERK, clock="checking")) is None
    assert move(world, with_clocks(ACCEPTANCE)) == "migration_extension"
    task = next(i for i, t in world.process.state.tasks.items() if t.kind is TaskKind.EXTENSION)
    assert world.decide(task, "deny") is None
    assert move(world, with_clocks(ACCEPTANCE)) is None
    assert move(extended(), with_clocks(ACCEPTANCE)) is None


def test_a_version_that_has_it_again_takes_it_up_from_its_start_without_the_days_it_stood_still_for() -> None:
    world = checking()
    assert ask(world, "form:name", step="check") is None
    until(world, "2026-11-26")
    assert reply(world, "i1") is None
    due = legal_due(world, "checking")
    assert move(world, with_clocks(ACCEPTANCE)) is None
    until(world, "2026-12-03")
    assert move(world, with_clocks(ACCEPTANCE, CHECKING, number="3"), "r2") is None
    state = shown(world)
    assert (str(state.legal_due), state.stopped_at, state.dropped) == (due, None, False)
    assert right(world)


def test_it_does_not_run_out_a_second_time() -> None:
    world = run_out()
    assert move(world, with_clocks(ACCEPTANCE)) is None
    assert move(world, with_clocks(ACCEPTANCE, CHECKING, number="3"), "r2") is None
    assert shown(world).legal_overdue
    until(world, "2027-01-20")
    assert types(world).count("clock:legal:overdue") == 1


# extensions


def extended() -> World:
    world = checking()
    assert world.order(AskExtensionCommand(id="x", actor=CLERK, clock="checking")) is None
    task = next(i for i, t in world.process.state.tasks.items() if t.kind is TaskKind.EXTENSION)
    assert world.decide(task, "approve") is None
    assert legal_due(world, "checking") == "2027-01-04"
    return world


def test_an_extension_that_was_granted_stays_granted() -> None:
    world = extended()
    assert move(world, with_clocks(ACCEPTANCE, limited(15))) is None
    assert legal_due(world, "checking") == "2026-12-28"
    assert right(world)


def test_one_that_was_asked_for_or_granted_is_not_another_one_by_a_move() -> None:
    longer = with_clocks(ACCEPTANCE, CHECKING.model_copy(update={"extension": limit(20)}))
    for world in (extended(), checking()):
        world.order(AskExtensionCommand(id="y", actor=CLERK, clock="checking"))
        found = check(world.plan, view(world.process, world.now), longer)
        assert [(b.code, b.text.en.split()[-1]) for b in found] == [("migration_extension", "checking")]
    assert move(checking(), longer) is None


def test_a_calendar_that_comes_later_counts_for_the_new_limits() -> None:
    world = World(SERVICE, calendar=WorkCalendar())
    world.accept()
    assert move(world, with_clocks(ACCEPTANCE, limited(30))) is None
    assert shown(world).provisional
    world.act(lambda p: p.recalendar(LIBRARY.calendar, world.now))
    assert right(world)
