"""What a definition is called, since when, how far it can be trusted, and that its texts are texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import category

from pydantic import BaseModel

from catalogue.reading import Complaint
from domain.messages import Text
from domain.plan import ENGINE, Lifecycle, Mode, Plan, StepOverlay, StepPlan
from domain.process.clocks import SUPPLEMENT

_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_TAG = re.compile(r"S[0-9]+[a-z]?|C|U-H|U-M|U-L|DESIGN")


def check(plan: Plan) -> Iterator[Complaint]:
    """Names, versions, validity, tags, texts, ids."""
    if not re.fullmatch(r"YRD(-[A-Z0-9]{2,12}){1,4}", plan.code):
        yield ("code",), "code_format", f"{plan.code} is no code", "Write YRD- and up to four parts of A-Z and 0-9."
    if not re.fullmatch(r"[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,4}", plan.version):
        yield ("version",), "version_format", f"{plan.version} is no version", "Write year.month.number."
    if plan.engine != ENGINE:
        yield ("engine",), "engine_unknown", f"this is engine {ENGINE}", "Leave it out."
    if not re.fullmatch(r"[A-Z0-9]{6}", plan.number_code):
        yield ("number_code",), "number_code", "must be six of A-Z and 0-9", "It stands in every case number."
    if plan.valid_to is not None and plan.valid_to < plan.valid_from:
        yield ("valid_to",), "validity", "ends before it begins", "Mend the days."
    if plan.retention is None and plan.state is not Lifecycle.DRAFT:
        yield ("retention",), "retention_missing", "nobody knows how long the file is kept", "Add retention."
    accepts = any(step.kind.value == "accept" for step in plan.steps)
    if plan.supplement is None and plan.mode is not Mode.GOVERNMENT and accepts:
        yield ("supplement",), "supplement_missing", "the applicant could not be asked to supplement", "Add supplement."
    for part in ("legs", "clocks", "materials", "results", "eligibility", "fees", "procedures"):
        # what stops a clock is named by its id alone: a procedure, a step or the supplement
        seen = {SUPPLEMENT, *(step.id for step in plan.steps)} if part == "procedures" else set()
        for i, item in enumerate(getattr(plan, part)):
            if item.id in seen:
                yield (part, i, "id"), "id_twice", f"{item.id} is used twice in {part}", "Give each its own id."
            seen.add(item.id)
    for path, name in _names(plan):
        if not _ID.fullmatch(name) or (path[-1] == "id" and path[0] == "steps" and name == SUPPLEMENT):
            yield path, "id_format", f"{name!r} is no id", "Use a-z, 0-9 and _, at most 40, a letter first."
    yield from _walk(plan, ())


def _names(plan: Plan) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every name that the definition gives to a part of its own."""
    for part in ("legs", "steps", "clocks", "materials", "results", "eligibility", "fees", "procedures"):
        yield from (((part, i, "id"), item.id) for i, item in enumerate(getattr(plan, part)))
    yield from ((("roles", name), name) for name in plan.roles)
    yield from ((("form", "properties", name), name) for name in plan.form_fields())
    for path, step in step_overlays(plan):
        for n, item in enumerate(step.checklist or ()):
            yield (*path, "checklist", n, "id"), item.id
        for n, route in enumerate(step.routes or ()):
            yield (*path, "routes", n, "queue"), route.queue


def step_overlays(plan: Plan) -> Iterator[tuple[tuple[str | int, ...], StepPlan | StepOverlay]]:
    """Whatever has routes and a checklist: the steps, and what overlays make of them."""
    yield from ((("steps", i), step) for i, step in enumerate(plan.steps))
    for i, overlay in enumerate(plan.overlays):
        yield from ((("overlays", i, "steps", name), change) for name, change in overlay.steps.items())


def _walk(value: object, path: tuple[str | int, ...]) -> Iterator[Complaint]:
    """Every text and every tag, wherever it stands."""
    if isinstance(value, Text):
        if not value.zh.strip() or not value.en.strip():
            yield path, "text_empty", "a text has to be there in zh and en", "Write both."
        elif any(category(c) in _UNSEEN for c in value.zh + value.en if c != "\n"):
            yield path, "text_hidden", "it holds characters that cannot be seen", "Remove them."
        elif not re.search(r"[\u4e00-\u9fff]", value.zh):
            yield path, "text_not_chinese", f"zh says {value.zh!r}", "Write it in Chinese."
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            child = getattr(value, name)
            if name == "tag" and isinstance(child, str) and not _TAG.fullmatch(child):
                yield (*path, "tag"), "tag_unknown", f"{child} is no tag", "Use S<number>, C, U-H, U-M, U-L or DESIGN."
            elif name not in {"form", "send", "shows"}:
                yield from _walk(child, (*path, name))
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            yield from _walk(item, (*path, i))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*path, key))
