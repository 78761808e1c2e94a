"""R = our cases/s over the bare workflow's: interleaved, same server, provinces and flags. And CPU per case."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from api.delivery import Delivery
from bench.bare import QUEUE, BareCase, connect_bare, run_id
from bench.meter import Meter
from bench.ours import CITIZEN, CLERK, People, ThroughApi, ThroughUseCases, run_cases, upload
from domain.messages import Actor
from tongban.settings import Settings
from tongban.stack.keys import AUDIENCE, DEMO_ISSUER, sign_token
from tongban.stack.stack import Stack
from tongban.wiring import open_house

VARIANTS = ("queue", "local_first", "api_local_first")


@dataclass(frozen=True)
class Sizes:
    pairs: int
    cases: int
    concurrency: int


def run(sizes: Sizes, out: Console, data_dir: Path) -> dict[str, Any]:
    """All variants against the yardstick."""
    unlimited = {"TONGBAN_REQUESTS_PER_S": "100000"}  # one caller plays everybody
    with Stack(data_dir, usual_ports=False, workers={"core": 1, "provinces": 1}, env=unlimited) as stack:
        os.environ.update(stack.settings)
        with _bare_processes(stack) as pids:
            return asyncio.run(_measure(stack, pids, sizes, out))


@contextmanager
def _bare_processes(stack: Stack) -> Iterator[dict[str, int]]:
    """The yardstick's workers."""
    from tongban.stack.parts import python_env

    provinces, env = stack.settings["TONGBAN_PROVINCES_FILE"], python_env(stack.settings)
    commands = {
        "bare-core": ["bench.bare", "core", provinces],
        "bare-provinces": ["bench.bare", "provinces", provinces],
    }
    processes = {name: subprocess.Popen([sys.executable, "-m", *words], env=env) for name, words in commands.items()}
    try:
        time.sleep(4)
        yield {name: process.pid for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


async def _measure(stack: Stack, bare: dict[str, int], sizes: Sizes, out: Console) -> dict[str, Any]:
    ours = {name: stack.pid(name) for name in ("worker-core", "worker-provinces", "api", "relay")}
    meter = Meter(
        {
            "server": [stack.pid("temporal")],
            "database": [stack.pid("postgres")],
            "worker": [ours["worker-core"], ours["worker-provinces"], bare["bare-core"], bare["bare-provinces"]],
            "api": [ours["api"]],
            "relay": [ours["relay"]],
            "provinces": [stack.pid(f"province-{r}") for r in stack.province_urls],
            "driver": [os.getpid()],
        }
    )
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("bare", *VARIANTS)}
    ratios: dict[str, list[float]] = {name: [] for name in VARIANTS}
    async with _variants(stack) as (people, database):
        await _bare_cases(10, 5)
        for variant in VARIANTS:
            await run_cases(people[variant], database, 10, 5)  # warm every cache and pool
        for pair in range(sizes.pairs):
            yard = await _timed(meter, lambda: _bare_cases(sizes.cases, sizes.concurrency), sizes.cases)
            rows["bare"].append(yard)
            for variant in VARIANTS:
                row = await _timed(
                    meter,
                    lambda v=variant: run_cases(people[v], database, sizes.cases, sizes.concurrency),  # type: ignore[misc]
                    sizes.cases,
                )
                rows[variant].append(row)
                ratios[variant].append(row["cases_per_s"] / yard["cases_per_s"])
            shown = ", ".join(f"{v} {ratios[v][-1]:.2f}" for v in VARIANTS)
            out.print(
                f"pair {pair + 1}/{sizes.pairs}: bare {yard['cases_per_s']:.1f} cases/s; R {shown}", highlight=False
            )
    meter.close()
    return {
        "cases_per_run": sizes.cases,
        "concurrency": sizes.concurrency,
        "pairs": sizes.pairs,
        "R": {v: {"median": _median(r), "all": [round(x, 3) for x in r]} for v, r in ratios.items()},
        "cases_per_s": {v: _median([r["cases_per_s"] for r in found]) for v, found in rows.items()},
        "cpu_ms_per_case": {
            v: {part: _median([r["cpu_ms"][part] for r in found]) for part in found[0]["cpu_ms"]}
            for v, found in rows.items()
        },
        "peak_memory_mib": {part: round(mib) for part, mib in meter.peak_mib.items()},
    }


def _median(values: list[float]) -> float:
    return round(statistics.median(values), 3)


async def _timed(meter: Meter, work: Callable[[], Coroutine[Any, Any, None]], cases: int) -> dict[str, Any]:
    before, started = meter.cpu_s(), time.perf_counter()
    await work()
    seconds = time.perf_counter() - started
    after = meter.cpu_s()
    return {
        "cases_per_s": cases / seconds,
        "cpu_ms": {part: round((after[part] - before[part]) * 1000 / cases, 2) for part in after},
    }


@asynccontextmanager
async def _variants(stack: Stack) -> AsyncIterator[tuple[dict[str, People], Any]]:
    """Through the use cases with and without the local first try, and through the API as it is shipped."""
    async with open_house(Settings()) as house:
        documents = await upload(house)

        def through(*, local_first: bool) -> ThroughUseCases:
            delivery = Delivery(house.database, house.gateway, house.calendars, local_first=local_first)
            return ThroughUseCases(house, delivery, documents)

        limits = httpx.Limits(max_connections=40)
        async with httpx.AsyncClient(base_url=stack.api_url, timeout=30, limits=limits) as client:
            api = ThroughApi(client, _login(stack, CITIZEN), _login(stack, CLERK), documents)
            yield (
                {"queue": through(local_first=False), "local_first": through(local_first=True), "api_local_first": api},
                house.database,
            )


def _login(stack: Stack, actor: Actor) -> dict[str, str]:
    token = sign_token(
        stack.secrets.signing_key,
        issuer=DEMO_ISSUER,
        audience=AUDIENCE,
        subject=actor.subject,
        hours=2,
        claims={"role": actor.role, "region": actor.region or None, "department": actor.department or None},
    )
    return {"Authorization": f"Bearer {token}"}


async def _bare_cases(cases: int, concurrency: int) -> None:
    """The yardstick's driver: the same four human messages, each sent when the one before it was answered."""
    client = await connect_bare()
    gate = asyncio.Semaphore(concurrency)

    async def one() -> None:
        async with gate:
            handle = await client.start_workflow(BareCase.run, id=run_id(), task_queue=QUEUE)
            await asyncio.gather(*(handle.execute_update(BareCase.tell, f"evidence_{n}") for n in (1, 2)))
            await handle.execute_update(BareCase.tell, "accept")
            await handle.execute_update(BareCase.tell, "decide")
            await handle.result()

    await asyncio.gather(*(one() for _ in range(cases)))
