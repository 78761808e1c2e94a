"""The virtual window (domain note 2.3): its table is whole, time does what it says, and nobody acts out of turn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from catalogue.library import Library
from domain.errors import ERRORS
from domain.messages import Actor, Place, Role
from domain.window import (
    TRANSITIONS,
    AnyAct,
    AskSignAct,
    BeginAct,
    CallBackAct,
    CaptureAct,
    CloseAct,
    ConsentAct,
    GiveBackAct,
    HandOverAct,
    HoldAct,
    IdentityAct,
    IdentityMethod,
    JoinAct,
    LostAct,
    Party,
    PickUpAct,
    Recording,
    RejoinAct,
    ResumeAct,
    Session,
    SignedAct,
    WindowEnd,
    WindowStart,
    WindowStatus,
)

S = WindowStatus
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
HALL = Place(region="310118", department="service_hall")
HANDLING = Place(region="320500", department="natural_resources")
CITIZEN = Actor(subject="citizen", role=Role.CITIZEN)
NEAR = Actor(subject="near", role=Role.CASEWORKER, region=HALL.region, department=HALL.department)
FAR = Actor(subject="far", role=Role.CASEWORKER, region=HANDLING.region, department=HANDLING.department)
STRANGER = FAR.model_copy(update={"subject": "stranger", "region": "330100"})
TIMES = Library().window_times
DIGEST = "a" * 64
_ids = count(1)


class Played:
    """A session and the time it is."""

    def __init__(self, *, step: str = "", decides: Place | None = None, mandatory: tuple[str, ...] = ()) -> None:
        self.now = NOW
        start = WindowStart(
            id="w1",
            case_no="32050020261123PENTMOV002N9CH",
            hall=HALL,
            handling=HANDLING,
            asked_by=CITIZEN,
            consent_version="v1",
            times=TIMES,
            step=step,
            decides=decides,
            mandatory=mandatory,
        )
        self.session = Session(start, self.now)
        self.session.begin(self.now)

    def do(self, kind: type, actor: Actor, **fields: object) -> str | None:
        """Tries an act; the code of its refusal."""
        act: AnyAct = kind(id=f"a{next(_ids)}", actor=actor, **fields)
        refusal = self.session.check(act)
        if refusal is None:
            self.session.carry_out(act, self.now)
        return refusal

    def ok(self, kind: type, actor: Actor, **fields: object) -> None:
        assert self.do(kind, actor, **fields) is None

    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        self.session.take_time(self.now)

    @property
    def status(self) -> WindowStatus:
        return self.session.state.status

    def to_service(self) -> None:
        self.ok(PickUpAct, FAR, window_no="12")
        self.ok(JoinAct, NEAR, party=Party.HALL, window_no="3")
        self.ok(JoinAct, CITIZEN, party=Party.APPLICANT)
        self.ok(IdentityAct, FAR, method=IdentityMethod.FACE, passed=True, score=97)
        self.ok(ConsentAct, CITIZEN, version="v1")
        self.ok(BeginAct, FAR)


RECORDING = Recording(reference="hall/7", digest=DIGEST, algorithm="sm3")


def test_every_state_can_be_left_and_only_closed_is_the_end() -> None:
    assert set(TRANSITIONS) == set(S)
    assert {status for status, following in TRANSITIONS.items() if not following} == {S.CLOSED}
    assert all(S.CLOSED in following for status, following in TRANSITIONS.items() if status is not S.CLOSED)
    reached, todo = set(), [S.REQUESTED]
    while todo:
        status = todo.pop()
        reached.add(status)
        todo += [n for n in TRANSITIONS[status] if n not in reached]
    assert reached == set(S)


def test_a_session_goes_from_the_queue_to_its_completed_end_and_keeps_what_has_to_be_kept() -> None:
    played = Played()
    assert played.status is S.QUEUED
    played.to_service()
    played.ok(CaptureAct, NEAR, document="d1", digest=DIGEST, material="contract")
    played.ok(AskSignAct, FAR, digest=DIGEST)
    assert played.do(CloseAct, FAR, outcome=WindowEnd.COMPLETED, recording=RECORDING) == "window_state"
    played.ok(SignedAct, CITIZEN, digest="b" * 64)
    assert played.do(CloseAct, FAR, outcome=WindowEnd.COMPLETED) == "window_recording_missing"
    played.ok(CloseAct, FAR, outcome=WindowEnd.COMPLETED, recording=RECORDING)
    view = played.session.view()
    assert (view.status, view.outcome, view.closed_at) == (S.CLOSED, WindowEnd.COMPLETED, NOW)
    assert view.clerks == {"handling": "far", "hall": "near"}
    assert view.counters == {"handling": "12", "hall": "3"}
    assert (view.identity[0].method, view.identity[0].score, view.consent_version) == (IdentityMethod.FACE, 97, "v1")
    assert view.captured[0].digest == DIGEST
    assert view.recording == RECORDING
    assert played.do(BeginAct, FAR) == "window_closed"
    assert played.session.result() is None  # it stands for no step


def test_after_a_quarter_of_an_hour_a_call_back_is_offered_and_taken() -> None:
    played = Played()
    assert played.do(CallBackAct, CITIZEN) == "window_state"
    played.wait(TIMES.queue_minutes - 1)
    assert not played.session.state.offered
    played.wait(1)
    assert played.session.state.offered
    assert played.status is S.QUEUED
    played.ok(CallBackAct, CITIZEN, at=NOW + timedelta(hours=3))
    played.wait(60)
    played.ok(PickUpAct, FAR)
    assert played.status is S.CONNECTING


def test_nobody_waits_for_ever() -> None:
    played = Played()
    played.wait(TIMES.longest_wait_minutes)
    assert (played.status, played.session.state.outcome, played.session.state.reason) == (
        S.CLOSED,
        WindowEnd.ABANDONED,
        "nobody_came",
    )


def test_an_applicant_who_does_not_come_ends_it() -> None:
    played = Played()
    played.ok(PickUpAct, FAR)
    played.wait(TIMES.connect_minutes)
    assert played.session.state.reason == "applicant_did_not_come"


def test_a_clerk_gives_it_back_and_it_waits_again() -> None:
    played = Played()
    played.ok(PickUpAct, FAR)
    colleague = FAR.model_copy(update={"subject": "far-2"})
    assert played.do(GiveBackAct, colleague) == "window_not_yours"
    played.ok(GiveBackAct, FAR)
    played.ok(PickUpAct, colleague)


def test_three_failed_checks_end_it_and_no_consent_counts_before_a_passed_one() -> None:
    played = Played()
    played.ok(PickUpAct, FAR)
    played.ok(JoinAct, NEAR, party=Party.APPLICANT)  # the clerk beside him says that he is there
    assert played.status is S.IDENTITY_CHECK
    assert played.session.state.clerks["hall"] == NEAR
    assert played.do(ConsentAct, CITIZEN, version="v1") == "window_identity_first"
    for _ in range(TIMES.identity_tries):
        played.ok(IdentityAct, NEAR, method=IdentityMethod.FACE, passed=False, score=20)
    assert played.session.state.outcome is WindowEnd.IDENTITY_FAILED


def test_consent_is_to_the_text_that_was_shown() -> None:
    played = Played()
    played.ok(PickUpAct, FAR)
    played.ok(JoinAct, CITIZEN, party=Party.APPLICANT)
    played.ok(IdentityAct, FAR, method=IdentityMethod.CARD, passed=True)
    assert played.do(ConsentAct, CITIZEN, version="v0") == "consent_version"
    played.ok(ConsentAct, CITIZEN, version="v1")


def test_a_lost_connection_holds_it_and_goes_on_when_it_is_back_in_time() -> None:
    played = Played()
    played.to_service()
    played.ok(LostAct, FAR, party=Party.APPLICANT)
    assert played.status.value == "on_hold"
    assert played.do(ResumeAct, FAR) == "window_state"
    played.wait(TIMES.grace_minutes - 1)
    played.ok(RejoinAct, CITIZEN, party=Party.APPLICANT)
    assert played.status.value == "in_service"
    played.ok(LostAct, FAR, party=Party.APPLICANT)
    played.wait(TIMES.grace_minutes)
    assert (played.session.state.outcome, played.session.state.reason) == (WindowEnd.FAILED_TECH, "connection_lost")
    assert [loss.back is not None for loss in played.session.state.losses] == [True, False]


def test_after_an_hour_it_is_stopped_hard_and_referred() -> None:
    played = Played()
    played.to_service()
    played.ok(HoldAct, FAR)
    played.wait(TIMES.hard_stop_minutes)
    assert (played.session.state.outcome, played.session.state.reason) == (WindowEnd.REFERRED, "hard_stop")


def test_a_colleague_takes_over_and_only_he_goes_on() -> None:
    played = Played()
    played.to_service()
    assert played.do(HandOverAct, FAR, to="far") == "window_same_clerk"
    played.ok(HandOverAct, FAR, to="far-2")
    assert played.do(HoldAct, FAR) == "window_not_yours"
    played.ok(HoldAct, FAR.model_copy(update={"subject": "far-2"}))


def test_strangers_are_told_that_there_is_nothing_and_the_applicant_can_only_leave() -> None:
    played = Played()
    assert played.do(PickUpAct, STRANGER) == "not_found"
    assert played.do(PickUpAct, NEAR) == "window_not_yours"
    played.to_service()
    assert played.do(CloseAct, CITIZEN, outcome=WindowEnd.COMPLETED, recording=RECORDING) == "window_not_yours"
    played.ok(CloseAct, CITIZEN, outcome=WindowEnd.ABANDONED)


def test_a_colleague_of_the_same_place_takes_over_and_nobody_from_elsewhere() -> None:
    colleague = FAR.model_copy(update={"subject": "far-2"})
    played = Played()
    assert played.do(HandOverAct, colleague, to="far-2") == "window_state", "nobody has it yet"
    played.to_service()
    assert played.do(HandOverAct, colleague, to="far-3") == "window_not_yours", "for himself only"
    assert played.do(HandOverAct, STRANGER, to="stranger") == "not_found"
    assert played.do(HandOverAct, FAR, to="far") == "window_same_clerk"
    played.ok(HandOverAct, colleague, to="far-2")
    assert played.do(HoldAct, FAR) == "window_not_yours"
    played.ok(HoldAct, colleague)


def test_once_the_identity_is_sure_the_applicant_is_waited_for() -> None:
    played = Played()
    assert played.session.view().waits_for is Party.HANDLING
    played.ok(PickUpAct, FAR)
    played.ok(JoinAct, NEAR, party=Party.HALL)
    played.ok(JoinAct, CITIZEN, party=Party.APPLICANT)
    played.ok(IdentityAct, FAR, method=IdentityMethod.FACE, passed=False)
    assert played.session.view().waits_for is Party.HANDLING
    played.ok(IdentityAct, FAR, method=IdentityMethod.CARD, passed=True)
    assert played.session.view().waits_for is Party.APPLICANT


def test_a_session_that_stands_for_a_step_is_decided_by_the_clerk_whose_step_it_is() -> None:
    played = Played(step="window", decides=HALL, mandatory=("face",))
    played.to_service()
    end = {"outcome": WindowEnd.COMPLETED, "recording": RECORDING}
    assert played.do(CloseAct, FAR, **end) == "checklist_incomplete"
    played.ok(CloseAct, FAR, **end, ticked=("face",))
    result = played.session.result()
    assert result is not None
    assert (result.step, result.clerk, result.ticked) == ("window", NEAR, ("face",))


def test_it_is_not_completed_without_the_clerk_whose_step_it_is() -> None:
    played = Played(step="window", decides=HALL)
    played.ok(PickUpAct, FAR)
    played.ok(JoinAct, CITIZEN, party=Party.APPLICANT)
    played.ok(IdentityAct, FAR, method=IdentityMethod.FACE, passed=True)
    played.ok(ConsentAct, CITIZEN, version="v1")
    played.ok(BeginAct, FAR)
    assert played.do(CloseAct, FAR, outcome=WindowEnd.COMPLETED, recording=RECORDING) == "window_clerk_missing"


def test_the_same_act_again_is_the_same_act() -> None:
    played = Played()
    act = PickUpAct(id="once", actor=FAR)
    first = played.session.carry_out(act, played.now)
    played.now += timedelta(minutes=1)
    assert played.session.check(act) is None
    assert played.session.carry_out(act, played.now) == first


def test_the_times_come_from_a_file_with_their_tag() -> None:
    assert (TIMES.queue_minutes, TIMES.grace_minutes, TIMES.hard_stop_minutes) == (15, 3, 60)
    assert TIMES.tag == "DESIGN"


ACTORS = st.sampled_from([CITIZEN, NEAR, FAR, STRANGER, FAR.model_copy(update={"subject": "far-2"})])
ACTS = st.one_of(
    *(st.tuples(st.just(kind), st.just({})) for kind in (PickUpAct, GiveBackAct, BeginAct, HoldAct, ResumeAct)),
    st.tuples(st.just(CallBackAct), st.just({})),
    st.tuples(st.just(JoinAct), st.fixed_dictionaries({"party": st.sampled_from(Party)})),
    st.tuples(
        st.just(IdentityAct),
        st.fixed_dictionaries({"method": st.sampled_from(IdentityMethod), "passed": st.booleans()}),
    ),
    st.tuples(st.just(ConsentAct), st.fixed_dictionaries({"version": st.sampled_from(["v0", "v1"])})),
    st.tuples(st.just(CaptureAct), st.just({"document": "d1", "digest": DIGEST})),
    st.tuples(st.sampled_from([AskSignAct, SignedAct]), st.just({"digest": DIGEST})),
    st.tuples(st.just(HandOverAct), st.fixed_dictionaries({"to": st.sampled_from(["far", "far-2", "near-2"])})),
    st.tuples(st.sampled_from([LostAct, RejoinAct]), st.fixed_dictionaries({"party": st.sampled_from(Party)})),
    st.tuples(
        st.just(CloseAct),
        st.fixed_dictionaries({"outcome": st.sampled_from(WindowEnd), "recording": st.sampled_from([None, RECORDING])}),
    ),
)


class WindowMachine(RuleBasedStateMachine):
    """Anybody does anything at any time; the session stays one that its table allows, and always has a next moment."""

    def __init__(self) -> None:
        super().__init__()
        self.played = Played(step="window", decides=HALL)
        self.seen = [self.played.status]

    @rule(actor=ACTORS, act=ACTS)
    def somebody_does_something(self, actor: Actor, act: tuple[type, dict[str, object]]) -> None:
        over = self.played.status is S.CLOSED
        refusal = self.played.do(act[0], actor, **act[1])
        if over:
            assert refusal == "window_closed"
            return
        assert refusal is None or refusal in ERRORS
        if actor is STRANGER:
            assert refusal == "not_found"

    @precondition(lambda self: self.played.status is not S.CLOSED)
    @rule(minutes=st.sampled_from([1, 2, 3, 5, 16, 61, 3000]))
    def time_passes(self, minutes: int) -> None:
        self.played.wait(minutes)

    @invariant()
    def it_is_whole(self) -> None:
        state = self.played.session.state
        assert (state.status is S.CLOSED) == (state.closed_at is not None) == (state.outcome is not None)
        assert state.status is S.CLOSED or self.played.session.next_wake() is not None
        if state.outcome is WindowEnd.COMPLETED:
            assert state.recording is not None
            assert state.consented_at is not None
            assert state.identity[-1].passed or any(check.passed for check in state.identity)
            assert self.played.session.result() is not None
        if self.played.session.dirty:
            for event in self.played.session.batch(self.played.now).events:
                kind = event.type.removeprefix("window:")
                if kind in set(S):
                    assert S(kind) in TRANSITIONS[self.seen[-1]] or S(kind) is self.seen[-1]
                    self.seen.append(S(kind))


TestWindow = WindowMachine.TestCase
TestWindow.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_colleague_who_is_not_in_the_session_says_nothing_about_it() -> None:
    played = Played()
    played.to_service()
    for place in (NEAR, FAR):
        colleague = place.model_copy(update={"subject": "colleague"})
        assert played.do(LostAct, colleague, party=Party.APPLICANT) == "window_not_yours"
    played.ok(LostAct, NEAR, party=Party.APPLICANT)
    assert played.do(RejoinAct, NEAR.model_copy(update={"subject": "colleague"}), party=Party.APPLICANT)
    assert played.do(JoinAct, NEAR.model_copy(update={"subject": "c"}), party=Party.APPLICANT) == "window_taken"
    played.ok(RejoinAct, CITIZEN, party=Party.APPLICANT)


def test_a_connection_that_was_lost_before_the_session_was_given_back_does_not_end_it() -> None:
    played = Played()
    played.ok(PickUpAct, FAR)
    played.ok(LostAct, FAR, party=Party.HANDLING)
    played.ok(GiveBackAct, FAR)
    played.wait(TIMES.grace_minutes + 1)
    assert played.status is S.QUEUED
