"""Holiday notices that were loaded. With those shipped they are the calendar in force; a loaded one wins its year."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Integer, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.calendar import LocalDay, WorkCalendar, YearNotice
from domain.notice import digest as digest_of
from models import outbox
from models.columns import digest_column, json_column, moment


class Calendar(SQLModel, table=True):
    """One year's notice as it was loaded."""

    __tablename__ = "calendar"

    year: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    body: dict[str, Any] = json_column()
    source: str
    digest: str = digest_column()
    loaded_at: datetime = moment()


class Loaded(StrEnum):
    """What came of loading a notice."""

    NEW = "new"
    REPLACED = "replaced"
    SAME = "same"
    OTHER = "other"  # another notice of that year is in force, and it was not to be replaced


class Calendars:
    """The calendar in force: read from the table when it has changed, else remembered. One per process.

    local: by province, the days on which it works otherwise (the provinces file).
    """

    def __init__(
        self, shipped: Callable[[], WorkCalendar], local: Callable[[], Mapping[str, tuple[LocalDay, ...]]] = dict
    ) -> None:
        self._shipped = shipped
        self._local = local
        self._known: tuple[object, ...] = ()
        self._calendar: WorkCalendar | None = None

    async def in_force(self, session: AsyncSession, region: str = "") -> WorkCalendar:
        """What every date is computed with now, at this place."""
        return self.at(await self._national(session), region)

    def at(self, calendar: WorkCalendar, region: str) -> WorkCalendar:
        """A calendar with the days of this place's province."""
        local = self._local().get(region[:2] + "0000", ())
        return WorkCalendar(years=calendar.years, local=local) if local else calendar

    async def _national(self, session: AsyncSession) -> WorkCalendar:
        shipped = self._shipped()
        rows = await session.execute(select(col(Calendar.year), col(Calendar.digest)).order_by(col(Calendar.year)))
        known = (shipped, *((year, digest) for year, digest in rows))
        if self._calendar is None or known != self._known:
            self._calendar, self._known = combined(shipped, await loaded(session)), known
        return self._calendar


async def loaded(session: AsyncSession) -> Sequence[Calendar]:
    """The notices in the table, by year."""
    result = await session.execute(
        select(Calendar).order_by(col(Calendar.year)).execution_options(populate_existing=True)
    )
    return result.scalars().all()


def combined(shipped: WorkCalendar, rows: Sequence[Calendar]) -> WorkCalendar:
    """Shipped and loaded notices, by year."""
    years = {notice.year: notice for notice in shipped.years}
    years |= {row.year: YearNotice.model_validate(row.body) for row in rows}
    return WorkCalendar(years=tuple(years[year] for year in sorted(years)))


async def load(
    session: AsyncSession, shipped: WorkCalendar, notice: YearNotice, *, replace: bool
) -> tuple[Loaded, int]:
    """Puts a notice in force and has every open case computed again; returns what came of it and for how many cases.

    No case is written while this runs, and nobody else loads. A case that was committed before is told by its message;
    one that is committed after starts with the new calendar, because whoever starts it reads the table later.
    """
    await session.execute(text("LOCK TABLE cases IN SHARE ROW EXCLUSIVE MODE"))
    digest = digest_of(notice)
    in_force = combined(shipped, await loaded(session))
    before = next((n for n in in_force.years if n.year == notice.year), None)
    if before is not None and digest_of(before) == digest:
        return Loaded.SAME, 0
    if before is not None and not replace:
        return Loaded.OTHER, 0
    await session.execute(delete(Calendar).where(col(Calendar.year) == notice.year))
    session.add(
        Calendar(
            year=notice.year,
            body=notice.model_dump(mode="json"),
            source=notice.source,
            digest=digest,
            loaded_at=(await session.execute(select(func.now()))).scalar_one(),
        )
    )
    await session.flush()
    told = await outbox.post_to_open_cases(session, outbox.OutboxKind.CALENDAR, {"year": notice.year, "digest": digest})
    return Loaded.REPLACED if before is not None else Loaded.NEW, told
