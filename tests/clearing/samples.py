"""Synthetic settlements: random ones that add up, and the golden month of domain note 3.8."""

from __future__ import annotations

import hashlib
from datetime import date
from itertools import count
from typing import Any

from hypothesis import strategies as st

from catalogue.library import Library
from domain.ledger import AMOUNTS, Basis, SettledAmounts, SettledRow

PROFILE = Library().clearing
CALENDAR = Library().calendar
SH, JS, ZJ, AH = "310000", "320000", "330000", "340000"
CITY = {SH: "310115", JS: "320500", ZJ: "330100", AH: "340500"}
GOLDEN = {
    (AH, SH): 1_250_000, (AH, JS): 430_000, (AH, ZJ): 210_000, (JS, SH): 980_000, (JS, ZJ): 150_000, (JS, AH): 90_000,
    (ZJ, SH): 760_000, (ZJ, JS): 120_000, (ZJ, AH): 40_000, (SH, JS): 300_000, (SH, ZJ): 260_000, (SH, AH): 110_000,
}  # yuan  # fmt: skip
NETS = {SH: 2_320_000, JS: -370_000, ZJ: -300_000, AH: -1_650_000}
_numbers = count(1)


def amounts(**given: int) -> SettledAmounts:
    """Amounts that add up, by what the funds and the person pay; the bill follows."""
    values = dict.fromkeys(AMOUNTS, 0) | given
    values["fund_pay_sumamt"] = sum(values[n] for n in AMOUNTS[6:13])
    values["psn_part_amt"] = values["acct_pay"] + values["acct_mulaid_pay"] + values["psn_cash_pay"]
    values["medfee_sumamt"] = values["fund_pay_sumamt"] + values["psn_part_amt"] + values["hosp_part_amt"]
    own = values["fulamt_ownpay_amt"] + values["overlmt_selfpay"] + values["preselfpay_amt"]
    values["inscp_scp_amt"] = values["medfee_sumamt"] - own
    return SettledAmounts.model_validate(values)


def settled(
    payer: str = AH, payee: str = SH, fund: int = 2_466_000, day: date = date(2026, 10, 12), **more: Any
) -> SettledRow:
    """One settlement; amounts in fen."""
    number = next(_numbers)
    institution = f"H{CITY[payee]}{number % 99999:05}"
    values: dict[str, Any] = {
        "setl_id": f"S{number:09}",
        "msgid": f"{institution}20261012093000{number % 9999:04}",
        "stay": f"stay-{number}",
        "person": hashlib.sha256(f"person {number}".encode()).hexdigest()[:32],
        "insured": CITY[payer],
        "treatment": CITY[payee],
        "institution": institution,
        "med_type": "21",
        "clr_type": "21",
        "day": day,
        "amounts": amounts(hifp_pay=fund, psn_cash_pay=434_000, acct_pay=300_000),
    }
    return SettledRow.model_validate(values | more)


fen = st.integers(0, 10**9)
regions = st.sampled_from(sorted(CITY.values()))


@st.composite
def rows(draw: st.DrawFn) -> SettledRow:
    """Any settlement that adds up."""
    given = {
        name: draw(fen) for name in (*AMOUNTS[6:13], "acct_pay", "acct_mulaid_pay", "psn_cash_pay", "hosp_part_amt")
    }
    made = settled(
        insured=draw(regions),
        treatment=draw(regions),
        stay=f"stay-{draw(st.integers(1, 4))}",
        day=date(2026, 10, draw(st.integers(1, 5))),
        basis=draw(st.sampled_from(Basis)),
    )
    return made.model_copy(update={"amounts": amounts(**given)})
