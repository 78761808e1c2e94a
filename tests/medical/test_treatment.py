"""A stay or visit: what may be done when, and what becomes of it."""

from __future__ import annotations

import json

import pytest

from activities.insurance import UNSENT_ENDS
from domain.medical import BillOrder, BillWork, Exchange, ExchangeEnd, ExchangeOutcome, MatterKind
from domain.medical.claim import StartClaim
from domain.medical.treatment import MOST_UPLOADS
from domain.medical.treatment_words import (
    AddFees,
    Discharge,
    PayInFull,
    Preview,
    Recheck,
    Settle,
    Undo,
)
from domain.messages import Actor
from tests.medical.course import NURSE, OTHER, PATIENT, Course, S, start_of


def test_a_stay_goes_from_admission_to_settlement_with_its_bill() -> None:
    course = Course()
    sent = []
    while course.treatment.errands:
        sent.append(course.answer().infno)  # type: ignore[union-attr]
    assert sent == ["1101", "2001", "2401"]
    course.with_fees().discharged()
    assert course.do(Preview) is None
    course.all_answered()
    preview = course.treatment.view().preview
    assert preview is not None
    assert preview["medfee_sumamt"] == 3200000
    assert course.do(Settle) is None
    course.all_answered()
    view = course.treatment.view()
    assert course.status == S.SETTLED
    assert view.settlements[0].amounts["medfee_sumamt"] == 3200000
    assert view.settlements[0].bill is not None
    assert view.category == "referral"


def test_a_visit_is_registered_described_and_settled_without_a_discharge() -> None:
    course = Course(start_of(MatterKind.VISIT))
    sent = []
    while course.treatment.errands:
        sent.append(course.answer().infno)  # type: ignore[union-attr]
    assert sent == ["1101", "2001", "2201", "2203"]
    course.with_fees(12345)
    assert course.do(Discharge, way="1", at=course.now, part="discharge") == "treatment_state"
    assert course.do(Settle) is None
    assert course.answer().infno == "2207"  # type: ignore[union-attr]
    assert course.status == S.SETTLED


def test_a_settlement_that_was_voided_is_tried_again_and_never_under_the_same_number() -> None:
    course = Course().opened().with_fees().discharged()
    course.do(Settle)
    first = course.answer(ExchangeEnd.VOIDED, "line_down")
    second = course.answer(ExchangeEnd.VOIDED, "line_down")
    third = course.answer(ExchangeEnd.VOIDED, "line_down")
    assert len({first.number, second.number, third.number}) == 3
    assert course.treatment.errands == []
    assert course.status == S.DISCHARGED
    trouble = course.treatment.view().trouble
    assert trouble is not None
    assert trouble.code == "line_down"
    assert course.do(Settle) is None, "a person may try again"


def test_a_stay_takes_a_bounded_number_of_uploads_and_goes_on_without_more() -> None:
    course = Course().opened()
    for number in range(MOST_UPLOADS):
        course.with_fees(100, f"fees:{number}")
    assert course.do(AddFees, part="one more", lines=1, total=100) == "too_many_uploads"
    course.discharged()
    assert course.do(Settle) is None


def test_while_a_message_is_under_way_nothing_else_is_sent() -> None:
    course = Course().opened().with_fees().discharged()
    course.do(Settle)
    assert course.do(Settle) == "message_running"
    assert course.do(Preview) == "message_running"
    assert len(course.treatment.errands) == 1


def test_the_same_act_again_is_the_same_act() -> None:
    course = Course().opened().with_fees().discharged()
    act = Settle(id="once", actor=NURSE)
    first = course.treatment.carry_out(act, course.now)
    assert course.treatment.check(act) is None
    assert course.treatment.carry_out(act, course.now) == first
    assert len(course.treatment.errands) == 1


def test_who_cannot_wait_pays_in_full_and_a_settlement_that_was_done_after_all_is_undone() -> None:
    course = Course().opened().with_fees().discharged()
    course.do(Settle)
    assert course.do(PayInFull, part="words") is None
    assert course.status == S.DISCHARGED, "nobody knows yet what became of the settlement"
    course.all_answered()
    view = course.treatment.view()
    assert course.status == S.SELF_PAID
    assert [bool(s.undoes) for s in view.settlements] == [False, True]
    assert sum(s.amounts["medfee_sumamt"] for s in view.settlements) == 0
    assert view.self_paid_bill is not None
    assert course.treatment.closed_at is not None


def test_where_it_cannot_be_undone_the_settlement_stands_and_the_hospital_is_told() -> None:
    course = Course().opened().with_fees().discharged()
    course.do(Settle)
    course.do(PayInFull, part="words")
    course.answer()
    course.answer(ExchangeEnd.REFUSED, "month_cleared")
    view = course.treatment.view()
    assert (course.status, view.leaving, course.treatment.errands) == (S.SETTLED, False, [])
    assert view.trouble is not None
    assert view.trouble.code == "month_cleared"


