"""How a fee line falls into what is borne at once and what is in scope (domain note 3.6, first block).

    class C   all of it is borne                                 fulamt_ownpay_amt
    class A   over the limit price is borne, the rest in scope   overlmt_selfpay, inscp_scp_amt
    class B   of the rest, a share is borne first                preselfpay_amt = round((amount - over limit) x ratio)

The share of class B is rounded line by line (tag DESIGN): the sum of rounded lines is what the patient finds on the
bill.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from domain.settlement.claim import Fee, FeeClass
from domain.settlement.money import share


class Split(NamedTuple):
    """A line, or a bill, in fen: amount = own + over + first + scope."""

    amount: int
    own: int  # A: 全自费
    over: int  # O: 超限价
    first: int  # P: 先行自付
    scope: int  # S: 政策范围内


def split(fee: Fee) -> Split:
    """One line in its parts."""
    if fee.fee_class is FeeClass.C:
        return Split(fee.amount, own=fee.amount, over=0, first=0, scope=0)
    over = fee.overflow
    rest = fee.amount - over
    first = share(rest, fee.preselfpay) if fee.fee_class is FeeClass.B and fee.preselfpay else 0
    return Split(fee.amount, own=0, over=over, first=first, scope=rest - first)


def total(lines: Iterable[Split]) -> Split:
    """The bill."""
    amount = own = over = first = scope = 0
    for line in lines:
        amount += line.amount
        own += line.own
        over += line.over
        first += line.first
        scope += line.scope
    return Split(amount, own, over, first, scope)
