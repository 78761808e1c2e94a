"""What a province's answer, or a clerk's in its stead, means to the process; and whose answer it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from adapters.errors import Ambiguous, ProvinceError, Unavailable
from domain.effects import Answer, AnswerStatus, Expect
from domain.identifiers import parse_licence_id
from domain.process import CallOutcome, OutcomeStatus
from domain.process.hands import ENTERED, NOTHING_TO_UNDO

LONGEST_PAUSE_S = 3600
_DONE = {ENTERED, NOTHING_TO_UNDO}


def outcome_of(answer: Answer, *, licence_taken: bool, now: datetime) -> CallOutcome:
    """What the process needs of an answer; the data itself stays in the database."""
    return CallOutcome(
        status=OutcomeStatus.ANSWERED,
        answer=answer.status,
        reference=answer.reference,
        reasons=answer.reasons,
        poll_after_s=_pause_s(answer, now),
        licence=answer.data.get("licence_identifier", ""),
        licence_taken=licence_taken,
        by_clerk=answer.expect is Expect.CLERK and answer.status is AnswerStatus.PENDING,
        wanting=answer.wants is not None and answer.status is AnswerStatus.PENDING,
    )


def _pause_s(answer: Answer, now: datetime) -> int:
    """When to ask: when it says, and not before it means to be done unless that is more than an hour away."""
    if answer.until is None:
        return answer.poll_after_s
    return max(answer.poll_after_s, min(math.ceil((answer.until - now).total_seconds()), LONGEST_PAUSE_S))


def trouble_outcome(error: ProvinceError) -> CallOutcome:
    """The error tree of the port as the process sees it."""
    if isinstance(error, Unavailable):
        pause = round(error.retry_after or 0)
        return CallOutcome(
            status=OutcomeStatus.UNAVAILABLE, code="retry_after" if pause else error.code, poll_after_s=pause
        )
    if isinstance(error, Ambiguous):
        return CallOutcome(status=OutcomeStatus.UNKNOWN, code=error.code)
    return CallOutcome(status=OutcomeStatus.UNUSABLE, code=error.code)


def keyed_in(decision: Mapping[str, object]) -> Answer:
    """A clerk's decision (its words, as stored) as the answer of the department he has keyed it into."""
    outcome, number = str(decision.get("outcome", "")), str(decision.get("number", ""))
    if outcome in _DONE:  # of a licence that was issued at the counter the number is the licence's own
        data = {"licence_identifier": number} if parse_licence_id(number) else {}
        return Answer(status=AnswerStatus.ACCEPTED, reference=number, data=data)
    return Answer(status=AnswerStatus.REJECTED, reasons=("refused_at_counter",))


def foreign(answer: Answer, sent: Mapping[str, str]) -> bool:
    """Whether the answer names a holder whom nobody has asked about."""
    holder = answer.data.get("holder_id", "")
    return bool(holder and sent) and holder not in sent.values()
