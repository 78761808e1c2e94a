"""A form as handed in: normalised, checked against its schema, every fault named with its field in zh and en."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from math import isfinite

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from pydantic import JsonValue

from catalogue.conditions import field_types, holds
from catalogue.library import Divisions
from domain.errors import Refusal, Refusals
from domain.identifiers import check_resident_id, check_uscc
from domain.messages import Text
from domain.plan import Plan

_CHECKED = {"resident_id": check_resident_id, "uscc": check_uscc}


def read_form(plan: Plan, form: Mapping[str, JsonValue], divisions: Divisions) -> dict[str, JsonValue]:
    """The form with identifiers normalised; Refusals naming every field that is wrong."""
    fields = plan.form_fields()
    clean: dict[str, JsonValue] = {}
    faults: list[Refusal] = []
    for name, value in form.items():
        try:
            clean[name] = _read_field(name, value, fields.get(name, {}), divisions)
        except Refusal as fault:
            faults.append(fault)
            clean[name] = value
    found = {fault.field for fault in faults}
    for error in Draft202012Validator(dict(plan.form)).iter_errors(clean):
        faults += [fault for fault in _schema_faults(error, fields) if fault.field not in found]
    if faults:
        raise Refusals(faults)
    return clean


def check_eligibility(plan: Plan, form: Mapping[str, JsonValue]) -> list[Refusal]:
    """The conditions of the service that this form does not meet."""
    types = field_types(plan.form_fields())
    return [
        Refusal(
            "not_eligible",
            field=f"/form/{rule.field}",
            detail=Text(zh=f"{rule.text.zh}（{rule.basis.zh}）", en=f"{rule.text.en} ({rule.basis.en})"),
        )
        for rule in plan.eligibility
        if not holds(rule.expression, form, types)
    ]


def conditions(plan: Plan, form: Mapping[str, JsonValue]) -> dict[str, bool]:
    """Every expression that the course of a case depends on -> whether it holds for this form."""
    types = field_types(plan.form_fields())
    found = {step.when for step in plan.steps} | {fee.when for fee in plan.fees}
    found |= {material.required_when for material in plan.materials}
    found |= {route.when for step in plan.steps for route in step.routes}
    changes = [change for overlay in plan.overlays for change in overlay.steps.values()]
    found |= {route.when for change in changes for route in change.routes or ()}
    return {expression: holds(expression, form, types) for expression in sorted(found - {""})}


def _read_field(name: str, value: JsonValue, schema: Mapping[str, JsonValue], divisions: Divisions) -> JsonValue:
    pointer = f"/form/{name}"
    if isinstance(value, list):
        items = schema.get("items")
        inner = {"format": schema.get("format", "")} | (items if isinstance(items, dict) else {})
        return [_read_field(f"{name}/{i}", item, inner, divisions) for i, item in enumerate(value)]
    if isinstance(value, dict):
        parts = schema.get("properties")
        of = parts if isinstance(parts, dict) else {}
        found = {key: part if isinstance(part := of.get(key), dict) else {} for key in value}
        return {
            str(_read_field(name, key, {}, divisions)): _read_field(f"{name}/{key}", item, found[key], divisions)
            for key, item in value.items()
        }
    if isinstance(value, float) and not isfinite(value):
        raise Refusal("field_invalid", pointer)
    if not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFC", value).strip()
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} for c in text):
        raise Refusal("text_unreadable", pointer)
    form = str(schema.get("format", ""))
    try:
        if check := _CHECKED.get(form):
            return check(text)
    except Refusal as fault:
        raise Refusal(fault.code, pointer) from fault
    if form == "region" and text not in divisions.names:
        raise Refusal("region_unknown", pointer)
    return text


def _schema_faults(error: ValidationError, fields: Mapping[str, Mapping[str, JsonValue]]) -> Iterator[Refusal]:
    if error.validator == "required" and not error.path:
        present = error.instance if isinstance(error.instance, dict) else {}
        missing = next(
            (n for n in error.validator_value if f"'{n}' is a required" in error.message and n not in present), ""
        )
        yield Refusal("field_missing", f"/form/{missing}", _named(fields.get(missing, {}), missing))
    elif error.validator == "additionalProperties" and not error.path:
        for name in sorted(set(error.instance) - set(fields)):
            yield Refusal("field_unknown", f"/form/{name}"[:120])
    else:
        path = "/".join(str(part) for part in error.path)
        name = str(error.path[0]) if error.path else ""
        yield Refusal("field_invalid", f"/form/{path}", _named(fields.get(name, {}), name, error))


def _named(schema: Mapping[str, JsonValue], name: str, error: ValidationError | None = None) -> Text:
    """The field by its title and, for a broken limit, the limit."""
    zh, en = str(schema.get("title", name)), str(schema.get("x-title-en", name))
    if error is None:
        return Text(zh=zh, en=en)
    return Text(
        zh=f"{zh}（{error.validator}: {error.validator_value}）",
        en=f"{en} ({error.validator}: {error.validator_value})",
    )
