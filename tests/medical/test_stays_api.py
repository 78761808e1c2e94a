"""A stay in hospital with direct settlement, through the API alone."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from catalogue.packs import load_packs, pack_for
from domain.settlement import document, read_claim, settle
from tests.fixtures.houses import Caller
from tests.insurance.places import A_LIMITED, B10, B20, A, C
from tests.medical.ward import NAMES, Row, Ward, fen, lines

G1: tuple[Row, ...] = (
    (A_LIMITED, "200.00", "3"),
    (A, "15900.00"),
    (B10, "8000.00"),
    (B20, "6000.00"),
    (C, "1500.00"),
)
CLASSIFIED = [
    {"class": "A", "amount": "600.00", "over_limit": "300.00"},
    {"class": "A", "amount": "15900.00"},
    {"class": "B", "amount": "8000.00", "preselfpay": "0.10"},
    {"class": "B", "amount": "6000.00", "preselfpay": "0.20"},
    {"class": "C", "amount": "1500.00"},
]
SMALL: tuple[Row, ...] = ((A, "2000.00"), (C, "100.00"))


def computed(fees: list[dict[str, str]], **changes: Any) -> dict[str, Any]:
    """What the engine says of a bill, at a hospital of level 3."""
    content = {
        "claim": "X",
        "pack": "TEST-EMP",
        "category": "long_term",
        "hospital_level": 3,
        "fees": fees,
        "account_balance": "3000.00",
    }
    claim = read_claim(json.dumps(content | changes).encode())
    return document(settle(pack_for(load_packs(), claim), claim))


def agrees(amounts: dict[str, int], result: dict[str, Any]) -> bool:
    """To the fen, in every amount that either has."""
    both = {name for name in amounts if name in result}
    assert {"fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay", "act_pay_dedc", "hifp_pay"} <= both
    return {n: amounts[n] for n in both} == {n: fen(result[n]) for n in both}


async def fact(who: Caller, setl_id: str) -> dict[str, Any]:
    answer = await who.get(f"/v1/medical/settlements/{setl_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def net(ward: Ward, no: str) -> dict[tuple[str, str], int]:
    """Province and account -> what a stay has left in the books, every entry of which balances."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    entries: dict[int, int] = defaultdict(int)
    for entry, province, account, amount in await ward.entries(no):
        sums[province, account] += amount
        entries[entry] += amount
    assert entries
    assert not any(entries.values())
    return sums


async def test_a_stay_is_settled_undone_and_settled_again_to_the_fen(ward: Ward) -> None:
    person = ward.somebody("employee")
    patient = ward.patient(person)
    await ward.town.file(person, "long_term")
    stay = await ward.admit(person)
    await stay.add(lines(*G1))
    wrong = await stay.add(lines((A, "100.00"), (C, "50.00")))
    shown = await stay.did("fees/cancel", {"upload": wrong})
    assert ([u["status"] for u in shown["uploads"]], shown["total"]) == (["accepted", "cancelled"], 3_200_000)
    await stay.discharge()
    expected = computed(CLASSIFIED)
    shown = await stay.did("preview")
    assert agrees(shown["preview"], expected)
    assert (await ward.booked(stay.no), await ward.standing(person)) == ([], 0)  # without effect

    first = await stay.settle()
    assert agrees(first["amounts"], expected)
    assert (first["amounts"]["fund_pay_sumamt"], first["amounts"]["psn_cash_pay"]) == (2_466_000, 434_000)  # G1
    told = await fact(patient, first["settlement"])
    assert [line["chrgitm_lv"] for line in told["lines"]] == ["01", "01", "02", "02", "03"]
    assert [line["preselfpay_amt"] for line in told["lines"]] == ["0.00", "0.00", "800.00", "1200.00", "0.00"]
    assert (told["agrees"], told["lines"][0]["overlmt_amt"]) == (True, "300.00")
    assert {each["field"] for each in told["recomputed"]["explanation"]} >= {"hifp_pay", "act_pay_dedc"}

    bill = await patient.get(f"/v1/medical/bills/{first['bill']['code']}/{first['bill']['number']}")
    assert bill.status_code == 200, bill.text
    assert bill.json()["insurance"] == {
        "fund_pay": 2_466_000,
        "acct_pay": 300_000,
        "cash_pay": 434_000,
        "setl_id": first["settlement"],
    }
    assert (bill.json()["total"], sum(item["amount"] for item in bill.json()["items"])) == (3_200_000, 3_200_000)
    assert bill.json()["payer"]["name"] == NAMES["employee"]

    year = await ward.town.year(person)
    assert (year["stays"], year["pool"]) == (1, "24660.00")
    assert any((await net(ward, stay.no)).values())
    shown = await stay.undo()
    assert (shown["status"], [s["amounts"]["fund_pay_sumamt"] for s in shown["settlements"]]) == (
        "discharged",
        [2_466_000, -2_466_000],
    )
    year = await ward.town.year(person)
    assert (year["stays"], year["pool"]) == (0, "0.00")
    assert not any((await net(ward, stay.no)).values())
    gone = await patient.get(f"/v1/medical/bills/{first['bill']['code']}/{first['bill']['number']}")
    assert gone.json()["status"] == "red_lettered"

    await stay.did("fees/cancel", {"upload": ""})
    assert (await stay.see())["total"] == 0
    assert await stay.refused("settlement", {}) == (409, "no_fees")


