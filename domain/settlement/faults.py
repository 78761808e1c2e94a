"""What can be wrong with a policy pack or a claim: a stable code, zh and en, and the place as a JSON pointer.

    Fault                one thing that is wrong, with the place where it stands
    SettlementRefused    all of them; nothing was computed

The table is the only place where these texts stand; docs/reference/settlement.md lists it, a test compares.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import LiteralString

from pydantic_core import PydanticCustomError

from domain.messages import Message, Text


def _text(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


FAULTS: dict[str, Text] = {
    # reading
    "not_json": _text(
        "不是UTF-8编码的JSON对象，或过大、过深。", "Not a JSON object in UTF-8, or too large or too deep."
    ),
    "not_a_number": _text("NaN和Infinity不是数。", "NaN and Infinity are no numbers."),
    "key_missing": _text("缺少此项。", "This key is missing."),
    "key_unknown": _text("没有此项。", "There is no such key."),
    "key_twice": _text("此项出现了两次。", "This key stands there twice."),
    "value_wrong": _text("此值的类型或写法有误。", "This value is of the wrong kind, or wrongly written."),
    "date_wrong": _text("日期有误，应写作2026-01-31。", "Not a date; dates are written like 2026-01-31."),
    "amount_wrong": _text(
        "金额须为文本，以元为单位，最多两位小数，如“800.00”。",
        'Amounts are texts in yuan with at most two decimal places, like "800.00".',
    ),
    "amount_negative": _text("金额不得为负。", "An amount must not be negative."),
    "amount_too_large": _text("金额超过14位整数。", "The amount has more than 14 digits before the point."),
    "ratio_wrong": _text(
        "比例须为文本，最多八位小数，如“0.90”。",
        'Ratios are texts with at most eight decimal places, like "0.90".',
    ),
    "ratio_negative": _text("比例不得为负。", "A ratio must not be negative."),
    "ratio_above_one": _text("比例不得大于1。", "A ratio must not be above 1."),
    "unreadable": _text("文件无法读取。", "The file cannot be read."),
    # a pack
    "dates_reversed": _text("失效日期早于生效日期。", "It ends before it begins."),
    "level_wrong": _text(
        "医院等级写作“1”“2”“3”等数字文本。", 'Hospital levels are written as digits in text, "1", "2", "3".'
    ),
    "level_missing": _text("缺少此医院等级的值。", "The value for this hospital level is missing."),
    "bands_missing": _text("至少须有一个费用段。", "There must be at least one band."),
    "bands_overlap": _text(
        "费用段重叠或为空：每段上限须高于前一段，首段须高于0。",
        "Bands overlap or are empty: each has to end above the one before, the first above 0.",
    ),
    "last_band_closed": _text("最后一段须不设上限（null）。", "The last band has to be open (null)."),
    "reduction_mode": _text("降低方式须为points（百分点）或multiplier（乘数）。", "The mode is points or multiplier."),
    "categories_missing": _text("没有任何就医类别。", "There is no category."),
    "category_wrong": _text(
        "就医类别由小写字母、数字和下划线组成。", "Categories are lower-case letters, digits and underscores."
    ),
    "tag_nowhere": _text("标注所指的项不在此政策包中。", "The tag is for a place that this pack does not have."),
    # a claim
    "class_unknown": _text("费用类别须为A（甲）、B（乙）或C（丙）。", "The class of a fee line is A, B or C."),
    "not_for_class": _text("此类费用不应有此项。", "A line of this class has no such amount."),
    "preselfpay_missing": _text("乙类费用须注明先行自付比例。", "A line of class B needs its pre-self-pay ratio."),
    "over_limit_too_large": _text("超限价部分大于该项金额。", "More is over the limit price than the line costs."),
    "over_limit_twice": _text(
        "超限价金额与限价只能给出一种。", "Give either what is over the limit price, or the limit price."
    ),
    "quantity_wrong": _text(
        "数量须大于0，写作文本（最多八位小数）或整数。",
        "The quantity is above 0: text with at most eight decimal places, or a whole number.",
    ),
    "price_differs": _text("单价乘以数量与金额不符。", "Price times quantity is not the amount."),
    "stay_wrong": _text("年内住院次数从1起。", "Stays of a year are counted from 1."),
    "year_missing": _text(
        "并非年内首次住院，须给出年度累计。", "Not the first stay of the year: the totals of the year are needed."
    ),
    "bill_too_large": _text("费用合计超过14位整数。", "The bill has more than 14 digits before the point."),
    # a claim and its pack
    "pack_differs": _text("此申报适用另一政策包。", "This claim is for another pack."),
    "pack_not_in_force": _text("出院之日此政策包不生效。", "This pack is not in force on the day of discharge."),
    "category_unknown": _text("政策包中没有此就医类别。", "The pack does not know this category."),
    "level_unknown": _text("政策包中没有此医院等级。", "The pack does not know this hospital level."),
    "aid_class_unknown": _text("政策包中没有此救助对象类别。", "The pack does not know this class of medical aid."),
    # a folder of packs
    "no_packs": _text("此处没有政策包。", "There is no pack here."),
    "pack_twice": _text("同一政策包的同一版本出现两次。", "The same version of the same pack is there twice."),
    "pack_unknown": _text("没有此政策包。", "There is no such pack."),
    "pack_ambiguous": _text("当日有两个政策包同时生效，无从选择。", "Two packs are in force; neither comes first."),
    "discharge_date_missing": _text(
        "有多个版本，须注明出院日期。", "There are several versions: the day of discharge is needed."
    ),
    # a reversal
    "already_reversed": _text("冲正结果不能再冲正。", "A reversal cannot be reversed."),
    "not_counted": _text("年度累计中不含此笔结算。", "The totals of the year do not hold this settlement."),
}


class Fault(Message):
    """One thing that is wrong. ``where``: a JSON pointer (RFC 6901) into the document, "" for the whole of it."""

    code: str
    where: str = ""

    @property
    def text(self) -> Text:
        """What is wrong, in words."""
        return FAULTS[self.code]


class SettlementRefused(Exception):
    """Everything that is wrong with a pack or a claim."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(", ".join(f"{fault.code} {fault.where}" for fault in self.faults))


def wrong(code: LiteralString) -> PydanticCustomError:
    """What a validator of one value raises; reading turns it into a Fault with this code and its place."""
    return PydanticCustomError(code, code)


def pointer(*parts: object) -> str:
    """The JSON pointer with these steps (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
