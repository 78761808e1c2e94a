"""Packs and claims out of JSON text: nothing is guessed, nothing is dropped, everything wrong is told at once.

JSON lets a key stand twice, Python's reader also lets NaN pass, and both lose money silently; here they are faults.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from domain.messages import Message
from domain.settlement.faults import FAULTS, Fault, SettlementRefused, pointer, wrong

LARGEST = 32 * 1024 * 1024  # bytes of a document; ten thousand fee lines are about one million


class Document(Message):
    """A part of a pack or claim: unknown keys are faults, and no value is turned into another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


D = TypeVar("D", bound=BaseModel)


def read(source: bytes, shape: type[D]) -> D:
    """The document in its shape; SettlementRefused with every fault otherwise."""
    try:
        return shape.model_validate(_parse(source))
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)
        raise SettlementRefused(_fault(e["type"], e["loc"]) for e in told) from error


class _Constant:
    """NaN, Infinity or -Infinity, kept until its place is known."""


class _Pairs(dict[str, object]):
    """An object of the document; ``twice``: keys that it has more than once."""

    twice: tuple[str, ...] = ()


def _parse(source: bytes) -> dict[str, object]:
    try:
        if len(source) > LARGEST:
            raise ValueError("too large")
        document = json.loads(
            source.decode("utf-8"), object_pairs_hook=_pairs, parse_float=Decimal, parse_constant=lambda _: _Constant()
        )
        faults = _faults_of(document)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise SettlementRefused([Fault(code="not_json")]) from error
    if faults:
        raise SettlementRefused(faults)
    if not isinstance(document, dict):
        raise SettlementRefused([Fault(code="not_json")])
    return document


def _pairs(pairs: list[tuple[str, object]]) -> _Pairs:
    found = _Pairs(pairs)
    if len(found) < len(pairs):
        found.twice = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return found


def _faults_of(value: object, where: str = "") -> list[Fault]:
    if isinstance(value, _Constant):
        return [Fault(code="not_a_number", where=where)]
    if isinstance(value, _Pairs):
        faults = [Fault(code="key_twice", where=where + pointer(name)) for name in value.twice]
        faults += [Fault(code="key_unknown", where=where + pointer(name)) for name in value if not name.isprintable()]
        return faults + [fault for name, inner in value.items() for fault in _faults_of(inner, where + pointer(name))]
    if isinstance(value, list):
        return [fault for i, inner in enumerate(value) for fault in _faults_of(inner, where + pointer(i))]
    return []


def _fault(kind: str, location: tuple[int | str, ...]) -> Fault:
    """The codes of our own checks travel as the kind; pydantic's own kinds become a few codes."""
    if location and location[-1] == "[key]":
        location = location[:-1]
    code = {"missing": "key_missing", "extra_forbidden": "key_unknown"}.get(kind, kind)
    return Fault(code=code if code in FAULTS else "value_wrong", where=pointer(*location))


def _day(value: object) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise wrong("date_wrong")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise wrong("date_wrong") from None


def _name(value: object) -> object:
    """Names are printed: no control characters, nothing that cannot be encoded."""
    if isinstance(value, str) and not value.isprintable():
        raise wrong("value_wrong")
    return value


Day = Annotated[date, BeforeValidator(_day)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"\S"), BeforeValidator(_name)]
