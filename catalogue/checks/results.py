"""What comes out: each certificate is a result, each result a certificate."""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalogue.reading import Complaint
from domain.plan import Plan, StepKind


def check(plan: Plan) -> Iterator[Complaint]:
    """Results and the steps that issue them."""
    kinds, fields = {step.id: step.kind for step in plan.steps}, plan.form_fields()
    for i, result in enumerate(plan.results):
        if kinds.get(result.step) is not StepKind.CERTIFICATE:
            yield ("results", i, "step"), "result_step", f"{result.step} issues nothing", "Name a certificate step."
        if not re.fullmatch(r"[0-9A-Z]{21}", result.licence_type):
            what = "a licence type has 21 characters of 0-9 and A-Z"
            yield (
                ("results", i, "licence_type"),
                "licence_type",
                what,
                "Eighteen of the issuer's code and three digits.",
            )
        for field in result.shows.values():
            if field not in fields:
                yield ("results", i, "shows"), "shows_unknown", f"{field} is no field of the form", "Name one."
            elif fields[field].get("format") == "resident_id":
                what = f"anybody could read {field}"
                yield ("results", i, "shows"), "shows_personal", what, "No identity number is shown to the public."
    issued = {result.step for result in plan.results}
    for i, step in enumerate(plan.steps):
        if step.kind is StepKind.CERTIFICATE and step.id not in issued:
            yield ("steps", i), "result_missing", f"what {step.id} issues is no result", "Add it to results."
