"""The golden cases to the fen, and the cases of domain note 3.7 that the golden file leaves out (G3m, G5b, G7)."""

from __future__ import annotations

import pytest

from domain.settlement import read_claim, read_pack
from tests.settlement.golden import CASES, PACKS, claim_of, in_scope, pack_of, raw, settled


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["claim"]["claim"])
def test_every_golden_case_comes_out_to_the_fen(case: dict[str, dict[str, str]]) -> None:
    pack = read_pack(raw(PACKS[case["claim"]["pack"]]))
    answer = settled(pack, read_claim(raw(case["claim"])))
    assert {field: answer[field] for field in case["expected"]} == case["expected"]


def test_every_case_of_the_golden_file_is_used() -> None:
    assert [case["claim"]["claim"] for case in CASES] == ["G1", "G2", "G3", "G4", "G5", "G6", "G8", "G9", "G10"]


def test_g3m_a_multiplier_is_not_a_subtraction() -> None:
    claim = next(case["claim"] for case in CASES if case["claim"]["claim"] == "G2")
    other = {"mode": "multiplier", "long_term": "1", "referral": "0.90", "emergency": "0.90", "other": "0.80"}
    answer = settled(pack_of("TEST-EMP", reduction=other), read_claim(raw(claim)))
    assert (answer["hifp_pay"], answer["psn_part_amt"], answer["psn_cash_pay"]) == ("22194.00", "9806.00", "6806.00")


def test_g5b_what_big_illness_insurance_has_paid_is_not_paid_again() -> None:
    year = {"pool": "71100.00", "big_illness_base": "96900.00", "medical_aid": "0.00"}
    claim = claim_of("TEST-RES", in_scope("40000.00"), category="other", stay_of_year=2, year_to_date=year)
    answer = settled(pack_of("TEST-RES"), claim)
    assert (answer["act_pay_dedc"], answer["hifp_pay"], answer["hifmi_pay"]) == ("500.00", "17775.00", "15247.50")
    assert (answer["fund_pay_sumamt"], answer["psn_part_amt"]) == ("33022.50", "6977.50")
    assert answer["year_to_date"] == {
        "pool": "88875.00",
        "over_cap": "0.00",
        "big_illness_base": "119125.00",
        "medical_aid": "0.00",
    }


def test_g7_the_band_that_crosses_the_cap_pays_what_is_left_and_the_rest_goes_over() -> None:
    year = {"pool": "285000.00", "big_illness_base": "0.00", "medical_aid": "0.00"}
    claim = claim_of("TEST-EMP", in_scope("100000.00"), stay_of_year=2, year_to_date=year)
    answer = settled(pack_of("TEST-EMP"), claim)
    assert (answer["hifp_pay"], answer["hifob_pay"]) == ("15000.00", "74640.00")
    assert (answer["fund_pay_sumamt"], answer["psn_part_amt"]) == ("89640.00", "10360.00")
