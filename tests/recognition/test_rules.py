"""The conditions forbid or allow; none of them ever decides for recognition."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.medical.recognition import Facts, ListedItem, ReportEntry, Technical, forbidden, judge, mark_covers
from domain.medical.recognition.rules import CONDITIONS, equipment, valid_until
from domain.regions import covers
from tests.recognition.sick import NOW, PLACE, listed, row

CT = listed().find("CT-CHEST")
PLACES = ("310104", "320500", "320509", "330421", "340500", "340503", "440300", "310000")
SCOPES = ("", "national", "region:yrd", "region:jjj", "310000", "340000", "340500", "340503", "31010", "３１００００")


def codes(item: ListedItem | None = CT, place: str = PLACE, **changes: object) -> tuple[str, ...]:
    parts = {"retrieved": True, "intact": True, "same_person": True}
    facts = {name: changes.pop(name) for name in list(parts) if name in changes}
    days = changes.pop("days", 3)
    entry = ReportEntry.model_validate(row(days=days) | changes)  # type: ignore[arg-type]
    return tuple(forbidden(judge(Facts.model_validate({"entry": entry} | parts | facts), item, place, NOW)))


def test_a_marked_report_of_a_listed_item_in_time_is_for_the_physician_to_decide() -> None:
    assert codes() == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"hr_scope": ""}, "T1_NO_MARK"),
        ({"qc_cert_no": ""}, "T1_NO_MARK"),
        ({"qc_enddate": "2026-11-22"}, "T1_NO_MARK"),  # it did not hold on the day
        ({"qc_begndate": "2026-11-24"}, "T1_NO_MARK"),
        ({"qc_begndate": "", "qc_enddate": ""}, "T1_NO_MARK"),
        ({"hr_scope": "340000"}, "T2_SCOPE"),
        ({"days": 15}, "T3_EXPIRED"),
        ({"days": -1}, "T3_EXPIRED"),  # from tomorrow
        ({"same_person": False}, "T4_ID_MISMATCH"),
        ({"item": None}, "T5_NOT_IN_LIST"),
        ({"place": "440300", "hr_scope": "national"}, "T5_NOT_IN_LIST"),
        ({"equip": "detector_rows=8"}, "T6_EQUIP_PARAM"),
        ({"equip": ""}, "T6_EQUIP_PARAM"),  # nothing said is not enough
        ({"equip": "detector_rows=NaN"}, "T6_EQUIP_PARAM"),
        ({"retrieved": False}, "T7_NOT_INTACT"),
        ({"intact": False}, "T7_NOT_INTACT"),
    ],
)
def test_each_condition_forbids_with_its_code(changes: dict[str, object], code: str) -> None:
    found = codes(**changes)  # type: ignore[arg-type]
    assert code in found
    # without an item no validity is known, without a mark no scope
    assert len(found) == (2 if changes.get("item", CT) is None or changes.get("hr_scope") == "" else 1)


def test_every_condition_is_told_whatever_the_first_says() -> None:
    entry = ReportEntry.model_validate(row(hr_scope="", equip="", days=900))
    findings = judge(Facts(entry=entry, retrieved=False, intact=False, same_person=False), CT, PLACE, NOW)
    assert [f.rule for f in findings] == list(CONDITIONS)
    assert [f.rule for f in findings if f.holds] == ["listed"]
    assert set(forbidden(findings)) == set(Technical) - {Technical.T5_NOT_IN_LIST}
    assert all(f.text.zh and f.text.en and (f.code or f.holds) for f in findings)


def test_the_last_day_of_validity_counts_and_the_certificates_too() -> None:
    assert codes(days=14, qc_begndate="2026-11-12", qc_enddate="2026-11-12") == ()
    entry = ReportEntry.model_validate(row(days=14))
    due = valid_until(entry, CT)
    assert due is not None
    facts = Facts(entry=entry, retrieved=True, intact=True, same_person=True)
    assert forbidden(judge(facts, CT, PLACE, due - timedelta(seconds=1))) == ()
    assert forbidden(judge(facts, CT, PLACE, due)) == (Technical.T3_EXPIRED,)


@given(place=st.sampled_from(PLACES))
def test_a_wider_mark_covers_what_a_narrower_one_does(place: str) -> None:
    city, province = place[:4] + "00", place[:2] + "0000"
    order = [mark_covers(scope, place) for scope in (place, city, province, "region:yrd", "national")]
    assert mark_covers("national", place)
    assert mark_covers("region:yrd", place) == (place[:2] in {"31", "32", "33", "34"})
    if place[:2] in {"31", "32", "33", "34"}:
        assert order == sorted(order)


@given(scope=st.sampled_from(SCOPES), place=st.sampled_from(PLACES))
def test_a_mark_of_a_place_holds_inside_it_and_nowhere_else(scope: str, place: str) -> None:
    if scope.isascii() and scope.isdigit() and len(scope) == 6:
        assert mark_covers(scope, place) == covers(scope, place)
    elif scope not in {"national", "region:yrd"}:
        assert not mark_covers(scope, place)


@given(
    st.builds(
        dict,
        hr_scope=st.sampled_from(SCOPES),
        qc_cert_no=st.sampled_from(["", "QC"]),
        qc_begndate=st.sampled_from(["", "2026-01-01", "2026-11-25", "x"]),
        qc_enddate=st.sampled_from(["", "2026-06-30", "2026-12-31", "2026-02-30"]),
        exam_time=st.sampled_from(["", "2026-11-20 08:00:00", "2026-11-20", "2026-13-01 00:00:00", "yesterday"]),
        equip=st.text(max_size=30) | st.just("detector_rows=64"),
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, CT]),
)
def test_nothing_is_allowed_unless_every_condition_holds(
    changes: dict[str, str], retrieved: bool, intact: bool, same: bool, item: ListedItem | None
) -> None:
    entry = ReportEntry.model_validate(row() | changes)
    findings = judge(Facts(entry=entry, retrieved=retrieved, intact=intact, same_person=same), item, PLACE, NOW)
    assert (forbidden(findings) == ()) == all(f.holds for f in findings)
    assert all((f.code is None) == f.holds for f in findings)
    if not (retrieved and intact and same and item):
        assert forbidden(findings)


@given(st.text())
def test_any_words_about_equipment_can_be_read(words: str) -> None:
    assert all(number.is_finite() for number in equipment(words).values())


def test_the_list_is_tagged_and_never_called_official() -> None:
    assert {item.tag for item in listed().items} <= {"DESIGN", "U-L", "U-M", "U-H"}
    assert len({item.code for item in listed().items}) == len(listed().items)
    charges = [code for item in listed().items for code in item.charges]
    assert len(set(charges)) == len(charges)
    assert not set(charges) & {code for item in listed().items for code in item.readings}
