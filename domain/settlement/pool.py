"""What the pool pays, the annual cap, and the over-cap fund (domain note 3.6: D, ratio_b, hifp, X, hifob).

Bands are measured on the amount in scope and the deductible lies inside them, from 0 up: with 800 to bear and 28,200 in
scope, the first band, to 50,000, pays for 27,400. The pay of each band is rounded (tag DESIGN).

Where the pay would pass the annual cap, that band pays what is left and uses up round(left / ratio) of its amount;
whatever is in scope after that point is over the cap. A band with ratio 0 pays nothing and passes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from domain.settlement.claim import Claim
from domain.settlement.money import half_up, share
from domain.settlement.pack import Mode, PolicyPack
from domain.settlement.year import YearTotals


@dataclass(frozen=True, slots=True)
class BandPay:
    """One band of a claim. low, high: the part of it that is paid for, in fen; ``crossed``: it met the cap.

    used: of its amount, what ``pay`` stands for; less than high - low where it met the cap.
    """

    index: int
    low: int
    high: int
    ratio: Fraction
    pay: int
    used: int
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class PoolPay:
    """Fen. due: deductible of this stay; deductible: what of it the bill reaches; left: under the annual cap."""

    due: int
    deductible: int
    left: int
    bands: tuple[BandPay, ...]
    pool: int
    beyond: int
    over_cap_left: int
    over_cap: int


def pay(pack: PolicyPack, claim: Claim, year: YearTotals, scope: int) -> PoolPay:
    """The pay of the pool and of the fund above it, for an amount in scope. year: the totals before."""
    level = str(claim.hospital_level)
    due = pack.due_deductible(level, claim.stay_of_year)
    deductible = min(scope, due)
    left = max(0, pack.annual_cap - year.pool)
    ratios = (ratio_of(pack, claim, band.ratio[level]) for band in pack.bands)
    bands = tuple(_pay_bands(cut([band.up_to for band in pack.bands], deductible, scope), list(ratios), left))
    beyond = scope - (bands[-1].low + bands[-1].used) if bands and bands[-1].crossed else 0
    over_cap_left = over_cap = 0
    if pack.over_cap is not None:
        over_cap_left = max(0, pack.over_cap.limit - year.over_cap)
        over_cap = min(share(beyond, pack.over_cap.ratio), over_cap_left)
    return PoolPay(
        due=due,
        deductible=deductible,
        left=left,
        bands=bands,
        pool=sum(band.pay for band in bands),
        beyond=beyond,
        over_cap_left=over_cap_left,
        over_cap=over_cap,
    )


def ratio_of(pack: PolicyPack, claim: Claim, base: Fraction) -> Fraction:
    """What a band pays of each yuan: never below nothing, never above all."""
    raised = base + (pack.retiree_bonus if claim.retiree else 0)
    lowering = pack.reduction.categories[claim.category]
    lowered = raised - lowering if pack.reduction.mode is Mode.POINTS else raised * lowering
    return min(Fraction(1), max(Fraction(0), lowered))


def cut(ends: Iterable[int | None], low: int, high: int) -> Iterator[tuple[int, int, int]]:
    """(index, low, high) of every band that has a part of low..high."""
    start = 0
    for index, end in enumerate(ends):
        begins, stops = max(start, low), high if end is None else min(end, high)
        if begins < stops:
            yield index, begins, stops
        if end is None or end >= high:
            return
        start = end


def _pay_bands(parts: Iterable[tuple[int, int, int]], ratios: list[Fraction], left: int) -> Iterator[BandPay]:
    for index, low, high in parts:
        ratio = ratios[index]
        due = share(high - low, ratio)
        if due > left:
            used = half_up(left * ratio.denominator, ratio.numerator)
            yield BandPay(index, low, high, ratio, pay=left, used=used, crossed=True)
            return
        yield BandPay(index, low, high, ratio, pay=due, used=high - low)
        left -= due
