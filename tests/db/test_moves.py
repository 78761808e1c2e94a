"""A case is pinned to another version by the very batch that says so, or not at all; back when that batch is void."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from domain import names
from domain.case import CaseStatus
from domain.messages import SYSTEM, Actor, Place, Role
from domain.plan import CasePlan, Plan
from domain.record import Event, TaskChange, TaskKind, TaskState
from models import commands, moves
from models.cases import read_application, read_case, read_plan
from models.database import Database
from models.moves import CaseMove, MoveRun, MoveState
from models.record import write_batch
from tests.fixtures.samples import NOW, add_case, batch, case_plan, event, plan, view

RUN = "20261125-a1b2c3"
AUDITOR = Place(region="310000", department="audit")


def next_version() -> Plan:
    return Plan.model_validate(plan().model_dump() | {"version": "2026.12.1"})


def successor() -> CasePlan:
    """One place more, one less."""
    new, old = next_version(), case_plan()
    tax = next(s for s in old.steps if s.id == "tax")
    steps = (*(s for s in old.steps if s.id != "tax"), tax.model_copy(update={"id": "audit", "place": AUDITOR}))
    return old.model_copy(update={"version": new.version, "plan_digest": new.digest(), "steps": steps})


def migrated(run: str = RUN) -> Event:
    old, new = case_plan(), successor()
    data = {"from_digest": old.plan_digest, "to_digest": new.plan_digest, "run": run, "removed": "tax"}
    return Event(type="case:migrated", at=NOW, actor=SYSTEM, data=data)


async def planned(database: Database, no: str, *, run: str = RUN, version: bool = True) -> str:
    """A run with one case, the order stored; returns its id."""
    order_id = names.migration_id(run, no)
    async with database.begin() as session:
        if version:
            await moves.keep_plan(session, next_version())
        if await moves.read_run(session, run) is None:
            session.add(a_run(run))
            await session.flush()
        await moves.put_rows(session, [row(no, run)])
        actor = Actor(subject="operator", role=Role.OPERATOR)
        await commands.insert_command(session, order_id, "migrate", no, run, actor, {}, NOW)
    return order_id


def a_run(name: str = RUN, **changes: object) -> MoveRun:
    content: dict[str, object] = {
        "id": name,
        "service": plan().code,
        "from_version": plan().version,
        "to_version": next_version().version,
        "to_digest": next_version().digest(),
        "reverts": "",
        "begun_by": "test",
        "begun_at": NOW,
    }
    return MoveRun.model_validate(content | changes)


def row(no: str, run: str = RUN, state: MoveState = MoveState.PLANNED) -> CaseMove:
    return CaseMove(
        run=run,
        case_no=no,
        state=state,
        why=[],
        order_id=names.migration_id(run, no),
        before_digest=case_plan().plan_digest,
        after_digest=successor().plan_digest,
        before=case_plan().model_dump(mode="json"),
        changed_at=NOW,
    )


async def pinned(database: Database, no: str) -> tuple[str, str, CasePlan]:
    async with database.begin() as session:
        case, application = await read_case(session, no), await read_application(session, no)
    assert case is not None
    assert application is not None
    return case.version, case.plan_digest, CasePlan.model_validate(application.case_plan)


async def parties(database: Database, no: str) -> set[tuple[str, str]]:
    async with database.begin() as session:
        rows = await session.execute(text("SELECT region, department FROM case_party WHERE case_no = :no"), {"no": no})
        return {(region, department) for region, department in rows}


async def state_of(database: Database, no: str, run: str = RUN) -> str:
    async with database.begin() as session:
        found = await session.get(CaseMove, (run, no))
    assert found is not None
    return found.state


BEFORE = (plan().version, plan().digest(), case_plan())
AFTER = (next_version().version, next_version().digest(), successor())


async def test_the_version_the_plan_and_who_takes_part_change_with_the_batch_that_says_so(database: Database) -> None:
    no = await add_case(database)
    await write_batch(database, batch(no))
    order = await planned(database, no)
    before = await parties(database, no)
    assert await write_batch(database, batch(no, 2, events=(migrated(),), plan=successor(), commands=(order,)))
    assert await pinned(database, no) == AFTER
    assert await parties(database, no) == before - {("340100", "tax")} | {("310000", "audit")}
    async with database.begin() as session:
        assert await read_plan(session, next_version().digest()) == next_version()
        assert await read_plan(session, plan().digest()) == plan(), "the version it was filed under stays"
    assert await write_batch(database, batch(no, 2, events=(migrated(),), plan=successor(), commands=(order,))) is False


async def test_a_version_that_is_not_stored_leaves_nothing_of_the_batch(database: Database) -> None:
    no = await add_case(database)
    await write_batch(database, batch(no))
    with pytest.raises(IntegrityError):
        await write_batch(database, batch(no, 2, events=(migrated(),), plan=successor()))
    assert await pinned(database, no) == BEFORE
    async with database.begin() as session:
        case = await read_case(session, no)
    assert case is not None
    assert (case.recorded, case.events) == (1, 2)


async def test_whoever_has_had_a_task_goes_on_seeing_the_case(database: Database) -> None:
    no = await add_case(database)
    task = TaskChange(
        id=names.task_id(no, "tax", "resolve", 1),
        step="tax",
        kind=TaskKind.RESOLVE,
        state=TaskState.OPEN,
        role=Role.CASEWORKER,
        place=Place(region="340100", department="tax"),
        outcomes=("retry", "terminate"),
        opened_at=NOW,
    )
    await write_batch(database, batch(no, tasks=(task,)))
    await planned(database, no)
    await write_batch(database, batch(no, 2, events=(migrated(),), plan=successor()))
    assert ("340100", "tax") in await parties(database, no)


async def test_when_the_batch_is_void_the_case_is_pinned_to_what_it_was(database: Database) -> None:
    no = await add_case(database)
    await write_batch(database, batch(no))
    before = await parties(database, no)
    order = await planned(database, no)
    await write_batch(database, batch(no, 2, events=(migrated(),), plan=successor(), commands=(order,), epoch=5))
    async with database.begin() as session:
        await moves.set_state(session, RUN, no, MoveState.MOVED)
    other = batch(no, 2, shown=view(CaseStatus.ACCEPTED), events=(event("task:accept:decided"),), epoch=5)
    assert await write_batch(database, other)
    assert await pinned(database, no) == BEFORE
    assert await parties(database, no) == before
    assert await state_of(database, no) == MoveState.PLANNED
    async with database.begin() as session:
        known = await commands.read_command(session, order)
    assert known is not None
    assert known.effective_at is None


async def test_when_two_moves_are_void_it_is_pinned_to_what_it_was_before_the_first(database: Database) -> None:
    no = await add_case(database)
    await write_batch(database, batch(no))
    await planned(database, no)
    await write_batch(database, batch(no, 2, events=(migrated(),), plan=successor(), epoch=5))
    second = "20261125-ffffff"
    await planned(database, no, run=second)
    async with database.begin() as session:
        back = row(no, second)
        back.before = successor().model_dump(mode="json")
        await moves.put_rows(session, [back])
    await write_batch(database, batch(no, 3, events=(migrated(second),), plan=case_plan(), epoch=5))
    assert await pinned(database, no) == BEFORE
    assert await write_batch(database, batch(no, 2, events=(event("case:corrected"),), epoch=6))
    assert await pinned(database, no) == BEFORE


async def test_the_move_that_stands_in_the_place_of_another_batch_is_written(database: Database) -> None:
    no = await add_case(database)
    await write_batch(database, batch(no))
    await write_batch(database, batch(no, 2, events=(event("case:corrected"),), epoch=5))
    order = await planned(database, no)
    assert await write_batch(
        database, batch(no, 2, events=(migrated(),), plan=successor(), all_commands=(order,), epoch=6)
    )
    assert await pinned(database, no) == AFTER


async def test_two_batches_that_move_to_different_plans_are_not_the_same(database: Database) -> None:
    no = await add_case(database)
    await write_batch(database, batch(no))
    await planned(database, no)
    await write_batch(database, batch(no, 2, events=(migrated(),), plan=successor(), epoch=5))
    other = successor().model_copy(update={"reply": None})
    assert await write_batch(database, batch(no, 2, events=(migrated(),), plan=other, epoch=5))
    assert (await pinned(database, no))[2] == other


# runs


async def test_a_run_is_gone_on_with_until_it_is_finished(database: Database) -> None:
    async with database.begin() as session:
        session.add(a_run())
    async with database.begin() as session:
        assert (found := await moves.unfinished(session, a_run("", begun_at=NOW)))
        assert found.id == RUN
        assert await moves.unfinished(session, a_run("", to_digest="f" * 64)) is None
        assert await moves.unfinished(session, a_run("", reverts=RUN)) is None
        await moves.finish_run(session, RUN)
    async with database.begin() as session:
        assert await moves.unfinished(session, a_run("")) is None


async def test_a_run_is_not_gone_on_with_once_a_case_of_it_was_moved_back_by_other_means(
    database: Database,
) -> None:
    no = await add_case(database)
    async with database.begin() as session:
        session.add(a_run())
        await session.flush()
        await moves.put_rows(session, [row(no, state=MoveState.MOVED)])  # and it is pinned to the first version
    async with database.begin() as session:
        assert await moves.unfinished(session, a_run("")) is None


async def test_what_the_record_says_was_carried_out_is_moved_even_if_nobody_lived_to_say_so(database: Database) -> None:
    no, other = await add_case(database), await add_case(database)
    await write_batch(database, batch(no))
    order = await planned(database, no)
    await planned(database, other)
    await write_batch(database, batch(no, 2, events=(migrated(),), plan=successor(), commands=(order,)))
    async with database.begin() as session:
        await moves.set_state(session, RUN, no, MoveState.FAILED, [{"code": "temporarily_down"}])
        await moves.catch_up(session, RUN)
    assert (await state_of(database, no), await state_of(database, other)) == (MoveState.MOVED, MoveState.PLANNED)


async def test_what_a_run_back_has_moved_is_reverted_in_the_first(database: Database) -> None:
    no, back = await add_case(database), "20261126-000000"
    async with database.begin() as session:
        session.add_all([a_run(), a_run(back, reverts=RUN, begun_at=NOW + timedelta(days=1))])
        await session.flush()
        await moves.put_rows(session, [row(no, state=MoveState.MOVED), row(no, back, MoveState.MOVED)])
    async with database.begin() as session:
        await moves.catch_up(session, back)
        listed = [(run.id, dict(states)) for run, states in await moves.list_runs(session)]
    assert listed == [(back, {"moved": 1}), (RUN, {"reverted": 1})]


async def test_the_cases_of_a_version_are_counted_and_read_page_by_page(database: Database) -> None:
    open_ = sorted([await add_case(database) for _ in range(5)])
    await add_case(database, shown=view(CaseStatus.WITHDRAWN, closed_at=NOW))
    await add_case(database, service="YRD-OTHER")
    version = plan().version
    async with database.begin() as session:
        assert await moves.count_pinned(session, plan().code, version) == (5, 1)
        first = await moves.pinned_page(session, plan().code, version, (), "", 3)
        second = await moves.pinned_page(session, plan().code, version, (), first[-1][0].no, 3)
        assert [case.no for case, _ in (*first, *second)] == open_
        (only,) = await moves.pinned_page(session, plan().code, version, [open_[2]], "", 3)
        assert only[0].no == open_[2]
        assert await moves.pinned_page(session, plan().code, "1", (), "", 3) == []
        assert list(await moves.stored_plans(session, plan().code, version)) == [plan().digest()]
