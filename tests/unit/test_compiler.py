"""A service definition is refused with the line that is wrong; the shipped one compiles, always to the same plan."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML

from catalogue.compiler import Refused, compile_text
from catalogue.conditions import ConditionError, compile_condition, holds
from catalogue.forms import conditions
from catalogue.library import HERE
from catalogue.reading import DEEPEST, LARGEST
from domain.plan import Plan, bind
from tests.unit.plans import FORM, LIBRARY, MOVE

SOURCE = (HERE / "services" / f"{MOVE}.yaml").read_text(encoding="utf-8")


def complaints(source: str | bytes) -> list[str]:
    with pytest.raises(Refused) as raised:
        compile_text(source.encode() if isinstance(source, str) else source, "x.yaml")
    return [str(complaint) for complaint in raised.value.complaints]


def test_the_shipped_service_compiles_to_its_plan() -> None:
    plan = compile_text(SOURCE.encode())
    assert plan == LIBRARY.service(MOVE)
    assert re.fullmatch("[0-9a-f]{64}", plan.digest())
    assert [s.id for s in plan.steps][:3] == ["representative", "shareholder", "accept"]


def test_the_order_of_keys_changes_nothing_and_any_value_does() -> None:
    document = YAML(typ="safe", pure=True).load(SOURCE)

    def turned(node: object) -> object:
        if isinstance(node, dict):
            return {key: turned(node[key]) for key in reversed(node)}
        return [turned(item) for item in node] if isinstance(node, list) else node

    plan, other = Plan.model_validate(document), Plan.model_validate(turned(document))
    assert plan.canonical() == other.canonical()
    assert plan.digest() == other.digest() == LIBRARY.service(MOVE).digest()
    assert compile_text(SOURCE.replace("days: 5", "days: 4", 1).encode()).digest() != plan.digest()


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"a: " + b"x" * LARGEST, "too_large"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "too_deep"),
        (b"{a: " * 5000 + b"1" + b"}" * 5000, "too_deep"),
        ("a: 企业".encode("gbk"), "not_utf8"),
        (b"\xef\xbb\xbf\x00", "not_yaml"),
        (b"a: \x1b", "not_yaml"),
        (b"", "not_mapping"),
        (b"- a\n- b", "not_mapping"),
        (b"a: 1\n---\nb: 2", "not_yaml"),
        (b"a: &x [1]\nb: [*x, *x]", "anchor"),
        (b"a: " + b"9" * 100_000, "not_yaml"),
        (b"valid_from: 2026-13-45", "wrong_value"),
        (b"? [a]\n: b", "wrong_value"),
        (b"a: !!python/object/apply:os.system ['true']", "yaml_tag"),
    ],
)  # fmt: skip
def test_a_bomb_is_a_complaint_and_nothing_else(source: bytes, code: str) -> None:
    assert any(f": {code}: " in c for c in complaints(source))


def test_a_form_without_an_object_of_fields_is_a_complaint() -> None:
    source = SOURCE.replace("  properties:\n", "  properties: 5\n  other:\n", 1)
    assert any(": form_schema: " in c or ": form_object: " in c for c in complaints(source))


TYPES = {"name": "string", "age": "integer", "rich": "boolean"}


@pytest.mark.parametrize(
    "expression",
    [
        "$now > 1",
        "$today == null",
        "name == $random",
        "name == '$now'",
        "name.__class__",
        "name.to_epoch",
        "other == 'x'",
        "age.name",
        "name > 3",
        "age + name == 'x'",
        "name[",
        "name =~ '('",
        "",
        "import os",
        "[x for x in name]",
        "name == 'x' " + "and name == 'x' " * 50,
        "2 ** 99999999 > 1",
    ],
)
def test_a_condition_that_is_wrong_or_reaches_out_is_refused_at_load(expression: str) -> None:
    with pytest.raises(ConditionError):
        compile_condition(expression, TYPES)


def test_a_condition_sees_the_form_and_nothing_left_out_is_an_error() -> None:
    assert holds("age >= 18 and rich", {"age": 20, "rich": True, "name": "x"}, TYPES)
    assert not holds("name == 'x'", {}, TYPES)
    assert holds("age == null", {}, TYPES)


@pytest.mark.parametrize("expression", ["age > 2", "name.starts_with('x')", "name.length > 1", "1 / age > 0"])
def test_what_cannot_be_reckoned_does_not_hold_and_breaks_nothing(expression: str) -> None:
    compile_condition(expression, TYPES)
    assert not holds(expression, {}, TYPES)
    assert not holds(expression, {"age": 0, "name": ""}, TYPES)


def test_a_step_that_does_not_apply_passes_its_needs_on() -> None:
    text = "    needs: [accept]\n    operation: archive_handover\n"
    source = SOURCE.replace(text, "    when: uscc == shareholder_uscc\n" + text)
    source = source.replace("needs: [representative, shareholder, tax, archive]", "needs: [tax, archive]", 1)
    plan = compile_text(source.encode())
    applies = conditions(plan, FORM)
    assert applies == {"uscc == shareholder_uscc": False}
    case = bind(plan, FORM, applies)
    assert "archive" not in {s.id for s in case.steps}
    assert "origin_market" not in {leg.id for leg in case.legs}
    assert next(s for s in case.steps if s.id == "decide").needs == ("tax", "accept")


def test_the_plan_of_a_case_holds_places_and_no_personal_data() -> None:
    plan = LIBRARY.service(MOVE)
    case = bind(plan, FORM, {})
    assert case.plan_digest == plan.digest()
    assert {s.place.region for s in case.steps} == {"310000", "330000", "320500", "340100"}
    text = case.model_dump_json()
    assert not [value for name, value in FORM.items() if not name.endswith("_city") and str(value) in text]
