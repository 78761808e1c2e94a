"""The docs are held to the code: what they name exists, what they list is complete, what they show runs."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel
from temporalio.bridge import temporal_sdk_bridge

from adapters.entries import CalendarOverride, DepartmentEntry, Pending, ProvinceEntry, read_entries
from api import openapi
from api.usecases.callbacks import _REFUSED
from domain.audit import SUPERSEDED
from domain.calendar import YearNotice
from domain.callbacks import Verdict
from domain.errors import ERRORS
from domain.invariants import CHECKS
from domain.notice import FAULTS
from domain.plan import (
    Authorisation,
    Clock,
    Fee,
    LegPlan,
    Limit,
    Material,
    Overlay,
    Partial,
    Plan,
    Procedure,
    Result,
    Retention,
    RolePlan,
    Rule,
    StepPlan,
    Supplement,
)
from domain.reasons import REASONS
from domain.settlement import AMOUNTS, Claim, ExplanationLine, PolicyPack
from domain.settlement import FAULTS as SETTLEMENT_FAULTS
from tongban.cli import app
from tongban.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
BAD_DEFINITIONS = sorted((ROOT / "tests" / "definitions" / "bad").glob("*.yaml"))
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
REFERENCE = ROOT / "docs" / "reference"
MADE_LATER = {"bench/results", "deploy/secrets"}  # written by commands, not in the repository
OURS_ALONE = re.compile(r"(127\.0\.0\.1|localhost|[a-z.]+\.example|[a-z.]+\.invalid)(:\d*)?")


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def fences(file: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(file), re.M | re.S)


def spans(file: Path) -> list[str]:
    """Everything set in code: spans, fenced and indented blocks."""
    text = text_of(file)
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    text = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.M | re.S)
    indented = re.findall(r"^    (?! )(.+)$", text, re.M)
    return [line for block in blocks for line in block.splitlines()] + indented + re.findall(r"`([^`\n]+)`", text)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, heads and rulers left out."""
    lines = text.splitlines()
    result = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("|") and not line.startswith("|-") and not following.startswith("|-"):
            result.append([cell.strip() for cell in line.strip("|").split("|")])
    return result


def section(text: str, title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found, title
    return found[1]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


every_doc = pytest.mark.parametrize("file", DOCS, ids=name)


# what is named exists


@every_doc
def test_every_link_leads_somewhere(file: Path) -> None:
    targets = [t.split("#")[0] for t in re.findall(r"\]\(([^)]+)\)", text_of(file)) if "://" not in t]
    missing = [target for target in targets if target and not (file.parent / target).exists()]
    assert not missing


@every_doc
def test_every_path_exists(file: Path) -> None:
    rooms = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    missing = []
    for span in spans(file):
        for word in re.findall(r"(?<![\w/.:$}-])[A-Za-z][\w.-]*(?:/[\w.-]+)*/?(?![\w({])", span):
            path = word.rstrip("/.")
            inside = "/" in word and path.split("/")[0] in rooms
            if inside and path not in MADE_LATER and not (ROOT / path).exists():
                missing.append(word)
    assert not missing


@every_doc
def test_what_is_said_to_be_in_a_file_is_in_it(file: Path) -> None:
    pairs = re.findall(r"`([A-Za-z_][\w.]*)`(?: and `[\w.]+`)? (?:of|in)\s+`([a-z_]+/[\w./]+\.py)`", text_of(file))
    missing = [pair for pair in pairs if not re.search(rf"\b{pair[0].split('.')[-1]}\b", text_of(ROOT / pair[1]))]
    assert not missing


@every_doc
def test_every_make_target_exists(file: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.M))
    said = {found[1] for span in spans(file) if (found := re.match(r"make ([a-z]+)", span))}
    assert said <= targets


@every_doc
def test_every_command_and_option_exists(file: Path) -> None:
    for span in spans(file):
        for said in re.findall(r"-m tongban ([^|;&)]+)", span):
            words = shlex.split(said, comments=True)
            command = typer.main.get_command(app)
            for word in words:
                below = getattr(command, "commands", None)  # a command of commands
                if below is None:
                    break
                assert word in below, said
                command = below[word]
            options = {opt for param in command.params for opt in param.opts}
            assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, said


@every_doc
def test_no_address_of_a_registry_or_a_stranger(file: Path) -> None:
    hosts = re.findall(r"https?://([^/\s\"'`)$>]+)", text_of(file))
    assert [host for host in hosts if not OURS_ALONE.fullmatch(host)] == []


