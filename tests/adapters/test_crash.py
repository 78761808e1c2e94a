"""Provinces that are killed in the middle of things and started again on the same books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.errors import Ambiguous, ContractBroken, Unavailable
from domain.effects import AnswerStatus, Verb
from tests.adapters.places import Mailbox, Process, handover
from tests.adapters.wires import ANHUI, JIANGSU, SHANGHAI, ZHEJIANG, Wire, call


@pytest_asyncio.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with Mailbox() as made:
        yield made


CALLERS = pytest.mark.parametrize("from_", [SHANGHAI, ZHEJIANG], ids=lambda wire: wire.name)


@CALLERS
async def test_work_pending_at_a_kill_completes_after_the_restart_and_is_told(
    from_: Wire, tmp_path: Path, box: Mailbox
) -> None:
    province = Process(from_, tmp_path, "--callback-url", box.url, "--pending-seconds", "0.7")
    sent = handover()
    assert (await province.adapter.call(sent)).status is AnswerStatus.PENDING
    await province.kill()
    province.start()
    letters = await box.about(sent.key)
    while letters[-1].read(province.adapter).answer.status is not AnswerStatus.ACCEPTED:
        letters = await box.about(sent.key, count=len(letters) + 1)
    assert [row["delta"] for row in await province.ledger(sent)] == [1]
    assert await province.stop() == 0


async def test_a_kill_under_load_loses_no_answered_effect_and_doubles_none(wire: Wire, tmp_path: Path) -> None:
    province = Process(wire, tmp_path, "--pending-seconds", "0")
    calls = [call(case_no=f"CASE-{number}") for number in range(60)]
    answered: dict[str, str] = {}
    ten = asyncio.Event()

    async def send(number: int) -> None:
        try:
            answer = await province.adapter.call(calls[number])
        except (Ambiguous, Unavailable):
            return
        answered[calls[number].key] = answer.reference
        if len(answered) == 10:
            ten.set()

    burst = [asyncio.create_task(send(number)) for number in range(60)]
    await asyncio.wait_for(ten.wait(), 20)
    province.process.kill()
    await asyncio.gather(*burst)
    await province.kill()
    before = dict(answered)
    province.start()
    for sent in calls:
        answer = await province.adapter.find(sent) or await province.adapter.call(sent)
        assert before.get(sent.key, answer.reference) == answer.reference
        answered[sent.key] = answer.reference
    assert 10 <= len(before) <= 60
    assert len(set(answered.values())) == 60
    if wire is JIANGSU:
        await asyncio.sleep(0.5)  # its results take a moment
    booked = sorted(str(row["request_no"]) for row in await province.ledger())
    assert booked == sorted(province.adapter.business_number(each.case_no, each.key) for each in calls)
    assert await province.stop() == 0


async def test_a_tombstone_and_an_answer_outlive_a_kill(wire: Wire, tmp_path: Path) -> None:
    province = Process(wire, tmp_path, "--pending-seconds", "0")
    done, buried = call(), call()
    answer = await province.adapter.call(done)
    await province.adapter.call(call(Verb.REVERSE, "tax_clearance_release", original=buried.key))
    await asyncio.sleep(0.5 if wire is JIANGSU else 0)
    await province.kill()
    province.start()
    found = await province.adapter.find(done)
    assert found is not None
    assert found.reference == answer.reference
    if wire not in (ANHUI, JIANGSU):
        assert (await province.adapter.call(buried)).reasons == ("cancelled",)
    assert len(await province.ledger()) == 1
    assert await province.stop() == 0


async def test_a_call_under_way_is_answered_when_the_province_is_told_to_stop(wire: Wire, tmp_path: Path) -> None:
    province = Process(wire, tmp_path)
    await province.adapter.health()
    await province.fault("slow", operation="tax_clearance", seconds=0.5)
    answer = asyncio.create_task(province.adapter.call(call()))
    await asyncio.sleep(0.2)
    province.process.terminate()
    assert (await answer).status in (AnswerStatus.ACCEPTED, AnswerStatus.PENDING)
    assert await province.stop() == 0


async def test_after_a_kill_the_adapter_reports_nothing_worse_than_unavailable(wire: Wire, tmp_path: Path) -> None:
    province = Process(wire, tmp_path)
    await province.adapter.health()
    province.process.kill()
    await asyncio.to_thread(province.process.wait, 10)
    with pytest.raises(Unavailable):
        await province.adapter.call(call())
    await province.kill()


async def test_what_was_sent_twice_to_340000_is_found_twice_after_a_kill_too(tmp_path: Path) -> None:
    province = Process(ANHUI, tmp_path)
    sent = call()
    await province.adapter.call(sent)
    await province.adapter.call(sent)
    await province.kill()
    province.start()
    with pytest.raises(ContractBroken, match="done_twice"):
        await province.adapter.find(sent)
    assert await province.stop() == 0
