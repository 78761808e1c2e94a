"""YAML -> checked Plan. Every complaint names file, line, column, a stable code, what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent

from catalogue.conditions import ConditionError, compile_condition, field_types
from domain.plan import MaterialSource, Plan, StepKind

LARGEST = 256 * 1024
DEEPEST = 20


class DefinitionError(Exception):
    """One complaint about a definition."""

    def __init__(self, file: str, line: int, column: int, code: str, what: str, mend: str) -> None:
        super().__init__(f"{file}:{line}:{column}: {code}: {what}. {mend}")
        self.code = code


class Refused(Exception):
    """All complaints about one definition."""

    def __init__(self, complaints: Sequence[DefinitionError]) -> None:
        super().__init__("\n".join(str(c) for c in complaints))
        self.complaints = complaints


Complaint = tuple[tuple[Any, ...], str, str, str]  # path in the document, code, what, mend


def compile_file(path: Path) -> Plan:
    """The plan of a definition file; Refused with every complaint otherwise."""
    return compile_text(path.read_bytes(), path.name)


def compile_text(source: bytes, name: str = "definition.yaml") -> Plan:
    """The plan of a definition's source."""
    document = _parse(source, name)
    try:
        plan = Plan.model_validate(document, extra="forbid")
    except ValidationError as error:
        raise Refused(
            [
                _located(
                    document, name, tuple(e["loc"]), _code(e["type"]), e["msg"], "See docs/reference/definition.md."
                )
                for e in error.errors()
            ]
        ) from error
    complaints = [_located(document, name, *complaint) for complaint in check(plan)]
    if complaints:
        raise Refused(complaints)
    return plan


def _code(pydantic_type: str) -> str:
    return {"extra_forbidden": "unknown_key", "missing": "missing_key"}.get(pydantic_type, "wrong_value")


def _parse(source: bytes, name: str) -> Any:
    if len(source) > LARGEST:
        raise Refused([DefinitionError(name, 1, 1, "too_large", f"more than {LARGEST} bytes", "Split it.")])
    try:
        text = source.decode("utf-8")
        depth = 0
        for event in YAML(typ="rt", pure=True).parse(text):
            if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
                mark = event.start_mark
                raise Refused(
                    [
                        DefinitionError(
                            name, mark.line + 1, mark.column + 1, "anchor", "anchors are not allowed", "Write it out."
                        )
                    ]
                )
            depth += {"MappingStartEvent": 1, "SequenceStartEvent": 1}.get(type(event).__name__, 0)
            depth -= {"MappingEndEvent": 1, "SequenceEndEvent": 1}.get(type(event).__name__, 0)
            if depth > DEEPEST:
                raise Refused(
                    [
                        DefinitionError(
                            name, event.start_mark.line + 1, 1, "too_deep", "nested too deeply", "Flatten it."
                        )
                    ]
                )
        loader = YAML(typ="rt", pure=True)
        loader.allow_duplicate_keys = False
        document = loader.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Refused(
            [DefinitionError(name, line, column, "not_yaml", str(error.problem), "Mend the YAML.")]
        ) from error
    except (YAMLError, UnicodeDecodeError, ValueError) as error:
        raise Refused([DefinitionError(name, 1, 1, "not_yaml", type(error).__name__, "Mend the YAML.")]) from error
    if not isinstance(document, dict):
        raise Refused([DefinitionError(name, 1, 1, "not_yaml", "the document is not a mapping", "Start with code:.")])
    return document


def _located(document: Any, name: str, path: tuple[Any, ...], code: str, what: str, mend: str) -> DefinitionError:
    """The place of a path in the source: the deepest part of it that exists."""
    line, column, node = 0, 0, document
    for part in path:
        position = getattr(node, "lc", None)
        try:
            if position is not None and isinstance(node, dict):
                line, column = position.key(part)
            elif position is not None:
                line, column = position.item(part)
            node = node[part]
        except (KeyError, IndexError, TypeError):
            break
    where = ".".join(str(p) for p in path)
    return DefinitionError(name, line + 1, column + 1, code, f"{where}: {what}" if where else what, mend)


def check(plan: Plan) -> Iterator[Complaint]:
    """Everything that a plan of the right shape can still have wrong."""
    faults = list(_check_form(plan))
    yield from faults
    if any(code == "form_schema" for _, code, _, _ in faults):
        return  # everything else refers to fields of the form
    yield from _check_roles(plan)
    yield from _check_steps(plan)
    yield from _check_order(plan)
    yield from _check_clocks(plan)
    yield from _check_results(plan)
    yield from _check_ids(plan)


