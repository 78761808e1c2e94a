"""The workflow of a month, on a server whose time is turned: who is waited for, until when, and what silence means."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from api.gateway import Gateway
from domain import names
from domain.calendar import SHANGHAI, local_day
from domain.clearing import (
    AnyClearingAct,
    ClearingActDone,
    ClearingProgress,
    ClearingStart,
    MonthlyStart,
    PayAct,
    PeriodState,
    Reconciled,
    ReconcileDay,
    days_of,
    month_before,
    month_of,
)
from domain.errors import Refusal
from models import clearing
from models.clearing import ClearingPeriod
from models.database import Database
from tests.clearing.conftest import KEYS
from tests.clearing.months import confirmation, enter, objection, statements, worker
from tests.clearing.samples import AH, CALENDAR, JS, PROFILE, SH, settled
from tests.fixtures.running import eventually
from tongban.temporal import plugin
from workflows.clearing import CLEARING_WORKFLOWS

Handle = WorkflowHandle[Any, Any]


class Month:
    """One month's clearing as its people see it."""

    def __init__(self, clock: WorkflowEnvironment, database: Database, month: str) -> None:
        self.clock, self.database, self.month = clock, database, month
        self.handle: Handle = clock.client.get_workflow_handle(names.clearing_workflow(month))

    async def start(self, *, early: bool = False) -> None:
        await Gateway(self.clock.client).start_clearing(
            ClearingStart(month=self.month, profile=PROFILE, calendar=CALENDAR, early=early)
        )

    async def now(self) -> date:
        return local_day(await self.clock.get_current_time())

    async def until(self, day: date, hour: int = 12) -> None:
        """Time is turned to an hour of that day."""
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)
        await self.clock.sleep(max(timedelta(0), moment - await self.clock.get_current_time()))

    async def progress(self) -> ClearingProgress:
        found: ClearingProgress = await self.handle.query(names.CLEARING_QUERY, result_type=ClearingProgress)
        return found

    async def reaches(self, state: PeriodState) -> ClearingProgress:
        found: ClearingProgress = await eventually(self.progress, lambda p: p.state is state)
        return found

    async def answers(self, act: AnyClearingAct) -> ClearingActDone:
        return await Gateway(self.clock.client).answer_clearing(act)

    async def period(self) -> ClearingPeriod:
        async with self.database.begin() as session:
            found = await clearing.find_period(session, self.month)
        assert found is not None
        return found

    async def pays(self, payer: str, at: datetime) -> None:
        await self.answers(PayAct(id=f"p-{payer}", month=self.month, payer=payer, actor=worker(payer), at=at))


@pytest.fixture
async def month(clock: WorkflowEnvironment, database: Database) -> Month:
    """The month before the one the server's clock shows, with two payers."""
    last = month_before(local_day(await clock.get_current_time()))
    day = days_of(last)[0]
    await enter(database, settled(AH, SH, 500, day), settled(AH, SH, 300, day), settled(JS, SH, 700, day))
    return Month(clock, database, last)


async def test_a_month_runs_from_proposal_through_silence_to_the_last_payment(month: Month) -> None:
    await month.start(early=True)
    proposed = await month.reaches(PeriodState.PROPOSED)
    assert proposed.waiting == (JS, AH)
    period = await month.period()
    assert period.confirm_by is not None
    assert (await month.answers(confirmation(month.month, AH))).waiting == (JS,)
    await month.until(period.confirm_by, 23)
    assert (await month.progress()).state is PeriodState.PROPOSED, "the day is not over"
    await month.until(period.confirm_by + timedelta(days=1), 1)
    assert (await month.reaches(PeriodState.CLEARED)).waiting == (JS, AH)
    rows = await statements(month.database, month.month)
    assert {pair: (row.answer, row.amount) for pair, row in rows.items()} == {
        (AH, SH): ("confirmed", 800), (JS, SH): ("silent", 700)
    }  # fmt: skip
    period = await month.period()
    assert period.cleared_on is not None
    assert period.pay_by == CALENDAR.due(period.cleared_on, PROFILE.pay_within.count).day
    now = await month.clock.get_current_time()
    await month.pays(JS, now)
    assert (await month.progress()).waiting == (AH,)
    await month.pays(AH, now)
    assert (await month.handle.result())["state"] == "paid"
    replayer = Replayer(workflows=CLEARING_WORKFLOWS, plugins=[plugin(KEYS, sandbox=True)])
    await replayer.replay_workflow(await month.handle.fetch_history())


