"""Filings and referrals as workflows, on a server whose time is turned: months go by, and nothing is forgotten."""

from __future__ import annotations

import json

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from domain.calendar import local_day
from domain.medical import Exchange
from domain.medical.filing_messages import CancelFiling, DecideFiling, FilingStart, HandInProof
from domain.medical.filing_rules import Category
from domain.medical.referral import (
    AcceptReferral,
    AdmitReferral,
    CancelReferral,
    OutcomeReferral,
    ReferralStart,
    ScheduleReferral,
)
from tests.filing.conftest import House
from tests.filing.people import (
    HERE,
    ME,
    OFFICE,
    PATIENT,
    THERE,
    ask,
    days,
    new_start,
    promised,
    referral_start,
    refused,
)

pytestmark = pytest.mark.xdist_group("temporal")


async def begin(house: House, clock: WorkflowEnvironment, request: object) -> FilingStart:
    start = new_start(request, now=await clock.get_current_time())  # type: ignore[arg-type]
    await house.start("filing", start, start.no)
    return start


def asked(house: House, no: str) -> list[Exchange]:
    return [exchange for exchange in house.asked if exchange.no == no]


async def test_a_temporary_filing_is_registered_and_expires_after_its_last_day(
    house: House, clock: WorkflowEnvironment
) -> None:
    start = await begin(house, clock, ask(Category.TMP_OTHER))
    await house.until(lambda: house.status(start.no) == "effective")
    assert [exchange.infno for exchange in asked(house, start.no)] == ["1101", "X511"]
    last = start.decision.last
    assert last is not None
    await clock.sleep(days(180))
    assert house.status(start.no) == "effective"
    await clock.sleep(days(4))
    await house.until(lambda: house.status(start.no) == "expired")
    ended = house.batches[start.no][-1]
    assert ended.closed_at is not None
    assert local_day(ended.closed_at) == last + days(1)
    await house.client.get_workflow_handle(start.no).result()
    assert house.trail(start.no)[-1] == "filing:expired"


async def test_a_commitment_that_is_kept_after_weeks(house: House, clock: WorkflowEnvironment) -> None:
    start = await begin(house, clock, promised())
    await house.until(lambda: house.status(start.no) == "pending_proof")
    await clock.sleep(days(20))
    done = await house.act(start.no, HandInProof(id="p", actor=ME, documents=("d1",)))
    assert done.status == "effective"
    assert await house.act(start.no, HandInProof(id="p", actor=ME, documents=("d1",))) == done, "once, however often"
    assert await house.refused(start.no, HandInProof(id="q", actor=ME, documents=("d1",))) == "filing_state"
    assert await house.refused(start.no, CancelFiling(id="c", actor=ME)) == "filing_interval"
    await clock.sleep(days(170))
    await house.until(lambda: "filing:interval_over" in house.trail(start.no))
    done = await house.act(start.no, CancelFiling(id="d", actor=ME))
    assert done.status == "cancelled"
    await house.client.get_workflow_handle(start.no).result()
    assert [exchange.infno for exchange in asked(house, start.no)] == ["1101", "X511", "X512"]


async def test_a_commitment_that_is_not_kept_is_remembered(house: House, clock: WorkflowEnvironment) -> None:
    start = await begin(house, clock, promised())
    await house.until(lambda: house.status(start.no) == "pending_proof")
    await clock.sleep(days(32))
    await house.until(lambda: "filing:proof_missed" in house.trail(start.no))
    assert house.status(start.no) == "effective"
    assert house.view(start.no)["missed_proof"] is not None
    await house.client.get_workflow_handle(start.no).terminate()


