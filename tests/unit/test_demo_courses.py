"""The courses of the demo are data that fit the shipped definitions: forms, acts, what they say of the end."""

from __future__ import annotations

import re
from datetime import date

import pytest

from api.usecases.submit import Checked, wanted
from catalogue.forms import check_eligibility, read_form
from domain.case import TERMINAL, CaseStatus
from domain.errors import ERRORS
from domain.identifiers import check_resident_id, check_uscc
from domain.plan import OUTCOMES, StepKind, Way
from tests.unit.demo_world import COURSES, FORMS, NAMES, case, case_plan, done, plan_of
from tests.unit.plans import LIBRARY
from tongban.demo import synthetic
from tongban.demo.course import Attempt, Consent, Course, Decide, Desk, Intrude, Withdraw
from tongban.demo.courses import BY_SERVICE, HUKOU, MOVE, THREE_ENDS, WASTE
from tongban.demo.options import CAN_BE_PLAYED, parse
from tongban.demo.words import (
    CASE,
    CITY,
    COLLEAGUE,
    DENIED,
    DEPARTMENT,
    OUTCOME,
    PROVINCE,
    desk_text,
    province_of,
    step_titles,
)

every_course = pytest.mark.parametrize("course", COURSES, ids=NAMES)
granted = pytest.mark.parametrize("course", [MOVE, HUKOU, WASTE], ids=lambda course: course.service)


def decisions(course: Course) -> list[Decide]:
    return [act for act in course.acts if isinstance(act, Decide)]


def desks(course: Course) -> list[Desk]:
    return [act.by for act in course.acts if isinstance(act, Intrude | Attempt | Decide)]


# forms


@every_course
def test_every_form_is_accepted_by_the_definition(course: Course) -> None:
    plan = plan_of(course)
    for _ in range(50):
        form = course.form()
        assert read_form(plan, form, LIBRARY.divisions) == form
        assert check_eligibility(plan, form) == []


@every_course
def test_another_form_is_about_somebody_else_with_a_number_that_nobody_has_and_that_triggers_nothing(
    course: Course,
) -> None:
    kinds = {name: field.get("format") for name, field in plan_of(course).form_fields().items()}
    forms = [course.form() for _ in range(100)]
    subjects = "uscc" if "uscc" in kinds else "applicant_id"
    assert len({str(form[subjects]) for form in forms}) > 90
    for form in forms:
        for name, value in form.items():
            number = str(value)
            if kinds[name] == "uscc":
                assert check_uscc(number) == number
                assert number[8:12] == "XXXX"
            elif kinds[name] == "resident_id":
                assert check_resident_id(number) == number
                assert number[4:6] == "99"
                assert number[14:17] != "404"
            else:
                continue
            assert int(number[14:16]) not in synthetic.MARKS


def test_a_random_person_is_grown_up() -> None:
    for _ in range(200):
        born = synthetic.resident_id("3401")[6:14]
        assert date(1960, 1, 1) <= date.fromisoformat(born) <= date(2000, 12, 31)


@every_course
def test_the_papers_are_those_that_this_form_needs(course: Course) -> None:
    plan, form = plan_of(course), dict(FORMS[course.service])
    needed = wanted(Checked(plan=plan, case_plan=case_plan(course), form=form))
    assert set(course.documents) == {name for name, material in needed.items() if material.required}
    assert course.subject_field == plan.subject_field


# acts


@granted
def test_every_task_of_a_granted_case_is_decided_once_after_what_it_needs(course: Course) -> None:
    steps = {step.id: step for step in case_plan(course).steps}
    order = [act.step for act in decisions(course)]
    assert sorted(order) == sorted(step.id for step in steps.values() if step.way is Way.PERSON)
    for place, name in enumerate(order):
        assert set(steps[name].needs) & set(order) <= set(order[:place])


@every_course
def test_a_decision_is_made_at_the_place_of_its_step_from_its_queue_with_its_checklist(course: Course) -> None:
    steps = {step.id: step for step in case_plan(course).steps}
    for act in decisions(course):
        step = steps[act.step]
        assert (act.by.region, act.by.department) == (step.place.region, step.place.department)
        assert act.outcome in OUTCOMES[step.kind]
        assert act.queue == step.queue
        assert set(act.checklist) == {item.id for item in step.checklist}
        if act.outcome == "refuse":
            assert act.reason
            assert act.legal_basis


@every_course
def test_four_eyes_are_of_two_persons_and_the_first_tries_in_vain_to_be_the_second(course: Course) -> None:
    by = {act.step: act.by for act in decisions(course)}
    tried = {(act.step, act.by) for act in course.acts if isinstance(act, Attempt) and act.code == "same_person"}
    wanted_tries = set()
    for step in case_plan(course).steps:
        for earlier in step.four_eyes:
            assert by[step.id].person != by[earlier].person
            wanted_tries.add((step.id, by[earlier]))
    assert tried == wanted_tries


@every_course
def test_whoever_intrudes_is_of_another_place_and_whoever_attempts_is_of_the_right_one(course: Course) -> None:
    places = {step.id: (step.place.region, step.place.department) for step in case_plan(course).steps}
    intruders = [act for act in course.acts if isinstance(act, Intrude)]
    assert intruders
    for act in intruders:
        assert (act.by.region, act.by.department) != places[act.step]
        assert act.by.department == places[act.step][1], "a colleague of the same trade is the better proof"
    for attempt in course.acts:
        if isinstance(attempt, Attempt):
            assert (attempt.by.region, attempt.by.department) == places[attempt.step]
            assert attempt.code in ERRORS
            step = next(step for step in case_plan(course).steps if step.id == attempt.step)
            if attempt.code == "checklist_incomplete":
                assert not {item.id for item in step.checklist if item.mandatory} <= set(attempt.checklist)


