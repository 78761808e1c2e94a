"""A province that is killed in the middle of things and started again on the same books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.errors import Ambiguous, ProvinceError, Unavailable
from domain.effects import AnswerStatus, Verb
from provinces.__main__ import read_secret
from tests.adapters.places import Mailbox, Process, call, handover


@pytest_asyncio.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with Mailbox() as made:
        yield made


async def test_work_pending_at_a_kill_completes_after_the_restart_and_is_told(tmp_path: Path, box: Mailbox) -> None:
    province = Process(tmp_path, "--callback-url", box.url, "--pending-seconds", "0.5")
    sent = handover()
    assert (await province.adapter.call(sent)).status is AnswerStatus.PENDING
    await province.kill()
    assert box.arrived(sent.key) == []
    province.start()
    (letter,) = await box.about(sent.key)
    assert letter.read(province.adapter).answer.status is AnswerStatus.ACCEPTED
    assert [row["delta"] for row in await province.ledger(sent.key)] == [1]
    assert await province.stop() == 0


async def test_a_callback_nobody_took_before_a_kill_is_sent_after_the_restart(tmp_path: Path, box: Mailbox) -> None:
    province = Process(tmp_path, "--callback-url", box.url, "--pending-seconds", "0")
    box.statuses[:] = [500, 500]
    sent = handover()
    await province.adapter.call(sent)
    (first, _) = await box.about(sent.key, count=2)
    await province.kill()
    province.start()
    (_, _, third) = await box.about(sent.key, count=3)
    assert third.read(province.adapter).event_id == first.read(province.adapter).event_id
    assert await province.stop() == 0


async def test_a_kill_under_load_loses_no_answered_effect_and_doubles_none(tmp_path: Path) -> None:
    province = Process(tmp_path)
    calls = [call(operation="business_licence_issue", department="market_regulation") for _ in range(60)]
    answered: dict[str, str] = {}

    async def send(number: int) -> None:
        try:
            answer = await province.adapter.call(calls[number])
        except (Ambiguous, Unavailable):
            return
        answered[calls[number].key] = answer.data["licence_identifier"]
        if len(answered) == 10:
            ten.set()

    ten = asyncio.Event()
    burst = [asyncio.create_task(send(number)) for number in range(60)]
    await asyncio.wait_for(ten.wait(), 10)
    province.process.kill()
    await asyncio.gather(*burst)
    await province.kill()
    before = dict(answered)
    province.start()
    for sent in calls:
        answer = await province.adapter.find(sent) or await province.adapter.call(sent)
        assert before.get(sent.key, answer.data["licence_identifier"]) == answer.data["licence_identifier"]
        answered[sent.key] = answer.data["licence_identifier"]
    assert 10 <= len(before) < 60
    assert len(set(answered.values())) == 60
    assert sorted(str(row["request_no"]) for row in await province.ledger()) == sorted(each.key for each in calls)
    assert await province.stop() == 0


async def test_a_tombstone_and_an_answer_outlive_a_kill(tmp_path: Path) -> None:
    province = Process(tmp_path)
    done, buried = call(), call()
    answer = await province.adapter.call(done)
    await province.adapter.call(call(Verb.REVERSE, "tax_clearance_release", original=buried.key))
    await province.kill()
    province.start()
    assert await province.adapter.call(done) == answer
    assert (await province.adapter.call(buried)).reasons == ("cancelled",)
    assert len(await province.ledger()) == 1
    assert await province.stop() == 0


async def test_a_call_under_way_is_answered_when_the_province_is_told_to_stop(tmp_path: Path) -> None:
    province = Process(tmp_path)
    await province.fault("slow", seconds=0.5)
    answer = asyncio.create_task(province.adapter.call(call()))
    await asyncio.sleep(0.2)
    province.process.terminate()
    assert (await answer).status is AnswerStatus.ACCEPTED
    assert await province.stop() == 0


async def test_a_province_makes_its_own_secret_when_none_is_given(tmp_path: Path) -> None:
    made = read_secret(None, tmp_path)
    assert len(made) >= 32
    assert read_secret(None, tmp_path) == made
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0
    (tmp_path / "short").write_text("abc\n")
    with pytest.raises(SystemExit, match="shorter than 16"):
        read_secret(tmp_path / "short", tmp_path)


async def test_after_a_kill_the_adapter_reports_nothing_worse_than_unavailable(tmp_path: Path) -> None:
    province = Process(tmp_path)
    await province.adapter.health()
    province.process.kill()
    await asyncio.to_thread(province.process.wait, 10)
    with pytest.raises(ProvinceError) as caught:
        await province.adapter.call(call())
    assert isinstance(caught.value, Unavailable)
    await province.kill()
