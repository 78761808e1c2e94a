"""Cases that outlive their history, and workers that know what the workflow asks for."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import workflows.calls
from activities.clearing import ClearingActivities
from activities.matters import MatterActivities
from activities.province import ProvinceActivities
from activities.reconciliation import ReconciliationActivities
from activities.record import RecordActivities
from domain import names
from domain.case import CaseStatus, StepStatus
from domain.messages import Actor
from domain.process import DecideCommand, Process
from tests.unit.plans import CHAIN, LIBRARY, NOW, moving
from tests.unit.successors import order, without
from tests.workflow.conftest import BIN, KEYS
from tests.workflow.house import Case, House, case_of, new_number, start
from tongban.temporal import plugin
from tongban.wiring import ClearingWork
from tongban.worker import Work, build_workers

pytestmark = pytest.mark.xdist_group("temporal")


async def test_a_case_goes_on_from_the_state_it_was_carried_over_with(case: Case, client: Client) -> None:
    process = Process(case.no, CHAIN, LIBRARY.calendar, NOW)
    process.begin(NOW)
    case.batches.append(process.batch(NOW))
    await start(case, client, plan=CHAIN, state=process.state)
    await case.decide("accept", "accept")
    assert case.batches[1].number == 2
    await case.decide("decide", "grant")
    await case.until_closed()
    assert case.view.status is CaseStatus.COMPLETED


@pytest_asyncio.fixture(scope="module")
async def forgetful() -> AsyncIterator[WorkflowEnvironment]:
    """A server that suggests to continue as new after a handful of events."""
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(BIN / "temporal"),
        dev_server_log_level="error",
        plugins=[plugin(KEYS, sandbox=True)],
        dev_server_extra_args=["--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=25"],
    )
    async with environment:
        yield environment


async def test_a_history_that_grows_long_is_continued_anew_and_nothing_is_lost(forgetful: WorkflowEnvironment) -> None:
    house, client = House(), forgetful.client
    async with house.at_work(client, provinces=()):
        case = await start(case_of(house, client, new_number()), client)
        await case.until_step("accept", StepStatus.TASK)
        first = (await case.handle.describe()).run_id
        await case.until(lambda: case.step("shareholder") is StepStatus.PREVIEW)
        accepted = await case.decide("accept", "accept")
        task = case.batches[0].tasks[0]
        by = Actor(subject="w", role=task.role, region=task.place.region, department=task.place.department)
        await case.evidence("representative")
        await case.evidence("shareholder")
        await case.until_step("decide", StepStatus.TASK)
        assert (await case.handle.describe()).run_id != first
        repeated = DecideCommand(id="d1", task=task.id, outcome="accept", actor=by)
        assert await case.order(names.ORDER_UPDATE, repeated, "d1") == accepted
        await case.decide("decide", "grant")
        await case.until_closed()
        last = (await case.handle.describe()).run_id
        assert first != last
    assert case.view.status is CaseStatus.COMPLETED
    assert case.nets() == {"tax": 1, "archive": 1, "register": 1, "licence": 1}
    assert [b.number for b in case.batches] == list(range(1, len(case.batches) + 1))


async def test_a_case_that_was_moved_is_continued_with_its_new_plan(forgetful: WorkflowEnvironment) -> None:
    house, client = House(), forgetful.client
    async with house.at_work(client, provinces=()):
        case = await start(case_of(house, client, new_number()), client)
        await case.until_step("accept", StepStatus.TASK)
        first = (await case.handle.describe()).run_id
        new = without(moving(), "licence")
        moved = order(moving(), new)
        told = await case.order(names.ORDER_UPDATE, moved, moved.id)
        await case.to_decision()
        await case.until_step("decide", StepStatus.TASK)
        assert (await case.handle.describe()).run_id != first
        assert await case.order(names.ORDER_UPDATE, moved, moved.id) == told, "the order is still known"
        await case.decide("decide", "grant")
        await case.until_closed()
    assert case.view.status is CaseStatus.COMPLETED
    assert case.nets() == {"tax": 1, "archive": 1, "register": 1}
    assert [b.plan.version for b in case.batches if b.plan] == ["2"]


CALLS = {
    names.RECORD_ACTIVITY: workflows.calls.record,
    names.RECORD_WINDOW_ACTIVITY: workflows.calls.record_window,
    names.RECORD_MATTER_ACTIVITY: workflows.calls.record_matter,
    names.CHORE_ACTIVITY: workflows.calls.run_chore,
    names.INSURANCE_ACTIVITY: workflows.calls.insurance_exchange,
    names.BILL_ACTIVITY: workflows.calls.order_bill,
    names.CLEARING_TERMS_ACTIVITY: workflows.calls.clearing_terms,
    names.CLEARING_PROPOSE_ACTIVITY: workflows.calls.propose_clearing,
    names.CLEARING_ANSWER_ACTIVITY: workflows.calls.answer_clearing,
    names.CLEARING_CLEAR_ACTIVITY: workflows.calls.clear_month,
    names.CLEARING_OVERDUE_ACTIVITY: workflows.calls.note_overdue_payment,
    names.RECONCILE_ACTIVITY: workflows.calls.reconcile_book,
    names.PROVINCE_ATTEMPT_ACTIVITY: workflows.calls.try_province,
    names.PROVINCE_ACTIVITY: workflows.calls.call_province,
}


async def test_every_activity_the_workflow_calls_is_registered_with_the_same_types(
    dev_server: WorkflowEnvironment,
) -> None:
    assert _called() == set(CALLS)
    # a connection of its own: one connection takes one worker per queue
    address = dev_server.client.service_client.config.target_host
    client = await Client.connect(address, plugins=[plugin(KEYS, sandbox=True)])
    record, province = RecordActivities(None), ProvinceActivities(None, None, 1)  # type: ignore[arg-type]
    matters = MatterActivities(None)  # type: ignore[arg-type]
    clearing = ClearingWork(ClearingActivities(None, None, None), ReconciliationActivities(None, None))  # type: ignore[arg-type]
    work = Work(record, province, matters, clearing)
    core, office = build_workers(client, ["core", "core", "province:310000"], work, 1)
    assert (core.task_queue, office.task_queue) == (names.CORE_QUEUE, names.province_queue("310115"))
    recorders = {
        names.RECORD_ACTIVITY,
        names.RECORD_WINDOW_ACTIVITY,
        names.RECORD_MATTER_ACTIVITY,
        names.CHORE_ACTIVITY,
    }
    money = {name for name in CALLS if name in _activities(core)} - recorders - {names.PROVINCE_ATTEMPT_ACTIVITY}
    assert len(money) == len(clearing.activities())
    assert set(_activities(core)) == recorders | money | {names.PROVINCE_ATTEMPT_ACTIVITY}
    assert set(_activities(office)) == {names.PROVINCE_ACTIVITY}
    for name, function in (_activities(core) | _activities(office)).items():
        assert list(get_type_hints(function).values()) == list(get_type_hints(CALLS[name]).values()), name


def _called() -> set[str]:
    tree = ast.parse(Path(workflows.calls.__file__).read_text(encoding="utf-8"))
    return {getattr(names, n.attr) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and "_ACTIVITY" in n.attr}


def _activities(worker: Worker) -> dict[str, Any]:
    return {activity._Definition.must_from_callable(f).name or "": f for f in worker.config().get("activities", ())}
