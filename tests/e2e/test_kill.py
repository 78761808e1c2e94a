"""kill -9 of any part at any moment: every case still ends as it should, every effect stands once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.drive import Drive, status
from tongban.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("e2e")]

PARTS = [
    "worker-core",
    "worker-provinces",
    "api",
    "temporal",
    "postgres",
    "province-320000",
    "province-340000",
]


async def at_every_stage(drive: Drive) -> tuple[list[str], list[Callable[[], Awaitable[None]]]]:
    """Cases at six moments, and for each what is still to be done by people. The moments pass while others act."""
    new, previewed, agreed, asked, decided, filed = await asyncio.gather(*(drive.submit() for _ in range(6)))
    await asyncio.gather(*(drive.see(no) for no in (previewed, agreed)), drive.accept(asked), drive.accept(decided))
    await drive.accept(filed)
    await asyncio.gather(drive.ready(decided), drive.ready(filed))

    async def after_agreement() -> None:
        await drive.decide(agreed, "accept", "accept")
        await drive.finish(agreed)

    rest = [
        lambda: drive.whole(new),
        lambda: drive.whole(previewed),
        after_agreement,
        lambda: drive.finish(asked),
        lambda: drive.end(decided),
        lambda: drive.finish(filed),
    ]
    # what is under way at the moment of the kill: evidence being fetched, a registration being made, a new case
    late = asyncio.gather(drive.agree(agreed), drive.decide(decided, "decide", "grant"), drive.submit())
    numbers = [new, previewed, agreed, asked, decided, filed]

    async def last() -> None:
        *_, newest = await late
        numbers.append(newest)
        await drive.whole(newest)

    return numbers, [last, *rest]  # type: ignore[list-item]


@pytest.mark.parametrize("part", PARTS)
async def test_killed_while_cases_stand_at_every_stage(drive: Drive, stack: Stack, part: str) -> None:
    numbers, rest = await at_every_stage(drive)
    stack.kill(part)
    await asyncio.gather(*(go() for go in rest))
    await drive.check_completed(numbers)
    assert await asyncio.to_thread(stack.wait_ready, part)


@pytest.mark.parametrize("part", ["worker-core"])
async def test_killed_again_and_again_during_one_case(drive: Drive, stack: Stack, part: str) -> None:
    no = await drive.submit()
    stack.kill(part)
    await drive.accept(no)
    await asyncio.to_thread(stack.wait_ready, part)
    stack.kill(part)
    await drive.until(no, lambda c: status(c, "archive") in {"pending", "done"})
    await asyncio.to_thread(stack.wait_ready, part)
    stack.kill(part)
    await drive.finish(no)
    await drive.check_completed([no])


async def test_every_worker_dead_at_once_loses_nothing(drive: Drive, stack: Stack) -> None:
    numbers, rest = await at_every_stage(drive)
    for part in ("worker-core", "worker-core-2", "worker-provinces", "worker-provinces-2"):
        stack.kill(part)
    await asyncio.gather(*(go() for go in rest))
    await drive.check_completed(numbers)


async def test_a_worker_that_stood_still_does_nothing_twice(drive: Drive, stack: Stack) -> None:
    numbers, rest = await at_every_stage(drive)
    pids = [stack.pid(part) for part in ("worker-core", "worker-provinces")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        going = asyncio.gather(*(go() for go in rest))
        await asyncio.sleep(15)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    await going
    await drive.check_completed(numbers)


async def test_temporal_down_at_submission_is_no_reason_to_wait(drive: Drive, stack: Stack) -> None:
    pid = stack.pid("temporal")
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(15):
            no = await drive.submit()
        assert (await drive.case(no))["waiting_on"]["why"] == "starting"
    finally:
        os.kill(pid, signal.SIGCONT)
    await drive.whole(no)
    await drive.check_completed([no])
