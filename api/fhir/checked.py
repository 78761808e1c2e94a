"""Every resource is checked by fhir.resources before it goes out. Without the extra ``fhir`` nothing goes out."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec

from api.fhir.words import Resource

RESOURCES = ("ServiceRequest", "Task", "Coverage", "Claim", "ClaimResponse", "DiagnosticReport")


def installed() -> bool:
    """Whether the extra is there."""
    return find_spec("fhir") is not None and find_spec("fhir.resources") is not None


def checked(resource: Resource) -> str:
    """The resource as JSON of FHIR R4B; ValueError (of pydantic) if it is none."""
    name = str(resource["resourceType"])
    if name not in RESOURCES:
        raise ValueError(name)
    model = getattr(import_module(f"fhir.resources.R4B.{name.lower()}"), name)
    model.model_validate(resource)
    return _written(resource)


def _written(value: object) -> str:
    """JSON in which money is a number with its two decimals, never a float on its way."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
