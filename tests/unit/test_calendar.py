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

from domain.calendar import ONE_DAY, SHANGHAI, LocalDay, Suspension, WorkCalendar, local_day
from domain.messages import Text
from domain.plan import Unit
from models.calendars import Calendars
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


def test_every_part_of_the_golden_file_is_used() -> None:
    assert set(GOLDEN) == {"rule", "vectors", "suspension"}
    assert {name for vector in GOLDEN["vectors"] for name in vector} == {"start", "working_days", "due"}
    assert {name for v in GOLDEN["suspension"] for name in v} == {"start", "working_days", "suspended", "due"}
    assert len(GOLDEN["vectors"]) >= 6
    assert GOLDEN["suspension"]


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


@given(days, limits, pauses)
def test_between_start_and_due_lie_the_limit_and_the_paused_working_days(
    start: date, count: int, suspended: list[Suspension]
) -> None:
    due = CALENDAR.due(start, count, suspended).day
    run = [start + timedelta(days=i) for i in range(1, (due - start).days + 1)]
    paused = [x for x in run if CALENDAR.is_working_day(x) and any(s.first <= x <= s.last for s in suspended)]
    assert CALENDAR.working_days_between(start, due) - len(paused) == count


@given(days, limits, pauses, st.sampled_from(Unit))
def test_a_suspension_that_is_told_twice_counts_once(
    start: date, count: int, suspended: list[Suspension], unit: Unit
) -> None:
    once, twice = (CALENDAR.due_in(start, count, unit, spans) for spans in (suspended, suspended * 2))
    assert once == twice


def test_suspensions_that_overlap_count_once() -> None:
    apart = [Suspension(first=d("2026-09-16"), last=d("2026-09-22"), why=WHY)]
    across = [*apart, Suspension(first=d("2026-09-21"), last=d("2026-09-24"), why=Text(zh="鉴定", en="appraisal"))]
    due = CALENDAR.due(d("2026-09-15"), 1, across)
    assert due.day == d("2026-09-28")
    assert [line.en for line in due.explanation[-2:]] == [
        "Paused for 6 working days: hearing.",
        "Paused for 2 working days: appraisal.",
    ]


def test_a_suspension_that_ends_before_it_begins_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="ends before it begins: 2026-09-28 to 2026-09-19"):
        Suspension(first=d("2026-09-28"), last=d("2026-09-19"), why=WHY)


# calendar days


@pytest.mark.parametrize(
    ("start", "count", "due", "words"),
    [
        ("2026-11-23", 3, "2026-11-26", ""),
        ("2026-11-23", 5, "2026-11-30", "a day of rest"),  # a Saturday
        ("2026-09-24", 10, "2026-10-08", "National Day"),
        ("2026-09-16", 4, "2026-09-20", ""),  # a Sunday on which people work
        ("2026-11-28", 0, "2026-11-28", ""),  # nothing to count, nothing to move
    ],
)
def test_a_limit_in_days_ends_on_the_working_day_after_a_day_off(start: str, count: int, due: str, words: str) -> None:
    found = CALENDAR.due_in(d(start), count, Unit.CALENDAR_DAY)
    assert found.day == d(due)
    moved = [line for line in found.explanation if "art. 203" in line.en]
    assert [words in line.en and "第二百零三条" in line.zh for line in moved] == [True] * bool(words)


def test_suspended_days_do_not_count_in_calendar_days_either() -> None:
    pause = Suspension(first=d("2026-11-25"), last=d("2026-11-29"), why=WHY)
    found = CALENDAR.due_in(d("2026-11-23"), 3, Unit.CALENDAR_DAY, [pause])
    assert found.day == d("2026-12-01")
    assert found.explanation[-1] == Text(zh="听证，暂停计时 5 天。", en="Paused for 5 days: hearing.")


def test_a_limit_never_ends_while_it_is_suspended() -> None:
    pause = Suspension(first=d("2026-11-30"), last=d("2026-12-01"), why=WHY)
    found = CALENDAR.due_in(d("2026-11-23"), 5, Unit.CALENDAR_DAY, [pause])  # Saturday; Monday and Tuesday are lost
    assert found.day == d("2026-12-02")


