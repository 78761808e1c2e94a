"""A case on a real Temporal server: what waits for what, and what the record says meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain import names
from domain.case import CaseStatus, StepStatus
from domain.effects import Verb
from domain.messages import Actor, Role
from domain.plan import StepKind
from domain.process import Callback, CallOutcome, DecideCommand, OutcomeStatus
from domain.record import Who
from domain.start import CallProvince
from tests.unit.plans import ACCEPT, CHAIN, SIDE_BY_SIDE, moving, plan_of, step
from tests.unit.receiver import ACCEPTED, PENDING, REJECTED, Receiver
from tests.workflow.house import (
    Case,
    House,
    acts_then_crashes,
    acts_then_hangs,
    case_of,
    fails,
    new_number,
    says,
    start,
)

pytestmark = pytest.mark.xdist_group("temporal")


def callback(case: Case, key: str, answer: object = ACCEPTED, event: str = "ev-1") -> Callback:
    return Callback(event_id=event, key=key, answer=answer, reference="no-1")


def key_of(case: Case, step: str) -> str:
    return names.effect_key(case.no, {"archive": "origin_market"}[step], step, Verb.SUBMIT, 0)


async def refusal(order: object) -> str | None:
    with pytest.raises(WorkflowUpdateFailedError) as raised:
        await order  # type: ignore[misc]
    assert isinstance(raised.value.cause, ApplicationError)
    return raised.value.cause.type


async def test_everybody_agrees_and_the_licence_is_issued(case: Case, client: Client) -> None:
    await start(case, client)
    await case.to_the_end()
    assert case.nets() == {"tax": 1, "archive": 1, "register": 1, "licence": 1}
    assert [licence.step for batch in case.batches for licence in batch.licences] == ["licence"]
    assert [batch.number for batch in case.batches] == list(range(1, len(case.batches) + 1))
    assert case.view.waiting == ()
    assert {how for how, request in case.house.tried if request.case_no == case.no} == {"local"}


async def test_without_local_first_every_call_goes_through_the_queue_of_its_province(
    case: Case, client: Client
) -> None:
    await start(case, client, local_first=False)
    await case.to_the_end()
    assert {how for how, request in case.house.tried if request.case_no == case.no} == {"queue"}
    assert case.nets() == {"tax": 1, "archive": 1, "register": 1, "licence": 1}


@pytest.mark.parametrize(
    ("way", "local_first"), [(acts_then_hangs, True), (acts_then_crashes, True), (acts_then_crashes, False)]
)
async def test_an_effect_whose_answer_was_lost_is_looked_for_before_it_is_sent_again(
    case: Case, client: Client, way: object, local_first: bool
) -> None:
    case.meets("tax_clearance", way)  # type: ignore[arg-type]
    await start(case, client, local_first=local_first)
    await case.to_the_end()
    calls = [(how, r.call) for how, r in case.house.tried if r.case_no == case.no and r.call.step == "tax"]
    assert [how for how, _ in calls] == ["local" if local_first else "queue", "queue"]
    assert calls[1][1].patient
    assert calls[1][1].key == calls[0][1].key
    assert case.receiver.net("tax") == 1
    assert "effect:submit:blocked" in case.events()


async def test_a_province_that_cannot_be_reached_is_named_in_the_record(case: Case, client: Client) -> None:
    case.meets("tax_clearance", *[fails(OutcomeStatus.UNAVAILABLE)] * 2)
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until_step("tax", StepStatus.BLOCKED)
    waits = next(w for w in case.view.waiting if w.step == "tax")
    assert (waits.who, waits.why, waits.region) == (Who.PROVINCE, "province_unavailable", "340100")
    await case.until_step("tax", StepStatus.DONE)  # the second patient attempt succeeds by itself


async def test_an_unknown_outcome_says_that_it_is_being_checked(case: Case, client: Client) -> None:
    case.meets("tax_clearance", *[fails(OutcomeStatus.UNKNOWN)] * 2)
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until_step("tax", StepStatus.BLOCKED)
    assert "outcome_unknown" in {w.why for w in case.view.waiting}


async def test_a_callback_ends_what_a_province_had_taken_in_and_a_second_one_changes_nothing(
    case: Case, client: Client
) -> None:
    case.meets("archive_handover", says(PENDING))
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until_step("archive", StepStatus.PENDING)
    case.receiver.complete(case.receiver.pending()[0], ACCEPTED)
    for answer in (ACCEPTED, ACCEPTED, REJECTED):
        await case.handle.signal(names.CALLBACK_SIGNAL, callback(case, key_of(case, "archive"), answer))
    await case.until_step("archive", StepStatus.DONE)
    await case.evidence("representative")
    assert case.step("archive") is StepStatus.DONE
    assert case.events().count("effect:submit:accepted") <= 2  # archive and, by now, tax


async def test_a_callback_that_is_faster_than_the_answer_is_kept_for_it(case: Case, client: Client) -> None:
    answered = asyncio.Event()

    async def slow(receiver: object, request: object) -> object:
        outcome = await says(PENDING)(receiver, request)  # type: ignore[arg-type]
        await answered.wait()
        return outcome

    case.meets("archive_handover", slow)  # type: ignore[arg-type]
    await start(case, client)
    deciding = asyncio.create_task(case.decide("accept", "accept"))  # recorded with what the quick tries bring
    await case.until_tried("archive")
    case.receiver.complete(case.receiver.pending()[0], ACCEPTED)
    await case.handle.signal(names.CALLBACK_SIGNAL, callback(case, key_of(case, "archive")))
    answered.set()
    await deciding
    await case.until_step("archive", StepStatus.DONE)
    assert "effect:find:pending" not in case.events()


async def test_callbacks_of_nobody_leave_the_case_as_it_was(case: Case, client: Client) -> None:
    await start(case, client)
    await case.until_step("accept", StepStatus.TASK)
    await case.until(lambda: case.step("shareholder") is StepStatus.PREVIEW)
    before = len(case.batches)
    await case.handle.signal(names.CALLBACK_SIGNAL, callback(case, "f" * 64))
    await case.evidence("representative")
    assert case.batches[before].commands


async def test_refusing_the_application_ends_it_at_once(case: Case, client: Client) -> None:
    await start(case, client)
    assert (await case.decide("accept", "refuse")).status is CaseStatus.NOT_ACCEPTED
    await case.until_closed()
    assert case.view.reason == "refused_at_accept"


async def test_refusing_at_the_decision_undoes_what_took_effect_last_in_first_out(case: Case, client: Client) -> None:
    await start(case, client)
    await case.to_decision()
    await case.decide("decide", "refuse")
    await case.until_closed()
    assert case.view.status is CaseStatus.DECIDED_REFUSED
    assert case.nets() == {}
    undone = [step for step, _, change in case.receiver.ledger if change < 0]
    assert undone == ["archive", "tax"]


async def test_a_withdrawal_in_the_middle_lets_a_call_end_and_then_undoes_it(case: Case, client: Client) -> None:
    answered = asyncio.Event()

    async def slow(receiver: object, request: object) -> object:
        await answered.wait()
        return await says(ACCEPTED)(receiver, request)  # type: ignore[arg-type]

    case.meets("tax_clearance", slow)  # type: ignore[arg-type]
    await start(case, client, local_first=False)
    await case.decide("accept", "accept")
    await case.until_step("archive", StepStatus.DONE)
    assert (await case.withdraw()).status is CaseStatus.REVERSING
    assert (case.view.status, case.view.target) == (CaseStatus.REVERSING, CaseStatus.WITHDRAWN)
    answered.set()
    await case.until_closed()
    assert case.view.status is CaseStatus.WITHDRAWN
    assert case.nets() == {}


async def test_what_waits_for_a_province_that_is_down_is_not_sent_after_a_withdrawal(
    case: Case, client: Client
) -> None:
    case.meets("tax_clearance", *[fails(OutcomeStatus.UNAVAILABLE)] * 20)
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until_step("tax", StepStatus.BLOCKED)
    await case.withdraw()
    await case.until_closed()
    assert case.view.status is CaseStatus.WITHDRAWN
    assert case.nets() == {}
    assert not [entry for entry in case.receiver.ledger if entry[0] == "tax"]  # neither done nor undone
    sent = [r.call.verb for _, r in case.house.tried if r.case_no == case.no and r.call.step == "tax"]
    assert sent[-1] is Verb.REVERSE  # it is called off by its key, should it have arrived after all
    assert len(sent) < 10


async def test_a_case_that_ends_while_a_register_is_being_asked_is_recorded_to_its_end(
    case: Case, client: Client
) -> None:
    async def slow(receiver: object, request: object) -> object:
        await asyncio.sleep(0.5)
        return await says(ACCEPTED)(receiver, request)  # type: ignore[arg-type]

    plan = plan_of(ACCEPT, step("paper", StepKind.EVIDENCE, ("accept",)), step("e", needs=("accept",)))
    case.meets("paper_do", slow, verb=Verb.OFFER)  # type: ignore[arg-type]
    case.meets("e_do", says(REJECTED))
    await start(case, client, plan=plan)
    await case.decide("accept", "accept")
    await case.until_closed()
    assert case.view.status is CaseStatus.TERMINATED


async def test_a_reversal_that_a_province_refuses_goes_to_a_person(case: Case, client: Client) -> None:
    case.meets("tax", says(REJECTED), verb=Verb.REVERSE)
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until(lambda: {case.step("tax"), case.step("archive")} == {StepStatus.DONE})
    await case.withdraw()
    await case.until(lambda: any(w.why == "resolve" and w.step == "tax" for w in case.view.waiting))
    await case.decide("tax", "retry")
    await case.until_closed()
    assert case.nets() == {}


async def test_a_reversal_that_is_under_way_is_asked_about_again_however_often_nobody_answers(
    case: Case, client: Client
) -> None:
    async def ended(receiver: Receiver, request: CallProvince) -> CallOutcome:
        receiver.complete(receiver.entries[request.call.key], ACCEPTED)
        return receiver.find(request.call)

    undoing = next(s.compensate_with for s in moving().steps if s.id == "tax")
    case.meets("tax", says(PENDING, after_s=1), verb=Verb.REVERSE)
    nobody = fails(OutcomeStatus.UNAVAILABLE, "no_slot")
    case.meets(undoing, nobody, nobody, ended, verb=Verb.FIND)
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until(lambda: {case.step("tax"), case.step("archive")} == {StepStatus.DONE})
    await case.withdraw()
    await case.until_closed()
    assert case.view.status is CaseStatus.WITHDRAWN


async def test_an_order_that_is_refused_says_why_and_leaves_no_trace_in_the_history(case: Case, client: Client) -> None:
    await start(case, client)
    await case.until_step("accept", StepStatus.TASK)
    await case.until(lambda: case.step("shareholder") is StepStatus.PREVIEW)
    stranger = Actor(subject="x", role=Role.CASEWORKER, region="310000", department="tax")
    assert await refusal(case.decide("accept", "accept", stranger)) == "not_found"
    assert await refusal(case.decide("accept", "grant")) == "outcome_unknown"
    nobody = DecideCommand(id="n", task="t" * 26, outcome="accept", actor=stranger)
    assert await refusal(case.order(names.ORDER_UPDATE, nobody, "n")) == "task_not_open"
    history = await case.handle.fetch_history()
    kinds = {event.event_type for event in history.events}
    assert EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED not in kinds
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in kinds
    await case.withdraw()
    await case.until_closed()


async def test_the_same_order_twice_is_one_act(case: Case, client: Client) -> None:
    await start(case, client)
    await case.until_step("accept", StepStatus.TASK)
    task = case.tasks("accept")[0]
    by = Actor(subject="w", role=task.role, region=task.place.region, department=task.place.department)
    command = DecideCommand(id="once", task=task.id, outcome="accept", actor=by)
    first = await case.order(names.ORDER_UPDATE, command, "once")
    assert await case.order(names.ORDER_UPDATE, command, "once") == first
    assert await case.order(names.ORDER_UPDATE, command, "after-continue-as-new") == first
    assert case.events().count("task:accept:decided") == 1


async def test_two_colleagues_at_the_same_moment_one_decides(case: Case, client: Client) -> None:
    await start(case, client)
    await case.until_step("accept", StepStatus.TASK)
    results = await asyncio.gather(
        *(case.decide("accept", outcome) for outcome in ("accept", "refuse", "accept")), return_exceptions=True
    )
    refused = [r for r in results if isinstance(r, WorkflowUpdateFailedError)]
    assert len(refused) == 2
    assert case.events().count("task:accept:decided") == 1


async def test_an_order_is_answered_only_when_it_is_on_record(case: Case, client: Client) -> None:
    await start(case, client)
    await case.until_step("accept", StepStatus.TASK)
    await case.until(lambda: case.step("shareholder") is StepStatus.PREVIEW)
    case.house.pen.clear()
    try:
        deciding = asyncio.create_task(case.decide("accept", "accept"))
        done, _ = await asyncio.wait({deciding}, timeout=0.5)
        assert not done
    finally:
        case.house.pen.set()
    await deciding
    assert "task:accept:decided" in case.events()


async def test_a_province_that_will_not_do_it_ends_the_case(case: Case, client: Client) -> None:
    case.meets("archive_handover", says(REJECTED))
    await start(case, client)
    await case.decide("accept", "accept")
    await case.until_closed()
    assert (case.view.status, case.view.reason) == (CaseStatus.TERMINATED, "rejected_at_archive")
    assert case.nets() == {}


async def test_a_withdrawal_held_up_by_one_province_does_not_spin_on_another(case: Case, client: Client) -> None:
    up = asyncio.Event()

    async def hangs(receiver: object, request: object) -> object:
        await up.wait()
        return await says(ACCEPTED)(receiver, request)  # type: ignore[arg-type]

    case.meets("e0_do", says(PENDING, after_s=1))
    case.meets("e1_do", fails(OutcomeStatus.UNAVAILABLE), hangs)  # type: ignore[arg-type]
    await start(case, client, plan=SIDE_BY_SIDE)
    await case.decide("accept", "accept")
    await case.until_step("e1", StepStatus.BLOCKED)
    await case.withdraw()
    await asyncio.sleep(1.2)  # the pending one would be due for a question now
    assert await refusal(case.withdraw()) == "case_closed"
    up.set()
    await case.until_closed()
    assert case.view.status is CaseStatus.WITHDRAWN
    assert case.nets() == {}
    kinds = [event.event_type for event in (await case.handle.fetch_history()).events]
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in kinds
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT not in kinds


@pytest.mark.parametrize("local_first", [True, False])
async def test_a_clerks_word_about_a_reversal_is_heard_although_the_database_was_away(
    case: Case, client: Client, local_first: bool
) -> None:
    async def entered(receiver: Receiver, request: CallProvince) -> CallOutcome:
        receiver.complete(receiver.entries[request.call.key], ACCEPTED)
        return receiver.find(request.call)

    await start(case, client, local_first=local_first)
    await case.decide("accept", "accept")
    await case.until(lambda: {case.step("tax"), case.step("archive")} == {StepStatus.DONE})
    case.receiver.clerks.add("tax")  # what is undone there is undone by hand
    operation = next(s.compensate_with for s in moving().steps if s.id == "tax")
    case.meets(operation, fails(OutcomeStatus.UNKNOWN), entered, verb=Verb.FIND)
    await case.withdraw()
    await case.decide("tax", "entered")
    await case.until_closed()
    assert case.view.status is CaseStatus.WITHDRAWN
    assert case.nets() == {}
    kinds = [event.event_type for event in (await case.handle.fetch_history()).events]
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in kinds


async def test_a_worker_that_dies_in_the_middle_is_replaced_by_one_that_knows_nothing(client: Client) -> None:
    house = House()
    case = case_of(house, client, new_number())
    async with house.at_work(client, "core-restart", provinces=(), cache=0):
        await start(case, client, plan=CHAIN, queue="core-restart")
        await case.decide("accept", "accept")
        await case.until_step("decide", StepStatus.TASK)
    async with house.at_work(client, "core-restart", provinces=(), cache=0):
        await case.decide("decide", "grant")
        await case.until_closed()
    assert case.view.status is CaseStatus.COMPLETED
    assert case.nets() == {"a": 1, "b": 1, "c": 1, "licence": 1}
