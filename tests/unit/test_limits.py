"""One caller's haste is nobody else's trouble."""

from __future__ import annotations

import pytest

from api import limits
from api.limits import RateLimit
from domain.errors import Refusal


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_a_burst_is_let_through_and_then_the_average_counts(clock: list[float]) -> None:
    limit = RateLimit(per_s=2, burst=3)
    for _ in range(3):
        limit.take("a")
    with pytest.raises(Refusal) as refused:
        limit.take("a")
    assert refused.value.code == "too_many_requests"
    clock[0] += 0.5
    limit.take("a")
    with pytest.raises(Refusal):
        limit.take("a")


def test_another_caller_is_not_held_up(clock: list[float]) -> None:
    limit = RateLimit(per_s=1, burst=1)
    limit.take("a")
    limit.take("b")
    with pytest.raises(Refusal):
        limit.take("a")


def test_what_is_remembered_is_bounded(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 10)
    limit = RateLimit(per_s=1, burst=1)
    for number in range(50):
        limit.take(f"caller-{number}")
    assert len(limit._buckets) <= 10
