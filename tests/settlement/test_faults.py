"""Bad packs and claims: what is wrong is told with its code and its place, all of it at once."""

from __future__ import annotations

import ast
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.settlement import FAULTS, Settled, SettlementRefused, document, read_claim, read_pack, settle
from tests.settlement.golden import CASES, PACKS, changed, raw
from tests.settlement.random_bills import RANDOM

EMP, RES, G1, G6 = PACKS["TEST-EMP"], PACKS["TEST-RES"], CASES[0]["claim"], CASES[5]["claim"]
ROOT = Path(__file__).parents[2]


def told(refused: SettlementRefused) -> list[tuple[str, str]]:
    return [(fault.code, fault.where) for fault in refused.faults]


@pytest.mark.parametrize(
    ("pack", "pointer", "value", "code", "where"),
    [
        (EMP, "/bands", ..., "key_missing", "/bands"),
        (EMP, "/annual_cap", None, "amount_wrong", "/annual_cap"),
        (EMP, "/surprise", 1, "key_unknown", "/surprise"),
        (EMP, "/bands/0/rate", "0.9", "key_unknown", "/bands/0/rate"),
        (EMP, "/over_cap/limit", ..., "key_missing", "/over_cap/limit"),
        (EMP, "/over_cap", [], "value_wrong", "/over_cap"),
        (EMP, "/bands", {}, "value_wrong", "/bands"),
        (EMP, "/bands", [], "bands_missing", "/bands"),
        (EMP, "/bands/0/up_to", ..., "key_missing", "/bands/0/up_to"),
        (EMP, "/bands/1/up_to", "60000.00", "last_band_closed", "/bands/1/up_to"),
        (EMP, "/bands/0/up_to", None, "bands_overlap", "/bands/1/up_to"),
        (EMP, "/bands/0/up_to", "0.00", "bands_overlap", "/bands/0/up_to"),
        (EMP, "/bands/0/up_to", "-1.00", "amount_negative", "/bands/0/up_to"),
        (EMP, "/bands/0/ratio/3", "1.01", "ratio_above_one", "/bands/0/ratio/3"),
        (EMP, "/bands/0/ratio/3", "90", "ratio_above_one", "/bands/0/ratio/3"),
        (EMP, "/bands/0/ratio/3", "-0.1", "ratio_negative", "/bands/0/ratio/3"),
        (EMP, "/bands/0/ratio/3", 0.9, "ratio_wrong", "/bands/0/ratio/3"),
        (EMP, "/bands/0/ratio/3", 1, "ratio_wrong", "/bands/0/ratio/3"),
        (EMP, "/bands/0/ratio/3", "90%", "ratio_wrong", "/bands/0/ratio/3"),
        (EMP, "/bands/0/ratio/3", "9/10", "ratio_wrong", "/bands/0/ratio/3"),
        (EMP, "/bands/0/ratio/3", "NaN", "ratio_wrong", "/bands/0/ratio/3"),
        (EMP, "/bands/0/ratio/3", ..., "level_missing", "/bands/0/ratio/3"),
        (EMP, "/deductible/2", ..., "level_missing", "/deductible/2"),
        (EMP, "/deductible/4", "1.00", "level_missing", "/bands/0/ratio/4"),
        (EMP, "/deductible/x", "1.00", "level_wrong", "/deductible/x"),
        (EMP, "/deductible/03", "1.00", "level_wrong", "/deductible/03"),
        (EMP, "/deductible/\u0663", "1.00", "level_wrong", "/deductible/\u0663"),
        (EMP, "/deductible/3", "800,00", "amount_wrong", "/deductible/3"),
        (EMP, "/deductible/3", "800.001", "amount_wrong", "/deductible/3"),
        (EMP, "/deductible/3", "1e3", "amount_wrong", "/deductible/3"),
        (EMP, "/deductible/3", " 800.00", "amount_wrong", "/deductible/3"),
        (EMP, "/deductible/3", "800.00\n", "amount_wrong", "/deductible/3"),
        (EMP, "/deductible/3", "\uff18\uff10\uff10.00", "amount_wrong", "/deductible/3"),
        (EMP, "/deductible/3", "", "amount_wrong", "/deductible/3"),
        (EMP, "/deductible/3", 800, "amount_wrong", "/deductible/3"),
        (EMP, "/deductible/3", 800.0, "amount_wrong", "/deductible/3"),
        (EMP, "/deductible/3", True, "amount_wrong", "/deductible/3"),
        (EMP, "/deductible/3", "-800.00", "amount_negative", "/deductible/3"),
        (EMP, "/annual_cap", "100000000000000.00", "amount_too_large", "/annual_cap"),
        (EMP, "/annual_cap", "9" * 5000, "amount_wrong", "/annual_cap"),
        (EMP, "/repeat_deductible_factor", "1.5", "ratio_above_one", "/repeat_deductible_factor"),
        (EMP, "/reduction/mode", "percent", "reduction_mode", "/reduction/mode"),
        (EMP, "/reduction/mode", ..., "key_missing", "/reduction/mode"),
        (EMP, "/reduction/other", "1.2", "ratio_above_one", "/reduction/other"),
        (EMP, "/reduction", {"mode": "points"}, "categories_missing", "/reduction"),
        (EMP, "/reduction/Other Care", "0.1", "category_wrong", "/reduction/Other Care"),
        (EMP, "/valid_from", "2026-02-30", "date_wrong", "/valid_from"),
        (EMP, "/valid_from", "20260101", "date_wrong", "/valid_from"),
        (EMP, "/valid_from", 20260101, "date_wrong", "/valid_from"),
        (EMP, "/valid_to", "2025-12-31", "dates_reversed", "/valid_to"),
        (EMP, "/pooling_area", "3205", "value_wrong", "/pooling_area"),
        (EMP, "/pooling_area", 320500, "value_wrong", "/pooling_area"),
        (EMP, "/insutype", "31O", "value_wrong", "/insutype"),
        (EMP, "/pack", "", "value_wrong", "/pack"),
        (EMP, "/pack", "\u001b[2J", "value_wrong", "/pack"),
        (EMP, "/pack", "\ud800", "value_wrong", "/pack"),
        (EMP, "/synthetic", "yes", "value_wrong", "/synthetic"),
        (EMP, "/tags", {"/bands/7": "U-H"}, "tag_nowhere", "/tags/~1bands~17"),
        (EMP, "/tags", {"bands": "U-H"}, "tag_nowhere", "/tags/bands"),
        (RES, "/big_illness/bands/1/up_to", "100000.00", "bands_overlap", "/big_illness/bands/1/up_to"),
        (RES, "/big_illness/bands/2/up_to", "300000.00", "last_band_closed", "/big_illness/bands/2/up_to"),
        (RES, "/big_illness/bands/0/ratio", {"3": "0.6"}, "ratio_wrong", "/big_illness/bands/0/ratio"),
        (RES, "/big_illness/includes_preselfpay", 1, "value_wrong", "/big_illness/includes_preselfpay"),
        (RES, "/medical_aid/ratio/dibao", "1.1", "ratio_above_one", "/medical_aid/ratio/dibao"),
    ],
)
def test_a_bad_pack_is_refused_with_the_place(
    pack: dict[str, Any], pointer: str, value: object, code: str, where: str
) -> None:
    with pytest.raises(SettlementRefused) as refused:
        read_pack(json.dumps(changed(pack, {pointer: value})).encode())
    assert (code, where) in told(refused.value)


