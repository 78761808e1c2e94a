"""The Plan: what a service definition compiles to. Frozen, canonical, hashed; it holds no personal data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from functools import cached_property

from pydantic import ConfigDict, Field, JsonValue

from domain.messages import Acting, Message, Text
from domain.plan.vocabulary import (
    ENGINE,
    Applicant,
    Ending,
    Lifecycle,
    MaterialSource,
    Mode,
    OnBroken,
    OnExpiry,
    OnRejected,
    Policy,
    StepKind,
    Tolerance,
    Unit,
    Way,
    way_of,
)


class Limit(Message):
    """A time limit. ``tag`` says how far to trust it (S.., C, U-H, U-M, U-L, DESIGN), ``basis`` names the law."""

    days: int = Field(ge=0, le=3660, strict=True)
    unit: Unit = Unit.WORKING_DAY
    basis: Text
    tag: str


class Clock(Message):
    """From one mark to another. Marks: received, accepted, decided, closed, <step>.started, <step>.done.

    suspends: what stops it while it lasts: ``supplement``, steps, procedures. extension: by how much the legal limit
    can be extended, once, with another person's approval. near: working days before a limit at which it turns yellow.
    """

    id: str
    title: Text
    start: str
    stop: str
    legal: Limit | None = None
    promised: Limit | None = None
    suspends: tuple[str, ...] = ()
    extension: Limit | None = None
    on_expiry: OnExpiry = OnExpiry.ESCALATE
    near: int = Field(default=1, ge=0, le=60, strict=True)


class RolePlan(Message):
    """A place's part in the service; its region is a field of the form or fixed.

    A field that is a list of regions makes the steps of this role happen once in each of them.
    """

    title: Text
    department: str
    region: str = ""
    region_field: str = ""


class Route(Message):
    """The queue of the department that gets the task: the first route whose condition holds."""

    queue: str
    when: str = ""


class CheckItem(Message):
    """A line of a step's checklist; a mandatory one has to be ticked before the good outcome."""

    id: str
    title: Text
    mandatory: bool = True


class StepPlan(Message):
    """One step of a leg, as defined.

    four_eyes: steps whose decider may not decide this one. lasts: how long a publicity period is, or how long an
    inspection or a window may take at most.
    """

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
    four_eyes: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    checklist: tuple[CheckItem, ...] = ()
    lasts: Limit | None = None

    @property
    def way(self) -> Way:
        """Who carries it out."""
        return way_of(self.kind, self.operation)

    def needs_closure(self, plan: Plan) -> set[str]:
        """Every step that is done before this one opens."""
        needs = {step.id: step.needs for step in plan.steps}
        found: set[str] = set()
        todo = list(self.needs)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += needs.get(name, ())
        return found


class LegPlan(Message):
    """The part of one place: what the applicant sees as one lane."""

    id: str
    title: Text
    role: str


class Material(Message):
    """What has to be there. Only ``upload`` is asked of the applicant; the rest is fetched by the step named.

    due: until when a promised one is handed in, from acceptance. original: the paper travels to the archive.
    """

    id: str
    title: Text
    source: MaterialSource
    required: bool = True
    required_when: str = ""
    step: str = ""
    tolerance: Tolerance = Tolerance.CORE
    due: Limit | None = None
    on_broken: OnBroken = OnBroken.TASK
    original: bool = False


class Rule(Message):
    """A condition over form fields, with the words for whoever does not meet it."""

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


class Fee(Message):
    """Paid before ``before`` opens, ordered once everything else that step needs is done. Amounts in fen."""

    id: str
    title: Text
    amount_fen: int = Field(gt=0, le=10**12, strict=True)
    role: str
    before: str
    when: str = ""
    refund_on: tuple[Ending, ...] = ()
    basis: Text
    tag: str


class Procedure(Message):
    """A special procedure (行政许可法第四十五条: 听证, 检验, 鉴定, 专家评审 …) that a caseworker may begin.

    It stops the clocks that name it; the applicant is told how long it takes.
    """

    id: str
    title: Text
    longest: Limit


class Supplement(Message):
    """The one-time notice (一次性告知): how long the applicant has to answer it."""

    reply: Limit


class Partial(Message):
    """What becomes of the rest when a leg fails. essential: legs without which nothing stands."""

    policy: Policy = Policy.ALL_OR_NOTHING
    quorum: int = Field(default=0, ge=0, le=100, strict=True)
    essential: tuple[str, ...] = ()


class Retention(Message):
    """How long the file is kept after the end; no years means for ever (永久)."""

    years: int | None = Field(default=None, ge=1, le=200, strict=True)
    basis: Text
    tag: str


class Authorisation(Message):
    """By what document one authority accepts in the name of another (mode ``delegated``)."""

    from_role: str
    to_role: str
    document: Text
    valid_to: date


class ClockOverlay(Message):
    legal: Limit | None = None
    promised: Limit | None = None


class StepOverlay(Message):
    routes: tuple[Route, ...] | None = None
    checklist: tuple[CheckItem, ...] | None = None
    four_eyes: tuple[str, ...] | None = None


class MaterialOverlay(Message):
    required: bool | None = None
    tolerance: Tolerance | None = None
    due: Limit | None = None
    original: bool | None = None


class FeeOverlay(Message):
    amount_fen: int = Field(gt=0, le=10**12, strict=True)


class Overlay(Message):
    """How one province differs where ``role`` lies in it. It may be stricter on the authorities than the base."""

    region: str
    role: str
    clocks: Mapping[str, ClockOverlay] = Field(default_factory=dict)
    steps: Mapping[str, StepOverlay] = Field(default_factory=dict)
    materials: Mapping[str, MaterialOverlay] = Field(default_factory=dict)
    fees: Mapping[str, FeeOverlay] = Field(default_factory=dict)
    basis: Text
    tag: str


class Plan(Message):
    """A checked service definition."""

    model_config = ConfigDict(frozen=True, ignored_types=(cached_property,))

    engine: str = ENGINE
    code: str
    version: str
    state: Lifecycle = Lifecycle.PUBLISHED
    number_code: str
    title: Text
    summary: Text
    mode: Mode
    applicant: tuple[Applicant, ...]
    acting: tuple[Acting, ...] = ()
    tag: str
    law: tuple[Text, ...] = ()
    valid_from: date
    valid_to: date | None = None
    form: Mapping[str, JsonValue]
    subject_field: str
    identity_field: str = ""  # with the service it tells whether two applications are about the same
    cosigners: tuple[Text, ...] = ()
    owner_roles: tuple[str, ...]
    roles: Mapping[str, RolePlan]
    accepting_role: str
    collecting_role: str = ""
    authorisation: Authorisation | None = None
    eligibility: tuple[Rule, ...]
    materials: tuple[Material, ...]
    legs: tuple[LegPlan, ...]
    steps: tuple[StepPlan, ...]
    clocks: tuple[Clock, ...]
    procedures: tuple[Procedure, ...] = ()
    supplement: Supplement | None = None
    fees: tuple[Fee, ...] = ()
    partial: Partial = Partial()
    results: tuple[Result, ...]
    retention: Retention | None = None
    overlays: tuple[Overlay, ...] = ()

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
