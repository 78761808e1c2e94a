"""Working days of the State Council's yearly notices: weekends, statutory holidays and make-up working days (调休).

Rule (domain note 2.4, tag U-H): the day of the trigger does not count; day 1 is the next working day; make-up
Saturdays and Sundays count; a suspended day does not. A date in a year whose notice is not loaded is counted by
weekdays and marked provisional; it is never guessed from a library. All dates are Asia/Shanghai.

Limits in calendar days (民法典第二百零一条, 第二百零三条, tag U-H): day 1 is the next day, days off count, suspended
days do not; if the last day is a day off, the working day after it is the last.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from functools import cached_property

from pydantic import ConfigDict, model_validator

from domain.messages import Message, Text
from domain.plan.vocabulary import Unit

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # one zone since 1949, no summer time since 1991
ONE_DAY = timedelta(days=1)


class Holiday(Message):
    """A span of days off, both ends included."""

    name: Text
    first: date
    last: date


class YearNotice(Message):
    """The holiday notice of one year, from catalogue/calendars/YEAR.json."""

    year: int
    source: str
    holidays: tuple[Holiday, ...]
    make_up_days: tuple[date, ...]


class LocalDay(Message):
    """A day on which one province works otherwise than the national notice says (台风停工, 地方调休)."""

    day: date
    working: bool
    why: Text


class Suspension(Message):
    """Days that do not count, both ends included; an open end is today."""

    first: date
    last: date
    why: Text

    @model_validator(mode="after")
    def _in_order(self) -> Suspension:
        if self.last < self.first:
            raise ValueError(f"a suspension ends before it begins: {self.first} to {self.last}")
        return self


class Due(Message):
    """A due date and how it came about. It ends at 24:00 Asia/Shanghai of ``day``."""

    day: date
    provisional: bool
    explanation: tuple[Text, ...]

    @property
    def at(self) -> datetime:
        """The first instant that is too late."""
        return datetime.combine(self.day + ONE_DAY, time(0), SHANGHAI)


class WorkCalendar(Message):
    """The notices known when the case (or the preview) was computed: an input, never looked up inside a workflow.

    local: of the place whose days are counted; they win over the notices.
    """

    model_config = ConfigDict(frozen=True, ignored_types=(cached_property,))

    years: tuple[YearNotice, ...] = ()
    local: tuple[LocalDay, ...] = ()

    @cached_property
    def _off(self) -> dict[date, Text]:
        off: dict[date, Text] = {}
        for notice in self.years:
            for holiday in notice.holidays:
                day = holiday.first
                while day <= holiday.last:
                    off[day] = holiday.name
                    day += ONE_DAY
        for here in self.local:
            off.pop(here.day, None)
            if not here.working:
                off[here.day] = here.why
        return off

    @cached_property
    def _make_up(self) -> frozenset[date]:
        days = {day for notice in self.years for day in notice.make_up_days} - {here.day for here in self.local}
        return frozenset(days | {here.day for here in self.local if here.working})

    @cached_property
    def _published(self) -> frozenset[int]:
        return frozenset(notice.year for notice in self.years)

    def is_published(self, day: date) -> bool:
        """Whether the notice for this day's year is loaded."""
        return day.year in self._published

    def is_working_day(self, day: date) -> bool:
        """Monday to Friday but for holidays, and make-up days whatever their weekday."""
        if day in self._make_up:
            return True
        return day.weekday() < 5 and day not in self._off

    def working_days_between(self, after: date, last: date) -> int:
        """How many working days lie in (after, last]; negative when last is before after."""
        if last < after:
            return -self.working_days_between(last, after)
        return sum(self.is_working_day(after + ONE_DAY * i) for i in range(1, (last - after).days + 1))

    def due_in(self, start: date, days: int, unit: Unit, suspensions: Iterable[Suspension] = ()) -> Due:
        """The due date of a limit of so many days of its unit. ValueError for a number below zero."""
        if unit is Unit.CALENDAR_DAY:
            return self.due_by_date(start, days, suspensions)
        return self.due(start, days, suspensions)

    def due(self, start: date, working_days: int, suspensions: Iterable[Suspension] = ()) -> Due:
        """The due date ``working_days`` after ``start``, with the words that explain it."""
        if working_days < 0:
            raise ValueError("working_days must not be negative")
        pauses = tuple(suspensions)
        day, counted, provisional = start, 0, not self.is_published(start)
        skipped: dict[str, tuple[Text, int]] = {}
        made_up: list[date] = []
        paused: dict[str, tuple[Text, int]] = {}
        while counted < working_days:
            day += ONE_DAY
            provisional = provisional or not self.is_published(day)
            pause = _pause(pauses, day)
            if pause is not None:
                if self.is_working_day(day):
                    _count(paused, pause.why)
            elif self.is_working_day(day):
                counted += 1
                if day in self._make_up:
                    made_up.append(day)
            elif day in self._off:
                _count(skipped, self._off[day])
        return Due(
            day=day,
            provisional=provisional,
            explanation=_explain(start, working_days, day, skipped, made_up, paused, provisional),
        )

    def due_by_date(self, start: date, days: int, suspensions: Iterable[Suspension] = ()) -> Due:
        """The due date ``days`` calendar days after ``start``; never a day off or a suspended one, unless it is start.

        Only the days that decide whether the last one is a day off can make it provisional.
        """
        if days < 0:
            raise ValueError("days must not be negative")
        pauses = tuple(suspensions)
        day, counted = start, 0
        paused: dict[str, tuple[Text, int]] = {}
        while counted < days:
            day += ONE_DAY
            pause = _pause(pauses, day)
            if pause is None:
                counted += 1
            else:
                _count(paused, pause.why)
        last, provisional = day, not self.is_published(day)
        while days and (_pause(pauses, day) or not self.is_working_day(day)):
            day += ONE_DAY
            if (pause := _pause(pauses, day)) is not None:
                _count(paused, pause.why)
            provisional = provisional or not self.is_published(day)
        lines = [_from(start, days, Unit.CALENDAR_DAY, last)]
        lines += [_paused(why, count, Unit.CALENDAR_DAY) for why, count in paused.values()]
        if day != last:
            lines.append(_moved(last, self._off.get(last, _WEEKEND), day))
        if provisional:
            lines.append(_PROVISIONAL)
        return Due(day=day, provisional=provisional, explanation=tuple(lines))