@pytest.mark.parametrize(
    ("claim", "pointer", "value", "code", "where"),
    [
        (G1, "/fees", ..., "key_missing", "/fees"),
        (G1, "/fees", {}, "value_wrong", "/fees"),
        (G1, "/fees/0", "A", "value_wrong", "/fees/0"),
        (G1, "/category", ..., "key_missing", "/category"),
        (G1, "/hospital_level", ..., "key_missing", "/hospital_level"),
        (G1, "/hospital_level", "3", "value_wrong", "/hospital_level"),
        (G1, "/hospital_level", 3.0, "value_wrong", "/hospital_level"),
        (G1, "/hospital_level", True, "value_wrong", "/hospital_level"),
        (G1, "/stay_of_year", 0, "stay_wrong", "/stay_of_year"),
        (G1, "/retiree", "false", "value_wrong", "/retiree"),
        (G1, "/retiree", 0, "value_wrong", "/retiree"),
        (G1, "/patient", "x", "key_unknown", "/patient"),
        (G1, "/fees/1/cnt", "2", "key_unknown", "/fees/1/cnt"),
        (G1, "/fees/0/class", "D", "class_unknown", "/fees/0/class"),
        (G1, "/fees/0/class", "a", "class_unknown", "/fees/0/class"),
        (G1, "/fees/0/class", 1, "class_unknown", "/fees/0/class"),
        (G1, "/fees/0/amount", "-0.01", "amount_negative", "/fees/0/amount"),
        (G1, "/fees/0/amount", 12.5, "amount_wrong", "/fees/0/amount"),
        (G1, "/fees/0/over_limit", "16500.01", "over_limit_too_large", "/fees/0/over_limit"),
        (G1, "/fees/0/preselfpay", "0.10", "not_for_class", "/fees/0/preselfpay"),
        (G1, "/fees/3/over_limit", "1.00", "not_for_class", "/fees/3/over_limit"),
        (G1, "/fees/3/limit_price", "1.00", "not_for_class", "/fees/3/limit_price"),
        (G1, "/fees/3/preselfpay", "1", "not_for_class", "/fees/3/preselfpay"),
        (G1, "/fees/1/preselfpay", ..., "preselfpay_missing", "/fees/1/preselfpay"),
        (G1, "/fees/1/preselfpay", "1.1", "ratio_above_one", "/fees/1/preselfpay"),
        (G1, "/fees/1/limit_price", "1.00", "over_limit_twice", "/fees/1/limit_price"),
        (G1, "/fees/1/quantity", "0", "quantity_wrong", "/fees/1/quantity"),
        (G1, "/fees/1/quantity", "-1", "quantity_wrong", "/fees/1/quantity"),
        (G1, "/fees/1/quantity", 0.5, "quantity_wrong", "/fees/1/quantity"),
        (G1, "/fees/1/quantity", True, "quantity_wrong", "/fees/1/quantity"),
        (G1, "/fees/1/price", "7999.99", "price_differs", "/fees/1/price"),
        (G1, "/year_to_date/pool", "-1.00", "amount_negative", "/year_to_date/pool"),
        (G1, "/year_to_date/cash", "1.00", "key_unknown", "/year_to_date/cash"),
        (G1, "/account_balance", "-3.00", "amount_negative", "/account_balance"),
        (G1, "/discharge_date", "2026-13-01", "date_wrong", "/discharge_date"),
        (CASES[3]["claim"], "/year_to_date", ..., "year_missing", "/year_to_date"),
        (G1, "/fees/0/amount", "99999999999999.99", "bill_too_large", "/fees"),
    ],
)
def test_a_bad_claim_is_refused_with_the_place(
    claim: dict[str, Any], pointer: str, value: object, code: str, where: str
) -> None:
    with pytest.raises(SettlementRefused) as refused:
        read_claim(json.dumps(changed(claim, {pointer: value})).encode())
    assert told(refused.value) == [(code, where)]


