"""A claim for manual reimbursement: paid once, only under a lock of its own, never on a bill that was cancelled."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from catalogue.library import Library
from catalogue.medical import treatment_terms
from domain.medical import BillOrder, BillWork, ExchangeEnd, ExchangeOutcome
from domain.medical.claim import (
    BillReversed,
    Claim,
    ClaimPaid,
    ClaimStatus,
    DecideClaim,
    LockExpired,
    StartClaim,
    SubmitClaim,
    WithdrawClaim,
)
from domain.medical.treatment_words import BillRef
from domain.messages import SYSTEM, Actor, Role

S = ClaimStatus
START = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
PATIENT = Actor(subject="c1", role=Role.CITIZEN)
OFFICE = Actor(subject="w1", role=Role.CASEWORKER, region="340500", department="health_insurance")
BILL = BillRef(code="31060226", number="0000000001")


class Course:
    """A claim, and the platform of bills as it sees it."""

    def __init__(self, bill: BillRef | None = BILL) -> None:
        self.now = START
        self.claim = Claim(
            StartClaim(
                no="3405002026100800000000000001", insured="340500", insutype="390", med_type="21", treatment="310104",
                institution="H31010400001", total=3200000, bill=bill, agency="12340000XXXX0006XW", opened_by=SYSTEM,
            ),
            START,
        )  # fmt: skip
        self.acts = 0
        self.locks: set[str] = set()
        self.paid = 0

    def do(self, kind: type[Any], actor: Actor, **facts: Any) -> str | None:
        self.acts += 1
        act = kind(id=f"a{self.acts}", actor=actor, **facts)
        refused = self.claim.check(act)
        if refused is None:
            self.claim.carry_out(act, self.now)
        return refused

    def answer(self, end: ExchangeEnd = ExchangeEnd.DONE, code: str = "lock_conflict") -> BillOrder:
        order = self.claim.errands.pop(0)
        assert isinstance(order, BillOrder)
        body: dict[str, str] = {}
        if end is ExchangeEnd.DONE:
            if order.work is BillWork.LOCK:
                body["lock_id"] = f"L{self.acts}"
                self.locks.add(body["lock_id"])
            elif order.work is BillWork.RELEASE:
                self.locks.discard(order.lock)
            else:
                assert order.lock in self.locks, "paid under a lock that is not there"
                self.locks.discard(order.lock)
                self.paid += order.total
            code = ""
        elif code == "bill_lock_over":
            self.locks.discard(order.lock)
        self.claim.take_outcome(order, ExchangeOutcome(end=end, body=json.dumps(body), code=code), self.now)
        return order

    def approved(self) -> Course:
        self.in_review()
        assert self.do(DecideClaim, OFFICE, outcome="approve", amount=2192000, part="decided:1") is None
        return self

    def expire(self) -> None:
        """The platform lets the lock run out and says so."""
        lock = self.claim.view().lock
        self.locks.discard(lock)
        assert self.do(LockExpired, SYSTEM, lock=lock) is None

    def in_review(self) -> Course:
        assert self.do(SubmitClaim, PATIENT, part="p") is None
        self.answer()
        assert self.claim.status == S.IN_REVIEW
        return self


def test_it_is_asked_for_locked_decided_and_paid_once() -> None:
    course = Course().in_review()
    assert course.do(DecideClaim, OFFICE, outcome="approve", amount=2192000) is None
    assert course.claim.waiting()[0].why == "claim_payment"
    assert course.do(ClaimPaid, OFFICE, tx_no="T1") is None
    course.answer()
    assert (course.claim.status, course.paid, course.locks) == (S.PAID, 2192000, set())
    assert course.do(ClaimPaid, OFFICE, tx_no="T2") == "matter_closed"


def test_a_bill_locked_or_settled_elsewhere_goes_back_to_the_patient_with_the_reason() -> None:
    course = Course()
    course.do(SubmitClaim, PATIENT, part="p")
    course.answer(ExchangeEnd.REFUSED, "bill_settled_directly")
    view = course.claim.view()
    assert view.status is S.OPENED
    assert view.trouble is not None
    assert view.trouble.code == "bill_settled_directly"


def test_rejecting_needs_a_reason_and_gives_the_lock_back() -> None:
    course = Course().in_review()
    assert course.do(DecideClaim, OFFICE, outcome="reject") == "reason_required"
    assert course.do(DecideClaim, OFFICE, outcome="reject", reason="not_covered") is None
    course.answer()
    assert (course.claim.status, course.locks) == (S.REJECTED, set())
    assert course.claim.closed_at is not None


def test_a_red_letter_that_arrives_while_the_bill_is_locked_suspends_the_claim() -> None:
    """Case (d) of domain note 5."""
    course = Course().in_review()
    course.do(DecideClaim, OFFICE, outcome="approve", amount=1)
    assert course.do(BillReversed, SYSTEM, code=BILL.code, number=BILL.number) is None
    assert course.claim.status == S.SUSPENDED
    assert course.answer().work is BillWork.RELEASE
    assert course.locks == set()
    assert course.do(ClaimPaid, OFFICE, tx_no="T1") == "claim_state"
    other = BillRef(code="31060226", number="0000000002")
    assert course.do(SubmitClaim, PATIENT, part="p2", bill=other) is None
    course.answer()
    assert course.claim.status == S.IN_REVIEW


def test_money_that_was_sent_is_not_sent_again_when_the_bill_is_cancelled_meanwhile() -> None:
    course = Course().approved()
    assert course.do(ClaimPaid, OFFICE, tx_no="T1") is None
    assert course.do(BillReversed, SYSTEM, code=BILL.code, number=BILL.number) is None
    other = BillRef(code="31060226", number="0000000002")
    assert course.do(SubmitClaim, PATIENT, part="p2", bill=other) == "claim_state"
    assert course.do(WithdrawClaim, PATIENT) == "claim_state"
    assert course.do(DecideClaim, OFFICE, outcome="revoke", reason="r") == "claim_state"
    course.answer()  # the platform has taken it: what is paid under a suspended lock is a fact
    assert (course.claim.status, course.paid) == (S.PAID, 2192000)
    assert course.claim.closed_at is not None
    assert course.do(SubmitClaim, PATIENT, part="p2", bill=other) == "matter_closed"


def test_money_sent_twice_under_two_numbers_is_refused() -> None:
    course = Course().approved()
    course.do(ClaimPaid, OFFICE, tx_no="T1")
    assert course.do(ClaimPaid, OFFICE, tx_no="T2") == "claim_state"
    course.answer(ExchangeEnd.REFUSED, "bill_lock_over")
    assert course.do(ClaimPaid, OFFICE, tx_no="T2") == "claim_state"


def test_a_number_that_is_that_of_another_payment_is_named_again() -> None:
    course = Course().approved()
    course.do(ClaimPaid, OFFICE, tx_no="T1")
    course.answer(ExchangeEnd.REFUSED, "bill_tx_reused")
    assert course.claim.view().trouble is not None
    assert course.do(ClaimPaid, OFFICE, tx_no="T2") is None
    course.answer()
    assert (course.claim.status, course.claim.view().tx_no) == (S.PAID, "T2")


def test_a_payment_whose_lock_ran_out_is_reported_under_a_new_one() -> None:
    course = Course().approved()
    course.do(ClaimPaid, OFFICE, tx_no="T1")
    course.answer(ExchangeEnd.REFUSED, "bill_lock_over")
    assert course.answer().work is BillWork.LOCK
    assert course.answer().work is BillWork.REIMBURSED
    assert (course.claim.status, course.paid, course.locks) == (S.PAID, 2192000, set())


def test_a_claim_whose_lock_ran_out_ends_even_if_the_bill_is_somebody_elses_by_then() -> None:
    """The money was sent, so that it is paid; that the platform has not taken the report stays on show."""
    course = Course().approved()
    course.do(ClaimPaid, OFFICE, tx_no="T1")
    course.answer(ExchangeEnd.REFUSED, "bill_lock_over")
    course.answer(ExchangeEnd.REFUSED, "bill_locked")
    view = course.claim.view()
    assert (view.status, view.trouble and view.trouble.code) == (S.PAID, "bill_locked")
    assert course.claim.closed_at is not None


@pytest.mark.parametrize("decided", [False, True])
def test_a_lock_that_runs_out_is_taken_again_before_the_claim_goes_on(decided: bool) -> None:
    course = Course().approved() if decided else Course().in_review()
    status = course.claim.status
    course.expire()
    if decided:
        assert course.do(ClaimPaid, OFFICE, tx_no="T1") == "bill_lock_over"
    else:
        assert course.do(DecideClaim, OFFICE, outcome="approve", amount=1) == "message_running"
    assert course.answer().work is BillWork.LOCK
    assert (course.claim.status, len(course.locks)) == (status, 1)
    if decided:
        assert course.do(ClaimPaid, OFFICE, tx_no="T1") is None


@pytest.mark.parametrize("decided", [False, True])
def test_a_bill_that_cannot_be_locked_again_is_not_paid(decided: bool) -> None:
    course = Course().approved() if decided else Course().in_review()
    course.expire()
    course.answer(ExchangeEnd.REFUSED, "bill_locked")
    view = course.claim.view()
    assert (view.status, view.amount, view.trouble and view.trouble.code) == (S.SUSPENDED, 0, "bill_locked")
    assert course.claim.waiting()[0].why == "claim_wanted"
    assert course.do(ClaimPaid, OFFICE, tx_no="T1") == "claim_state"
    assert course.do(SubmitClaim, PATIENT, part="p2") is None
    course.answer()
    assert course.claim.status == S.IN_REVIEW


def test_the_end_of_a_lock_that_is_not_held_any_more_changes_nothing() -> None:
    course = Course().in_review()
    assert course.do(LockExpired, SYSTEM, lock="another") is None
    assert (course.claim.errands, course.claim.status) == ([], S.IN_REVIEW)
    assert course.do(LockExpired, OFFICE, lock=course.claim.view().lock) == "forbidden"


def test_what_was_approved_can_be_withdrawn_or_revoked_until_it_is_paid() -> None:
    taken_back, revoked = Course().approved(), Course().approved()
    assert taken_back.do(WithdrawClaim, PATIENT) is None
    assert revoked.do(DecideClaim, OFFICE, outcome="reject", reason="r") == "claim_state"
    assert revoked.do(DecideClaim, OFFICE, outcome="revoke") == "reason_required"
    assert revoked.do(DecideClaim, OFFICE, outcome="revoke", reason="r") is None
    for course, status in ((taken_back, S.WITHDRAWN), (revoked, S.REJECTED)):
        course.answer()
        assert (course.claim.status, course.locks) == (status, set())
        assert course.claim.closed_at is not None


def test_a_new_bill_is_locked_for_the_whole_of_it() -> None:
    course = Course().approved()
    course.do(BillReversed, SYSTEM, code=BILL.code, number=BILL.number)
    course.answer()
    other = BillRef(code="31060226", number="0000000002")
    course.do(SubmitClaim, PATIENT, part="p2", bill=other)
    assert course.answer().total == 3200000


def test_the_computation_kept_is_that_of_the_decision() -> None:
    course = Course().approved()
    assert course.do(DecideClaim, OFFICE, outcome="approve", amount=1, part="decided:2") == "claim_state"
    view = course.claim.view()
    assert (view.submitted, view.decided) == ("p", "decided:1")


def test_late_is_shown_and_nobody_loses_money_by_it() -> None:
    course = Course().in_review()
    course.now += timedelta(days=31)
    course.claim.take_time(course.now)
    assert course.claim.status == S.IN_REVIEW
    assert course.claim.next_wake() is None
    assert course.do(DecideClaim, OFFICE, outcome="approve", amount=5) is None


@pytest.mark.parametrize("actor", [PATIENT, OFFICE.model_copy(update={"department": "tax"})])
def test_only_the_agency_decides(actor: Actor) -> None:
    course = Course().in_review()
    assert course.do(DecideClaim, actor, outcome="approve", amount=5) == "forbidden"


class AnyWay(RuleBasedStateMachine):
    """Random acts, answers and red letters."""

    def __init__(self) -> None:
        super().__init__()
        self.course = Course()
        self.sent: set[str] = set()
        self.bills = 1

    @precondition(lambda self: bool(self.course.claim.errands))
    @rule(done=st.booleans(), code=st.sampled_from(["bill_lock_over", "bill_locked", "bill_tx_reused"]))
    def answer(self, done: bool, code: str) -> None:
        order = self.course.claim.errands[0]
        assert isinstance(order, BillOrder)
        if order.work is BillWork.REIMBURSED:
            done = done and order.lock in self.course.locks
            if code == "bill_tx_reused" and not done:
                self.sent.discard(order.tx_no)  # it was another payment's number: none has been sent under it
        self.course.answer(ExchangeEnd.DONE if done or order.work is BillWork.RELEASE else ExchangeEnd.REFUSED, code)

    @precondition(lambda self: bool(self.course.claim.view().lock))
    @rule()
    def expire(self) -> None:
        if self.course.claim.closed_at is None:
            self.course.expire()

    @rule(new=st.booleans())
    def submit(self, new: bool) -> None:
        self.bills += new
        bill = BillRef(code=BILL.code, number=f"{self.bills:010d}") if new else None
        self.course.do(SubmitClaim, PATIENT, part="p", bill=bill)

    @rule(outcome=st.sampled_from(["approve", "reject", "revoke"]), amount=st.integers(0, 4000000))
    def decide(self, outcome: str, amount: int) -> None:
        self.course.do(DecideClaim, OFFICE, outcome=outcome, amount=amount, reason="r")

    @rule(tx_no=st.sampled_from(["T1", "T2"]))
    def pay(self, tx_no: str) -> None:
        held = self.course.claim.view().lock
        if self.course.do(ClaimPaid, OFFICE, tx_no=tx_no) is None:
            assert held, "paid while no lock is held"
            self.sent.add(tx_no)

    @rule()
    def withdraw(self) -> None:
        self.course.do(WithdrawClaim, PATIENT)

    @rule()
    def red_letter(self) -> None:
        bill = self.course.claim.view().bill
        if bill is not None:
            self.course.do(BillReversed, SYSTEM, code=bill.code, number=bill.number)

    @invariant()
    def it_holds_at_most_one_lock(self) -> None:
        assert len(self.course.locks) <= 1

    @invariant()
    def paid_at_most_once_and_what_was_approved(self) -> None:
        view = self.course.claim.view()
        assert len(self.sent) <= 1
        assert self.course.paid in {0, view.amount}
        assert view.status is S.PAID or not self.course.paid

    @invariant()
    def what_was_sent_ends_as_paid(self) -> None:
        view = self.course.claim.view()
        assert self.sent == ({view.tx_no} if view.tx_no else set())
        assert view.status in ({S.APPROVED, S.PAID} if self.sent else set(S) - {S.PAID})

    @invariant()
    def nobody_is_forgotten(self) -> None:
        assert self.course.claim.closed_at is not None or self.course.claim.waiting()

    def teardown(self) -> None:
        while self.course.claim.errands:
            self.answer(done=True, code="bill_locked")
        if self.course.claim.closed_at is not None:
            assert self.course.locks == set()


AnyWay.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestAnyWay = AnyWay.TestCase


def test_a_bill_stays_locked_until_a_claim_may_be_decided_and_paid() -> None:
    terms = treatment_terms()
    assert terms.review_days < terms.lock_days <= Library().ebills.lock.most
