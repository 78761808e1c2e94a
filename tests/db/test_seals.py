"""Seals over all cases: nothing that was ever committed can vanish without a trace."""

from __future__ import annotations

import asyncpg
import pytest

from domain.audit import GENESIS, seal_hash
from domain.messages import SYSTEM
from models import seals
from models.cases import lock_case
from models.cases import note as note_in
from models.database import Database, Session
from models.inspection import check_seals
from models.seals import Seal
from tests.fixtures.databases import Cluster
from tests.fixtures.samples import NOW, add_case, event


async def note(session: Session, no: str) -> None:
    """One more line in a case's trail, in the caller's transaction."""
    case = await lock_case(session, no)
    assert case is not None
    await note_in(session, case, [event(by=SYSTEM.subject)])


async def seal(database: Database) -> Seal | None:
    async with database.begin() as session:
        return await seals.add_seal(session, NOW)


async def broken(database: Database) -> list[str]:
    async with database.begin() as session:
        return list(await check_seals(session, []))


async def test_a_seal_covers_what_is_new_and_nothing_twice(database: Database) -> None:
    for _ in range(3):
        await add_case(database)
    first = await seal(database)
    assert first is not None
    assert (first.no, first.count) == (1, 3)
    assert await seal(database) is None
    await add_case(database)
    second = await seal(database)
    assert second is not None
    assert (second.no, second.count) == (2, 1)
    async with database.begin() as session:
        whole = await seals.hashes_between(session, 0, second.below)
    assert seal_hash(seal_hash(GENESIS, whole[:3]), whole[3:]) == second.hash
    assert await broken(database) == []


async def test_an_event_that_commits_late_with_a_low_number_is_not_missed(database: Database) -> None:
    slow, quick = await add_case(database), await add_case(database)
    assert await seal(database) is not None
    async with database.begin() as late:
        await note(late, slow)  # its id is taken now, its commit comes after the seal
        async with database.begin() as session:
            await note(session, quick)
        while_open = await seal(database)
    after = await seal(database)
    counts = [made.count for made in (while_open, after) if made is not None]
    assert sum(counts) == 2
    assert await broken(database) == []


async def test_only_one_sealer_works_at_a_time(database: Database) -> None:
    await add_case(database)
    async with database.begin() as one, database.begin() as other:
        assert await seals.add_seal(one, NOW) is not None
        assert await seals.add_seal(other, NOW) is None


@pytest.mark.parametrize(
    "crime",
    [
        "DELETE FROM event WHERE id = (SELECT max(id) FROM event WHERE txid < (SELECT max(below) FROM seal))",
        "DELETE FROM event WHERE case_no = (SELECT min(no) FROM cases)",
        "UPDATE event SET hash = repeat('0', 64) WHERE id = (SELECT min(id) FROM event)",
        "UPDATE event SET txid = txid + 100000 WHERE id = (SELECT min(id) FROM event)",
        "DELETE FROM seal WHERE no = 1",
        "UPDATE seal SET hash = repeat('0', 64) WHERE no = 1",
    ],
)
async def test_who_can_switch_the_triggers_off_still_leaves_a_trace(
    cluster: Cluster, database_name: str, database: Database, crime: str
) -> None:
    for _ in range(3):
        await add_case(database)
        await seal(database)
    assert await broken(database) == []
    connection: asyncpg.Connection = await cluster.connect(database_name)
    try:
        await connection.execute("SET session_replication_role = replica")
        changed = await connection.execute(crime)
        assert not changed.endswith(" 0")
    finally:
        await connection.close()
    assert await broken(database) != []


async def test_a_truncated_table_of_seals_is_visible_from_the_note_outside(database: Database) -> None:
    await add_case(database)
    made = await seal(database)
    assert made is not None
    kept = {"no": made.no, "below": made.below, "count": made.count, "hash": made.hash}
    async with database.begin() as session:
        assert await check_seals(session, [kept]) == []
        found = await check_seals(session, [kept | {"no": 2}])
    assert found
