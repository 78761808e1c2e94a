"""Where it is rounded, where a band begins, what happens at the cap, and in which order: one small case each."""

from __future__ import annotations

import pytest

from domain.settlement import Settlement, settle
from tests.settlement.golden import claim_of, in_scope, pack_of


def of(pack: dict[str, object], amount: str, name: str = "TEST-EMP", **claim: object) -> Settlement:
    return settle(pack_of(name, **pack), claim_of(name, in_scope(amount), **claim)).settlement


NO_DEDUCTIBLE: dict[str, object] = {"deductible": {"1": "0.00", "2": "0.00", "3": "0.00"}}


def test_preselfpay_is_rounded_line_by_line_not_on_their_sum() -> None:
    line = {"class": "B", "amount": "0.05", "over_limit": "0.00", "preselfpay": "0.10"}
    done = settle(pack_of("TEST-EMP"), claim_of("TEST-EMP", [line, line, line])).settlement
    assert (done.preselfpay_amt, done.inscp_scp_amt) == (3, 12)  # 1.5 fen at once would have been 2


def test_preselfpay_is_of_what_is_under_the_limit_price() -> None:
    line = {"class": "B", "amount": "100.00", "over_limit": "20.00", "preselfpay": "0.10"}
    done = settle(pack_of("TEST-EMP"), claim_of("TEST-EMP", [line])).settlement
    assert (done.overlmt_selfpay, done.preselfpay_amt, done.inscp_scp_amt) == (2000, 800, 7200)


def test_each_band_is_rounded_for_itself() -> None:
    bands = [{"up_to": "0.01", "ratio": {"1": "0.5", "2": "0.5", "3": "0.5"}}]
    bands += [{"up_to": "0.02", "ratio": {"1": "0.5", "2": "0.5", "3": "0.5"}}]
    bands += [{"up_to": None, "ratio": {"1": "0.5", "2": "0.5", "3": "0.5"}}]  # type: ignore[dict-item]
    assert of(NO_DEDUCTIBLE | {"bands": bands}, "0.03").hifp_pay == 3  # 1.5 fen at once would have been 2


def test_half_a_fen_goes_up_whether_the_fen_is_odd_or_even() -> None:
    bands = [{"up_to": None, "ratio": {"1": "0.5", "2": "0.5", "3": "0.5"}}]
    assert [of(NO_DEDUCTIBLE | {"bands": bands}, amount).hifp_pay for amount in ("0.01", "0.03", "0.05")] == [1, 2, 3]


def test_a_later_stay_has_a_rounded_deductible() -> None:
    pack: dict[str, object] = {"deductible": {"1": "0.01", "2": "0.01", "3": "800.05"}}
    assert of(pack, "1000.00", stay_of_year=2).act_pay_dedc == 40003
    assert of(pack, "1000.00", stay_of_year=7).act_pay_dedc == 40003
    assert of(pack, "1000.00", stay_of_year=1).act_pay_dedc == 80005


@pytest.mark.parametrize(
    ("scope", "paid"),
    [
        ("799.99", 0),
        ("800.00", 0),
        ("800.01", 1),
        ("50000.00", 44_280_00),
        ("50000.01", 44_280_01),
        ("50001.00", 44_280_93),
    ],
)
def test_the_deductible_lies_in_the_first_band_which_ends_at_its_end(scope: str, paid: int) -> None:
    assert of({}, scope).hifp_pay == paid


def test_a_deductible_larger_than_the_first_band_reaches_into_the_second() -> None:
    pack: dict[str, object] = {"bands__0__up_to": "500.00"}
    assert of(pack, "900.00").hifp_pay == 9300


def test_the_retiree_bonus_comes_before_a_multiplier_and_beside_points() -> None:
    times = {"mode": "multiplier", "long_term": "0.5"}
    assert of(NO_DEDUCTIBLE | {"reduction": times}, "100.00", retiree=True).hifp_pay == 46_00  # (0.90 + 0.02) x 0.5
    points = {"mode": "points", "long_term": "0.5"}
    assert of(NO_DEDUCTIBLE | {"reduction": points}, "100.00", retiree=True).hifp_pay == 42_00


def test_a_ratio_stays_between_nothing_and_all() -> None:
    gone = {"mode": "points", "long_term": "0.91"}
    assert of(NO_DEDUCTIBLE | {"reduction": gone}, "100.00").hifp_pay == 0
    assert of(NO_DEDUCTIBLE | {"reduction": gone}, "100.00", retiree=True).hifp_pay == 1_00  # bonus before the floor
    assert of(NO_DEDUCTIBLE | {"retiree_bonus": "0.20"}, "100.00", retiree=True).hifp_pay == 100_00
    above = {"retiree_bonus": "0.20", "reduction": {"mode": "points", "long_term": "0.15"}}
    assert of(NO_DEDUCTIBLE | above, "100.00", retiree=True).hifp_pay == 95_00  # held at 1 only at the end


