"""The operator's brake, under load: what is held waits, nothing goes out, and after the release nothing is missing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.drive import Drive, Person, status
from tongban.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("e2e")]


async def brake(stack: Stack, **body: object) -> dict[str, Any]:
    operator = Person(stack, "operator")
    answer = await operator.ask("POST", "/v1/provinces/340000/brake", json={"reason": "drill"} | body)
    assert answer.status_code == 200, answer.text
    await operator.http.aclose()
    return dict(answer.json())


async def province(stack: Stack) -> dict[str, Any]:
    operator = Person(stack, "operator")
    listed = (await operator.get("/v1/provinces"))["provinces"]
    await operator.http.aclose()
    return next(dict(row) for row in listed if row["region"] == "340000")


async def test_brake_on_and_off_under_load(drive: Drive, stack: Stack) -> None:
    numbers = [await drive.submit() for _ in range(6)]
    await asyncio.gather(*(drive.see(no) for no in numbers))
    await asyncio.gather(*(drive.accept(no) for no in numbers[:3]))
    try:
        await brake(stack, held=True)
        held_from = {no: len(await drive.books(no)) for no in numbers[3:]}
        await asyncio.gather(*(drive.accept(no) for no in numbers[3:]))
        for no in numbers[3:]:
            await drive.until(no, lambda c: status(c, "tax") == "blocked")
        await asyncio.sleep(3)  # longer than any quick try: nothing of it may have gone out meanwhile
        for no in numbers[3:]:
            rows = [row for row in await drive.books(no) if row["operation"] in {"tax_clearance", "archive_handover"}]
            assert rows == [], rows
            assert len(await drive.books(no)) >= held_from[no]
        assert (await province(stack))["state"] == "held"
    finally:
        told = await brake(stack, held=False)
    assert told["held"] is False
    await asyncio.gather(*(drive.ready(no) for no in numbers))
    await asyncio.gather(*(drive.finish(no) for no in numbers))
    await drive.check_completed(numbers)
    assert (await province(stack))["unknown_outcomes"] == 0


async def test_a_rate_slows_down_and_loses_nothing(drive: Drive, stack: Stack) -> None:
    try:
        await brake(stack, rate_per_s=2.0)
        numbers = [await drive.submit() for _ in range(4)]
        await asyncio.gather(*(drive.accept(no) for no in numbers))
        await asyncio.gather(*(drive.ready(no) for no in numbers))
    finally:
        await brake(stack, rate_per_s=None)
    await asyncio.gather(*(drive.finish(no) for no in numbers))
    await drive.check_completed(numbers)
    assert (await province(stack))["calls"] > 0
