"""Prepayment 预付金: a yearly quota by the last quarter of the year before, and how much of it a month uses (U-M)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from domain.clearing.profile import ClearingProfile
from domain.settlement.money import half_up


class Level(StrEnum):
    NONE = "none"  # no quota: nothing was cleared in that quarter
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"  # an emergency top-up is asked for


def quota_of(profile: ClearingProfile, quarter: Sequence[int]) -> int:
    """Fen, from the three months' amounts; half a fen goes up, nothing below 0."""
    return half_up(profile.prepayment.count * max(0, sum(quarter)), 3)


def use_of(profile: ClearingProfile, quota: int, used: int) -> tuple[int, Level]:
    """(per mille of the quota, half up; what it means). The level is decided on the exact ratio, not on that figure."""
    if quota <= 0:
        return 0, Level.NONE
    used = max(0, used)
    rate = half_up(used * 1000, quota)
    if used * 100 >= profile.red.percent * quota:
        return rate, Level.RED
    if used * 100 >= profile.yellow.percent * quota:
        return rate, Level.YELLOW
    return rate, Level.GREEN
