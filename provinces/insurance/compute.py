"""What the insured place pays, under its pack: an implementation of its own, in decimals of yuan.

Written from the formulas alone and sharing nothing with the house's engine: two ways to the same fen. Rounding is half
up to the fen, at each line for the pre-self-pay, at each band for a fund's pay. Packs: the format of ``packs/*.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

CENT = Decimal("0.01")
NOTHING = Decimal("0.00")
_WIDE = Context(prec=60)
Pack = Mapping[str, Any]


def cents(value: Decimal) -> Decimal:
    """To the fen, half up."""
    return value.quantize(CENT, ROUND_HALF_UP, _WIDE)


@dataclass(frozen=True)
class Sums:
    """A bill after the split: T, A, O, P and S of the formulas."""

    total: Decimal = NOTHING
    own: Decimal = NOTHING
    over: Decimal = NOTHING
    first: Decimal = NOTHING
    scope: Decimal = NOTHING

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Sums)))


@dataclass(frozen=True)
class Year:
    """What earlier settlements of a year have left, or what one adds."""

    stays: int = 0
    pool: Decimal = NOTHING
    over_cap: Decimal = NOTHING
    big_illness_base: Decimal = NOTHING
    medical_aid: Decimal = NOTHING


@dataclass(frozen=True)
class Person:
    """Of the person what the formulas need."""

    retiree: bool
    aid_class: str
    account: Decimal
    mutual: Decimal = NOTHING


@dataclass(frozen=True)
class Result:
    """Who pays what. ``added``: to the year, without the stay itself."""

    sums: Sums
    deductible: Decimal
    pool: Decimal
    over_cap: Decimal
    big_illness: Decimal
    aid: Decimal
    funds: Decimal
    person: Decimal
    account: Decimal
    mutual: Decimal
    cash: Decimal
    added: Year


def split_line(kind: str, amount: Decimal, over: Decimal, ratio: Decimal) -> Sums:
    """One fee line of class A, B or C."""
    if kind == "C":
        return Sums(amount, own=amount)
    first = cents(_WIDE.multiply(amount - over, ratio)) if kind == "B" else NOTHING
    return Sums(amount, NOTHING, over, first, amount - over - first)


def settle(pack: Pack, sums: Sums, category: str, level: int, person: Person, year: Year, stay: int) -> Result:
    """``stay``: which one of the year this is, from 1."""
    scope = sums.scope
    deductible = min(scope, _deductible(pack, level, stay))
    pool, beyond = _pool(pack, scope, deductible, category, level, person.retiree, year.pool)
    over_cap = NOTHING
    if pack.get("over_cap"):
        rule = pack["over_cap"]
        left = max(NOTHING, Decimal(rule["limit"]) - year.over_cap)
        over_cap = min(_share(beyond, Decimal(rule["ratio"])), left)
    base, big_illness = _big_illness(pack, sums, scope - pool - over_cap, bool(person.aid_class), year)
    remains = sums.first + scope - pool - over_cap - big_illness
    aid = NOTHING
    if pack.get("medical_aid") and person.aid_class:
        ratio = pack["medical_aid"]["ratio"].get(person.aid_class, "0")
        left = max(NOTHING, Decimal(pack["medical_aid"]["limit"]) - year.medical_aid)
        aid = min(_share(remains, Decimal(ratio)), left)
    funds = pool + over_cap + big_illness + aid
    own = sums.total - funds
    account = min(own, person.account)
    mutual = min(own - account, person.mutual)
    added = Year(0, pool, over_cap, base, aid)
    return Result(
        sums, deductible, pool, over_cap, big_illness, aid, funds, own, account, mutual, own - account - mutual, added
    )


def _share(amount: Decimal, ratio: Decimal) -> Decimal:
    return cents(_WIDE.multiply(amount, ratio))


def _deductible(pack: Pack, level: int, stay: int) -> Decimal:
    whole = Decimal(pack["deductible"][str(level)])
    return whole if stay <= 1 else _share(whole, Decimal(pack["repeat_deductible_factor"]))


def _ratio(pack: Pack, base: str, category: str, retiree: bool) -> Decimal:
    ratio = Decimal(base) + (Decimal(pack["retiree_bonus"]) if retiree else 0)
    rule = pack["reduction"]
    lowering = Decimal(rule[category])
    ratio = ratio - lowering if rule["mode"] == "points" else _WIDE.multiply(ratio, lowering)
    return min(Decimal(1), max(Decimal(0), ratio))


def _slices(bands: Sequence[Mapping[str, Any]], low: Decimal, high: Decimal) -> Iterator[tuple[Any, Decimal]]:
    """What of low..high lies in each band, with the band's ratio."""
    floor = NOTHING
    for band in bands:
        ceiling = high if band["up_to"] is None else min(high, Decimal(band["up_to"]))
        width = ceiling - max(floor, low)
        if width > 0:
            yield band["ratio"], width
        floor = max(floor, ceiling)


def _pool(
    pack: Pack, scope: Decimal, deductible: Decimal, category: str, level: int, retiree: bool, before: Decimal
) -> tuple[Decimal, Decimal]:
    """The pool's pay, and what in scope lies beyond the cap of the year."""
    left = max(NOTHING, Decimal(pack["annual_cap"]) - before)
    paid, used = NOTHING, NOTHING
    for ratios, width in _slices(pack["bands"], deductible, scope):
        ratio = _ratio(pack, ratios[str(level)], category, retiree)
        due = _share(width, ratio)
        if due > left - paid:
            used += cents(_WIDE.divide(left - paid, ratio))
            return left, scope - deductible - used
        paid, used = paid + due, used + width
    return paid, NOTHING


def _big_illness(pack: Pack, sums: Sums, unpaid: Decimal, aided: bool, year: Year) -> tuple[Decimal, Decimal]:
    """What this claim adds to the year's base, and what is paid for it."""
    rule = pack.get("big_illness")
    if not rule:
        return NOTHING, NOTHING
    added = unpaid + (sums.first if rule["includes_preselfpay"] else NOTHING)
    threshold = Decimal(rule["threshold"])
    bonus = Decimal(0)
    if aided:
        threshold, bonus = _share(threshold, Decimal(rule["aid_threshold_factor"])), Decimal(rule["aid_bonus"])
    low, high = max(threshold, year.big_illness_base), year.big_illness_base + added
    paid = sum(
        (_share(width, min(Decimal(1), Decimal(ratio) + bonus)) for ratio, width in _slices(rule["bands"], low, high)),
        NOTHING,
    )
    return added, paid
