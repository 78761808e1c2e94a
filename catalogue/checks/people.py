"""What is asked of applicants: promises that have a day, originals that have an archive."""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.reading import Complaint
from domain.plan import MaterialSource, Plan, StepKind, Tolerance, Way


def check(plan: Plan) -> Iterator[Complaint]:
    """Materials that are promised or travel on paper."""
    archives = any(step.kind is StepKind.ARCHIVE and step.way is Way.PERSON for step in plan.steps)
    for i, material in enumerate(plan.materials):
        upload, promised = material.source is MaterialSource.UPLOAD, material.tolerance is not Tolerance.CORE
        if promised and not upload:
            yield ("materials", i, "tolerance"), "promise_fetched", "what is fetched is not promised", "Use core."
        if promised and material.due is None:
            yield ("materials", i), "promise_due", "promised for no day", "Add due."
        if material.due is not None and not promised:
            yield ("materials", i, "due"), "due_useless", "nothing is promised", "Remove it, or set tolerance."
        if material.original and not upload:
            yield ("materials", i, "original"), "original_fetched", "what is fetched has no paper", "Remove it."
        if material.original and not archives:
            yield ("materials", i, "original"), "original_unarchived", "nobody archives it", "Add an archive step."
