"""Provinces as an operator sees them: how they do, the brake, answers that were put aside."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from api.usecases import provinces as usecases
from domain.calendar import LocalDay
from domain.messages import Text
from models import effects, provinces
from tests.api.test_problems import is_problem
from tests.db.test_effects import LONG, intent
from tests.fixtures.houses import Caller, Office
from tests.fixtures.samples import add_case

ANHUI = "340000"


async def shown(caller: Caller, region: str = ANHUI) -> dict[str, Any]:
    answer = await caller.get("/v1/provinces")
    assert answer.status_code == 200, answer.text
    return next(row for row in answer.json()["provinces"] if row["region"] == region)


async def tell(office: Office, **changes: object) -> None:
    seen = {"region": ANHUI, "worker": "1@host", "calls": 4, "failures": 0, "took_ms": (10, 20, 30, 1000)}
    seen |= {"breaker": "closed", "last_success": datetime(2026, 11, 25, 1, tzinfo=UTC)} | changes
    await provinces.tell(office.house.database, provinces.Seen.model_validate(seen))


async def test_every_province_of_the_file_is_shown_with_what_it_can(office: Office) -> None:
    listed = (await office.login("operator").get("/v1/provinces")).json()["provinces"]
    assert [(row["region"], row["adapter"]) for row in listed] == [
        ("310000", "shanghai"), ("320000", "jiangsu"), ("330000", "zhejiang"), ("340000", "anhui")
    ]  # fmt: skip
    assert [row["keys"] for row in listed] == [True, True, True, False]
    assert all({"submit", "reverse", "find"} <= set(row["verbs"]) for row in listed)
    assert {row["state"] for row in listed} == {"idle"}


async def test_latency_errors_and_breaker_are_those_of_all_workers(office: Office) -> None:
    operator = office.login("operator")
    await tell(office)
    await tell(office, worker="2@host", took_ms=(40,), calls=1, failures=1, breaker="open")
    row = await shown(operator)
    assert (row["calls"], row["error_share"], row["breaker"], row["state"]) == (5, 0.2, "open", "down")
    assert row["latency_ms"] == {"p50": 30.0, "p95": pytest.approx(808.0)}
    assert row["last_success"] == "2026-11-25T01:00:00Z"
    await tell(office, worker="2@host", calls=1, failures=1, took_ms=(5,))
    row = await shown(operator)
    assert (row["breaker"], row["state"]) == ("closed", "degraded")


async def test_unknown_outcomes_are_counted_until_they_are_known(office: Office) -> None:
    operator = office.login("operator")
    what = intent(await add_case(office.house.database))
    await effects.prepare(office.house.database, what, LONG)
    row = await shown(operator)
    assert (row["unknown_outcomes"], row["unanswered"]) == (1, 1)
    await effects.trouble(office.house.database, what.key, "http_503", unknown=False)
    row = await shown(operator)
    assert (row["unknown_outcomes"], row["unanswered"]) == (0, 1)


async def test_the_brake_says_who_why_and_since_when(office: Office) -> None:
    operator = office.login("operator", subject="op-7")
    answer = await operator.post(f"/v1/provinces/{ANHUI}/brake", json={"held": True, "reason": "系统升级"})
    assert answer.status_code == 200, answer.text
    row = await shown(operator)
    assert row["state"] == "held"
    brake = row["brake"]
    assert (brake["held"], brake["reason"], brake["changed_by"], brake["revision"]) == (True, "系统升级", "op-7", 1)
    assert brake["told"] is False  # Temporal is down here: the relay tells the queue, the database holds already
    assert (await shown(operator, "330000"))["brake"]["held"] is False


async def test_what_is_left_out_of_a_brake_stays_as_it_is(office: Office) -> None:
    operator = office.login("operator")
    for body, held, rate in (
        ({"rate_per_s": 2.5}, False, 2.5),
        ({"held": True}, True, 2.5),
        ({"held": False}, False, 2.5),
        ({"rate_per_s": None}, False, None),
    ):
        answer = await operator.post(f"/v1/provinces/{ANHUI}/brake", json=body | {"reason": "x"})
        assert (answer.json()["held"], answer.json()["rate_per_s"]) == (held, rate)
    assert (await shown(operator))["brake"]["revision"] == 4


async def test_the_same_brake_under_one_key_is_put_on_once(office: Office) -> None:
    operator = office.login("operator")
    headers = {"Idempotency-Key": "brake-1"}
    body = {"held": True, "reason": "x"}
    first = await operator.post(f"/v1/provinces/{ANHUI}/brake", json=body, headers=headers)
    again = await operator.post(f"/v1/provinces/{ANHUI}/brake", json=body, headers=headers)
    assert (first.json(), again.headers["idempotent-replayed"]) == (again.json(), "true")
    assert (await shown(operator))["brake"]["revision"] == 1
    other = await operator.post(f"/v1/provinces/{ANHUI}/brake", json=body | {"held": False}, headers=headers)
    is_problem(other, 409, "idempotency_conflict")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"held": True},
        {"reason": "x"},
        {"held": True, "reason": ""},
        {"held": "perhaps", "reason": "x"},
        {"rate_per_s": 0, "reason": "x"},
        {"rate_per_s": -1, "reason": "x"},
        {"rate_per_s": 1e9, "reason": "x"},
        {"rate_per_s": "many", "reason": "x"},
        {"held": True, "reason": "x" * 201},
        {"held": True, "reason": "a\0b"},
        {"held": True, "reason": "x", "region": "310000"},
    ],
)
async def test_a_brake_that_says_nothing_sensible_is_refused(office: Office, body: dict[str, object]) -> None:
    operator = office.login("operator")
    is_problem(await operator.post(f"/v1/provinces/{ANHUI}/brake", json=body), 422)
    assert (await shown(operator))["brake"]["revision"] == 0


@pytest.mark.parametrize(
    "role", ["citizen", "agent", "caseworker", "supervisor", "coordinator", "integrator", "auditor"]
)
async def test_only_an_operator_holds_a_province(office: Office, role: str) -> None:
    caller = office.login(role, "340000", "tax")
    is_problem(await caller.post(f"/v1/provinces/{ANHUI}/brake", json={"held": True, "reason": "x"}), 403)
    assert (await shown(office.login("operator")))["brake"]["held"] is False


@pytest.mark.parametrize("role", ["citizen", "agent", "caseworker"])
async def test_how_provinces_do_is_for_those_who_run_them(office: Office, role: str) -> None:
    is_problem(await office.login(role, "340000", "tax").get("/v1/provinces"), 403)
    is_problem(await office.caller().get("/v1/provinces"), 401)


@pytest.mark.parametrize("region", ["110000", "340100", "x", "34000O"])
async def test_a_province_that_is_not_in_the_file_cannot_be_held(office: Office, region: str) -> None:
    answer = await office.login("operator").post(f"/v1/provinces/{region}/brake", json={"held": True, "reason": "x"})
    assert answer.status_code in {404, 422}


async def test_what_was_put_aside_is_listed_without_what_it_said(office: Office) -> None:
    row = provinces.Quarantine(
        region=ANHUI, case_no="no", step="permit", key="k" * 64, came_by="answer", code="wrong_person",
        digest="d" * 64, fields=["holder_id", "holder_name"], at=datetime(2026, 11, 25, tzinfo=UTC),
    )  # fmt: skip
    for _ in range(2):
        await provinces.put_aside(office.house.database, row)
    answer = await office.login("auditor").get(f"/v1/provinces/{ANHUI}/quarantine")
    (entry,) = answer.json()["entries"]
    assert (entry["step"], entry["code"], entry["fields"]) == ("permit", "wrong_person", ["holder_id", "holder_name"])
    assert (await office.login("auditor").get("/v1/provinces/310000/quarantine")).json() == {"entries": []}
    is_problem(await office.login("supervisor", "340000", "tax").get(f"/v1/provinces/{ANHUI}/quarantine"), 403)


async def test_open_cases_are_told_once_of_a_provinces_own_days(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_case(office.house.database)
    closed = LocalDay(day=date(2026, 12, 3), working=False, why=Text(zh="台风停工", en="the typhoon"))
    assert await usecases.tell_local_days(office.house) == 0
    monkeypatch.setattr(type(office.house.provinces), "local_days", {ANHUI: (closed,)})
    assert await usecases.tell_local_days(office.house) == 1
    assert await usecases.tell_local_days(office.house) == 0
    async with office.house.database.begin() as session:
        told = await session.execute(text("SELECT payload->>'region' FROM outbox WHERE kind = 'calendar'"))
        assert told.scalars().all() == [ANHUI]
    preview = "/v1/deadlines/preview?start=2026-12-01&days=2"
    anyone = office.caller()
    assert (await anyone.get(preview)).json()["due"] == "2026-12-03"
    here = (await anyone.get(f"{preview}&region=340100")).json()
    assert here["due"] == "2026-12-04"
    assert any("台风停工" in line["zh"] for line in here["explanation"])
    is_problem(await anyone.get(f"{preview}&region=x"), 422)
