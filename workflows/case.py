"""CaseWorkflow: drives one case's ``Process``. It decides nothing itself.

    loop:  start the calls the process wants  ->  wait until nothing quick is under way  ->  record  ->  wait

Messages (updates, signal) change the process at once and wake the loop. An update is answered when what it
changed has been recorded, so that whoever acts reads his own act.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain import names
    from domain.calendar import WorkCalendar
    from domain.effects import Verb
    from domain.process import AnyOrder, Call, Callback, CommandResult, OutcomeStatus, Process
    from domain.start import CallProvince, StartCase
    from domain.window import WindowResult
    from workflows import calls
    from workflows.alarm import Alarm


@workflow.defn(name=names.CASE_WORKFLOW)
class CaseWorkflow:
    """One application. Workflow id = case number."""

    @workflow.init
    def __init__(self, start: StartCase) -> None:
        """Ready before any handler runs: messages may arrive in the first workflow task."""
        now = workflow.now()
        self._start = start
        self._process = Process(start.case_no, start.plan, start.calendar, now, start.state)
        self._quick = 0  # first tries under way beside the workflow
        self._recorded = self._process.state.recorded
        self._alarm = Alarm()
        self._called_off = False  # once: an ending case sends nothing new but reversals
        self._running: dict[asyncio.Task[None], Call] = {}
        self._fault: BaseException | None = None
        if start.state is None:
            self._process.begin(now, start.intake)

    @workflow.run
    async def run(self, start: StartCase) -> None:
        """Until the case is closed and everything is written down."""
        running, process = self._running, self._process
        while True:
            if self._fault is not None:
                raise self._fault  # a bug: the workflow task fails and is retried, loudly; nothing is lost
            self._call_off()
            for call in process.calls:
                task = asyncio.create_task(self._carry_out(call))
                running[task] = call
                task.add_done_callback(self._ended)
            process.calls.clear()
            if process.dirty and self._quick == 0:
                batch = process.batch(workflow.now(), workflow.info().get_current_history_length())
                await calls.record(batch)
                self._recorded = batch.number
                continue
            if process.state.closed_at is not None:
                break
            if self._may_continue_as_new(running):
                workflow.continue_as_new(self._start.model_copy(update={"plan": process.plan, "state": process.state}))
            self._alarm.set(process.next_wake())
            await workflow.wait_condition(self._something_to_do)
            if self._alarm.fired:
                self._alarm.fired = False
                process.take_time(workflow.now())
        self._alarm.stop()
        await workflow.wait_condition(workflow.all_handlers_finished)
        # The last record and the answers to its orders become history before the end does: a message that arrives
        # with the end makes the server refuse that workflow task, and what it held would be lost.
        await asyncio.sleep(calls.BOUNDARY_S)
        await workflow.wait_condition(workflow.all_handlers_finished)

    def _something_to_do(self) -> bool:
        written = self._process.dirty and self._quick == 0
        return self._alarm.fired or bool(self._process.calls) or written or self._fault is not None

    async def _carry_out(self, call: Call) -> None:
        """One call, by the way the case was started with; its end goes to the process."""
        request = CallProvince(case_no=self._process.case_no, leg=self._leg(call), call=call)
        if call.patient and call.verb is not Verb.REVERSE and self._process.state.closing is not None:
            outcome = calls.CALLED_OFF  # the case began to end while this was about to be asked
        elif call.patient or not self._start.local_first:
            outcome = await calls.call_province(request)
        else:
            self._quick += 1
            outcome = await calls.try_province(request)
            self._quick -= 1
            if outcome.status is OutcomeStatus.DEFERRED and call.verb is Verb.FIND:
                # effects go to the queue as patient calls; a question for a result has only this way there
                outcome = await calls.call_province(request)
        self._process.take_outcome(call, outcome, workflow.now())

    def _call_off(self) -> None:
        """What still waits for a province of a case that is ending is not sent any more; what was sent is let end.

        Only calls that have begun: a task that is cancelled before its first step would end without a word.
        """
        if self._process.state.closing is None or self._called_off:
            return
        self._called_off = True
        for task, call in self._running.items():
            if call.patient:
                task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            self._fault = task.exception()

    def _leg(self, call: Call) -> str:
        return self._process.steps[call.step].leg

    def _may_continue_as_new(self, running: dict[asyncio.Task[None], Call]) -> bool:
        return workflow.info().is_continue_as_new_suggested() and not running and workflow.all_handlers_finished()

    async def _written(self) -> None:
        """Until what has happened so far is in the database."""
        need = self._process.state.recorded + (1 if self._process.dirty else 0)
        await workflow.wait_condition(lambda: self._recorded >= need)

    # messages

    @workflow.update(name=names.ORDER_UPDATE)
    async def order(self, order: AnyOrder) -> CommandResult:
        """Somebody asks for something: a decision, a withdrawal, any verb of the law."""
        result = self._process.carry_out(order, workflow.now())
        await self._written()
        return result

    @order.validator
    def _check(self, order: AnyOrder) -> None:
        if (code := self._process.check(order)) is not None:
            raise ApplicationError(code, type=code, non_retryable=True)

    @workflow.signal(name=names.CALLBACK_SIGNAL)
    def callback(self, message: Callback) -> None:
        """A province has reported an end; what is late or foreign changes nothing."""
        self._process.take_callback(message, workflow.now())

    @workflow.signal(name=names.WINDOW_SIGNAL)
    def window_completed(self, result: WindowResult) -> None:
        """A session at the virtual window was completed: the step it stands for is decided by it."""
        self._process.take_window(result, workflow.now())

    @workflow.query(name=names.CHECK_QUERY)
    def would_refuse(self, order: AnyOrder) -> str | None:
        """The code with which this order would be refused now, or None; for a dry run."""
        return self._process.check(order)

    @workflow.signal(name=names.CALENDAR_SIGNAL)
    def calendar_published(self, calendar: WorkCalendar) -> None:
        """A holiday notice was loaded: due dates are computed again."""
        self._process.recalendar(calendar, workflow.now())
        self._start = self._start.model_copy(update={"calendar": calendar})
