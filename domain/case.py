"""Status of a case and of its steps, and which change may follow which: tables, tested exhaustively."""

from __future__ import annotations

from enum import StrEnum


class CaseStatus(StrEnum):
    """What the applicant reads. Vendor code of domain note 2.4 in brackets."""

    SUBMITTED = "submitted"
    RECEIVED = "received"  # 已接件 [1]
    ACCEPTED = "accepted"  # 已受理 [3]
    UNDER_REVIEW = "under_review"  # 部门办理 [8]
    DECIDED_GRANTED = "decided_granted"
    CERTIFICATE_MAKING = "certificate_making"
    REVERSING = "reversing"  # what took effect is being undone before the case ends
    COMPLETED = "completed"  # 办结 [11]
    NOT_ACCEPTED = "not_accepted"  # 不予受理 [4]
    DECIDED_REFUSED = "decided_refused"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"


S = CaseStatus
_ENDS_EARLY = frozenset({S.REVERSING, S.NOT_ACCEPTED, S.DECIDED_REFUSED, S.WITHDRAWN, S.TERMINATED})

CASE_TRANSITIONS: dict[CaseStatus, frozenset[CaseStatus]] = {
    S.SUBMITTED: frozenset({S.RECEIVED, S.WITHDRAWN, S.TERMINATED}),
    S.RECEIVED: frozenset({S.ACCEPTED, S.DECIDED_GRANTED, S.CERTIFICATE_MAKING, S.COMPLETED}) | _ENDS_EARLY,
    S.ACCEPTED: frozenset({S.UNDER_REVIEW, S.DECIDED_GRANTED, S.CERTIFICATE_MAKING, S.COMPLETED}) | _ENDS_EARLY,
    S.UNDER_REVIEW: frozenset({S.DECIDED_GRANTED, S.CERTIFICATE_MAKING, S.COMPLETED}) | _ENDS_EARLY,
    S.DECIDED_GRANTED: frozenset({S.CERTIFICATE_MAKING, S.COMPLETED, S.REVERSING, S.TERMINATED}),
    S.CERTIFICATE_MAKING: frozenset({S.COMPLETED, S.REVERSING, S.TERMINATED}),
    S.REVERSING: frozenset({S.NOT_ACCEPTED, S.DECIDED_REFUSED, S.WITHDRAWN, S.TERMINATED}),
    S.COMPLETED: frozenset(),
    S.NOT_ACCEPTED: frozenset(),
    S.DECIDED_REFUSED: frozenset(),
    S.WITHDRAWN: frozenset(),
    S.TERMINATED: frozenset(),
}
TERMINAL = frozenset(status for status, following in CASE_TRANSITIONS.items() if not following)
WITHDRAWABLE = frozenset({S.SUBMITTED, S.RECEIVED, S.ACCEPTED, S.UNDER_REVIEW})


class StepStatus(StrEnum):
    """Where one step stands."""

    WAITING = "waiting"  # for the steps it needs
    CALLING = "calling"  # a call to the province is under way
    BLOCKED = "blocked"  # the province cannot be reached or its answer is unknown; trying again
    PENDING = "pending"  # the province has taken it in; its result comes by callback or poll
    TASK = "task"  # a caseworker has it
    PUBLICITY = "publicity"  # on display; it ends by time unless somebody objects
    PREVIEW = "preview"  # the applicant has to look at the evidence
    RESOLVE = "resolve"  # a person has to say how to go on
    DONE = "done"
    SKIPPED = "skipped"  # its leg, or one it depends on, has failed and the rest goes on
    REJECTED = "rejected"
    CANCELLED = "cancelled"  # the case ended before it took effect
    REVERSING = "reversing"
    REVERSED = "reversed"


P = StepStatus
_CALL = frozenset({P.BLOCKED, P.PENDING, P.RESOLVE, P.DONE, P.REJECTED})

STEP_TRANSITIONS: dict[StepStatus, frozenset[StepStatus]] = {
    P.WAITING: frozenset({P.CALLING, P.TASK, P.PUBLICITY, P.SKIPPED, P.CANCELLED}),
    P.CALLING: _CALL | {P.PREVIEW, P.CANCELLED, P.REVERSING},
    P.BLOCKED: _CALL | {P.CALLING, P.PREVIEW, P.CANCELLED, P.REVERSING},
    P.PENDING: _CALL - {P.PENDING} | {P.PREVIEW, P.REVERSING, P.CANCELLED},
    P.TASK: frozenset({P.DONE, P.REJECTED, P.CANCELLED}),
    P.PUBLICITY: frozenset({P.DONE, P.REJECTED, P.CANCELLED}),
    P.PREVIEW: frozenset({P.CALLING, P.DONE, P.CANCELLED}),
    P.RESOLVE: frozenset({P.CALLING, P.TASK, P.SKIPPED, P.DONE, P.CANCELLED, P.REVERSING, P.REVERSED}),
    P.DONE: frozenset({P.REVERSING}),
    P.REJECTED: frozenset({P.CALLING, P.TASK, P.RESOLVE, P.CANCELLED}),
    P.SKIPPED: frozenset(),
    P.CANCELLED: frozenset(),
    P.REVERSING: frozenset({P.BLOCKED, P.REVERSED, P.RESOLVE}),
    P.REVERSED: frozenset(),
}
SETTLED = frozenset({P.DONE, P.SKIPPED, P.REJECTED, P.CANCELLED, P.REVERSED})