@every_course
def test_evidence_is_agreed_to_and_a_withdrawal_is_about_an_effect(course: Course) -> None:
    steps = {step.id: step for step in case_plan(course).steps}
    assert course.acts[0] == Consent()
    for act in course.acts:
        if isinstance(act, Withdraw):
            assert steps[act.step].kind is StepKind.EFFECT


# ends


@every_course
def test_a_course_ends_and_says_what_of_it(course: Course) -> None:
    steps = {step.id: step for step in case_plan(course).steps}
    assert CaseStatus(course.ends) in TERMINAL
    issued = {StepKind.EFFECT, StepKind.CERTIFICATE}
    told = {(p, name) for p, names in course.in_effect.items() for name in names}
    assert told == (
        set() if course.undoes else {(province_of(s.place.region), s.id) for s in steps.values() if s.kind in issued}
    )
    evidence = {(p, name) for p, names in course.released.items() for name in names}
    assert evidence == {(province_of(s.place.region), s.id) for s in steps.values() if s.kind is StepKind.EVIDENCE}
    assert course.undoes == (course.ends != "completed")


@granted
def test_every_licence_of_the_service_is_issued_and_shows_fields_that_are_public(course: Course) -> None:
    plan = plan_of(course)
    assert course.licences == tuple(result.id for result in plan.results)
    assert set(course.shows) == {name for result in plan.results for name in result.shows.values()}


@granted
def test_the_order_that_is_checked_is_the_order_of_the_definition(course: Course) -> None:
    steps = {step.id: step for step in case_plan(course).steps}
    assert course.order
    for first, then in course.order:
        needed, left = set(steps[then].needs), set(steps[then].needs)
        while left:
            left = {need for name in left for need in steps[name].needs} - needed
            needed |= left
        assert first in needed


def test_the_old_registration_is_cancelled_before_the_new_one_and_two_authorities_agree_before_the_waste_moves() -> (
    None
):
    assert ("cancel_out", "register_in") in HUKOU.order
    assert ("consult", "decide") in WASTE.order
    assert plan_of(WASTE).mode == "two_authority"


# words


@every_course
def test_every_place_outcome_and_refusal_has_words_in_both_languages(course: Course) -> None:
    for region in {leg.place.region for leg in case_plan(course).legs}:
        assert {**PROVINCE, **CITY}[region] == LIBRARY.divisions.names[region]
    assert {leg.place.department for leg in case_plan(course).legs} <= set(DEPARTMENT)
    for desk in desks(course):
        text = desk_text(desk)
        assert re.fullmatch(r"[\u4e00-\u9fff]+", text.zh), text
        assert re.fullmatch(r"caseworker( [AB])? of [A-Za-z ]+", text.en), text
        assert desk.person in COLLEAGUE
    outcomes = {act.outcome for act in course.acts if isinstance(act, Attempt | Decide)}
    assert outcomes <= set(OUTCOME)
    assert {act.code for act in course.acts if isinstance(act, Attempt)} <= set(DENIED)
    assert course.ends in CASE
    for text in (course.title, course.route):
        assert re.search(r"[\u4e00-\u9fff]", text.zh)
        assert text.en.isascii() or "➜" in text.en


def test_a_step_of_several_places_is_told_with_its_place() -> None:
    titles = step_titles(case(done(WASTE), course=WASTE))
    assert titles["tell_transit-320000"].zh == "通报途经地（江苏省）"
    assert titles["tell_transit-330000"].en == "A province on the way is told (Zhejiang)"
    assert titles["accept"].zh == "受理"


# the command


@pytest.mark.parametrize(
    ("words", "courses"),
    [
        ("", (MOVE,)),
        ("all", (MOVE, HUKOU, WASTE)),
        ("all --fast --lang zh --other-ports --data-dir x", (MOVE, HUKOU, WASTE)),
        ("--fast all", (MOVE, HUKOU, WASTE)),
        ("YRD-HUKOU", (HUKOU,)),
        ("yrd-hw-transfer --fast", (WASTE,)),
        ("YRD-HUKOU YRD-ENT-MOVE YRD-HUKOU", (HUKOU, MOVE)),
        ("--refuse", THREE_ENDS[1:2]),
        ("--withdraw --fast", THREE_ENDS[2:]),
        ("--all", THREE_ENDS),
        ("YRD-ENT-MOVE --all", THREE_ENDS),
    ],
)
def test_words_choose_what_is_played(words: str, courses: tuple[Course, ...]) -> None:
    options = parse(words.split())
    assert options.courses == courses
    assert options.fast == ("--fast" in words)


@pytest.mark.parametrize("words", ["moon", "YRD-BIRTH", "all moon", "YRD-HUKOU --refuse", "all --all", "--moon"])
def test_what_cannot_be_played_is_refused_with_what_can(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(words.split())
    assert ended.value.code == 2
    told = capsys.readouterr().err
    if words != "--moon":
        assert CAN_BE_PLAYED in told
        assert all(code in told for code in BY_SERVICE)
    assert all(word in told or word.upper() in told for word in words.split() if word.startswith(("moon", "--moon")))
