"""The only place where activities are called: name, queue, time-outs and retries of each, typed.

Time-outs: a try's own limit (activities.province) lies below start-to-close, so that an activity that is cut off
has stopped sending. A patient call is tried for as long as a case may live; its pauses grow to a minute.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from domain import names
from domain.clearing import (
    AnyClearingAct,
    Cleared,
    ClearingActDone,
    ClearingProgress,
    Propose,
    Proposed,
    Reconciled,
    ReconcileDay,
    Terms,
)
from domain.medical import BillOrder, Chore, Exchange, ExchangeOutcome, MatterBatch
from domain.messages import Message
from domain.process import CallOutcome, OutcomeStatus
from domain.record import RecordBatch
from domain.start import CallProvince
from domain.window import WindowBatch

Result = TypeVar("Result")

FIRST_TRY = timedelta(seconds=3)
QUEUED_TRY = timedelta(seconds=15)
LONGEST_QUEUE = timedelta(seconds=30)
LONGEST_PATIENCE = timedelta(days=120)
BOUNDARY_S = 0.001  # ends the workflow task; the shortest timer there is
RECORD_TRY = timedelta(seconds=8)
INSURANCE_TRY = timedelta(seconds=60)
CALLED_OFF = CallOutcome(status=OutcomeStatus.UNUSABLE, code="gave_up")

_ONCE = RetryPolicy(maximum_attempts=1)
_PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=1)
)
_STUBBORN = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=10)
)


async def record(batch: RecordBatch) -> None:
    """Writes a batch; tried until the database has it, for without the record nothing may go on."""
    await workflow.execute_local_activity(
        names.RECORD_ACTIVITY, batch, start_to_close_timeout=RECORD_TRY, retry_policy=_STUBBORN
    )


async def record_window(batch: WindowBatch) -> None:
    """Writes what has happened in a session; tried until the database has it."""
    await workflow.execute_local_activity(
        names.RECORD_WINDOW_ACTIVITY, batch, start_to_close_timeout=RECORD_TRY, retry_policy=_STUBBORN
    )


async def record_matter(batch: MatterBatch) -> None:
    """Writes what has happened in a medical matter. Not a local activity: what is written stands in the history first,
    so that the same number never says two things.
    """
    await workflow.execute_activity(
        names.RECORD_MATTER_ACTIVITY, batch, start_to_close_timeout=RECORD_TRY, retry_policy=_STUBBORN
    )


async def insurance_exchange(exchange: Exchange) -> ExchangeOutcome:
    """A message of the national interface, once; ends only when it is known how it ended."""
    return await _done(
        names.INSURANCE_ACTIVITY,
        exchange,
        ExchangeOutcome,
        INSURANCE_TRY,
        retries=_PATIENT,
        queue=names.insurance_queue(exchange.place),
    )


async def order_bill(order: BillOrder) -> ExchangeOutcome:
    """Work for the platform of e-bills, once; tried until it is done or refused."""
    return await _done(names.BILL_ACTIVITY, order, ExchangeOutcome, INSURANCE_TRY, retries=_PATIENT)


async def run_chore(chore: Chore) -> str:
    """Work of the house itself, until it is done; doing it again changes nothing."""
    return await _done(names.CHORE_ACTIVITY, chore, str, RECORD_TRY)


async def try_province(request: CallProvince) -> CallOutcome:
    """One quick try beside the workflow. Cut off means unknown."""
    try:
        outcome: CallOutcome = await workflow.execute_local_activity(
            names.PROVINCE_ATTEMPT_ACTIVITY,
            request,
            result_type=CallOutcome,
            start_to_close_timeout=FIRST_TRY,
            schedule_to_close_timeout=FIRST_TRY,
            retry_policy=_ONCE,
        )
        return outcome
    except FailureError:  # a local activity's failure is not always wrapped in ActivityError
        return CallOutcome(status=OutcomeStatus.UNKNOWN, code="cut_off")


async def call_province(request: CallProvince) -> CallOutcome:
    """Through the province's own queue, where its slots, rate and brake apply.

    The first try ends after one attempt, so that trouble can be told; a patient call goes on until it is answered.
    """
    patient = request.call.patient
    try:
        outcome: CallOutcome = await workflow.execute_activity(
            names.PROVINCE_ACTIVITY,
            request,
            result_type=CallOutcome,
            task_queue=names.province_queue(request.call.place.region),
            start_to_close_timeout=QUEUED_TRY,
            schedule_to_close_timeout=LONGEST_PATIENCE if patient else None,
            schedule_to_start_timeout=None if patient else LONGEST_QUEUE,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            retry_policy=_PATIENT if patient else _ONCE,
        )
        return outcome
    except FailureError:  # a local activity's failure is not always wrapped in ActivityError
        if patient:  # called off, or the longest patience is over
            return CALLED_OFF
        return CallOutcome(status=OutcomeStatus.UNKNOWN, code="cut_off")


# Clearing and reconciliation move many rows in one call: long, with a heartbeat, tried until they are done.
LONG_TRY = timedelta(minutes=30)
SHORT_TRY = timedelta(seconds=30)
SIGN_OF_LIFE = timedelta(minutes=2)


async def clearing_terms() -> Terms:
    """Profile and calendar in force."""
    return await _done(names.CLEARING_TERMS_ACTIVITY, None, Terms, SHORT_TRY)


async def propose_clearing(order: Propose) -> Proposed:
    """Takes a month's items and makes its statements."""
    return await _done(names.CLEARING_PROPOSE_ACTIVITY, order, Proposed, LONG_TRY, alive=SIGN_OF_LIFE)


async def answer_clearing(act: AnyClearingAct) -> ClearingActDone:
    """Writes what a payer answers."""
    return await _done(names.CLEARING_ANSWER_ACTIVITY, act, ClearingActDone, SHORT_TRY)


async def clear_month(order: Cleared) -> ClearingProgress:
    """Clears a month."""
    return await _done(names.CLEARING_CLEAR_ACTIVITY, order, ClearingProgress, SHORT_TRY)


async def note_overdue_payment(month: str) -> ClearingProgress:
    """Notes who has not paid in time."""
    return await _done(names.CLEARING_OVERDUE_ACTIVITY, month, ClearingProgress, SHORT_TRY)


async def reconcile_book(order: ReconcileDay) -> Reconciled:
    """Compares one outside book of a day with ours."""
    return await _done(names.RECONCILE_ACTIVITY, order, Reconciled, LONG_TRY, alive=SIGN_OF_LIFE)


async def _done(
    activity: str,
    order: Message | str | None,
    result: type[Result],
    limit: timedelta,
    *,
    retries: RetryPolicy = _STUBBORN,
    queue: str | None = None,
    alive: timedelta | None = None,
) -> Result:
    """An activity until it is done. ``order``: None for one that takes none. ``limit``: of one try. ``alive``: a try
    that gives no sign of life for so long is given up.
    """
    found: Result = await workflow.execute_activity(
        activity,
        args=[] if order is None else [order],
        result_type=result,
        task_queue=queue,
        start_to_close_timeout=limit,
        heartbeat_timeout=alive,
        retry_policy=retries,
    )
    return found
