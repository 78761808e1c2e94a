"""``python -m tests.replay.record [NAME…]``: records all histories anew, or those named, on a dev server of its own.

A history that was released is never recorded over: running cases have been through it. Payloads are not encrypted,
so that a review can read them; they hold test data only.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.testing import WorkflowEnvironment

from tests.replay.courses import COURSES, prepare
from tests.workflow.house import House, case_of, new_number, start
from tongban.temporal import runner

HISTORIES = Path(__file__).parent / "histories"
READABLE = SimplePlugin(
    "readable", data_converter=pydantic_data_converter, workflow_runner=lambda _: runner(sandbox=True)
)


async def record(client: Client, house: House, name: str, *, local_first: bool) -> str:
    """One course, driven to its end; its history as JSON."""
    course, status = COURSES[name]
    case = case_of(house, client, new_number())
    prepare(name, case)
    await start(case, client, local_first=local_first)
    await course(case)
    await case.until_closed()
    if case.view.status is not status:
        raise RuntimeError(f"{name} ended as {case.view.status}")
    return (await case.handle.fetch_history()).to_json()


async def main(names: list[str]) -> None:
    """All courses, each with the first try beside the workflow and through the queue."""
    HISTORIES.mkdir(exist_ok=True)
    server = Path(sys.executable).parent / "temporal"
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(server), dev_server_log_level="error", plugins=[READABLE], identity="test"
    )
    house = House()
    async with environment, house.at_work(environment.client):
        for name in names or COURSES:
            for local_first in (True, False):
                text = await record(environment.client, house, name, local_first=local_first)
                path = HISTORIES / f"{name}.{'local' if local_first else 'queue'}.json"
                path.write_text(text + "\n", encoding="utf-8")
                print(path.name, len(text))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
