"""The same without quick tries beside the workflow: every call goes through its province's queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.drive import Drive
from tongban.stack.parts import WITHOUT_MEDICAL
from tongban.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("e2e")]


@pytest.fixture(scope="module")
def queues(folders: Callable[[str], Path]) -> Iterator[Stack]:
    with Stack(
        folders("queues"),
        parts=WITHOUT_MEDICAL,
        local_first=False,
        usual_ports=False,
        say=lambda _line: None,
    ) as running:
        yield running


@pytest_asyncio.fixture
async def through(queues: Stack) -> AsyncIterator[Drive]:
    made = Drive(queues)
    yield made
    await made.calm()
    await made.aclose()


@pytest.mark.parametrize("part", ["worker-core", "worker-provinces", "temporal"])
async def test_killed_in_the_middle(through: Drive, queues: Stack, part: str) -> None:
    early, late = await through.submit(), await through.submit()
    await through.accept(late)
    queues.kill(part)
    await asyncio.gather(through.whole(early), through.finish(late))
    await through.check_completed([early, late])


@pytest.mark.parametrize("kind", ["lost_answer", "refuse_429"])
async def test_the_first_try_of_every_call_goes_wrong(through: Drive, kind: str) -> None:
    for region in ("310000", "320000", "330000", "340000"):
        await through.fault(region, kind, times=2)
    no = await through.submit()
    await through.whole(no)
    await through.check_completed([no])


async def test_withdrawn_before_the_decision_everything_is_undone(through: Drive) -> None:
    no = await through.submit()
    await through.accept(no)
    await through.ready(no)
    assert (await through.citizen.ask("POST", f"/v1/cases/{no}/withdraw", json={})).status_code == 200
    await through.end(no)
    await through.check_undone(no, "withdrawn")
