"""Two implementations of one page of formulas, sharing no code, come to the same fen on whatever claim is drawn."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from domain.settlement import document, read_claim, read_pack, settle
from provinces.insurance import compute
from tests.settlement.golden import CASES, PACKS, raw
from tests.settlement.random_bills import RANDOM, packs_with_claims

FIELDS = (
    "medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt", "act_pay_dedc",
    "hifp_pay", "hifob_pay", "hifmi_pay", "maf_pay", "fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay",
    "acct_mulaid_pay",
)  # fmt: skip


def theirs(pack: dict[str, Any], claim: dict[str, Any]) -> dict[str, str]:
    """What a platform computes."""
    sums = compute.Sums()
    for fee in claim["fees"]:
        over, share = fee.get("over_limit", "0.00"), fee.get("preselfpay", "0")
        sums += compute.split_line(fee["class"], Decimal(fee["amount"]), Decimal(over), Decimal(share))
    before = claim["year_to_date"]
    totals = (Decimal(before.get(n, "0.00")) for n in ("pool", "over_cap", "big_illness_base", "medical_aid"))
    person = compute.Person(
        claim["retiree"], claim["aid_class"] or "", Decimal(claim["account_balance"]),
        Decimal(claim.get("mutual_aid_balance", "0.00")),
    )  # fmt: skip
    r = compute.settle(
        pack, sums, claim["category"], claim["hospital_level"], person, compute.Year(0, *totals), claim["stay_of_year"]
    )
    values = (
        sums.total, sums.own, sums.over, sums.first, sums.scope, r.deductible, r.pool, r.over_cap, r.big_illness,
        r.aid, r.funds, r.person, r.account, r.cash, r.mutual,
    )  # fmt: skip
    return dict(zip(FIELDS, map(str, values), strict=True))


def ours(pack: dict[str, Any], claim: dict[str, Any]) -> dict[str, object]:
    told = document(settle(read_pack(raw(pack)), read_claim(raw(claim))))
    return {name: told[name] for name in FIELDS}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["claim"]["claim"])
def test_both_agree_on_the_golden_claims(case: dict[str, Any]) -> None:
    claim = case["claim"]
    mine = theirs(PACKS[claim["pack"]], claim)
    assert mine == ours(PACKS[claim["pack"]], claim)
    assert {name: mine[name] for name in case["expected"]} == case["expected"]


@RANDOM
@given(packs_with_claims())
def test_both_agree_on_any_claim_under_any_pack(drawn: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    pack, claims = drawn
    assert theirs(pack, claims[0]) == ours(pack, claims[0])


def test_the_platforms_packs_are_those_of_the_catalogue() -> None:
    root = Path(__file__).resolve().parents[2]
    for name in ("TEST-EMP", "TEST-RES"):
        mine = json.loads((root / "catalogue" / "policies" / f"{name}.json").read_text("utf-8"))
        assert json.loads((root / "provinces" / "insurance" / "packs" / f"{name}.json").read_text("utf-8")) == mine
    for file in (root / "provinces" / "insurance" / "packs").glob("*.json"):
        assert read_pack(file.read_bytes()).pack == file.stem
