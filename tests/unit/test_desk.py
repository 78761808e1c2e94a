"""A desk keeps quick tries away from a province that is failing, and from no other."""

from __future__ import annotations

from activities.province import FAILING_AFTER, Desk


def test_a_province_that_fails_three_times_in_a_row_is_left_alone_for_a_while() -> None:
    desk = Desk(slots=1)
    for _ in range(FAILING_AFTER - 1):
        desk.ended(well=False)
        assert desk.may_try()
    desk.ended(well=False)
    assert not desk.may_try()


def test_a_good_answer_in_between_starts_the_count_again() -> None:
    desk = Desk(slots=1)
    for _ in range(3):
        for _ in range(FAILING_AFTER - 1):
            desk.ended(well=False)
        desk.ended(well=True)
    assert desk.may_try()
