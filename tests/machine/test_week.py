"""One province is down for a week: who needs it waits and knows for whom, everybody else goes on, nothing is lost."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest

from activities import breaker
from domain.case import StepStatus
from tests.fixtures.houses import Caller
from tests.machine.conftest import Timeless
from tongban.demo import synthetic

pytestmark = pytest.mark.xdist_group("machine")

DOWN, DAYS = "340000", 7
ONCE = {("representative", "fetch"): 1, ("shareholder", "fetch"): 1}
ONCE |= {(step, "submit"): 1 for step in ("tax", "archive", "register", "licence")}
STEPS_FINE = {StepStatus.WAITING, StepStatus.BLOCKED, StepStatus.DONE, StepStatus.CALLING}


async def switch(town: Timeless, *, down: bool) -> None:
    url = f"{town.province_urls[DOWN]}/sim/faults"
    async with httpx.AsyncClient(trust_env=False) as operator:
        if down:
            answer = await operator.post(url, json={"kind": "down", "times": None, "retry_after": "3600"})
            assert answer.status_code == 201, answer.text
        else:
            assert (await operator.delete(url)).status_code == 204


def move(here: str, there: str) -> dict[str, str]:
    return {"origin_city": here, "destination_city": there, "uscc": synthetic.credit_code(here)}


async def accepted(town: Timeless, who: Caller, here: str, there: str) -> str:
    no = await who.submit(**move(here, there))
    await town.accept_evidence(who, no)
    assert (await town.decide(town.market(region=there), no, "accept", "accept")).status_code == 200
    return no


async def finished(town: Timeless, who: Caller, no: str, there: str) -> None:
    """Through the decision to the end; results are asked for in the meantime, so time has to go on."""
    for _ in range(150):
        case = await town.case(who, no)
        if case["closed_at"] or any(s["status"] == "task" for leg in case["legs"] for s in leg["steps"]):
            break
        await town.clock.sleep(timedelta(minutes=10))
        await asyncio.sleep(0.1)  # what a province takes, it takes of the true time
    assert (await town.decide(town.market(region=there), no, "decide", "grant")).status_code == 200
    for _ in range(150):
        case = await town.case(who, no)
        if case["closed_at"]:
            break
        await town.clock.sleep(timedelta(minutes=10))
        await asyncio.sleep(0.1)  # what a province takes, it takes of the true time
    assert case["status"] == "completed", case
    assert await town.ledger(no) == ONCE


def waits_for(case: dict[str, Any]) -> list[tuple[str, str, str]]:
    return sorted((w["why"], w["region"][:2] + "0000", w["step"]) for w in case["waiting"] if w["who"] == "province")


async def test_one_province_is_down_for_a_week(timeless: Timeless, monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("FIRST_PAUSE_S", "LONGEST_PAUSE_S"):  # they go by the true time, of which next to none passes here
        monkeypatch.setattr(breaker, pause, 0.01)
    town, who = timeless, timeless.citizen()
    await switch(town, down=True)
    try:
        held = await accepted(town, who, "340100", "320500")
        await town.until(who, held, lambda c: len(waits_for(c)) == 2)
        begun = time.monotonic()
        for day in range(DAYS):
            if day in {1, 5}:  # life goes on elsewhere
                other = await accepted(town, who, "330100" if day == 1 else "310115", "320500")
                await finished(town, who, other, "320500")
            for _ in range(2):
                await town.clock.sleep(timedelta(hours=12))
            print(f"day {day + 1} over after {time.monotonic() - begun:.0f} s", flush=True)
            case = await town.case(who, held)
            wanted = [("province_unavailable", DOWN, "archive"), ("province_unavailable", DOWN, "tax")]
            assert waits_for(case) == wanted, case["waiting"]
            assert case["waiting_on"]["region"][:2] == DOWN[:2], case["waiting_on"]
            assert case["waiting_on"]["text"]["zh"]
            assert {StepStatus(s["status"]) for leg in case["legs"] for s in leg["steps"]} <= STEPS_FINE, case["legs"]
    finally:
        await switch(town, down=False)
    events = (await who.get(f"/v1/cases/{held}/events?limit=1000")).json()["events"]
    blamed = [
        e["type"] for e in events if e["type"].startswith(("task:resolve", "effect:submit:unusable", "clock:legal"))
    ]
    assert blamed == []
    await finished(town, who, held, "320500")