def _check_form(plan: Plan) -> Iterator[Complaint]:
    try:
        Draft202012Validator.check_schema(dict(plan.form))
        fields = plan.form_fields()
    except (SchemaError, KeyError, TypeError) as error:
        yield (
            ("form",),
            "form_schema",
            f"not a JSON Schema object: {getattr(error, 'message', error)}",
            "Mend the form.",
        )
        return
    for name, field in fields.items():
        if "title" not in field or "x-title-en" not in field:
            yield ("form", "properties", name), "title_missing", "no title in zh and en", "Add title and x-title-en."
    if plan.subject_field not in fields:
        yield ("subject_field",), "field_unknown", f"{plan.subject_field} is no field of the form", "Name one."
    types = field_types(fields)
    for i, rule in enumerate(plan.eligibility):
        if rule.field not in fields:
            yield ("eligibility", i, "field"), "field_unknown", f"{rule.field} is no field of the form", "Name one."
        yield from _check_condition(rule.expression, types, ("eligibility", i, "expression"))
    for i, step in enumerate(plan.steps):
        if step.when:
            yield from _check_condition(step.when, types, ("steps", i, "when"))


def _check_condition(expression: str, types: dict[str, str], path: tuple[Any, ...]) -> Iterator[Complaint]:
    try:
        compile_condition(expression, types)
    except ConditionError as error:
        yield path, "condition", str(error), "Use the declared fields, with matching types."


def _check_roles(plan: Plan) -> Iterator[Complaint]:
    fields = plan.form_fields()
    for name, role in plan.roles.items():
        if bool(role.region) == bool(role.region_field):
            yield ("roles", name), "role_region", "needs exactly one of region and region_field", "Keep one."
        elif role.region_field and fields.get(role.region_field, {}).get("format") != "region":
            yield (
                ("roles", name, "region_field"),
                "field_unknown",
                "is no region field of the form",
                "Use format: region.",
            )
        elif role.region and role.region[:2] not in {"31", "32", "33", "34"}:
            yield (
                ("roles", name, "region"),
                "region_unknown",
                f"{role.region} is outside the four provinces",
                "Mend it.",
            )
    if plan.accepting_role not in plan.roles:
        yield ("accepting_role",), "role_unknown", f"no role {plan.accepting_role}", "Name one of roles."
    legs = {leg.id for leg in plan.legs}
    for i, leg in enumerate(plan.legs):
        if leg.role not in plan.roles:
            yield ("legs", i, "role"), "role_unknown", f"no role {leg.role}", "Name one of roles."
        if not any(step.leg == leg.id for step in plan.steps):
            yield ("legs", i), "leg_empty", f"leg {leg.id} has no step", "Remove it."
    for i, step in enumerate(plan.steps):
        if step.role not in plan.roles:
            yield ("steps", i, "role"), "role_unknown", f"no role {step.role}", "Name one of roles."
        if step.leg not in legs:
            yield ("steps", i, "leg"), "leg_unknown", f"no leg {step.leg}", "Name one of legs."


def _check_steps(plan: Plan) -> Iterator[Complaint]:
    fields, ids = plan.form_fields(), [step.id for step in plan.steps]
    calls_out = {StepKind.EFFECT, StepKind.EVIDENCE, StepKind.CERTIFICATE}
    for i, step in enumerate(plan.steps):
        if ids.index(step.id) != i:
            yield ("steps", i, "id"), "step_twice", f"{step.id} is defined twice", "Give each its own id."
        if (step.kind in calls_out) != bool(step.operation):
            yield ("steps", i), "operation", f"{step.kind} steps call out exactly if they name an operation", "Mend it."
        if step.kind is StepKind.EVIDENCE and step.purpose is None:
            yield ("steps", i), "purpose_missing", "evidence needs a purpose the applicant can read", "Add purpose."
        undoes = step.kind in {StepKind.EFFECT, StepKind.CERTIFICATE}
        if undoes and not step.compensate_with and step.not_reversible is None:
            yield (
                ("steps", i),
                "compensation_missing",
                "can neither be undone nor says so",
                "Add compensate_with or not_reversible.",
            )
        for name, source in step.send.items():
            kind, _, rest = source.partition(".")
            known = (
                source.startswith("=")
                or (kind == "form" and rest in fields)
                or (
                    kind == "step"
                    and rest.endswith(".reference")
                    and rest.removesuffix(".reference") in step.needs_closure(plan)
                )
            )
            if not known:
                yield (
                    ("steps", i, "send", name),
                    "field_unknown",
                    f"{source} is not known at this step",
                    "Use form.x or step.y.reference.",
                )
    for i, material in enumerate(plan.materials):
        if material.source is not MaterialSource.UPLOAD and material.step not in ids:
            yield ("materials", i), "step_unknown", f"{material.id} is fetched by no step", "Name the step."


