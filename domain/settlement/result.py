"""The settlement: who pays what (domain note 3.4, setlinfo; 3.6). Its own words are the interface's field names."""

from __future__ import annotations

from domain.messages import Message
from domain.settlement.year import YearTotals


class Settlement(Message):
    """Amounts in fen; all negative in a reversal.

    medfee_sumamt = fulamt_ownpay_amt + overlmt_selfpay + preselfpay_amt + inscp_scp_amt
                  = fund_pay_sumamt + psn_part_amt
    fund_pay_sumamt = hifp_pay + hifob_pay + hifmi_pay + maf_pay
    psn_part_amt = acct_pay + acct_mulaid_pay + psn_cash_pay

    counted: what it adds to the year. year_to_date: the totals after it. version: of the pack that was applied.
    """

    claim: str
    pack: str
    version: str
    medfee_sumamt: int
    fulamt_ownpay_amt: int
    overlmt_selfpay: int
    preselfpay_amt: int
    inscp_scp_amt: int
    act_pay_dedc: int
    hifp_pay: int
    hifob_pay: int
    hifmi_pay: int
    maf_pay: int
    fund_pay_sumamt: int
    psn_part_amt: int
    acct_pay: int
    acct_mulaid_pay: int
    psn_cash_pay: int
    counted: YearTotals
    year_to_date: YearTotals
    reversal: bool = False

    def amounts(self) -> dict[str, int]:
        """Field -> fen, in the order of the bill."""
        return {name: getattr(self, name) for name in AMOUNTS}


AMOUNTS = tuple(name for name, field in Settlement.model_fields.items() if field.annotation is int)
