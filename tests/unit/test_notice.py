"""A holiday notice is read strictly: every slip has a code, and says where it is."""

from __future__ import annotations

import json
import re

import pytest

from catalogue.library import HERE
from domain.notice import FAULTS, NoticeRefused, digest, read_notice
from tests.unit.test_deadline_command import notice


def holiday(first: str, last: str, zh: str = "节", en: str = "holiday") -> dict[str, object]:
    return {"name": {"zh": zh, "en": en}, "first": first, "last": last}


def faults(source: bytes | dict[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(NoticeRefused) as refused:
        read_notice(source if isinstance(source, bytes) else json.dumps(source).encode())
    return [(fault.code, fault.where) for fault in refused.value.faults]


BAD: list[tuple[str, str, bytes | dict[str, object]]] = [
    ("not_json", "", b"{"),
    ("not_json", "", b"\xff"),
    ("not_json", "", b"[]"),
    ("not_json", "", b"[" * 50_000),
    ("not_json", "", b" " * 70_000 + b"{}"),
    ("key_missing", "year", {k: v for k, v in notice().items() if k != "year"}),
    ("key_unknown", "city", notice(city="Suzhou")),
    ("key_twice", "year", b'{"year": 2027, "year": 2028}'),
    ("value_wrong", "year", notice(year="2027")),
    ("value_wrong", "make_up_days[0]", notice(make_up_days=["9/26/2027"])),
    ("value_wrong", "holidays[0].first", notice(holidays=[holiday("2027-02-29", "2027-03-01")])),
    ("year_wrong", "year", notice(year=1848)),
    ("source_missing", "source", notice(source="")),
    ("no_holidays", "holidays", notice(holidays=[])),
    ("name_missing", "holidays[0]", notice(holidays=[holiday("2027-01-01", "2027-01-01", en=" ")])),
    ("holiday_reversed", "holidays[0]", notice(holidays=[holiday("2027-10-07", "2027-10-01")])),
    ("holiday_outside_year", "holidays[0]", notice(holidays=[holiday("2028-01-01", "2028-01-02")])),
    ("holiday_outside_year", "holidays[0]", notice(holidays=[holiday("2026-12-01", "2027-01-01")])),
    (
        "holidays_overlap",
        "holidays[1]",
        notice(holidays=[holiday("2027-05-01", "2027-05-05"), holiday("2027-05-05", "2027-05-06")]),
    ),
    ("make_up_outside_year", "make_up_days[0]", notice(make_up_days=["2028-01-08"])),
    ("make_up_on_weekday", "make_up_days[0]", notice(make_up_days=["2027-10-08"])),
    ("make_up_in_holiday", "make_up_days[0]", notice(make_up_days=["2027-10-02"])),
    ("make_up_twice", "make_up_days[1]", notice(make_up_days=["2027-09-26", "2027-09-26"])),
]


@pytest.mark.parametrize(("code", "where", "source"), BAD, ids=[f"{n}-{bad[0]}" for n, bad in enumerate(BAD)])
def test_a_slip_is_told_by_code_and_place(code: str, where: str, source: bytes | dict[str, object]) -> None:
    assert faults(source) == [(code, where)]


def test_every_fault_is_shown_here_and_has_its_words() -> None:
    assert {code for code, _, _ in BAD} == set(FAULTS)
    for text in FAULTS.values():
        assert re.search("[\u4e00-\u9fff]", text.zh)
        assert text.en.isascii()


@pytest.mark.parametrize("year", [2025, 2026])
def test_the_shipped_notices_are_read(year: int) -> None:
    assert read_notice((HERE / "calendars" / f"{year}.json").read_bytes()).year == year


def test_new_year_may_begin_in_the_december_before() -> None:
    read = read_notice(json.dumps(notice(holidays=[holiday("2026-12-31", "2027-01-02")])).encode())
    assert read.holidays[0].first.year == 2026


def test_the_same_notice_has_the_same_digest_however_it_is_written() -> None:
    one = read_notice(json.dumps(notice()).encode())
    other = read_notice(json.dumps(dict(reversed(notice().items())), indent=3, ensure_ascii=False).encode())
    changed = read_notice(json.dumps(notice(make_up_days=[])).encode())
    assert digest(one) == digest(other) != digest(changed)
