"""One filing from the application to its last day, without a workflow: states, acts, time, the platform."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.calendar import local_day
from domain.medical import Course, Exchange, ExchangeEnd, ExchangeOutcome
from domain.medical.filing import FilingCourse
from domain.medical.filing_decision import FOREVER
from domain.medical.filing_messages import (
    IN_FORCE,
    OVER,
    TRANSITIONS,
    CancelFiling,
    DecideFiling,
    FilingStatus,
    HandInProof,
    ReplaceFiling,
)
from domain.medical.filing_rules import Category
from domain.messages import SYSTEM
from tests.filing.people import (
    ELSEWHERE,
    HOME,
    ME,
    NOW,
    OFFICE,
    TODAY,
    answer,
    ask,
    days,
    in_force,
    new_course,
    next_exchange,
    promised,
    refused,
    settle,
    trail,
)

S = FilingStatus
OTHER = ask(Category.TMP_OTHER)
REVIEWED = ask(Category.LT_WORK)


def test_a_filing_is_in_force_when_the_insured_places_platform_has_registered_it() -> None:
    course = new_course(OTHER)
    assert course.view().status is S.AUTO_APPROVED
    person, register = settle(course)
    assert (person.infno, register.infno) == ("1101", "X511")
    assert json.loads(register.body) == {
        "psn_no": "34050000000000000001",
        "insutype": "310",
        "category": "other",
        "begndate": "2026-11-25",
        "enddate": "2027-05-25",
        "dest_admdvs": "310000",
        "filing_no": course.no,
    }
    assert course.status is S.EFFECTIVE
    assert course.view().known(course.no) is not None
    assert trail(course) == ["auto_approved", "registered", "effective"]


def test_a_long_term_one_is_registered_without_an_end() -> None:
    course = new_course(ask())
    assert json.loads(settle(course)[1].body)["enddate"] == ""
    assert course.limits()[0].name == "interval"


def test_who_it_is_never_goes_through_the_workflow() -> None:
    course = new_course(OTHER)
    (exchange,) = course.errands
    assert isinstance(exchange, Exchange)
    assert (json.loads(exchange.body), exchange.parts) == ({"mdtrt_cert_type": "02"}, ("identity",))
    assert (exchange.institution, exchange.place, exchange.insured) == ("A34050000001", HOME, HOME)


def test_what_the_rules_leave_to_a_person_is_decided_at_the_insured_place() -> None:
    course = new_course(REVIEWED)
    assert course.status is S.IN_REVIEW
    (wait,) = course.waiting()
    assert (wait.region, wait.department, wait.why) == (HOME, "health_insurance", "filing_review")
    approve = DecideFiling(id="d1", actor=OFFICE, outcome="approve")
    assert course.check(approve.model_copy(update={"actor": ELSEWHERE})) == "not_found"
    assert course.check(approve.model_copy(update={"actor": ME})) == "not_found"
    reject = DecideFiling(id="d2", actor=OFFICE, outcome="reject", reason="because")
    assert course.check(reject) == "reason_required"
    assert course.check(approve) is None
    first = course.carry_out(approve, NOW)
    assert course.carry_out(approve, NOW) == first, "the same act again"
    settle(course)
    assert (course.status, course.view().decided_by) == (S.EFFECTIVE, "caseworker")


def test_a_refusal_names_its_reason_and_is_the_end() -> None:
    course = new_course(REVIEWED)
    act = DecideFiling(id="d", actor=OFFICE, outcome="reject", reason="papers_unclear")
    assert course.check(act) is None
    course.carry_out(act, NOW)
    assert (course.status, course.closed_at, course.errands) == (S.REJECTED, NOW, [])
    assert course.check(CancelFiling(id="c", actor=ME)) == "matter_closed"
    assert course.view().known(course.no) is None


def test_nobody_decides_on_what_he_has_filed_himself() -> None:
    course = new_course(REVIEWED)
    clerk = OFFICE.model_copy(update={"subject": ME.subject})
    assert course.check(DecideFiling(id="d", actor=clerk, outcome="approve")) == "own_case"


def test_a_review_that_takes_too_long_is_marked_and_goes_on() -> None:
    course = new_course(REVIEWED)
    due = course.start.review_due
    assert due is not None
    assert (due - TODAY).days == 2
    course.take_time(NOW + days(2))
    assert not course.view().overdue
    course.take_time(NOW + days(3))
    assert (course.status, course.view().overdue, course.next_wake()) == (S.IN_REVIEW, True, None)


def test_by_commitment_it_holds_at_once_and_the_proof_comes_later() -> None:
    course = in_force(promised())
    assert course.view().status is S.PENDING_PROOF
    assert course.waiting()[0].why == "promise"
    course.carry_out(HandInProof(id="p", actor=ME, documents=("d1",)), NOW + days(30))
    assert course.status is S.EFFECTIVE
    course.take_time(NOW + days(40))
    assert course.view().missed_proof is None


def test_a_proof_that_does_not_come_restricts_later_ones_or_ends_the_filing_as_the_place_says() -> None:
    course = in_force(promised())
    course.take_time(NOW + days(30))
    assert course.status is S.PENDING_PROOF, "its last day counts"
    course.take_time(NOW + days(31))
    assert (course.status, course.view().missed_proof) == (S.EFFECTIVE, TODAY + days(30))
    strict = new_course(promised(insured="310000", destination="340500"))
    settle(strict)
    strict.take_time(NOW + days(16))
    assert (strict.status, strict.view().reason) == (S.CANCELLED, "proof_missed")
    (removal,) = settle(strict)
    assert (removal.infno, json.loads(removal.body)["enddate"]) == ("X512", "2026-12-10")
    assert strict.closed_at is not None


def test_a_temporary_filing_ends_with_its_last_day_in_shanghai() -> None:
    course = in_force(OTHER)
    last = course.last
    assert last is not None
    (limit,) = course.limits()
    assert limit.due.isoformat() == "2027-05-26T00:00:00+08:00"
    course.take_time(limit.due - timedelta(seconds=1))
    assert course.status is S.EFFECTIVE
    course.take_time(limit.due)
    assert (course.status, course.errands) == (S.EXPIRED, []), "the platform has known the day from the start"
    known = course.view().known(course.no)
    assert known is not None
    assert known.holds(last)


def test_a_long_term_filing_may_be_cancelled_when_its_interval_is_over() -> None:
    course = in_force()
    act = CancelFiling(id="c", actor=ME)
    assert course.check(act) == "filing_interval"
    course.take_time(NOW + days(180))
    assert course.check(act) == "filing_interval", "six months are not over"
    later = NOW + days(182)
    course.take_time(later)
    assert course.check(act) is None
    done = course.carry_out(act, later)
    assert (done.status, done.pending) == (S.CANCELLED, True)
    (removal,) = settle(course, later)
    assert json.loads(removal.body)["enddate"] == local_day(later).isoformat(), "it holds to the end of the day"
    assert course.closed_at == later


def test_what_is_not_in_force_yet_is_taken_back_without_a_trace_at_the_platform() -> None:
    course = new_course(REVIEWED)
    course.carry_out(CancelFiling(id="c", actor=ME), NOW)
    assert (course.status, course.errands, course.closed_at) == (S.CANCELLED, [], NOW)
    assert course.view().known(course.no) is None


def test_taken_back_while_the_platform_is_being_told_it_ends_as_soon_as_that_has_answered() -> None:
    course = new_course(OTHER)
    assert course.check(CancelFiling(id="c", actor=ME)) is None
    course.carry_out(CancelFiling(id="c", actor=ME), NOW)
    assert [x.infno for x in settle(course)] == ["1101"]
    assert course.closed_at is not None
    late = new_course(OTHER)
    first = next_exchange(late)
    late.take_outcome(first, answer(first), NOW)
    late.carry_out(CancelFiling(id="c", actor=ME), NOW)
    assert [x.infno for x in settle(late)] == ["X511", "X512"]
    assert (late.status, late.closed_at) == (S.CANCELLED, NOW)


def test_another_filing_takes_its_place_the_day_before_it_begins() -> None:
    old = in_force(OTHER)
    new = in_force(ask(Category.TMP_OTHER, "320100", replaces=old.no))
    (tell,) = new.tells
    assert tell.no == old.no
    act = ReplaceFiling.model_validate_json(tell.act)
    later = NOW + days(20)
    old.told(act.model_copy(update={"first": TODAY + days(30)}), later)
    (removal,) = settle(old, later)
    assert json.loads(removal.body)["enddate"] == (TODAY + days(29)).isoformat()
    assert (old.status, old.view().replaced_by) == (S.CHANGED, new.no)
    known = old.view().known(old.no)
    assert known is not None
    assert known.holds(TODAY + days(29))
    assert not known.holds(TODAY + days(30))


def test_replaced_on_its_first_day_it_has_never_held() -> None:
    old = in_force(OTHER)
    old.told(ReplaceFiling(id="r", actor=SYSTEM, by="N", first=TODAY), NOW)
    (removal,) = settle(old)
    assert "enddate" not in json.loads(removal.body)
    assert old.view().known(old.no) is None


def test_only_the_house_itself_replaces_a_filing() -> None:
    course = in_force(OTHER)
    assert course.check(ReplaceFiling(id="r", actor=ME, by="N", first=TODAY)) == "filing_state"
    course.told(ReplaceFiling(id="s", actor=SYSTEM, by="N", first=TODAY + days(1)), NOW)
    course.told(ReplaceFiling(id="t", actor=SYSTEM, by="M", first=TODAY + days(2)), NOW)
    assert course.view().replaced_by == "N"
    assert trail(course)[-1] == "told_in_vain"


@pytest.mark.parametrize("at", [0, 1])
def test_what_the_platform_does_not_take_is_put_before_a_caseworker(at: int) -> None:
    course = new_course(OTHER)
    for _ in range(at):
        exchange = next_exchange(course)
        course.take_outcome(exchange, answer(exchange), NOW)
    exchange = next_exchange(course)
    course.take_outcome(exchange, refused("not_insured"), NOW)
    assert course.waiting()[0].why == "platform_refused"
    again = DecideFiling(id="r", actor=OFFICE, outcome="retry")
    assert course.check(again) is None
    course.carry_out(again, NOW + days(1))
    (repeated,) = course.errands
    assert isinstance(repeated, Exchange)
    assert (repeated.infno, repeated.number) == (exchange.infno, exchange.number + 1)
    settle(course)
    assert course.status is S.EFFECTIVE


def test_a_caseworker_enters_by_hand_what_the_platform_does_not_take_or_refuses_it() -> None:
    course = new_course(OTHER)
    course.take_outcome(next_exchange(course), refused("not_insured"), NOW)
    by_hand = DecideFiling(id="h", actor=OFFICE, outcome="by_hand")
    assert course.check(by_hand) == "number_required"
    assert course.check(DecideFiling(id="a", actor=OFFICE, outcome="approve")) == "filing_state"
    other = new_course(OTHER)
    other.take_outcome(next_exchange(other), refused("not_insured"), NOW)
    reject = DecideFiling(id="n", actor=OFFICE, outcome="reject", reason="not_insured")
    assert other.check(reject) is None
    other.carry_out(reject, NOW)
    assert other.status is S.REJECTED
    course.carry_out(by_hand.model_copy(update={"reference": "P9"}), NOW)
    course.take_outcome(next_exchange(course), refused("filing_overlap"), NOW)
    course.carry_out(DecideFiling(id="i", actor=OFFICE, outcome="by_hand", reference="T9"), NOW)
    assert (course.status, course.view().registered, course.view().trouble) == (S.EFFECTIVE, "T9", None)


def test_somebody_who_has_another_insurance_is_not_registered() -> None:
    course = new_course(OTHER)
    other_insurance = {"psn_no": "P", "insuinfo": [{"insutype": "390"}]}
    body = json.dumps(other_insurance)
    course.take_outcome(next_exchange(course), ExchangeOutcome(end=ExchangeEnd.DONE, body=body), NOW)
    trouble = course.view().trouble
    assert trouble is not None
    assert (trouble.purpose, trouble.code) == ("person", "not_insured")


def test_what_follows_a_referral_is_filed_as_one() -> None:
    course = new_course(ask(Category.TMP_REFERRAL, referral="R1"))
    course.start = course.start.model_copy(update={"referral_fields": '{"reflin_medins_no": "H31010400001"}'})
    register = settle(course)[1]
    body = json.loads(register.body)
    assert (register.infno, body["reflin_medins_no"], body["begndate"]) == ("2501", "H31010400001", "2026-11-25")
    assert register.parts == ("contact", "diagnosis"), "put in by whoever sends it"
    course.told(ReplaceFiling(id="r", actor=SYSTEM, by="N", first=TODAY), NOW)
    assert settle(course)[0].infno == "2502", "it has never held"
    other = in_force(ask(Category.TMP_REFERRAL, referral="R1"))
    other.start = course.start
    other.carry_out(CancelFiling(id="c", actor=ME), NOW)
    assert settle(other)[0].infno == "X512", "it holds to the end of the day, which the national message cannot say"


class FilingMachine(RuleBasedStateMachine):
    """Random people, a random platform, random time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.serial = 0
        self.course: FilingCourse = new_course(OTHER)
        self.path = [self.course.status]

    def _do(self, act: object) -> None:
        if self.course.check(act) is None:  # type: ignore[arg-type]
            self.course.carry_out(act, self.now)  # type: ignore[arg-type]

    def _id(self) -> str:
        self.serial += 1
        return f"a{self.serial}"

    @rule(request=st.sampled_from([OTHER, REVIEWED, ask(), promised(), promised(destination="320100")]))
    def begin_another(self, request: object) -> None:
        if self.course.closed_at is not None or self.serial == 0:
            self.course = new_course(request, self.now)  # type: ignore[arg-type]
            self.path = [self.course.status]

    @precondition(lambda self: self.course.errands)
    @rule(good=st.booleans(), code=st.sampled_from(["not_insured", "filing_overlap"]))
    def platform(self, good: bool, code: str) -> None:
        exchange = next_exchange(self.course)
        self.course.take_outcome(exchange, answer(exchange) if good else refused(code), self.now)

    @rule(outcome=st.sampled_from(["approve", "reject", "retry", "by_hand"]))
    def office(self, outcome: str) -> None:
        act = {"outcome": outcome, "reason": "papers_false", "reference": "T1", "id": self._id(), "actor": OFFICE}
        self._do(DecideFiling.model_validate(act))

    @rule(system=st.booleans())
    def cancel(self, system: bool) -> None:
        self._do(CancelFiling(id=self._id(), actor=SYSTEM if system else ME, reason="referral_over"))

    @rule()
    def proof(self) -> None:
        self._do(HandInProof(id=self._id(), actor=ME, documents=("d",)))

    @rule(ahead=st.integers(0, 40))
    def replaced(self, ahead: int) -> None:
        self._do(ReplaceFiling(id=self._id(), actor=SYSTEM, by="N", first=local_day(self.now) + days(ahead)))

    @rule(passed=st.integers(1, 120))
    def time(self, passed: int) -> None:
        self.now += days(passed)
        self.course.take_time(self.now)

    @invariant()
    def goes_only_where_the_table_says(self) -> None:
        if self.course.status is not self.path[-1]:
            self.path.append(self.course.status)
        seen = [e.type.partition(":")[2] for e in self.course._events]
        states = [S(name) for name in seen if name in set(S)]
        for one, other in pairwise(states):
            assert other in TRANSITIONS[one]
        assert sum(state in OVER for state in states) <= 1

    @invariant()
    def somebody_has_the_ball_until_it_is_over(self) -> None:
        course: Course = self.course  # type: ignore[type-arg]
        if course.closed_at is None:
            assert course.waiting()
        else:
            assert course.status in OVER
            assert not course.errands
            assert course.next_wake() is None

    @invariant()
    def it_covers_only_days_that_were_applied_for(self) -> None:
        known = self.course.view().known(self.course.no)
        if known is not None:
            assert known.first == self.course.start.decision.first
            assert (known.last or FOREVER) <= (self.course.start.decision.last or FOREVER)
            assert known.registered == self.course.held
        if self.course.status in IN_FORCE:
            assert known is not None
            assert self.course.held


TestFilingMachine = FilingMachine.TestCase
TestFilingMachine.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)


def test_every_state_has_its_row_and_only_the_ends_lead_nowhere() -> None:
    assert set(TRANSITIONS) == set(FilingStatus)
    assert {state for state, ways in TRANSITIONS.items() if not ways} == OVER
