"""What is asked of applicants: promises that have a day, originals that have an archive."""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.reading import Complaint
from domain.plan import MaterialSource, OnBroken, Plan, StepKind, Tolerance, Way, overlaid_material


def check(plan: Plan) -> Iterator[Complaint]:
    """Materials that are promised or travel on paper."""
    archives = any(step.kind is StepKind.ARCHIVE and step.way is Way.PERSON for step in plan.steps)
    for i, material in enumerate(plan.materials):
        upload, promised = material.source is MaterialSource.UPLOAD, material.tolerance is not Tolerance.CORE
        if promised and not upload:
            yield ("materials", i, "tolerance"), "promise_fetched", "what is fetched is not promised", "Use core."
        if promised and material.due is None:
            yield ("materials", i), "promise_due", "promised for no day", "Add due."
        if material.required_when and not (upload and material.required):
            what = "it is not asked for in any case"
            yield ("materials", i, "required_when"), "required_useless", what, "Remove it, or set required."
        if material.on_broken is not OnBroken.TASK and not promised:
            yield ("materials", i, "on_broken"), "broken_useless", "nothing is promised", "Remove it, or set tolerance."
        if material.due is not None and not promised:
            yield ("materials", i, "due"), "due_useless", "nothing is promised", "Remove it, or set tolerance."
        if material.original and not upload:
            yield ("materials", i, "original"), "original_fetched", "what is fetched has no paper", "Remove it."
        if material.original and not archives:
            yield ("materials", i, "original"), "original_unarchived", "nobody archives it", "Add an archive step."
    for i, overlay in enumerate(plan.overlays):
        for material in plan.materials:
            change, path = overlay.materials.get(material.id), ("overlays", i, "materials", material.id)
            if change is None:
                continue
            changed = overlaid_material(material, [overlay])
            if changed.tolerance is not Tolerance.CORE and changed.due is None:
                yield path, "promise_due", "promised for no day", "Add due."
            if change.due is not None and changed.tolerance is Tolerance.CORE:
                yield (*path, "due"), "due_useless", "nothing is promised", "Remove it, or set tolerance."
            if change.original and material.source is not MaterialSource.UPLOAD:
                yield (*path, "original"), "original_fetched", "what is fetched has no paper", "Remove it."
            if change.original and not archives:
                yield (*path, "original"), "original_unarchived", "nobody archives it", "Add an archive step."
