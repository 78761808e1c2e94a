"""A notice is loaded once, replaced only when asked to, and every open case is told of it, no closed one."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import text

from catalogue.library import Library
from domain.calendar import WorkCalendar, YearNotice
from domain.case import CaseStatus
from domain.notice import read_notice
from models import outbox
from models.calendars import Calendars, Loaded, load, loaded
from models.database import Database
from models.outbox import OutboxKind
from tests.fixtures.samples import NOW, add_case, view
from tests.unit.test_deadline_command import notice

SHIPPED = Library().calendar


def made(**changes: object) -> YearNotice:
    return read_notice(json.dumps(notice(**changes)).encode())


async def put(database: Database, year: YearNotice, *, replace: bool = False) -> tuple[Loaded, int]:
    async with database.begin() as session:
        return await load(session, SHIPPED, year, replace=replace)


async def told(database: Database) -> list[str]:
    async with database.begin() as session:
        rows = await session.execute(text("SELECT case_no FROM outbox WHERE kind = 'calendar' ORDER BY id"))
        return list(rows.scalars())


async def years(database: Database) -> dict[int, str]:
    async with database.begin() as session:
        return {row.year: row.source for row in await loaded(session)}


async def test_every_open_case_is_told_and_no_closed_one(database: Database) -> None:
    open_ones = sorted([await add_case(database) for _ in range(3)])
    await add_case(database, shown=view(CaseStatus.WITHDRAWN, closed_at=NOW))
    assert await put(database, made()) == (Loaded.NEW, 3)
    assert await told(database) == open_ones
    async with database.begin() as session:
        assert await outbox.untold(session, OutboxKind.CALENDAR) == set(open_ones)
        due = await outbox.take_due(session)
        assert {row.case_no for row in due if row.kind == OutboxKind.CALENDAR} == set(open_ones)


async def test_the_same_notice_again_changes_nothing(database: Database) -> None:
    await add_case(database)
    await put(database, made())
    assert await put(database, made()) == (Loaded.SAME, 0)
    assert await put(database, made(), replace=True) == (Loaded.SAME, 0)
    assert len(await told(database)) == 1


async def test_a_notice_that_is_shipped_need_not_be_loaded(database: Database) -> None:
    assert await put(database, SHIPPED.years[-1]) == (Loaded.SAME, 0)
    assert await years(database) == {}


async def test_another_notice_for_a_year_needs_to_be_asked_for(database: Database) -> None:
    await add_case(database)
    await put(database, made())
    other = made(source="a second look")
    assert await put(database, other) == (Loaded.OTHER, 0)
    assert await years(database) == {2027: "made up for a test"}
    assert await put(database, other, replace=True) == (Loaded.REPLACED, 1)
    assert await years(database) == {2027: "a second look"}


async def test_a_year_that_is_shipped_is_replaced_only_when_asked_to(database: Database) -> None:
    changed = SHIPPED.years[-1].model_copy(update={"make_up_days": ()})
    assert await put(database, changed) == (Loaded.OTHER, 0)
    assert await put(database, changed, replace=True) == (Loaded.REPLACED, 0)


async def test_of_two_who_load_at_once_one_does_it(database: Database) -> None:
    await add_case(database)
    results = await asyncio.gather(*(put(database, made()) for _ in range(4)))
    assert sorted(results) == [(Loaded.NEW, 1), *[(Loaded.SAME, 0)] * 3]
    assert len(await told(database)) == 1


async def test_nothing_is_loaded_if_the_cases_cannot_be_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> int:
        raise RuntimeError("no room")

    monkeypatch.setattr(outbox, "post_to_open_cases", broken)
    with pytest.raises(RuntimeError, match="no room"):
        await put(database, made())
    assert await years(database) == {}


async def test_the_calendar_in_force_follows_the_table_and_is_read_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendars = Calendars(lambda: SHIPPED)

    async def in_force() -> WorkCalendar:
        async with database.begin() as session:
            return await calendars.in_force(session)

    before = await in_force()
    assert [n.year for n in before.years] == [2025, 2026]
    await put(database, made())
    after = await in_force()
    assert [n.year for n in after.years] == [2025, 2026, 2027]
    assert await in_force() is after
    await put(database, made(source="a second look"), replace=True)
    assert (await in_force()).years[-1].source == "a second look"


async def test_a_case_that_is_being_committed_is_told_too(database: Database) -> None:
    """Loading waits for whoever is writing a case, so that none slips through between the two."""
    await add_case(database)
    async with database.begin() as session:
        await session.execute(text("UPDATE cases SET updated_at = now()"))
        loading = asyncio.create_task(put(database, made()))
        done, _ = await asyncio.wait([loading], timeout=0.3)
        assert not done
    assert await loading == (Loaded.NEW, 1)
