"""Clearing through the API: who may see and answer what, on a running product with real workflows."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from api.usecases import clearing as usecases
from domain import names
from domain.calendar import local_day
from domain.clearing import days_of, month_before
from domain.errors import Refusal
from tests.api.test_problems import is_problem
from tests.clearing.months import enter, propose_month
from tests.clearing.samples import AH, JS, PROFILE, SH, ZJ, settled
from tests.clearing.test_reconciliation import Held, found
from tests.fixtures.houses import Caller, Office
from tests.fixtures.running import Town, eventually
from tongban.relay import schedule_once

OCTOBER = "2026-10"
PATH = "/v1/medical/clearing"
_months = itertools.count()


def desk(office: Office, province: str, role: str = "caseworker", subject: str = "") -> Caller:
    return office.login(role, province, "health_insurance", subject)


async def body(caller: Caller, path: str, **params: Any) -> dict[str, Any]:
    answer = await caller.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest_asyncio.fixture
async def proposed(office: Office) -> Office:
    """October with two payers, proposed; no workflow runs."""
    rows = [settled(AH, SH, 80_000, setl_id="A1", msgid="MA1"), settled(AH, ZJ, 5, setl_id="A2", msgid="MA2")]
    await enter(office.house.database, *rows, settled(JS, SH, 70_000))
    await propose_month(office.house.database, OCTOBER)
    return office


async def test_whoever_oversees_sees_every_pair_and_a_province_its_own(proposed: Office) -> None:
    whole = await body(proposed.login("auditor"), f"{PATH}/{OCTOBER}")
    assert {(p["payer"], p["payee"]): p["proposed"] for p in whole["pairs"]} == {
        (AH, SH): "800.00", (AH, ZJ): "0.05", (JS, SH): "700.00"
    }  # fmt: skip
    assert {n["province"]: n["net"] for n in whole["nets"]} == {SH: "1500.00", JS: "-700.00", ZJ: "0.05", AH: "-800.05"}
    assert whole["total"] == "1500.05"
    assert [(w["province"], w["what"], w["until"]) for w in whole["waiting"]] == [
        (JS, "answer", "2026-11-25"), (AH, "answer", "2026-11-25")
    ]  # fmt: skip
    zhejiang = await body(desk(proposed, ZJ), f"{PATH}/{OCTOBER}")
    assert [(p["payer"], p["payee"]) for p in zhejiang["pairs"]] == [(AH, ZJ)]
    assert [n["province"] for n in zhejiang["nets"]] == [ZJ]
    assert "700.00" not in str(zhejiang)
    listed = await body(desk(proposed, ZJ), PATH)
    assert [(p["month"], p["state"]) for p in listed["periods"]] == [(OCTOBER, "proposed")]


async def test_the_picture_shows_only_what_the_caller_sees(proposed: Office) -> None:
    for caller, amounts in ((proposed.login("operator"), 3), (desk(proposed, ZJ), 1)):
        answer = await caller.get(f"{PATH}/{OCTOBER}/flows.svg", params={"lang": "en"})
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert answer.text.count('class="band') == amounts


async def test_items_are_shown_to_who_owes_them(proposed: Office) -> None:
    items = (await body(desk(proposed, AH), f"{PATH}/{OCTOBER}/items"))["items"]
    assert [(i["settlement"], i["payee"], i["amount"]) for i in items] == [("A1", SH, "800.00"), ("A2", ZJ, "0.05")]
    rest = await body(desk(proposed, AH), f"{PATH}/{OCTOBER}/items", after="A1")
    assert [i["settlement"] for i in rest["items"]] == ["A2"]


async def test_clearing_is_no_business_of_others(proposed: Office) -> None:
    for role, region, department in (
        ("citizen", "", ""),
        ("integrator", "", ""),
        ("caseworker", AH, "tax"),
        ("supervisor", AH, "market_regulation"),
        ("institution", "340500", "H34050000001"),
    ):
        caller = proposed.login(role, region, department)
        for path in (PATH, f"{PATH}/{OCTOBER}", f"{PATH}/{OCTOBER}/flows.svg", "/v1/medical/reconciliation"):
            is_problem(await caller.get(path), 403)
        is_problem(await caller.post(f"{PATH}/{OCTOBER}/confirmations"), 403)


async def test_only_the_provinces_own_caseworker_answers(proposed: Office) -> None:
    others = (("supervisor", AH), ("operator", ""), ("coordinator", ""), ("caseworker", "340500"))
    for role, region in others:
        caller = proposed.login(role, region, "health_insurance")
        for verb, content in (
            ("confirmations", {}),
            ("payments", {}),
            ("disputes", {"settlements": ["A1"], "reason": "x"}),
        ):
            is_problem(await caller.post(f"{PATH}/{OCTOBER}/{verb}", json=content), 403)


async def test_a_month_that_is_not_there(office: Office) -> None:
    for path in (f"{PATH}/2026-09", f"{PATH}/2026-09/items", f"{PATH}/2026-09/flows.svg"):
        is_problem(await desk(office, AH).get(path), 404, "clearing_not_found")
    is_problem(await desk(office, AH).post(f"{PATH}/2026-09/confirmations"), 404, "clearing_not_found")
    is_problem(await desk(office, AH).get(f"{PATH}/2026-13"), 422)


BAD_DISPUTES: list[dict[str, Any]] = [
    {},
    {"settlements": [], "reason": "x"},
    {"settlements": ["A1"], "reason": ""},
    {"settlements": ["A1"], "reason": "x" * 1001},
    {"settlements": ["A 1"], "reason": "x"},
    {"settlements": ["A1"] * 501, "reason": "x"},
    {"settlements": ["A1"], "reason": "x", "payer": JS},
    {"settlements": ["A1"], "reason": "a\0b"},
]


async def test_a_dispute_that_says_nothing_sensible_is_refused(proposed: Office) -> None:
    for content in BAD_DISPUTES:
        is_problem(await desk(proposed, AH).post(f"{PATH}/{OCTOBER}/disputes", json=content), 422)


async def test_a_confirmation_cannot_be_sent_while_temporal_is_down(proposed: Office) -> None:
    is_problem(await desk(proposed, AH).post(f"{PATH}/{OCTOBER}/confirmations"), 503, "temporarily_down")
    shown = await body(proposed.login("auditor"), f"{PATH}/{OCTOBER}")
    assert {p["answer"] for p in shown["pairs"]} == {"waiting"}


async def test_a_month_that_is_not_over_is_not_started(office: Office) -> None:
    today = local_day(await now(office))
    with pytest.raises(Refusal, match="clearing_month_not_over"):
        await usecases.start(office.house, f"{today:%Y-%m}")
    later = f"{today + timedelta(days=62):%Y-%m}"
    with pytest.raises(Refusal, match="clearing_month_not_over"):
        await usecases.start(office.house, later, early=True)


async def now(office: Office) -> Any:
    async with office.house.database.begin() as session:
        return await session.scalar(text("SELECT clock_timestamp()"))


@pytest_asyncio.fixture
async def running(town: Town) -> AsyncIterator[tuple[Town, str]]:
    """A month that is over and that no other test clears, started; with an item of each payer."""
    month = month_before(date(2024, 6, 1))
    for _ in range(next(_months)):
        month = month_before(days_of(month)[0])
    day = days_of(month)[0]
    rows = [settled(AH, SH, 80_000, day, setl_id=f"X{month}", msgid=f"MX{month}"), settled(AH, SH, 300, day)]
    await enter(town.database, *rows, settled(JS, SH, 70_000, day))
    await usecases.start(town.house, month)
    await until(town, month, "proposed")
    yield town, month


async def until(town: Town, month: str, state: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        answer = await town.login("auditor").get(f"{PATH}/{month}")
        return dict(answer.json()) if answer.status_code == 200 else {"state": ""}

    return await eventually(look, lambda shown: shown["state"] == state)


async def test_a_month_goes_through_the_api_from_proposal_to_payment(running: tuple[Town, str]) -> None:
    town, month = running
    anhui, jiangsu = desk(town, AH, subject="mi-ah"), desk(town, JS)
    key = {"Idempotency-Key": f"d-{month}"}
    order = {"settlements": [f"X{month}"], "reason": "与病历不符"}
    first = await anhui.post(f"{PATH}/{month}/disputes", json=order, headers=key)
    assert (first.status_code, first.json()["state"]) == (200, "disputed"), first.text
    again = await anhui.post(f"{PATH}/{month}/disputes", json=order, headers=key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    is_problem(await anhui.post(f"{PATH}/{month}/disputes", json=order | {"reason": "另一原因"}), 422)
    is_problem(await anhui.post(f"{PATH}/{month}/payments"), 409, "clearing_not_cleared")
    is_problem(await desk(town, ZJ).post(f"{PATH}/{month}/confirmations"), 409, "clearing_nothing_to_answer")
    for caller in (anhui, jiangsu, jiangsu):
        answer = await caller.post(f"{PATH}/{month}/confirmations")
        assert answer.status_code == 200, answer.text
    shown = await until(town, month, "cleared")
    assert {(p["payer"], p["payee"]): (p["cleared"], p["disputed"]) for p in shown["pairs"]} == {
        (AH, SH): ("3.00", "800.00"), (JS, SH): ("700.00", "0.00")
    }  # fmt: skip
    assert [(w["province"], w["what"]) for w in shown["waiting"]] == [(JS, "payment"), (AH, "payment")]
    assert [h["kind"] for h in shown["history"]] == ["proposed", "dispute", "confirm", "confirm", "cleared"]
    for caller in (anhui, jiangsu):
        assert (await caller.post(f"{PATH}/{month}/payments")).status_code == 200
    await until(town, month, "paid")
    await eventually(lambda: late_answer(town, month), lambda answer: answer.status_code == 409)


async def late_answer(town: Town, month: str) -> httpx.Response:
    return await desk(town, AH, subject="somebody-else").post(f"{PATH}/{month}/confirmations")


async def test_the_schedules_are_made_once_and_follow_the_profile(town: Town) -> None:
    client = town.house.gateway._client
    for _ in range(2):
        await town.house.gateway.keep_schedules(PROFILE)
    monthly = await client.get_schedule_handle(names.CLEARING_SCHEDULE).describe()
    assert monthly.schedule.spec.time_zone_name == "Asia/Shanghai"
    next_ones = [local_day(moment) for moment in monthly.info.next_action_times[:3]]
    assert {day.day for day in next_ones} == {PROFILE.propose.day}
    daily = await client.get_schedule_handle(names.RECONCILIATION_SCHEDULE).describe()
    first, second = daily.info.next_action_times[:2]
    assert second - first == timedelta(days=1)
    assert (first + timedelta(hours=8)).hour == PROFILE.daily_hour
    changed = PROFILE.model_copy(update={"propose": PROFILE.propose.model_copy(update={"day": 22})})
    await client.get_schedule_handle(names.CLEARING_SCHEDULE).pause(note="an operator")
    await town.house.gateway.keep_schedules(changed)
    told = await client.get_schedule_handle(names.CLEARING_SCHEDULE).describe()
    assert {local_day(moment).day for moment in told.info.next_action_times[:3]} == {22}
    assert told.schedule.state.paused, "what an operator has paused stays so"
    await client.get_schedule_handle(names.CLEARING_SCHEDULE).unpause()
    await town.house.gateway.keep_schedules(PROFILE)


async def test_the_schedule_starts_the_clearing_of_the_month_before(town: Town) -> None:
    client = town.house.gateway._client
    await town.house.gateway.keep_schedules(PROFILE)
    await client.get_schedule_handle(names.CLEARING_SCHEDULE).trigger()
    month = month_before(local_day(await now(town)))
    handle = client.get_workflow_handle(names.clearing_workflow(month))

    async def there() -> str:
        try:
            return (await handle.describe()).workflow_type
        except Exception as error:  # noqa: BLE001  not there yet
            return type(error).__name__

    assert await eventually(there, lambda found: found == names.CLEARING_WORKFLOW)
    await handle.terminate("the test is over")


async def test_differences_are_a_caseworkers_of_that_province(office: Office) -> None:
    row = settled(AH, SH)
    await enter(office.house.database, row)
    books = Held([row])
    books.lines[SH] = []
    await found(office.house.database, books)
    shanghai, path = desk(office, SH, subject="s"), "/v1/medical/reconciliation"
    listed = await body(shanghai, path, day="2026-10-12", state="open")
    (difference,) = listed["differences"]
    assert (difference["kind"], difference["side"], difference["theirs"]) == ("missing_there", "treatment", None)
    assert {run["book"] for run in listed["books"]} == {SH, "hub"}
    one = f"{path}/{difference['id']}"
    assert (await body(desk(office, AH), path))["differences"] == []
    is_problem(await desk(office, AH).get(one), 404)
    is_problem(await desk(office, AH).post(f"{one}/claim"), 404)
    is_problem(await office.login("auditor").post(f"{one}/claim"), 403)
    assert (await shanghai.post(f"{one}/claim")).json()["state"] == "claimed"
    is_problem(await desk(office, SH).post(f"{one}/resolution", json={"reason": "accepted", "note": "x"}), 409)
    key = {"Idempotency-Key": "r-1"}
    words = {"reason": "corrected_there", "note": "已补录"}
    first = await shanghai.post(f"{one}/resolution", json=words, headers=key)
    assert (first.status_code, first.json()["state"]) == (200, "resolved")
    again = await shanghai.post(f"{one}/resolution", json=words, headers=key)
    assert again.headers["idempotent-replayed"] == "true"
    is_problem(await shanghai.post(f"{one}/resolution", json=words | {"note": "y"}), 409, "task_not_open")
    history = (await body(office.login("auditor"), one))["history"]
    assert [(e["type"], e["actor"]) for e in history] == [("open", "tongban"), ("claimed", "s"), ("resolved", "s")]


async def test_a_resolution_needs_a_reason_of_the_list_and_a_note(office: Office) -> None:
    for words in ({}, {"reason": "because", "note": "x"}, {"reason": "accepted", "note": ""}):
        answer = await desk(office, SH).post(f"/v1/medical/reconciliation/d{'0' * 25}/resolution", json=words)
        is_problem(answer, 422)


async def test_the_relay_makes_the_schedules_as_soon_as_temporal_is_there(office: Office, town: Town) -> None:
    assert await schedule_once(office.house) is False
    assert await schedule_once(town.house) is True
