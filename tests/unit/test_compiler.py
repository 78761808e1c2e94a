"""A service definition is refused with the line that is wrong; the shipped one compiles, always to the same plan."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import catalogue.compiler
from catalogue.compiler import DEEPEST, LARGEST, Refused, compile_text
from catalogue.conditions import ConditionError, compile_condition, holds
from catalogue.forms import conditions
from catalogue.library import HERE
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


# code, what is replaced (first occurrence), by what, and words of the line that must be pointed at
BAD = [
    ("form_schema", "type: object\n", "type: objekt\n", "form:"),
    ("title_missing", "title: 企业名称, ", "", "company_name:"),
    ("field_unknown", "subject_field: company_name", "subject_field: nobody", "subject_field:"),
    ("field_unknown", "field: destination_city\n    text", "field: nowhere\n    text", "field: nowhere"),
    ("field_unknown", "region_field: destination_city", "region_field: uscc", "region_field: uscc"),
    ("field_unknown", "form.new_address", "form.old_address", "new_address: form.old_address"),
    ("field_unknown", "step.archive.reference", "step.licence.reference", "archive_reference:"),
    ("field_unknown", "shows: {name: company_name", "shows: {name: nothing", "shows:"),
    ("condition", "shareholder_uscc != uscc", "shareholder_uscc != nothing", "expression: shareholder_uscc"),
    ("condition", "shareholder_uscc != uscc", "shareholder_uscc > 3", "expression: shareholder_uscc"),
    ("role_region", "region_field: destination_city\n", 'region_field: destination_city\n    region: "310000"\n', "destination_market:"),  # noqa: E501
    ("region_unknown", 'region: "310000"', 'region: "110000"', 'region: "110000"'),
    ("role_unknown", "accepting_role: destination_market", "accepting_role: nobody", "accepting_role:"),
    ("role_unknown", "role: shanghai_data, title", "role: nobody, title", "id: shanghai, role"),
    ("leg_unknown", "leg: shanghai\n", "leg: nowhere\n", "leg: nowhere"),
    ("leg_empty", "legs:\n", "legs:\n  - {id: idle, role: origin_tax, title: {zh: 空, en: idle}}\n", "id: idle"),
    ("step_twice", "- id: archive\n    leg", "- id: tax\n    leg", "id: tax"),
    ("operation", "    operation: tax_clearance\n", "", "- id: tax"),
    ("purpose_missing", "    purpose: {zh: 核验股东主体资格, en: To verify the shareholder}\n", "", "- id: shareholder"),  # noqa: E501
    ("compensation_missing", "    compensate_with: archive_return\n", "", "- id: archive"),
    ("step_unknown", "needs: [register]", "needs: [registre]", "needs: [registre]"),
    ("step_unknown", "step: representative,", "step: nobody,", "id: representative, source"),
    ("step_unknown", "step: licence\n", "step: register\n", "step: register"),
    ("cycle", "needs: [accept]", "needs: [decide]", "needs: [decide]"),
    ("certificate_early", "needs: [register]", "needs: [accept]", "needs: [accept]"),
    ("accept_late", "    kind: accept\n    role: destination_market\n", "    kind: accept\n    needs: [decide]\n    role: destination_market\n", "    needs: [decide]"),  # noqa: E501
    ("id_twice", "id: shareholder, source", "id: representative, source", "id: representative, source"),
    ("condition", "shareholder_uscc != uscc", "shareholder_uscc =~ '(x+x+)+y'", "expression: shareholder_uscc"),
    ("accept_missing", "kind: accept\n", "kind: decide\n", "steps:"),
    ("mark_unknown", "stop: accept.done", "stop: accept.gone", "- id: acceptance"),
    ("clock_empty", "promised: {days: 5, basis: {zh: 长三角一网通办承诺, en: Regional service promise}, tag: U-M}", "", "- id: archive\n    title: {zh: 档案移交期限"),  # noqa: E501
    ("promised_longer", "promised: {days: 1", "promised: {days: 4", "promised: {days: 4"),
    ("result_missing", "\n    step: licence\n", "\n    step: register\n", "- id: licence"),
    ("number_code", "number_code: ENTMOV", "number_code: entmov", "number_code:"),
    ("unknown_key", "mode: joint", "mode: joint\nmood: good", "mood:"),
    ("missing_key", "mode: joint\n", "", "# 企业跨省迁移登记"),
    ("wrong_value", "days: 5,", "days: -5,", "days: -5"),
    ("not_yaml", "mode: joint", "mode: joint: joint", "mode: joint: joint"),
    ("not_yaml", "mode: joint", "mode: joint\nmode: other", "mode: other"),
    ("anchor", "mode: joint", "mode: &a joint", "mode: &a"),
    ("anchor", "mode: joint", "mode: *a", "mode: *a"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "good", "bad", "line"), BAD, ids=[f"{row[0]}-{i}" for i, row in enumerate(BAD)])
def test_a_mistake_is_named_with_its_line(code: str, good: str, bad: str, line: str) -> None:
    assert good in SOURCE
    source = SOURCE.replace(good, bad, 1)
    found = [c for c in complaints(source) if f": {code}: " in c]
    assert found
    pointed = []
    for complaint in found:
        match = re.match(r"x\.yaml:(\d+):(\d+): ", complaint)
        assert match
        pointed.append("\n".join(source.split("\n")[int(match[1]) - 1 :])[:400])
    assert any(line in text[: len(line) + 60] for text in pointed), pointed


def test_each_complaint_the_compiler_can_make_is_tried_here() -> None:
    source = Path(catalogue.compiler.__file__).read_text(encoding="utf-8")
    known = set(re.findall(r'"([a-z]+_[a-z_]+|anchor|condition|cycle|operation)"', source))
    tried = {row[0] for row in BAD} | {"too_large", "too_deep"}
    assert tried <= known
    assert set(re.findall(r'(?:\), |,\s+|"x", )"([a-z]+_[a-z_]+|anchor|condition|cycle|operation)",', source)) <= tried


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"a: " + b"x" * LARGEST, "too_large"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "too_deep"),
        (b"{a: " * 5000 + b"1" + b"}" * 5000, "too_deep"),
        ("a: 企业".encode("gbk"), "not_yaml"),
        (b"\xef\xbb\xbf\x00", "not_yaml"),
        (b"a: \x1b", "not_yaml"),
        (b"", "not_yaml"),
        (b"- a\n- b", "not_yaml"),
        (b"a: 1\n---\nb: 2", "not_yaml"),
        (b"a: &x [1]\nb: [*x, *x]", "anchor"),
        (b"a: " + b"9" * 100_000, "not_yaml"),
        (b"valid_from: 2026-13-45", "not_yaml"),
        (b"? [a]\n: b", "wrong_value"),
        (b"a: !!python/object/apply:os.system ['true']", "unknown_key"),
    ],
)  # fmt: skip
def test_a_bomb_is_a_complaint_and_nothing_else(source: bytes, code: str) -> None:
    assert any(f": {code}: " in c for c in complaints(source))


def test_a_form_without_an_object_of_fields_is_a_complaint() -> None:
    source = SOURCE.replace("  properties:\n", "  properties: 5\n  other:\n", 1)
    assert any(": form_schema: " in c for c in complaints(source))


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
