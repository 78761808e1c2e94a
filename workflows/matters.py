"""What every workflow of a medical matter does alike: send, wait, record. The rules are the course's (domain.medical).

    loop:  start the messages the course wants  ->  record what happened  ->  wait for an act, an answer or a limit

A workflow holds a ``Driver`` and hands it its acts; an act is answered when what it changed is on record, and, if it
has sent a message outward, when that has ended or after a short while, whichever comes first.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from datetime import timedelta
from typing import Generic, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from domain import names
    from domain.medical import Act, Chore, Course, Errand, Exchange, MatterDone, Tell
    from workflows import calls
    from workflows.alarm import Alarm

SOON = timedelta(seconds=5)
TELLS = 12  # a matter that is to be told may not have been started yet; one that has ended need not be told
BETWEEN_TELLS_S = 30
A = TypeVar("A", bound=Act)


class Driver(Generic[A]):
    """Drives one course to its end."""

    def __init__(self, course: Course[A]) -> None:
        self.course = course
        self._recorded = course.recorded
        self._alarm = Alarm()
        self._running: set[asyncio.Task[None]] = set()
        self._fault: BaseException | None = None

    async def drive(self) -> None:
        """Until the matter is closed and everything is written down."""
        course = self.course
        while True:
            if self._fault is not None:
                raise self._fault  # a bug: the workflow task fails and is retried, loudly; nothing is lost
            self._begin()
            if course.dirty:
                batch = course.batch(workflow.now())
                await calls.record_matter(batch)
                self._recorded = batch.number
                continue
            if course.closed_at is not None and not self._running:
                break
            self._alarm.set(course.next_wake())
            await workflow.wait_condition(self._something_to_do)
            if self._alarm.fired:
                self._alarm.fired = False
                course.take_time(workflow.now())
        self._alarm.stop()
        await workflow.wait_condition(workflow.all_handlers_finished)
        await asyncio.sleep(calls.BOUNDARY_S)  # as for a case: the last answers become history before the end does
        await workflow.wait_condition(workflow.all_handlers_finished)

    def _something_to_do(self) -> bool:
        course = self.course
        over = course.closed_at is not None and not self._running
        return self._alarm.fired or course.dirty or self._wanted() or self._fault is not None or over

    def _wanted(self) -> bool:
        return bool(self.course.errands or self.course.tells or self.course.chores)

    def _begin(self) -> None:
        """Starts what the course wants to be done outside."""
        course = self.course
        work: list[Coroutine[None, None, None]] = [self._send(errand) for errand in course.errands]
        work += [self._tell(tell) for tell in course.tells]
        work += [self._run(chore) for chore in course.chores]
        for doing in work:
            task = asyncio.create_task(doing)
            self._running.add(task)
            task.add_done_callback(self._ended)
        course.errands.clear()
        course.tells.clear()
        course.chores.clear()

    async def _tell(self, tell: Tell) -> None:
        for _ in range(TELLS):
            try:
                await workflow.get_external_workflow_handle(tell.no).signal(names.MATTER_SIGNAL, json.loads(tell.act))
                return
            except FailureError:
                await asyncio.sleep(BETWEEN_TELLS_S)
        workflow.logger.info("%s does not run and was not told", tell.no)

    async def _run(self, chore: Chore) -> None:
        self.course.take_chore(chore, await calls.run_chore(chore), workflow.now())

    async def _send(self, errand: Errand) -> None:
        if isinstance(errand, Exchange):
            outcome = await calls.insurance_exchange(errand)
        else:
            outcome = await calls.order_bill(errand)
        self.course.take_outcome(errand, outcome, workflow.now())

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._fault = task.exception()

    async def act(self, act: A) -> MatterDone:
        """Carries a checked act out. ``pending`` if a message it has sent has not ended yet."""
        done = self.course.carry_out(act, workflow.now())
        need = self.course.recorded + (1 if self.course.dirty else 0)
        await workflow.wait_condition(lambda: self._recorded >= need)
        if not done.pending:
            return done
        try:
            await workflow.wait_condition(self._quiet, timeout=SOON)
        except TimeoutError:
            return done
        return MatterDone(status=self.course.status, at=workflow.now())

    def told(self, act: A) -> None:
        """Another matter says something; the loop writes down what came of it."""
        self.course.told(act, workflow.now())

    def _quiet(self) -> bool:
        course = self.course
        return not self._running and not course.errands and not course.dirty and self._recorded >= course.recorded

    def check(self, act: A) -> None:
        """For the validator of an update: the refusal of an act that is not allowed now."""
        if (code := self.course.check(act)) is not None:
            raise ApplicationError(code, type=code, non_retryable=True)
