"""What the codes of the insurance platforms stand for (docs/reference/insurance-interface.md, Errors).

X101 X103 X104 X105        Misconfigured     an operator acts
X100 X102, any other       ContractBroken    an integrator acts
everything listed here     Rejected          a business no, with its name as reason and a text
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.errors import ContractBroken, Misconfigured, ProvinceError, Rejected
from domain.messages import Text

NOT_SIGNED_IN = "X103"
TROUBLES: Mapping[str, tuple[type[ProvinceError], str]] = {
    "X100": (ContractBroken, "malformed"),
    "X101": (Misconfigured, "signature_wrong"),
    "X102": (ContractBroken, "key_used_otherwise"),
    NOT_SIGNED_IN: (Misconfigured, "not_signed_in"),
    "X104": (Misconfigured, "no_such_message"),
    "X105": (Misconfigured, "wrong_place"),
}
REFUSALS: Mapping[str, tuple[str, str, str]] = {
    "X110": ("institution_unknown", "定点机构不存在。", "There is no such institution."),
    "X111": ("institution_closed", "该机构未联网或已暂停。", "The institution is not in the network at present."),
    "X112": ("institution_not_opened", "该机构未开通该病种。", "The institution is not opened for this disease."),
    "X120": ("not_insured", "参保地未查到参保信息。", "Nobody of that number is insured there."),
    "X121": ("not_entitled", "医保待遇已暂停。", "The benefits are suspended."),
    "X122": ("wrong_person", "人员信息不一致。", "The particulars do not belong to this person."),
    "X130": (
        "no_direct_settlement", "未备案，参保地不支持直接结算。",
        "Without a filing the insured place does not settle directly.",
    ),
    "X131": ("filing_overlap", "已有有效的长期备案。", "A long-term filing is in force already."),
    "X132": ("filing_unknown", "备案不存在。", "There is no such filing."),
    "X140": ("visit_unknown", "就诊记录不存在。", "There is no such visit."),
    "X141": ("visit_state", "就诊状态不允许此操作。", "The visit is not at that point."),
    "X142": ("in_hospital_elsewhere", "该人员正在其他机构住院。", "The person is in another hospital."),
    "X143": ("already_settled", "该就诊已结算。", "The visit is settled already."),
    "X144": ("not_settled", "未结算或结算已撤销。", "There is no settlement, or it is undone."),
    "X145": ("amount_mismatch", "总费用与已上传明细不一致。", "The total is not that of the uploaded lines."),
    "X146": ("detail_refused", "费用明细有误。", "A fee line is not accepted."),
    "X147": ("item_unknown", "项目不在就医地目录内。", "The catalogue of the treatment place does not have it."),
    "X150": ("original_differs", "原交易与冲正信息不一致。", "That message was another one."),
    "X151": ("not_reversible", "该交易不可冲正。", "That message cannot be taken back."),
    "X152": ("reversed", "该交易已被冲正。", "That message was taken back."),
    "X170": ("certificate_missing", "无有效的门诊慢特病认定。", "There is no certificate for the disease."),
    "X171": ("certificate_unknown", "认定或定点不存在。", "There is no such certificate or choice."),
    "X180": ("report_unknown", "报告不存在。", "There is no such report."),
    "X181": ("not_authorised", "未取得授权。", "There is no authorisation."),
    "X190": ("already_confirmed", "该月已确认。", "The month is confirmed already."),
    "X191": ("not_confirmed", "无可回退的确认。", "There is nothing to roll back."),
}  # fmt: skip


def error_of(code: str, sentence: str) -> ProvinceError:
    """The error a code stands for. ``sentence``: the platform's own, for operators; it names fields, no persons."""
    if code in REFUSALS:
        name, zh, en = REFUSALS[code]
        return Rejected((name,), Text(zh=zh, en=en))
    kind, name = TROUBLES.get(code, (ContractBroken, "unknown_result_code"))
    return kind(name, sentence[:200] if name == "malformed" else "")