YEAR = {"pool": "0.00", "big_illness_base": "0.00", "medical_aid": "0.00"}


@pytest.mark.parametrize(
    ("before", "pool", "over"),
    [
        ("299910.00", 90_00, 0),  # meets the cap exactly: nothing is over it
        ("299910.01", 89_99, 1),  # used up: round(89.99 / 0.9) = 99.99, 0.01 over, of which 0.009
        ("299955.00", 45_00, 45_00),
        ("299999.99", 1, 89_99),
        ("300000.00", 0, 90_00),
        ("300000.01", 0, 90_00),
        ("999999.00", 0, 90_00),
    ],
)
def test_at_the_cap_the_pool_pays_what_is_left_and_the_fund_above_takes_the_rest(
    before: str, pool: int, over: int
) -> None:
    done = of(NO_DEDUCTIBLE, "100.00", year_to_date=YEAR | {"pool": before})
    assert (done.hifp_pay, done.hifob_pay) == (pool, over)


def test_a_cap_that_is_met_at_the_end_of_a_band_leaves_the_later_bands_over_it() -> None:
    year = YEAR | {"pool": "255000.00"}  # the first band pays 45,000: just what is left
    done = of(NO_DEDUCTIBLE, "60000.00", year_to_date=year)
    assert (done.hifp_pay, done.hifob_pay) == (45_000_00, 9_000_00)


def test_without_a_fund_above_the_cap_the_rest_is_borne() -> None:
    done = of(NO_DEDUCTIBLE | {"over_cap": None}, "100.00", year_to_date=YEAR | {"pool": "300000.00"})
    assert (done.fund_pay_sumamt, done.psn_part_amt) == (0, 100_00)


def test_the_fund_above_the_cap_has_a_limit_for_the_year() -> None:
    full = YEAR | {"pool": "300000.00"}
    assert of({}, "900000.00", year_to_date=full).hifob_pay == 200_000_00
    assert of({}, "900000.00", year_to_date=full | {"over_cap": "199999.00"}).hifob_pay == 1_00
    assert of({}, "900000.00", year_to_date=full | {"over_cap": "200000.01"}).hifob_pay == 0


def test_a_band_that_pays_nothing_meets_no_cap() -> None:
    pack = NO_DEDUCTIBLE | {"bands__0__ratio__3": "0"}
    done = of(pack, "50001.00", year_to_date=YEAR | {"pool": "300000.00"})
    assert (done.hifp_pay, done.hifob_pay) == (0, 90)


def illness(base: str = "0.00", amount: str = "100.00", **more: object) -> Settlement:
    """Nothing from the pool: the claim itself is what is borne."""
    pack: dict[str, object] = {"reduction": {"mode": "points", "long_term": "1"}, **more.pop("pack", {})}  # type: ignore[dict-item]
    return of(pack, amount, "TEST-RES", year_to_date=YEAR | {"big_illness_base": base}, **more)


@pytest.mark.parametrize(
    ("base", "amount", "paid"),
    [
        ("0.00", "20000.00", 0),
        ("0.00", "20000.01", 1),
        ("19999.99", "0.01", 0),
        ("20000.00", "0.01", 1),
        ("99999.00", "1.00", 60),
        ("99999.00", "2.00", 130),
        ("100000.00", "1.00", 70),
        ("200000.00", "1.00", 80),
        ("0.00", "300000.00", 48_000_00 + 70_000_00 + 80_000_00),
    ],
)
def test_big_illness_insurance_pays_above_threshold_and_base_in_bands_from_nothing(
    base: str, amount: str, paid: int
) -> None:
    assert illness(base, amount).hifmi_pay == paid


def test_what_is_paid_first_counts_into_the_base_only_if_the_pack_says_so() -> None:
    fees = [{"class": "B", "amount": "100.00", "over_limit": "0.00", "preselfpay": "0.30"}]
    year = YEAR | {"big_illness_base": "20000.00"}
    reduction = {"mode": "points", "long_term": "1"}
    for says, paid, base in ((True, 60_00, 20_100_00), (False, 42_00, 20_070_00)):
        pack = pack_of("TEST-RES", reduction=reduction, big_illness__includes_preselfpay=says)
        done = settle(pack, claim_of("TEST-RES", fees, year_to_date=year)).settlement
        assert (done.hifmi_pay, done.year_to_date.big_illness_base) == (paid, base)