# what is shown runs


def _python() -> Iterator[tuple[str, str]]:
    for file in DOCS:
        for number, code in enumerate(fences(file, "python"), 1):
            yield f"{name(file)}:{number}", code


@pytest.mark.parametrize(("where", "code"), [pytest.param(w, c, id=w) for w, c in _python()])
def test_python_in_the_docs_compiles_and_runs(where: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compile(code, where, "exec")
    if code.startswith("# doctest"):
        monkeypatch.chdir(ROOT)
        exec(compiled, {"__name__": "docs"})


@every_doc
def test_shell_and_json_in_the_docs_can_be_read(file: Path) -> None:
    for script in fences(file, "bash"):
        shlex.split(script, comments=True)  # no quotation is left open
    for document in fences(file, "json"):
        json.loads(document)


@cache
def _routes() -> set[tuple[str, str]]:
    """What is served: routes of routers within routers stand in no list but in the contract."""
    return {(method.upper(), path) for path, item in openapi.document()["paths"].items() for method in item}


@every_doc
def test_every_address_that_is_called_is_a_route(file: Path) -> None:
    patterns = [re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for _, path in _routes()]
    for script in fences(file, "bash"):
        called = re.findall(r"(?:\$API|http://127\.0\.0\.1:8700)(/[^\s\"'?]*)", script)
        assert [path for path in called if not any(p.fullmatch(path) for p in patterns)] == []


# lists are complete


def test_every_route_is_listed() -> None:
    listed = rows(section(text_of(REFERENCE / "api.md"), "Routes"))
    assert {(row[0].split()[0], names(row[0])[0]) for row in listed} == _routes()


def test_every_error_is_listed_as_it_is() -> None:
    listed = [row for row in rows(section(text_of(REFERENCE / "api.md"), "Problems")) if len(row) == 4]
    assert [[names(row[0])[0], *row[1:]] for row in listed] == [
        [code, str(kind.status), kind.text.zh, kind.text.en] for code, kind in ERRORS.items()
    ]


def test_every_fault_of_a_holiday_notice_is_listed_as_it_is() -> None:
    listed = rows(section(text_of(REFERENCE / "calendars.md"), "Faults"))
    assert [[names(row[0])[0], *row[1:]] for row in listed] == [[code, t.zh, t.en] for code, t in FAULTS.items()]


def test_every_key_of_a_holiday_notice_is_described() -> None:
    listed = rows(section(text_of(REFERENCE / "calendars.md"), "A notice"))
    assert [names(row[0])[0] for row in listed] == list(YearNotice.model_fields)


def test_every_fault_of_a_settlement_is_listed_as_it_is() -> None:
    listed = rows(section(text_of(REFERENCE / "settlement.md"), "Faults"))
    assert [[names(row[0])[0], *row[1:]] for row in listed] == [
        [code, t.zh, t.en] for code, t in SETTLEMENT_FAULTS.items()
    ]


def _keys(schema: dict[str, Any], node: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every key of a JSON document with this schema, as the docs write it: bands[].up_to."""
    node = next((n for n in node.get("anyOf", [node]) if n.get("type") != "null"), node)
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    if node.get("type") == "array":
        yield from _keys(schema, node["items"], f"{path}[]")
    for key, inner in node.get("properties", {}).items():
        yield f"{path}.{key}".removeprefix(".")
        yield from _keys(schema, inner, f"{path}.{key}".removeprefix("."))


@pytest.mark.parametrize(("title", "model"), [("A pack", PolicyPack), ("A claim", Claim)])
def test_every_key_of_a_settlement_is_described(title: str, model: type[BaseModel]) -> None:
    schema = model.model_json_schema()
    listed = [names(row[0])[0] for row in rows(section(text_of(REFERENCE / "settlement.md"), title))]
    assert listed == list(_keys(schema, schema))


def test_every_field_of_a_result_and_its_explanation_is_described() -> None:
    page = text_of(REFERENCE / "settlement.md")
    assert [names(row[0])[0] for row in rows(section(page, "The result"))] == list(AMOUNTS)
    assert [names(row[0])[0] for row in rows(section(page, "The explanation"))] == list(ExplanationLine.model_fields)


def test_every_setting_is_listed_with_its_default() -> None:
    listed = {names(row[0])[0]: row[1] for row in rows(section(text_of(REFERENCE / "settings.md"), "TONGBAN_*"))}
    fields = {f"TONGBAN_{key.upper()}": field for key, field in Settings.model_fields.items()}
    assert set(listed) == set(fields)
    for variable, field in fields.items():
        assert (listed[variable] == "required") == field.is_required(), variable
        if isinstance(field.default, bool | int | float):
            assert listed[variable] == str(field.default).lower().removesuffix(".0") or float(
                listed[variable]
            ) == float(field.default), variable
        elif isinstance(field.default, tuple):
            assert json.loads(listed[variable].strip("`")) == list(field.default)


def test_temporals_variables_are_those_its_sdk_reads() -> None:
    read = Path(str(temporal_sdk_bridge.__file__)).read_bytes()
    listed = re.findall(r"TEMPORAL_[A-Z_]+[A-Z]", section(text_of(REFERENCE / "settings.md"), "TEMPORAL_*"))
    assert listed
    assert [variable for variable in listed if variable.encode() not in read] == []


def test_the_provinces_file_is_described_as_it_is_read(tmp_path: Path) -> None:
    page = REFERENCE / "provinces-file.md"
    text = text_of(page)
    described = {names(row[0])[0] for row in rows(text.partition("\n## ")[0])}
    assert described == set(ProvinceEntry.model_fields) - {"pending"} | {
        f"pending.{key}" for key in Pending.model_fields
    }
    for title, model in (("Departments", DepartmentEntry), ("Calendar", CalendarOverride)):
        assert {names(row[0])[0] for row in rows(section(text, title))} == set(model.model_fields)
    (example,) = fences(page, "json")
    file = tmp_path / "provinces.json"
    file.write_text(example)
    assert len(read_entries(file)) == 2


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("Top level", Plan),
        ("`roles`", RolePlan),
        ("`eligibility`", Rule),
        ("`materials`", Material),
        ("`legs`", LegPlan),
        ("`steps`", StepPlan),
        ("`clocks`", Clock),
        ("`procedures`", Procedure),
        ("`supplement`", Supplement),
        ("`fees`", Fee),
        ("`partial`", Partial),
        ("`overlays`", Overlay),
        ("`authorisation`", Authorisation),
        ("`retention`", Retention),
        ("`results`", Result),
    ],
)
def test_every_key_of_a_definition_is_described(title: str, model: type[BaseModel]) -> None:
    table = rows(section(text_of(REFERENCE / "definition.md"), title))
    described = {key: row[1] for row in table for key in names(row[0])}
    assert set(described) == set(model.model_fields)
    for key, default in described.items():
        assert (default == "required") == model.model_fields[key].is_required(), key
    assert all(len(row) == 4 and row[3] for row in table), "every key has an example"


def test_every_key_of_a_limit_is_described() -> None:
    clocks = section(text_of(REFERENCE / "definition.md"), "`clocks`")
    assert set(Limit.model_fields) <= set(names(clocks[clocks.index("A limit:") :]))


def _complaint_codes() -> set[str]:
    """What the compiler can say: every code that its source spells."""
    found: set[str] = set()
    catalogue = ROOT / "catalogue"
    files = [*(catalogue / "checks").glob("*.py"), catalogue / "conditions.py", catalogue / "reading.py"]
    for file in files:
        for node in ast.walk(ast.parse(text_of(file))):
            spelled: list[ast.expr] = []
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 4:
                spelled = [node.value.elts[1]]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_refused":
                spelled = [node.args[3]]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ConditionError":
                spelled = node.args[1:2]
            elif isinstance(node, ast.IfExp):
                spelled = [node.body, node.orelse]
            for part in spelled:
                if isinstance(part, ast.Constant) and re.fullmatch("[a-z0-9]+(_[a-z0-9]+)*", str(part.value)):
                    found.add(str(part.value))
    return found


def test_every_complaint_about_a_definition_is_explained() -> None:
    listed = {names(row[0])[0] for row in rows(section(text_of(REFERENCE / "definition.md"), "Complaints"))}
    shape = {"condition", "unknown_key", "missing_key", "wrong_value"}
    assert _complaint_codes() <= listed
    assert len(listed - _complaint_codes() - shape) == 0
    tried = {
        match[1]
        for file in BAD_DEFINITIONS
        if (match := re.match(r"# expect: (\w+)", file.read_text("utf-8", "replace")))
    }
    assert listed == tried | {"too_large", "capability_missing"}


def test_every_reason_for_which_a_case_ends_can_be_looked_up() -> None:
    page = text_of(ROOT / "docs" / "reference" / "scenarios.md")
    told = set(re.findall(r"^\| `([a-z_]+?)(?:_STEP)?` \|", page, re.MULTILINE))
    assert {"refused_at" if r.startswith("refused_at") else r for r in REASONS} <= told


def _event_templates() -> set[str]:
    """The types of events that the code writes; what it fills in stands as {}."""
    found = set()
    folders = ("domain/process", "domain/window", "api/usecases")
    matters = {
        "filing.py": "filing:",
        "referral.py": "referral:",
        "treatment.py": "{}:",
        "claim.py": "claim:",
        "matter.py": "{}:",
    }
    files = [file for folder in folders for file in (ROOT / folder).glob("*.py")]
    for file in [*files, *(ROOT / "domain/medical" / name for name in matters)]:
        prefix = "window:" if file.parent.name == "window" else ""
        if file.parent.name == "medical":
            prefix = matters[file.name]
        for node in ast.walk(ast.parse(text_of(file))):
            if not isinstance(node, ast.Call):
                continue
            spelled: list[ast.expr] = []
            before = ""
            if isinstance(node.func, ast.Attribute) and node.func.attr == "note":
                spelled, before = node.args[:1], prefix
            elif isinstance(node.func, ast.Name) and node.func.id == "Event":
                spelled, before = [k.value for k in node.keywords if k.arg == "type"], ""
            for part in spelled:
                if isinstance(part, ast.Constant):
                    found.add(before + str(part.value))
                elif isinstance(part, ast.JoinedStr):
                    found.add(
                        before + "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in part.values)
                    )
    return found


def test_every_event_type_is_described() -> None:
    described = {names(row[0])[0] for row in rows(text_of(REFERENCE / "events.md"))}
    templates = _event_templates() | {SUPERSEDED}
    assert len(templates) > 10
    patterns = {each: re.compile(re.escape(each).replace(r"\{\}", "[A-Za-z_]+")) for each in templates}
    assert [each for each in described if not any(p.fullmatch(each) for p in patterns.values())] == []
    assert [each for each, p in patterns.items() if not any(p.fullmatch(d) for d in described)] == []


def test_every_invariant_is_listed_with_what_checks_it() -> None:
    table = rows(text_of(REFERENCE / "invariants.md"))
    assert [row[0] for row in table] == [str(number) for number in range(1, 18)]
    cells = {row[0]: row[2] for row in table}
    for numbers, check in CHECKS:
        for number in numbers.split(","):
            assert check.__name__ in cells[number] or "with 10" in cells[number]
    assert [number for number, cell in cells.items() if not re.search("not yet|`|with 10", cell)] == []


def test_every_verdict_on_a_callback_is_listed_with_its_status() -> None:
    listed = [row for row in rows(section(text_of(REFERENCE / "callbacks.md"), "The verdict")) if row[1]]
    assert {names(row[1])[0] for row in listed} == {verdict.value for verdict in Verdict}
    for verdict, code in _REFUSED.items():
        (row,) = [row for row in listed if names(row[1]) == [verdict.value]]
        assert (row[2], names(row[3])) == (str(ERRORS[code].status), [code])


# the glossary and the decisions


def test_the_glossary_names_what_exists() -> None:
    table = rows(text_of(ROOT / "docs" / "glossary.md"))
    assert len(table) >= 50
    missing = []
    for term, identifier, english, where in table:
        assert re.search(r"[\u4e00-\u9fff]", term)
        assert english
        place = ROOT / names(where)[0]
        source = "".join(map(text_of, sorted(place.glob("*.py")) if place.is_dir() else [place]))
        if not re.search(rf"\b{re.escape(names(identifier)[0])}\b", source):
            missing.append((identifier, where))
    assert not missing
    identifiers = [(row[1], row[3]) for row in table]
    assert len(set(identifiers)) == len(identifiers)


@pytest.mark.parametrize("file", ADRS, ids=name)
def test_a_decision_is_short_and_whole(file: Path) -> None:
    head, _, body = text_of(file).partition("\n")
    assert head.startswith(f"# {file.name[:4]} ")
    assert len([line for line in body.splitlines() if line.strip()]) <= 12
    assert re.findall(r"^\*\*(\w+)\.\*\*", body, re.M) == ["Context", "Decision", "Consequences"]


def test_every_decision_is_in_the_index() -> None:
    listed = re.findall(r"\]\(([^)]+)\)", text_of(ROOT / "docs" / "adr" / "README.md"))
    assert listed == [file.name for file in ADRS]
    assert [int(file.name[:4]) for file in ADRS] == list(range(1, len(ADRS) + 1))
