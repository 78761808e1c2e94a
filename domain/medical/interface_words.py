"""Words of the national interface that courses use (domain note 3.4; docs/reference/insurance-interface.md).

Amounts are written with two decimals on the wire and are fen everywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from domain.medical.matter import MatterKind
from domain.messages import Message


class Messages(Message):
    """The numbers of the messages of one kind of treatment; empty: there is none."""

    open: str
    info: str
    cancel: str
    fees: str
    cancel_fees: str
    discharge: str
    preview: str
    settle: str
    undo: str


MESSAGES: Mapping[MatterKind, Messages] = {
    MatterKind.STAY: Messages(
        open="2401",
        info="",
        cancel="2404",
        fees="2301",
        cancel_fees="2302",
        discharge="2402",
        preview="2303",
        settle="2304",
        undo="2305",
    ),
    MatterKind.VISIT: Messages(
        open="2201",
        info="2203",
        cancel="2202",
        fees="2204",
        cancel_fees="2205",
        discharge="",
        preview="2206",
        settle="2207",
        undo="2208",
    ),
}
FEES = frozenset(each.fees for each in MESSAGES.values())
DROPS = frozenset(each.cancel_fees for each in MESSAGES.values())
SETTLES = frozenset({"2304", "2207"})
UNDOES = frozenset({"2305", "2208"})
REVERSIBLE = frozenset({"2102", "2103", "2207", "2208", "2304", "2305", "2401"})
"""What 2601 takes back; for these nothing is ever sent again on the off chance [S7]."""

LONGEST_AMOUNT = 24  # characters; numeric(16,2) has 19

SETL_AMOUNTS = (
    "medfee_sumamt",
    "fulamt_ownpay_amt",
    "overlmt_selfpay",
    "preselfpay_amt",
    "inscp_scp_amt",
    "act_pay_dedc",
    "hifp_pay",
    "cvlserv_pay",
    "hifes_pay",
    "hifmi_pay",
    "hifob_pay",
    "maf_pay",
    "oth_pay",
    "fund_pay_sumamt",
    "psn_part_amt",
    "acct_pay",
    "acct_mulaid_pay",
    "psn_cash_pay",
    "hosp_part_amt",
)


def fen(value: object) -> int:
    """An amount of the wire, 12.30, in fen; ValueError if it is no amount of two decimals."""
    text = str(value)
    try:
        amount = Decimal(text) * 100 if len(text) <= LONGEST_AMOUNT else Decimal("NaN")
    except InvalidOperation:
        raise ValueError("no amount") from None
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ValueError("no amount of whole fen")
    return int(amount)


def amounts_of(setlinfo: Mapping[str, object]) -> dict[str, int]:
    """The amounts of a settlement in fen, by name; one that is left out is 0."""
    return {name: fen(setlinfo.get(name) or 0) for name in SETL_AMOUNTS}
