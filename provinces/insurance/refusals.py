"""What a platform says no with. The codes are ours, never the national interface's."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """``infcode`` of an answer that is no."""

    BAD_MESSAGE = "X100"
    BAD_SIGNATURE = "X101"
    MSGID_REUSED = "X102"
    BAD_SIGN_NO = "X103"
    UNKNOWN_INFNO = "X104"
    WRONG_PLACE = "X105"
    INSTITUTION_UNKNOWN = "X110"
    INSTITUTION_CLOSED = "X111"
    INSTITUTION_NOT_OPENED = "X112"
    NOT_INSURED = "X120"
    NOT_ENTITLED = "X121"
    WRONG_PERSON = "X122"
    NO_DIRECT_SETTLEMENT = "X130"
    FILING_OVERLAP = "X131"
    FILING_UNKNOWN = "X132"
    VISIT_UNKNOWN = "X140"
    VISIT_STATE = "X141"
    IN_HOSPITAL_ELSEWHERE = "X142"
    ALREADY_SETTLED = "X143"
    NOT_SETTLED = "X144"
    AMOUNT_MISMATCH = "X145"
    DETAIL_REFUSED = "X146"
    ITEM_UNKNOWN = "X147"
    ORIGINAL_DIFFERS = "X150"
    NOT_REVERSIBLE = "X151"
    REVERSED = "X152"
    CERTIFICATE_MISSING = "X170"
    CERTIFICATE_UNKNOWN = "X171"
    REPORT_UNKNOWN = "X180"
    NOT_AUTHORISED = "X181"
    ALREADY_CONFIRMED = "X190"
    NOT_CONFIRMED = "X191"


SENTENCES = {
    Code.BAD_MESSAGE: "报文格式错误",
    Code.BAD_SIGNATURE: "签名错误",
    Code.MSGID_REUSED: "报文编号重复且内容不一致",
    Code.BAD_SIGN_NO: "请先签到",
    Code.UNKNOWN_INFNO: "交易编号不支持",
    Code.WRONG_PLACE: "行政区划不属于本平台",
    Code.INSTITUTION_UNKNOWN: "定点机构不存在",
    Code.INSTITUTION_CLOSED: "定点机构未联网或已暂停",
    Code.INSTITUTION_NOT_OPENED: "该机构未开通该病种",
    Code.NOT_INSURED: "未查到参保信息",
    Code.NOT_ENTITLED: "待遇已暂停",
    Code.WRONG_PERSON: "人员信息不一致",
    Code.NO_DIRECT_SETTLEMENT: "未备案，参保地不支持直接结算",
    Code.FILING_OVERLAP: "已有有效的长期备案",
    Code.FILING_UNKNOWN: "备案不存在",
    Code.VISIT_UNKNOWN: "就诊记录不存在",
    Code.VISIT_STATE: "就诊状态不符",
    Code.IN_HOSPITAL_ELSEWHERE: "该人员正在其他机构住院",
    Code.ALREADY_SETTLED: "该就诊已结算",
    Code.NOT_SETTLED: "未结算或结算已撤销",
    Code.AMOUNT_MISMATCH: "总费用与已上传明细不一致",
    Code.DETAIL_REFUSED: "费用明细有误",
    Code.ITEM_UNKNOWN: "项目不在就医地目录内",
    Code.ORIGINAL_DIFFERS: "原交易与冲正信息不一致",
    Code.NOT_REVERSIBLE: "该交易不可冲正",
    Code.REVERSED: "该交易已被冲正",
    Code.CERTIFICATE_MISSING: "无有效的门诊慢特病认定",
    Code.CERTIFICATE_UNKNOWN: "认定或定点不存在",
    Code.REPORT_UNKNOWN: "报告不存在",
    Code.NOT_AUTHORISED: "未取得授权",
    Code.ALREADY_CONFIRMED: "该月已确认",
    Code.NOT_CONFIRMED: "无可回退的确认",
}


class Refused(Exception):
    """A business no: nothing was done. ``about``: a field or number, no personal data."""

    def __init__(self, code: Code, about: str = "") -> None:
        super().__init__(code.name)
        self.code = code
        self.sentence = SENTENCES[code] + (f"：{about}" if about else "")


class NotReached(Exception):
    """The next hop was not reached, or said that it did nothing."""


class Unanswered(Exception):
    """The next hop was reached, and what it did is not known."""
