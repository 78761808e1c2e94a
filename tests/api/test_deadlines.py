"""Anybody may ask when a limit would end; what cannot be answered is a problem with its field."""

from __future__ import annotations

import json
from collections.abc import Sequence

import httpx
import pytest

from catalogue.library import HERE
from domain.errors import ERRORS
from domain.notice import read_notice
from models.calendars import load
from tests.fixtures.houses import Office
from tests.unit.test_deadline_command import notice

PATH = "/v1/deadlines/preview"


async def ask(office: Office, **params: str | Sequence[str]) -> httpx.Response:
    return await office.caller().get(PATH, params=params)


async def test_a_limit_is_answered_without_a_login(office: Office) -> None:
    answer = await ask(office, start="2026-09-30", days="5")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["due"], body["provisional"], body["working_days"]) == ("2026-10-13", False, 5)
    assert {"zh": "国庆节放假，顺延 7 天。", "en": "+7 for National Day."} in body["explanation"]


async def test_every_suspension_counts(office: Office) -> None:
    spans = ["2026-09-19..2026-09-22", "2026-09-22..2026-09-28"]
    body = (await ask(office, start="2026-09-16", days="5", suspend=spans)).json()
    assert body["due"] == "2026-10-08"
    assert body["working_days"] == 5 + 6


async def test_a_limit_in_calendar_days(office: Office) -> None:
    body = (await ask(office, start="2026-09-24", days="10", unit="calendar_day")).json()
    assert body["due"] == "2026-10-08"
    assert "art. 203" in body["explanation"][-1]["en"]


async def test_every_limit_of_a_service(office: Office) -> None:
    body = (await ask(office, start="2026-11-24", service="YRD-ENT-MOVE")).json()
    assert body["service"] == "YRD-ENT-MOVE"
    dues = {
        clock["id"]: [clock[part] and clock[part]["due"] for part in ("legal", "promised")] for clock in body["clocks"]
    }
    assert dues == {
        "acceptance": ["2026-12-01", None],
        "registration": ["2026-11-27", "2026-11-25"],
        "archive": [None, "2026-12-01"],
        "certificate": ["2026-12-08", None],
    }


@pytest.mark.parametrize(
    ("params", "code", "field"),
    [
        ({"days": "5"}, "field_missing", "/start"),
        ({"start": "2026-09-31", "days": "5"}, "date_invalid", "/start"),
        ({"start": "2026-W40-1", "days": "5"}, "date_invalid", "/start"),
        ({"start": "9999-12-31", "days": "5"}, "date_invalid", "/start"),
        ({"start": "2026-09-16", "days": "-1"}, "days_out_of_range", "/days"),
        ({"start": "2026-09-16", "days": "3661"}, "days_out_of_range", "/days"),
        ({"start": "2026-09-16", "days": "5.0"}, "field_invalid", "/days"),
        ({"start": "2026-09-16", "days": "٥"}, "field_invalid", "/days"),
        ({"start": "2026-09-16", "days": "5", "unit": "week"}, "field_invalid", "/unit"),
        ({"start": "2026-09-16", "days": "5", "suspend": "2026-09-19"}, "suspension_invalid", "/suspend/0"),
        ({"start": "2026-09-16", "days": "5", "suspend": "2026-09-19..x"}, "date_invalid", "/suspend/0"),
        (
            {"start": "2026-09-16", "days": "5", "suspend": "2026-09-28..2026-09-19"},
            "suspension_reversed",
            "/suspend/0",
        ),
        ({"start": "2026-09-16", "days": "5", "suspend": "2026-01-01..2099-01-01"}, "days_out_of_range", "/suspend"),
        ({"start": "2026-09-16", "days": "5", "suspend": ["2026-09-19..2026-09-19"] * 21}, "field_invalid", "/suspend"),
        ({"start": "2026-09-16"}, "limit_unclear", "/days"),
        ({"start": "2026-09-16", "days": "5", "service": "YRD-ENT-MOVE"}, "limit_unclear", "/days"),
    ],
)
async def test_what_cannot_be_answered_is_told_with_its_field(
    office: Office, params: dict[str, str], code: str, field: str
) -> None:
    answer = await ask(office, **params)
    assert answer.status_code == ERRORS[code].status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert [item["field"] for item in answer.json()["errors"]] == [field]


async def test_everything_that_is_wrong_is_told_at_once(office: Office) -> None:
    body = (await ask(office, start="tomorrow", days="-3", suspend=["x", "2026-09-28..2026-09-19"])).json()
    assert [(item["code"], item["field"]) for item in body["errors"]] == [
        ("date_invalid", "/start"),
        ("days_out_of_range", "/days"),
        ("suspension_invalid", "/suspend/0"),
        ("suspension_reversed", "/suspend/1"),
    ]


async def test_a_service_that_is_not_there_is_not_found(office: Office) -> None:
    answer = await ask(office, start="2026-09-16", service="NONE")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_date_in_a_year_without_notice_is_provisional_until_one_is_loaded(office: Office) -> None:
    before = (await ask(office, start="2026-12-30", days="2")).json()
    assert (before["due"], before["provisional"]) == ("2027-01-01", True)
    made_up = read_notice(json.dumps(notice()).encode())
    async with office.house.database.begin() as session:
        await load(session, office.house.library.calendar, made_up, replace=False)
    after = (await ask(office, start="2026-12-30", days="2")).json()
    assert (after["due"], after["provisional"]) == ("2027-01-04", False)


async def test_a_loaded_notice_takes_the_place_of_the_shipped_one(office: Office) -> None:
    shipped = json.loads((HERE / "calendars" / "2026.json").read_bytes())
    without = shipped | {"make_up_days": [], "source": "corrected"}
    async with office.house.database.begin() as session:
        await load(session, office.house.library.calendar, read_notice(json.dumps(without).encode()), replace=True)
    body = (await ask(office, start="2026-09-30", days="5")).json()
    assert body["due"] == "2026-10-14"  # 10 October is a Saturday like any other
