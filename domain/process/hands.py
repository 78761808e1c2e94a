"""What people do for a back office: key a request in where there is no interface, confirm what nobody knows, hand in
what a province wants.

A clerk writes down the number that came back; the number stays in the database with the decision, and the effect's own
activity makes the receipt of it. Until then the step waits for the clerk as it would wait for a province.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from domain import names
from domain.case import StepStatus
from domain.effects import AnswerStatus, Verb
from domain.process import answers, closing, steps
from domain.process.orders import DecideCommand
from domain.process.state import Call, CallOutcome, OpenTask, OutcomeStatus, UndoStatus
from domain.record import TaskKind, TaskState

if TYPE_CHECKING:
    from domain.process.engine import Process

ENTERED, REFUSED, NOT_DONE, NOTHING_TO_UNDO = "entered", "refused", "not_done", "nothing_to_undo"
HAND_IN, TERMINATE = "hand_in", "terminate"
CONFIRM = "confirm_by_clerk"  # the code with which an activity says that only a person can find out


def key_in(process: Process, step_id: str, now: datetime, *, confirm: bool = False) -> None:
    """A clerk keys the step's request in; ``confirm``: finds out whether it was done, and keys it in if not."""
    outcomes = (ENTERED, REFUSED, NOT_DONE) if confirm else (ENTERED, REFUSED)
    state = process.state.steps[step_id]
    if not process.has_task(state.task):
        place = process.steps[step_id].place
        state.task = process.open_task(step_id, TaskKind.REKEY, place, outcomes, now)
        process.note("effect:submit:by_hand", now, step=step_id, data={"confirm": str(confirm).lower()})


def key_in_reversal(process: Process, undo_step: str, now: datetime) -> None:
    """A clerk undoes by hand what a clerk, or nobody knows who, has done."""
    undo = next(u for u in process.state.undo if u.step == undo_step and u.status is UndoStatus.PENDING)
    if not any(task.undo and task.step == undo_step for task in process.state.tasks.values()):
        outcomes = (ENTERED, NOTHING_TO_UNDO)
        process.open_task(undo_step, TaskKind.REKEY, undo.place, outcomes, now, undo=True)
        process.note("effect:reverse:by_hand", now, step=undo_step)


def keyed_in(process: Process, task: OpenTask, command: DecideCommand, now: datetime) -> None:
    """The clerk has decided: the effect's activity reads the decision and makes the receipt of it."""
    if task.undo:
        undo = next(u for u in process.state.undo if u.step == task.step and u.status is UndoStatus.PENDING)
        process.calls.append(closing.call(undo, verb=Verb.FIND).model_copy(update={"decision": command.id}))
        return
    state = process.state.steps[task.step]
    if command.outcome == NOT_DONE:
        process.move(task.step, StepStatus.BLOCKED, now)
        state.calling = Verb.SUBMIT
        asked = answers.call(process, task.step, Verb.SUBMIT, state.key, patient=True, again=True)
    else:
        state.calling = Verb.FIND
        asked = answers.call(process, task.step, Verb.FIND, state.key)
    process.calls.append(asked.model_copy(update={"decision": command.id}))


def want(process: Process, step_id: str, now: datetime) -> None:
    """The province wants something handed in: whoever handles the step sees to it."""
    state = process.state.steps[step_id]
    if state.supplying or process.has_task(state.task) or process.state.closing is not None:
        return
    place = process.steps[step_id].place
    state.task = process.open_task(step_id, TaskKind.SUPPLY, place, (HAND_IN, TERMINATE), now)
    process.note("effect:submit:wanting", now, step=step_id)


def supplied(process: Process, task: OpenTask, command: DecideCommand, now: datetime) -> None:
    """The form, as it stands now, is handed in once more; or the step is given up."""
    state, step = process.state.steps[task.step], process.steps[task.step]
    if command.outcome == TERMINATE:
        process.move(task.step, StepStatus.RESOLVE, now)
        state.poll_at, state.calling = None, None
        steps.give_up(process, task.step, now)
        return
    state.supplies += 1
    state.supplying = True
    what = f"{Verb.SUPPLEMENT}:{state.key}"
    key = names.effect_key(process.case_no, step.leg, task.step, what, state.supplies)
    process.calls.append(
        Call(
            step=task.step,
            verb=Verb.SUPPLEMENT,
            place=step.place,
            operation=step.operation,
            key=key,
            original=state.key,
            send=step.send,
        )
    )
    process.note("effect:supplement:asked", now, step=task.step)


def take_supplement(process: Process, asked: Call, outcome: CallOutcome, now: datetime) -> None:
    """The end of a handing-in. What the province makes of it is told as the result of the submission itself."""
    state = process.state.steps[asked.step]
    if state.status is not StepStatus.PENDING or not state.supplying or asked.original != state.key:
        return
    answered = outcome.status is OutcomeStatus.ANSWERED
    if answered and outcome.answer in {AnswerStatus.ACCEPTED, AnswerStatus.PENDING}:
        state.supplying = False
        process.note(f"effect:supplement:{outcome.answer}", now, step=asked.step)
        _ask_soon(process, asked.step, now)
    elif answered or outcome.status is OutcomeStatus.UNUSABLE:
        state.supplying = False
        data = {"code": outcome.code, "reasons": ",".join(outcome.reasons)}
        process.note("effect:supplement:unusable", now, step=asked.step, data=data)
        want(process, asked.step, now)
    elif process.state.closing is None:
        process.note("effect:supplement:blocked", now, step=asked.step, data={"trouble": outcome.status})
        process.calls.append(asked.model_copy(update={"patient": True}))


def let_go(process: Process, step_id: str, now: datetime) -> None:
    """The step has come to an end by itself: nobody need key in, confirm or hand in any more."""
    state = process.state.steps[step_id]
    state.supplying = False
    task = process.state.tasks.get(state.task)
    if task is not None and task.kind in {TaskKind.REKEY, TaskKind.SUPPLY}:
        process.close_task(state.task, TaskState.CANCELLED, now)


def _ask_soon(process: Process, step_id: str, now: datetime) -> None:
    state = process.state.steps[step_id]
    state.polls, state.calling = 0, None
    if process.state.closing is None:
        state.poll_at = now + timedelta(seconds=state.poll_after_s)
