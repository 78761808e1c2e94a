"""The course of a recognition, from the patient's consent to his having read what was refused and why."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.medical.recognition import RecognitionStatus
from domain.medical.recognition.messages import ENDS, TRANSITIONS
from domain.medical.recognition.reports import Unusable, read_index, result_of, stripped
from tests.recognition.sick import (
    CERTIFICATE,
    DOCTOR,
    HOME,
    PATIENT,
    PSN_NO,
    REFUSED,
    STRANGER,
    UNUSABLE,
    VOIDED,
    Platform,
    Room,
    row,
    start,
)

TWO = {HOME: [row("RPT-1"), row("RPT-2", "LAB-HBA1C", days=5)]}


def room(platform: Platform | None = None, **more: object) -> Room:
    return Room(platform or Platform(dict(TWO)), start(("CT-CHEST", "LAB-HBA1C"), **more))


def test_consent_index_reports_decisions_and_what_is_explained() -> None:
    it = room()
    assert it.course.status == "consent"
    assert it.platform.seen == []
    assert it.consent() is None
    assert (it.course.status, it.states) == ("deciding", {"RPT-1": "open", "RPT-2": "open"})
    assert it.decide("r1", "recognise") is None
    assert it.decide("r2", "re_examine", "R2_FAST") is None
    assert it.course.status == "explaining"
    assert it.acknowledge() is None
    assert (it.course.status, it.states) == ("completed", {"RPT-1": "recognised", "RPT-2": "re_examined"})
    view = it.course.view()
    assert [r.saved for r in view.reports] == [24000, 0]
    assert view.reports[1].acknowledged_at is not None
    assert it.course.closed_at is not None


def test_nothing_leaves_the_house_before_the_patient_consents() -> None:
    it = room()
    assert it.consent(granted=False) is None
    assert it.course.status == "declined"
    late = room()
    late.wait(hours=73)
    assert (late.course.status, late.course.view().reason) == ("expired", "no_consent")
    assert it.platform.seen == late.platform.seen == []


def test_in_an_emergency_reading_begins_at_once_and_names_the_matter_instead_of_a_consent() -> None:
    it = room(emergency=True)
    assert it.course.status == "deciding"
    assert it.platform.asked("5461")[0]["auth_doc_no"] == it.course.no
    assert "recognition:emergency" in it.trail


def test_only_reports_of_what_is_about_to_be_ordered_are_fetched_and_no_older_than_useful() -> None:
    platform = Platform({HOME: [*TWO[HOME], row("RPT-3", "ECG-12"), row("RPT-4", days=100)]})
    it = Room(platform, start(("CT-CHEST",)))
    it.consent()
    assert [body["rpt_no"] for body in platform.asked("5402")] == ["RPT-1"]
    assert platform.asked("5401")[0]["begndate"] == "2026-11-12"


def test_no_message_holds_the_patients_number_and_the_form_has_it_put_in() -> None:
    it = room()
    it.consent()
    sent = it.platform.seen
    assert PSN_NO not in str(sent)
    assert CERTIFICATE not in str(it.course.start)
    assert {exchange.parts for exchange in sent} == {("person",)}
    assert [exchange.number for exchange in sent] == [1, 2, 3, 4]


def test_neither_conclusion_nor_result_reaches_the_workflow_and_no_conclusion_the_record() -> None:
    it = room(Platform(dict(TWO), changed={"RPT-1": {"result": [{"value": 5, "Conclusion": "SECRET"}]}}))
    it.consent()
    seen = it.course.view().model_dump_json()
    assert "SECRET" not in seen
    assert "影像号" not in seen
    assert all(len(r.digest) == 64 for r in it.course.view().reports)
    assert "conclusion" not in _keys(it.platform.kept)
    results = [result_of(kept) for kept in it.platform.kept if "certno" in kept]
    assert results == ['[{"value": 5}]', "影像号 1001"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "conclusion", "Conclusion_code", " conclusions", "b"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(values)
def test_a_message_is_taken_in_without_its_conclusions_however_deep(value: object) -> None:
    kept = stripped(value)
    assert "conclusion" not in str(_keys(kept)).lower()
    assert stripped(kept) == kept


def _keys(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for inner in value.values() for key in _keys(inner))]
    return [key for inner in value for key in _keys(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize("body", ["", "[]", "{", '{"data": []}', '{"psn": "other", "data": []}', "NaN", "[" * 99999])
def test_an_answer_that_is_not_about_the_patient_is_not_used(body: str) -> None:
    with pytest.raises(Unusable):
        read_index(body, "mine")


def test_a_row_that_cannot_be_read_is_counted_and_the_others_are_used() -> None:
    odd = [row("RPT-8") | {"item_code": 7}, {"rpt_no": "RPT-7", "exam_time": "2026-11-25 08:00:00"}]
    it = Room(Platform({HOME: [row(), row("RPT-9", "LAB-HBA1C") | {"equip": None}, *odd]}))
    rows, unreadable = read_index(json.dumps({"psn": "mine", "data": it.platform.reports[HOME]}), "mine")
    assert ([entry.rpt_no for entry in rows], unreadable) == (["RPT-1", "RPT-9"], 2)
    it.consent()
    assert set(it.states) == {"RPT-1"}


def test_the_rules_may_forbid_recognition_and_the_physician_cannot_overrule_them() -> None:
    it = room(Platform({HOME: [row("RPT-1", hr_scope="340000"), row("RPT-2", "LAB-HBA1C")]}))
    it.consent()
    assert it.states == {"RPT-1": "barred", "RPT-2": "open"}
    assert it.decide("r1", "recognise") == "recognition_forbidden"
    assert it.decide("r1", "re_examine", "R1_CHANGED") == "recognition_decided"
    assert it.decide("r2", "recognise") is None
    assert it.course.status == "explaining"  # the barred one


def test_the_rules_never_force_it_and_a_re_examination_has_its_reason() -> None:
    it = room()
    it.consent()
    assert it.decide("r1", "re_examine") == "recognition_reason"
    assert it.decide("r1", "recognise", "R1_CHANGED") == "recognition_reason"
    assert it.decide("r1", "re_examine", "R6_OTHER") == "reason_required"
    assert it.decide("r1", "re_examine", "R6_OTHER", "words:a1") is None
    assert it.decide("r1", "recognise") == "recognition_decided"
    assert it.decide("r9", "recognise") == "recognition_report_unknown"


def test_a_report_of_somebody_else_bars_itself_and_nothing_of_it_is_kept() -> None:
    changed = {
        "RPT-1": {"certno": "310199199001010018", "result": "HIS"},
        "RPT-2": {"psn_no": "other", "result": "HIS"},
    }
    it = room(Platform(dict(TWO), changed=changed))
    it.consent()
    assert it.states == {"RPT-1": "barred", "RPT-2": "barred"}
    view = it.course.view()
    assert [r.digest for r in view.reports] == ["", ""]
    assert ["result" in kept for kept in it.platform.kept if kept.get("certno") not in {None, CERTIFICATE}] == [False]
    assert all(f.code == "T4_ID_MISMATCH" for r in view.reports for f in r.findings if not f.holds)


@pytest.mark.parametrize("changed", [{"exam_time": "2026-11-25 08:00:00"}, {"result": ""}, {"hr_scope": "national"}])
def test_a_report_that_differs_from_its_index_or_says_nothing_is_not_recognised(changed: dict[str, str]) -> None:
    it = room(Platform(dict(TWO), changed={"RPT-1": changed}))
    it.consent()
    (report, _) = it.course.view().reports
    assert report.state == "barred"
    assert [f.code for f in report.findings if not f.holds] == ["T7_NOT_INTACT"]


def test_a_report_that_is_refused_does_not_hold_the_others_up() -> None:
    it = room(Platform(dict(TWO), ends={"RPT-1": [REFUSED]}))
    it.consent()
    assert it.states == {"RPT-1": "barred", "RPT-2": "open"}


def test_sources_stand_by_themselves() -> None:
    platform = Platform({HOME: TWO[HOME], "320500": [row("RPT-5")]}, ends={"5461": [REFUSED]})
    it = room(platform, sources=(HOME, "320500"))
    it.consent()
    assert it.course.view().sources == {HOME: "X181", "320500": "indexed"}
    assert it.states == {"RPT-5": "open"}


def test_nothing_found_and_nobody_reached_are_told_apart() -> None:
    nothing = room(Platform({}))
    nothing.consent()
    assert nothing.course.status == "nothing_found"
    nobody = room(Platform(dict(TWO), ends={"5401": [UNUSABLE]}))
    nobody.consent()
    assert nobody.course.status == "unavailable"
    silent = room()
    silent.consent(answer=False)
    silent.course.errands.clear()
    silent.wait(hours=25)
    assert (silent.course.status, silent.course.view().sources) == ("unavailable", {HOME: "no_answer"})


def test_a_message_without_effect_is_sent_again_and_not_for_ever() -> None:
    once = room(Platform(dict(TWO), ends={"5461": [VOIDED]}))
    once.consent()
    assert once.course.status == "deciding"
    never = room(Platform(dict(TWO), ends={"5461": [VOIDED] * 9}))
    never.consent()
    assert (never.course.status, len(never.platform.seen)) == ("unavailable", 3)


def test_withdrawal_stops_reading_and_what_comes_afterwards_is_not_read() -> None:
    it = room()
    it.consent(answer=False)
    assert it.withdraw() is None
    assert it.course.status == "withdrawn"
    assert it.states == {}
    assert it.withdraw() == "matter_closed"


def test_withdrawal_leaves_what_was_decided_and_drops_what_was_not() -> None:
    it = room()
    it.consent()
    it.decide("r1", "recognise")
    assert it.withdraw() is None
    assert (it.course.status, it.states) == ("withdrawn", {"RPT-1": "recognised", "RPT-2": "lapsed"})


def test_a_recognition_nobody_decides_is_closed_after_its_term() -> None:
    it = room()
    it.consent()
    it.decide("r1", "re_examine", "R4_EMERGENCY")
    it.wait(hours=72)
    assert it.course.status == "explaining"  # the refusal is still to be read
    it.wait(days=30)
    assert (it.course.status, it.course.view().reason) == ("expired", "nobody_decided")
    assert "recognition:not_acknowledged" in it.trail


def test_a_report_gets_too_old_while_it_waits() -> None:
    it = room(Platform({HOME: [row("RPT-1", days=14), row("RPT-2", "LAB-HBA1C")]}))
    it.consent()
    it.wait(hours=20)
    assert it.states == {"RPT-2": "open", "RPT-1": "barred"}
    assert it.decide("r2", "recognise") == "recognition_forbidden"


def test_everybody_does_only_what_is_his() -> None:
    it = room()
    assert it.consent(actor=DOCTOR) == "not_found"
    it.consent()
    assert it.decide("r1", "recognise", actor=PATIENT) == "not_found"
    assert it.decide("r1", "recognise", actor=STRANGER) == "not_found"
    assert it.cancel(actor=PATIENT) == "not_found"
    assert it.acknowledge() == "recognition_state"
    assert it.consent() == "recognition_state"
    assert it.cancel() is None
    assert (it.course.status, it.states) == ("cancelled", {"RPT-1": "lapsed", "RPT-2": "lapsed"})


def test_transitions_lead_somewhere_and_ends_nowhere() -> None:
    assert set(TRANSITIONS) == set(RecognitionStatus)
    assert all(not TRANSITIONS[end] for end in ENDS)
    reached = set().union(*TRANSITIONS.values())
    assert reached == set(RecognitionStatus) - {RecognitionStatus.CONSENT}


acts = st.sampled_from(["consent", "no", "withdraw", "r1", "r2", "no1", "no2", "ack", "cancel", "hour", "days"])


@settings(max_examples=200)
@given(st.lists(acts, max_size=12), st.lists(st.sampled_from([REFUSED, VOIDED, UNUSABLE]), max_size=3), st.booleans())
def test_whatever_happens_somebody_holds_it_and_nothing_is_recognised_against_the_rules(
    steps: list[str], ends: list[object], barred: bool
) -> None:
    rows = [row("RPT-1", days=14, hr_scope="340000" if barred else "national"), row("RPT-2", "LAB-HBA1C")]
    it = room(Platform({HOME: rows}, ends={"5401": [], "RPT-2": list(ends)}))  # type: ignore[arg-type]
    does: dict[str, Callable[[], object]] = {
        "consent": it.consent,
        "no": lambda: it.consent(granted=False),
        "withdraw": it.withdraw,
        "r1": lambda: it.decide("r1", "recognise"),
        "r2": lambda: it.decide("r2", "recognise"),
        "no1": lambda: it.decide("r1", "re_examine", "R1_CHANGED"),
        "no2": lambda: it.decide("r2", "re_examine", "R3_MAJOR"),
        "ack": it.acknowledge,
        "cancel": it.cancel,
        "hour": lambda: it.wait(hours=20),
        "days": lambda: it.wait(days=20),
    }
    final: dict[str, str] = {}
    for step in steps:
        does[step]()
        course = it.course
        assert (course.closed_at is None) == (course.state not in ENDS)
        assert course.closed_at is not None or (course.waiting() and course.next_wake())
        for report in course.view().reports:
            if report.state == "recognised":
                assert all(f.holds for f in report.findings)
            if report.id in final:
                assert report.state == final[report.id]
            elif report.state != "open":
                final[report.id] = report.state
    it.wait(days=200)
    it.wait(days=200)
    assert it.course.closed_at is not None
    assert PATIENT.subject not in str([r.decided_by for r in it.course.view().reports])
