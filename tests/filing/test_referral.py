"""The closed loop of a referral: whatever people do and however long they wait, it ends once, in one of four ways."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from catalogue.medical import institutions, referral_rules
from domain.calendar import local_day
from domain.medical.filing_messages import CancelFiling
from domain.medical.referral import (
    ENDS,
    TRANSITIONS,
    AcceptReferral,
    AdmitReferral,
    AgreeReferral,
    AnyReferralAct,
    CancelReferral,
    DeclineReferral,
    NoShowReferral,
    OutcomeReferral,
    ProposeReferral,
    ReferralCourse,
    ReferralStatus,
    ScheduleReferral,
)
from domain.medical.referral_rules import ReferralRequest, faults_of
from domain.messages import Actor
from tests.filing.people import HERE, HOME, NOW, PATIENT, THERE, THIRD, TODAY, days, referral_start, trail

S = ReferralStatus
STRANGER = THIRD.model_copy(update={"department": "H33010000001"})


def begun() -> ReferralCourse:
    return ReferralCourse(referral_start(), NOW)


def do(course: ReferralCourse, act: AnyReferralAct, after: float = 0) -> None:
    assert course.check(act) is None, course.check(act)
    course.carry_out(act, NOW + days(after))


def accepted() -> ReferralCourse:
    course = begun()
    do(course, AcceptReferral(id="a", actor=THERE))
    return course


def filed(course: ReferralCourse, codes: tuple[str, ...] = ()) -> None:
    chore = course.chores.pop()
    course.take_chore(chore, json.dumps({"filed": not codes, "codes": list(codes)}), NOW)


def test_a_referral_comes_back_with_its_outcome() -> None:
    course = accepted()
    filed(course)
    do(course, ScheduleReferral(id="s", actor=THERE, day=TODAY + days(5)))
    do(course, ScheduleReferral(id="s2", actor=THERE, day=TODAY + days(7)))
    do(course, AdmitReferral(id="i", actor=THERE, day=TODAY + days(7)), 7)
    early = OutcomeReferral(id="x", actor=THERE, outcome="improved", day=TODAY)
    assert course.check(early) == "referral_day"
    do(course, OutcomeReferral(id="o", actor=THERE, outcome="improved", day=TODAY + days(20)), 20)
    view = course.view()
    assert (view.status, view.outcome, view.ended_by, view.filed) == (S.OUTCOME, "improved", "receiving", True)
    assert course.tells == [], "what was filed stays: the patient may have to come again"
    assert course.closed_at == NOW + days(20)


def test_an_accepted_referral_is_filed_by_itself_and_taken_back_if_nothing_comes_of_it() -> None:
    for act in (CancelReferral(id="c", actor=PATIENT), NoShowReferral(id="n", actor=THERE)):
        course = accepted()
        filed(course)
        do(course, act)
        (tell,) = course.tells
        assert tell.no == course.start.filing
        assert CancelFiling.model_validate_json(tell.act).reason == "referral_over"


def test_cancelled_before_it_was_filed_what_is_filed_later_is_taken_back_too() -> None:
    course = accepted()
    do(course, CancelReferral(id="c", actor=HERE))
    assert course.tells == []
    filed(course)
    assert len(course.tells) == 1
    assert trail(course)[-1] == "filed"


def test_where_no_filing_is_possible_the_referral_stands_and_says_why() -> None:
    course = accepted()
    filed(course, ("filing_overlap",))
    assert (course.status, course.view().filing, course.view().filing_refused) == (S.ACCEPTED, "", ("filing_overlap",))
    do(course, CancelReferral(id="c", actor=HERE))
    assert course.tells == []


def test_the_receiving_side_proposes_another_and_the_referring_side_agrees_or_withdraws() -> None:
    course = begun()
    for known in (THERE.department, HERE.department):
        again = ProposeReferral(id="p0", actor=THERE, institution=known, reason="sooner")
        assert course.check(again) == "referral_asked_before"
    do(course, ProposeReferral(id="p", actor=THERE, institution=THIRD.department, reason="sooner"))
    assert course.waiting()[0].department == HERE.department
    assert course.check(AcceptReferral(id="a", actor=THIRD)) == "not_found", "it has not been asked"
    do(course, AgreeReferral(id="g", actor=HERE))
    assert course.waiting()[0].department == THIRD.department
    assert course.check(AcceptReferral(id="a", actor=THERE)) == "not_found", "it is out of it"
    do(course, AcceptReferral(id="a", actor=THIRD))
    assert json.loads(course.chores[0].body)["receiving"] == THIRD.department


@pytest.mark.parametrize("side", [HERE, PATIENT])
def test_either_side_or_the_patient_may_cancel_until_he_is_admitted(side: Actor) -> None:
    course = accepted()
    filed(course)
    assert course.check(CancelReferral(id="c", actor=THERE)) == "referral_not_yours"
    do(course, AdmitReferral(id="i", actor=THERE, day=TODAY))
    assert course.check(CancelReferral(id="c", actor=side)) == "referral_state"


def test_each_act_is_for_its_side() -> None:
    course = begun()
    for act in (
        AcceptReferral(id="1", actor=HERE),
        DeclineReferral(id="2", actor=HERE, reason="no_bed"),
        AcceptReferral(id="3", actor=PATIENT),
        AgreeReferral(id="4", actor=THERE),
    ):
        assert course.check(act) == "referral_not_yours"
    assert course.check(AcceptReferral(id="5", actor=STRANGER)) == "not_found"


@pytest.mark.parametrize(
    ("state", "end", "by"),
    [
        ("referred", S.CANCELLED, "not_answered"),
        ("proposed", S.CANCELLED, "not_answered"),
        ("accepted", S.NO_SHOW, "forgotten"),
        ("scheduled", S.NO_SHOW, "forgotten"),
        ("admitted", S.OUTCOME, "not_reported"),
    ],
)
def test_what_is_forgotten_is_closed_by_time(state: str, end: ReferralStatus, by: str) -> None:
    course = begun() if state in {"referred", "proposed"} else accepted()
    if state == "proposed":
        do(course, ProposeReferral(id="p", actor=THERE, institution=THIRD.department))
    if state == "scheduled":
        do(course, ScheduleReferral(id="s", actor=THERE, day=TODAY))
    if state == "admitted":
        do(course, AdmitReferral(id="i", actor=THERE, day=TODAY))
    due = course.next_wake()
    assert due is not None
    course.take_time(due - timedelta(seconds=1))
    assert course.status == state
    course.take_time(due)
    view = course.view()
    assert (view.status, view.ended_by, view.outcome or view.reason) == (end, "time", by)
    if state not in {"referred", "proposed"}:
        assert local_day(due) == course.start.last + days(31), "thirty days after the last day are over"


class ReferralMachine(RuleBasedStateMachine):
    """Random acts of everybody, random time, a chore that is done at a random moment."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.serial = 0
        self.course = begun()
        self.ends: list[str] = []

    @rule(
        who=st.sampled_from([HERE, THERE, THIRD, PATIENT, STRANGER]),
        what=st.sampled_from(
            ["accept", "decline", "propose", "agree", "schedule", "admit", "outcome", "cancel", "no_show"]
        ),
        again=st.booleans(),
    )
    def act(self, who: Actor, what: str, again: bool) -> None:
        self.serial += 0 if again and self.serial else 1
        base = {"id": f"{what}{self.serial}", "actor": who}
        day = local_day(self.now)
        acts: dict[str, AnyReferralAct] = {
            "accept": AcceptReferral(**base),
            "decline": DeclineReferral(**base, reason="no_bed"),
            "propose": ProposeReferral(**base, institution=THIRD.department),
            "agree": AgreeReferral(**base),
            "schedule": ScheduleReferral(**base, day=day),
            "admit": AdmitReferral(**base, day=day),
            "outcome": OutcomeReferral(**base, outcome="improved", day=day),
            "cancel": CancelReferral(**base, reason="patient_wish"),
            "no_show": NoShowReferral(**base),
        }
        made = acts[what]
        if self.course.check(made) is None:
            self.course.carry_out(made, self.now)

    @precondition(lambda self: self.course.chores)
    @rule(good=st.booleans())
    def chore(self, good: bool) -> None:
        done = json.dumps({"filed": good, "codes": [] if good else ["filing_overlap"]})
        self.course.take_chore(self.course.chores.pop(), done, self.now)

    @rule(passed=st.integers(1, 60))
    def time(self, passed: int) -> None:
        self.now += days(passed)
        self.course.take_time(self.now)

    @invariant()
    def the_trail_is_a_path_of_the_table_with_one_end_at_most(self) -> None:
        names = [event.type.partition(":")[2] for event in self.course._events]
        states = [S(name) for name in names if name in set(S)]
        for one, other in pairwise(states):
            assert other in TRANSITIONS[one]
        ends = [state for state in states if state in ENDS]
        assert len(ends) <= 1
        assert (self.course.closed_at is not None) == bool(ends) == (self.course.status in ENDS)
        assert names.count("accepted") <= 1, "it is filed once at most"

    @invariant()
    def time_alone_would_end_it(self) -> None:
        if self.course.closed_at is None:
            assert self.course.next_wake() is not None
            assert self.course.waiting()[0].until == self.course.next_wake()

    def teardown(self) -> None:
        for _ in range(10):
            if self.course.closed_at is not None:
                break
            self.now = self.course.next_wake() or self.now
            self.course.take_time(self.now)
        assert self.course.status in ENDS
        while self.course.chores:
            self.chore_now()
        wanted = self.course.filed and self.course.status in {S.CANCELLED, S.NO_SHOW}
        assert len(self.course.tells) == (1 if wanted else 0)

    def chore_now(self) -> None:
        done = json.dumps({"filed": True, "codes": []})
        self.course.take_chore(self.course.chores.pop(), done, self.now)


