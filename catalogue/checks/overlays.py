"""Overlays: a province may be faster and stricter with its own people, never slower than the law of the base."""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.checks.places import PROVINCES
from catalogue.checks.time import may_exceed
from catalogue.reading import Complaint
from domain.plan import Overlay, Plan, Tolerance


def check(plan: Plan) -> Iterator[Complaint]:
    """Each overlay against the base."""
    known = {
        "clocks": {clock.id for clock in plan.clocks},
        "steps": {step.id for step in plan.steps},
        "materials": {material.id for material in plan.materials},
        "fees": {fee.id for fee in plan.fees},
    }
    changed: set[tuple[str, str, str]] = set()
    for i, overlay in enumerate(plan.overlays):
        if overlay.region[2:] != "0000" or overlay.region[:2] not in PROVINCES:
            yield ("overlays", i, "region"), "overlay_region", f"{overlay.region} is no province", "310000 to 340000."
        if overlay.role not in plan.roles:
            yield ("overlays", i, "role"), "overlay_role", f"no role {overlay.role}", "Name one of roles."
        elif (fixed := plan.roles[overlay.role].region) and fixed[:2] != overlay.region[:2]:
            what = f"{overlay.role} never lies there"
            yield ("overlays", i, "region"), "overlay_never", what, "Mend region or role."
        if not any(getattr(overlay, part) for part in known):
            yield ("overlays", i), "overlay_empty", "it changes nothing", "Remove it."
        for part, ids in known.items():
            for name in getattr(overlay, part):
                if name not in ids:
                    what = f"the base has no {name} in {part}"
                    yield ("overlays", i, part, name), "overlay_unknown", what, "Name one of the base."
                if (overlay.region, part, name) in changed:
                    what = f"{name} is changed twice for {overlay.region}"
                    yield ("overlays", i, part, name), "overlay_twice", what, "Say it once."
                changed.add((overlay.region, part, name))
        yield from _check_law(plan, i, overlay)


def _check_law(plan: Plan, i: int, overlay: Overlay) -> Iterator[Complaint]:
    for clock in plan.clocks:
        change = overlay.clocks.get(clock.id)
        if change is None:
            continue
        path = ("overlays", i, "clocks", clock.id)
        if change.legal and clock.legal and may_exceed(change.legal, clock.legal):
            yield (*path, "legal"), "overlay_legal_longer", "longer than the law of the base", "Shorten it."
        legal, promised = change.legal or clock.legal, change.promised or clock.promised
        if legal and promised and may_exceed(promised, legal):
            yield path, "overlay_promised_longer", "promises more time than the law allows", "Shorten it."
        if clock.extension is not None and legal is not None and clock.extension.unit is not legal.unit:
            yield (*path, "legal"), "extension_unit", "in another unit than the extension", "Use the same unit."
    for material in plan.materials:
        tolerance = overlay.materials[material.id].tolerance if material.id in overlay.materials else None
        if material.tolerance is Tolerance.CORE and tolerance not in {None, Tolerance.CORE}:
            what = f"{material.id} is core in the base"
            yield ("overlays", i, "materials", material.id), "overlay_core", what, "Leave it core."
    for step in plan.steps:
        eyes = overlay.steps[step.id].four_eyes if step.id in overlay.steps else None
        if eyes is not None and not set(step.four_eyes) <= set(eyes):
            what = "takes away eyes that the base wants"
            yield ("overlays", i, "steps", step.id), "overlay_four_eyes", what, "Add to them instead."