@pytest.mark.parametrize(
    ("claim", "changes", "code", "where"),
    [
        (G1, {"/category": "chronic"}, "category_unknown", "/category"),
        (G1, {"/category": "mode"}, "category_unknown", "/category"),
        (G1, {"/hospital_level": 4}, "level_unknown", "/hospital_level"),
        (G1, {"/hospital_level": -3}, "level_unknown", "/hospital_level"),
        (G1, {"/discharge_date": "2025-12-31"}, "pack_not_in_force", "/discharge_date"),
        (G1, {"/pack": "TEST-RES"}, "pack_differs", "/pack"),
        (G6, {"/aid_class": "tekun"}, "aid_class_unknown", "/aid_class"),
    ],
)
def test_a_claim_that_does_not_fit_its_pack_is_refused(
    claim: dict[str, Any], changes: dict[str, object], code: str, where: str
) -> None:
    with pytest.raises(SettlementRefused) as refused:
        settle(read_pack(raw(PACKS[claim["pack"]])), read_claim(raw(changed(claim, changes))))
    assert told(refused.value) == [(code, where)]


def test_what_may_be_left_out_may_be_left_out() -> None:
    pack = {k: v for k, v in EMP.items() if k not in {"valid_to", "big_illness", "medical_aid"}}
    assert read_pack(raw(pack)) == read_pack(raw(EMP))
    no_over = {k: v for k, v in EMP.items() if k != "over_cap"}
    assert read_pack(raw(no_over)).over_cap is None
    bare = {k: G1[k] for k in ("claim", "pack", "category", "hospital_level")}
    bare["fees"] = [{"class": "A", "amount": "900.00"}]
    full = bare | {"retiree": False, "stay_of_year": 1, "aid_class": None, "account_balance": "0.00"}
    full |= {"year_to_date": G1["year_to_date"], "fees": [{"class": "A", "amount": "900.00", "over_limit": "0.00"}]}
    rules = read_pack(raw(EMP))
    assert settle(rules, read_claim(raw(bare))).settlement == settle(rules, read_claim(raw(full))).settlement


def test_the_order_of_keys_does_not_matter() -> None:
    pack, claim = dict(reversed(RES.items())), dict(reversed(G6.items()))
    backwards = document(settle(read_pack(raw(pack)), read_claim(raw(claim))))
    assert backwards == document(settle(read_pack(raw(RES)), read_claim(raw(G6))))


