"""A recognition over weeks: its workflow on a clock that is turned, its messages answered in this process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from domain import names
from domain.medical import Exchange, ExchangeOutcome, MatterBatch, MatterDone
from domain.medical.recognition import ConsentAct, DecideAct, Decision, RecognitionAct, RecognitionView, WithdrawAct
from tests.fixtures.running import eventually
from tests.recognition.sick import DOCTOR, HOME, PATIENT, PLACE, Platform, row, start
from tongban.temporal import KeyRing, plugin
from workflows.recognition import RecognitionWorkflow

BIN = Path(sys.executable).parent


class Ward:
    """Keeps what is recorded, answers for the platform."""

    def __init__(self) -> None:
        self.batches: list[MatterBatch] = []
        self.platform = Platform()

    @activity.defn(name=names.RECORD_MATTER_ACTIVITY)
    async def record_matter(self, batch: MatterBatch) -> None:
        if len(self.batches) < batch.number:
            self.batches.append(batch)

    @activity.defn(name=names.INSURANCE_ACTIVITY)
    async def insurance_exchange(self, exchange: Exchange) -> ExchangeOutcome:
        return self.platform.answer(exchange)

    @property
    def view(self) -> RecognitionView:
        return RecognitionView.model_validate_json(self.batches[-1].view)


@pytest_asyncio.fixture(scope="module")
async def clock() -> AsyncIterator[WorkflowEnvironment]:
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(BIN / "temporal-test-server"),
        plugins=[plugin(KeyRing("test", {"test": bytes(32)}), sandbox=True)],
    )
    async with environment:
        yield environment


async def begun(clock: WorkflowEnvironment, ward: Ward) -> WorkflowHandle[RecognitionWorkflow, None]:
    """Consented to, its two reports there to be decided about."""
    now = await clock.get_current_time()
    year = {"qc_begndate": f"{now.year - 1}-01-01", "qc_enddate": f"{now.year}-12-31"}
    ward.platform.reports = {
        HOME: [row("RPT-1", days=13, now=now, **year), row("RPT-2", "LAB-HBA1C", days=1, now=now, **year)]
    }
    message = start(("CT-CHEST", "LAB-HBA1C"))
    handle = await clock.client.start_workflow(
        RecognitionWorkflow.run, message, id=message.no, task_queue=names.CORE_QUEUE
    )
    await act(handle, ConsentAct(id="a1", actor=PATIENT, granted=True, consent="c1"))
    await eventually(lambda: asyncio.sleep(0, ward.view.status), "deciding".__eq__)
    return handle


async def act(handle: WorkflowHandle[RecognitionWorkflow, None], sent: RecognitionAct) -> MatterDone:
    done: MatterDone = await handle.execute_update(names.MATTER_UPDATE, sent, id=sent.id, result_type=MatterDone)
    return done


@pytest_asyncio.fixture
async def ward(clock: WorkflowEnvironment) -> AsyncIterator[Ward]:
    made = Ward()
    core = Worker(
        clock.client,
        task_queue=names.CORE_QUEUE,
        workflows=[RecognitionWorkflow],
        activities=[made.record_matter],
    )
    counter = Worker(clock.client, task_queue=names.insurance_queue(PLACE), activities=[made.insurance_exchange])
    async with core, counter:
        yield made


async def test_a_recognition_nobody_decides_ends_by_itself(clock: WorkflowEnvironment, ward: Ward) -> None:
    handle = await begun(clock, ward)
    await handle.result()
    assert (ward.view.status, ward.view.reason) == ("expired", "nobody_decided")
    said = [event for batch in ward.batches for event in batch.events]
    lapsed = next(event for event in said if event.type == "recognition:lapsed")
    deciding = next(event for event in said if event.type == "recognition:deciding")
    assert timedelta(hours=72) <= lapsed.at - deciding.at < timedelta(hours=73)
    barred = next(e for e in said if e.type == "recognition:judged" and e.data["codes"] == "T3_EXPIRED")
    assert deciding.at < barred.at < lapsed.at  # the CT got too old while it waited
    assert [batch.number for batch in ward.batches] == list(range(1, len(ward.batches) + 1))
    assert ward.batches[-1].waiting == ()


async def test_an_act_is_checked_done_once_and_closes_what_is_complete(clock: WorkflowEnvironment, ward: Ward) -> None:
    handle = await begun(clock, ward)
    by_item = {report.entry.item_code: report.id for report in ward.view.reports}
    first = DecideAct(id="d1", actor=DOCTOR, report=by_item["CT-CHEST"], decision=Decision.RECOGNISE)
    assert (await act(handle, first)).status == "deciding"
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await act(handle, first.model_copy(update={"id": "d2"}))
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "recognition_decided"
    assert (await act(handle, WithdrawAct(id="w1", actor=PATIENT))).status == "withdrawn"
    await handle.result()
    assert {report.state for report in ward.view.reports} == {"recognised", "lapsed"}
