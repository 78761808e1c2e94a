"""Ending a case early: nothing new is opened, calls under way are let to end, effects are undone last-in first-out.

Compensation is data (``ProcessState.undo``), registered before its effect is sent. A compensation that a province
refuses becomes a task for a person; it is never dropped.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from domain import names
from domain.case import CASE_TRANSITIONS, SETTLED, CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.messages import Actor, Role
from domain.plan import StepKind
from domain.process import hands, steps
from domain.process.state import (
    KEPT_AWAY,
    Call,
    CallOutcome,
    Closing,
    OutcomeStatus,
    SupplementStatus,
    Undo,
    UndoStatus,
)
from domain.record import EvidenceState, TaskKind, TaskState

if TYPE_CHECKING:
    from domain.process.engine import Process

_UNDER_WAY = {StepStatus.CALLING, StepStatus.BLOCKED}
_NOT_BEGUN = {StepStatus.WAITING, StepStatus.TASK, StepStatus.PUBLICITY, StepStatus.PREVIEW}
_HELD = {UndoStatus.RUNNING, UndoStatus.PENDING, UndoStatus.RESOLVE}


def begin(process: Process, target: CaseStatus, reason: str, now: datetime) -> None:
    """From here on the case can only end in ``target``."""
    if process.state.closing is not None:
        return
    if target not in CASE_TRANSITIONS[process.state.status]:
        target = CaseStatus.TERMINATED  # it was granted: it cannot end as refused any more
    process.state.closing = Closing(target=target, reason=reason, since=now)
    process.state.reason = reason
    for task_id, task in list(process.state.tasks.items()):
        if not task.undo:
            process.close_task(task_id, TaskState.CANCELLED, now)
    for supplement_id, supplement in process.state.supplements.items():
        if supplement.status is SupplementStatus.OPEN:
            supplement.status = SupplementStatus.CANCELLED
            process.note("supplement:cancelled", now, step=supplement.step, data={"supplement": supplement_id})
    for step_id, state in process.state.steps.items():
        offered = state.status in _UNDER_WAY and state.calling is Verb.OFFER  # looking changes nothing at the register
        if state.status in _NOT_BEGUN or offered:
            _cancel(process, step_id, now)
        elif state.status is StepStatus.PENDING:
            state.poll_at = None  # it is undone in its turn, not waited for


def advance(process: Process, now: datetime) -> None:
    """Undoes the next effect, or ends the case when none is left."""
    closing = process.state.closing
    if closing is None:
        raise RuntimeError("not closing")
    busy = [s for s in process.state.steps.values() if s.status in _UNDER_WAY]
    open_undo = [u for u in process.state.undo if u.status is not UndoStatus.DONE]
    if (busy or open_undo) and process.state.status is not CaseStatus.REVERSING:
        process.set_status(CaseStatus.REVERSING, now)
    if busy:
        return
    for step_id, state in process.state.steps.items():
        # a result nobody waits for any more and that nothing has to undo
        undoable = any(u.step == step_id for u in open_undo)
        if state.status in {*_NOT_BEGUN, StepStatus.PENDING, StepStatus.RESOLVE} and not undoable:
            _cancel(process, step_id, now)
    _undo_last(process, open_undo, now)
    if all(u.status is UndoStatus.DONE for u in process.state.undo):
        process.close(closing.target, now)


def undo_failed_legs(process: Process, now: datetime) -> bool:
    """What a failed leg has done is undone while the others go on. True as long as something is left to undo."""
    failed = steps.failed_legs(process)
    if not failed:
        return False
    done_with = SETTLED | {StepStatus.REVERSING}
    for name, state in process.state.steps.items():
        if process.steps[name].leg in failed and state.status not in done_with and not state.failed:
            return True  # let it end first
    left = [u for u in process.state.undo if u.status is not UndoStatus.DONE and process.steps[u.step].leg in failed]
    _undo_last(process, left, now)
    return any(u.status is not UndoStatus.DONE for u in left)


def _undo_last(process: Process, left: list[Undo], now: datetime) -> None:
    """Sends the youngest, one at a time; a fee that is not given back is passed over."""
    while left and not any(u.status in _HELD for u in left):
        undo = left.pop()
        if _kept(process, undo):
            undo.status = UndoStatus.DONE
            process.note("fee:kept", now, step=undo.step)
        else:
            _send(process, undo, now)
            return


def _kept(process: Process, undo: Undo) -> bool:
    """A fee that was paid is given back only where the definition says so; an unpaid order is always cancelled."""
    step, state = process.steps[undo.step], process.state.steps[undo.step]
    if step.kind is not StepKind.FEE or state.status is not StepStatus.DONE:
        return False
    closing = process.state.closing
    target = closing.target if closing else CaseStatus.TERMINATED
    return target not in {CaseStatus(ending.value) for ending in step.refund_on}


def take_outcome(process: Process, asked: Call, outcome: CallOutcome, now: datetime) -> None:
    """A reversal has been answered, or could not be."""
    undo = next(u for u in process.state.undo if u.undo_key == asked.key)
    state = process.state.steps[undo.step]
    if asked.verb is Verb.FIND:
        if undo.status is not UndoStatus.PENDING:
            return
        if outcome.status is OutcomeStatus.NOT_FOUND:
            _send(process, undo, now, again=True)
        elif outcome.status is OutcomeStatus.ANSWERED and outcome.answer is not None:
            settle(process, undo, outcome, now)
        elif asked.decision or outcome.code in KEPT_AWAY:
            # a clerk's word must not get lost, and what may not be asked beside the queue is asked through it
            process.calls.append(asked.model_copy(update={"patient": True}))
        else:
            state.trouble = outcome.status.value
            state.poll_at = now + timedelta(seconds=state.poll_after_s)
            # a line in the trail also wakes whoever drives the case: without one the next question would not be set
            process.note("effect:find:pending", now, step=asked.step, data={"trouble": state.trouble})
        return
    if outcome.status is OutcomeStatus.ANSWERED and outcome.answer is not None:
        settle(process, undo, outcome, now)
    elif outcome.status in {OutcomeStatus.UNUSABLE, OutcomeStatus.ANSWERED} or asked.patient:
        _ask_a_person(process, undo, outcome.code, now)
    else:
        state.trouble = outcome.status.value
        process.note(
            "effect:reverse:blocked", now, step=undo.step, data={"trouble": outcome.status, "code": outcome.code}
        )
        process.calls.append(call(undo, patient=True, again=asked.again))


def settle(process: Process, undo: Undo, outcome: CallOutcome, now: datetime) -> None:
    """A usable answer to a reversal."""
    state = process.state.steps[undo.step]
    by = Actor(subject="province", role=Role.SYSTEM, region=undo.place.region, department=undo.place.department)
    data = {"reference": outcome.reference, "reasons": ",".join(outcome.reasons)}
    process.note(f"effect:reverse:{outcome.answer}", now, actor=by, step=undo.step, data=data)
    if outcome.answer is AnswerStatus.ACCEPTED:
        _undone(process, undo, now)
    elif outcome.answer is AnswerStatus.PENDING:
        undo.status = UndoStatus.PENDING
        if outcome.by_clerk:
            hands.key_in_reversal(process, undo.step, now)
            return
        state.poll_after_s = max(1, outcome.poll_after_s)
        state.poll_at = now + timedelta(seconds=state.poll_after_s)
    else:
        _ask_a_person(process, undo, "rejected", now)


def poll(process: Process, now: datetime) -> None:
    """Asks for reversals that a province has taken in without ending them."""
    for undo in process.state.undo:
        state = process.state.steps[undo.step]
        if undo.status is UndoStatus.PENDING and state.poll_at is not None and state.poll_at <= now:
            state.poll_at = None
            process.calls.append(call(undo, verb=Verb.FIND))


def resolve(process: Process, step_id: str, outcome: str, now: datetime) -> None:
    """A person has said what becomes of a reversal that failed."""
    undo = next(u for u in process.state.undo if u.step == step_id and u.status is UndoStatus.RESOLVE)
    if outcome == "settled_by_hand":
        process.note("effect:reverse:settled_by_hand", now, step=step_id)
        _undone(process, undo, now)
    else:
        if process.state.steps[step_id].trouble == "rejected":
            undo.generation += 1  # a definite no under the old key: only a new key can be answered otherwise
        undo.status = UndoStatus.OPEN


def _send(process: Process, undo: Undo, now: datetime, *, again: bool = False) -> None:
    state = process.state.steps[undo.step]
    if state.status is not StepStatus.REVERSING:
        process.move(undo.step, StepStatus.REVERSING, now)
    leg = process.steps[undo.step].leg
    undo.undo_key = names.effect_key(process.case_no, leg, undo.step, f"{Verb.REVERSE}:{undo.key}", undo.generation)
    undo.status, state.trouble, state.poll_at = UndoStatus.RUNNING, "", None
    process.calls.append(call(undo, again=again))
    process.note("effect:reverse:asked", now, step=undo.step)


def call(undo: Undo, *, verb: Verb = Verb.REVERSE, patient: bool = False, again: bool = False) -> Call:
    """What is asked of the province that did it."""
    return Call(
        step=undo.step,
        verb=verb,
        place=undo.place,
        operation=undo.operation,
        key=undo.undo_key,
        original=undo.key,
        patient=patient,
        again=again,
    )


def _undone(process: Process, undo: Undo, now: datetime) -> None:
    undo.status = UndoStatus.DONE
    state = process.state.steps[undo.step]
    state.trouble, state.poll_at = "", None
    if not any(u.step == undo.step and u.status is not UndoStatus.DONE for u in process.state.undo):
        process.move(undo.step, StepStatus.REVERSED, now)


def _ask_a_person(process: Process, undo: Undo, code: str, now: datetime) -> None:
    undo.status = UndoStatus.RESOLVE
    state = process.state.steps[undo.step]
    state.trouble, state.poll_at = code, None
    process.note("effect:reverse:failed", now, step=undo.step, data={"code": code})
    process.open_task(undo.step, TaskKind.RESOLVE, undo.place, ("retry", "settled_by_hand"), now, undo=True)


def _cancel(process: Process, step_id: str, now: datetime) -> None:
    state = process.state.steps[step_id]
    asked = state.status is not StepStatus.WAITING
    process.move(step_id, StepStatus.CANCELLED, now)
    state.poll_at, state.calling = None, None
    if process.steps[step_id].kind is StepKind.EVIDENCE and asked:
        process.evidence(step_id, EvidenceState.CANCELLED)
