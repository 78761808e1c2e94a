"""A case whose date was provisional gets its date when the notice is loaded, wherever the case is by then."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import date

import httpx
import pytest_asyncio
from sqlalchemy import text

from api.app import create_app
from api.delivery import Delivery
from catalogue.library import Library
from domain.calendar import WorkCalendar
from models.calendars import Loaded, load
from models.outbox import OutboxKind
from tests.fixtures.houses import Office
from tests.fixtures.running import Town
from tests.fixtures.samples import library
from tongban.relay import relay_once

THIS_YEAR = library().calendar.years[-1]
YEAR_BEFORE = WorkCalendar(years=library().calendar.years[:-1])


class Backward(Library):
    """A house that was built before this year's notice came."""

    @property
    def calendar(self) -> WorkCalendar:
        return YEAR_BEFORE


class Early(Office):
    """The town's API without this year's notice, and a relay for it."""

    def __init__(self, town: Town) -> None:
        house = dataclasses.replace(town.house, library=Backward())
        super().__init__(house, town.logins, httpx.ASGITransport(create_app(house)), "http://api.test")
        self.delivery = Delivery(house.database, house.gateway, house.calendars, local_first=True)

    async def load_this_year(self) -> tuple[Loaded, int]:
        async with self.house.database.begin() as session:
            return await load(session, YEAR_BEFORE, THIS_YEAR, replace=False)

    async def relay(self) -> None:
        while await relay_once(self.house, self.delivery):
            pass

    async def waiting(self, kind: OutboxKind) -> set[str]:
        async with self.house.database.begin() as session:
            rows = await session.execute(
                text("SELECT case_no FROM outbox WHERE kind = :kind AND done_at IS NULL"), {"kind": kind.value}
            )
            return set(rows.scalars())


@pytest_asyncio.fixture
async def early(town: Town) -> AsyncIterator[Early]:
    made = Early(town)
    yield made
    await made.relay()
    async with town.database.begin() as session:
        await session.execute(text("DELETE FROM calendar"))


async def test_a_provisional_date_is_computed_again_when_the_notice_is_loaded(town: Town, early: Early) -> None:
    no = await early.citizen("waiting").submit()
    who = town.citizen("waiting")
    before = (await town.until(who, no, lambda c: c["clocks"]))["clocks"][0]
    assert before["provisional"] is True
    result, told = await early.load_this_year()
    assert result is Loaded.NEW
    assert told == len(await early.waiting(OutboxKind.CALENDAR))
    assert no in await early.waiting(OutboxKind.CALENDAR)
    await early.relay()
    assert await early.waiting(OutboxKind.CALENDAR) == set()
    after = (await town.until(who, no, lambda c: not c["clocks"][0]["provisional"]))["clocks"][0]
    started = date.fromisoformat(before["started_on"])
    assert after["legal_due"] == library().calendar.due(started, 5).day.isoformat()
    events = (await who.get(f"/v1/cases/{no}/events")).json()["events"]
    assert [e["data"]["clock"] for e in events if e["type"] == "clock:due:recomputed"] == ["acceptance"]


async def test_a_case_that_nobody_has_started_yet_starts_with_the_notice(
    town: Town, early: Early, office: Office
) -> None:
    house = dataclasses.replace(early.house, gateway=office.house.gateway)  # it cannot reach Temporal
    lame = Office(house, town.logins, httpx.ASGITransport(create_app(house)), "http://api.test")
    no = await lame.citizen("patient-2").submit()
    async with town.database.begin() as session:  # its start is not due before the news is
        later = text("UPDATE outbox SET due_at = now() + interval '1 hour' WHERE case_no = :no AND kind = 'start'")
        await session.execute(later, {"no": no})
    await early.load_this_year()
    await early.relay()
    case = await town.until(town.citizen("patient-2"), no, lambda c: c["clocks"])
    assert case["clocks"][0]["provisional"] is False
    assert no not in await early.waiting(OutboxKind.START)


async def test_news_for_a_case_that_has_ended_meanwhile_is_done(town: Town, early: Early) -> None:
    who = early.citizen("leaving")
    no = await who.submit()
    await town.until(town.citizen("leaving"), no, lambda c: c["status"] == "received")
    await early.load_this_year()
    assert (await who.post(f"/v1/cases/{no}/withdraw", json={})).status_code == 200
    await town.until(town.citizen("leaving"), no, lambda c: c["closed_at"])
    await early.relay()
    assert await early.waiting(OutboxKind.CALENDAR) == set()


async def test_cases_that_start_after_the_load_start_with_it(town: Town, early: Early) -> None:
    await early.load_this_year()
    no = await early.citizen("later").submit()
    case = await town.until(town.citizen("later"), no, lambda c: c["clocks"])
    assert case["clocks"][0]["provisional"] is False
