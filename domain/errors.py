"""Every refusal a user can meet: a stable code, a text in zh and en, who can act.

    Refusal(code, field)            raised by rules; the API turns it into an RFC 9457 problem document
      status 404  not there, or not yours: both look the same
      status 409  the state of the case does not allow it (any more)
      status 412  somebody changed it since you read it
      status 422  the input is wrong; ``field`` names where
      status 503  a part of the service is down; nothing was done, try again

This table and that of medical insurance are the only places where these texts stand; a test asserts that each code
is in use and complete.
"""

from __future__ import annotations

from domain.error_kind import ErrorKind
from domain.error_kind import kind as _kind
from domain.errors_of_care import CARE
from domain.messages import Text

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
    "storage_down": _kind(
        503, "存储暂时不可用，未作任何变更，请稍后再试。", "Storage is down; nothing was changed, try again later."
    ),
} | CARE


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
