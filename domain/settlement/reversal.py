"""Undoing a settlement (2305, 冲正; domain note 3.6 and 3.7): every amount negated, the totals of the year restored."""

from __future__ import annotations

from domain.settlement.faults import Fault, SettlementRefused
from domain.settlement.result import Settlement
from domain.settlement.year import YearTotals


def reverse(settlement: Settlement, year: YearTotals | None = None) -> Settlement:
    """The reversal: added to the settlement, every field is 0.

    year: the totals now, if other claims were settled since; their own pay is not computed again. SettlementRefused
    for a reversal (already_reversed) and for totals that cannot hold the settlement (not_counted).
    """
    if settlement.reversal:
        raise SettlementRefused([Fault(code="already_reversed")])
    counted = settlement.counted.negated()
    negated: dict[str, int] = {name: -amount for name, amount in settlement.amounts().items()}
    return settlement.model_copy(
        update={
            **negated,
            "counted": counted,
            "year_to_date": (year or settlement.year_to_date).plus(counted),
            "reversal": True,
        }
    )
