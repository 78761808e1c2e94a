"""A stay or visit: what may be done when, and that every way through it ends with money that adds up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from activities.insurance import UNSENT_ENDS
from domain.medical import BillOrder, BillWork, Errand, Exchange, ExchangeEnd, ExchangeOutcome, MatterKind
from domain.medical.claim import StartClaim
from domain.medical.treatment import MOST_UPLOADS, Treatment
from domain.medical.treatment_words import (
    AddFees,
    AnyTreatmentAct,
    Cancel,
    CancelFees,
    Discharge,
    PayInFull,
    Preview,
    Recheck,
    Settle,
    StartTreatment,
    TreatmentStatus,
    TreatmentTimes,
    Undo,
)
from domain.messages import Actor, Role

S = TreatmentStatus
START = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
NURSE = Actor(subject="h1", role=Role.INSTITUTION, region="310104", department="H31010400001")
OTHER = NURSE.model_copy(update={"department": "H31010400002"})
PATIENT = Actor(subject="c1", role=Role.CITIZEN)


def start_of(kind: MatterKind = MatterKind.STAY, **more: Any) -> StartTreatment:
    facts: dict[str, Any] = {
        "no": "3101042026100800000000000001",
        "kind": kind,
        "place": "310104",
        "insured": "340500",
        "insutype": "390",
        "med_type": "21" if kind is MatterKind.STAY else "11",
        "institution": "H31010400001",
        "institution_name": "示例医院",
        "times": TreatmentTimes(unsettled_days=15, reversal_days=180),
        "opened_by": NURSE,
    }
    return StartTreatment.model_validate(facts | more)


class Insurer:
    """The other side, as far as the course can see it: answers, refuses, or leaves in doubt until it is voided."""

    def __init__(self) -> None:
        self.visits = 0
        self.standing: dict[str, dict[str, int]] = {}
        self.count = 0

    def answer(self, errand: Errand, end: ExchangeEnd = ExchangeEnd.DONE, code: str = "x") -> ExchangeOutcome:
        if end is not ExchangeEnd.DONE:
            return ExchangeOutcome(end=end, code=code, text=code)
        return ExchangeOutcome(
            end=end, body=json.dumps(self._bill(errand) if isinstance(errand, BillOrder) else self._said(errand))
        )

    def _bill(self, order: BillOrder) -> dict[str, object]:
        self.count += 1
        return {"code": "31060126", "number": f"{self.count:010d}"}

    def _said(self, sent: Exchange) -> dict[str, object]:
        body = json.loads(sent.body)
        match sent.purpose:
            case "person":
                return {"psn_no": "P1", "insuinfo": [{"insutype": "390", "balc": "10.00"}]}
            case "entitled":
                return {"psn_no": "P1", "trt_chk_rslt": "1", "category": "referral", "trt_dcla_detl_sn": "F1"}
            case "open":
                self.visits += 1
                return {"psn_no": "P1", "mdtrt_id": f"M{self.visits}"}
            case "settle" | "preview":
                self.count += 1
                total = body["medfee_sumamt"]
                info = {"medfee_sumamt": total, "inscp_scp_amt": total, "psn_part_amt": total, "psn_cash_pay": total}
                if sent.purpose == "settle":
                    info["setl_id"] = f"S{self.count}"
                    self.standing[info["setl_id"]] = {"total": round(float(total) * 100)}
                return {"setlinfo": info}
            case "undo":
                self.count += 1
                gone = self.standing.pop(body["setl_id"])
                total = f"-{gone['total'] // 100}.{gone['total'] % 100:02d}"
                return {
                    "setlinfo": {
                        "setl_id": f"S{self.count}", "orig_setl_id": body["setl_id"], "medfee_sumamt": total,
                        "inscp_scp_amt": total, "psn_part_amt": total, "psn_cash_pay": total,
                    }
                }  # fmt: skip
        return {"psn_no": "P1"}


class Course:
    """A treatment with its other side."""

    def __init__(self, start: StartTreatment | None = None) -> None:
        self.now = START
        self.insurer = Insurer()
        self.treatment = Treatment(start or start_of(), self.now)
        self.treatment.begin(self.now)
        self.acts = 0

    def do(self, kind: type[Any], actor: Actor = NURSE, **facts: Any) -> str | None:
        self.acts += 1
        act: AnyTreatmentAct = kind(id=f"a{self.acts}", actor=actor, **facts)
        refused = self.treatment.check(act)
        if refused is None:
            self.treatment.carry_out(act, self.now)
        return refused

    def answer(self, end: ExchangeEnd = ExchangeEnd.DONE, code: str = "x", *, bills: bool = True) -> Errand:
        errand = self.treatment.errands.pop(0)
        self.treatment.take_outcome(errand, self.insurer.answer(errand, end, code), self.now)
        if bills:
            while self.treatment.errands and isinstance(self.treatment.errands[0], BillOrder):
                bill = self.treatment.errands.pop(0)
                self.treatment.take_outcome(bill, self.insurer.answer(bill), self.now)
        return errand

    def all_answered(self) -> None:
        while self.treatment.errands:
            self.answer()

    def later(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.treatment.take_time(self.now)

    def minute(self) -> None:
        self.now += timedelta(minutes=1)
        self.treatment.take_time(self.now)

    @property
    def status(self) -> str:
        return self.treatment.status

    def opened(self) -> Course:
        self.all_answered()
        assert self.status == S.OPEN
        return self

    def with_fees(self, total: int = 3200000, part: str = "fees:1") -> Course:
        assert self.do(AddFees, part=part, lines=2, total=total) is None
        self.all_answered()
        return self

    def discharged(self, way: str = "1") -> Course:
        assert self.do(Discharge, way=way, at=self.now, part="discharge") is None
        self.all_answered()
        return self

    def settled(self) -> Course:
        self.opened().with_fees().discharged()
        assert self.do(Settle) is None
        self.all_answered()
        assert self.status == S.SETTLED
        return self


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


class AnyWay(RuleBasedStateMachine):
    """Random acts, answers and days. Bills come whenever they like."""

    kind: MatterKind = MatterKind.STAY

    def __init__(self) -> None:
        super().__init__()
        self.course = Course(start_of(self.kind))
        self.parts = 0

    @property
    def open(self) -> bool:
        return self.course.treatment.closed_at is None

    @precondition(lambda self: bool(self.course.treatment.errands))
    @rule(end=st.sampled_from([ExchangeEnd.DONE] * 3 + [ExchangeEnd.REFUSED, ExchangeEnd.VOIDED]),
          code=st.sampled_from(["x", "not_entitled", "line_down"]))  # fmt: skip
    def answer(self, end: ExchangeEnd, code: str) -> None:
        errand = self.course.treatment.errands[0]
        voidable = isinstance(errand, Exchange) and errand.purpose in UNSENT_ENDS
        if end is ExchangeEnd.VOIDED and not voidable:
            end = ExchangeEnd.REFUSED
        self.course.answer(end, code, bills=False)

    @rule(total=st.integers(1, 10_000_00))
    def fees(self, total: int) -> None:
        self.parts += 1
        self.course.do(AddFees, part=f"fees:{self.parts}", lines=1, total=total)

    @rule()
    def cancel_fees(self) -> None:
        self.course.do(CancelFees)

    @rule(way=st.sampled_from(["1", "5"]))
    def discharge(self, way: str) -> None:
        self.course.do(Discharge, way=way, at=self.course.now, part="discharge")

    @rule(act=st.sampled_from([Preview, Settle, Cancel, Recheck]))
    def act(self, act: type[Any]) -> None:
        self.course.do(act)

    @rule()
    def undo(self) -> None:
        self.course.do(Undo, part="words")

    @rule()
    def pay(self) -> None:
        self.course.do(PayInFull, part="words")

    @rule(days=st.integers(1, 200))
    def days_go_by(self, days: int) -> None:
        self.course.later(days)

    @rule()
    def a_minute_goes_by(self) -> None:
        self.course.minute()

    @invariant()
    def at_most_one_settlement_stands_and_both_sides_agree(self) -> None:
        view = self.course.treatment.view()
        standing = [s.setl_id for s in view.settlements if not s.undoes and not s.undone_by]
        assert standing == list(self.course.insurer.standing)
        assert len(standing) <= 1

    @invariant()
    def it_is_settled_exactly_where_a_settlement_stands(self) -> None:
        settled = self.course.status == S.SETTLED
        assert settled == bool(self.course.insurer.standing)

    @invariant()
    def at_most_one_message_is_under_way(self) -> None:
        treatment = self.course.treatment
        assert sum(isinstance(e, Exchange) for e in treatment.errands) == (1 if treatment.view().running else 0)

    @invariant()
    def nobody_is_forgotten(self) -> None:
        treatment = self.course.treatment
        assert treatment.closed_at is not None or treatment.waiting()

    @invariant()
    def paid_in_full_and_settled_exclude_each_other(self) -> None:
        if self.course.status == S.SELF_PAID:
            assert not self.course.insurer.standing

    @invariant()
    def nobody_pays_in_full_who_was_not_discharged(self) -> None:
        view = self.course.treatment.view()
        if self.kind is MatterKind.STAY and view.status is S.SELF_PAID and view.total:
            assert view.discharged_at is not None

    @invariant()
    def what_is_charged_no_longer_changes_once_it_is_paid(self) -> None:
        view = self.course.treatment.view()
        if view.status is S.SELF_PAID:
            self.paid = getattr(self, "paid", view.total)
            assert view.total == self.paid

    @invariant()
    def what_has_no_end_yet_has_a_day_on_which_it_ends(self) -> None:
        treatment, view = self.course.treatment, self.course.treatment.view()
        if treatment.closed_at is None and self.kind is MatterKind.VISIT and not treatment.errands:
            assert treatment.limits(), view

    def teardown(self) -> None:
        treatment = self.course.treatment
        while treatment.errands:
            self.course.answer(bills=False)
        if treatment.view().leaving:
            assert treatment.status == S.SELF_PAID, treatment.view()
            assert len(treatment.opens) == (1 if treatment.view().total else 0)
            state, stay = treatment.state, self.kind is MatterKind.STAY
            assert treatment.closed_at is not None
            assert not (stay and state.view.visit) or state.left or state.bed_refused, "a bed is still taken"


AnyWay.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestAnyWay = AnyWay.TestCase


class AnyVisit(AnyWay):
    """The same of a visit, which has no discharge."""

    kind = MatterKind.VISIT


AnyVisit.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestAnyVisit = AnyVisit.TestCase
