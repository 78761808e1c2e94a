"""Three books of one day agree, differ where a difference was planted, and an institution confirms its month."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adapters.errors import Rejected
from domain.medical.interface import BookOutput, BookRow
from tests.insurance.places import A, Person, Town, bill, hospital

New = Callable[[str], Person]
LINES = bill((A, "5000.00"))


async def book(town: Town, side: str, day: str, **more: Any) -> list[BookRow]:
    """Every page of a book of ours: treatment in Shanghai, insured in Anhui, the hub."""
    where: dict[str, Any] = {
        "treatment": {"place": "310000", "institution": "A31000000001"},
        "insured": {"place": "340000", "institution": "A34000000001"},
        "hub": {"place": "310000", "institution": "A31000000001", "to": "hub"},
    }[side]
    rows: list[BookRow] = []
    page, pages = 1, 1
    while page <= pages:
        body = {"stmt_begndate": day, "stmt_enddate": day, "side": side, "page": page} | more
        told = (await town.gate.send(town.message("3202", body, **where))).output(BookOutput)
        rows, page, pages = [*rows, *told.rows], page + 1, told.pages
    return rows


async def on(town: Town, day: str) -> None:
    for region in ("310000", "340000", "hub"):
        answer = await town.controls[region].post("/sim/clock", json={"now": f"{day}T10:00:00+08:00"})
        assert answer.status_code == 200


async def a_day(town: Town, somebody: New, day: str) -> list[str]:
    """Two settlements of which one is undone."""
    await on(town, day)
    numbers = []
    for _ in range(2):
        person = somebody("employee")
        visit = await town.stay(person, LINES)
        numbers.append((await town.settle(person, visit, LINES)).setl_id)
    undone = await town.ask("2305", {"mdtrt_id": visit, "setl_id": numbers[-1]}, person)
    return [*numbers, undone["setlinfo"]["setl_id"]]


def money(rows: list[BookRow]) -> list[tuple[str, str, int, int]]:
    return sorted((row.setl_id, row.kind, row.fund_pay_sumamt, row.psn_part_amt) for row in rows)


async def test_the_three_books_of_a_day_agree(town: Town, somebody: New) -> None:
    numbers = await a_day(town, somebody, "2026-03-02")
    books = [await book(town, side, "2026-03-02") for side in ("treatment", "hub", "insured")]
    assert money(books[0]) == money(books[1]) == money(books[2])
    assert [row.setl_id for row in books[0]] == numbers
    assert [row.kind for row in books[0]] == ["settle", "settle", "undo"]
    assert sum(row.fund_pay_sumamt for row in books[0]) == books[0][0].fund_pay_sumamt > 0
    assert {(row.insuplc_admdvs, row.mdtrtarea_admvs) for row in books[2]} == {("340100", "310104")}
    assert await book(town, "treatment", "2026-03-03") == []
    day = await town.controls["hub"].get("/sim/books/day", params={"date": "2026-03-02"})
    month = await town.controls["hub"].get("/sim/books/month", params={"month": "2026-03"})
    assert [row["setl_id"] for row in day.json()["rows"]] == numbers
    assert day.json() == month.json()


async def test_each_planted_difference_is_in_one_book_alone(town: Town, somebody: New) -> None:
    first, second, _ = await a_day(town, somebody, "2026-04-02")
    right = money(await book(town, "hub", "2026-04-02"))
    planted: list[tuple[str, str, dict[str, str]]] = [
        ("hub", "missing", {}), ("310000", "extra", {"as": "S99"}), ("340000", "amount", {"by": "1.00"}),
        ("310000", "duplicate", {}),
    ]  # fmt: skip
    sides = {"hub": "hub", "310000": "treatment", "340000": "insured"}
    for region, kind, more in planted:
        one = {"side": sides[region], "kind": kind, "setl_id": first} | more
        assert (await town.controls[region].post("/sim/books/differences", json=one)).status_code == 200
        wrong = money(await book(town, sides[region], "2026-04-02"))
        fund = next(row for row in right if row[0] == first)
        expected = {
            "missing": [row for row in right if row[0] != first],
            "duplicate": sorted([*right, fund]),
            "extra": sorted([*right, ("S99", *fund[1:])]),
            "amount": sorted([*(r for r in right if r[0] != first), (*fund[:2], fund[2] + 100, fund[3] - 100)]),
        }[kind]
        assert wrong == expected
        others = [side for side in sides.values() if side != sides[region]]
        assert all([money(await book(town, side, "2026-04-02")) == right for side in others])
        await town.controls[region].delete("/sim/books/differences")
        assert money(await book(town, sides[region], "2026-04-02")) == right
    odd = await town.controls["hub"].post("/sim/books/differences", json={"kind": "missing", "setl_id": second})
    assert odd.status_code == 422


async def test_totals_match_or_say_what_does_not(town: Town, somebody: New) -> None:
    await a_day(town, somebody, "2026-05-04")
    (one,) = [row for row in await book(town, "treatment", "2026-05-04") if row.kind == "settle"][:1]
    code = hospital()
    body = {
        "insutype": "310", "clr_type": "21", "setl_optins": "310000", "stmt_begndate": "2026-05-04",
        "stmt_enddate": "2026-05-04", "medfee_sumamt": "5000.00", "acct_pay": f"{one.acct_pay / 100:.2f}",
        "fund_pay_sumamt": f"{one.fund_pay_sumamt / 100:.2f}", "fixmedins_setl_cnt": 1, "refd_setl_flag": "0",
    }  # fmt: skip
    assert (await town.ask("3201", body, institution=code))["stmtinfo"]["stmt_rslt"] == "0"
    wrong = (await town.ask("3201", body | {"fund_pay_sumamt": "1.00"}, institution=code))["stmtinfo"]
    assert (wrong["stmt_rslt"], wrong["stmt_rslt_dscr"]) == ("1", "fund_pay_sumamt")


async def test_an_institution_confirms_its_month_once_and_can_roll_back(town: Town, somebody: New) -> None:
    await a_day(town, somebody, "2026-06-04")
    month = {"trt_year": "2026", "trt_month": "06"}
    told = await town.ask("3260", month)
    assert told["totalrow"] == len(told["detail"]) == 3
    detail = [row | {"cnfm_flag": "1"} for row in told["detail"]]
    done = await town.ask("3261", month | {"totalrow": 3, "detail": detail})
    with pytest.raises(Rejected) as no:
        await town.ask("3261", month | {"totalrow": 3, "detail": detail})
    assert no.value.reasons == ("already_confirmed",)
    assert await town.ask("3262", month | {"otransid": done["otransid"]}) == {"rolled_back": 3}
    with pytest.raises(Rejected) as no:
        await town.ask("3262", month | {"otransid": "0"})
    assert no.value.reasons == ("not_confirmed",)
    wrong = [detail[0] | {"medfee_sumamt": "1.00"}, *detail[1:]]
    with pytest.raises(Rejected) as no:
        await town.ask("3261", month | {"totalrow": 3, "detail": wrong})
    assert no.value.reasons == ("amount_mismatch",)
