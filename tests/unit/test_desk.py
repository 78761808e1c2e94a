"""A breaker keeps calls away from a province that is failing, from no other, and never for good."""

from __future__ import annotations

import pytest

from activities.breaker import FAILING_AFTER, FIRST_PAUSE_S, LONGEST_PAUSE_S, Breaker, BreakerState
from activities.desk import Desk


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILING_AFTER):
        breaker.begin()
        breaker.ended(well=False)
    return breaker


def test_a_province_that_fails_three_times_in_a_row_is_left_alone_for_a_while() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILING_AFTER - 1):
        breaker.ended(well=False)
        assert breaker.wait_s() == 0
    breaker.ended(well=False)
    assert breaker.state is BreakerState.OPEN
    assert breaker.wait_s() == FIRST_PAUSE_S


def test_a_good_answer_in_between_starts_the_count_again() -> None:
    breaker = Breaker(Clock())
    for _ in range(3):
        for _ in range(FAILING_AFTER - 1):
            breaker.ended(well=False)
        breaker.ended(well=True)
    assert breaker.state is BreakerState.CLOSED


def test_after_the_pause_one_call_finds_out_while_the_others_wait() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += FIRST_PAUSE_S
    assert breaker.state == "half_open"
    assert breaker.wait_s() == 0
    breaker.begin()
    assert breaker.wait_s() > 0
    breaker.ended(well=True)
    assert breaker.state == "closed"
    assert breaker.wait_s() == 0


def test_each_probe_in_vain_doubles_the_pause_up_to_a_minute() -> None:
    clock = Clock()
    breaker = opened(clock)
    pauses = []
    for _ in range(8):
        pauses.append(breaker.wait_s())
        clock.now += breaker.wait_s()
        breaker.begin()
        breaker.ended(well=False)
    assert pauses == [5, 10, 20, 40, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_what_was_under_way_when_it_opened_does_not_make_the_pause_longer() -> None:
    clock = Clock()
    breaker = opened(clock)
    for _ in range(20):
        breaker.ended(well=False)
    assert breaker.wait_s() == FIRST_PAUSE_S


def test_after_the_pause_a_quick_try_may_be_the_one_that_finds_out() -> None:
    clock = Clock()
    desk = Desk("340000", 5)
    desk.breaker = opened(clock)
    assert not desk.has_room()
    clock.now += FIRST_PAUSE_S
    assert desk.has_room()
    with desk.call():
        assert not desk.has_room()  # the others wait for what it finds
    assert desk.breaker.state is BreakerState.CLOSED
    assert desk.has_room()


def test_a_desk_has_room_for_as_many_calls_as_it_has_slots() -> None:
    desk = Desk("340000", slots=1)
    assert desk.has_room()
    with desk.call():
        assert not desk.has_room()
    assert desk.has_room()


def test_a_desk_tells_what_it_has_seen_once() -> None:
    desk = Desk("340000", slots=4)
    assert desk.seen() is None
    with desk.call():
        pass
    with pytest.raises(RuntimeError), desk.call():
        raise RuntimeError("cut off")
    seen = desk.seen()
    assert seen is not None
    assert (seen.region, seen.calls, seen.failures, len(seen.took_ms)) == ("340000", 2, 1, 2)
    assert seen.last_success is not None
    assert desk.seen() is None


def test_what_a_clerk_is_given_says_nothing_of_the_province() -> None:
    desk = Desk("340000", slots=4)
    for _ in range(FAILING_AFTER):
        with desk.call(counted=False):
            pass
        with desk.call() as exchange:
            exchange.failed = True
    with desk.call(counted=False):
        pass
    assert not desk.has_room()
    seen = desk.seen()
    assert seen is not None
    assert (seen.calls, seen.breaker, seen.last_success) == (FAILING_AFTER, "open", None)


def test_an_open_breaker_is_told_again_and_again_and_its_closing_too() -> None:
    desk = Desk("340000", slots=4)
    for _ in range(FAILING_AFTER):
        with desk.call() as exchange:
            exchange.failed = True
    assert [seen.breaker for _ in range(2) if (seen := desk.seen()) is not None] == ["open", "open"]
    with desk.call():
        pass
    seen = desk.seen()
    assert seen is not None
    assert seen.breaker == "closed"
