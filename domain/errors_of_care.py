"""Refusals of medical insurance: filing, referral, stays, recognition, claims, e-bills, clearing; see domain.errors."""

from __future__ import annotations

from domain.error_kind import ErrorKind
from domain.error_kind import kind as _kind

CARE: dict[str, ErrorKind] = {
    "clearing_not_found": _kind(404, "没有该月份的清算。", "There is no clearing of that month."),
    "clearing_month_not_over": _kind(
        409, "该月份尚未结束，不能清算。", "That month is not over; it cannot be cleared."
    ),
    "clearing_not_answerable": _kind(
        409, "该月份的清算现在不能确认或提出异议。", "The month cannot be confirmed or disputed now."
    ),
    "clearing_not_cleared": _kind(
        409, "该月份尚未清算完成，或已全部支付。", "The month is not cleared, or all of it is paid."
    ),
    "clearing_answered": _kind(409, "贵省已确认该月份的清算。", "Your province has answered for this month already."),
    "clearing_nothing_to_answer": _kind(
        409, "该月份没有贵省应付的款项。", "Your province owes nothing for this month, or has paid it."
    ),
    "clearing_item_not_found": _kind(
        422,
        "其中有结算不在贵省该月份的清算中，或已提出异议。",
        "One of these is no item of your statements of that month, or is disputed already.",
    ),
    "matter_closed": _kind(409, "该业务已结束，不能再变更。", "This matter is over; nothing can be changed any more."),
    "treatment_state": _kind(409, "当前状态不允许此操作。", "Not possible in the present state of this stay or visit."),
    "message_running": _kind(
        409,
        "上一条消息尚无结果，请稍候。",
        "The answer to the last message is awaited; nothing else is sent meanwhile.",
    ),
    "settled_already": _kind(409, "已结算；如需变更请先撤销结算。", "It is settled; undo the settlement first."),
    "paid_in_full": _kind(409, "已全额自费结算。", "It was paid in full."),
    "not_discharged": _kind(409, "请先办理出院。", "The patient has to be discharged first."),
    "discharged_already": _kind(
        409, "已办理出院，不能再上传费用。", "The patient was discharged; no fees can be added."
    ),
    "no_fees": _kind(409, "没有费用明细。", "There are no fee lines."),
    "has_fees": _kind(409, "已有费用明细，不能取消；请先撤销费用。", "There are fee lines; take them down first."),
    "too_many_uploads": _kind(
        409,
        "上传次数过多；请合并上传剩余费用。",
        "Too many uploads; put the rest into fewer of them.",
    ),
    "upload_unknown": _kind(409, "没有这次上传，或未被接受。", "There is no such upload, or it was not accepted."),
    "settlement_undone": _kind(409, "该结算已撤销。", "This settlement was undone already."),
    "claim_state": _kind(409, "该报销申请当前状态不允许此操作。", "Not possible in the present state of this claim."),
    "bill_missing": _kind(409, "请提供财政电子票据。", "The claim needs a fiscal e-bill."),
    "settlement_unknown": _kind(422, "没有这笔结算。", "There is no such settlement."),
    "third_party_word_missing": _kind(
        422,
        "外伤住院须签署无第三方责任承诺书。",
        "For injuries the patient's word that nobody else is liable is needed.",
    ),
    "disease_wrong": _kind(
        422, "门诊慢特病须填写病种，普通门诊不填。", "Chronic outpatient care names its disease, other visits none."
    ),
    "discharge_before_admission": _kind(422, "出院时间早于入院时间。", "The discharge lies before the admission."),
    "serial_used": _kind(422, "费用明细流水号重复。", "The serial of this fee line is used already."),
    "amount_wrong": _kind(
        422,
        "金额有误：单价乘以数量应等于金额，且大于零。",
        "The amount is wrong: price times count, and more than nothing.",
    ),
    "recognised_item_charged": _kind(
        422, "该检查检验结果已互认，不得重复收费。", "This examination was recognised; it is not charged again."
    ),
    "nothing_payable": _kind(
        422,
        "按政策基金应付为零，不能核准；可说明理由不予报销。",
        "By the pack the funds pay nothing of it; it can only be rejected.",
    ),
    "claim_wrong": _kind(422, "费用资料有误。", "The bill as given is wrong."),
    "bill_amount_exceeds": _kind(
        409,
        "金额须为正，且不得超过可报销余额或锁定金额。",
        "The amount has to be positive and within what is left, or within what was locked.",
    ),
    "bill_exists": _kind(
        409,
        "该次就医已直接结算，或已开具票据。",
        "This stay or visit was settled directly, or has a bill already.",
    ),
    "bill_lock_over": _kind(409, "该锁定已释放、到期或已反馈。", "This lock was released, has expired or is settled."),
    "bill_locked": _kind(409, "票据已被锁定，用途如所示。", "The bill is locked, for the purpose that is shown."),
    "bill_red_lettered": _kind(
        409, "票据已冲红，或本身为红字票据。", "The bill is taken back, or is a red-letter bill."
    ),
    "bill_reimbursed": _kind(
        409, "票据已报销，须先退款方可冲红。", "The bill was reimbursed; that has to be refunded before a red letter."
    ),
    "bill_reversal_waiting": _kind(409, "票据正待冲红。", "A red letter is waiting for this bill."),
    "bill_settled_directly": _kind(
        409,
        "该票据已直接结算，医保基金已支付，不能再手工报销。",
        "The funds paid their share of this bill directly; it cannot be reimbursed by hand as well.",
    ),
    "bill_tx_reused": _kind(
        409, "该交易流水号已用于其他内容。", "This transaction number was used for something else."
    ),
    "filing_state": _kind(409, "备案当前状态不允许此操作。", "Not possible in the present state of the filing."),
    "filing_interval": _kind(
        409, "长期备案未满变更间隔，暂不能变更或取消。", "A long-term filing cannot be changed or cancelled yet."
    ),
    "filing_overlap": _kind(
        409, "与已有备案冲突，请先变更或取消。", "It clashes with a filing there is: change or cancel that one first."
    ),
    "commitment_restricted": _kind(
        409,
        "此前承诺事项逾期未补交，暂不适用承诺办理，请直接提交材料。",
        "An earlier commitment was not kept: hand in the document itself.",
    ),
    "filing_after_discharge": _kind(
        409, "已自费出院，不能补办备案，请办理手工报销。", "Discharged and paid: ask for a reimbursement by hand."
    ),
    "filing_late": _kind(409, "参保地不受理入院后补办备案。", "The insured place takes no filing after admission."),
    "filing_not_needed": _kind(422, "此类就医无需备案。", "For this care nothing has to be filed."),
    "filing_day": _kind(422, "日期不在可备案的范围内。", "The day is not one that may be filed for."),
    "filing_same_province": _kind(422, "就医地不在省外。", "The place of treatment is not in another province."),
    "guardian_required": _kind(422, "未成年人须由监护人办理。", "For a child of this age the guardian applies."),
    "person_not_you": _kind(
        422,
        "证件号码与登录人不符；为他人办理请说明身份并提交证明。",
        "That is not your own number; to act for another, say on what basis and prove it.",
    ),
    "referral_state": _kind(409, "转诊当前状态不允许此操作。", "Not possible in the present state of the referral."),
    "referral_not_yours": _kind(409, "此操作由转诊的另一方办理。", "This is for the other side of the referral."),
    "referral_asked_before": _kind(422, "该机构已答复过或即为转出机构。", "That institution was asked already."),
    "referral_day": _kind(422, "日期不在转诊有效期内，或早于入院。", "Not a day of the referral, or before admission."),
    "referral_level": _kind(
        422, "贵机构级别不能开具跨省转诊。", "An institution of your level cannot refer to another province."
    ),
    "referral_assessor": _kind(
        422, "须由副主任医师以上人员评估。", "The assessor must be an associate chief physician or above."
    ),
    "institution_unknown": _kind(422, "没有这家定点机构。", "There is no such designated institution."),
    "institution_closed": _kind(403, "贵机构当日不是定点机构。", "Your institution is not designated on that day."),
    "institution_not_networked": _kind(
        422, "该机构未开通跨省直接结算。", "That institution does not settle with other provinces."
    ),
    "institution_not_capable": _kind(422, "该机构不具备所需的诊疗能力。", "That institution cannot do what is needed."),
    "recognition_state": _kind(
        409, "互认当前状态不允许此操作。", "Not possible in the present state of this recognition."
    ),
    "recognition_forbidden": _kind(
        409, "该报告不符合互认条件，不能互认。", "This report does not meet the conditions; it cannot be recognised."
    ),
    "recognition_decided": _kind(409, "该报告已有结论。", "This report has been settled already."),
    "recognition_report_unknown": _kind(422, "此次互认中没有这份报告。", "This recognition has no such report."),
    "charged_already": _kind(
        409,
        "该项目已收费；请先撤销该费用，再互认。",
        "This item is on the bill already; take the line down first.",
    ),
    "recognition_reason": _kind(
        422,
        "重新检查须选择原因代码；互认不填原因。",
        "To examine again needs a reason code; to recognise has none.",
    ),
    "about_unknown": _kind(
        422, "没有该患者在本机构的这次就医。", "There is no such stay or visit of this patient here."
    ),
    "health_consent_required": _kind(
        403,
        "查看健康信息须经本人同意；紧急情况下须填写理由，并会告知本人。",
        "Health data are read with the person's consent; in an emergency give the reason, and the person is told.",
    ),
    "fhir_not_installed": _kind(501, "本系统未启用FHIR接口。", "The extra fhir is not installed here."),
    "bill_not_authentic": _kind(
        422,
        "没有代码、号码、校验码与此相符的票据，或交款人不是您本人。",
        "No bill has these numbers and this check code, or it is not yours.",
    ),
    "bill_number_malformed": _kind(
        422, "票据代码或票据号码格式有误。", "The code or the number of the bill is not well formed."
    ),
    "bill_wrong_sum": _kind(
        422,
        "票据金额不平：明细合计与医保分解合计须等于总金额。",
        "The bill does not add up: its lines, and who paid, must each sum to the total.",
    ),
    "ebills_not_connected": _kind(
        503, "本平台未接入财政电子票据公共服务平台。", "No service platform for fiscal e-bills is connected here."
    ),
    "ebills_unknown_outcome": _kind(
        503,
        "财政电子票据平台未答复，结果尚不明确；请稍后以同一幂等键原样重试，不会重复办理。",
        "The e-bill platform has not answered; send the same under the same Idempotency-Key, it is done only once.",
    ),
}
