"""A patient with a pocket calculator: recomputes a printed result from its explanation, and from nothing else."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

_TOKEN = re.compile(r"\s*(?:([0-9]+(?:\.[0-9]+)?)|(min|max|round)\(|(.))")


def value_of(formula: str) -> Fraction:
    """A formula of an explanation, exactly; round is to two places, half up."""
    tokens = [next(part for part in found if part) for found in _TOKEN.findall(formula)]
    value = _sum(tokens)
    assert not tokens, formula
    return value


def _sum(tokens: list[str]) -> Fraction:
    value = _product(tokens)
    while tokens and tokens[0] in "+−":
        sign = 1 if tokens.pop(0) == "+" else -1
        value += sign * _product(tokens)
    return value


def _product(tokens: list[str]) -> Fraction:
    value = _atom(tokens)
    while tokens and tokens[0] in "×÷":
        value = value * _atom(tokens) if tokens.pop(0) == "×" else value / _atom(tokens)
    return value


def _atom(tokens: list[str]) -> Fraction:
    token = tokens.pop(0)
    if token[0].isdigit():
        return Fraction(token)
    inner = [_sum(tokens)]
    while tokens[0] == ",":
        tokens.pop(0)
        inner.append(_sum(tokens))
    assert tokens.pop(0) == ")"
    if token == "round":
        (value,) = inner
        return Fraction((value * 100 + Fraction(1, 2)).__floor__(), 100)
    if token == "(":
        (value,) = inner
        return value
    return {"min": min, "max": max}[token](inner)


def recomputed(explanation: list[dict[str, Any]]) -> dict[str, Fraction]:
    """Field -> the sum of its lines, each computed from its formula."""
    sums: dict[str, Fraction] = {}
    for line in explanation:
        value = value_of(line["formula"])
        assert value == Fraction(line["amount"]), line
        for language in ("zh", "en"):
            assert line["formula"] in line["text"][language]
            assert line["amount"] in line["text"][language]
        sums[line["field"]] = sums.get(line["field"], Fraction(0)) + value
    return sums


def resolve(document: Any, pointer: str) -> Any:
    """What stands at a JSON pointer; KeyError or IndexError if nothing does."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document
