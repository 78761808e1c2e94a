"""The shipped services and their scenarios: complete, in both languages, and about things that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from catalogue.compiler import compile_file
from catalogue.forms import check_eligibility, conditions, read_form
from catalogue.library import HERE
from catalogue.outcomes import Outcome, family, outcomes, shown_turns, turns
from catalogue.scenario import Act, Deed, Part, Scenario, read_scenario
from catalogue.simulation import Course, simulate
from domain.case import TERMINAL, CaseStatus
from domain.messages import Acting, Text
from domain.plan import (
    OUTCOMES,
    Applicant,
    CasePlan,
    Clock,
    Ending,
    Limit,
    MaterialSource,
    Mode,
    OnBroken,
    OnExpiry,
    OnRejected,
    Plan,
    Policy,
    StepKind,
    Tolerance,
    Unit,
    Way,
    bind,
)
from domain.plan.binding import overlaid_material, overlays_of
from tests.unit.plans import LIBRARY

SERVICES = sorted(LIBRARY.services)
SCENARIOS = sorted((HERE / "scenarios").glob("*/*.yaml"))
CHINESE = re.compile(r"[\u4e00-\u9fff]")
TAG = re.compile(r"S\d*[a-z]?|C|U-H|U-M|U-L|DESIGN")
DOES: dict[str, set[str]] = {
    "withdraw": set(),
    "decline_evidence": {"step"},
    "request_supplement": {"step", "items"},
    "reply_supplement": {"items"},
    "cancel_supplement": set(),
    "ask_extension": {"clock", "reason", "approve"},
    "begin_procedure": {"procedure", "planned"},
    "end_procedure": {"procedure"},
    "hand_in": {"material"},
    "cosign": {"agree"},
    "object": {"step"},
    "original": {"material", "stage"},
    "transfer": {"region"},
}


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@cache
def loaded(path: Path) -> dict[str, Any]:
    document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


@cache
def course_of(path: Path) -> Course:
    return simulate(LIBRARY.service(path.parent.name), read_scenario(path), LIBRARY)


def scenarios_of(code: str) -> list[Path]:
    return [path for path in SCENARIOS if path.parent.name == code]


def bound(plan: Plan, form: Mapping[str, Any]) -> CasePlan:
    return bind(plan, form, conditions(plan, form))


def messages(node: object) -> Iterator[BaseModel]:
    """Every message inside a plan."""
    if isinstance(node, BaseModel):
        yield node
        for name in type(node).model_fields:
            yield from messages(getattr(node, name))
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from messages(value)
    elif isinstance(node, tuple):
        for value in node:
            yield from messages(value)


# the services


@pytest.mark.parametrize("code", SERVICES)
def test_a_shipped_service_compiles_under_its_own_name(code: str) -> None:
    assert compile_file(HERE / "services" / f"{code}.yaml") == LIBRARY.service(code)


@pytest.mark.parametrize("code", SERVICES)
def test_every_text_of_a_service_is_there_in_chinese_and_in_english(code: str) -> None:
    texts = [m for m in messages(LIBRARY.service(code)) if isinstance(m, Text)]
    assert len(texts) > 20
    for text in texts:
        assert CHINESE.search(text.zh), text
        assert text.en, text
        assert not CHINESE.search(text.en), text
    for field in LIBRARY.service(code).form_fields().values():
        assert CHINESE.search(str(field["title"]))
        assert field["x-title-en"]


@pytest.mark.parametrize("code", SERVICES)
def test_every_value_says_how_far_it_is_to_be_trusted(code: str) -> None:
    tags = [str(m.tag) for m in messages(LIBRARY.service(code)) if hasattr(m, "tag")]
    assert tags
    assert [tag for tag in tags if not TAG.fullmatch(tag)] == []


def test_numbers_and_licence_types_belong_to_one_service_each() -> None:
    plans = [LIBRARY.service(code) for code in SERVICES]
    numbers = [plan.number_code for plan in plans]
    types = [result.licence_type for plan in plans for result in plan.results]
    assert len(set(numbers)) == len(numbers)
    assert len(set(types)) == len(types)
    assert all(re.fullmatch(r"\d{8}XXXX\d{6}\d{3}", kind) for kind in types)


def used() -> set[StrEnum]:
    """Every word of the vocabulary that some shipped service uses."""
    found: set[StrEnum] = set()
    for message in (m for code in SERVICES for m in messages(LIBRARY.service(code))):
        for name in type(message).model_fields:
            value = getattr(message, name)
            found |= {item for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, StrEnum)}
    return found


@pytest.mark.parametrize(
    "word",
    [
        *(kind for kind in StepKind if kind is not StepKind.FEE),
        *Mode,
        *Applicant,
        *Acting,
        *OnRejected,
        *Unit,
        *OnExpiry,
        *MaterialSource,
        *Tolerance,
        *OnBroken,
        *Policy,
        *(ending for ending in Ending if ending is not Ending.NOT_ACCEPTED),  # no fee is paid before acceptance
    ],
    ids=lambda word: f"{type(word).__name__}.{word}",
)
def test_every_word_of_the_vocabulary_is_used_by_some_service(word: StrEnum) -> None:
    assert word in used()


def test_fees_procedures_four_eyes_overlays_originals_and_cosigners_are_used() -> None:
    plans = [LIBRARY.service(code) for code in SERVICES]
    assert sum(bool(plan.fees) for plan in plans) >= 3
    assert sum(bool(plan.overlays) for plan in plans) >= 4
    assert sum(bool(plan.cosigners) for plan in plans) >= 2
    assert sum(bool(plan.procedures) for plan in plans) >= 3
    assert sum(any(m.original for m in plan.materials) for plan in plans) >= 2
    assert any(clock.extension for plan in plans for clock in plan.clocks)
    assert any(step.four_eyes for plan in plans for step in plan.steps)
    assert any(len(step.routes) > 1 for plan in plans for step in plan.steps)


def test_what_departments_are_asked_to_do_is_listed_completely() -> None:
    listed = YAML(typ="safe", pure=True).load((HERE / "operations.yaml").read_text(encoding="utf-8"))
    asked: dict[tuple[str, str], str] = {}
    for plan in (LIBRARY.service(code) for code in SERVICES):
        for step in plan.steps:
            department = plan.roles[step.role].department
            if step.operation:
                asked.setdefault((department, step.operation), "")
            if step.compensate_with:
                asked[(department, step.compensate_with)] = step.operation
        for fee in plan.fees:
            department = plan.roles[fee.role].department
            asked |= {(department, "fee_order"): "", (department, "fee_refund"): "fee_order"}
    found = {(dep, name): entry.get("reverses", "") for dep, ops in listed.items() for name, entry in ops.items()}
    assert found == asked
    for operations in listed.values():
        for entry in operations.values():
            assert set(entry) <= {"title", "reverses"}
            assert CHINESE.search(entry["title"]["zh"])
            assert entry["title"]["en"]


# the scenarios


@pytest.mark.parametrize("code", SERVICES)
def test_a_service_has_a_scenario_for_every_way_its_cases_can_end_and_for_no_other(code: str) -> None:
    """What can be reached is computed from the definition: a new rule in it asks for a scenario."""
    shown: dict[Outcome, list[str]] = {}
    for path in scenarios_of(code):
        course = course_of(path)
        shown.setdefault(Outcome(status=course.status, reason=family(course.reason)), []).append(path.stem)
    reachable = outcomes(LIBRARY.service(code))
    assert sorted(map(str, reachable - set(shown))) == [], "write a scenario that ends so"
    assert {str(outcome): shown[outcome] for outcome in set(shown) - reachable} == {}


@pytest.mark.parametrize("code", SERVICES)
def test_a_service_has_a_scenario_for_every_no_limit_promise_and_effect_that_is_undone(code: str) -> None:
    plan = LIBRARY.service(code)
    shown = {turn for path in scenarios_of(code) for turn in shown_turns(plan, course_of(path))}
    missing = turns(plan) - shown
    assert sorted(f"{turn.event} {turn.about}" for turn in missing) == [], "write a scenario in which it happens"


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_a_scenario_stays_within_the_published_calendars(path: Path) -> None:
    closed = course_of(path).closed_at
    assert closed is not None
    assert {loaded(path)["start"].year, closed.year} <= {notice.year for notice in LIBRARY.calendar.years}
    assert loaded(path)["start"].date() >= LIBRARY.service(path.parent.name).valid_from


def test_every_folder_of_scenarios_is_about_a_service() -> None:
    assert {path.parent.name for path in SCENARIOS} == set(SERVICES)


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_the_form_of_a_scenario_is_valid_for_its_service(path: Path) -> None:
    plan, form = LIBRARY.service(path.parent.name), loaded(path)["form"]
    assert read_form(plan, form, LIBRARY.divisions) == form
    assert check_eligibility(plan, form) == []


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_a_scenario_tells_what_it_is_about_and_how_it_ends(path: Path) -> None:
    scenario = loaded(path)
    assert CHINESE.search(scenario["title"]["zh"])
    assert scenario["title"]["en"]
    assert scenario["start"].utcoffset() == timedelta(hours=8)
    assert CaseStatus(scenario["ends"]) in TERMINAL
    for event in scenario.get("events", []):
        assert re.fullmatch(r"[a-z_]+(:[a-z_-]+)+", event), event
    reason = scenario.get("reason", "")
    plan = bound(LIBRARY.service(path.parent.name), scenario["form"])
    if reason.startswith("rejected_at_"):
        assert reason.removeprefix("rejected_at_") in {step.id for step in plan.steps}


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_a_scenario_ends_as_it_says_and_nothing_in_it_is_refused(path: Path) -> None:
    course = course_of(path)
    assert course.faults == ()
    refused = {line.detail for line in course.lines if line.what.startswith("refused:")}
    assert refused <= {"code=supplement_open", "code=originals_missing"}  # whoever has to wait tries again


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_a_scenario_names_only_steps_and_outcomes_that_exist(path: Path) -> None:
    scenario = loaded(path)
    plan = bound(LIBRARY.service(path.parent.name), scenario["form"])
    steps = {step.id: step for step in plan.steps}
    for name, said in scenario.get("steps", {}).items():
        assert set(said) <= set(Part.model_fields), name
        if name.startswith("promise-"):
            assert name.removeprefix("promise-") in scenario["promised"]
            assert said["outcome"] in {"kept", "broken", "excused", "terminate"}
            continue
        step = steps[name]
        if step.way is Way.SYSTEM:
            evidence = {"missing"} if step.kind is StepKind.EVIDENCE else {"rejected"}
            assert said.get("answer", "accepted") in {"accepted", "down", *evidence}, name
        elif step.way is Way.TIME:
            assert said["outcome"] in OUTCOMES[StepKind.PUBLICITY], name
        else:
            assert said["outcome"] in OUTCOMES[step.kind], name


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_a_scenario_promises_only_what_may_be_promised(path: Path) -> None:
    scenario, plan = loaded(path), LIBRARY.service(path.parent.name)
    overlays = overlays_of(plan, scenario["form"])
    holds = conditions(plan, scenario["form"])
    for name in scenario.get("promised", []):
        material = overlaid_material(next(m for m in plan.materials if m.id == name), overlays)
        assert material.tolerance is not Tolerance.CORE
        assert material.due is not None
        assert not material.required_when or holds[material.required_when]


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_an_act_of_a_scenario_is_known_and_about_something_that_exists(path: Path) -> None:
    scenario, service = loaded(path), LIBRARY.service(path.parent.name)
    plan = bound(service, scenario["form"])
    steps = {step.id: step for step in plan.steps}
    marks = {"submitted", "received", "accepted", "decided", "supplement"}
    marks |= {f"{step}.{what}" for step in steps for what in ("started", "done")}
    uploads = {m.id for m in service.materials if m.source is MaterialSource.UPLOAD}
    for act in scenario.get("acts", []):
        what = Act.model_validate(act).does
        assert {"when", "after", "who", "does"} <= set(act) <= {"when", "after", "who", "does"} | DOES[what], act
        assert act["when"] in marks, act
        if "step" in act:
            assert act["step"] in steps
        if what == "decline_evidence":
            assert steps[act["step"]].kind is StepKind.EVIDENCE
        if what == "object":
            assert steps[act["step"]].kind is StepKind.PUBLICITY
        if what == "request_supplement":
            assert plan.reply is not None
            assert {item["material"] for item in act["items"] if "material" in item} <= uploads
            assert {item["field"] for item in act["items"] if "field" in item} <= set(service.form_fields())
            assert {item["kind"] for item in act["items"]} <= {"incorrect", "incomplete", "outdated"}
        if "clock" in act:
            assert next(c for c in plan.clocks if c.id == act["clock"]).extension is not None
        if "procedure" in act:
            assert act["procedure"] in {procedure.id for procedure in plan.procedures}
        if what == "hand_in":
            assert act["material"] in scenario["promised"]
        if what == "original":
            assert act["material"] in {m.id for m in service.materials if m.original}
            assert act["stage"] in {"sealed", "shipped", "arrived", "archived"}
        if what == "transfer":
            assert act["region"] in LIBRARY.divisions.names
        if what == "cosign":
            assert service.cosigners
            assert scenario["cosigners"] == "never"


# the reference


def limit_of(clock: Clock) -> str:
    """A clock's limits as the reference tells them: legal, then promised, each with its tag."""

    def days(limit: Limit) -> str:
        return f"{limit.days} {'CD' if limit.unit is Unit.CALENDAR_DAY else 'WD'} [{limit.tag}]"

    told = [f"L {days(clock.legal)}"] if clock.legal else []
    if clock.legal and clock.extension:
        told.append(f"+{days(clock.extension)}")
    told += [f"P {days(clock.promised)}"] if clock.promised else []
    return f"{clock.id} {' '.join(told)}"


