"""Limits, polls and long waits, on a server whose time is turned: nothing fails by time, and nothing is forgotten."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from domain import names
from domain.calendar import SHANGHAI, Holiday, WorkCalendar, YearNotice
from domain.case import StepStatus
from domain.effects import Verb
from domain.messages import Text
from domain.process import OutcomeStatus
from domain.record import TaskKind
from tests.unit.plans import ACCEPT, plan_of
from tests.unit.plans import clock as clock_of
from tests.unit.receiver import ACCEPTED, PENDING
from tests.workflow.house import Case, fails, says, start

pytestmark = pytest.mark.xdist_group("temporal")


async def test_when_the_legal_days_have_run_out_the_supervisor_gets_a_task_and_the_case_goes_on(
    later: Case, clock: WorkflowEnvironment
) -> None:
    plan = plan_of(ACCEPT, clocks=(clock_of("acceptance", "received", "accept.done", legal=5),))
    await start(later, clock.client, plan=plan)
    await later.until_step("accept", StepStatus.TASK)
    due = later.view.clocks[0].legal_due
    assert due is not None
    await clock.sleep(timedelta(days=1))
    assert "clock:legal:overdue" not in later.events()
    await clock.sleep(timedelta(days=20))  # five working days, whatever holidays lie in between
    await later.until(lambda: later.view.clocks[0].legal_overdue)
    overdue = next(e for b in later.batches for e in b.events if e.type == "clock:legal:overdue")
    assert overdue.at.astimezone(SHANGHAI).date() == due + timedelta(days=1)
    opened = [t for b in later.batches for t in b.tasks if t.kind is TaskKind.SUPERVISE]
    assert [(t.place.region, t.due_at is not None) for t in opened] == [("320500", True)]
    await later.decide("accept", "accept")
    await later.until_closed()


async def test_five_working_days_of_silence_are_acceptance_from_the_day_of_receipt(
    later: Case, clock: WorkflowEnvironment
) -> None:
    await start(later, clock.client)
    await later.until_step("accept", StepStatus.TASK)
    received = later.view.received_on
    await clock.sleep(timedelta(days=21))
    await later.until_step("accept", StepStatus.DONE)
    assert "case:deemed_accepted" in later.events()
    assert later.view.clocks[0].started_on == received
    await later.withdraw()
    await later.until_closed()


async def test_a_result_whose_callback_was_lost_is_found_by_asking(later: Case, clock: WorkflowEnvironment) -> None:
    later.meets("archive_handover", says(PENDING))
    await start(later, clock.client)
    await later.decide("accept", "accept")
    await later.until_step("archive", StepStatus.PENDING)
    await clock.sleep(timedelta(seconds=70))
    await later.until(lambda: "effect:find:pending" in later.events())
    later.receiver.complete(later.receiver.pending()[0], ACCEPTED)
    await clock.sleep(timedelta(minutes=10))
    await later.until_step("archive", StepStatus.DONE)
    asked = [how for how, r in later.house.tried if r.case_no == later.no and r.call.verb is Verb.FIND]
    assert 2 <= len(asked) <= 4, "the pauses between questions grow"


async def test_a_question_for_a_result_that_no_quick_try_may_put_is_put_through_the_queue(
    later: Case, clock: WorkflowEnvironment
) -> None:
    later.meets("archive_handover", says(PENDING))
    later.meets("archive_handover", fails(OutcomeStatus.DEFERRED, "held"), verb=Verb.FIND)
    await start(later, clock.client)
    await later.decide("accept", "accept")
    await later.until_step("archive", StepStatus.PENDING)
    later.receiver.complete(later.receiver.pending()[0], ACCEPTED)
    await clock.sleep(timedelta(seconds=70))
    await later.until_step("archive", StepStatus.DONE)
    asked = [how for how, r in later.house.tried if r.case_no == later.no and r.call.verb is Verb.FIND]
    assert asked == ["local", "queue"]


async def test_a_due_date_in_a_year_without_notice_is_provisional_until_the_notice_comes(
    later: Case, clock: WorkflowEnvironment
) -> None:
    plan = plan_of(ACCEPT, clocks=(clock_of("far", "received", "closed", legal=700),))
    await start(later, clock.client, plan=plan)
    await later.until_step("accept", StepStatus.TASK)
    told = later.view.clocks[0]
    assert told.provisional
    assert told.legal_due is not None
    notices = tuple(_notice(year) for year in range(told.started_on.year, told.legal_due.year + 2))
    await later.handle.signal(names.CALENDAR_SIGNAL, WorkCalendar(years=notices))
    await later.until(lambda: not later.view.clocks[0].provisional)
    new_due = later.view.clocks[0].legal_due
    assert new_due is not None
    assert new_due > told.legal_due
    assert "clock:due:recomputed" in later.events()
    await later.decide("accept", "accept")
    await later.until_closed()


def _notice(year: int) -> YearNotice:
    long_rest = Holiday(name=Text(zh="春节", en="Spring Festival"), first=date(year, 2, 1), last=date(year, 2, 28))
    return YearNotice(year=year, source="test", holidays=(long_rest,), make_up_days=())