TestReferralMachine = ReferralMachine.TestCase
TestReferralMachine.settings = settings(max_examples=200, stateful_step_count=20, deadline=None)


# what a referral needs


def request(**changes: object) -> ReferralRequest:
    content: dict[str, object] = {
        "insured": HOME,
        "reason": "capability",
        "assessor_title": "associate_chief",
        "capability": "cardiac_surgery",
        "first": TODAY,
    }
    return ReferralRequest.model_validate(content | changes)


def faults(asked: ReferralRequest, here: str = HERE.department, there: str = THERE.department) -> list[str]:
    listed = institutions()
    return [fault.code for fault in faults_of(referral_rules(), asked, listed.get(here), listed.get(there))]


def test_it_is_assessed_by_an_associate_chief_physician_or_above_in_a_level_2_or_3_hospital() -> None:
    assert faults(request()) == []
    assert faults(request(assessor_title="chief")) == []
    assert faults(request(assessor_title="attending")) == ["referral_assessor"]
    assert faults(request(), here="H34050300002") == ["referral_level"]


def test_the_receiving_side_is_in_the_network_and_can_do_it() -> None:
    assert faults(request(capability="obstetrics")) == ["institution_not_capable"]
    assert faults(request(capability="rehabilitation"), there="H31011500001") == ["institution_not_networked"]
    assert faults(request(), there="H34010000001") == ["filing_same_province"]
    assert faults(request(capability="ct"), there="H32020000002") == ["institution_unknown"], "no longer designated"
    assert faults(request(), there="H39999999999") == ["institution_unknown"]
    assert faults(request(), here="H34110000002") == ["institution_closed"], "not designated yet"


def test_a_reason_that_says_nothing_wants_words() -> None:
    assert faults(request(reason="other")) == ["reason_required"]
    assert faults(request(reason="other", reason_text="罕见病")) == []
    assert faults(request(reason="whatever")) == ["field_invalid"]
