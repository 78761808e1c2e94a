"""YAML -> checked Plan. Every complaint names file, line, column, a stable code, what is wrong and how to mend it.

reading.py   source -> document that knows its lines
checks/      everything that a plan of the right shape can still have wrong, by topic
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from catalogue.checks import check
from catalogue.reading import DefinitionError, Refused, located, read_document
from domain.plan import Plan

__all__ = ["DefinitionError", "Refused", "compile_file", "compile_text", "offered"]

Offers = Mapping[str, Collection[str]]  # department -> operations somebody offers
_SHAPE = {"extra_forbidden": "unknown_key", "missing": "missing_key"}
_SEE = "See docs/reference/definition.md."


def offered(file: Path) -> Offers:
    """Department -> the operations that adapters can carry out there; ValueError if that cannot be read from it."""
    try:
        listed = YAML(typ="safe", pure=True).load(file.read_text("utf-8"))
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not YAML in UTF-8") from error
    if not isinstance(listed, dict) or not all(isinstance(operations, dict) for operations in listed.values()):
        raise ValueError("not departments with their operations")
    return {str(department): frozenset(operations) for department, operations in listed.items()}


def compile_file(path: Path, offers: Offers | None = None) -> Plan:
    """The plan of a definition file; Refused with every complaint otherwise."""
    return compile_text(path.read_bytes(), path.name, offers)


def compile_text(source: bytes, name: str = "definition.yaml", offers: Offers | None = None) -> Plan:
    """The plan of a definition's source. ``offers``: what the adapters can do, if it is to be checked against them."""
    document = read_document(source, name)
    try:
        plan = Plan.model_validate(document, extra="forbid")
    except ValidationError as error:
        raise Refused(
            [
                located(document, name, tuple(e["loc"]), _SHAPE.get(e["type"], "wrong_value"), e["msg"], _SEE)
                for e in error.errors()
            ]
        ) from error
    complaints = [located(document, name, *complaint) for complaint in check(plan, offers)]
    if complaints:
        raise Refused(complaints)
    return plan
