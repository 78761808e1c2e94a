"""Working days as the yearly notices order them; limits as the licensing law counts them."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import ONE_DAY, SHANGHAI, Suspension, WorkCalendar, local_day
from domain.messages import Text
from tests.unit.plans import LIBRARY

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "deadlines.json").read_text(encoding="utf-8"))
CALENDAR = LIBRARY.calendar
WHY = Text(zh="听证", en="hearing")
d = date.fromisoformat
days = st.dates(d("2025-01-01"), d("2026-12-31"))
limits = st.integers(0, 60)
pauses = st.lists(
    st.builds(
        lambda first, more: Suspension(first=first, last=first + timedelta(days=more), why=WHY),
        days,
        st.integers(0, 40),
    ),
    max_size=3,
)


def year(number: int) -> list[date]:
    return [date(number, 1, 1) + timedelta(days=i) for i in range(365)]


@pytest.mark.parametrize("vector", GOLDEN["vectors"], ids=lambda v: f"{v['start']}+{v['working_days']}")
def test_a_limit_ends_on_the_day_the_law_says(vector: dict[str, str]) -> None:
    due = CALENDAR.due(d(vector["start"]), int(vector["working_days"]))
    assert due.day == d(vector["due"])


@pytest.mark.parametrize("vector", GOLDEN["suspension"], ids=lambda v: v["start"])
def test_days_of_a_special_procedure_do_not_count(vector: dict[str, object]) -> None:
    spans = vector["suspended"]
    assert isinstance(spans, list)
    suspended = [Suspension(first=d(s["from"]), last=d(s["to"]), why=WHY) for s in spans]
    due = CALENDAR.due(d(str(vector["start"])), int(str(vector["working_days"])), suspended)
    assert due.day == d(str(vector["due"]))
    # 21-24 and 28 September, and the make-up Sunday the 20th; the rest days in between cost nothing
    assert due.explanation[-1].zh == "听证，暂停计时 6 个工作日。"


@pytest.mark.parametrize("number", [2025, 2026])
def test_every_day_is_what_the_notice_says(number: int) -> None:
    assert [x for x in year(number) if CALENDAR.is_working_day(x) != chinese_calendar.is_workday(x)] == []


@pytest.mark.parametrize("number", [2025, 2026])
def test_a_year_has_248_working_days(number: int) -> None:
    assert sum(map(CALENDAR.is_working_day, year(number))) == 248


@pytest.mark.parametrize(
    ("start", "count", "provisional"),
    [("2026-12-31", 0, False), ("2026-12-30", 1, False), ("2026-12-31", 1, True), ("2027-06-01", 1, True)],
)
def test_a_date_in_a_year_without_notice_is_marked_and_never_guessed(start: str, count: int, provisional: bool) -> None:
    due = CALENDAR.due(d(start), count)
    assert due.provisional is provisional
    assert ("暂定" in due.explanation[-1].zh) is provisional
    assert ("provisional" in due.explanation[-1].en) is provisional


def test_without_any_notice_weekdays_are_counted() -> None:
    due = WorkCalendar().due(d("2026-09-30"), 5)
    assert (due.day, due.provisional) == (d("2026-10-07"), True)


@given(days, limits)
def test_a_due_day_is_a_working_day(start: date, count: int) -> None:
    due = CALENDAR.due(start, count)
    assert CALENDAR.is_working_day(due.day) if count else due.day == start


@given(days, limits)
def test_a_longer_limit_ends_later(start: date, count: int) -> None:
    assert CALENDAR.due(start, count).day < CALENDAR.due(start, count + 1).day


@given(days, limits)
def test_a_later_start_never_ends_earlier(start: date, count: int) -> None:
    assert CALENDAR.due(start, count).day <= CALENDAR.due(start + ONE_DAY, count).day


@given(days, limits, pauses)
def test_a_suspension_never_makes_it_earlier(start: date, count: int, suspended: list[Suspension]) -> None:
    due = CALENDAR.due(start, count, suspended).day
    assert due >= CALENDAR.due(start, count).day
    assert count == 0 or not any(s.first <= due <= s.last for s in suspended)


@given(days, limits, pauses)
def test_a_suspension_costs_its_working_days_and_no_more(start: date, count: int, suspended: list[Suspension]) -> None:
    due = CALENDAR.due(start, count, suspended).day
    run = [start + timedelta(days=i) for i in range(1, (due - start).days + 1)]
    counted = [x for x in run if CALENDAR.is_working_day(x) and not any(s.first <= x <= s.last for s in suspended)]
    assert len(counted) == count


@given(days, limits)
def test_counting_back_is_the_inverse(start: date, count: int) -> None:
    due = CALENDAR.due(start, count).day
    assert CALENDAR.working_days_between(start, due) == count
    assert CALENDAR.working_days_between(due, start) == -count


@given(days, limits, pauses)
def test_the_explanation_accounts_for_every_day(start: date, count: int, suspended: list[Suspension]) -> None:
    due = CALENDAR.due(start, count, suspended)
    run = [start + timedelta(days=i) for i in range(1, (due.day - start).days + 1)]
    open_days = [x for x in run if not any(s.first <= x <= s.last for s in suspended)]
    expected: dict[str, int] = {}
    for notice in CALENDAR.years:
        for holiday in notice.holidays:
            skipped = sum(holiday.first <= x <= holiday.last for x in open_days)
            if skipped:
                expected[holiday.name.en] = expected.get(holiday.name.en, 0) + skipped
    told = {m[2]: int(m[1]) for line in due.explanation if (m := re.fullmatch(r"\+(\d+) for (.*)\.", line.en))}
    assert told == expected
    make_up = [x for notice in CALENDAR.years for x in notice.make_up_days if x in open_days]
    assert [line.en for line in due.explanation if "make-up" in line.en] == [
        f"{x} is a make-up working day and counts." for x in make_up
    ]
    assert all(line.zh and line.en for line in due.explanation)


def test_the_day_ends_at_midnight_in_shanghai() -> None:
    due = CALENDAR.due(d("2026-09-30"), 5)
    assert due.at == datetime(2026, 10, 14, tzinfo=SHANGHAI)
    assert local_day(datetime.fromisoformat("2026-09-30T16:00:00+00:00")) == d("2026-10-01")
    assert local_day(datetime.fromisoformat("2026-09-30T15:59:59+00:00")) == d("2026-09-30")


def test_a_limit_below_zero_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        CALENDAR.due(d("2026-01-05"), -1)
