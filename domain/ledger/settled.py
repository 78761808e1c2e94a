"""What the books are told of a settlement: whose, where, when, and every amount in fen. No name, no id number."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from domain.messages import Message
from domain.settlement import Settlement

Fen = Annotated[int, Field(ge=-(10**16), le=10**16)]  # numeric(16,2) of the interface (domain note 3.4)
Code = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{5}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]


class SettledAmounts(Message):
    """The amounts of setlinfo in fen. None is negative in a settlement, none positive in a reversal.

    medfee_sumamt = fulamt_ownpay_amt + overlmt_selfpay + preselfpay_amt + inscp_scp_amt
                  = fund_pay_sumamt + psn_part_amt + hosp_part_amt
    fund_pay_sumamt = hifp + hifob + hifmi + hifes + cvlserv + maf + oth
    psn_part_amt = acct_pay + acct_mulaid_pay + psn_cash_pay
    """

    medfee_sumamt: Fen
    fulamt_ownpay_amt: Fen = 0
    overlmt_selfpay: Fen = 0
    preselfpay_amt: Fen = 0
    inscp_scp_amt: Fen
    act_pay_dedc: Fen = 0
    hifp_pay: Fen = 0
    hifob_pay: Fen = 0
    hifmi_pay: Fen = 0
    hifes_pay: Fen = 0
    cvlserv_pay: Fen = 0
    maf_pay: Fen = 0
    oth_pay: Fen = 0
    fund_pay_sumamt: Fen
    psn_part_amt: Fen
    acct_pay: Fen = 0
    acct_mulaid_pay: Fen = 0
    psn_cash_pay: Fen = 0
    hosp_part_amt: Fen = 0

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        funds = sum(getattr(self, name) for name in FUNDS)
        parts = self.fulamt_ownpay_amt + self.overlmt_selfpay + self.preselfpay_amt + self.inscp_scp_amt
        person = self.acct_pay + self.acct_mulaid_pay + self.psn_cash_pay
        for name, total, sum_ in (
            ("medfee_sumamt (by class)", self.medfee_sumamt, parts),
            ("medfee_sumamt (by payer)", self.medfee_sumamt, funds + person + self.hosp_part_amt),
            ("fund_pay_sumamt", self.fund_pay_sumamt, funds),
            ("psn_part_amt", self.psn_part_amt, person),
        ):
            if total != sum_:
                raise ValueError(f"{name} does not add up: {total} fen, its parts are {sum_} fen")
        amounts = [getattr(self, name) for name in AMOUNTS]
        if min(amounts) < 0 < max(amounts):
            raise ValueError("amounts of both signs: a settlement has none below 0, a reversal none above")
        return self

    @classmethod
    def of(cls, settlement: Settlement, *, hospital: int = 0) -> SettledAmounts:
        """From what the rules computed. ``hospital``: what the institution bears itself, taken off the cash."""
        amounts = settlement.amounts()
        amounts["psn_part_amt"] -= hospital
        amounts["psn_cash_pay"] -= hospital
        return cls.model_validate(amounts | {"hosp_part_amt": hospital})

    def negated(self) -> SettledAmounts:
        """Every amount with the other sign."""
        return SettledAmounts.model_validate({name: -getattr(self, name) for name in AMOUNTS})


FUNDS = ("hifp_pay", "hifob_pay", "hifmi_pay", "hifes_pay", "cvlserv_pay", "maf_pay", "oth_pay")
AMOUNTS = tuple(SettledAmounts.model_fields)


class Basis(StrEnum):
    """What the insured province owes the treatment province of a settlement (profile of clearing)."""

    FUND = "fund"  # fund_pay_sumamt
    FUND_AND_ACCOUNT = "fund_and_account"  # and what was drawn from the personal and the mutual-aid account


class SettledRow(Message):
    """One settlement, or with ``original`` the reversal of one, as it enters the books.

    setl_id: 结算 number of the platform. msgid: of the message that settled. stay: number of the stay or visit.
    person: digest of the person, never an id number. insured, treatment: admdvs. day: of the settlement, Asia/Shanghai.
    """

    setl_id: Identifier
    msgid: Identifier
    stay: Identifier
    person: Identifier
    insured: Code
    treatment: Code
    institution: Identifier
    med_type: Identifier
    clr_type: Identifier
    day: date
    amounts: SettledAmounts
    basis: Basis = Basis.FUND
    original: str = ""

    @property
    def payer(self) -> str:
        """The insured person's province."""
        return province_of(self.insured)

    @property
    def payee(self) -> str:
        """The province of treatment."""
        return province_of(self.treatment)

    @property
    def payable(self) -> int:
        """What the payer owes the payee, in fen; 0 within one province."""
        if self.payer == self.payee:
            return 0
        a = self.amounts
        drawn = a.acct_pay + a.acct_mulaid_pay if self.basis is Basis.FUND_AND_ACCOUNT else 0
        return a.fund_pay_sumamt + drawn


class Reversal(Message):
    """2305 / 2208 / 2601 that has succeeded: the settlement it undoes, its own number and message, its day."""

    setl_id: Identifier
    msgid: Identifier
    original: Identifier
    day: date


def province_of(admdvs: str) -> str:
    """320500 -> 320000."""
    return admdvs[:2] + "0000"