def _check_order(plan: Plan) -> Iterator[Complaint]:
    known = {step.id: step for step in plan.steps}
    for i, step in enumerate(plan.steps):
        for need in step.needs:
            if need not in known:
                yield ("steps", i, "needs"), "step_unknown", f"no step {need}", "Name one of steps."
    settled: set[str] = set()
    while True:
        ready = {
            s.id for s in plan.steps if s.id not in settled and all(n in settled or n not in known for n in s.needs)
        }
        if not ready:
            break
        settled |= ready
    for i, step in enumerate(plan.steps):
        if step.id not in settled:
            yield ("steps", i, "needs"), "cycle", f"{step.id} waits for itself", "Break the circle."
    kinds = {kind: {step.id for step in plan.steps if step.kind is kind} for kind in StepKind}
    for i, step in enumerate(plan.steps):
        before = step.needs_closure(plan)
        if step.kind is StepKind.CERTIFICATE and not kinds[StepKind.DECIDE] <= before:
            yield (
                ("steps", i, "needs"),
                "certificate_early",
                f"{step.id} is issued before all is decided",
                "Add the decision.",
            )
        if step.kind is StepKind.ACCEPT and kinds[StepKind.DECIDE] & before:
            yield ("steps", i, "needs"), "accept_late", f"{step.id} comes after a decision", "Put acceptance first."
    if not any(step.kind is StepKind.ACCEPT for step in plan.steps):
        yield ("steps",), "accept_missing", "nobody accepts the application", "Add a step of kind accept."


def _check_ids(plan: Plan) -> Iterator[Complaint]:
    for part in ("legs", "clocks", "materials", "results", "eligibility"):
        seen: set[str] = set()
        for i, item in enumerate(getattr(plan, part)):
            if item.id in seen:
                yield (part, i, "id"), "id_twice", f"{item.id} is used twice in {part}", "Give each its own id."
            seen.add(item.id)


def _check_clocks(plan: Plan) -> Iterator[Complaint]:
    marks = {"received", "accepted", "decided", "closed"}
    marks |= {f"{step.id}.{what}" for step in plan.steps for what in ("started", "done")}
    for i, clock in enumerate(plan.clocks):
        for name in (clock.start, clock.stop):
            if name not in marks:
                yield (
                    ("clocks", i),
                    "mark_unknown",
                    f"nothing is called {name}",
                    "Use a mark of docs/reference/definition.md.",
                )
        if clock.legal is None and clock.promised is None:
            yield ("clocks", i), "clock_empty", f"clock {clock.id} limits nothing", "Add legal or promised."
        elif clock.legal and clock.promised and clock.promised.days > clock.legal.days:
            yield (
                ("clocks", i, "promised"),
                "promised_longer",
                "the promise is longer than the law allows",
                "Shorten it.",
            )


def _check_results(plan: Plan) -> Iterator[Complaint]:
    kinds = {step.id: step.kind for step in plan.steps}
    for i, result in enumerate(plan.results):
        if kinds.get(result.step) is not StepKind.CERTIFICATE:
            yield (
                ("results", i, "step"),
                "step_unknown",
                f"{result.step} issues no certificate",
                "Name a certificate step.",
            )
        for field in result.shows.values():
            if field not in plan.form_fields():
                yield ("results", i, "shows"), "field_unknown", f"{field} is no field of the form", "Name one."
    issued = {result.step for result in plan.results}
    for i, step in enumerate(plan.steps):
        if step.kind is StepKind.CERTIFICATE and step.id not in issued:
            yield ("steps", i), "result_missing", f"what {step.id} issues is no result", "Add it to results."
    if (
        len(plan.number_code) != 6
        or not plan.number_code.isascii()
        or not plan.number_code.isalnum()
        or plan.number_code.upper() != plan.number_code
    ):
        yield ("number_code",), "number_code", "must be six of A-Z and 0-9", "It stands in every case number."
