"""A case that is moved to another version while it runs on a real Temporal: between answers, timers and messages."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from domain import names
from domain.case import CaseStatus, StepStatus
from domain.effects import Verb
from domain.plan import CasePlan, OnRejected, StepKind
from domain.process import CommandResult, OutcomeStatus
from domain.record import TaskKind
from tests.unit.plans import ACCEPT, moving, plan_of, step
from tests.unit.plans import clock as clock_of
from tests.unit.receiver import ACCEPTED, PENDING
from tests.unit.successors import between, order, version, with_step, without
from tests.workflow.house import Case, acts_then_hangs, fails, says, start

pytestmark = pytest.mark.xdist_group("temporal")
AUDIT = step("audit", needs=("accept",), on_rejected=OnRejected.RESOLVE)


def with_audit(plan: CasePlan) -> CasePlan:
    """One more province has to act before the decision."""
    return between(plan, AUDIT.model_copy(update={"leg": "origin_tax"}), "decide")


async def move(case: Case, old: CasePlan, new: CasePlan, run: str = "r1") -> CommandResult:
    asked = order(old, new, run)
    return await case.order(names.ORDER_UPDATE, asked, asked.id)


def asked_for(case: Case, name: str) -> int:
    return len([r for _, r in case.house.tried if r.case_no == case.no and r.call.step == name])


async def test_moved_between_the_answers_of_the_provinces_each_of_them_acts_once(case: Case, client: Client) -> None:
    case.meets("archive_handover", says(PENDING, after_s=3600))
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until_step("archive", StepStatus.PENDING)
    await case.until_step("tax", StepStatus.DONE)
    await move(case, moving(), with_audit(moving()))
    await case.until_step("audit", StepStatus.DONE)
    assert case.step("decide") is StepStatus.WAITING
    entry = case.receiver.pending()[0]
    case.receiver.complete(entry, ACCEPTED)
    await case.handle.signal(names.CALLBACK_SIGNAL, entry.callback("ev-1"))
    await case.evidence("representative")
    await case.evidence("shareholder")
    await case.decide("decide", "grant")
    await case.until_closed()
    assert case.view.status is CaseStatus.COMPLETED
    assert case.nets() == dict.fromkeys(("tax", "archive", "audit", "register", "licence"), 1)
    assert [asked_for(case, name) for name in ("tax", "archive", "audit", "register")] == [1, 1, 1, 1]
    assert [b.plan.version for b in case.batches if b.plan] == ["2"]
    assert case.events().count("case:migrated") == 1


async def test_moved_while_a_call_is_under_way_its_answer_is_taken_by_the_new_version(
    case: Case, client: Client
) -> None:
    case.meets("tax_clearance", acts_then_hangs)
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until_tried("tax")
    moved = asyncio.create_task(move(case, moving(), with_audit(moving())))
    await case.until_step("tax", StepStatus.DONE)
    assert (await moved).status is CaseStatus.UNDER_REVIEW
    await case.until_step("audit", StepStatus.DONE)
    assert case.receiver.net("tax") == 1


async def test_what_a_province_was_asked_for_cannot_be_changed_under_way(case: Case, client: Client) -> None:
    case.meets("tax_clearance", *[fails(OutcomeStatus.UNAVAILABLE)] * 3)
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until_tried("tax")
    for new, code in (
        (with_step(moving(), "tax", operation="tax_other"), "migration_call_changed"),
        (without(moving(), "tax"), "migration_step_removed"),
        (between(moving(), AUDIT, "tax"), "migration_step_before"),
    ):
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await move(case, moving(), new)
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == code
    await case.until_step("tax", StepStatus.DONE)
    assert all(b.plan is None for b in case.batches)


async def test_the_same_order_again_is_answered_and_moves_nothing(case: Case, client: Client) -> None:
    await start(case, client)
    await case.until_step("accept", StepStatus.TASK)
    new = with_audit(moving())
    first = await move(case, moving(), new)
    assert await move(case, moving(), new) == first
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await move(case, moving(), version(moving(), "3"), "r2")
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "migration_stale"
    assert case.events().count("case:migrated") == 1


async def test_moved_and_withdrawn_everything_is_undone_as_it_was_done(case: Case, client: Client) -> None:
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until(lambda: {case.step("tax"), case.step("archive")} == {StepStatus.DONE})
    await move(case, moving(), with_audit(moving()))
    await case.until_step("audit", StepStatus.DONE)
    await case.withdraw()
    await case.until_closed()
    assert case.view.status is CaseStatus.WITHDRAWN
    assert case.nets() == {}
    undone = [r.call.operation for _, r in case.house.tried if r.case_no == case.no and r.call.verb is Verb.REVERSE]
    assert undone[0] == "audit_undo", "last in, first out"


async def test_a_limit_that_has_run_out_runs_again_under_a_longer_one_and_its_task_stays(
    later: Case, clock: WorkflowEnvironment
) -> None:
    def limited(days: int) -> CasePlan:
        clocks = (clock_of("checking", "received", "check.done", legal=days),)
        return plan_of(ACCEPT, step("check", StepKind.REVIEW, ("accept",)), clocks=clocks)

    await start(later, clock.client, plan=limited(5))
    await later.decide("accept", "accept")
    await clock.sleep(timedelta(days=20))
    await later.until(lambda: later.view.clocks[0].legal_overdue)
    (first,) = [t for b in later.batches for t in b.tasks if t.kind is TaskKind.SUPERVISE]
    overdue = later.view.clocks[0].legal_due
    await move(later, limited(5), version(limited(7)))
    assert (later.view.clocks[0].legal_due, later.view.clocks[0].legal_overdue) == (overdue, True)
    await move(later, version(limited(7)), version(limited(60), "3"), "r2")
    due = later.view.clocks[0].legal_due
    assert due is not None
    assert overdue is not None
    assert due > overdue
    assert not later.view.clocks[0].legal_overdue
    assert first.id in later.batches[-1].open_tasks
    await clock.sleep(timedelta(days=120))
    await later.until(lambda: later.view.clocks[0].legal_overdue)
    assert later.view.clocks[0].legal_due == due
    assert len([t for b in later.batches for t in b.tasks if t.kind is TaskKind.SUPERVISE]) == 2
    await later.decide("check", "pass")
    await later.until_closed()


async def test_a_shorter_limit_wakes_the_case_earlier(later: Case, clock: WorkflowEnvironment) -> None:
    def limited(days: int) -> CasePlan:
        return plan_of(ACCEPT, clocks=(clock_of("acceptance", "received", "accept.done", legal=days),))

    await start(later, clock.client, plan=limited(60))
    await later.until_step("accept", StepStatus.TASK)
    await move(later, limited(60), version(limited(3)))
    await clock.sleep(timedelta(days=15))
    await later.until(lambda: later.view.clocks[0].legal_overdue)
    await later.decide("accept", "accept")
    await later.until_closed()
