"""What holds for every pack and every claim (domain note 3.6), on random ones.

TONGBAN_SETTLEMENT_EXAMPLES says on how many.
"""

from __future__ import annotations

import copy
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.settlement import AMOUNTS, Settlement, YearTotals, read_claim, read_pack, reverse, settle
from tests.settlement.golden import raw, settled
from tests.settlement.oracle import expected
from tests.settlement.random_bills import CATEGORIES, RANDOM, amounts, packs_with_claims
from tests.settlement.recomputed import recomputed, resolve

Drawn = tuple[dict[str, Any], list[dict[str, Any]]]
OWN = ("act_pay_dedc",)  # says how much of the personal part is the deductible; is in no sum


@RANDOM
@given(packs_with_claims())
def test_the_engine_pays_what_the_formulas_say(drawn: Drawn) -> None:
    pack, (claim,) = drawn
    answer = settled(read_pack(raw(pack)), read_claim(raw(claim)))
    assert {field: answer[field] for field in AMOUNTS} == expected(pack, claim)


@RANDOM
@given(packs_with_claims())
def test_the_parts_sum_to_the_bill_and_none_is_negative(drawn: Drawn) -> None:
    pack, (claim,) = drawn
    done = settle(read_pack(raw(pack)), read_claim(raw(claim))).settlement
    assert done.medfee_sumamt == sum(int(fee["amount"].replace(".", "")) for fee in claim["fees"])
    parts = (done.fulamt_ownpay_amt, done.overlmt_selfpay, done.preselfpay_amt, done.inscp_scp_amt)
    assert done.medfee_sumamt == sum(parts) == done.fund_pay_sumamt + done.psn_part_amt
    assert done.fund_pay_sumamt == done.hifp_pay + done.hifob_pay + done.hifmi_pay + done.maf_pay
    assert done.psn_part_amt == done.acct_pay + done.acct_mulaid_pay + done.psn_cash_pay
    assert min(done.amounts().values()) >= 0
    assert min(done.counted.amounts().values()) >= 0
    assert done.act_pay_dedc + done.hifp_pay + done.hifob_pay <= done.inscp_scp_amt


@RANDOM
@given(packs_with_claims())
def test_a_result_can_be_recomputed_from_its_explanation_alone(drawn: Drawn) -> None:
    pack, (claim,) = drawn
    answer: Any = settled(read_pack(raw(pack)), read_claim(raw(claim)))
    sums = recomputed(answer["explanation"])
    assert {field: sums.get(field, Fraction(0)) for field in AMOUNTS} == {f: Fraction(answer[f]) for f in AMOUNTS}
    for name, total in answer["year_to_date"].items():
        assert sums[f"year_to_date.{name}"] == Fraction(total)
    for line in answer["explanation"]:
        for place in (line["path"], *line["also"]):
            resolve(pack, place)
        resolve(claim, line["claim_path"])


@RANDOM
@given(packs_with_claims())
def test_a_larger_reduction_never_gets_more_from_the_funds(drawn: Drawn) -> None:
    pack, (claim,) = drawn
    paid = []
    for category in CATEGORIES:
        done = settle(read_pack(raw(pack)), read_claim(raw(claim | {"category": category}))).settlement
        value = Fraction(pack["reduction"][category])
        harshness = value if pack["reduction"]["mode"] == "points" else -value
        paid.append((harshness, done.fund_pay_sumamt, done.hifp_pay))
    for (less, milder, milder_pool), (more, harsher, harsher_pool) in pairwise(sorted(paid, key=lambda row: row[0])):
        assert milder >= harsher
        assert milder_pool >= harsher_pool
        assert less < more or milder == harsher


@RANDOM
@given(packs_with_claims(), st.sampled_from([1, 2, 5, 99, 12_345, 10_000_000]))
def test_a_larger_amount_in_scope_never_gets_less(drawn: Drawn, more: int) -> None:
    pack, (claim,) = drawn
    larger = copy.deepcopy(claim)
    larger["fees"].append({"class": "A", "amount": f"{more // 100}.{more % 100:02}", "over_limit": "0.00"})
    rules = read_pack(raw(pack))
    one, other = (settle(rules, read_claim(raw(each))).settlement for each in (claim, larger))
    assert other.inscp_scp_amt == one.inscp_scp_amt + more
    for field in ("hifp_pay", "hifob_pay", "fund_pay_sumamt", "act_pay_dedc"):
        assert getattr(other, field) >= getattr(one, field), field


