"""What the settlements of a year add up to, for one person in one pool: caps and thresholds run on it.

Four totals (domain note 3.6): what the pool has paid (annual cap), what the over-cap fund has paid (its limit), what
was borne before big-illness insurance (its threshold and bands), what medical aid has paid (its limit).
"""

from __future__ import annotations

from domain.messages import Message
from domain.settlement.faults import Fault, SettlementRefused


class YearTotals(Message):
    """Fen. ``big_illness_base`` is what was borne before big-illness insurance has paid (C_year)."""

    pool: int = 0
    over_cap: int = 0
    big_illness_base: int = 0
    medical_aid: int = 0

    def amounts(self) -> dict[str, int]:
        """Total -> fen."""
        return {name: getattr(self, name) for name in YearTotals.model_fields}

    def negated(self) -> YearTotals:
        """What a reversal adds."""
        return YearTotals(**{name: -total for name, total in self.amounts().items()})

    def plus(self, more: YearTotals) -> YearTotals:
        """The totals after a settlement, or after a reversal, which adds negative amounts.

        SettlementRefused (not_counted) if a total would fall below zero: what is reversed was never counted here.
        """
        sums = {name: total + more.amounts()[name] for name, total in self.amounts().items()}
        short = [Fault(code="not_counted", where=f"/{name}") for name, total in sums.items() if total < 0]
        if short:
            raise SettlementRefused(short)
        return YearTotals(**sums)
