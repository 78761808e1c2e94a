"""Every way through a stay or visit ends with money that adds up."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from activities.insurance import UNSENT_ENDS
from domain.medical import Exchange, ExchangeEnd, MatterKind
from domain.medical.treatment_words import (
    AddFees,
    Cancel,
    CancelFees,
    Discharge,
    PayInFull,
    Preview,
    Recheck,
    Settle,
    Undo,
)
from tests.medical.course import Course, S, start_of


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
