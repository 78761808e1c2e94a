"""A case that has ended badly: where what comes after the end begins."""

from __future__ import annotations

from tests.fixtures.houses import Caller
from tests.fixtures.running import Town

REASON = {"reason": "住所证明不符。", "legal_basis": "市场主体登记管理条例第十九条"}


async def refused(town: Town, citizen: Caller) -> str:
    """A case that was not accepted."""
    no = await citizen.submit()
    assert (await town.decide(town.market(), no, "accept", "refuse", **REASON)).status_code == 200
    await town.until(citizen, no, lambda case: case["closed_at"])
    return no
