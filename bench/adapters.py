"""What one call costs in the adapter's own process: CPU and time per exchange, every dialect against its province.

    python -m bench adapters

Each dialect sends the same effect a few hundred times, one after the other, to its simulated province on this machine.
CPU is that of this process alone: building, signing, sending, reading, checking.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from adapters.registry import open_provinces
from domain.effects import ProvinceCall, Verb
from tongban.stack.agreements import AGREEMENTS, provinces_file

WARM = 50
PAYLOAD = {"uscc": "91340100XXXX00043E", "company_name": "合肥\U00020bb7新材料有限公司", "destination": "320500"}


@contextmanager
def _provinces(folder: Path) -> Iterator[Path]:
    """The four provinces as processes; the provinces file that names them."""
    urls, callers, processes = {}, {}, []
    try:
        for region, agree in AGREEMENTS.items():
            caller, province = agree()
            (folder / f"caller-{region}.json").write_text(json.dumps(caller))
            (folder / f"province-{region}.json").write_text(json.dumps(province))
            words = ["provinces", "--region", region, "--port", "0", "--data", str(folder / region)]
            words += ["--slow-seconds", "0", "--credentials", str(folder / f"province-{region}.json")]
            process = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True)
            processes.append(process)
            assert process.stdout is not None
            urls[region] = "http://" + process.stdout.readline().split()[-1]
            callers[region] = f"caller-{region}.json"
        file = folder / "provinces.json"
        provinces_file(file, urls, callers)
        yield file
    finally:
        for process in processes:
            process.terminate()
            process.wait(10)


async def _measure(file: Path, calls: int) -> list[dict[str, Any]]:
    rows = []
    async with open_provinces(file) as provinces:
        for region in track(provinces.regions, description="adapters"):
            adapter = provinces.get(region)

            async def one(region: str = region) -> float:
                key = secrets.token_hex(32)
                call = ProvinceCall(
                    verb=Verb.SUBMIT, region=region, department="tax", operation="tax_clearance", key=key,
                    case_no="34000020261126BENCH0000001X", leg="origin", step="tax", payload=PAYLOAD,
                )  # fmt: skip
                begun = time.perf_counter()
                await provinces.get(region).call(call)
                return (time.perf_counter() - begun) * 1000

            for _ in range(WARM):
                await one()
            cpu = time.process_time()
            took = [await one() for _ in range(calls)]
            spent = (time.process_time() - cpu) * 1000 / calls
            rows.append(
                {
                    "adapter": provinces.adapter_name(region),
                    "cpu_ms": round(spent, 3),
                    "p50_ms": round(statistics.median(took), 2),
                    "p95_ms": round(statistics.quantiles(took, n=20)[-1], 2),
                    "calls": calls,
                }
            )
            await adapter.aclose()
    return rows


def run(calls: int, out: Console) -> list[dict[str, Any]]:
    """All four; milliseconds per call."""
    with tempfile.TemporaryDirectory() as folder, _provinces(Path(folder)) as file:
        rows = asyncio.run(_measure(file, calls))
    for row in rows:
        took = f"p50 {row['p50_ms']:.1f} ms, p95 {row['p95_ms']:.1f} ms"
        out.print(f"{row['adapter']:10} {row['cpu_ms']:.2f} ms CPU, {took}")
    return rows