async def test_nobody_waits_longer_than_the_last_confirmation(month: Month) -> None:
    await month.start(early=True)
    await month.reaches(PeriodState.PROPOSED)
    item = next(iter(await items(month)))
    assert (await month.answers(objection(month.month, AH, item))).state is PeriodState.DISPUTED
    await month.answers(confirmation(month.month, AH))
    with pytest.raises(Refusal, match="clearing_not_cleared"):
        await month.pays(AH, await month.clock.get_current_time())
    await month.answers(confirmation(month.month, JS))
    await month.reaches(PeriodState.CLEARED)
    assert await month.now() < (await confirm_by(month)), "before the confirm day"
    with pytest.raises(Refusal, match="clearing_not_answerable"):
        await month.answers(objection(month.month, AH, item, id_="late"))


async def confirm_by(month: Month) -> date:
    day = (await month.period()).confirm_by
    assert day is not None
    return day


async def items(month: Month) -> list[str]:
    async with month.database.begin() as session:
        return [item.setl_id for item in await clearing.items_of(session, month.month, AH)]


async def test_an_answer_the_books_refuse_is_refused_with_its_code_and_nothing_moves(month: Month) -> None:
    await month.start(early=True)
    await month.reaches(PeriodState.PROPOSED)
    with pytest.raises(Refusal, match="clearing_item_not_found"):
        await month.answers(objection(month.month, AH, "nobody's"))
    with pytest.raises(Refusal, match="clearing_nothing_to_answer"):
        await month.answers(confirmation(month.month, SH))
    assert (await month.progress()).waiting == (JS, AH)


async def test_who_has_not_paid_in_time_is_noted_and_still_waited_for(month: Month) -> None:
    await month.start(early=True)
    await month.reaches(PeriodState.PROPOSED)
    for payer in (AH, JS):
        await month.answers(confirmation(month.month, payer))
    await month.reaches(PeriodState.CLEARED)
    await month.pays(AH, await month.clock.get_current_time())
    pay_by = (await month.period()).pay_by
    assert pay_by is not None
    await month.until(pay_by + timedelta(days=1), 1)

    async def acts() -> list[tuple[str, str]]:
        async with month.database.begin() as session:
            return [(act.kind, act.payer) for act in await clearing.acts_of(session, month.month)]

    await eventually(acts, lambda found: ("overdue", JS) in found)
    assert ("overdue", AH) not in await acts()
    assert (await month.progress()).waiting == (JS,)
    await month.pays(JS, await month.clock.get_current_time())
    assert (await month.handle.result())["state"] == "paid"


async def test_the_proposal_waits_for_its_day(clock: WorkflowEnvironment, database: Database) -> None:
    today = local_day(await clock.get_current_time())
    month = Month(clock, database, month_of(today))
    await enter(database, settled(AH, SH, 500, today))
    await month.start()
    day = PROFILE.proposed_on(month.month)
    await month.until(day - timedelta(days=1), 22)
    assert (await month.progress()).state is PeriodState.OPEN
    await month.until(day, 1)
    await month.reaches(PeriodState.PROPOSED)
    assert (await month.period()).proposed_on == day
    assert await confirm_by(month) == PROFILE.confirm_by(month.month, day)


async def test_the_monthly_run_starts_the_month_before_once(month: Month) -> None:
    for number in (1, 2):
        ran = await month.clock.client.execute_workflow(
            names.CLEARING_MONTHLY_WORKFLOW, MonthlyStart(), id=f"monthly-{number}", task_queue=names.CORE_QUEUE
        )
        assert ran == month.month
    assert (await month.progress()).month == month.month


async def test_every_book_of_a_day_is_compared_one_after_the_other(
    clock: WorkflowEnvironment, database: Database, tmp_path: Path
) -> None:
    day = date(2026, 10, 12)
    await enter(database, settled(AH, SH, day=day))
    (tmp_path / f"{SH}-{day}.jsonl").touch()
    done = await clock.client.execute_workflow(
        names.RECONCILIATION_WORKFLOW,
        ReconcileDay(day=day.isoformat()),
        id="reconcile",
        task_queue=names.CORE_QUEUE,
        result_type=list[Reconciled],
    )
    assert [(each.book, each.read, each.differences) for each in done] == [
        (SH, True, 1), (JS, False, 0), ("330000", False, 0), (AH, False, 0), ("hub", False, 0)
    ]  # fmt: skip


async def test_an_answer_in_the_wrong_stage_is_refused_before_it_is_written(
    clock: WorkflowEnvironment, database: Database
) -> None:
    month = Month(clock, database, month_of(local_day(await clock.get_current_time())))  # not over: it waits
    await month.start()
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await month.handle.execute_update(names.CLEARING_UPDATE, confirmation(month.month, AH), id="x")
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "clearing_not_answerable"
