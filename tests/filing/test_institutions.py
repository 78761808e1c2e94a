"""The designated institutions that are shipped, and the search in them."""

from __future__ import annotations

from datetime import date

from catalogue.library import Library
from catalogue.medical import institutions
from domain.medical.filing_rules import pool_of
from domain.medical.institution import CareKind, InstitutionQuery, find_institutions
from domain.names import PROVINCES

LIST = institutions()
TODAY = date(2026, 11, 25)


def codes(day: date = TODAY, **query: object) -> list[str]:
    found = find_institutions(LIST.institutions, InstitutionQuery.model_validate(query), day)
    return [item.code for item in found]


def test_they_are_in_all_four_provinces_and_plainly_made_up() -> None:
    assert len(LIST.institutions) >= 24
    assert {item.region[:2] + "0000" for item in LIST.institutions} == set(PROVINCES)
    assert LIST.synthetic
    assert all(item.name.zh.startswith("示例") and item.name.en.startswith("Sample") for item in LIST.institutions)


def test_each_can_do_what_the_list_knows_and_lies_in_a_pool_that_has_a_name() -> None:
    names = Library().divisions.names
    for item in LIST.institutions:
        assert set(item.capabilities) <= set(LIST.capabilities)
        assert set(item.diseases) <= set(LIST.diseases)
        assert (CareKind.CHRONIC in item.networked) <= bool(item.diseases)
        assert item.region in names or pool_of(item.region) in names
        assert (item.level == 0) == item.code.startswith("P")


def test_all_ten_chronic_diseases_are_opened_somewhere_in_each_province() -> None:
    for province in PROVINCES:
        assert all(codes(region=province, disease=disease, care="chronic") for disease in LIST.diseases), province


def test_they_are_found_by_place_level_capability_disease_and_day() -> None:
    assert codes(region="340500") == ["H34050000001", "H34050300001", "H34050300002", "P34050000002"]
    assert codes(region="310104", level=3, capability="cardiac_surgery") == ["H31010400001"]
    assert "H32020000002" not in codes(region="320000")
    assert "H32020000002" in codes(date(2026, 6, 30), region="320000"), "its last day counts"
    assert "H34110000002" in codes(date(2027, 1, 1))
    assert codes(disease="M08300", care="chronic", region="330000") == ["H33010000001", "H33010000011"]
    assert codes(name="嘉善") == codes(region="330421")