_WEEKEND = Text(zh="休息日", en="a day of rest")
_PROVISIONAL = Text(
    zh="所涉年份的放假通知尚未公布，此日期为暂定，公布后重新计算。",
    en="The holiday notice of a year concerned is not published yet; this date is provisional and will be recomputed.",
)


def _pause(pauses: tuple[Suspension, ...], day: date) -> Suspension | None:
    """The first that holds the day; a day under two suspensions is lost once."""
    return next((pause for pause in pauses if pause.first <= day <= pause.last), None)


def _count(into: dict[str, tuple[Text, int]], why: Text) -> None:
    into[why.zh] = (why, into.get(why.zh, (why, 0))[1] + 1)


def _explain(
    start: date,
    working_days: int,
    day: date,
    skipped: dict[str, tuple[Text, int]],
    made_up: list[date],
    paused: dict[str, tuple[Text, int]],
    provisional: bool,
) -> tuple[Text, ...]:
    lines = [_from(start, working_days, Unit.WORKING_DAY, day)]
    for name, days in skipped.values():
        lines.append(Text(zh=f"{name.zh}放假，顺延 {days} 天。", en=f"+{days} for {name.en}."))
    for made in made_up:
        lines.append(Text(zh=f"{made} 为调休上班日，计入。", en=f"{made} is a make-up working day and counts."))
    lines += [_paused(why, days, Unit.WORKING_DAY) for why, days in paused.values()]
    if provisional:
        lines.append(_PROVISIONAL)
    return tuple(lines)


def _from(start: date, days: int, unit: Unit, last: date) -> Text:
    if unit is Unit.WORKING_DAY:
        zh, en = f"{days} 个工作日", f"{days} working {_days(days)}"
    else:
        zh, en = f"{days} 日（自然日）", f"{days} calendar {_days(days)}"
    return Text(
        zh=f"自 {start} 次日起算 {zh}，至 {last} 止。", en=f"{en} counted from the day after {start}, ending on {last}."
    )


def _paused(why: Text, days: int, unit: Unit) -> Text:
    zh, en = ("个工作日", "working ") if unit is Unit.WORKING_DAY else ("天", "")
    return Text(zh=f"{why.zh}，暂停计时 {days} {zh}。", en=f"Paused for {days} {en}{_days(days)}: {why.en}.")


def _moved(last: date, why: Text, day: date) -> Text:
    return Text(
        zh=f"最后一日 {last} 为{why.zh}，依民法典第二百零三条顺延至 {day}。",
        en=f"The last day, {last}, is {why.en}; the limit moves to {day}, the next working day (Civil Code, art. 203).",
    )


def _days(count: int) -> str:
    return "day" if count == 1 else "days"


def local_day(moment: datetime) -> date:
    """The Asia/Shanghai calendar day of an aware moment."""
    return moment.astimezone(SHANGHAI).date()
