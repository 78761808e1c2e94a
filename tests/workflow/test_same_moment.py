"""Two things at the same moment: an order, and a message that comes while it is being recorded."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import Client

from domain import names
from domain.case import CaseStatus, StepStatus
from domain.effects import AnswerStatus
from domain.process import Callback, CallOutcome, OutcomeStatus
from tests.workflow.house import Case, fails, start

pytestmark = pytest.mark.xdist_group("temporal")
STRAY = Callback(event_id="stray", key="f" * 64, answer=AnswerStatus.ACCEPTED)


@pytest.mark.parametrize("ending", ["refuse", "withdraw"])
async def test_an_order_that_ends_the_case_is_not_lost_to_a_message_that_comes_while_it_is_recorded(
    case: Case, client: Client, ending: str
) -> None:
    await start(case, client)
    await case.until_step("accept", StepStatus.TASK)
    await case.until(lambda: case.step("shareholder") is StepStatus.PREVIEW)
    case.house.pen.clear()
    try:
        order = asyncio.create_task(case.decide("accept", "refuse") if ending == "refuse" else case.withdraw())
        await asyncio.sleep(0.3)  # the record of the order is being written
        await case.handle.signal(names.CALLBACK_SIGNAL, STRAY)
    finally:
        case.house.pen.set()
    result = await order
    assert result.status is (CaseStatus.NOT_ACCEPTED if ending == "refuse" else CaseStatus.WITHDRAWN)
    await case.until_closed()


async def test_a_withdrawal_at_the_moment_a_province_is_found_to_be_down_ends_the_case(
    case: Case, client: Client
) -> None:
    asked_again = asyncio.Event()

    async def down(receiver: object, request: object) -> CallOutcome:
        await asked_again.wait()
        return CallOutcome(status=OutcomeStatus.UNAVAILABLE, code="test")

    case.meets("tax_clearance", down, *[fails(OutcomeStatus.UNAVAILABLE)] * 20)
    await start(case, client, local_first=False)
    await case.decide("accept", "accept")
    await case.until_tried("tax")
    await case.until(lambda: case.step("shareholder") is StepStatus.PREVIEW)
    case.house.pen.clear()
    try:
        consent = asyncio.create_task(case.evidence("shareholder"))
        await asyncio.sleep(0.2)  # its record holds the workflow task open, and what comes now comes with the next
        asked_again.set()
        withdrawal = asyncio.create_task(case.withdraw())
        await asyncio.sleep(0.3)
    finally:
        case.house.pen.set()
    await asyncio.gather(consent, withdrawal)
    await case.until_closed()
    assert case.view.status is CaseStatus.WITHDRAWN
    assert set(case.nets()) <= {"shareholder"}  # evidence is read, not done; nothing else was asked
