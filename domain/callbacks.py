"""What a believed callback is worth: one pure rule, used by the house and by the conformance kit."""

from __future__ import annotations

from enum import StrEnum

from domain.effects import Answer, AnswerStatus


class Verdict(StrEnum):
    TAKEN = "taken"  # passed on to its case
    LATE = "late"  # the result was known already and is the same
    CONTRADICTION = "contradiction"  # the result was known already and is another
    UNKNOWN = "unknown"  # no such effect
    WRONG_PERSON = "wrong_person"  # it is about somebody else
    FORGED = "forged"  # signature, age or form not believed


def judge(sent_to: str, known: Answer | None, region: str, said: Answer) -> Verdict:
    """The verdict on what ``region`` says about an effect.

    sent_to: the place or province the effect was sent to, empty if there is no such effect. known: what it has answered
    so far.
    """
    if not sent_to or sent_to[:2] != region[:2]:
        return Verdict.UNKNOWN  # also another province's key: it may not speak for it
    if known is None or known.status is AnswerStatus.PENDING:
        return Verdict.TAKEN
    same = said.status in {known.status, AnswerStatus.PENDING}  # "pending" after the end was only slow
    return Verdict.LATE if same else Verdict.CONTRADICTION
