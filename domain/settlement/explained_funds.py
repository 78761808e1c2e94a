"""The explanation of what the funds pay: pool, annual cap, over-cap fund, big-illness insurance, medical aid."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from domain.money import yuan
from domain.settlement.claim import Claim
from domain.settlement.faults import pointer
from domain.settlement.money import decimal
from domain.settlement.pack import BigIllness, Mode, PolicyPack
from domain.settlement.pool import BandPay
from domain.settlement.settling import Settled
from domain.settlement.step import ExplanationLine, step


def pool_lines(settled: Settled) -> Iterator[ExplanationLine]:
    """The deductible, and each band that the amount in scope reaches."""
    pack, claim, pool, scope = settled.pack, settled.claim, settled.pool, yuan(settled.bill.scope)
    level = str(claim.hospital_level)
    due = yuan(pack.deductible[level])
    later = claim.stay_of_year > 1
    if later:
        due = f"round({due} × {decimal(pack.repeat_deductible_factor)})"
    yield step(
        "act_pay_dedc",
        (
            f"起付线（{level}级医院，年内第{claim.stay_of_year}次住院）",
            f"Deductible (level {level}, stay {claim.stay_of_year})",
        ),
        f"min({scope}, {due})",
        pool.deductible,
        "D",
        pointer("deductible", level),
        also=("/repeat_deductible_factor",) if later else (),
        claim_path="/stay_of_year",
    )
    paid: list[int] = []
    for band in pool.bands:
        yield from _crossed(settled, band, paid) if band.crossed else _paid(settled, band)
        paid.append(band.pay)
    if not pool.bands:
        words = ("未超过起付线，统筹基金不支付", "Nothing above the deductible, the pool pays nothing")
        yield step("hifp_pay", words, "0.00", 0, "hifp", pointer("deductible", level))


def _paid(settled: Settled, band: BandPay) -> Iterator[ExplanationLine]:
    ratio, also = _ratio(settled.pack, settled.claim, band)
    yield step(
        "hifp_pay",
        (f"统筹基金第{band.index + 1}段（{_span(band)[0]}）", f"Pool, band {band.index + 1} ({_span(band)[1]})"),
        f"round(({yuan(band.high)} − {yuan(band.low)}) × {ratio})",
        band.pay,
        "hifp",
        _ratio_path(settled.claim, band),
        also=also,
        claim_path="/category",
    )


def _crossed(settled: Settled, band: BandPay, paid: list[int]) -> Iterator[ExplanationLine]:
    """The band that meets the annual cap: what is left, what it stands for, and what is over the cap."""
    pack, scope = settled.pack, settled.bill.scope
    ratio, also = _ratio(pack, settled.claim, band)
    zh, en = f"统筹基金第{band.index + 1}段（{_span(band)[0]}）", f"Pool, band {band.index + 1} ({_span(band)[1]})"
    left = " − ".join([f"{yuan(pack.annual_cap)} − {yuan(settled.year.pool)}", *map(yuan, paid)])
    yield step(
        "hifp_pay",
        (f"{zh}达到年度最高支付限额，只付余额", f"{en} meets the annual cap and pays what is left"),
        f"max(0, {left})" if settled.year.pool > pack.annual_cap else left,
        band.pay,
        "cap",
        "/annual_cap",
        also=(_ratio_path(settled.claim, band), *also),
        claim_path="/year_to_date/pool",
    )
    yield step(
        "used_up_to_cap",
        ("该余额对应的政策范围内费用", "What this stands for of the amount in scope"),
        f"round({yuan(band.pay)} ÷ {ratio})",
        band.used,
        "cap",
        _ratio_path(settled.claim, band),
        also=also,
    )
    yield step(
        "over_cap_scope",
        ("超过限额的政策范围内费用", "In scope and over the cap"),
        f"{yuan(scope)} − {yuan(band.low)} − {yuan(band.used)}",
        settled.pool.beyond,
        "X",
        "/annual_cap",
    )


def over_cap_lines(settled: Settled) -> Iterator[ExplanationLine]:
    """What is in scope above the cap, and the share of it that is paid."""
    rule = settled.pack.over_cap
    if rule is None:
        return
    if not settled.pool.beyond:
        words = ("未超过年度限额，大额基金不支付", "Nothing over the annual cap, the over-cap fund pays nothing")
        yield step("hifob_pay", words, "0.00", 0, "hifob", "/annual_cap")
        return
    yield step(
        "hifob_pay",
        ("大额基金（不超过年度余额）", "Over-cap fund, up to what is left of its limit of the year"),
        f"min(round({yuan(settled.pool.beyond)} × {decimal(rule.ratio)}), {_left(rule.limit, settled.year.over_cap)})",
        settled.pool.over_cap,
        "hifob",
        "/over_cap/ratio",
        also=("/over_cap/limit",),
        claim_path="/year_to_date/over_cap",
    )


def big_illness_lines(settled: Settled) -> Iterator[ExplanationLine]:
    """Threshold, what this claim adds to the base, and what is paid in each band."""
    rule, relief, bill, pool = settled.pack.big_illness, settled.relief, settled.bill, settled.pool
    if rule is None:
        return
    aided, path = settled.claim.aid_class is not None, "/big_illness/threshold"
    threshold = yuan(rule.threshold)
    yield step(
        "big_illness_threshold",
        ("大病保险起付标准", "Threshold of big-illness insurance"),
        f"round({threshold} × {decimal(rule.aid_threshold_factor)})" if aided else threshold,
        relief.threshold,
        "hifmi",
        path,
        also=("/big_illness/aid_threshold_factor",) if aided else (),
    )
    first = f"{yuan(bill.first)} + " if rule.includes_preselfpay else ""
    yield step(
        "big_illness_added",
        ("本次计入大病保险的个人负担", "Borne in this claim, as big-illness insurance counts it"),
        f"{first}{yuan(bill.scope)} − {yuan(pool.pool)} − {yuan(pool.over_cap)}",
        relief.added,
        "C_year",
        "/big_illness/includes_preselfpay",
    )
    for band in relief.bands:
        yield _illness_band(rule, band, aided=aided)
    if not relief.bands:
        words = ("本次没有超过起付标准的新增费用，大病保险不支付", "Nothing new above the threshold, nothing is paid")
        yield step("hifmi_pay", words, "0.00", 0, "hifmi", path)


def _illness_band(rule: BigIllness, band: BandPay, *, aided: bool) -> ExplanationLine:
    base, bonus = rule.bands[band.index].ratio, rule.aid_bonus if aided else Fraction(0)
    ratio = _within(f"{decimal(base)} + {decimal(bonus)}", base + bonus) if bonus else decimal(base)
    zh, en = _span(band)
    number = band.index + 1
    return step(
        "hifmi_pay",
        (f"大病保险第{number}段（年度累计{zh}）", f"Big-illness insurance, band {number} (of the year {en})"),
        f"round(({yuan(band.high)} − {yuan(band.low)}) × {ratio})",
        band.pay,
        "hifmi",
        pointer("big_illness", "bands", band.index, "ratio"),
        also=("/big_illness/aid_bonus",) if aided else (),
        claim_path="/year_to_date/big_illness_base",
    )


def medical_aid_lines(settled: Settled) -> Iterator[ExplanationLine]:
    """What remains, and the share of it that aid pays."""
    rule, aid_class = settled.pack.medical_aid, settled.claim.aid_class
    if rule is None or aid_class is None:
        return
    bill, pool, relief = settled.bill, settled.pool, settled.relief
    paid = " − ".join(map(yuan, (pool.pool, pool.over_cap, relief.big_illness)))
    yield step(
        "remains",
        ("救助前的个人负担", "Borne before medical aid"),
        f"{yuan(bill.first)} + {yuan(bill.scope)} − {paid}",
        relief.remains,
        "M",
    )
    yield step(
        "maf_pay",
        (f"医疗救助（{aid_class}，不超过年度余额）", f"Medical aid ({aid_class}), up to what is left of its limit"),
        f"min(round({yuan(relief.remains)} × {decimal(relief.aid_ratio)}), "
        f"{_left(rule.limit, settled.year.medical_aid)})",
        relief.aid,
        "maf",
        pointer("medical_aid", "ratio", aid_class),
        also=("/medical_aid/limit",),
        claim_path="/aid_class",
    )


def _ratio(pack: PolicyPack, claim: Claim, band: BandPay) -> tuple[str, tuple[str, ...]]:
    """The ratio of a band as a formula, and the places beside the band's own that count in it."""
    value = pack.bands[band.index].ratio[str(claim.hospital_level)]
    lowering = pack.reduction.categories[claim.category]
    formula = decimal(value)
    also: tuple[str, ...] = (pointer("reduction", claim.category), "/reduction/mode")
    if claim.retiree and pack.retiree_bonus:
        formula, value = f"{formula} + {decimal(pack.retiree_bonus)}", value + pack.retiree_bonus
        also = ("/retiree_bonus", *also)
    if pack.reduction.mode is Mode.POINTS:
        if lowering:
            formula, value = f"{formula} − {decimal(lowering)}", value - lowering
    elif lowering != 1:
        factor = f"({formula})" if " " in formula else formula
        formula, value = f"{factor} × {decimal(lowering)}", value * lowering
    return _within(formula, value), also


def _within(formula: str, value: Fraction) -> str:
    """In parentheses where it has parts; held between 0 and 1 where it would leave them."""
    if value < 0:
        return f"max(0, {formula})"
    if value > 1:
        return f"min(1, {formula})"
    return f"({formula})" if " " in formula else formula


def _ratio_path(claim: Claim, band: BandPay) -> str:
    return pointer("bands", band.index, "ratio", claim.hospital_level)


def _span(band: BandPay) -> tuple[str, str]:
    low, high = yuan(band.low), yuan(band.high)
    return f"{low} 至 {high}", f"{low} to {high}"


def _left(limit: int, used: int) -> str:
    """What is left of a limit of the year, never below nothing."""
    left = f"{yuan(limit)} − {yuan(used)}"
    return f"max(0, {left})" if used > limit else left
