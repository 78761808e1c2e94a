"""Where direct settlement is refused or out of reach: what is kept, mended, taken out again, and forgotten."""

from __future__ import annotations

from domain.medical import Exchange, ExchangeEnd
from domain.medical.treatment_words import AddFees, CancelFees, Discharge, Recheck, Settle
from domain.medical.treatment_words import TreatmentStatus as S
from tests.medical.test_treatment import Course


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
