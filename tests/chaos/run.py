"""One run is one seed: cases, faults and kills drawn from it; then calm, the end of every case, and the books."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from tests.chaos import books, faults, wishes
from tests.chaos.case import Case
from tests.chaos.town import Town

FAILURES = Path(".data") / "chaos"
STORM_S = (1.5, 4.5)  # how long things go wrong
WITHIN_S = 120.0  # and how long all may take after that: a breaker's pause, a lease, growing pauses between tries


class Run:
    """``cases``: what came of it."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.seed = seed
        dice = random.Random(seed)
        self.wishes = wishes.draw(dice)
        self.switches = faults.draw(dice)
        self.kills = [(part, dice.uniform(0.3, 4.0)) for part in faults.kills(dice)]
        self.storm_s = dice.uniform(*STORM_S)
        self.starts = [(dice.uniform(0.0, self.storm_s * 0.7), switch) for switch in self.switches]
        self.cases = [Case(town, wish, dice) for wish in self.wishes]
        self.repeat = f"TONGBAN_CHAOS_SEED={seed} .venv/bin/python -m pytest -q -s tests/chaos"

    async def go(self) -> None:
        """Raises AssertionError with everything there is to know if something is wrong."""
        try:
            await self.town.calm()
            await asyncio.gather(*(case.submit() for case in self.cases))
            until = time.monotonic() + self.storm_s + WITHIN_S
            async with asyncio.TaskGroup() as group:
                storm = group.create_task(self._storm())
                for case in self.cases:
                    group.create_task(case.live(until))
                await storm
        except* Exception as broken:
            why = [f"{type(error).__name__}: {error}" for error in _flat(broken)]
            raise AssertionError(await self._tell(why)) from broken
        finally:
            await self.town.calm()
        found = [sentence for case in self.cases for sentence in await books.wrong(case)]
        if found:
            raise AssertionError(await self._tell(found))

    def summary(self) -> str:
        """One line."""
        ends = " ".join(f"{case.wish.service[4:]}:{case.status}" for case in self.cases)
        went_wrong = ", ".join([f"{body['kind']}@{region[:2]}" for region, body in self.switches])
        killed = ", ".join(part for part, _ in self.kills)
        return f"{ends} | {went_wrong}" + (f" | killed {killed}" if killed else "")

    async def _storm(self) -> None:
        async with asyncio.TaskGroup() as group:
            for after_s, switch in self.starts:
                group.create_task(self._later(after_s, switch))
            for part, after_s in self.kills:
                group.create_task(self._kill(part, after_s))
        await asyncio.sleep(max(0.0, self.storm_s - max(after_s for after_s, _ in self.starts)))
        await self.town.calm()

    async def _later(self, after_s: float, switch: faults.Switch) -> None:
        await asyncio.sleep(after_s)
        await self.town.switch_on(switch)

    async def _kill(self, part: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self.town.stack.kill(part)
        assert await asyncio.to_thread(self.town.stack.wait_ready, part), f"{part} has not come back"

    async def _tell(self, why: Sequence[str]) -> str:
        trails: list[Any] = []
        for case in self.cases:
            if case.no:
                try:
                    await case.closed()
                    trails.append(await case.trail())
                except (AssertionError, OSError, SQLAlchemyError) as error:  # the rest is worth reading all the same
                    trails.append({"no": case.no, "unreadable": repr(error), "tried": case.tried})
        told = {
            "seed": self.seed,
            "why": list(why),
            "faults": [{"after_s": after, "region": region} | body for after, (region, body) in self.starts],
            "kills": self.kills,
            "storm_s": self.storm_s,
            "cases": trails,
        }
        text = json.dumps(told, ensure_ascii=False, indent=1, default=str)
        FAILURES.mkdir(parents=True, exist_ok=True)
        file = FAILURES / f"seed-{self.seed}.json"
        file.write_text(text + "\n", "utf-8")
        return f"seed {self.seed}: {'; '.join(why)}\n{text}\nwritten to {file}; again: {self.repeat}"


def _flat(group: BaseExceptionGroup[Exception]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _flat(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