async def test_after_an_undoing_the_second_settlement_counts_as_if_there_had_been_none(ward: Ward) -> None:
    person = ward.somebody("employee")
    stay = await ward.stay(person, G1)
    first = await stay.settle()
    await stay.undo()
    second = await stay.settle(use_account=False)
    assert second["settlement"] != first["settlement"]
    assert agrees(second["amounts"], computed(CLASSIFIED, category="other", account_balance="0.00"))
    assert second["amounts"]["fund_pay_sumamt"] == first["amounts"]["fund_pay_sumamt"]
    assert second["bill"] != first["bill"]
    for settlement in (first, second):
        assert (await fact(ward.patient(person), settlement["settlement"]))["agrees"] is True
    booked = await ward.booked(stay.no)
    assert [(row.medfee_sumamt, row.original) for row in booked] == [
        (3_200_000, None),
        (-3_200_000, first["settlement"]),
        (3_200_000, None),
    ]
    again = await stay.reverse(first["settlement"])
    assert (again.status_code, again.json()["code"]) == (409, "settlement_undone")
    unknown = await stay.reverse("S31999999999999")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "settlement_unknown")
    assert await ward.standing(person) == 3_200_000


async def test_the_second_stay_of_a_year_has_half_the_deductible_and_is_recomputed_so(ward: Ward) -> None:
    person = ward.somebody("dibao")
    await ward.town.file(person, "long_term")
    await (await ward.stay(person, G1)).settle()
    stay = await ward.stay(person, G1, day="2026-11-02", leaves="2026-11-09")
    done = await stay.settle()
    assert done["amounts"]["act_pay_dedc"] == 50_000
    assert done["amounts"]["maf_pay"] > 0
    assert (await fact(ward.desk(), done["settlement"]))["agrees"] is True


async def test_a_stay_across_the_year_is_one_claim_by_the_pack_and_the_year_of_the_discharge(ward: Ward) -> None:
    person = ward.somebody("employee")
    stay = await ward.stay(person, G1, day="2025-12-28", leaves="2026-01-05")  # no pack was in force in 2025
    done = await stay.settle()
    assert (await ward.town.year(person, "2025"))["stays"] == 0
    assert (await ward.town.year(person, "2026"))["stays"] == 1
    told = await fact(ward.patient(person), done["settlement"])
    assert (told["agrees"], told["recomputed"]["version"]) == (True, "2026.1")
    early = await ward.stay(ward.somebody("employee"), SMALL, day="2025-12-20", leaves="2025-12-24")
    shown = await early.did("settlement", {})
    assert (shown["status"], shown["trouble"]["code"]) == ("uncovered", "no_direct_settlement")


async def test_whoever_dies_in_hospital_is_settled_as_everybody_is(ward: Ward) -> None:
    person = ward.somebody("retired")
    stay = await ward.admit(person)
    await stay.add(lines(*SMALL))
    shown = await stay.discharge(way="5")
    assert (shown["died"], shown["status"]) == (True, "discharged")
    done = await stay.settle()
    assert done["amounts"]["medfee_sumamt"] == 210_000
    assert (await stay.see())["died"] is True


async def test_nobody_is_discharged_before_he_was_admitted(ward: Ward) -> None:
    stay = await ward.admit(ward.somebody("resident"))
    await stay.add(lines(*SMALL))
    assert await stay.refused("settlement", {}) == (409, "not_discharged")
    body = {"at": "2026-10-01T10:00:00+08:00", "diagnosis": {"code": "I25.103", "name": "冠心病"}}
    answer = await stay.post("discharge", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "discharge_before_admission")


async def test_a_number_and_a_name_that_do_not_belong_together_end_the_stay(ward: Ward) -> None:
    person = ward.somebody("resident")
    for name in ("赵测", "阿卜杜拉·买买提", "𠮷野𬭊"):
        stay = await ward.admit(person, status="cancelled", patient={"id_number": person.certno, "name": name})
        shown = await stay.see()
        assert (shown["trouble"]["code"], shown["closed_at"] is not None) == ("wrong_person", True)
        assert await stay.refused("fees", {"lines": lines((A, "1.00"))}) == (409, "matter_closed")
    assert await ward.standing(person) == 0
    right = await ward.admit(person, patient={"id_number": person.certno.lower(), "name": NAMES["resident"]})
    assert (await right.did("cancel"))["status"] == "cancelled"


async def test_a_bill_is_explained_without_effect_and_with_everything_that_is_wrong_with_it(ward: Ward) -> None:
    who = ward.patient(ward.somebody("resident"))
    claim: dict[str, Any] = {
        "claim": "G1",
        "pack": "TEST-EMP",
        "category": "long_term",
        "hospital_level": 3,
        "fees": CLASSIFIED,
        "account_balance": "3000.00",
    }
    answer = await who.post("/v1/medical/settlements/preview", json={"claim": claim})
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"] == computed(CLASSIFIED, claim="G1")
    wrong = claim | {"fees": [{"class": "Z", "amount": "1.00"}, {"class": "A", "amount": "-1.00"}], "pack": ""}
    answer = await who.post("/v1/medical/settlements/preview", json={"claim": wrong})
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} >= {"/claim/fees/0/class", "/claim/fees/1/amount"}
    assert (
        await ward.office.caller().post("/v1/medical/settlements/preview", json={"claim": claim})
    ).status_code == 401
