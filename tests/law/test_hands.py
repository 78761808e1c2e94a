"""A department without an interface, a province that wants more, an outcome that only a person can find out."""

from __future__ import annotations

from typing import Any

import pytest

from domain.case import CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.plan import CasePlan, OnRejected, StepKind
from domain.process import Callback, CallOutcome, OutcomeStatus
from domain.record import TaskKind, Who
from tests.law.people import types
from tests.unit.law_plans import ACCEPT, law_plan, law_step
from tests.unit.receiver import ACCEPTED, PENDING, Receiver
from tests.unit.world import World, finish

CONFIRM = CallOutcome(status=OutcomeStatus.UNUSABLE, code="confirm_by_clerk")


def plan(**changes: Any) -> CasePlan:
    return law_plan(
        ACCEPT,
        law_step("file", StepKind.EFFECT, ("accept",), **changes),
        law_step("decide", StepKind.DECIDE, ("file",)),
    )


def sent(receiver: Receiver, **changes: Any) -> World:
    world = World(plan(**changes), receiver=receiver)
    world.accept()
    world.answer(world.flight("file"))
    return world


def keyed_in(world: World, outcome: str) -> None:
    assert world.decide(world.task("file"), outcome) is None
    world.answer(world.flight("file"))


def shown(world: World) -> list[tuple[Who, str]]:
    return [(waiting.who, waiting.why) for waiting in world.batches[-1].view.waiting]


# a department without an interface


def test_a_clerk_keys_it_in_and_the_number_goes_on_with_the_case() -> None:
    world = sent(Receiver(clerks={"file"}))
    assert world.process.state.tasks[world.task("file")].kind is TaskKind.REKEY
    assert shown(world) == [(Who.DEPARTMENT, "rekey")]
    keyed_in(world, "entered")
    assert world.step("file") is StepStatus.DONE
    assert world.step("decide") is StepStatus.TASK
    assert world.receiver.net("file") == 1


def test_what_the_counter_refuses_is_refused() -> None:
    world = sent(Receiver(clerks={"file"}), on_rejected=OnRejected.REFUSE)
    keyed_in(world, "refused")
    assert world.status is CaseStatus.DECIDED_REFUSED


def test_nobody_polls_a_department_that_cannot_be_asked() -> None:
    world = sent(Receiver(clerks={"file"}))
    assert world.process.state.steps["file"].poll_at is None


def test_a_withdrawal_before_it_was_keyed_in_asks_a_clerk_what_there_is_to_undo() -> None:
    world = sent(Receiver(clerks={"file"}))
    assert world.withdraw() is None
    world.answer(world.flight("file"))
    task = next(i for i, t in world.process.state.tasks.items() if t.undo)
    assert world.process.state.tasks[task].outcomes == ("entered", "nothing_to_undo")
    assert world.decide(task, "nothing_to_undo") is None
    world.answer(world.flight("file"))
    assert world.status is CaseStatus.WITHDRAWN
    assert world.receiver.net("file") == 0


def test_what_was_keyed_in_is_undone_by_a_clerk() -> None:
    world = sent(Receiver(clerks={"file"}))
    keyed_in(world, "entered")
    assert world.withdraw() is None
    world.answer(world.flight("file"))
    assert world.decide(next(i for i, t in world.process.state.tasks.items() if t.undo), "entered") is None
    world.answer(world.flight("file"))
    assert world.status is CaseStatus.WITHDRAWN
    assert world.receiver.net("file") == 0


@pytest.mark.parametrize("status", [OutcomeStatus.UNKNOWN, OutcomeStatus.DEFERRED, OutcomeStatus.UNAVAILABLE])
def test_a_clerks_word_is_not_lost_when_the_database_is_away(status: OutcomeStatus) -> None:
    world = sent(Receiver(clerks={"file"}))
    assert world.decide(world.task("file"), "entered") is None
    world.fail(world.flight("file"), status)
    again = world.flight("file").call
    assert (again.verb, again.patient, bool(again.decision)) == (Verb.FIND, True, True)
    world.answer(world.flight("file"))
    assert world.step("file") is StepStatus.DONE


