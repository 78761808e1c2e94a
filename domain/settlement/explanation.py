"""A settlement line by line, so that a patient can recompute it.

Each line has its amount, its formula, its rule, and where pack and claim say so. The lines of a field add up to the
field; every formula, computed as it is written, is the amount of its line (step.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.money import yuan
from domain.settlement.claim import Fee, FeeClass
from domain.settlement.explained_funds import big_illness_lines, medical_aid_lines, over_cap_lines, pool_lines
from domain.settlement.faults import pointer
from domain.settlement.lines import Split
from domain.settlement.money import decimal
from domain.settlement.settling import Settled
from domain.settlement.step import ExplanationLine, step

_CLASSES = {FeeClass.A: ("甲类", "A"), FeeClass.B: ("乙类", "B"), FeeClass.C: ("丙类", "C")}


def explain(settled: Settled) -> tuple[ExplanationLine, ...]:
    """Every step, in the order in which they were taken."""
    return (
        *_bill(settled),
        *pool_lines(settled),
        *over_cap_lines(settled),
        *big_illness_lines(settled),
        *medical_aid_lines(settled),
        *_payment(settled),
        *_year(settled),
    )


def _bill(settled: Settled) -> Iterator[ExplanationLine]:
    for i, (fee, part) in enumerate(zip(settled.claim.fees, settled.lines, strict=True)):
        yield from _fee(i, fee, part)


def _fee(i: int, fee: Fee, part: Split) -> Iterator[ExplanationLine]:
    zh, en = _CLASSES[fee.fee_class]
    where, rule = pointer("fees", i), f"class {en}"
    head = (f"第{i + 1}项（{zh}）", f"Line {i + 1} (class {en})")

    def line(field: str, zh: str, en: str, formula: str, fen: int, key: str) -> ExplanationLine:
        return step(field, (head[0] + zh, head[1] + en), formula, fen, rule, claim_path=where + key)

    amount = yuan(part.amount)
    yield line("medfee_sumamt", "金额", ", amount", amount, part.amount, "/amount")
    if fee.fee_class is FeeClass.C:
        yield line("fulamt_ownpay_amt", "全自费", ", borne in full", amount, part.own, "/amount")
        return
    scope = amount
    if part.over:
        formula, key = yuan(part.over), "/over_limit"
        if fee.limit_price is not None:
            formula, key = f"{amount} − round({yuan(fee.limit_price)} × {decimal(fee.quantity)})", "/limit_price"
        yield line("overlmt_selfpay", "超限价自费", ", over the limit price", formula, part.over, key)
        scope = f"{amount} − {yuan(part.over)}"
    if fee.fee_class is FeeClass.B and fee.preselfpay is not None:
        base = f"({scope})" if part.over else scope
        formula = f"round({base} × {decimal(fee.preselfpay)})"
        yield line("preselfpay_amt", "先行自付", ", borne first", formula, part.first, "/preselfpay")
        scope = f"{scope} − {yuan(part.first)}"
    yield line("inscp_scp_amt", "政策范围内", ", in scope", scope, part.scope, "")


def _payment(settled: Settled) -> Iterator[ExplanationLine]:
    done, claim = settled.settlement, settled.claim
    funds = " + ".join(map(yuan, (done.hifp_pay, done.hifob_pay, done.hifmi_pay, done.maf_pay)))
    words = ("基金支付合计（统筹+大额+大病+救助）", "All funds (pool + over-cap + big-illness + aid)")
    yield step("fund_pay_sumamt", words, funds, done.fund_pay_sumamt, "fund_pay_sumamt")
    whole, person = f"{yuan(done.medfee_sumamt)} − {yuan(done.fund_pay_sumamt)}", yuan(done.psn_part_amt)
    yield step("psn_part_amt", ("个人负担", "Personal part"), whole, done.psn_part_amt, "psn_part_amt")
    yield step(
        "acct_pay",
        ("个人账户支付（不超过余额）", "From the personal account, up to its balance"),
        f"min({person}, {yuan(claim.account_balance)})",
        done.acct_pay,
        "psn_part_amt",
        claim_path="/account_balance",
    )
    rest = f"{person} − {yuan(done.acct_pay)}"
    yield step(
        "acct_mulaid_pay",
        ("家庭共济账户支付（不超过余额）", "From a relative's account, up to its balance"),
        f"min({rest}, {yuan(claim.mutual_aid_balance)})",
        done.acct_mulaid_pay,
        "psn_part_amt",
        claim_path="/mutual_aid_balance",
    )
    rest = f"{rest} − {yuan(done.acct_mulaid_pay)}"
    yield step("psn_cash_pay", ("现金支付", "Cash"), rest, done.psn_cash_pay, "psn_part_amt")


_YEAR = {
    "pool": ("年度累计：统筹基金", "Year to date: pool", "cap"),
    "over_cap": ("年度累计：大额基金", "Year to date: over-cap fund", "hifob"),
    "big_illness_base": ("年度累计：大病保险计入额", "Year to date: base of big-illness insurance", "C_year"),
    "medical_aid": ("年度累计：医疗救助", "Year to date: medical aid", "maf"),
}


def _year(settled: Settled) -> Iterator[ExplanationLine]:
    done = settled.settlement
    before, counted, after = settled.year.amounts(), done.counted.amounts(), done.year_to_date.amounts()
    for name, (zh, en, rule) in _YEAR.items():
        formula = f"{yuan(before[name])} + {yuan(counted[name])}"
        yield step(
            f"year_to_date.{name}", (zh, en), formula, after[name], rule, claim_path=pointer("year_to_date", name)
        )
