"""What the rules say to an application, and which filing covers a treatment (domain note 3.1, 3.2)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.medical import filing_book
from domain.medical.filing_decision import (
    Care,
    KnownFiling,
    Outcome,
    Said,
    decide_filing,
    filing_in_force,
)
from domain.medical.filing_rules import Benefit, Category, pool_of
from domain.messages import Acting
from tests.filing.people import AWAY, HOME, TODAY, ask, known, promised

RULES = filing_book().rules(HOME)
LONG = [category for category in Category if category.long_term]
SHORT = [Category.TMP_REFERRAL, Category.TMP_OTHER]


def codes(*args: object, **kwargs: object) -> tuple[str, ...]:
    return decide_filing(RULES, *args, **kwargs).codes  # type: ignore[arg-type]


@pytest.mark.parametrize("category", [Category.LT_RETIRED, Category.LT_RESIDENT, *SHORT])
def test_a_complete_application_is_granted_at_once_with_the_rule_trace(category: Category) -> None:
    decision = decide_filing(RULES, ask(category), (), TODAY)
    assert decision.outcome is Outcome.APPROVED
    assert decision.first == TODAY
    assert decision.last == (None if category.long_term else date(2027, 5, 25))
    assert {line.rule for line in decision.trace} >= {"another_province", "overlap", "material:identity"}
    assert all(line.text.zh and line.text.en and line.basis.zh and line.tag for line in decision.trace)


def test_a_temporary_filing_holds_six_months_at_least_however_short_they_are() -> None:
    decision = decide_filing(RULES, ask(Category.TMP_OTHER), (), date(2026, 8, 31))
    assert decision.last == date(2027, 2, 28)


def test_what_a_place_wants_looked_at_goes_to_a_person() -> None:
    assert decide_filing(RULES, ask(Category.LT_WORK), (), TODAY).outcome is Outcome.REVIEW
    elsewhere = filing_book().rules("340100")
    assert decide_filing(elsewhere, ask(Category.LT_WORK), (), TODAY).outcome is Outcome.APPROVED


@pytest.mark.parametrize("missing", ["identity", "filing_form", "residence_proof"])
def test_each_paper_is_wanted(missing: str) -> None:
    papers = tuple(p for p in ("identity", "filing_form", "residence_proof") if p != missing)
    assert codes(ask(materials=papers), (), TODAY) == ("material_missing",)


def test_a_commitment_stands_in_for_the_proof_of_residence_and_for_nothing_else() -> None:
    decision = decide_filing(RULES, promised(), (), TODAY)
    assert (decision.outcome, decision.by_commitment) == (Outcome.APPROVED, True)
    core = ask(materials=("filing_form", "residence_proof"), committed=("identity",))
    assert codes(core, (), TODAY) == ("material_core",)


def test_who_has_not_kept_a_commitment_hands_in_the_paper_next_time() -> None:
    broken = known(last=date(2026, 3, 1), missed_proof=date(2026, 2, 1))
    assert codes(promised(), (broken,), TODAY) == ("commitment_restricted",)
    assert codes(ask(), (broken,), TODAY) == ()
    assert codes(promised(), (broken,), date(2027, 2, 1)) == ("commitment_restricted",)
    assert codes(promised(), (broken,), date(2027, 2, 2)) == (), "the restriction is over after its term"


def test_an_emergency_never_needs_a_filing() -> None:
    assert decide_filing(RULES, ask(Category.TMP_EMERGENCY), (), TODAY).outcome is Outcome.NOT_NEEDED


def test_an_accepted_referral_is_the_certificate() -> None:
    request = ask(Category.TMP_REFERRAL, materials=("identity", "filing_form"))
    assert codes(request, (), TODAY) == ("material_missing",)
    assert codes(request.model_copy(update={"referral": "R1"}), (), TODAY) == ()


def test_in_hospital_one_may_still_file_until_the_settlement_at_discharge() -> None:
    admitted = TODAY - timedelta(days=9)
    decision = decide_filing(RULES, ask(Category.TMP_OTHER, admitted=admitted), (), TODAY)
    assert (decision.outcome, decision.first) == (Outcome.APPROVED, admitted)
    left = ask(Category.TMP_OTHER, admitted=admitted, discharged=True)
    assert codes(left, (), TODAY) == ("filing_after_discharge",)
    closed = RULES.model_copy(update={"late_until_discharge": RULES.late_until_discharge.model_copy(update={"on": 0})})
    late = decide_filing(closed, ask(Category.TMP_OTHER, admitted=admitted), (), TODAY)
    assert late.codes == ("filing_late",)


@pytest.mark.parametrize(("shift", "good"), [(-1, False), (0, True), (90, True), (91, False)])
def test_the_first_day_is_today_or_not_too_far_ahead(shift: int, good: bool) -> None:
    request = ask(Category.TMP_OTHER, first=TODAY + timedelta(days=shift))
    assert codes(request, (), TODAY) == (() if good else ("filing_day",))


def test_at_home_there_is_nothing_to_file() -> None:
    assert codes(ask(destination="340100"), (), TODAY) == ("filing_same_province",)


def test_a_child_below_fourteen_needs_the_guardian() -> None:
    assert codes(ask(age=13), (), TODAY) == ("guardian_required",)
    assert codes(ask(age=13, basis=Acting.MANDATE), (), TODAY) == ("guardian_required",)
    assert codes(ask(age=13, basis=Acting.GUARDIAN), (), TODAY) == ()
    assert codes(ask(age=14), (), TODAY) == ()


# overlap


@pytest.mark.parametrize("category", LONG)
def test_there_is_at_most_one_long_term_filing(category: Category) -> None:
    assert codes(ask(category, "320100"), (known(),), TODAY) == ("filing_overlap",)
    over = known(last=TODAY - timedelta(days=1))
    assert codes(ask(category, "320100"), (over,), TODAY) == ()


@pytest.mark.parametrize("category", SHORT)
def test_a_temporary_one_runs_beside_a_long_term_one_to_another_place_only(category: Category) -> None:
    assert codes(ask(category, "320100"), (known(),), TODAY) == ()
    assert codes(ask(category, "310101"), (known(),), TODAY) == ("filing_overlap",), "Shanghai is one pool"
    assert codes(ask(category, "320100"), (known(category, "320100"),), TODAY) == ("filing_overlap",)


def test_a_change_does_not_clash_with_what_it_changes_but_waits_for_the_interval() -> None:
    old = known(first=TODAY - timedelta(days=100))
    request = ask(Category.LT_RESIDENT, "320100", replaces=old.no)
    assert codes(request, (old,), TODAY) == ("filing_interval",)
    assert codes(request, (old,), date(2027, 2, 17)) == ()
    quicker = filing_book().rules("330100")
    assert decide_filing(quicker, request, (old,), TODAY).codes == ()


# what covers a treatment


def care(**changes: object) -> Care:
    content: dict[str, object] = {"insured": HOME, "destination": AWAY, "med_type": "21", "day": TODAY}
    return Care.model_validate(content | changes)


def covered(existing: list[KnownFiling], **changes: object) -> tuple[Benefit | None, str]:
    found = filing_in_force(RULES, existing, care(**changes))
    return found.category, found.why


def test_without_a_filing_there_is_no_direct_settlement_but_in_an_emergency() -> None:
    assert covered([]) == (None, "not_filed")
    assert covered([], emergency=True) == (Benefit.EMERGENCY, "emergency")


@pytest.mark.parametrize(
    ("category", "benefit"),
    [
        (Category.LT_WORK, Benefit.LONG_TERM),
        (Category.TMP_REFERRAL, Benefit.REFERRAL),
        (Category.TMP_OTHER, Benefit.OTHER),
    ],
)
def test_a_filing_covers_its_pooling_area_on_its_days(category: Category, benefit: Benefit) -> None:
    filing = known(category, "310101")
    assert covered([filing]) == (benefit, "filing"), "any institution of the pool"
    assert covered([filing], destination="320100") == (None, "not_filed")
    assert covered([filing], day=filing.first - timedelta(days=1)) == (None, "not_filed")
    assert covered([filing.model_copy(update={"registered": False})]) == (None, "not_filed")


def test_the_best_of_what_applies_is_taken() -> None:
    other, referral = known(Category.TMP_OTHER), known(Category.TMP_REFERRAL)
    assert covered([other, referral]) == (Benefit.REFERRAL, "filing")
    assert covered([other], emergency=True) == (Benefit.EMERGENCY, "emergency")
    assert covered([known()], emergency=True) == (Benefit.LONG_TERM, "filing")


def test_who_is_filed_for_long_is_treated_at_home_as_by_referral() -> None:
    assert covered([known()], destination="340503") == (Benefit.REFERRAL, "two_way")
    assert covered([known(Category.TMP_OTHER)], destination="340503") == (None, "same_province")


def test_in_the_demonstration_zone_outpatient_care_needs_no_filing() -> None:
    rules = filing_book().rules("320509")

    def at(insured: str, destination: str, med_type: str) -> Benefit | None:
        return filing_in_force(rules, (), care(insured=insured, destination=destination, med_type=med_type)).category

    assert at("320509", "310118", "11") is Benefit.LONG_TERM
    assert at("320509", "330421", "14") is Benefit.LONG_TERM
    assert at("320509", "310118", "21") is None, "outpatient and emergency only"
    assert at("320509", "310104", "11") is None, "the zone only"
    assert at("320500", "310118", "11") is None, "people of the zone only"
    note = decide_filing(rules, ask(insured="320509", destination="310118"), (), TODAY)
    assert note.outcome is Outcome.APPROVED
    assert [x.said for x in note.trace if x.rule == "waiver:demonstration_zone"] == [Said.NOT_CONCERNED]


def test_where_the_insured_place_waives_it_nobody_files() -> None:
    waived = RULES.model_copy(update={"required": RULES.required.model_copy(update={"on": False})})
    assert decide_filing(waived, ask(), (), TODAY).outcome is Outcome.NOT_NEEDED
    assert filing_in_force(waived, (), care()).why == "not_required"


@settings(max_examples=300, deadline=None)
@given(
    asked=st.lists(
        st.tuples(
            st.sampled_from([c for c in Category if c is not Category.TMP_EMERGENCY]),
            st.sampled_from(["310101", "310118", "320100", "320509", "330421"]),
            st.integers(0, 700),
            st.integers(0, 80),
            st.integers(0, 400),
        ),
        max_size=12,
    )
)
def test_whatever_is_asked_for_the_days_of_what_was_granted_obey_the_overlap_rules(
    asked: list[tuple[Category, str, int, int, int]],
) -> None:
    granted: list[KnownFiling] = []
    for category, place, on, ahead, ended_after in sorted(asked, key=lambda item: item[2]):
        today = TODAY + timedelta(days=on)
        request = ask(category, place, first=today + timedelta(days=ahead))
        decision = decide_filing(RULES, request, granted, today)
        if decision.outcome is Outcome.REFUSED:
            assert decision.codes == ("filing_overlap",)
            continue
        end = decision.first + timedelta(days=ended_after)
        last = min(decision.last, end) if decision.last else (end if ended_after < 300 else None)
        granted.append(known(category, place, first=decision.first, last=last))
    for one in granted:
        for other in granted:
            if one is other or not one.meets(other.first, other.last):
                continue
            same = pool_of(one.destination) == pool_of(other.destination)
            assert not (one.category.long_term and other.category.long_term)
            assert not (same and (one.category.long_term or one.category is other.category))


def test_rules_of_every_place_are_whole_and_tagged() -> None:
    for place in ("310000", "320100", "320600", "330400", "340500", *filing_book().places):
        rules = filing_book().rules(place)
        for category, rule in rules.categories.items():
            assert set(rule.materials) <= set(rules.materials)
            assert rule.validity is None or rule.validity.months >= 6 or rule.validity.tag == "DESIGN"
            assert category.long_term == (rule.benefit is Benefit.LONG_TERM)
        assert rules.interval.months <= 6
    assert filing_book().rules("310118").insured == "310000"