def test_the_case_comes_to_its_end_by_hand() -> None:
    finish(sent(Receiver(clerks={"file"})))


# an outcome that only a person can find out


def unsure() -> World:
    world = World(plan())
    world.accept()
    world.fail(world.flight("file"), OutcomeStatus.UNKNOWN)
    world.end(world.flight("file"), CONFIRM)
    return world


def test_where_nothing_can_be_looked_up_a_clerk_finds_out() -> None:
    world = unsure()
    assert world.process.state.tasks[world.task("file")].outcomes == ("entered", "refused", "not_done")
    assert shown(world) == [(Who.DEPARTMENT, "rekey")]


def test_if_it_was_not_done_it_is_sent_once_more() -> None:
    world = unsure()
    assert world.decide(world.task("file"), "not_done") is None
    again = world.flight("file").call
    assert (again.verb, again.patient) == (Verb.SUBMIT, True)
    assert again.decision
    world.answer(world.flight("file"))
    assert world.step("file") is StepStatus.DONE


# a province that wants something handed in


def wanting() -> World:
    return sent(Receiver(wanting={"file"}))


def test_what_a_province_wants_is_a_task_of_the_place() -> None:
    world = wanting()
    assert world.process.state.tasks[world.task("file")].kind is TaskKind.SUPPLY
    assert (Who.DEPARTMENT, "supply") in shown(world)
    assert world.process.state.steps["file"].poll_at is not None


def test_handing_in_has_a_key_of_its_own_and_names_the_submission() -> None:
    world = wanting()
    first = world.receiver.entries[world.process.state.steps["file"].key].call
    assert world.decide(world.task("file"), "hand_in") is None
    supplement = world.flight("file").call
    assert (supplement.verb, supplement.original) == (Verb.SUPPLEMENT, first.key)
    assert supplement.key != first.key
    assert supplement.send == first.send
    world.answer(world.flight("file"))
    entry = world.receiver.pending()[0]
    world.complete(entry)
    assert world.step("file") is StepStatus.DONE
    assert world.receiver.net("file") == 1


def test_what_is_wanted_may_be_told_by_callback() -> None:
    world = World(plan())
    world.accept()
    world.answer(world.flight("file"), PENDING)
    entry = world.receiver.pending()[0]
    assert world.call_back(Callback(event_id="e", key=entry.call.key, answer=PENDING, wanting=True))
    assert world.process.state.tasks[world.task("file")].kind is TaskKind.SUPPLY


def test_an_end_that_overtook_the_answer_is_not_forgotten_for_news_that_came_later() -> None:
    world = World(plan())
    world.accept()
    flight = world.flight("file")
    world.arrive(flight, PENDING)
    key = flight.call.key
    world.call_back(Callback(event_id="2", key=key, answer=ACCEPTED, reference="33-1"))
    world.call_back(Callback(event_id="1", key=key, answer=PENDING, wanting=True))
    world.end(flight)
    assert world.step("file") is StepStatus.DONE
    assert not [t for t in world.process.state.tasks.values() if t.kind is TaskKind.SUPPLY]


def test_an_end_makes_the_task_superfluous() -> None:
    world = wanting()
    entry = next(iter(world.receiver.entries.values()))
    world.complete(entry)
    assert world.step("file") is StepStatus.DONE
    assert not [t for t in world.process.state.tasks.values() if t.kind is TaskKind.SUPPLY]


def test_a_handing_in_that_fails_goes_to_the_queue_and_is_not_doubled() -> None:
    world = wanting()
    assert world.decide(world.task("file"), "hand_in") is None
    first = world.flight("file").call
    world.fail(world.flight("file"), OutcomeStatus.UNKNOWN)
    again = world.flight("file").call
    assert (again.key, again.patient) == (first.key, True)
    world.answer(world.flight("file"))
    assert "effect:supplement:accepted" in types(world)


def test_a_handing_in_that_is_refused_is_a_task_again() -> None:
    world = wanting()
    assert world.decide(world.task("file"), "hand_in") is None
    world.end(world.flight("file"), CallOutcome(status=OutcomeStatus.UNUSABLE, code="contract"))
    assert world.process.state.tasks[world.task("file")].kind is TaskKind.SUPPLY