def _fen(limit: str) -> int:
    return int(limit.replace(".", ""))


def _year(pack: dict[str, Any], claims: list[dict[str, Any]]) -> tuple[YearTotals, list[Settlement]]:
    """A year in sequence, from nothing: the totals that each claim leaves are those that the next one names."""
    rules, done = read_pack(raw(pack)), []
    year = YearTotals()
    for number, claim in enumerate(claims, 1):
        totals = {name: f"{fen // 100}.{fen % 100:02}" for name, fen in year.amounts().items()}
        settlement = settle(rules, read_claim(raw(claim | {"stay_of_year": number, "year_to_date": totals}))).settlement
        year = settlement.year_to_date
        done.append(settlement)
    return year, done


@RANDOM
@given(packs_with_claims(count=4))
def test_caps_hold_over_a_whole_year_of_claims_in_sequence(drawn: Drawn) -> None:
    pack, claims = drawn
    year, done = _year(pack, claims)
    assert year.pool == sum(each.hifp_pay for each in done) <= _fen(pack["annual_cap"])
    assert year.over_cap == sum(each.hifob_pay for each in done)
    assert year.over_cap <= (_fen(pack["over_cap"]["limit"]) if pack["over_cap"] else 0)
    assert year.medical_aid == sum(each.maf_pay for each in done)
    assert year.medical_aid <= (_fen(pack["medical_aid"]["limit"]) if pack["medical_aid"] else 0)


@RANDOM
@given(packs_with_claims(count=4))
def test_a_year_in_parts_gets_from_big_illness_insurance_what_it_would_get_at_once(drawn: Drawn) -> None:
    pack, claims = drawn
    claims = [claim | {"aid_class": None} for claim in claims]
    year, done = _year(pack, claims)
    if pack["big_illness"] is None:
        assert sum(each.hifmi_pay for each in done) == year.big_illness_base == 0
        return
    whole, floor = Fraction(0), _fen(pack["big_illness"]["threshold"])
    for band in pack["big_illness"]["bands"]:
        top = year.big_illness_base if band["up_to"] is None else min(year.big_illness_base, _fen(band["up_to"]))
        whole += max(0, top - floor) * Fraction(band["ratio"])
        floor = max(floor, top)
    rounded = len(done) * len(pack["big_illness"]["bands"])  # each band of each claim, by half a fen
    assert abs(sum(each.hifmi_pay for each in done) - whole) <= Fraction(rounded, 2)


@RANDOM
@given(packs_with_claims(count=3), st.permutations([0, 1, 2]))
def test_a_reversal_negates_and_restores_the_year(drawn: Drawn, order: list[int]) -> None:
    pack, claims = drawn
    year, done = _year(pack, claims)
    before = YearTotals() if len(done) == 1 else done[-2].year_to_date
    assert reverse(done[-1]).year_to_date == before
    for i in order:
        undone = reverse(done[i], year)
        assert all(undone.amounts()[field] + fen == 0 for field, fen in done[i].amounts().items())
        assert undone.counted == done[i].counted.negated()
        year = undone.year_to_date
    assert year == YearTotals()


@RANDOM
@given(packs_with_claims(), amounts(10**7))
def test_accounts_pay_what_they_hold_and_no_more_than_is_due(drawn: Drawn, balance: str) -> None:
    pack, (claim,) = drawn
    done = settle(read_pack(raw(pack)), read_claim(raw(claim | {"account_balance": balance}))).settlement
    assert done.acct_pay == min(done.psn_part_amt, _fen(balance))
    assert done.acct_mulaid_pay == min(done.psn_part_amt - done.acct_pay, _fen(claim["mutual_aid_balance"]))
    assert done.psn_cash_pay == 0 or done.acct_pay == _fen(balance)
