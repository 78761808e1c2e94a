"""Where direct settlement is refused or out of reach: what is kept, mended, taken out again, and forgotten."""

from __future__ import annotations

import json

import pytest

from domain.medical import Exchange, ExchangeEnd, MatterKind
from domain.medical.treatment_words import AddFees, CancelFees, Discharge, PayInFull, Recheck, Settle
from domain.medical.treatment_words import TreatmentStatus as S
from tests.medical.course import Course, start_of


def test_a_dead_line_at_the_beginning_leaves_the_way_of_paying_in_full() -> None:
    for answered in (0, 1):
        course = Course()
        for _ in range(answered):
            course.answer()
        course.answer(ExchangeEnd.VOIDED, "line_down")
        assert course.status == S.UNCOVERED
        assert course.treatment.errands == []
        trouble = course.treatment.view().trouble
        assert trouble is not None
        assert trouble.code == "link_down"
        assert course.do(Recheck) is None
        course.opened()


def test_what_is_refused_when_it_is_made_up_for_has_to_be_mended_before_the_discharge() -> None:
    course = Course()
    course.answer(ExchangeEnd.REFUSED, "not_insured")
    for part in ("fees:1", "fees:2"):
        assert course.do(AddFees, part=part, lines=1, total=500) is None
    assert course.do(Discharge, way="1", at=course.now, part="discharge") is None
    assert course.do(Recheck) is None
    for _ in range(3):
        course.answer()
    course.answer(ExchangeEnd.REFUSED, "item_unknown")
    course.all_answered()
    view = course.treatment.view()
    assert [u.status for u in view.uploads] == ["refused", "accepted"]
    assert (view.status, view.discharged_at, view.total) == (S.OPEN, None, 500)
    course.with_fees(part="fees:3", total=200).discharged()
    assert course.do(Settle) is None


def test_what_was_kept_can_be_taken_out_again_and_what_has_gone_up_is_taken_down() -> None:
    course = Course().opened().with_fees(part="fees:1", total=500).discharged()
    course.do(Settle)
    course.answer(ExchangeEnd.REFUSED, "not_entitled")
    assert course.do(CancelFees, part="fees:1") is None
    (sent,) = course.treatment.errands
    assert isinstance(sent, Exchange)
    assert sent.infno == "2302"
    course.all_answered()
    fresh = Course()
    fresh.answer(ExchangeEnd.REFUSED, "not_insured")
    fresh.do(AddFees, part="fees:1", lines=1, total=500)
    assert fresh.do(CancelFees) is None
    assert (fresh.treatment.errands, fresh.treatment.view().total) == ([], 0)
    assert fresh.do(CancelFees, part="fees:1") == "upload_unknown"


def test_a_discharge_without_any_fees_ends_without_a_bill_or_a_claim() -> None:
    course = Course().opened().discharged()
    course.later(15)
    assert course.treatment.closed_at is not None
    assert (course.treatment.errands, course.treatment.opens) == ([], [])


def test_a_line_that_is_down_at_the_upload_or_the_discharge_leaves_the_way_of_paying_in_full() -> None:
    course = Course().opened()
    assert course.do(AddFees, part="fees:1", lines=1, total=500) is None
    course.answer(ExchangeEnd.VOIDED, "line_down")
    view = course.treatment.view()
    assert (view.status, view.total, view.uploads[0].status) == (S.UNCOVERED, 500, "kept")
    assert course.do(Discharge, way="2", at=course.now, part="discharge") is None
    assert course.do(PayInFull, part="words") is None
    assert course.status == S.SELF_PAID


def test_when_the_line_is_up_again_what_was_kept_goes_up_and_the_discharge_after_it() -> None:
    course = Course().opened().with_fees(500)
    assert course.do(Discharge, way="2", at=course.now, part="discharge") is None
    course.answer(ExchangeEnd.VOIDED, "line_down")
    assert (course.status, course.treatment.view().discharged_at) == (S.UNCOVERED, course.now)
    assert course.do(Recheck) is None
    sent = [course.answer() for _ in range(3)]
    assert [errand.infno for errand in sent if isinstance(errand, Exchange)] == ["1101", "2001", "2402"]
    assert course.status == S.DISCHARGED


def test_how_he_left_is_told_when_the_discharge_is_made_up_for() -> None:
    course = Course()
    course.answer(ExchangeEnd.REFUSED, "not_insured")
    course.do(AddFees, part="fees:1", lines=1, total=500)
    course.do(Discharge, way="2", at=course.now, part="discharge")
    course.do(Recheck)
    sent = []
    while course.treatment.errands:
        sent.append(course.answer())
    bodies = [json.loads(errand.body) for errand in sent if isinstance(errand, Exchange) and errand.infno == "2402"]
    assert [body["dscg_way"] for body in bodies] == ["2"]


@pytest.mark.parametrize("covered", [True, False])
@pytest.mark.parametrize("total", [0, 500])
def test_a_visit_that_everybody_has_forgotten_ends_some_day(covered: bool, total: int) -> None:
    course = Course(start_of(MatterKind.VISIT))
    if covered:
        course.opened()
    else:
        course.answer(ExchangeEnd.REFUSED, "not_insured")
    course.later(10)
    if total:
        course.with_fees(total)
        course.later(10)
        assert course.status == (S.OPEN if covered else S.UNCOVERED), "the last upload counts"
    course.later(5)
    course.all_answered()
    assert course.status == (S.SELF_PAID if total else S.CANCELLED)
    assert (len(course.treatment.opens), course.treatment.closed_at) == (1 if total else 0, course.now)


def test_a_forgotten_visit_that_cannot_be_cancelled_is_tried_again_later() -> None:
    course = Course(start_of(MatterKind.VISIT)).opened()
    course.later(15)
    course.answer(ExchangeEnd.VOIDED, "line_down")
    assert course.status == S.OPEN
    course.later(14)
    assert course.treatment.errands == []
    course.later(1)
    course.all_answered()
    assert course.status == S.CANCELLED
