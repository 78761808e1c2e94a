"""The Plan: what a service definition compiles to, and the part of it that one case carries.

    YAML --catalogue--> Plan (checked, canonical, hashed) --bind(form)--> CasePlan (places known, conditions decided)

A case is pinned to the Plan it was filed under; the workflow sees only the CasePlan, which holds no personal data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property

from pydantic import ConfigDict, Field, JsonValue

from domain.messages import Message, Place, Text

ENGINE = "1"  # raised when the same Plan would be carried out differently


class StepKind(StrEnum):
    ACCEPT = "accept"  # 受理: a caseworker takes the application in, or does not
    DECIDE = "decide"  # 决定: a caseworker grants or refuses
    EFFECT = "effect"  # something becomes true at a province's back office
    EVIDENCE = "evidence"  # a register holds it; used only after the applicant has seen and accepted it
    CERTIFICATE = "certificate"  # 制证: an e-licence is issued


class OnRejected(StrEnum):
    TERMINATE = "terminate"  # the case ends with the province's reason; what took effect is reversed
    RESOLVE = "resolve"  # a person decides how to go on


class Unit(StrEnum):
    WORKING_DAY = "working_day"


class Limit(Message):
    """A time limit. ``tag`` says how far to trust it (S.., C, U-H, U-M, U-L, DESIGN), ``basis`` names the law."""

    days: int = Field(ge=0, le=3660)
    unit: Unit = Unit.WORKING_DAY
    basis: Text
    tag: str


class Clock(Message):
    """From one mark to another. Marks: received, accepted, decided, closed, <step>.started, <step>.done."""

    id: str
    title: Text
    start: str
    stop: str
    legal: Limit | None = None
    promised: Limit | None = None


class RolePlan(Message):
    """A place's part in the service; its region is a field of the form or fixed."""

    title: Text
    department: str
    region: str = ""
    region_field: str = ""


class StepPlan(Message):
    """One step of a leg, as defined."""

    id: str
    leg: str
    kind: StepKind
    title: Text
    role: str
    needs: tuple[str, ...] = ()
    when: str = ""
    operation: str = ""
    send: Mapping[str, str] = Field(default_factory=dict)
    compensate_with: str = ""
    not_reversible: Text | None = None
    on_rejected: OnRejected = OnRejected.TERMINATE
    purpose: Text | None = None

    def needs_closure(self, plan: Plan) -> set[str]:
        """Every step that is done before this one opens."""
        found: set[str] = set()
        todo = list(self.needs)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += [need for step in plan.steps if step.id == name for need in step.needs]
        return found


class LegPlan(Message):
    """The part of one place: what the applicant sees as one lane."""

    id: str
    title: Text
    role: str


class MaterialSource(StrEnum):
    UPLOAD = "upload"
    SHARED = "shared"
    E_LICENCE = "e_licence"


class Material(Message):
    """What has to be there. Only ``upload`` is asked of the applicant; the rest is fetched by the step named."""

    id: str
    title: Text
    source: MaterialSource
    required: bool = True
    step: str = ""


class Rule(Message):
    """An eligibility condition over form fields, with the words for whoever does not meet it."""

    id: str
    expression: str
    field: str
    text: Text
    basis: Text


class Result(Message):
    """What the applicant gets. ``shows``: form fields that the public verification page may show."""

    id: str
    title: Text
    step: str
    licence_type: str
    shows: Mapping[str, str] = Field(default_factory=dict)


class Plan(Message):
    """A checked service definition."""

    model_config = ConfigDict(frozen=True, ignored_types=(cached_property,))

    engine: str = ENGINE
    code: str
    version: str
    number_code: str
    title: Text
    summary: Text
    mode: str
    applicant: tuple[str, ...]
    tag: str
    valid_from: date
    form: Mapping[str, JsonValue]
    subject_field: str
    owner_roles: tuple[str, ...]
    roles: Mapping[str, RolePlan]
    accepting_role: str
    eligibility: tuple[Rule, ...]
    materials: tuple[Material, ...]
    legs: tuple[LegPlan, ...]
    steps: tuple[StepPlan, ...]
    clocks: tuple[Clock, ...]
    results: tuple[Result, ...]

    def canonical(self) -> str:
        """The one spelling that is hashed: sorted keys, no spaces, UTF-8."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def digest(self) -> str:
        """SHA-256 over the canonical spelling, 64 hex characters: the name under which a case is pinned to it."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def form_fields(self) -> Mapping[str, Mapping[str, JsonValue]]:
        """Field name -> its JSON Schema."""
        properties = self.form["properties"]
        if not isinstance(properties, dict):
            raise TypeError("form.properties is not an object")
        return {name: field for name, field in properties.items() if isinstance(field, dict)}

    def step(self, step_id: str) -> StepPlan:
        """The step of that id; KeyError if there is none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)


class CaseStep(Message):
    """A step bound to a case: its place is known."""

    id: str
    leg: str
    kind: StepKind
    title: Text
    place: Place
    needs: tuple[str, ...]
    operation: str
    send: Mapping[str, str]
    compensate_with: str
    on_rejected: OnRejected
    purpose: Text | None = None
    licence_type: str = ""


class CaseLeg(Message):
    id: str
    title: Text
    place: Place


class CasePlan(Message):
    """What one case does: no expressions left, no personal data."""

    engine: str
    code: str
    version: str
    plan_digest: str
    accepting: Place
    legs: tuple[CaseLeg, ...]
    steps: tuple[CaseStep, ...]
    clocks: tuple[Clock, ...]


def bind(plan: Plan, form: Mapping[str, JsonValue], applies: Mapping[str, bool]) -> CasePlan:
    """The plan of one case. ``applies``: step id -> whether its ``when`` holds for this form.

    A step that does not apply is left out, and with it its name in the ``needs`` of others.
    """
    places = {name: _place(role, form) for name, role in plan.roles.items()}
    licence_types = {result.step: result.licence_type for result in plan.results}
    kept = {step.id for step in plan.steps if applies.get(step.id, True)}
    steps = tuple(
        CaseStep(
            id=step.id,
            leg=step.leg,
            kind=step.kind,
            title=step.title,
            place=places[step.role],
            needs=_needs(plan, step, kept),
            operation=step.operation,
            send=step.send,
            compensate_with=step.compensate_with,
            on_rejected=step.on_rejected,
            purpose=step.purpose,
            licence_type=licence_types.get(step.id, ""),
        )
        for step in plan.steps
        if step.id in kept
    )
    used = {step.leg for step in steps}
    return CasePlan(
        engine=plan.engine,
        code=plan.code,
        version=plan.version,
        plan_digest=plan.digest(),
        accepting=places[plan.accepting_role],
        legs=tuple(CaseLeg(id=x.id, title=x.title, place=places[x.role]) for x in plan.legs if x.id in used),
        steps=steps,
        clocks=plan.clocks,
    )


def _needs(plan: Plan, step: StepPlan, kept: set[str]) -> tuple[str, ...]:
    """What this step waits for; the needs of a step that is left out pass on to those that needed it."""
    result: list[str] = []
    for need in step.needs:
        inherited = (need,) if need in kept else _needs(plan, plan.step(need), kept)
        result += [n for n in inherited if n not in result]
    return tuple(result)


def _place(role: RolePlan, form: Mapping[str, JsonValue]) -> Place:
    region = role.region or str(form[role.region_field])
    return Place(region=region, department=role.department)
