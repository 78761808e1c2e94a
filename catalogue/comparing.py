"""What changes from one definition to another, and from province to province."""

from __future__ import annotations

from typing import Any

from domain.plan import Limit, Plan

PROVINCES = {"310000": "上海 Shanghai", "320000": "江苏 Jiangsu", "330000": "浙江 Zhejiang", "340000": "安徽 Anhui"}
Difference = tuple[str, Any, Any]


def compare(a: Plan, b: Plan) -> list[Difference]:
    """(path, before, after) of everything that differs, by the ids of its parts; None where there is nothing."""
    return differences(_by_id(a.model_dump(mode="json")), _by_id(b.model_dump(mode="json")))


def differences(a: Any, b: Any, where: str = "") -> list[Difference]:
    """Of every leaf."""
    if isinstance(a, dict) and isinstance(b, dict):
        found: list[Difference] = []
        for key in [*a, *(key for key in b if key not in a)]:
            found += differences(a.get(key), b.get(key), f"{where}.{key}" if where else str(key))
        return found
    return [] if a == b else [(where, a, b)]


def _by_id(value: Any) -> Any:
    """Lists of named parts as mappings, so that order and number do not hide what changed."""
    if isinstance(value, list) and value and all(isinstance(x, dict) and "id" in x for x in value):
        return {x["id"]: _by_id({k: v for k, v in x.items() if k != "id"}) for x in value}
    if isinstance(value, dict):
        return {k: _by_id(v) for k, v in value.items()}
    return value


def matrix_of(plan: Plan) -> dict[str, dict[str, str]]:
    """What differs anywhere -> base and each province; a province without an overlay of it shows the base."""
    base: dict[str, str] = {}
    for clock in plan.clocks:
        for name, limit in (("legal", clock.legal), ("promised", clock.promised)):
            base[f"clocks.{clock.id}.{name}"] = _limit(limit)
    for step in plan.steps:
        for name in ("routes", "checklist", "four_eyes"):
            base[f"steps.{step.id}.{name}"] = _names(getattr(step, name))
    for material in plan.materials:
        for name in ("required", "tolerance", "due", "original"):
            base[f"materials.{material.id}.{name}"] = _value(getattr(material, name))
    base |= {f"fees.{fee.id}.amount_fen": str(fee.amount_fen) for fee in plan.fees}
    changed: dict[str, dict[str, str]] = {}
    for overlay in plan.overlays:
        for part in ("clocks", "steps", "materials", "fees"):
            for item, change in getattr(overlay, part).items():
                for name in type(change).model_fields:
                    value = getattr(change, name)
                    if value is not None:
                        shown = f"{_value(value)} [{overlay.tag}; {overlay.role}]"
                        changed.setdefault(f"{part}.{item}.{name}", {})[overlay.region] = shown
    return {
        what: {"base": base.get(what, "-")} | {region: by.get(region, "=") for region in PROVINCES}
        for what, by in sorted(changed.items())
    }


def _limit(limit: Limit | None) -> str:
    return "-" if limit is None else f"{limit.days} {limit.unit.value}"


def _names(value: Any) -> str:
    return ", ".join(getattr(x, "id", "") or getattr(x, "queue", "") or str(x) for x in value) or "-"


def _value(value: Any) -> str:
    if isinstance(value, Limit):
        return _limit(value)
    if isinstance(value, tuple):
        return _names(value)
    return "-" if value is None else str(getattr(value, "value", value)).lower()
