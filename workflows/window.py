"""WindowWorkflow: drives one session at the virtual window. It decides nothing itself; ``domain.window`` does.

A session lasts an hour or a few days of waiting, so it never continues as new. When it was completed its case is told
by a signal before this workflow ends: no crash can leave a completed session its case knows nothing of.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from domain import names
    from domain.window import AnyAct, Session, WindowDone, WindowStart
    from workflows import calls
    from workflows.alarm import Alarm


@workflow.defn(name=names.WINDOW_WORKFLOW)
class WindowWorkflow:
    """One session. Workflow id = ``names.window_workflow``."""

    @workflow.init
    def __init__(self, start: WindowStart) -> None:
        """Ready before any handler runs."""
        self._session = Session(start, workflow.now())
        self._recorded = 0
        self._alarm = Alarm()
        self._session.begin(workflow.now())

    @workflow.run
    async def run(self, start: WindowStart) -> None:
        """Until the session is over, on record, and its case has been told."""
        session = self._session
        while True:
            if session.dirty:
                batch = session.batch(workflow.now(), workflow.info().get_current_history_length())
                await calls.record_window(batch)
                self._recorded = batch.number
                continue
            if session.state.closed_at is not None:
                break
            self._alarm.set(session.next_wake())
            await workflow.wait_condition(lambda: self._alarm.fired or session.dirty)
            if self._alarm.fired:
                self._alarm.fired = False
                session.take_time(workflow.now())
        self._alarm.stop()
        await workflow.wait_condition(workflow.all_handlers_finished)
        if (result := session.result()) is not None:
            try:
                await workflow.get_external_workflow_handle(start.case_no).signal(names.WINDOW_SIGNAL, result)
            except FailureError:
                workflow.logger.info("the case of session %s has ended", start.id)
        await asyncio.sleep(calls.BOUNDARY_S)  # as for a case: the last answers become history before the end does
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.update(name=names.WINDOW_UPDATE)
    async def act(self, act: AnyAct) -> WindowDone:
        """Somebody does something in the session; answered when it is on record."""
        done = self._session.carry_out(act, workflow.now())
        need = self._session.state.recorded + (1 if self._session.dirty else 0)
        await workflow.wait_condition(lambda: self._recorded >= need)
        return done

    @act.validator
    def _check(self, act: AnyAct) -> None:
        if (code := self._session.check(act)) is not None:
            raise ApplicationError(code, type=code, non_retryable=True)
