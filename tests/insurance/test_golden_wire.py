"""The golden numbers through the wire: split by Shanghai's catalogue, computed by the insured place, to the fen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.medical.interface import SetlInfo
from tests.insurance.places import A_LIMITED, B10, G1, SHANGHAI, A, C, Person, Town, bill, hospital

GOLDEN = {
    case["claim"]["claim"]: case["expected"]
    for case in json.loads((Path(__file__).parents[1] / "golden" / "settlement.json").read_text("utf-8"))
}
G4 = bill((A_LIMITED, "200.00", "6"), (A, "40800.00"), (B10, "50000.00"), (C, "3000.00"))
G5 = bill((A, "78000.00"), (B10, "90000.00"), (C, "12000.00"))
G6 = bill((A, "28000.00"), (B10, "30000.00"), (C, "2000.00"))
G8 = bill((A, "901.31"), (B10, "333.25"), (C, "0.01"))
G9 = bill((A, "550.00"), (C, "50.00"))
G10 = bill((A, "15000.00"), (B10, "5000.00"))
NOW = {"year": "2026"}
# name -> who, filing, level, lines, what the year and the account hold before
CASES: dict[str, tuple[str, str, int, list[dict[str, str]], dict[str, Any]]] = {
    "G1": ("employee", "long_term", 3, G1, {}),
    "G2": ("employee", "referral", 3, G1, {}),
    "G3": ("employee", "", 3, G1, {}),
    "G4": ("retired", "long_term", 3, G4, {"year": NOW | {"stays": "1"}}),
    "G5": ("resident", "", 3, G5, {}),
    "G6": ("dibao", "long_term", 2, G6, {}),
    "G8": ("employee", "long_term", 3, G8, {"balance": "0.00"}),
    "G9": ("employee", "long_term", 3, G9, {"balance": "0.00"}),
    "G10": ("employee", "emergency", 2, G10, {"balance": "0.00"}),
}


async def settled(
    town: Town, person: Person, filing: str, level: int, lines: list[dict[str, str]], before: dict[str, Any]
) -> SetlInfo:
    if before:
        await town.set_person(person, **before)
    if filing not in ("", "emergency"):
        await town.file(person, filing)
    more = {"institution": hospital(SHANGHAI, level)}
    visit = await town.stay(person, lines, med_type="24" if filing == "emergency" else "21", **more)
    preview = await town.settle(person, visit, lines, "2303", **more)
    info = await town.settle(person, visit, lines, **more)
    assert preview.model_copy(update={"setl_id": info.setl_id, "setl_time": info.setl_time}) == info.model_copy(
        update={"medins_setl_id": preview.medins_setl_id}
    )
    return info


def in_yuan(info: SetlInfo, names: object) -> dict[str, object]:
    written = info.model_dump()
    return {name: written[name] for name in names}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", CASES)
async def test_golden_settlement(town: Town, somebody: Callable[[str], Person], name: str) -> None:
    who, filing, level, lines, before = CASES[name]
    info = await settled(town, somebody(who), filing, level, lines, before)
    assert in_yuan(info, GOLDEN[name]) == GOLDEN[name]


async def test_a_multiplier_reduces_otherwise_than_points(town: Town) -> None:
    """G3m: 27,400 x .81."""
    info = await settled(town, Person("330400", "employee"), "referral", 3, G1, {})
    assert (info.hifp_pay, info.psn_part_amt, info.category) == (2_219_400, 980_600, "referral")


async def test_a_second_stay_is_not_paid_twice_by_big_illness_insurance(town: Town) -> None:
    """G5b, after G5 through the same wire: what the first stay left in the year is what the second starts with."""
    person = Person("330100", "resident")
    await settled(town, person, "", 3, G5, {})
    info = await settled(town, person, "", 3, bill((A, "40000.00")), {})
    assert (info.act_pay_dedc, info.hifp_pay, info.hifmi_pay) == (50_000, 1_777_500, 1_524_750)
    assert (info.fund_pay_sumamt, info.psn_part_amt) == (3_302_250, 697_750)


async def test_the_cap_cuts_inside_a_band(town: Town) -> None:
    """G7: 15,000 left, then the fund above the cap."""
    before = {"balance": "0.00", "year": NOW | {"stays": "1", "pool": "285000.00"}}
    info = await settled(town, Person("330200", "employee"), "long_term", 3, bill((A, "100000.00")), before)
    assert (info.hifp_pay, info.hifob_pay, info.psn_part_amt) == (1_500_000, 7_464_000, 1_036_000)