def test_levels_categories_and_classes_of_aid_are_the_packs_own() -> None:
    changes = {"/deductible/0": "0.00", "/bands/0/ratio/0": "0.5", "/reduction/home": "0"}
    pack = changed(RES, {**changes, "/medical_aid/ratio/edge": "0.60"})
    claim = changed(G6, {"/hospital_level": 0, "/category": "home", "/aid_class": "edge"})
    assert settle(read_pack(raw(pack)), read_claim(raw(claim))).settlement.hifp_pay == 27_500_00


def test_an_amount_with_fewer_places_is_the_same_amount() -> None:
    assert read_pack(raw(changed(EMP, {"/annual_cap": "300000", "/deductible/3": "800.0"}))) == read_pack(raw(EMP))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    claim = changed(G1, {"/fees/0/class": "D", "/fees/1/amount": "-1.00", "/retiree": 1, "/x": 1})
    with pytest.raises(SettlementRefused) as refused:
        read_claim(raw(claim))
    assert sorted(where for _, where in told(refused.value)) == ["/fees/0/class", "/fees/1/amount", "/retiree", "/x"]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (b"", [("not_json", "")]),
        (b"[]", [("not_json", "")]),
        (b"null", [("not_json", "")]),
        (b'{"pack": "\xff"}', [("not_json", "")]),
        (b"{" * 100_000, [("not_json", "")]),
        (b'{"a":' * 100_000, [("not_json", "")]),
        (b'{"a": 1' + b"0" * 5000 + b"}", [("not_json", "")]),
        (b'{"a": 1e' + b"9" * 30 + b"}", [("not_json", "")]),
        (b'{"a": NaN, "b": {"c/d": [1, -Infinity]}}', [("not_a_number", "/a"), ("not_a_number", "/b/c~1d/1")]),
        (b'{"a": 1, "b": [{"c": 1, "c": 1}], "a": 2}', [("key_twice", "/a"), ("key_twice", "/b/0/c")]),
    ],
)
def test_what_is_no_good_json_is_refused(text: bytes, faults: list[tuple[str, str]]) -> None:
    for read in (read_pack, read_claim):
        with pytest.raises(SettlementRefused) as refused:
            read(text)
        assert told(refused.value) == faults


def _outcome(pack: bytes, claim: bytes) -> Settled | SettlementRefused:
    try:
        return settle(read_pack(pack), read_claim(claim))
    except SettlementRefused as refused:
        return refused


STRANGE: list[object] = [
    None,
    True,
    0,
    -1,
    3,
    1.5,
    10**400,
    "",
    "0",
    "-0",
    "1",
    "0.5",
    "NaN",
    "Infinity",
    "1e5",
    "\ud800",
    [],
    {},
]


def _places(document: object, here: str = "") -> list[str]:
    if isinstance(document, dict):
        return [here, *(p for k, v in document.items() for p in _places(v, f"{here}/{k}"))]
    if isinstance(document, list):
        return [here, *(p for i, v in enumerate(document) for p in _places(v, f"{here}/{i}"))]
    return [here]


@RANDOM
@given(st.integers(0, 2**32))
def test_whatever_stands_in_a_document_it_is_settled_or_refused(seed: int) -> None:
    dice = random.Random(seed)
    pack, claim = (PACKS[G6["pack"]], G6) if seed % 2 else (EMP, G1)
    for _ in range(dice.randint(1, 3)):
        target = dice.choice([pack, claim])
        spoilt = changed(target, {dice.choice(_places(target)[1:]): dice.choice([..., *STRANGE])})
        pack, claim = (spoilt, claim) if target is pack else (pack, spoilt)
    outcome = _outcome(json.dumps(pack).encode(), json.dumps(claim).encode())
    if isinstance(outcome, SettlementRefused):
        assert outcome.faults
        assert all(fault.text.zh and fault.text.en for fault in outcome.faults)
    else:
        assert outcome.settlement.medfee_sumamt == outcome.settlement.fund_pay_sumamt + outcome.settlement.psn_part_amt


def test_every_code_is_in_the_table_and_every_row_of_it_in_use() -> None:
    spelled = set()
    files = [*(ROOT / "domain" / "settlement").glob("*.py"), ROOT / "catalogue" / "packs.py"]
    for file in [*files, ROOT / "tongban" / "commands" / "settle.py"]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            parts = [k.value for k in node.keywords if k.arg == "code"] if node.func.id == "Fault" else node.args[:1]
            if node.func.id in {"Fault", "wrong"}:
                spelled |= {part.value for part in parts if isinstance(part, ast.Constant)}
    translated = {"key_missing", "key_unknown", "value_wrong"}  # of pydantic's own
    assert spelled | translated == set(FAULTS)
