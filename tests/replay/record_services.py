"""``python -m tests.replay.record_services [--again] [CODE | CODE/SCENARIO …]``: the histories of shipped scenarios.

Each scenario goes down its path on the real workflow (see rehearsal.py) and what the server remembers of it is kept,
compressed, under ``histories/services``; of each service one also with every call through the province's queue. With
no name: all services. What is on file is kept: a history that was released is never recorded over, because cases that
are running now have been through it. ``--again`` records over it, for what no release has.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from catalogue.library import HERE, Library
from catalogue.scenario import ScenarioError, read_scenario
from tests.replay.record import HISTORIES
from tests.replay.rehearsal import Diverged, rehearse

SERVICES = HISTORIES / "services"
QUEUED = "completed"  # the scenario that is also recorded with every call through the queue
COMMAND = "python -m tests.replay.record_services"
UNKNOWN, KEPT, DIVERGED = 2, 3, 1


def scenarios() -> list[str]:
    """Every shipped scenario, as CODE/NAME."""
    return [f"{path.parent.name}/{path.stem}" for path in sorted((HERE / "scenarios").glob("*/*.yaml"))]


def wanted(name: str) -> Iterator[tuple[Path, bool]]:
    """The files of a scenario's histories, and whether the first try is made beside the workflow."""
    yield SERVICES / f"{name}.json.gz", True
    if name.endswith(f"/{QUEUED}"):
        yield SERVICES / f"{name}.queue.json.gz", False


def packed(text: str) -> bytes:
    """The same text gives the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as file:
        file.write(text.encode())
    return buffer.getvalue()


def unpacked(path: Path) -> str:
    """A history as JSON."""
    return gzip.decompress(path.read_bytes()).decode()


async def record(names: list[str], library: Library, *, again: bool) -> tuple[int, list[str]]:
    """Records what is not on file, or all of it: how many were kept as they are, and what could not be recorded."""
    kept, faults = 0, []
    for name in names:
        for path, local_first in wanted(name):
            if path.exists() and not again:
                kept += 1
                continue
            scenario, plan = read_scenario(HERE / "scenarios" / f"{name}.yaml"), library.service(path.parent.name)
            try:
                content = packed(await rehearse(plan, scenario, library, local_first=local_first))
            except (Diverged, ScenarioError) as error:
                faults.append(f"{name}: {error}")
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"{path.relative_to(SERVICES)} {scenario.ends} {len(content)}")
    return kept, faults


def main(arguments: list[str]) -> int:
    """The status: 1 a scenario went another way, 2 no such scenario, 3 a history that was asked for was kept."""
    again, asked = "--again" in arguments, [name for name in arguments if name != "--again"]
    shipped = scenarios()
    if strange := [a for a in asked if a not in shipped and not any(n.startswith(f"{a}/") for n in shipped)]:
        print(f"no such service or scenario: {', '.join(strange)}", file=sys.stderr)
        return UNKNOWN
    names = [name for name in shipped if not asked or name in asked or name.partition("/")[0] in asked]
    kept, faults = asyncio.run(record(names, Library(), again=again))
    for fault in faults:
        print(f"the workflow does not go as the scenario says: {fault}", file=sys.stderr)
    if kept:
        print(f"{kept} {KEPT_BECAUSE}", file=sys.stderr)
    return DIVERGED if faults else KEPT if kept and set(asked) & set(shipped) else 0


KEPT_BECAUSE = (
    "on file are kept as they are: a history that was released is never recorded over, because cases that are running"
    " now have been through it. A scenario that has changed since gets a new name or, if no release has its history,"
    " --again."
)


if __name__ == "__main__":
    logging.disable(logging.ERROR)  # an activity that fails because a province is down is told as an error
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # threads of the SDK that are still at work when Python ends can bring it down