def test_who_cannot_hand_it_in_gives_the_step_up() -> None:
    world = wanting()
    assert world.decide(world.task("file"), "terminate") is None
    finish(world)
    assert world.status is CaseStatus.TERMINATED
    assert world.receiver.net("file") == 0


def test_a_result_that_broke_down_at_the_province_is_asked_for_under_the_same_key() -> None:
    world = World(plan())
    world.accept()
    world.answer(world.flight("file"), PENDING)
    key = world.process.state.steps["file"].key
    world.pass_time()
    world.end(world.flight("file"), CallOutcome(status=OutcomeStatus.UNAVAILABLE, code="province_failed", failed=True))
    again = world.flight("file").call
    assert (again.verb, again.key, again.patient) == (Verb.SUBMIT, key, True)


def test_a_result_that_may_not_be_asked_for_beside_the_queue_is_asked_for_through_it() -> None:
    world = World(plan())
    world.accept()
    world.answer(world.flight("file"), PENDING)
    world.pass_time()
    world.end(world.flight("file"), CallOutcome(status=OutcomeStatus.DEFERRED, code="held"))
    again = world.flight("file").call
    assert (again.verb, again.patient) == (Verb.FIND, True)
    world.complete(world.receiver.pending()[0])
    assert world.step("file") is StepStatus.DONE


@pytest.mark.parametrize(("retryable", "status"), [(True, StepStatus.BLOCKED), (False, StepStatus.RESOLVE)])
def test_a_breakdown_that_is_reported_is_tried_again_or_a_persons(retryable: bool, status: StepStatus) -> None:
    world = World(plan())
    world.accept()
    world.answer(world.flight("file"), PENDING)
    key = world.process.state.steps["file"].key
    failed = Callback(event_id="1", key=key, answer=AnswerStatus.FAILED, reasons=("disk",), retryable=retryable)
    assert world.call_back(failed)
    assert world.step("file") is status
    assert [f.call.key for f in world.flights] == [key] * retryable


@pytest.mark.parametrize(("kind", "verb"), [(StepKind.CONSULT, Verb.CONSULT), (StepKind.NOTIFY, Verb.NOTIFY)])
def test_a_back_office_that_is_consulted_or_told_hears_that(kind: StepKind, verb: Verb) -> None:
    made = law_step("file", StepKind.EFFECT, ("accept",)).model_copy(update={"kind": kind})
    world = World(law_plan(ACCEPT, made))
    world.accept()
    assert world.flight("file").call.said_as is verb


# a province that could not


@pytest.mark.parametrize("may_try_again", [True, False])
def test_what_a_search_finds_to_have_broken_down_is_tried_again_or_goes_to_a_person(may_try_again: bool) -> None:
    world = sent(Receiver(wanting={"file"}))
    world.pass_time()
    status = OutcomeStatus.UNAVAILABLE if may_try_again else OutcomeStatus.UNUSABLE
    told = CallOutcome(status=status, code="province_failed", failed=may_try_again)
    world.end(world.flight("file"), told)
    kinds = {task.kind for task in world.process.state.tasks.values() if task.step == "file"}
    assert TaskKind.SUPPLY not in kinds, "what it wanted is of no interest any more"
    if may_try_again:
        again = world.flight("file").call
        assert (again.verb, again.patient, again.again) == (Verb.SUBMIT, True, True)
    else:
        assert (world.step("file"), TaskKind.RESOLVE in kinds) == (StepStatus.RESOLVE, True)


@pytest.mark.parametrize("code", ["wrong_person", "done_twice", "foreign_address", "adapter_broke"])
def test_what_no_repetition_mends_is_a_persons_at_once(code: str) -> None:
    world = World(plan())
    world.accept()
    world.answer(world.flight("file"), PENDING)
    world.pass_time()
    world.end(world.flight("file"), CallOutcome(status=OutcomeStatus.UNUSABLE, code=code))
    assert world.step("file") is StepStatus.RESOLVE
    assert world.process.state.steps["file"].trouble == code
