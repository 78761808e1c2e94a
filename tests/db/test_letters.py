"""What comes in and what goes out: callbacks once, keys once, the outbox shared by many relays."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.callbacks import Verdict
from models import idempotency, inbox, outbox
from models.database import Database, DatabaseError, is_lock_timeout
from models.inbox import Inbox
from models.outbox import OutboxKind
from tests.fixtures.samples import NOW, add_case


def letter(event_id: str = "event-1", region: str = "340000", verdict: Verdict = Verdict.TAKEN) -> Inbox:
    return Inbox(
        region=region, event_id=event_id, digest="a" * 64, key="k", verdict=verdict, answer=None, received_at=NOW
    )


async def take_in(database: Database, row: Inbox) -> Inbox | None:
    async with database.begin() as session:
        return await inbox.take_in(session, row)


async def test_a_callback_is_new_once_and_counted_after(database: Database) -> None:
    earlier = await asyncio.gather(*(take_in(database, letter()) for _ in range(12)))
    assert sum(row is None for row in earlier) == 1
    assert max(row.times for row in earlier if row is not None) == 12


async def test_the_verdict_a_callback_got_first_stands(database: Database) -> None:
    await take_in(database, letter(verdict=Verdict.CONTRADICTION))
    again = await take_in(database, letter(verdict=Verdict.TAKEN))
    assert again is not None
    assert again.verdict == Verdict.CONTRADICTION


async def test_two_provinces_may_use_the_same_event_number(database: Database) -> None:
    assert await take_in(database, letter()) is None
    assert await take_in(database, letter(region="320000")) is None


async def test_only_forged_messages_of_that_province_and_hour_are_counted(database: Database) -> None:
    async with database.begin() as session:
        now = await session.scalar(text("SELECT now()"))
    rows = [letter("f1", verdict=Verdict.FORGED), letter("f2", verdict=Verdict.FORGED), letter("ok")]
    rows += [letter("f3", "320000", Verdict.FORGED), letter("old", verdict=Verdict.FORGED)]
    for row in rows:
        row.received_at = now - timedelta(minutes=61) if row.event_id == "old" else now
        await take_in(database, row)
    async with database.begin() as session:
        assert await inbox.forged_since(session, "340000") == 2


async def reserve(database: Database, client: str = "c", key: str = "k", digest: str = "d" * 64) -> str:
    async with database.begin() as session:
        row = await idempotency.reserve(session, client, key, digest)
        return "mine" if row is None else row.digest


async def test_a_key_belongs_to_whoever_came_first(database: Database) -> None:
    found = await asyncio.gather(*(reserve(database, digest=f"{n:064d}") for n in range(10)))
    assert found.count("mine") == 1
    assert len(set(found) - {"mine"}) == 1


async def test_a_key_is_the_clients_own(database: Database) -> None:
    assert await reserve(database, "one") == await reserve(database, "two") == "mine"


async def test_a_key_whose_work_failed_is_free_again(database: Database) -> None:
    with suppress(RuntimeError):
        async with database.begin() as session:
            await idempotency.reserve(session, "c", "k", "d" * 64)
            raise RuntimeError("work failed")
    assert await reserve(database) == "mine"


async def test_whoever_comes_while_the_first_is_working_waits_two_seconds_and_not_for_ever(database: Database) -> None:
    async with database.begin() as first:
        await idempotency.reserve(first, "c", "k", "d" * 64)
        async with asyncio.timeout(6):
            with pytest.raises(DatabaseError) as caught:
                await reserve(database)
        assert is_lock_timeout(caught.value)


async def test_the_kept_answer_is_given_to_whoever_asks_again(database: Database) -> None:
    await reserve(database)
    async with database.begin() as session:
        await idempotency.answer(session, "c", "k", 201, {"Location": "/x"}, {"no": "1"})
    async with database.begin() as session:
        row = await idempotency.reserve(session, "c", "k", "d" * 64)
    assert row is not None
    assert (row.status, row.headers, row.body) == (201, {"Location": "/x"}, {"no": "1"})


async def post_due(database: Database, no: str, count: int) -> list[int]:
    async with database.begin() as session:
        await session.execute(text("DELETE FROM outbox"))
        return [
            await outbox.post(
                session, OutboxKind.CALLBACK, no, {"n": n}, NOW - timedelta(days=1) + timedelta(seconds=n)
            )
            for n in range(count)
        ]


async def test_two_relays_never_hold_the_same_message(database: Database) -> None:
    posted = await post_due(database, await add_case(database), 7)
    async with database.begin() as one, database.begin() as other:
        first = [row.id for row in await outbox.take_due(one, 4)]
        second = [row.id for row in await outbox.take_due(other, 50)]
    assert first == posted[:4]
    assert second == posted[4:]


async def test_what_a_relay_took_and_did_not_send_is_there_again(database: Database) -> None:
    posted = await post_due(database, await add_case(database), 1)
    with suppress(RuntimeError):
        async with database.begin() as session:
            assert len(await outbox.take_due(session)) == 1
            raise RuntimeError("crash")
    async with database.begin() as session:
        assert [row.id for row in await outbox.take_due(session)] == posted


async def test_what_the_committing_process_may_still_send_itself_is_not_due_yet(database: Database) -> None:
    no = await add_case(database)
    async with database.begin() as session:
        await session.execute(text("DELETE FROM outbox"))
        now = await session.scalar(text("SELECT now()"))
        await outbox.post(session, OutboxKind.START, no, {}, now)
    async with database.begin() as session:
        assert await outbox.take_due(session) == []
        waiting, oldest = await outbox.backlog(session)
    assert waiting == 1
    assert 0 <= oldest < 3


async def test_a_message_that_cannot_be_sent_waits_longer_each_time_and_is_never_given_up(database: Database) -> None:
    (posted,) = await post_due(database, await add_case(database), 1)
    pauses = []
    for _ in range(9):
        async with database.begin() as session:
            await session.execute(text("UPDATE outbox SET due_at = now()"))
            (row,) = await outbox.take_due(session)
            await outbox.failed(session, row, "no answer " * 100)
        async with database.begin() as session:
            pauses.append(
                round(float(await session.scalar(text("SELECT extract(epoch FROM due_at - now()) FROM outbox")) or 0))
            )
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    async with database.begin() as session:
        assert await session.scalar(text("SELECT length(error) FROM outbox")) == 200
        await outbox.done(session, posted)
        assert await outbox.backlog(session) == (0, 0.0)
