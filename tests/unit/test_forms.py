"""A form is corrected once: every fault is named with its field, in Chinese and English."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.forms import check_eligibility, read_form
from domain.errors import Refusal, Refusals
from tests.unit.plans import FORM, LIBRARY, MOVE

PLAN = LIBRARY.service(MOVE)


def faults(**changes: Any) -> dict[str, Refusal]:
    form = {k: v for k, v in (FORM | changes).items() if v is not None}
    with pytest.raises(Refusals) as raised:
        read_form(PLAN, form, LIBRARY.divisions)
    return {fault.field: fault for fault in raised.value.items}


def test_a_right_form_is_taken_and_its_numbers_are_written_one_way() -> None:
    typed = FORM | {"uscc": " 91320500xxxx000275 ", "company_name": "  苏州示例精密制造有限公司 "}
    assert read_form(PLAN, typed, LIBRARY.divisions) == FORM


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"company_name": None}, "field_missing"),
        ({"company_name": "一"}, "field_invalid"),
        ({"company_name": "长" * 101}, "field_invalid"),
        ({"company_name": 7}, "field_invalid"),
        ({"uscc": "91310000XXXX00019D"}, "uscc_invalid"),
        ({"uscc": ["91310000XXXX00019C"]}, "field_invalid"),
        ({"legal_representative_id": "310199900101001"}, "resident_id_invalid"),
        ({"legal_representative_name": ""}, "field_invalid"),
        ({"legal_representative_name": "长" * 41}, "field_invalid"),
        ({"destination_city": "110000"}, "region_unknown"),
        ({"destination_city": "340900"}, "region_unknown"),
        ({"extra": "x"}, "field_unknown"),
        ({"case_no": "x"}, "field_unknown"),
    ],
)
def test_each_fault_is_named_with_its_field_and_in_both_languages(change: dict[str, Any], code: str) -> None:
    found = faults(**change)
    (field,) = found
    assert field == f"/form/{next(iter(change))}"
    assert found[field].code == code
    assert found[field].kind.text.zh != found[field].kind.text.en
    if code in {"field_missing", "field_invalid"}:
        detail = found[field].detail
        title = PLAN.form_fields()[next(iter(change))]
        assert detail is not None
        assert detail.zh.startswith(str(title["title"]))
        assert detail.en.startswith(str(title["x-title-en"]))


def test_all_faults_are_told_at_once() -> None:
    found = faults(company_name=None, uscc="1", destination_city="999999", extra=1)
    assert {f.code for f in found.values()} == {"field_missing", "uscc_invalid", "region_unknown", "field_unknown"}


@pytest.mark.parametrize(
    "name",
    [
        "𠮷",
        "𠀋𡈽",
        "㐂",
        "买买提·吐尔逊",
        "阿卜杜拉·阿卜杜热合曼",
        "王",
        "长" * 40,
        "𠮷" * 40,
        "Ōe Kenzaburō",
        "é",
        "歐陽",
    ],
)
def test_a_name_is_taken_as_it_is(name: str) -> None:
    form = FORM | {"legal_representative_name": name}
    assert read_form(PLAN, form, LIBRARY.divisions)["legal_representative_name"] == name


def test_two_spellings_of_one_letter_become_one() -> None:
    form = FORM | {"legal_representative_name": "Jose\u0301"}
    assert read_form(PLAN, form, LIBRARY.divisions)["legal_representative_name"] == "Jos\u00e9"


@pytest.mark.parametrize(
    "invisible",
    [*"\u200b\u200d\u202e\u2066\ufeff\x00\x1b\x7f\u00ad\ue000\ud800\U000e0041\uffff"],
    ids=lambda c: f"{ord(c):x}",
)
@pytest.mark.parametrize("field", ["legal_representative_name", "company_name", "new_address"])
def test_what_cannot_be_seen_is_refused(field: str, invisible: str) -> None:
    value = str(FORM[field])
    found = faults(**{field: value[:2] + invisible + value[2:]})
    assert [(f.field, f.code) for f in found.values()] == [(f"/form/{field}", "text_unreadable")]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (["330000", "110000"], "region_unknown"),
        (["330000\u200b"], "text_unreadable"),
        ([["\x00"]], "text_unreadable"),
        ({"a": "\x00"}, "text_unreadable"),
        ({"\x00": "a"}, "text_unreadable"),
        (float("nan"), "field_invalid"),
        ([float("inf")], "field_invalid"),
    ],
)
def test_what_lies_inside_a_field_is_read_like_the_field(value: Any, code: str) -> None:
    """A definition may leave the rest open; what cannot be kept is refused all the same."""
    form = {"type": "object", "properties": {"places": {"title": "地点", "items": {"format": "region"}}}}
    plan = PLAN.model_copy(update={"form": form})
    with pytest.raises(Refusals) as refused:
        read_form(plan, {"places": value}, LIBRARY.divisions)
    assert [fault.code for fault in refused.value.items] == [code]


def test_a_move_inside_one_province_is_not_this_service() -> None:
    (refusal,) = check_eligibility(PLAN, FORM | {"origin_city": "320100"})
    assert (refusal.code, refusal.field) == ("not_eligible", "/form/destination_city")
    assert refusal.detail is not None
    assert "第二十七条" in refusal.detail.zh
    assert "art. 27" in refusal.detail.en


def test_the_company_is_not_its_own_shareholder() -> None:
    (refusal,) = check_eligibility(PLAN, FORM | {"shareholder_uscc": FORM["uscc"]})
    assert refusal.field == "/form/shareholder_uscc"
    assert check_eligibility(PLAN, FORM) == []
