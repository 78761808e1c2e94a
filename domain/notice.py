"""A holiday notice as somebody typed it in: read strictly, because a slip moves the deadlines of every open case.

Each fault has a code of its own (FAULTS, listed in docs/reference/calendars.md) and says where it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from pydantic import ValidationError

from domain.calendar import ONE_DAY, Holiday, YearNotice
from domain.messages import Message, Text

FIRST_YEAR, LAST_YEAR = 2000, 2099
LARGEST = 64 * 1024
EVE = 10  # days before 1 January that a notice may name: those of 2019 and 2023 begin in the December before

FAULTS: dict[str, Text] = {
    "not_json": Text(zh="文件不是UTF-8编码的JSON对象。", en="The file is not a JSON object in UTF-8."),
    "key_missing": Text(zh="缺少此项。", en="This key is missing."),
    "key_unknown": Text(zh="没有此项。", en="There is no such key."),
    "key_twice": Text(zh="此项出现了两次。", en="This key stands there twice."),
    "value_wrong": Text(
        zh="此值有误；日期写作2026-10-01。", en="This value is wrong; dates are written like 2026-10-01."
    ),
    "year_wrong": Text(zh="年份须在2000年至2099年之间。", en="The year must be 2000 to 2099."),
    "source_missing": Text(
        zh="请注明通知的出处（发文机关、日期或文号）。", en="Say which notice this is: who published it, and when."
    ),
    "no_holidays": Text(zh="没有任何节假日。", en="There is not a single holiday."),
    "name_missing": Text(zh="节假日须有中文和英文名称。", en="A holiday needs a name in Chinese and in English."),
    "holiday_reversed": Text(zh="节假日的末日早于首日。", en="The holiday ends before it begins."),
    "holiday_outside_year": Text(zh="节假日不在该年之内。", en="The holiday does not lie in the year of the notice."),
    "holidays_overlap": Text(zh="两个节假日有重叠。", en="Two holidays overlap."),
    "make_up_outside_year": Text(zh="调休上班日不在该年之内。", en="The make-up day does not lie in the year."),
    "make_up_on_weekday": Text(
        zh="调休上班日须为星期六或星期日。", en="A make-up working day must be a Saturday or a Sunday."
    ),
    "make_up_in_holiday": Text(zh="调休上班日在放假期间之内。", en="The make-up working day lies inside a holiday."),
    "make_up_twice": Text(zh="调休上班日重复。", en="The make-up working day stands there twice."),
}


class Fault(Message):
    """One thing that is wrong. ``where``: a path into the document, such as holidays[3]."""

    code: str
    where: str

    @property
    def text(self) -> Text:
        """What is wrong, in words."""
        return FAULTS[self.code]


class NoticeRefused(Exception):
    """Everything that is wrong with a notice."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(", ".join(f"{fault.code} {fault.where}" for fault in faults))
        self.faults = faults


class _Twice(ValueError):
    pass


def read_notice(source: bytes) -> YearNotice:
    """The notice; NoticeRefused with every fault otherwise."""
    try:
        if len(source) > LARGEST:
            raise ValueError("too large")
        document = json.loads(source.decode("utf-8"), object_pairs_hook=_once)
    except _Twice as twice:
        raise NoticeRefused([Fault(code="key_twice", where=str(twice))]) from twice
    except (ValueError, RecursionError) as error:
        raise NoticeRefused([Fault(code="not_json", where="")]) from error
    if not isinstance(document, dict):
        raise NoticeRefused([Fault(code="not_json", where="")])
    try:
        notice = YearNotice.model_validate_json(json.dumps(document), extra="forbid", strict=True)
    except ValidationError as error:
        raise NoticeRefused([_fault_of(e["type"], e["loc"]) for e in error.errors()]) from error
    faults = list(check(notice))
    if faults:
        raise NoticeRefused(faults)
    return notice


def digest(notice: YearNotice) -> str:
    """SHA-256 over the one spelling of the notice: by it two notices are the same."""
    canonical = json.dumps(notice.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def check(notice: YearNotice) -> Iterator[Fault]:
    """What the shape of a document cannot tell."""
    if not FIRST_YEAR <= notice.year <= LAST_YEAR:
        yield Fault(code="year_wrong", where="year")
        return
    if not notice.source.strip():
        yield Fault(code="source_missing", where="source")
    if not notice.holidays:
        yield Fault(code="no_holidays", where="holidays")
    for i, holiday in enumerate(notice.holidays):
        yield from _check_holiday(notice, i, holiday)
    for i, day in enumerate(notice.make_up_days):
        where = f"make_up_days[{i}]"
        if not _belongs(notice.year, day):
            yield Fault(code="make_up_outside_year", where=where)
        if day.weekday() < 5:
            yield Fault(code="make_up_on_weekday", where=where)
        if any(holiday.first <= day <= holiday.last for holiday in notice.holidays):
            yield Fault(code="make_up_in_holiday", where=where)
        if day in notice.make_up_days[:i]:
            yield Fault(code="make_up_twice", where=where)


def _check_holiday(notice: YearNotice, i: int, holiday: Holiday) -> Iterator[Fault]:
    where = f"holidays[{i}]"
    if not (holiday.name.zh.strip() and holiday.name.en.strip()):
        yield Fault(code="name_missing", where=where)
    if holiday.last < holiday.first:
        yield Fault(code="holiday_reversed", where=where)
        return
    if not (_belongs(notice.year, holiday.first) and holiday.last.year == notice.year):
        yield Fault(code="holiday_outside_year", where=where)
    if any(holiday.first <= other.last and other.first <= holiday.last for other in notice.holidays[:i]):
        yield Fault(code="holidays_overlap", where=where)


def _belongs(year: int, day: date) -> bool:
    """In the year, or among the days before it that its notice can shift for New Year."""
    return day.year == year or date(year, 1, 1) - ONE_DAY * EVE <= day < date(year, 1, 1)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(key)
        found[key] = value
    return found


def _fault_of(kind: str, location: tuple[int | str, ...]) -> Fault:
    code = {"missing": "key_missing", "extra_forbidden": "key_unknown"}.get(kind, "value_wrong")
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return Fault(code=code, where=where.removeprefix("."))