def test_who_has_medical_aid_has_a_lower_threshold_and_a_higher_ratio() -> None:
    no_aid: dict[str, object] = {"medical_aid": None}
    assert illness("10000.00", "1.00", pack=no_aid, aid_class="dibao").hifmi_pay == 65
    assert illness("10000.00", "1.00", pack=no_aid).hifmi_pay == 0
    lowered = no_aid | {"big_illness__threshold": "0.01"}  # half of a fen, rounded up
    assert illness("0.00", "0.01", pack=lowered, aid_class="dibao").hifmi_pay == 0
    bonus = no_aid | {"big_illness__aid_bonus": "0.50"}
    assert illness("10000.00", "1.00", pack=bonus, aid_class="dibao").hifmi_pay == 1_00


def test_medical_aid_pays_of_what_is_left_after_big_illness_insurance_and_up_to_its_limit() -> None:
    done = illness("10000.00", "100.00", aid_class="dibao")
    assert (done.hifmi_pay, done.maf_pay) == (65_00, 26_25)
    year = YEAR | {"big_illness_base": "10000.00", "medical_aid": "49990.00"}
    pack: dict[str, object] = {"reduction": {"mode": "points", "long_term": "1"}}
    assert of(pack, "100.00", "TEST-RES", aid_class="dibao", year_to_date=year).maf_pay == 10_00
    full = year | {"medical_aid": "50000.01"}
    assert of(pack, "100.00", "TEST-RES", aid_class="dibao", year_to_date=full).maf_pay == 0


def test_a_pack_without_big_illness_insurance_leaves_its_base_alone() -> None:
    assert of({}, "1000.00", year_to_date=YEAR | {"big_illness_base": "5.00"}).year_to_date.big_illness_base == 500


def test_the_own_account_pays_before_a_relatives_and_cash_comes_last() -> None:
    done = of({}, "800.00", account_balance="500.00", mutual_aid_balance="200.00")
    assert (done.acct_pay, done.acct_mulaid_pay, done.psn_cash_pay) == (500_00, 200_00, 100_00)
    done = of({}, "800.00", account_balance="500.00", mutual_aid_balance="900.00")
    assert (done.acct_pay, done.acct_mulaid_pay, done.psn_cash_pay) == (500_00, 300_00, 0)


def test_a_limit_price_is_per_unit_and_rounded() -> None:
    line = {"class": "A", "amount": "9.99", "quantity": "3", "price": "3.33", "limit_price": "2.50"}
    done = settle(pack_of("TEST-EMP"), claim_of("TEST-EMP", [line])).settlement
    assert (done.overlmt_selfpay, done.inscp_scp_amt) == (2_49, 7_50)
    half = {"class": "A", "amount": "10.00", "quantity": "0.5", "limit_price": "2.01"}
    assert settle(pack_of("TEST-EMP"), claim_of("TEST-EMP", [half])).settlement.inscp_scp_amt == 1_01
    cheap = {"class": "A", "amount": "10.00", "quantity": "4", "limit_price": "2.51"}
    assert settle(pack_of("TEST-EMP"), claim_of("TEST-EMP", [cheap])).settlement.overlmt_selfpay == 0


@pytest.mark.parametrize("fees", [[], in_scope("0.00"), [{"class": "C", "amount": "0.00"}]])
def test_a_bill_of_nothing_is_settled_with_nothing(fees: list[dict[str, str]]) -> None:
    done = settle(pack_of("TEST-RES"), claim_of("TEST-RES", fees, aid_class="dibao")).settlement
    assert set(done.amounts().values()) == {0}


def test_the_largest_amounts_are_exact() -> None:
    done = of(NO_DEDUCTIBLE | {"annual_cap": "99999999999999.99"}, "99999999999999.99")
    assert done.hifp_pay == 4_500_000 + (93 * (10**16 - 1 - 5_000_000) + 50) // 100


def test_the_account_may_pay_for_what_is_not_in_scope() -> None:
    claim = claim_of("TEST-EMP", [{"class": "C", "amount": "10.00"}], account_balance="4.00")
    done = settle(pack_of("TEST-EMP"), claim).settlement
    assert (done.acct_pay, done.psn_cash_pay) == (4_00, 6_00)


@pytest.mark.parametrize(("scope", "bands"), [("800.00", 0), ("50000.00", 1), ("50000.01", 2)])
def test_only_bands_that_are_reached_are_explained(scope: str, bands: int) -> None:
    assert len(settle(pack_of("TEST-EMP"), claim_of("TEST-EMP", in_scope(scope))).pool.bands) == bands
