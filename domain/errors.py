"""Every refusal a user can meet: a stable code, a text in zh and en, who can act.

    Refusal(code, field)            raised by rules; the API turns it into an RFC 9457 problem document
      status 404  not there, or not yours: both look the same
      status 409  the state of the case does not allow it (any more)
      status 412  somebody changed it since you read it
      status 422  the input is wrong; ``field`` names where
      status 503  a part of the service is down; nothing was done, try again

The table is the only place where these texts stand; a test asserts that each code is in use and complete.
"""

from __future__ import annotations

from domain.messages import Message, Text


class ErrorKind(Message):
    """One row of the table. ``status`` is the HTTP status it travels with."""

    status: int
    text: Text


def _kind(status: int, zh: str, en: str) -> ErrorKind:
    return ErrorKind(status=status, text=Text(zh=zh, en=en))


ERRORS: dict[str, ErrorKind] = {
    "bad_request": _kind(400, "请求无法读取。", "The request cannot be read."),
    "unauthenticated": _kind(
        401,
        "请先登录：缺少访问令牌，或令牌无效、已过期。",
        "Log in first: the access token is missing, invalid or expired.",
    ),
    "bad_signature": _kind(
        401, "签名无效，消息未被采信。", "The signature is not valid; the message was not believed."
    ),
    "forbidden": _kind(403, "您的角色不能办理此操作。", "Your role may not do this."),
    "not_found": _kind(404, "没有找到，或不属于您。", "Not found, or not yours."),
    "method_not_allowed": _kind(405, "此地址不支持该方法。", "This address does not take that method."),
    "case_closed": _kind(409, "事项已办结，不能再变更。", "The case is closed; nothing can be changed any more."),
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
    "contradiction": _kind(
        409,
        "与已登记的结果相矛盾，未采信，已留存备查。",
        "This contradicts the result on record; it was kept for review and not applied.",
    ),
    "wrong_person": _kind(
        409,
        "消息涉及他人信息，未采信，已隔离。",
        "The message is about somebody else; it was put aside and not applied.",
    ),
    "decision_final": _kind(409, "任务已有决定。", "The task has been decided already."),
    "evidence_settled": _kind(409, "该证明材料已处理。", "This evidence has been dealt with already."),
    "idempotency_conflict": _kind(
        409, "同一幂等键已用于另一请求。", "The same Idempotency-Key was used for a different request."
    ),
    "in_flight": _kind(
        409, "相同请求正在处理，请稍后再试。", "The same request is being processed; try again shortly."
    ),
    "task_claimed": _kind(409, "任务已由同事领取。", "A colleague has claimed this task."),
    "task_not_open": _kind(409, "任务已关闭。", "The task is no longer open."),
    "too_late_to_withdraw": _kind(
        409, "已作出决定，不能撤回。", "A decision has been made; withdrawing is no longer possible."
    ),
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
    "version_conflict": _kind(
        412, "读取之后已有变更，请刷新后再试。", "It has changed since you read it; reload and try again."
    ),
    "same_person": _kind(
        409,
        "须由另一人办理：您已参与此事项的前一环节。",
        "Another person has to decide: you took part earlier.",
    ),
    "own_case": _kind(409, "不能办理与本人有关的事项。", "You cannot decide a case of your own."),
    "supplement_open": _kind(
        409, "补正通知尚未答复，暂不能作出决定。", "A notice to supplement is open; no decision can be made yet."
    ),
    "supplement_settled": _kind(409, "该补正通知已结束。", "This notice to supplement has been settled."),
    "supplement_not_foreseen": _kind(409, "此事项不设补正。", "This service foresees no notice to supplement."),
    "supplement_empty": _kind(422, "补正通知须列明各项，且不得重复。", "A notice has to name its items, each once."),
    "supplement_item_unknown": _kind(422, "补正通知中没有这一项。", "The notice has no such item."),
    "second_notice": _kind(
        409,
        "补正须一次性告知；仅可就新提交的材料再次告知，并说明理由。",
        "Ask for all at once; a second notice needs a reason and may concern new material only.",
    ),
    "extension_not_foreseen": _kind(409, "此时限不能延长。", "This limit cannot be extended."),
    "extension_used": _kind(409, "此时限只能申请延长一次。", "This limit can be extended only once."),
    "clock_not_running": _kind(409, "该时限未在计时。", "This clock is not running."),
    "procedure_unknown": _kind(
        422, "没有这项特别程序，或未在进行。", "There is no such procedure, or it is not running."
    ),
    "procedure_used": _kind(409, "该特别程序已启动过。", "This procedure has been begun before."),
    "procedure_too_long": _kind(422, "超过该特别程序的最长期限。", "Longer than this procedure may take."),
    "promise_settled": _kind(409, "该承诺事项已处理。", "This promise has been settled."),
    "already_signed": _kind(409, "您已确认。", "You have confirmed already."),
    "not_on_display": _kind(409, "不在公示期内。", "This is not on display."),
    "objection_open": _kind(409, "已有异议正在核查。", "An objection is being looked into already."),
    "custody_order": _kind(
        409, "原件流转顺序不符：封装、寄出、收到、归档。", "Originals go in order: sealed, shipped, arrived, archived."
    ),
    "originals_missing": _kind(409, "原件尚未到齐，不能归档。", "An original is missing; nothing can be archived yet."),
    "checklist_incomplete": _kind(
        422, "审查要点尚未逐项确认。", "Not every mandatory line of the checklist is ticked."
    ),
    "number_required": _kind(422, "请填写部门系统回传的编号。", "Enter the number that the department's system gave."),
    "numbers_differ": _kind(422, "两次录入的编号不一致。", "The two entries of the number differ."),
    "photo_required": _kind(
        422, "请提供部门系统办理结果的照片摘要。", "Give the digest of a photo of what the system has shown."
    ),
    "transfer_nowhere": _kind(422, "移送地与受理地相同。", "The case is at that place already."),
    "transfer_open": _kind(409, "已有移送正在处理。", "A transfer is being dealt with already."),
    "opinion_open": _kind(409, "已征求该部门意见，尚未答复。", "That body has been asked and has not answered yet."),
    "already_sent": _kind(
        409, "该内容已发往其他部门，不能更正。", "This has been sent to an authority and cannot be corrected any more."
    ),
    "correction_settled": _kind(409, "该更正已有异议。", "An objection to this correction was made already."),
    "already_rated": _kind(409, "此事项已评价过。", "This case has been rated already."),
    "not_closed": _kind(409, "事项尚未办结。", "The case has not ended yet."),
    "reopen_not_possible": _kind(
        409,
        "已办结或已撤回的事项不能重新启动；请重新申请。",
        "A case that was completed or withdrawn is not taken up again; apply anew.",
    ),
    "reopen_open": _kind(409, "已有重新启动的申请或已重新启动。", "It has been asked for, or has been taken up again."),
    "draft_submitted": _kind(409, "该草稿已提交。", "This draft has been handed in."),
    "too_many_drafts": _kind(409, "草稿过多，请先提交或删除。", "Too many drafts; hand some in or remove some."),
    "window_closed": _kind(409, "该会话已结束。", "This session is over."),
    "window_state": _kind(409, "会话当前状态不允许此操作。", "Not possible in the present state of the session."),
    "window_open": _kind(409, "该事项已有会话正在进行。", "This case has a session already."),
    "window_not_yours": _kind(
        409, "此操作由会话中的另一方或另一名经办人办理。", "This is for another side, or another clerk, of the session."
    ),
    "window_identity_first": _kind(409, "须先通过身份核验。", "The identity has to be checked first."),
    "window_taken": _kind(409, "该窗口已由同事接入。", "A colleague is at that window already."),
    "window_clerk_missing": _kind(
        409, "负责该环节的窗口尚未接入。", "The clerk whose step this is has not joined the session."
    ),
    "window_same_clerk": _kind(422, "请填写另一名同事。", "Name a colleague, not yourself."),
    "window_recording_missing": _kind(
        422, "须登记录音录像的位置和摘要。", "Give the place and the digest of the recording."
    ),
    "no_window_step": _kind(
        422, "此事项当前没有虚拟窗口环节，请指定窗口所在地。", "The case has no step at a window now; name the hall."
    ),
    "window_elsewhere": _kind(
        422,
        "此环节由其所在地的窗口办理，请不要指定其他窗口。",
        "This step is done at the hall of its own place; name no other.",
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
    "consent_version": _kind(
        422, "同意书版本不符，请阅读现行版本。", "That is not the text in force; read the present version."
    ),
    "consent_required": _kind(422, "须先阅读并同意服务同意书。", "Read the consent form and agree to it first."),
    "acting_not_allowed": _kind(
        422, "此事项不能以该身份代办。", "For this service nobody may act for another on that basis."
    ),
    "acting_for_oneself": _kind(422, "被代理人不能是本人。", "You cannot act for yourself."),
    "identity_not_verified": _kind(
        403,
        "登录信息中没有已核验的证件号码，不能调取本人信息。",
        "Your login carries no verified number; what registers hold about you cannot be fetched.",
    ),
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
    "recipient_unknown": _kind(422, "该部门未参与此事项。", "That authority takes no part in this case."),
    "migration_ending": _kind(
        409,
        "事项正在终结，不再迁移到新版本。",
        "The case is ending; it is not moved to another version any more.",
    ),
    "migration_engine": _kind(
        409, "新版本须由另一引擎版本执行。", "The new version is for another engine than the one that runs."
    ),
    "migration_service": _kind(409, "新版本属于另一事项。", "The new version is of another service."),
    "migration_stale": _kind(
        409,
        "事项所依据的版本已变，未迁移，请重新核对。",
        "The case is pinned to another version by now and was not moved; look again.",
    ),
    "migration_form": _kind(
        409, "已提交的申请内容不符合新版本的表单。", "The form as it was handed in does not fit the new version."
    ),
    "migration_place": _kind(
        409, "新版本由另一机关受理或代收。", "Another authority would answer for the case or collect for it."
    ),
    "migration_step_removed": _kind(
        409, "新版本取消了已开始的环节。", "A step that has begun is not in the new version."
    ),
    "migration_step_changed": _kind(
        409, "新版本改变了已开始的环节。", "A step that has begun is another one in the new version."
    ),
    "migration_call_changed": _kind(
        409,
        "已向外省发出的事项在新版本中办法不同，不能核实或撤销。",
        "What a province was asked for is done or undone in another way in the new version.",
    ),
    "migration_step_before": _kind(
        409,
        "新版本在已开始的环节之前加入了未完成的环节。",
        "The new version puts something unfinished before a step that has begun.",
    ),
    "migration_partial": _kind(
        409,
        "已有部分办理失败，新版本对部分失败另有规定。",
        "A part has failed already, and the new version has another rule for that.",
    ),
    "migration_extension": _kind(
        409,
        "时限延长已申请或批准，新版本中延长的期限不同，或没有该时限。",
        "An extension was asked for or granted, and the new version has another one or none.",
    ),
    "migration_decided": _kind(
        409, "已准予许可，新版本增加了决定或受理环节。", "The case is granted; the new version adds another decision."
    ),
    "file_too_large": _kind(413, "文件超过大小限制。", "The file is larger than allowed."),
    "body_too_large": _kind(413, "请求内容超过大小限制。", "The request body is larger than allowed."),
    "file_type_unknown": _kind(
        415, "不接受此类文件；可用 PDF、OFD、PNG、JPEG。", "This kind of file is not taken; use PDF, OFD, PNG or JPEG."
    ),
    "file_type_mismatch": _kind(
        422, "文件内容与所称类型不符。", "The content of the file is not what its type claims."
    ),
    "file_empty": _kind(422, "文件为空。", "The file is empty."),
    "field_invalid": _kind(422, "此项填写有误。", "This field is not valid."),
    "field_missing": _kind(422, "此项必填。", "This field is required."),
    "field_unknown": _kind(422, "没有此项。", "There is no such field."),
    "resident_id_invalid": _kind(
        422, "居民身份证号码有误，请核对18位号码。", "The resident identity number is wrong; check its 18 characters."
    ),
    "uscc_invalid": _kind(
        422,
        "统一社会信用代码有误，请核对18位代码。",
        "The unified social credit code is wrong; check its 18 characters.",
    ),
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
    "region_unknown": _kind(
        422, "行政区划代码不在长三角三省一市之内。", "The division code is not one of the four provinces."
    ),
    "text_unreadable": _kind(
        422, "含有不可见或控制字符，请删除后重填。", "It contains invisible or control characters; remove them."
    ),
    "not_eligible": _kind(422, "不符合办理条件。", "The conditions for this service are not met."),
    "material_core": _kind(
        422, "此材料为核心材料，不能容缺或以承诺代替。", "This is a core document; it cannot be promised for later."
    ),
    "cosigners_wrong": _kind(
        422, "共同申请人须齐全且互不相同。", "Name each co-signer of this service, all different persons."
    ),
    "place_not_correctable": _kind(
        422,
        "地点决定由谁办理，不能更正；请移送或重新申请。",
        "Who handles the case depends on it; transfer it instead.",
    ),
    "course_not_correctable": _kind(
        422,
        "更正后办理步骤会改变，不能更正；请重新申请。",
        "What has to be done would change with it; apply anew instead.",
    ),
    "material_missing": _kind(422, "缺少必需材料。", "A required document is missing."),
    "material_unknown": _kind(422, "此事项没有这项材料。", "This service has no such material."),
    "document_unknown": _kind(
        422, "没有找到所引用的文件，请先上传。", "The document referred to was not found; upload it first."
    ),
    "outcome_unknown": _kind(422, "此任务没有这种处理结果。", "The task has no such outcome."),
    "reason_required": _kind(422, "请填写理由。", "Give a reason."),
    "legal_basis_required": _kind(
        422, "不利决定须写明法律依据。", "A decision against the applicant must name its legal basis."
    ),
    "replacement_required": _kind(
        422,
        "此项材料必需；不使用调取结果时，请上传自己的材料。",
        "This evidence is needed; to decline it, hand in your own document.",
    ),
    "idempotency_key_invalid": _kind(
        422,
        "幂等键须为1至255个字母、数字、下划线或连字符。",
        "Idempotency-Key must be 1-255 of letters, digits, underscore, hyphen.",
    ),
    "date_invalid": _kind(
        422,
        "请填写2000年至2099年之间的日期，格式为2026-09-16。",
        "Give a date of the years 2000 to 2099, written like 2026-09-16.",
    ),
    "days_out_of_range": _kind(422, "天数须为0至3660。", "The number of days must be 0 to 3660."),
    "limit_unclear": _kind(
        422,
        "请在天数与事项之间（或工作日与自然日之间）选且只选一种。",
        "Name exactly one: days or a service, working days or calendar days.",
    ),
    "suspension_invalid": _kind(
        422,
        "暂停期间须写作“首日..末日”，如2026-09-19..2026-09-28。",
        "Write a suspension as FIRST..LAST, like 2026-09-19..2026-09-28.",
    ),
    "suspension_reversed": _kind(422, "暂停期间的末日早于首日。", "A suspension cannot end before it begins."),
    "cursor_invalid": _kind(422, "分页游标无效。", "The cursor is not valid."),
    "precondition_required": _kind(428, "请带上读取时的版本号（If-Match）。", "Send the version you read (If-Match)."),
    "too_many_requests": _kind(429, "请求过于频繁，请稍后再试。", "Too many requests; try again later."),
    "internal": _kind(
        500,
        "系统出错，已记录，可凭请求编号查询。",
        "Something went wrong on our side; it is logged under the request id.",
    ),
    "temporarily_down": _kind(
        503,
        "服务的一部分暂时不可用，请稍后原样重试；重复提交不会重复办理。",
        "A part of the service is down; send the same again later, it is done only once.",
    ),
    "ebills_not_connected": _kind(
        503, "本平台未接入财政电子票据公共服务平台。", "No service platform for fiscal e-bills is connected here."
    ),
    "ebills_unknown_outcome": _kind(
        503,
        "财政电子票据平台未答复，结果尚不明确；请稍后以同一幂等键原样重试，不会重复办理。",
        "The e-bill platform has not answered; send the same under the same Idempotency-Key, it is done only once.",
    ),
    "storage_down": _kind(
        503, "存储暂时不可用，未作任何变更，请稍后再试。", "Storage is down; nothing was changed, try again later."
    ),
}


class Refusal(Exception):
    """A rule says no. ``code``: key of ERRORS; ``field``: JSON pointer into the input; ``detail`` adds to the text."""

    def __init__(self, code: str, field: str = "", detail: Text | None = None) -> None:
        super().__init__(code)
        self.kind = ERRORS[code]
        self.code = code
        self.field = field
        self.detail = detail


class Refusals(Exception):
    """Several refusals of one input, so that a form is corrected once."""

    def __init__(self, items: list[Refusal]) -> None:
        super().__init__(", ".join(f"{i.code} {i.field}" for i in items))
        self.items = items