async def test_a_change_takes_the_place_of_the_old_filing_in_its_own_workflow(
    house: House, clock: WorkflowEnvironment
) -> None:
    old = await begin(house, clock, ask(Category.TMP_OTHER))
    await house.until(lambda: house.status(old.no) == "effective")
    await clock.sleep(days(10))
    new = await begin(house, clock, ask(Category.TMP_OTHER, "320100", replaces=old.no))
    await house.until(lambda: house.status(old.no) == "changed" and house.status(new.no) == "effective")
    assert house.view(old.no)["replaced_by"] == new.no
    await house.client.get_workflow_handle(old.no).result()
    removal = asked(house, old.no)[-1]
    assert (removal.infno, json.loads(removal.body)["enddate"]) == (
        "X512",
        (new.decision.first - days(1)).isoformat(),
    )
    await house.client.get_workflow_handle(new.no).terminate()


async def test_a_caseworker_decides_and_sees_to_what_the_platform_refuses(
    house: House, clock: WorkflowEnvironment
) -> None:
    house.answers["X511"] = [refused("filing_overlap")]
    start = await begin(house, clock, ask(Category.LT_WORK))
    await house.until(lambda: house.status(start.no) == "in_review")
    await clock.sleep(days(8))
    await house.until(lambda: house.view(start.no)["overdue"])
    await house.act(start.no, DecideFiling(id="a", actor=OFFICE, outcome="approve"))
    await house.until(lambda: house.view(start.no)["trouble"])
    assert house.batches[start.no][-1].waiting[0].why == "platform_refused"
    done = await house.act(start.no, DecideFiling(id="r", actor=OFFICE, outcome="retry"))
    assert done.status == "effective"
    await house.client.get_workflow_handle(start.no).terminate()


async def refer(house: House, clock: WorkflowEnvironment) -> ReferralStart:
    start = referral_start(await clock.get_current_time())
    await house.start("referral", start, start.no)
    return start


async def test_a_referral_goes_all_the_way(house: House, clock: WorkflowEnvironment) -> None:
    start = await refer(house, clock)
    await house.act(start.no, AcceptReferral(id="a", actor=THERE))
    await house.until(lambda: house.view(start.no)["filed"])
    day = start.first + days(3)
    await house.act(start.no, ScheduleReferral(id="s", actor=THERE, day=day))
    await clock.sleep(days(3))
    await house.act(start.no, AdmitReferral(id="i", actor=THERE, day=day))
    await clock.sleep(days(12))
    done = await house.act(start.no, OutcomeReferral(id="o", actor=THERE, outcome="improved", day=day))
    assert done.status == "outcome"
    await house.client.get_workflow_handle(start.no).result()
    assert house.view(start.no)["filing"] == start.filing
    assert [chore.purpose for chore in house.chores if chore.no == start.no] == ["file_referral"]


async def test_a_cancelled_referral_takes_its_filing_with_it(house: House, clock: WorkflowEnvironment) -> None:
    start = await refer(house, clock)
    now = await clock.get_current_time()
    filing = new_start(ask(Category.TMP_REFERRAL, referral=start.no), now=now)
    filing = filing.model_copy(update={"no": start.filing, "referral_fields": "{}"})
    await house.start("filing", filing, filing.no)
    await house.until(lambda: house.status(filing.no) == "effective")
    await house.act(start.no, AcceptReferral(id="a", actor=THERE))
    await house.until(lambda: house.view(start.no)["filed"])
    await house.act(start.no, CancelReferral(id="c", actor=PATIENT, reason="patient_wish"))
    await house.until(lambda: house.status(filing.no) == "cancelled")
    assert house.view(filing.no)["reason"] == "referral_over"
    await house.client.get_workflow_handle(filing.no).result()
    assert [x.infno for x in asked(house, filing.no)] == ["1101", "2501", "X512"]


async def test_an_unanswered_referral_is_closed_by_time(house: House, clock: WorkflowEnvironment) -> None:
    start = await refer(house, clock)
    await house.until(lambda: house.status(start.no) == "referred")
    await clock.sleep(days(7))
    assert house.status(start.no) == "referred"
    await clock.sleep(days(1.1))
    await house.until(lambda: house.status(start.no) == "cancelled")
    handle = house.client.get_workflow_handle(start.no)
    await handle.result()
    assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
    assert house.view(start.no)["reason"] == "not_answered"
    assert HERE.department == house.view(start.no)["referring"]
