"""One claim under one pack: the order of the parts, and the settlement they lead to (domain note 3.6).

The order is fixed, since each part pays of what the one before has left: lines, deductible, pool, over-cap fund, big-
illness insurance, medical aid, the person's own account, a relative's account, cash.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.settlement.claim import Claim, check_against
from domain.settlement.faults import SettlementRefused
from domain.settlement.lines import Split, split, total
from domain.settlement.pack import PolicyPack
from domain.settlement.pool import PoolPay, pay
from domain.settlement.relief import Relief, relieve
from domain.settlement.result import Settlement
from domain.settlement.year import YearTotals


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement and how it came about, part by part."""

    pack: PolicyPack
    claim: Claim
    year: YearTotals  # before it
    lines: tuple[Split, ...]
    bill: Split
    pool: PoolPay
    relief: Relief
    settlement: Settlement


def settle(pack: PolicyPack, claim: Claim, year: YearTotals | None = None) -> Settled:
    """Who pays what. SettlementRefused if this claim cannot be settled under this pack.

    year: the totals that the books hold; without them, those that the claim names.
    """
    faults = list(check_against(pack, claim))
    if faults:
        raise SettlementRefused(faults)
    year = claim.year_before if year is None else year
    lines = tuple(split(fee) for fee in claim.fees)
    bill = total(lines)
    pool = pay(pack, claim, year, bill.scope)
    relief = relieve(pack, claim, year, bill, pool)
    return Settled(pack, claim, year, lines, bill, pool, relief, _settlement(pack, claim, year, bill, pool, relief))


def _settlement(
    pack: PolicyPack, claim: Claim, year: YearTotals, bill: Split, pool: PoolPay, relief: Relief
) -> Settlement:
    funds = pool.pool + pool.over_cap + relief.big_illness + relief.aid
    person = bill.amount - funds
    account = min(person, claim.account_balance)
    mutual = min(person - account, claim.mutual_aid_balance)
    counted = YearTotals(pool=pool.pool, over_cap=pool.over_cap, big_illness_base=relief.added, medical_aid=relief.aid)
    return Settlement(
        claim=claim.claim,
        pack=pack.pack,
        version=pack.version,
        medfee_sumamt=bill.amount,
        fulamt_ownpay_amt=bill.own,
        overlmt_selfpay=bill.over,
        preselfpay_amt=bill.first,
        inscp_scp_amt=bill.scope,
        act_pay_dedc=pool.deductible,
        hifp_pay=pool.pool,
        hifob_pay=pool.over_cap,
        hifmi_pay=relief.big_illness,
        maf_pay=relief.aid,
        fund_pay_sumamt=funds,
        psn_part_amt=person,
        acct_pay=account,
        acct_mulaid_pay=mutual,
        psn_cash_pay=person - account - mutual,
        counted=counted,
        year_to_date=year.plus(counted),
    )
