"""2305 of G1 (domain note 3.7): every field negated, the totals of the year restored, and only once."""

from __future__ import annotations

import pytest

from domain.settlement import SettlementRefused, YearTotals, read_claim, reverse, settle
from tests.settlement.golden import CASES, pack_of, raw

G1 = settle(pack_of("TEST-EMP"), read_claim(raw(CASES[0]["claim"]))).settlement


def test_every_field_is_negated_and_the_year_is_as_before() -> None:
    undone = reverse(G1)
    assert undone.reversal
    assert (undone.claim, undone.pack, undone.version) == ("G1", "TEST-EMP", "2026.1")
    assert {field: -fen for field, fen in G1.amounts().items()} == undone.amounts()
    assert undone.hifp_pay == -24_660_00
    assert undone.year_to_date == YearTotals()


def test_with_claims_settled_since_only_its_own_part_is_taken_out() -> None:
    since = YearTotals(pool=G1.hifp_pay + 500, over_cap=7)
    assert reverse(G1, since).year_to_date == YearTotals(pool=500, over_cap=7)


def test_a_reversal_is_not_reversed() -> None:
    with pytest.raises(SettlementRefused) as refused:
        reverse(reverse(G1))
    assert [fault.code for fault in refused.value.faults] == ["already_reversed"]


def test_what_the_year_does_not_hold_cannot_be_taken_out_of_it() -> None:
    with pytest.raises(SettlementRefused) as refused:
        reverse(G1, YearTotals(pool=G1.hifp_pay - 1))
    assert [(fault.code, fault.where) for fault in refused.value.faults] == [("not_counted", "/pool")]


def test_the_books_may_name_the_year_in_the_place_of_the_claim() -> None:
    year = YearTotals(pool=299_999_00)
    done = settle(pack_of("TEST-EMP"), read_claim(raw(CASES[0]["claim"])), year).settlement
    assert done.year_to_date.pool == 300_000_00