def test_a_claim_for_reimbursement_opens_by_itself_with_the_bill() -> None:
    course = Course().opened().with_fees().discharged()
    course.do(PayInFull, part="words")
    course.all_answered()
    (claim,) = course.treatment.opens
    start = StartClaim.model_validate_json(claim.start)
    assert (claim.kind, start.total, start.about) == (MatterKind.CLAIM, 3200000, course.treatment.no)
    assert start.bill == course.treatment.view().self_paid_bill
    assert claim.waiting[0].why == "claim_wanted"


def test_a_discharge_without_settlement_is_not_forgotten() -> None:
    course = Course().opened().with_fees().discharged()
    course.later(14)
    assert course.status == S.DISCHARGED
    course.later(1)
    course.all_answered()
    assert course.status == S.SELF_PAID
    assert course.treatment.opens


def test_without_cover_fees_are_kept_and_go_up_once_a_late_filing_opens_the_way() -> None:
    course = Course()
    course.answer()
    errand = course.treatment.errands.pop(0)
    refused = ExchangeOutcome(
        end=ExchangeEnd.DONE, body=json.dumps({"trt_chk_rslt": "0", "reason": "no_direct_settlement"})
    )
    course.treatment.take_outcome(errand, refused, course.now)
    assert course.status == S.UNCOVERED
    assert course.do(AddFees, part="fees:1", lines=1, total=500) is None
    assert course.do(AddFees, part="fees:2", lines=1, total=700) is None
    assert course.do(Discharge, way="1", at=course.now, part="discharge") is None
    assert course.treatment.errands == []
    assert course.do(Recheck) is None
    sent = []
    while course.treatment.errands:
        sent.append(course.answer().infno)  # type: ignore[union-attr]
    assert sent == ["1101", "2001", "2401", "2301", "2301", "2402"]
    assert course.status == S.DISCHARGED
    assert course.treatment.view().total == 1200
    assert course.do(Settle) is None


def test_a_settlement_refused_for_want_of_cover_leaves_the_way_of_paying_in_full() -> None:
    course = Course().opened().with_fees().discharged()
    course.do(Settle)
    course.answer(ExchangeEnd.REFUSED, "not_entitled")
    assert course.status == S.UNCOVERED
    assert course.do(PayInFull, part="words") is None
    course.all_answered()
    assert course.status == S.SELF_PAID


def test_the_wrong_person_ends_it_at_once() -> None:
    course = Course()
    course.answer(ExchangeEnd.REFUSED, "wrong_person")
    assert course.status == S.CANCELLED
    assert course.treatment.closed_at is not None


def test_a_patient_who_dies_is_discharged_and_settled_like_anybody() -> None:
    course = Course().opened().with_fees().discharged(way="5")
    assert course.treatment.view().died
    assert course.do(Settle) is None
    course.all_answered()
    assert course.status == S.SETTLED


def test_undone_it_can_be_settled_again_and_the_first_bill_is_cancelled() -> None:
    course = Course().settled()
    assert course.do(Settle) == "settled_already"
    assert course.do(Undo, part="words") is None
    course.all_answered()
    assert course.status == S.DISCHARGED
    assert course.do(Settle) is None
    course.all_answered()
    first, undoing, second = course.treatment.view().settlements
    assert first.undone_by == undoing.setl_id
    assert first.bill is not None
    assert first.bill.red_lettered
    assert second.bill is not None
    assert not second.bill.red_lettered
    assert all(first.amounts[n] + undoing.amounts[n] == 0 for n in first.amounts)


def test_what_is_undone_is_named_and_the_same_order_again_is_the_same_undoing() -> None:
    course = Course().settled()
    first = course.treatment.view().settlements[0].setl_id
    undo = Undo(id="once", actor=NURSE, part="words", settlement=first)
    assert course.treatment.check(undo) is None
    course.treatment.carry_out(undo, course.now)
    course.all_answered()
    assert course.treatment.check(undo) is None, "asked again after a lost answer"
    assert course.do(Undo, part="words", settlement=first) == "settlement_undone"
    assert course.do(Settle) is None
    course.all_answered()
    assert course.do(Undo, part="words", settlement=first) == "settlement_undone"


