"""Who pays whom: gross is the rule, each pair in full (domain note 3.8, U-H); the net is a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.messages import Message


class Flow(Message):
    """What one province owes another for a month, in fen; below 0 after reversals of cleared months."""

    payer: str
    payee: str
    amount: int
    items: int = 0


class ProvinceNet(Message):
    """One province's side, in fen. net = receives - pays."""

    province: str
    pays: int
    receives: int

    @property
    def net(self) -> int:
        """Above 0: it gets money."""
        return self.receives - self.pays


def nets(flows: Iterable[Flow], provinces: Sequence[str]) -> tuple[ProvinceNet, ...]:
    """Every province's sums; the nets of all add up to 0."""
    flows = tuple(flows)
    return tuple(
        ProvinceNet(
            province=province,
            pays=sum(flow.amount for flow in flows if flow.payer == province),
            receives=sum(flow.amount for flow in flows if flow.payee == province),
        )
        for province in provinces
    )


def flows_total(flows: Iterable[Flow]) -> int:
    """All that changes hands, in fen."""
    return sum(flow.amount for flow in flows)
