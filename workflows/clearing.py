"""Clearing of one month, written as it goes: propose, wait for the payers, clear, wait for the money.

The database holds the statements and who answered what; this workflow holds the clock. What a payer answers is an
update, written by an activity before it is answered, so that whoever confirms reads his own confirmation.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from domain import names
    from domain.calendar import SHANGHAI, local_day
    from domain.clearing import (
        ANSWERABLE,
        AnyClearingAct,
        Cleared,
        ClearingActDone,
        ClearingProgress,
        ClearingStart,
        MonthlyStart,
        PayAct,
        PeriodState,
        Propose,
        Reconciled,
        ReconcileDay,
        days_of,
        month_before,
    )
    from domain.reconciliation import HUB
    from workflows import calls


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(0), SHANGHAI)


@workflow.defn(name=names.CLEARING_WORKFLOW)
class ClearingWorkflow:
    """One month. Workflow id = ``names.clearing_workflow``. It ends when everybody has paid."""

    @workflow.init
    def __init__(self, start: ClearingStart) -> None:
        """Ready before any handler runs."""
        self._month = start.month
        self._state = PeriodState.OPEN
        self._waiting: tuple[str, ...] = ()
        self._writing = asyncio.Lock()  # answers are written one after the other, and none while the month is cleared

    @workflow.run
    async def run(self, start: ClearingStart) -> ClearingProgress:
        """Until the month is paid."""
        profile = start.profile
        if not start.early:
            await self._until(_begins(profile.proposed_on(start.month)))
        await self._propose(start)
        # whoever has not answered by the end of the confirm day has consented
        await self._wait_for_all(_begins(self._confirm_by + timedelta(days=1)))
        due = await self._clear(start)
        await self._wait_for_all(due)
        if self._waiting:
            await calls.note_overdue_payment(start.month)
            await workflow.wait_condition(lambda: not self._waiting)
        await workflow.wait_condition(workflow.all_handlers_finished)
        await asyncio.sleep(calls.BOUNDARY_S)  # the last answers become history before the end does
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.progress()

    async def _propose(self, start: ClearingStart) -> None:
        today = local_day(workflow.now())
        proposed = await calls.propose_clearing(
            Propose(
                month=start.month,
                last_day=min(days_of(start.month)[1], today),
                proposed_on=today,
                confirm_by=start.profile.confirm_by(start.month, today),
                profile=start.profile,
            )
        )
        self._confirm_by = proposed.confirm_by
        self._take(proposed.state, proposed.waiting)

    async def _clear(self, start: ClearingStart) -> datetime:
        """The first moment at which it is too late to pay."""
        async with self._writing:
            today = local_day(workflow.now())
            due = start.calendar.due(today, start.profile.pay_within.count)
            cleared = await calls.clear_month(
                Cleared(month=start.month, cleared_on=today, pay_by=due.day, provisional=due.provisional)
            )
            self._take(cleared.state, cleared.waiting)
        return due.at

    def _take(self, state: PeriodState, waiting: tuple[str, ...]) -> None:
        self._state, self._waiting = state, waiting

    async def _until(self, moment: datetime) -> None:
        if (left := moment - workflow.now()) > timedelta(0):
            await workflow.sleep(left)

    async def _wait_for_all(self, deadline: datetime) -> None:
        """Until nobody is waited for, at most until the deadline."""
        left = max(deadline - workflow.now(), timedelta(0))
        try:
            await workflow.wait_condition(lambda: not self._waiting, timeout=left)
        except TimeoutError:
            return

    @workflow.update(name=names.CLEARING_UPDATE)
    async def answer(self, act: AnyClearingAct) -> ClearingActDone:
        """A payer confirms, disputes or has paid; answered when it is written. Refused by its code."""
        async with self._writing:
            done = await calls.answer_clearing(act)
            if done.refused:
                raise ApplicationError(done.refused, type=done.refused, non_retryable=True)
            self._take(done.state, done.waiting)
        return done

    @answer.validator
    def _check(self, act: AnyClearingAct) -> None:
        paying = isinstance(act, PayAct)
        if paying and self._state is not PeriodState.CLEARED:
            code = "clearing_not_cleared"
        elif not paying and self._state not in ANSWERABLE:
            code = "clearing_not_answerable"
        else:
            return
        raise ApplicationError(code, type=code, non_retryable=True)

    @workflow.query(name=names.CLEARING_QUERY)
    def progress(self) -> ClearingProgress:
        """Where it stands, for operators; people read the database."""
        return ClearingProgress(month=self._month, state=self._state, waiting=self._waiting)


@workflow.defn(name=names.CLEARING_MONTHLY_WORKFLOW)
class ClearingMonthlyWorkflow:
    """What the schedule starts: it starts the month's own workflow, whose id lets no month run twice."""

    @workflow.run
    async def run(self, start: MonthlyStart) -> str:
        """The month whose clearing runs now."""
        month = start.month or month_before(local_day(workflow.now()))
        terms = await calls.clearing_terms()
        try:
            await workflow.start_child_workflow(
                names.CLEARING_WORKFLOW,
                ClearingStart(month=month, profile=terms.profile, calendar=terms.calendar),
                id=names.clearing_workflow(month),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the clearing of %s runs already or is over", month)
        return month


@workflow.defn(name=names.RECONCILIATION_WORKFLOW)
class ReconciliationWorkflow:
    """One day's reconciliation: every outside book, one after the other; one that cannot be read stops no other."""

    @workflow.run
    async def run(self, order: ReconcileDay) -> list[Reconciled]:
        """What came of each book."""
        day = order.day or (local_day(workflow.now()) - timedelta(days=1)).isoformat()
        books = [order.book] if order.book else [*names.PROVINCES, HUB]
        return [await calls.reconcile_book(ReconcileDay(day=day, book=book)) for book in books]


CLEARING_WORKFLOWS = (ClearingWorkflow, ClearingMonthlyWorkflow, ReconciliationWorkflow)