def test_a_bill_that_comes_after_the_undoing_is_cancelled_when_it_comes() -> None:
    course = Course().opened().with_fees().discharged()
    course.do(Settle)
    course.answer(bills=False)
    (bill,) = course.treatment.errands
    course.treatment.errands.clear()
    assert course.do(Undo, part="words") is None
    course.answer(bills=False)
    course.treatment.take_outcome(bill, course.insurer.answer(bill), course.now)
    (order,) = course.treatment.errands
    assert isinstance(order, BillOrder)
    assert order.work is BillWork.RED_LETTER


@pytest.mark.parametrize("actor", [OTHER, PATIENT])
def test_only_the_institution_itself_acts(actor: Actor) -> None:
    course = Course().opened()
    assert course.do(AddFees, actor=actor, part="p", lines=1, total=1) == "forbidden"


def test_a_year_after_a_settlement_nothing_is_undone_any_more() -> None:
    course = Course().settled()
    course.later(180)
    assert course.treatment.closed_at is not None
    assert course.do(Undo, part="words") == "matter_closed"


def leaving_while(kind: MatterKind = MatterKind.STAY) -> Course:
    """Fees are up, and the discharge (of a visit: more fees) is under way when he pays in full."""
    course = Course(start_of(kind)).opened().with_fees(100)
    if kind is MatterKind.STAY:
        assert course.do(Discharge, way="2", at=course.now, part="discharge") is None
    else:
        assert course.do(AddFees, part="fees:2", lines=1, total=50) is None
    assert course.do(PayInFull, part="words") is None
    return course


def test_nobody_pays_in_full_whose_discharge_is_refused() -> None:
    course = leaving_while()
    course.answer(ExchangeEnd.REFUSED, "declaration_incomplete")
    view = course.treatment.view()
    assert (view.status, view.discharged_at, view.leaving, course.treatment.errands) == (S.OPEN, None, False, [])
    assert course.do(PayInFull, part="words") == "not_discharged"
    assert course.do(Discharge, way="1", at=course.now, part="discharge:2") is None


def test_a_discharge_in_doubt_keeps_the_patient_for_half_a_minute_and_then_ends_behind_him() -> None:
    course = leaving_while()
    (sent,) = course.treatment.errands
    course.treatment.errands.clear()
    assert course.status == S.OPEN
    course.minute()
    assert course.status == S.SELF_PAID
    course.all_answered()
    assert (len(course.treatment.opens), course.treatment.closed_at) == (1, None), "the message is still under way"
    course.treatment.take_outcome(sent, course.insurer.answer(sent), course.now)
    assert course.treatment.closed_at is not None
    assert course.treatment.errands == []


def test_a_discharge_that_was_never_sent_is_sent_when_he_has_left() -> None:
    course = leaving_while()
    course.answer(ExchangeEnd.VOIDED, "line_down", bills=False)
    assert course.status == S.SELF_PAID
    bill, bed = course.treatment.errands
    assert isinstance(bill, BillOrder)
    assert isinstance(bed, Exchange)
    assert (bed.purpose, bed.infno, json.loads(bed.body)["dscg_way"]) == ("bed", "2402", "2")
    assert bed.purpose not in UNSENT_ENDS, "it is sent until it arrives"
    course.answer()
    assert (len(course.treatment.opens), course.treatment.closed_at) == (1, None)
    course.answer()
    assert course.treatment.closed_at is not None


def test_fees_in_doubt_are_paid_by_whoever_pays_in_full() -> None:
    course = leaving_while(MatterKind.VISIT)
    sent = course.treatment.errands.pop()
    course.minute()
    (bill,) = course.treatment.errands
    assert isinstance(bill, BillOrder)
    assert (bill.total, bill.parts) == (150, ("fees:1", "fees:2"))
    course.all_answered()
    course.treatment.take_outcome(sent, course.insurer.answer(sent, ExchangeEnd.REFUSED, "item_unknown"), course.now)
    assert (course.treatment.view().total, course.treatment.closed_at) == (150, course.now)


def test_a_bill_is_about_the_uploads_that_were_there_when_it_was_ordered() -> None:
    course = Course().opened().with_fees(100).with_fees(50, part="fees:2").discharged()
    course.do(Settle)
    course.answer(bills=False)
    (bill,) = course.treatment.errands
    assert isinstance(bill, BillOrder)
    assert (bill.total, bill.parts) == (150, ("fees:1", "fees:2"))


def test_the_trail_and_the_view_hold_codes_and_no_words() -> None:
    course = Course().settled()
    assert course.do(Undo, part="words:a") is None
    course.all_answered()
    assert course.do(PayInFull, part="words:b") is None
    events = course.treatment.batch(course.now).events
    assert [e.data["reason"] for e in events if e.data.get("reason")] == ["stated"] * 3  # undoing, leaving, left
    undoing = course.treatment.view().settlements[1]
    assert (undoing.reason, undoing.part) == ("stated", "words:a")