@pytest.mark.parametrize(
    ("start", "count", "provisional"),
    [("2026-12-20", 11, False), ("2026-12-20", 12, True), ("2026-12-31", 0, False), ("2024-12-30", 3, False)],
)
def test_a_limit_in_days_is_provisional_if_its_end_lies_in_a_year_without_notice(
    start: str, count: int, provisional: bool
) -> None:
    due = CALENDAR.due_in(d(start), count, Unit.CALENDAR_DAY)
    assert due.provisional is provisional
    assert ("暂定" in due.explanation[-1].zh, "provisional" in due.explanation[-1].en) == (provisional, provisional)


def test_a_limit_in_days_below_zero_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        CALENDAR.due_in(d("2026-01-05"), -1, Unit.CALENDAR_DAY)


@given(days, limits, pauses)
def test_a_limit_in_days_ends_on_a_working_day_that_is_not_suspended(
    start: date, count: int, suspended: list[Suspension]
) -> None:
    due = CALENDAR.due_in(start, count, Unit.CALENDAR_DAY, suspended).day
    if count == 0:
        assert due == start
    else:
        assert CALENDAR.is_working_day(due)
        assert not any(s.first <= due <= s.last for s in suspended)


@given(days, limits, pauses)
def test_a_limit_in_days_counts_every_day_and_moves_no_further_than_it_must(
    start: date, count: int, suspended: list[Suspension]
) -> None:
    due = CALENDAR.due_in(start, count, Unit.CALENDAR_DAY, suspended).day
    run = [start + timedelta(days=i) for i in range(1, (due - start).days + 1)]
    free = [x for x in run if not any(s.first <= x <= s.last for s in suspended)]
    assert len(free) >= count
    assert [x for x in free[max(count, 1) - 1 : -1] if CALENDAR.is_working_day(x)] == []


@given(days, limits, pauses)
def test_a_longer_limit_in_days_never_ends_earlier(start: date, count: int, suspended: list[Suspension]) -> None:
    ends = [CALENDAR.due_in(start, n, Unit.CALENDAR_DAY, suspended).day for n in (count, count + 1)]
    assert ends == sorted(ends)
    assert ends[0] >= CALENDAR.due_in(start, count, Unit.CALENDAR_DAY).day


@given(st.dates(d("2025-01-01"), d("2026-08-01")), limits)
def test_the_end_of_a_limit_is_where_another_calendar_has_it(start: date, count: int) -> None:
    day, left = start, count
    while left:
        day += ONE_DAY
        left -= chinese_calendar.is_workday(day)
    assert CALENDAR.due_in(start, count, Unit.WORKING_DAY).day == day
    day = start + timedelta(days=count)
    while count and not chinese_calendar.is_workday(day):
        day += ONE_DAY
    assert CALENDAR.due_in(start, count, Unit.CALENDAR_DAY).day == day


def local(day: str, *, working: bool) -> LocalDay:
    return LocalDay(day=date.fromisoformat(day), working=working, why=Text(zh="台风停工", en="the typhoon closure"))


def test_a_day_on_which_a_province_is_closed_does_not_count_there() -> None:
    here = WorkCalendar(years=CALENDAR.years, local=(local("2026-11-25", working=False),))
    assert CALENDAR.due(date(2026, 11, 24), 1).day == date(2026, 11, 25)
    due = here.due(date(2026, 11, 24), 1)
    assert due.day == date(2026, 11, 26)
    assert any("台风停工" in line.zh and "typhoon" in line.en for line in due.explanation)


def test_a_province_may_work_on_a_day_off_and_rest_on_a_make_up_day() -> None:
    rest, work = local("2026-10-10", working=False), local("2026-11-28", working=True)
    here = WorkCalendar(years=CALENDAR.years, local=(rest, work))
    assert CALENDAR.is_working_day(rest.day)
    assert not here.is_working_day(rest.day)
    assert not CALENDAR.is_working_day(work.day)
    assert here.is_working_day(work.day)


def test_local_days_of_one_province_change_nothing_elsewhere() -> None:
    calendars = Calendars(lambda: CALENDAR, lambda: {"330000": (local("2026-11-25", working=False),)})
    assert not calendars.at(CALENDAR, "330106").is_working_day(date(2026, 11, 25))
    assert calendars.at(CALENDAR, "320500") is CALENDAR
