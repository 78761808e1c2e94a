"""Money in whole fen and ratios as exact fractions; the two spellings they have in packs, claims and results.

An amount is written as text in yuan, "800.00"; one or no digit after the point is the same amount. A ratio is written
as text, "0.90". Neither is ever a JSON number: a program in between could have made a binary fraction of it.

Rounding (domain note 3.6, tag DESIGN) is to the fen, half up, and happens in ``half_up`` only.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from domain.money import yuan
from domain.settlement.faults import wrong

LARGEST = 10**16 - 1  # fen: the interface's fields are numeric(16,2) (domain note 3.4)
PLACES = 8  # of a ratio; more is a slip

_AMOUNT = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]{1,2}))?")
_NUMBER = re.compile(rf"-?(?:0|[1-9][0-9]{{0,8}})(?:\.[0-9]{{1,{PLACES}}})?")
_LONGEST = 40  # characters of a number; what is longer is not looked at


def half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator, both not negative, to the nearest whole number; one half goes up."""
    return (2 * numerator + denominator) // (2 * denominator)


def share(fen: int, ratio: Fraction) -> int:
    """That ratio of an amount, rounded to the fen."""
    return half_up(fen * ratio.numerator, ratio.denominator)


def decimal(ratio: Fraction) -> str:
    """A ratio as it is written, with two places or as many as it needs: 9/10 -> "0.90", 1/8 -> "0.125"."""
    scaled = half_up(ratio.numerator * 10**PLACES, ratio.denominator)
    whole, rest = divmod(scaled, 10**PLACES)
    digits = f"{rest:0{PLACES}}".rstrip("0")
    return f"{whole}.{digits:0<2}"


def read_amount(value: object) -> int:
    """Fen, out of text."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise wrong("amount_wrong")
    if value.startswith("-") and _AMOUNT.fullmatch(value[1:]):
        raise wrong("amount_negative")
    found = _AMOUNT.fullmatch(value)
    if found is None:
        raise wrong("amount_wrong")
    fen = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    if fen > LARGEST:
        raise wrong("amount_too_large")
    return fen


def read_ratio(value: object) -> Fraction:
    """A share of the whole, 0 to 1, out of text."""
    ratio = _number(value)
    if ratio is None:
        raise wrong("ratio_wrong")
    if ratio < 0:
        raise wrong("ratio_negative")
    if ratio > 1:
        raise wrong("ratio_above_one")
    return ratio


def read_quantity(value: object) -> Fraction:
    """How many, above 0: text, or a whole number, which no program changes in between."""
    quantity = _number(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    if quantity is None or quantity <= 0:
        raise wrong("quantity_wrong")
    return quantity


def _number(value: object) -> Fraction | None:
    if isinstance(value, str) and len(value) <= _LONGEST and _NUMBER.fullmatch(value):
        return Fraction(value)
    return None


Fen = Annotated[int, BeforeValidator(read_amount), PlainSerializer(yuan, return_type=str)]
Quantity = Annotated[Fraction, BeforeValidator(read_quantity), PlainSerializer(decimal, return_type=str)]
Ratio = Annotated[Fraction, BeforeValidator(read_ratio), PlainSerializer(decimal, return_type=str)]
