"""Ways in which a case could get stuck, act after its end, or act twice: each once found, now excluded."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain import names
from domain.case import CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.messages import Actor, Role
from domain.plan import OnRejected, StepKind
from domain.process import CallOutcome, DecideCommand, OutcomeStatus
from domain.record import EvidenceState, TaskKind, TaskState
from tests.unit.plans import ACCEPT, BY_HAND, CASE_NO, EVIDENCE, SIDE_BY_SIDE, clock, moving, plan_of, step
from tests.unit.receiver import ACCEPTED, PENDING, REJECTED
from tests.unit.world import World, finish

UNTIL_LATER = timedelta(hours=2)


def side_by_side(*first: AnswerStatus) -> World:
    """Accepted; the first effects answered as given, the others under way."""
    world = World(SIDE_BY_SIDE)
    world.accept()
    for name, answer in zip(("e0", "e1", "e2"), first, strict=False):
        world.answer(world.flight(name), answer)
    return world


def test_a_withdrawal_that_waits_for_one_province_does_not_ask_another_in_a_loop() -> None:
    world = side_by_side(PENDING)
    world.fail(world.flight("e1"), OutcomeStatus.UNKNOWN)
    assert world.withdraw() is None
    world.pass_time(UNTIL_LATER)  # pass_time itself demands that the timer does not ring for ever
    finish(world)


def test_a_reversal_refused_by_callback_leaves_no_timer_that_rings_for_ever() -> None:
    world = side_by_side(ACCEPTED, REJECTED)
    world.answer(world.flight("e2"), REJECTED)
    reversal = world.flight("e0")
    world.answer(reversal, PENDING)
    world.complete(world.receiver.entries[reversal.call.key], REJECTED)
    assert world.task("e0")
    world.pass_time(UNTIL_LATER)
    finish(world)


def test_a_result_forgotten_by_the_province_is_not_asked_for_anew_once_the_case_is_ending() -> None:
    world = side_by_side(PENDING, ACCEPTED)
    world.answer(world.flight("e2"), PENDING)
    world.pass_time()
    poll = next(f for f in world.flights if f.call.step == "e0")
    assert poll.call.verb is Verb.FIND
    assert world.withdraw() is None  # e2 and e1 are undone before e0
    world.receiver.forget(world.receiver.entries[poll.call.key])
    world.answer(poll)
    assert [f.call.verb for f in world.flights if f.call.step == "e0"] == []
    finish(world)


@pytest.mark.parametrize("trouble", [OutcomeStatus.UNAVAILABLE, OutcomeStatus.DEFERRED, OutcomeStatus.UNKNOWN])
def test_nothing_is_sent_again_once_the_case_is_ending(trouble: OutcomeStatus) -> None:
    world = side_by_side()
    assert world.withdraw() is None
    for name in ("e0", "e1", "e2"):
        world.fail(world.flight(name), trouble)
    assert {f.call.verb for f in world.flights} == {Verb.REVERSE}
    finish(world)
    assert world.status is CaseStatus.WITHDRAWN
    assert world.receiver.ledger == []


def releasing(answer: AnswerStatus) -> World:
    """The applicant has accepted the evidence; the register answers its release as given."""
    world = World(EVIDENCE)
    world.answer(world.flight("paper"))
    assert world.evidence("paper", accept=True) is None
    world.answer(world.flight("paper"), answer)
    return world


def test_evidence_released_later_is_marked_as_used() -> None:
    world = releasing(PENDING)
    world.complete(world.receiver.pending()[0])
    assert world.step("paper") is StepStatus.DONE
    changes = [c.state for b in world.batches for c in b.evidence]
    assert changes[-1] is EvidenceState.USED


def test_evidence_refused_later_goes_back_to_the_applicant() -> None:
    world = releasing(PENDING)
    world.complete(world.receiver.pending()[0], REJECTED)
    assert world.step("paper") is StepStatus.PREVIEW
    assert world.evidence("paper", accept=True) == "replacement_required"
    assert world.evidence("paper", accept=False) is None


def test_evidence_forgotten_by_the_register_is_asked_for_as_evidence() -> None:
    world = releasing(PENDING)
    world.pass_time()
    world.receiver.forget(world.receiver.pending()[0])
    world.answer(world.flight("paper"))
    assert world.flight("paper").call.verb is Verb.FETCH


def test_reasons_on_an_accepted_answer_do_not_lead_to_a_second_effect() -> None:
    plan = plan_of(ACCEPT, step("cert", StepKind.CERTIFICATE, ("accept",), licence=True))
    world = World(plan)
    world.accept()
    flight = world.flight("cert")
    good = world.receiver.take(flight.call, ACCEPTED, licence="1.2.3").outcome()
    world.end(flight, good.model_copy(update={"reasons": ("WHY",)}))
    assert world.decide(world.task("cert"), "retry") is None
    again = world.flight("cert").call
    assert (again.key, again.verb, again.again) == (flight.call.key, Verb.SUBMIT, True)


def test_a_licence_number_that_another_case_holds_is_not_taken() -> None:
    world = World(plan_of(ACCEPT, step("cert", StepKind.CERTIFICATE, ("accept",), licence=True)))
    world.accept()
    flight = world.flight("cert")
    good = world.receiver.take(flight.call, ACCEPTED).outcome()
    world.end(flight, good.model_copy(update={"licence_taken": True}))
    assert world.process.state.steps["cert"].trouble == "licence_number_taken"
    assert world.decide(world.task("cert"), "retry") is None


def test_a_refusal_without_a_reason_is_tried_again_under_a_new_key_with_its_reversal_registered() -> None:
    world = World(plan_of(ACCEPT, step("e", needs=("accept",), on_rejected=OnRejected.RESOLVE)))
    world.accept()
    flight = world.flight("e")
    world.receiver.take(flight.call, REJECTED, reasons=())
    world.arrive(flight, REJECTED)
    world.end(flight)
    assert world.decide(world.task("e"), "retry") is None
    again = world.flight("e").call
    assert again.key != flight.call.key
    assert [u.key for u in world.process.state.undo] == [again.key]


def test_two_clocks_that_end_alike_give_two_tasks() -> None:
    plan = plan_of(
        ACCEPT, clocks=(clock("a", "received", "closed", legal=5), clock("b", "received", "closed", legal=5))
    )
    world = World(plan)
    world.pass_time()
    opened = [
        t.id for b in world.batches for t in b.tasks if t.kind is TaskKind.SUPERVISE and t.state is TaskState.OPEN
    ]
    assert len(opened) == len(set(opened)) == 2


def test_an_answer_that_says_nothing_is_not_a_refusal() -> None:
    world = side_by_side()
    world.end(world.flight("e0"), CallOutcome(status=OutcomeStatus.ANSWERED))
    assert world.step("e0") is StepStatus.RESOLVE
    assert world.process.state.closing is None


@pytest.mark.parametrize("plan", [moving(), *BY_HAND])
def test_a_case_withdrawn_at_any_moment_leaves_nothing_behind(plan: object) -> None:
    total = _happy(World(plan), stop_after=10**6)  # type: ignore[arg-type]
    for moment in range(total):
        world = World(plan)  # type: ignore[arg-type]
        _happy(world, stop_after=moment)
        refusal = world.withdraw()
        finish(world)
        expected = CaseStatus.WITHDRAWN if refusal is None else CaseStatus.COMPLETED
        assert world.status is expected
        if refusal is None:
            assert all(world.receiver.net(s.id) == 0 for s in plan.steps if s.compensate_with)  # type: ignore[attr-defined]


def _happy(world: World, stop_after: int) -> int:
    """Everybody agrees, oldest first; how many acts it took."""
    acts = 0
    while not world.closed and acts < stop_after:
        state = world.process.state
        if world.flights:
            world.answer(world.flights[0])
        elif state.tasks:
            task = next(iter(state.tasks))
            world.decide(task, state.tasks[task].outcomes[0])
        else:
            world.evidence(next(i for i, s in state.steps.items() if s.status is StepStatus.PREVIEW), accept=True)
        acts += 1
    return acts


def test_only_the_caseworker_of_the_place_decides() -> None:
    world = World(SIDE_BY_SIDE)
    task = world.task("accept")
    for role, region, department in (
        (Role.CASEWORKER, "320500", "tax"),
        (Role.CASEWORKER, "340100", "market_regulation"),
        (Role.SUPERVISOR, "320500", "market_regulation"),
        (Role.CITIZEN, "320500", "market_regulation"),
    ):
        actor = Actor(subject="x", role=role, region=region, department=department)
        command = DecideCommand(id=f"x-{role}-{region}", task=task, outcome="accept", actor=actor)
        assert world.order(command) == "not_found"


def test_an_overdue_case_is_noted_by_the_supervisor_of_its_own_place_only() -> None:
    world = World(SIDE_BY_SIDE)
    world.pass_time()
    task = next(i for i, t in world.process.state.tasks.items() if t.kind is TaskKind.SUPERVISE)
    other = Actor(subject="s", role=Role.SUPERVISOR, region="340100", department="tax")
    assert world.order(DecideCommand(id="n-1", task=task, outcome="noted", actor=other)) == "not_found"
    assert world.decide(task, "noted") is None
    assert not world.closed


def test_orders_that_come_too_late_or_ask_for_what_is_not_there() -> None:
    world = World(SIDE_BY_SIDE)
    task = world.task("accept")
    worker = Actor(subject="w", role=Role.CASEWORKER, region="320500", department="market_regulation")
    assert world.order(DecideCommand(id="1", task=task, outcome="grant", actor=worker)) == "outcome_unknown"
    assert world.order(DecideCommand(id="2", task="t" * 26, outcome="accept", actor=worker)) == "task_not_open"
    assert world.evidence("accept", accept=True) == "not_found"
    assert world.decide(task, "refuse") is None
    assert world.status is CaseStatus.NOT_ACCEPTED
    assert world.order(DecideCommand(id="3", task=task, outcome="accept", actor=worker)) == "case_closed"
    assert world.withdraw() == "case_closed"


def test_a_granted_application_cannot_be_withdrawn() -> None:
    world = World(BY_HAND[1])
    world.accept()
    for name in ("a", "b"):
        world.answer(world.flight(name))
    assert world.decide(world.task("decide"), "grant") is None
    assert world.withdraw() == "too_late_to_withdraw"


def test_the_key_of_an_effect_never_holds_the_attempt() -> None:
    world = side_by_side()
    first = world.flight("e0").call
    world.fail(world.flight("e0"), OutcomeStatus.UNKNOWN)
    second = world.flight("e0").call
    assert second.key == first.key == names.effect_key(CASE_NO, "l", "e0", Verb.SUBMIT, 0)
    assert second.patient


@pytest.mark.parametrize("at_once", [True, False], ids=["nothing to undo", "something to undo"])
def test_a_case_that_was_granted_and_then_fails_ends_as_terminated_never_as_refused(at_once: bool) -> None:
    last = step("last", needs=("decide",), on_rejected=OnRejected.REFUSE)
    done = (step("first", needs=("accept",)),) if not at_once else ()
    decide = step("decide", StepKind.DECIDE, ("accept", *(s.id for s in done)))
    world = World(plan_of(ACCEPT, *done, decide, last))
    world.accept()
    for flight in list(world.flights):
        world.answer(flight)
    world.decide(world.task("decide"), "grant")
    world.answer(world.flight("last"), REJECTED)
    finish(world)
    assert world.status is CaseStatus.TERMINATED
    assert world.process.state.reason == "rejected_at_last"
