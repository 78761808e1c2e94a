"""What the resources share: systems of codes and identifiers, references, money."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.messages import Text

Resource = dict[str, Any]
SYSTEM = "urn:tongban:"
PERSON, INSTITUTION, REGION = SYSTEM + "person", SYSTEM + "institution", SYSTEM + "admdvs"
MATTER = SYSTEM + "matter"
CLAIM_TYPES = "http://terminology.hl7.org/CodeSystem/claim-type"
PRIORITIES = "http://terminology.hl7.org/CodeSystem/processpriority"
ADJUDICATION = "http://terminology.hl7.org/CodeSystem/adjudication"


def coding(system: str, code: str, text: Text | None = None) -> Resource:
    """A CodeableConcept of one code."""
    concept: Resource = {"coding": [{"system": system, "code": code}]}
    return concept | {"text": f"{text.zh} / {text.en}"} if text else concept


def identifier(system: str, value: str) -> Resource:
    """An Identifier."""
    return {"system": system, "value": value}


def logical(system: str, value: str, display: str = "") -> Resource:
    """A Reference by identifier: what it points at has no address here."""
    reference: Resource = {"identifier": identifier(system, value)}
    return reference | {"display": display} if display else reference


def money(fen: int) -> Resource:
    """Fen as FHIR money: yuan with two decimals."""
    return {"value": Decimal(fen).scaleb(-2).quantize(Decimal("0.01")), "currency": "CNY"}


def period(begin: date | datetime | None, end: date | datetime | None) -> Resource:
    """A Period; what is open is left out."""
    return {name: at.isoformat() for name, at in (("start", begin), ("end", end)) if at is not None}


def filled(pairs: Iterable[tuple[str, Any]]) -> Resource:
    """Without what is empty: FHIR has no empty values."""
    return {name: value for name, value in pairs if value not in ("", None, [], {}, ())}
