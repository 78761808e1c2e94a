"""A result as JSON: amounts are text in yuan, as in packs and claims; the fields are those of the interface."""

from __future__ import annotations

from domain.money import yuan
from domain.settlement.explanation import explain
from domain.settlement.settling import Settled


def document(settled: Settled) -> dict[str, object]:
    """The settlement, the totals of the year after it, the explanation; ``synthetic`` only if the pack is."""
    done = settled.settlement
    result: dict[str, object] = {"claim": done.claim, "pack": done.pack, "version": done.version}
    if settled.pack.synthetic:
        result["synthetic"] = True
    result |= {name: yuan(fen) for name, fen in done.amounts().items()}
    result["year_to_date"] = {name: yuan(fen) for name, fen in done.year_to_date.amounts().items()}
    result["explanation"] = [line.model_dump(mode="json") for line in explain(settled)]
    return result
