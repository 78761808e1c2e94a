"""The words behind ``waiting_on.why``: what it means and what would unblock it."""

from __future__ import annotations

from domain.messages import Message, Text


class Why(Message):
    text: Text
    unblocks: Text


def _why(zh: str, en: str, zh_unblocks: str, en_unblocks: str) -> Why:
    return Why(text=Text(zh=zh, en=en), unblocks=Text(zh=zh_unblocks, en=en_unblocks))


WHY: dict[str, Why] = {
    "starting": _why("申请已收到，即将开始办理", "received, about to start", "系统自动开始", "it starts by itself"),
    "processing": _why("系统正在处理", "being processed", "系统自动继续", "it goes on by itself"),
    "task": _why("等待部门经办人办理", "a caseworker has to act", "经办人作出决定", "the caseworker's decision"),
    "evidence_preview": _why(
        "请查看调取的证明并决定是否使用",
        "look at the evidence that was found and decide on its use",
        "您同意使用，或改交自己的材料",
        "your consent, or a document of your own",
    ),
    "evidence_missing": _why(
        "登记机关没有这份证明，请上传材料",
        "the register does not hold this evidence; hand in a document",
        "您上传材料",
        "your document",
    ),
    "province_asked": _why(
        "已向对方省份发出请求", "the other province has been asked", "对方系统答复", "its system's answer"
    ),
    "province_working": _why(
        "对方部门已受理，正在办理",
        "the other authority has taken it in and is working on it",
        "对方部门办结后回告，或系统查询到结果",
        "its result, sent or found by asking",
    ),
    "province_unavailable": _why(
        "对方省份系统暂时不可用，正在自动重试",
        "the other province's system cannot be reached; it is being tried again by itself",
        "对方系统恢复",
        "its system coming back",
    ),
    "outcome_unknown": _why(
        "对方省份未答复，正在核实是否已办理",
        "the other province has not answered; whether it acted is being checked",
        "查询到结果",
        "the result being found",
    ),
    "reversal": _why(
        "正在撤销已生效的事项",
        "what had taken effect is being undone",
        "对方系统确认撤销",
        "the other side's confirmation",
    ),
    "signature": _why(
        "等待共同申请人确认", "a co-signer has to confirm", "每位共同申请人确认", "every co-signer's confirmation"
    ),
    "supplement": _why(
        "请按一次性告知补正材料",
        "please supplement what the notice asks for",
        "您答复每一项补正要求",
        "your answer to every item of the notice",
    ),
    "promise": _why(
        "请补交您承诺后补的材料", "please hand in what you promised", "您补交材料", "the document you promised"
    ),
    "promise_verification": _why(
        "正在核查告知承诺事项", "your commitment is being verified", "经办人核查完毕", "a caseworker's verification"
    ),
    "fee": _why("请缴费", "please pay the fee", "收到缴费结果", "the payment"),
    "publicity": _why("正在公示", "on public display", "公示期满无异议", "the end of the period without an objection"),
    "objection": _why(
        "正在核查异议", "an objection is being looked into", "经办人对异议作出处理", "a caseworker's answer to it"
    ),
    "transfer": _why(
        "已提出移送，等待对方部门确认",
        "another place has been asked to take the case over",
        "对方部门同意或提出异议",
        "that place's agreement or dispute",
    ),
    "arbitration": _why(
        "两地对管辖有争议，等待协调机构裁决",
        "two places disagree about who is competent",
        "区域协调机构裁决",
        "the regional coordinator's decision",
    ),
    "opinion": _why(
        "正在征求其他部门意见", "another body has been asked for its opinion", "该部门答复", "that body's answer"
    ),
    "rekey": _why(
        "等待经办人在部门系统录入并回填编号",
        "a clerk has to key it into the department's own system and write down the number",
        "经办人回填编号",
        "the clerk's entry of the number",
    ),
    "supply": _why(
        "对方部门要求补充材料，等待经办人处理",
        "the other authority wants something handed in; a caseworker has to see to it",
        "经办人补交",
        "the caseworker's handing-in",
    ),
    "recognition_consent": _why(
        "医疗机构请求调阅您的检查检验报告，请您决定是否同意",
        "a hospital asks to fetch your examination reports; say whether you consent",
        "您同意或不同意",
        "your answer",
    ),
    "recognition_reading": _why(
        "正在向报告所在地调取报告索引和明细",
        "the place that holds the reports is being asked for them",
        "对方平台答复",
        "its platform's answer",
    ),
    "recognition_decision": _why(
        "等待接诊医师逐份决定是否互认",
        "the physician decides about each report",
        "医师作出决定",
        "the physician's decision",
    ),
    "recognition_explained": _why(
        "有报告未予互认，请阅读原因",
        "some reports are not recognised; read why",
        "您确认已知悉",
        "your confirmation that you have read it",
    ),
    "filing_review": _why(
        "等待参保地经办人审核备案",
        "a caseworker of the insured place looks at the filing",
        "经办人作出决定",
        "the caseworker's decision",
    ),
    "filing_in_force": _why(
        "备案有效",
        "the filing is in force",
        "到期自动失效，或您变更、取消",
        "its last day, or your cancelling it",
    ),
    "platform_asked": _why(
        "正在向医保平台登记", "the insurance platform is being told", "平台答复", "the platform's answer"
    ),
    "platform_refused": _why(
        "医保平台未予登记，等待经办人处理",
        "the insurance platform has not taken it; a caseworker has to see to it",
        "经办人重试、人工登记或驳回",
        "the caseworker trying again, entering it by hand, or refusing",
    ),
    "referral_referred": _why(
        "等待接诊机构答复",
        "the receiving institution has to answer",
        "接诊机构接收、谢绝或推荐其他机构",
        "its acceptance, its refusal, or another institution it proposes",
    ),
    "referral_proposed": _why(
        "接诊机构推荐了其他机构，等待转出机构答复",
        "another institution was proposed; the referring side has to answer",
        "转出机构同意或取消",
        "its agreement, or its cancellation",
    ),
    "referral_accepted": _why(
        "接诊机构已接收，等待安排时间",
        "accepted; the day to come is being arranged",
        "接诊机构安排入院时间",
        "the receiving institution's appointment",
    ),
    "referral_scheduled": _why("已安排时间，等待入院", "the day is fixed", "患者按时入院", "the patient's coming"),
    "referral_admitted": _why(
        "已入院，等待接诊机构回告结果",
        "admitted; the outcome is to come back",
        "接诊机构回告诊疗结果",
        "the receiving institution's report of the outcome",
    ),
    "insurance_asked": _why(
        "已向参保地医保平台发出请求", "the insurance platform has been asked", "平台答复", "the platform's answer"
    ),
    "bills_asked": _why(
        "已向财政电子票据平台发出请求", "the platform of e-bills has been asked", "平台答复", "the platform's answer"
    ),
    "treatment": _why(
        "正在就诊", "being treated", "医院上传费用、办理出院或结算", "fees, discharge, settlement by the hospital"
    ),
    "settlement": _why(
        "已出院，等待结算", "discharged, not settled yet", "医院办理结算", "the settlement by the hospital"
    ),
    "settled": _why(
        "已结算", "settled", "到期自动办结；可申请撤销结算", "it ends by itself; until then it can be undone"
    ),
    "uncovered": _why(
        "暂不能直接结算",
        "no direct settlement for now",
        "补办备案后重新核验，或全额自费后手工报销",
        "a late filing, or payment in full and a claim for reimbursement",
    ),
    "claim_wanted": _why("请确认并提交报销申请", "ask for the reimbursement", "您提交申请", "your application"),
    "claim_review": _why("等待参保地审核", "the insured place decides", "经办人作出决定", "the caseworker's decision"),
    "claim_payment": _why("已批准，等待拨付", "approved, the money is on its way", "拨付完成", "the payment"),
    "bill_cancelled": _why(
        "票据已冲红，申请暂停",
        "the bill was cancelled, the claim is suspended",
        "您提交新的票据",
        "another bill from you",
    ),
    "resolve": _why(
        "遇到需要人工处理的问题", "something needs a person", "经办人决定如何继续", "a caseworker saying how to go on"
    ),
}
