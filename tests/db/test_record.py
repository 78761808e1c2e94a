"""One batch of a workflow is written whole, once, and in its turn."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.audit import GENESIS, SUPERSEDED, event_hash
from domain.case import CaseStatus
from domain.messages import Place, Role
from domain.names import task_id
from domain.record import LicenceIssued, TaskChange, TaskKind, TaskState
from models import events, outbox
from models.cases import lock_case, note, read_case
from models.database import Database
from models.licences import licences_of
from models.record import RecordOutOfOrder, write_batch
from models.tasks import read_task
from tests.fixtures.samples import NOW, add_case, batch, event, view

SUZHOU = Place(region="320500", department="market_regulation")
LICENCE = "1.2.156.3005.2.11100000XXXX000786001.11320000XXXX000000.2026000000000001.001.0"


async def write(database: Database, no: str, number: int = 1, **parts: object) -> bool:
    return await write_batch(database, batch(no, number, **parts))  # type: ignore[arg-type]


def opened(no: str, state: TaskState = TaskState.OPEN, outcome: str = "") -> TaskChange:
    return TaskChange(
        id=task_id(no, "accept", "accept", 1),
        step="accept",
        kind=TaskKind.ACCEPT,
        state=state,
        role=Role.CASEWORKER,
        place=SUZHOU,
        outcomes=("accept", "refuse"),
        opened_at=NOW,
        outcome=outcome,
    )


async def test_the_first_batch_moves_the_case_and_proves_that_its_workflow_runs(database: Database) -> None:
    no = await add_case(database)
    assert await write(database, no)
    async with database.begin() as session:
        case = await read_case(session, no)
        waiting, _ = await outbox.backlog(session)
    assert case is not None
    assert (case.status, case.recorded, case.events) == (CaseStatus.RECEIVED, 1, 2)
    assert waiting == 0


async def test_a_batch_that_comes_again_changes_nothing_whatever_its_times(database: Database) -> None:
    no = await add_case(database)
    assert await write(database, no)
    assert await write(database, no) is False
    assert await write(database, no, at=NOW + timedelta(seconds=9)) is False
    async with database.begin() as session:
        assert len(await events.events_of(session, no)) == 2


async def test_the_workflow_is_right_when_its_batch_differs_from_the_one_on_record(database: Database) -> None:
    """A crash has left a decision on record whose workflow task never became history."""
    no = await add_case(database)
    await write(database, no, tasks=(opened(no),), open_tasks=(opened(no).id,))
    lost = opened(no, TaskState.DONE, "accept")
    await write(database, no, 2, shown=view(CaseStatus.ACCEPTED), events=(event("task:accept:decided"),), tasks=(lost,))
    kept = event("clock:promised:overdue")
    assert await write(database, no, 2, shown=view(CaseStatus.RECEIVED), events=(kept,), open_tasks=(lost.id,))
    async with database.begin() as session:
        case = await read_case(session, no)
        trail = await events.events_of(session, no)
        task = await read_task(session, lost.id)
    assert case is not None
    assert task is not None
    assert (case.status, case.recorded, task.state, task.outcome) == (CaseStatus.RECEIVED, 2, "open", "")
    assert [row.type for row in trail][-3:] == ["task:accept:decided", SUPERSEDED, "clock:promised:overdue"]
    assert trail[-2].data == {"batch": "2", "from": str(trail[-3].seq), "to": str(trail[-3].seq)}
    head = GENESIS
    for row in trail:
        head = event_hash(head, no, row.seq, row.event())
    assert head == case.head


async def test_a_batch_takes_the_place_of_all_that_were_written_after_it_too(database: Database) -> None:
    """Two batches of one workflow task were on record when its worker died; the task came back with a withdrawal."""
    no = await add_case(database)
    await write(database, no, epoch=3)
    await write(database, no, 2, epoch=3, shown=view(CaseStatus.ACCEPTED), events=(event("effect:offer:accepted"),))
    async with database.begin() as session:  # the worklist writes in between; that stands
        case = await lock_case(session, no)
        assert case is not None
        await note(session, case, [event("task:accept:claimed")])
    ended = view(CaseStatus.WITHDRAWN, closed_at=NOW)
    assert await write(database, no, 1, epoch=7, shown=ended, events=(event("case:withdrawal:asked"),))
    async with database.begin() as session:
        case = await read_case(session, no)
        trail = await events.events_of(session, no)
    assert case is not None
    assert (case.status, case.recorded, case.closed_at is not None) == (CaseStatus.WITHDRAWN, 1, True)
    void = {n for row in trail if row.type == SUPERSEDED for n in range(int(row.data["from"]), int(row.data["to"]) + 1)}
    standing = [row.type for row in trail if row.seq not in void and row.type != SUPERSEDED]
    assert standing[-2:] == ["task:accept:claimed", "case:withdrawal:asked"]
    assert "effect:offer:accepted" not in standing


async def test_a_worker_that_was_asleep_changes_nothing_when_it_wakes(database: Database) -> None:
    no = await add_case(database)
    await write(database, no, epoch=9, shown=view(CaseStatus.ACCEPTED))
    assert await write(database, no, epoch=3, shown=view(CaseStatus.RECEIVED), events=(event("late:by:far"),)) is False
    async with database.begin() as session:
        case = await read_case(session, no)
        trail = await events.events_of(session, no)
    assert case is not None
    assert case.status == CaseStatus.ACCEPTED
    assert "late:by:far" not in [row.type for row in trail]


async def test_one_batch_from_many_runs_at_once_is_written_once(database: Database) -> None:
    no = await add_case(database)
    wrote = await asyncio.gather(*(write(database, no) for _ in range(15)))
    assert wrote.count(True) == 1
    async with database.begin() as session:
        assert [row.seq for row in await events.events_of(session, no)] == [1, 2]


@pytest.mark.parametrize("number", [2, 3, 99])
async def test_a_batch_that_comes_before_its_predecessor_is_refused(database: Database, number: int) -> None:
    no = await add_case(database)
    with pytest.raises(RecordOutOfOrder):
        await write(database, no, number)
    async with database.begin() as session:
        case = await read_case(session, no)
    assert case is not None
    assert (case.recorded, case.events) == (0, 1)


async def test_a_batch_of_an_unknown_case_is_refused(database: Database) -> None:
    with pytest.raises(RecordOutOfOrder):
        await write(database, "32050020261123PENTMOV002N9CH")


async def test_a_batch_stands_or_falls_whole(database: Database) -> None:
    no = await add_case(database)
    broken = LicenceIssued(identifier=LICENCE, step="no_such_step", place=SUZHOU, at=NOW)
    with pytest.raises((StopIteration, RuntimeError)):
        await write(database, no, tasks=(opened(no),), licences=(broken,))
    async with database.begin() as session:
        assert await read_task(session, opened(no).id) is None
        assert len(await events.events_of(session, no)) == 1


async def test_each_event_is_chained_to_the_one_before(database: Database) -> None:
    no = await add_case(database)
    for number in (1, 2, 3):
        assert await write(database, no, number, events=(event("a:b:c", n=str(number)), event("a:b:d")))
    async with database.begin() as session:
        rows = await events.events_of(session, no)
        case = await read_case(session, no)
    head = GENESIS
    for row in rows:
        head = event_hash(head, no, row.seq, row.event())
        assert row.hash == head
    assert case is not None
    assert (case.head, case.events, [row.seq for row in rows]) == (head, 7, list(range(1, 8)))


async def test_a_task_opens_once_closes_once_and_a_claim_survives_a_repeated_opening(database: Database) -> None:
    no = await add_case(database)
    await write(database, no, tasks=(opened(no),))
    async with database.begin() as session:
        from models.tasks import set_claim

        await set_claim(session, opened(no).id, "someone")
    await write(database, no, 2, tasks=(opened(no),))
    async with database.begin() as session:
        task = await read_task(session, opened(no).id)
    assert task is not None
    assert (task.claimed_by, task.revision, task.state) == ("someone", 2, "open")
    await write(database, no, 3, tasks=(opened(no, TaskState.DONE, "accept"),))
    async with database.begin() as session:
        task = await read_task(session, opened(no).id)
    assert task is not None
    assert (task.state, task.outcome, task.revision) == ("done", "accept", 3)


async def test_a_task_opened_and_closed_in_one_batch_is_closed(database: Database) -> None:
    no = await add_case(database)
    await write(database, no, tasks=(opened(no), opened(no, TaskState.CANCELLED)))
    async with database.begin() as session:
        task = await read_task(session, opened(no).id)
    assert task is not None
    assert task.state == "cancelled"


async def test_a_licence_shows_only_what_its_service_declares(database: Database) -> None:
    no = await add_case(database)
    issued = LicenceIssued(identifier=LICENCE, step="licence", place=SUZHOU, at=NOW)
    await write(database, no, licences=(issued, issued))
    async with database.begin() as session:
        (licence,) = await licences_of(session, no)
    assert [item["value"] for item in licence.shows] == [
        "合肥示例新材料有限公司",
        "91340100XXXX00043E",
        "苏州市示例路1号",
    ]
    assert "310199199001010018" not in str(licence.shows)
