"""What a session was is written once, in its turn; what a lost workflow task had written gives way."""

from __future__ import annotations

from datetime import timedelta

from domain.audit import SUPERSEDED
from domain.messages import Actor, Place, Role
from domain.window import JoinAct, Party, PickUpAct, Session, WindowBatch, WindowStart
from models import events
from models.database import Database
from models.windows import insert_window, read_window, write_window
from tests.fixtures.samples import APPLICANT, NOW, add_case, library

HANDLING = Place(region="320500", department="market_regulation")


def clerk(name: str) -> Actor:
    return Actor(subject=name, role=Role.CASEWORKER, region=HANDLING.region, department=HANDLING.department)


async def begun(database: Database) -> WindowStart:
    """A session that waits in the queue, on record."""
    no = await add_case(database)
    start = WindowStart(
        id="w" + no[-8:].lower(),
        case_no=no,
        hall=Place(region="340100", department="service_hall"),
        handling=HANDLING,
        asked_by=APPLICANT,
        consent_version="v1",
        times=library().window_times,
    )
    async with database.begin() as session:
        await insert_window(session, start, APPLICANT.subject, Session(start, NOW).view(), NOW)
    assert await write_window(database, queued(start).batch(NOW, 5))
    return start


def queued(start: WindowStart) -> Session:
    session = Session(start, NOW)
    session.begin(NOW)
    return session


def picked_up(start: WindowStart, by: str, epoch: int, later: int = 0) -> WindowBatch:
    """The second batch, as it comes when this clerk was first."""
    session = queued(start)
    session.batch(NOW)
    now = NOW + timedelta(seconds=later)
    session.carry_out(PickUpAct(id=f"a-{by}", actor=clerk(by), window_no="7"), now)
    return session.batch(now, epoch)


async def standing(database: Database, no: str) -> list[str]:
    """The lines that were not declared void."""
    async with database.begin() as session:
        rows = await events.events_of(session, no, limit=1000)
    void = {n for row in rows if row.type == SUPERSEDED for n in range(int(row.data["from"]), int(row.data["to"]) + 1)}
    return [row.type + ":" + row.actor_subject for row in rows if row.seq not in void and row.type != SUPERSEDED]


async def test_a_batch_that_comes_again_is_written_once(database: Database) -> None:
    start = await begun(database)
    assert await write_window(database, picked_up(start, "one", 9))
    assert not await write_window(database, picked_up(start, "one", 9, later=3))  # made anew: only its time is another
    assert (await standing(database, start.case_no))[1:] == ["window:queued:applicant-1", "window:connecting:one"]


async def test_what_a_lost_task_had_written_gives_way_to_what_the_workflow_says(database: Database) -> None:
    start = await begun(database)
    assert await write_window(database, picked_up(start, "one", 9))
    assert await write_window(database, picked_up(start, "two", 9))
    async with database.begin() as session:
        window = await read_window(session, start.id)
    assert window is not None
    assert window.view().clerks == {"handling": "two"}
    assert (await standing(database, start.case_no))[1:] == ["window:queued:applicant-1", "window:connecting:two"]
    assert not await write_window(database, picked_up(start, "one", 8))  # a worker that was asleep changes nothing
    assert (await standing(database, start.case_no))[-1] == "window:connecting:two"


async def test_later_batches_of_the_lost_task_go_with_it(database: Database) -> None:
    start = await begun(database)
    lost = queued(start)
    lost.batch(NOW)
    lost.carry_out(PickUpAct(id="a", actor=clerk("one")), NOW)
    assert await write_window(database, lost.batch(NOW, 9))
    lost.carry_out(JoinAct(id="b", actor=APPLICANT, party=Party.APPLICANT), NOW)
    assert await write_window(database, lost.batch(NOW, 9))
    assert await write_window(database, picked_up(start, "two", 9))
    async with database.begin() as session:
        window = await read_window(session, start.id)
    assert window is not None
    assert (window.recorded, window.status) == (2, "connecting")
    assert (await standing(database, start.case_no))[-1] == "window:connecting:two"
