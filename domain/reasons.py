"""The words behind a case's ``reason``: why it ended as it did. ``…_at_STEP`` names a step."""

from __future__ import annotations

from domain.messages import Text

REASONS: dict[str, Text] = {
    "refused_at_accept": Text(zh="不予受理", en="The application was not accepted"),
    "refused_at_decide": Text(zh="不予许可", en="The application was refused"),
    "deemed_refused_at": Text(zh="逾期视为不予许可", en="Deemed refused when the time limit ran out"),
    "not_supplemented": Text(zh="逾期未补正", en="The notice to supplement was not answered in time"),
    "promise_broken": Text(zh="未履行承诺", en="A promise was not kept"),
    "cosigner_declined": Text(zh="共同申请人不同意", en="A co-signer declined"),
    "quorum_missed": Text(zh="可办成的事项不足，整体终止", en="Too few parts could succeed; the whole was ended"),
    "nothing_done": Text(zh="各部分均未办成", en="No part could be done"),
    "partly_done": Text(zh="部分办成", en="Part of it was done"),
    "withdrawn": Text(zh="申请人撤回", en="Withdrawn by the applicant"),
    "rejected_at": Text(zh="对方部门不予办理", en="An authority did not agree"),
    "given_up_at": Text(zh="经办人终止办理", en="Ended by a caseworker"),
}


def reason_text(reason: str) -> Text | None:
    """The text of a reason code; None for no reason."""
    if not reason:
        return None
    if reason in REASONS:
        return REASONS[reason]
    head = reason.split("_at_", 1)[0] + "_at"
    return REASONS.get(head, Text(zh=reason, en=reason))
