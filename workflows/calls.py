"""The only place where activities are called: name, queue, time-outs and retries of each, typed.

Time-outs: a try's own limit (activities.province) lies below start-to-close, so that an activity that is cut off
has stopped sending. A patient call is tried for as long as a case may live; its pauses grow to a minute.
"""

from __future__ import annotations

from datetime import timedelta

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
from domain.process import CallOutcome, OutcomeStatus
from domain.record import RecordBatch
from domain.start import CallProvince
from domain.window import WindowBatch

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
    outcome: ExchangeOutcome = await workflow.execute_activity(
        names.INSURANCE_ACTIVITY,
        exchange,
        result_type=ExchangeOutcome,
        task_queue=names.insurance_queue(exchange.place),
        start_to_close_timeout=INSURANCE_TRY,
        retry_policy=_PATIENT,
    )
    return outcome


async def order_bill(order: BillOrder) -> ExchangeOutcome:
    """Work for the platform of e-bills, once; tried until it is done or refused."""
    outcome: ExchangeOutcome = await workflow.execute_activity(
        names.BILL_ACTIVITY,
        order,
        result_type=ExchangeOutcome,
        start_to_close_timeout=INSURANCE_TRY,
        retry_policy=_PATIENT,
    )
    return outcome


async def run_chore(chore: Chore) -> str:
    """Work of the house itself, until it is done; doing it again changes nothing."""
    found: str = await workflow.execute_activity(
        names.CHORE_ACTIVITY,
        chore,
        result_type=str,
        start_to_close_timeout=RECORD_TRY,
        retry_policy=_STUBBORN,
    )
    return found


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
    terms: Terms = await workflow.execute_activity(
        names.CLEARING_TERMS_ACTIVITY, result_type=Terms, start_to_close_timeout=SHORT_TRY, retry_policy=_STUBBORN
    )
    return terms


async def propose_clearing(order: Propose) -> Proposed:
    """Takes a month's items and makes its statements."""
    proposed: Proposed = await workflow.execute_activity(
        names.CLEARING_PROPOSE_ACTIVITY,
        order,
        result_type=Proposed,
        start_to_close_timeout=LONG_TRY,
        heartbeat_timeout=SIGN_OF_LIFE,
        retry_policy=_STUBBORN,
    )
    return proposed


async def answer_clearing(act: AnyClearingAct) -> ClearingActDone:
    """Writes what a payer answers."""
    done: ClearingActDone = await workflow.execute_activity(
        names.CLEARING_ANSWER_ACTIVITY,
        act,
        result_type=ClearingActDone,
        start_to_close_timeout=SHORT_TRY,
        retry_policy=_STUBBORN,
    )
    return done


async def clear_month(order: Cleared) -> ClearingProgress:
    """Clears a month."""
    progress: ClearingProgress = await workflow.execute_activity(
        names.CLEARING_CLEAR_ACTIVITY,
        order,
        result_type=ClearingProgress,
        start_to_close_timeout=SHORT_TRY,
        retry_policy=_STUBBORN,
    )
    return progress


async def note_overdue_payment(month: str) -> ClearingProgress:
    """Notes who has not paid in time."""
    progress: ClearingProgress = await workflow.execute_activity(
        names.CLEARING_OVERDUE_ACTIVITY,
        month,
        result_type=ClearingProgress,
        start_to_close_timeout=SHORT_TRY,
        retry_policy=_STUBBORN,
    )
    return progress


async def reconcile_book(order: ReconcileDay) -> Reconciled:
    """Compares one outside book of a day with ours."""
    done: Reconciled = await workflow.execute_activity(
        names.RECONCILE_ACTIVITY,
        order,
        result_type=Reconciled,
        start_to_close_timeout=LONG_TRY,
        heartbeat_timeout=SIGN_OF_LIFE,
        retry_policy=_STUBBORN,
    )
    return done
