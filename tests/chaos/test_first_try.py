"""Done and never answered, at the first try of every effect at every province: nothing is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

import pytest

from domain.case import CaseStatus
from tests.chaos import books
from tests.chaos.case import Case
from tests.chaos.faults import LONGEST_DELAY_S
from tests.chaos.town import Town
from tests.chaos.wishes import MAKING, Wish

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos")]

WITHIN_S = 150.0
DONE_AND_SILENT = (
    "85"  # the mark of a company: whatever is asked about it is done, and the first asker never hears of it
)
ROUTES = (
    # every dialect hands over once and registers once
    ("YRD-ENT-MOVE", "310115", "320500"),
    ("YRD-ENT-MOVE", "320100", "330400"),
    ("YRD-ENT-MOVE", "330100", "340200"),
    ("YRD-ENT-MOVE", "340300", "310118"),
    ("YRD-VOUCHER", "320900", "340100"),
    ("YRD-VOUCHER", "340800", "330200"),
)


async def ended_well(town: Town, routes: Sequence[tuple[str, str, str]], mark: str) -> list[Case]:
    """Cases over these routes, all completed, with books that are right."""
    dice = random.Random(0)
    wishes = [Wish(s, MAKING[s](dice, here, there, mark), "granted", 0.0, mark) for s, here, there in routes]
    cases = [Case(town, wish, dice) for wish in wishes]
    await asyncio.gather(*(case.submit() for case in cases))
    until = time.monotonic() + WITHIN_S
    await asyncio.gather(*(case.live(until) for case in cases))
    for case in cases:
        assert case.status is CaseStatus.COMPLETED, await case.trail()
        assert await books.wrong(case) == [], await case.trail()
    return cases


async def test_what_a_province_without_keys_does_after_its_caller_gave_up_is_waited_for(town: Town) -> None:
    await town.calm()
    late = {"kind": "delayed", "operation": "*", "times": None, "seconds": LONGEST_DELAY_S}
    await town.switch_on(("340000", late))
    try:
        cases = await ended_well(town, [route for route in ROUTES if "34" in {route[1][:2], route[2][:2]}], "")
    finally:
        await town.calm()
    codes = {data.get("code") for case in cases for *_, data in (await case.trail())["events"]}
    assert "timeout" in codes, codes
    await town.dismiss()


async def test_the_first_try_of_every_effect_is_done_and_never_answered(town: Town) -> None:
    await town.calm()
    for case in await ended_well(town, ROUTES, DONE_AND_SILENT):
        events = (await case.trail())["events"]
        silent = {step for _, kind, step, _ in events if kind == "effect:submit:blocked"}
        about_it = {s.id for s in case.plan.steps if s.compensate_with and "form.uscc" in s.send.values()}
        assert len(about_it) >= 3
        assert silent >= about_it, "each first try went without an answer"
    await town.dismiss()