def row_of(code: str) -> str:
    """The line of docs/reference/services.md about a service."""
    plan = LIBRARY.service(code)
    title = f"{plan.title.zh}<br>{plan.title.en}"
    places = "<br>".join(f"{role.title.en} (`{role.department}`)" for role in plan.roles.values())
    limits = "<br>".join(limit_of(clock) for clock in plan.clocks)
    ends: dict[str, list[str]] = {}
    for path in SCENARIOS:
        if path.parent.name == code:
            ends.setdefault(loaded(path)["ends"], []).append(path.stem)
    told = "<br>".join(f"{end.value}: {', '.join(ends[end])}" for end in CaseStatus if end.value in ends)
    return f"| `{code}` | {title} | `{plan.mode}` | {places} | {limits} | {told} |"


def test_the_reference_tells_every_service_as_it_is() -> None:
    text = (HERE.parent / "docs" / "reference" / "services.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    wanted = [row_of(code) for code in SERVICES]
    assert lines == wanted, "put these lines into the table:\n" + "\n".join(wanted)


def test_the_reference_tells_every_key_of_a_scenario() -> None:
    text = (HERE.parent / "docs" / "reference" / "scenarios.md").read_text(encoding="utf-8")
    top, part, act = re.split(r"^## A part$|^## An act$|^## How it ends$", text, flags=re.M)[:3]
    for told, model in ((top, Scenario), (part, Part), (act, Act)):
        rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", told, re.M)
        assert [key for key, _ in rows] == list(model.model_fields)
        required = [key for key, default in rows if default.strip() == "required"]
        assert required == [key for key, field in model.model_fields.items() if field.is_required()]
    assert set(DOES) <= set(re.findall(r"`(\w+)`", act[act.index("Acts:") :]))
    assert set(get_args(Deed)) == set(DOES)


def test_every_text_of_the_catalogue_has_its_two_languages_and_nothing_else() -> None:
    """A comma in a text that is not quoted makes a key of the rest, and the text ends before it."""

    def texts(value: object) -> Iterator[dict[str, object]]:
        if isinstance(value, dict):
            if {"zh", "en"} <= set(value):
                yield value
            for item in value.values():
                yield from texts(item)
        elif isinstance(value, list):
            for item in value:
                yield from texts(item)

    for file in sorted(HERE.glob("**/*.yaml")):
        for text in texts(YAML(typ="safe", pure=True).load(file.read_text("utf-8"))):
            assert set(text) <= {"zh", "en", "tag"}, (file.name, text)
