"""What comes after the pool: big-illness insurance and medical aid (domain note 3.6: C_year, hifmi, M, maf).

Big-illness insurance runs on what was borne in the whole year, in bands measured from 0. Paid for is what this claim
adds above the threshold, so what earlier claims have led to is not paid again. Persons with a class of medical aid
have a lower threshold and a higher ratio. Medical aid pays a share of what then remains of this claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from domain.settlement.claim import Claim
from domain.settlement.lines import Split
from domain.settlement.money import share
from domain.settlement.pack import BigIllness, PolicyPack
from domain.settlement.pool import BandPay, PoolPay, cut
from domain.settlement.year import YearTotals


@dataclass(frozen=True, slots=True)
class Relief:
    """Fen. added: what this claim adds to the base of the year; remains: what medical aid is a share of."""

    threshold: int
    before: int
    added: int
    after: int
    bands: tuple[BandPay, ...]
    big_illness: int
    remains: int
    aid_ratio: Fraction
    aid_left: int
    aid: int


def relieve(pack: PolicyPack, claim: Claim, year: YearTotals, bill: Split, pool: PoolPay) -> Relief:
    """The pay of both, for what pool and over-cap fund have left."""
    unpaid = bill.scope - pool.pool - pool.over_cap
    before = year.big_illness_base
    threshold = added = paid = 0
    bands: tuple[BandPay, ...] = ()
    if pack.big_illness is not None:
        threshold = threshold_of(pack.big_illness, claim)
        added = unpaid + (bill.first if pack.big_illness.includes_preselfpay else 0)
        bands = _pay_bands(pack.big_illness, claim, max(threshold, before), before + added)
        paid = sum(band.pay for band in bands)
    remains = bill.first + unpaid - paid
    ratio, left = Fraction(0), 0
    if pack.medical_aid is not None and claim.aid_class is not None:
        ratio = pack.medical_aid.ratio[claim.aid_class]
        left = max(0, pack.medical_aid.limit - year.medical_aid)
    return Relief(
        threshold=threshold,
        before=before,
        added=added,
        after=before + added,
        bands=bands,
        big_illness=paid,
        remains=remains,
        aid_ratio=ratio,
        aid_left=left,
        aid=min(share(remains, ratio), left),
    )


def threshold_of(rule: BigIllness, claim: Claim) -> int:
    """From where big-illness insurance pays, for this person; a lowered one is rounded to the fen."""
    return rule.threshold if claim.aid_class is None else share(rule.threshold, rule.aid_threshold_factor)


def _pay_bands(rule: BigIllness, claim: Claim, low: int, high: int) -> tuple[BandPay, ...]:
    bonus = Fraction(0) if claim.aid_class is None else rule.aid_bonus
    result = []
    for index, begins, stops in cut([band.up_to for band in rule.bands], low, high):
        ratio = min(Fraction(1), rule.bands[index].ratio + bonus)
        result.append(BandPay(index, begins, stops, ratio, pay=share(stops - begins, ratio), used=stops - begins))
    return tuple(result)
