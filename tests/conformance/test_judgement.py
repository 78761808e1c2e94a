"""The rule on callbacks that the house and the kit share."""

from __future__ import annotations

import pytest

from domain.callbacks import Verdict, judge
from domain.effects import Answer, AnswerStatus

ACCEPTED, REJECTED, PENDING, FAILED = (
    Answer(status=status)
    for status in (AnswerStatus.ACCEPTED, AnswerStatus.REJECTED, AnswerStatus.PENDING, AnswerStatus.FAILED)
)


@pytest.mark.parametrize(
    ("sent_to", "known", "region", "said", "verdict"),
    [
        ("340100", None, "340000", ACCEPTED, Verdict.TAKEN),
        ("340100", PENDING, "340000", REJECTED, Verdict.TAKEN),
        ("340100", PENDING, "340000", PENDING, Verdict.TAKEN),
        ("340100", ACCEPTED, "340000", ACCEPTED, Verdict.LATE),
        ("340100", ACCEPTED, "340000", PENDING, Verdict.LATE),
        ("340100", ACCEPTED, "340000", REJECTED, Verdict.CONTRADICTION),
        ("340100", REJECTED, "340000", ACCEPTED, Verdict.CONTRADICTION),
        ("340100", ACCEPTED, "340000", FAILED, Verdict.CONTRADICTION),
        ("320100", None, "340000", ACCEPTED, Verdict.UNKNOWN),
        ("320100", ACCEPTED, "340000", ACCEPTED, Verdict.UNKNOWN),
        ("", None, "340000", ACCEPTED, Verdict.UNKNOWN),
    ],
)
def test_the_verdict(sent_to: str, known: Answer | None, region: str, said: Answer, verdict: Verdict) -> None:
    assert judge(sent_to, known, region, said) is verdict
