"""The only way from the API to Temporal: start a case, send it a message. Also what the relay uses.

``Down`` means nothing is known to have happened: the caller may try again with the same ids, which are idempotent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain import names
from domain.calendar import WorkCalendar
from domain.clearing import AnyClearingAct, ClearingActDone, ClearingProfile, ClearingStart, MonthlyStart, ReconcileDay
from domain.errors import ERRORS, Refusal
from domain.medical import Act, MatterDone, MatterKind
from domain.messages import Message
from domain.process import AnyOrder, Callback, CommandResult
from domain.start import StartCase
from domain.window import AnyAct, WindowDone, WindowStart

PATIENCE = timedelta(seconds=8)
Sent = AnyOrder | AnyAct | Act | AnyClearingAct
M = TypeVar("M", bound=Message)


class Down(Exception):
    """Temporal, or every worker, cannot be reached now."""


Unexpected = WorkflowUpdateFailedError  # the order was neither carried out nor refused by a rule


class NotRunning(Exception):
    """There is no running workflow of that case."""


UNREACHABLE = (RPCError, RuntimeError, TimeoutError)


def _unreached(workflow_id: str, error: Exception) -> Down | NotRunning:
    """What it means that a workflow could not be reached."""
    if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
        return NotRunning(workflow_id)
    return Down(str(error) or "no worker has answered in time")


_CLOSED: dict[type[Message], str] = {
    WindowDone: "window_closed",
    MatterDone: "matter_closed",
    ClearingActDone: "clearing_not_answerable",
}


class Gateway:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, case: StartCase) -> None:
        """Starts the case's workflow; that it runs already is success."""
        await self._start(names.CASE_WORKFLOW, case, case.case_no)

    async def _start(self, workflow: str, start: Message, id_: str) -> None:
        try:
            await self._client.start_workflow(
                workflow,
                start,
                id=id_,
                task_queue=names.CORE_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                rpc_timeout=PATIENCE,
            )
        except WorkflowAlreadyStartedError:
            return
        except UNREACHABLE as error:
            raise Down(str(error)) from error

    async def order(self, case_no: str, command: AnyOrder) -> CommandResult:
        """Sends an order and waits until it is carried out and recorded. Refusal if the case does not allow it."""
        return await self._update(case_no, names.ORDER_UPDATE, command, CommandResult)

    async def _update(self, workflow_id: str, update: str, sent: Sent, kind: type[M]) -> M:
        try:
            result: M = await self._client.get_workflow_handle(workflow_id).execute_update(
                update, sent, id=sent.id, result_type=kind, rpc_timeout=PATIENCE
            )
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type in ERRORS:
                raise Refusal(cause.type) from error
            if isinstance(cause, ApplicationError) and cause.type == "AcceptedUpdateCompletedWorkflow":
                raise Refusal(_CLOSED.get(kind, "case_closed")) from error
            raise
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise Down("no worker has answered in time") from error
        except UNREACHABLE as error:
            raise _unreached(workflow_id, error) from error
        return result

    async def would_refuse(self, case_no: str, order: AnyOrder) -> str | None:
        """The code with which the case would refuse this order now, or None; nothing is done."""
        try:
            code: str | None = await self._client.get_workflow_handle(case_no).query(
                names.CHECK_QUERY, order, result_type=str, rpc_timeout=PATIENCE
            )
        except UNREACHABLE as error:
            raise _unreached(case_no, error) from error
        return code

    async def start_window(self, start: WindowStart) -> None:
        """Starts the workflow of a session; that it runs already is success."""
        await self._start(names.WINDOW_WORKFLOW, start, names.window_workflow(start.id))

    async def act(self, window_id: str, act: AnyAct) -> WindowDone:
        """Has something done in a session. Refusal if the session does not allow it."""
        done: WindowDone = await self._update(names.window_workflow(window_id), names.WINDOW_UPDATE, act, WindowDone)
        return done

    async def start_matter(self, no: str, kind: MatterKind, start: Message) -> None:
        """Starts the workflow of a medical matter; that it runs already is success."""
        await self._start(names.MATTER_WORKFLOW[kind], start, no)

    async def act_in_matter(self, no: str, act: Act) -> MatterDone:
        """Has something done in a medical matter. Refusal if it does not allow it; ``pending``: its end is to come."""
        return await self._update(no, names.MATTER_UPDATE, act, MatterDone)

    async def start_clearing(self, start: ClearingStart) -> None:
        """Starts the clearing of a month; that it runs or is over already is success."""
        await self._start(names.CLEARING_WORKFLOW, start, names.clearing_workflow(start.month))

    async def answer_clearing(self, act: AnyClearingAct) -> ClearingActDone:
        """Has a payer's answer written. Refusal if the month does not take it; NotRunning if none of it runs."""
        return await self._update(names.clearing_workflow(act.month), names.CLEARING_UPDATE, act, ClearingActDone)

    async def keep_schedules(self, profile: ClearingProfile) -> None:
        """The two schedules are as the profile says: clearing once a month, reconciliation every day. Idempotent."""
        monthly = ScheduleCalendarSpec(
            day_of_month=[ScheduleRange(profile.propose.day)], hour=[ScheduleRange(0)], minute=[ScheduleRange(10)]
        )
        daily = ScheduleCalendarSpec(hour=[ScheduleRange(profile.daily_hour)])
        await self._keep_schedule(
            names.CLEARING_SCHEDULE, names.CLEARING_MONTHLY_WORKFLOW, MonthlyStart(), "clearing-monthly", monthly
        )
        await self._keep_schedule(
            names.RECONCILIATION_SCHEDULE, names.RECONCILIATION_WORKFLOW, ReconcileDay(), "reconciliation", daily
        )

    async def _keep_schedule(
        self, id_: str, workflow: str, start: Message, workflow_id: str, when: ScheduleCalendarSpec
    ) -> None:
        wanted = Schedule(
            action=ScheduleActionStartWorkflow(workflow, start, id=workflow_id, task_queue=names.CORE_QUEUE),
            spec=ScheduleSpec(calendars=[when], time_zone_name="Asia/Shanghai"),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE),
        )
        try:
            try:
                await self._client.create_schedule(id_, wanted, rpc_timeout=PATIENCE)
            except ScheduleAlreadyRunningError:
                # what an operator has paused stays so: only when and what is set anew
                await self._client.get_schedule_handle(id_).update(
                    lambda now: ScheduleUpdate(
                        replace(now.description.schedule, action=wanted.action, spec=wanted.spec)
                    ),
                    rpc_timeout=PATIENCE,
                )
        except UNREACHABLE as error:
            raise Down(str(error)) from error

    async def callback(self, case_no: str, message: Callback) -> None:
        """Passes a province's report on. NotRunning if the case has ended."""
        await self._signal(case_no, names.CALLBACK_SIGNAL, message)

    async def calendar(self, case_no: str, calendar: WorkCalendar) -> None:
        """Has a case compute its dates again with the calendar now in force. NotRunning if no workflow of it runs."""
        await self._signal(case_no, names.CALENDAR_SIGNAL, calendar)

    async def _signal(self, case_no: str, signal: str, message: Message) -> None:
        try:
            await self._client.get_workflow_handle(case_no).signal(signal, message, rpc_timeout=PATIENCE)
        except UNREACHABLE as error:
            raise _unreached(case_no, error) from error

    async def ping(self) -> None:
        """Raises Down when Temporal does not answer."""
        try:
            healthy = await self._client.service_client.check_health(timeout=timedelta(seconds=2))
        except UNREACHABLE as error:
            raise Down(str(error)) from error
        if not healthy:
            raise Down("not serving")

    async def limit_queue(self, region: str, per_s: float | None) -> None:
        """How many calls a second a province's queue lets through: 0 holds all, None lets all through."""
        from temporalio.api.enums.v1 import TaskQueueType
        from temporalio.api.taskqueue.v1 import RateLimit
        from temporalio.api.workflowservice.v1 import UpdateTaskQueueConfigRequest

        limit = RateLimit(requests_per_second=per_s) if per_s is not None else None
        request = UpdateTaskQueueConfigRequest(
            namespace=self._client.namespace,
            identity="tongban",
            task_queue=names.province_queue(region),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            update_queue_rate_limit=UpdateTaskQueueConfigRequest.RateLimitUpdate(rate_limit=limit, reason="brake"),
        )
        try:
            await self._client.workflow_service.update_task_queue_config(request, timeout=timedelta(seconds=2))
        except UNREACHABLE as error:
            raise Down(str(error)) from error

    async def has_worker(self) -> bool:
        """Whether anybody polls the core queue."""
        from temporalio.api.enums.v1 import TaskQueueType
        from temporalio.api.taskqueue.v1 import TaskQueue
        from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=names.CORE_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        try:
            answer = await self._client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=2))
        except UNREACHABLE as error:
            raise Down(str(error)) from error
        return len(answer.pollers) > 0
