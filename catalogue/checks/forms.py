"""The form: a JSON Schema that people and the API can use, and the fields that other parts of a definition name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import JsonValue

from catalogue.checks.identity import step_overlays
from catalogue.conditions import ConditionError, Verdict, compile_condition, field_types, verdict
from catalogue.reading import Complaint
from domain.plan import Plan, StepKind

_ELSEWHERE = {"$ref", "$dynamicRef", "$id", "$schema", "$anchor", "$dynamicAnchor", "$vocabulary"}
_NESTED = re.compile(r"\([^)]*[*+}|][^)]*\)[*+{]|\\[1-9]")
FORMATS = {"uscc", "resident_id", "region", "date"}
_FORMATS = "Use uscc, resident_id, region or date."


def check(plan: Plan) -> Iterator[Complaint]:
    """The schema itself, then what refers to it."""
    try:
        Draft202012Validator.check_schema(dict(plan.form))
    except SchemaError as error:
        yield ("form",), "form_schema", f"no JSON Schema: {error.message}", "Mend the form."
        return
    if plan.form.get("type") != "object" or not isinstance(plan.form.get("properties"), dict):
        yield ("form",), "form_object", "not of type object with properties", "Describe an object."
        return
    if plan.form.get("additionalProperties") is not False:
        yield ("form",), "form_open", "takes fields nobody has described", "Add additionalProperties: false."
    yield from _check_keywords(plan.form, ("form",))
    fields = plan.form_fields()
    listed = plan.form.get("required", [])
    for missing in [name for name in listed if name not in fields] if isinstance(listed, list) else ():
        what = f"{missing} is required, and no field of the form"
        yield ("form", "required"), "form_required", what, "Describe it, or leave it out."
    for name, field in fields.items():
        yield from _check_field(plan, name, field)
    yield from _check_named(plan, fields)
    yield from _check_conditions(plan, fields)


def _check_keywords(value: JsonValue | Mapping[str, JsonValue], path: tuple[str | int, ...]) -> Iterator[Complaint]:
    """Nothing is fetched from elsewhere to check a form, and no pattern takes for ever."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in _ELSEWHERE and isinstance(item, str):
                yield (*path, key), "form_reference", f"{key} points elsewhere", "Write it out."
            if key == "pattern" and isinstance(item, str) and _NESTED.search(item):
                yield (*path, key), "pattern_hostile", "a repeated part that repeats", "Write a plainer pattern."
            yield from _check_keywords(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _check_keywords(item, (*path, i))


def _check_field(plan: Plan, name: str, field: Mapping[str, JsonValue]) -> Iterator[Complaint]:
    path = ("form", "properties", name)
    if "title" not in field or "x-title-en" not in field:
        yield path, "title_missing", "no title in zh and en", "Add title and x-title-en."
    if "format" in field and field["format"] not in FORMATS:
        yield (
            path,
            "format_unknown",
            f"format {field['format']} means nothing here",
            f"Use {', '.join(sorted(FORMATS))}.",
        )
    prefill = field.get("x-prefill")
    if prefill is not None and not _prefills(plan, str(prefill)):
        yield (
            path,
            "prefill_unknown",
            f"{prefill} is nothing to take it from",
            "Use step.<evidence>.<field>, account.name or account.id.",
        )


def _prefills(plan: Plan, source: str) -> bool:
    kind, _, rest = source.partition(".")
    evidence = {step.id for step in plan.steps if step.kind is StepKind.EVIDENCE}
    step, _, field = rest.partition(".")
    return source in {"account.name", "account.id"} or (kind == "step" and step in evidence and bool(field))


def _check_named(plan: Plan, fields: Mapping[str, Mapping[str, JsonValue]]) -> Iterator[Complaint]:
    required = plan.form.get("required", [])
    if plan.subject_field not in fields:
        yield ("subject_field",), "field_unknown", f"{plan.subject_field} is no field of the form", "Name one."
    elif not isinstance(required, list) or plan.subject_field not in required:
        yield ("subject_field",), "subject_optional", "a case without it has no name in lists", "Make it required."
    if plan.identity_field and plan.identity_field not in fields:
        yield ("identity_field",), "identity_unknown", f"{plan.identity_field} is no field of the form", "Name one."
    for i, rule in enumerate(plan.eligibility):
        if rule.field not in fields:
            yield (
                ("eligibility", i, "field"),
                "rule_field_unknown",
                f"{rule.field} is no field of the form",
                "Name one.",
            )


def _check_conditions(plan: Plan, fields: Mapping[str, Mapping[str, JsonValue]]) -> Iterator[Complaint]:
    types = field_types(fields)
    places: list[tuple[tuple[str | int, ...], str, str]] = []
    places += [(("eligibility", i, "expression"), rule.expression, "rule") for i, rule in enumerate(plan.eligibility)]
    places += [(("steps", i, "when"), step.when, "step") for i, step in enumerate(plan.steps)]
    places += [(("fees", i, "when"), fee.when, "fee") for i, fee in enumerate(plan.fees)]
    places += [(("materials", i, "required_when"), m.required_when, "material") for i, m in enumerate(plan.materials)]
    for at, routed in step_overlays(plan):
        places += [((*at, "routes", n, "when"), route.when, "route") for n, route in enumerate(routed.routes or ())]
    listed = plan.form.get("required", [])
    required = {str(name) for name in listed} if isinstance(listed, list) else set()
    for path, expression, what in places:
        if not expression:
            continue
        try:
            compile_condition(expression, types)
        except ConditionError as error:
            yield path, error.code, str(error), "Use plain comparisons of declared fields, with matching types."
            continue
        found = verdict(expression, fields, required)
        if found is Verdict.NEVER:
            code = "nobody_eligible" if what == "rule" else "never_applies"
            yield path, code, "no form can meet this", "Mend the condition."
        elif found is Verdict.ALWAYS:
            code = "rule_never_fires" if what == "rule" else "always_applies"
            yield path, code, "every form meets this", "Mend the condition, or leave it out."
