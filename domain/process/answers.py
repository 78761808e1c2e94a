"""What is asked of provinces and what their answers lead to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from domain import names
from domain.case import StepStatus
from domain.effects import AnswerStatus, Verb
from domain.identifiers import parse_licence_id
from domain.messages import Actor, Role
from domain.plan import CaseStep, StepKind
from domain.process import hands, steps
from domain.process.state import KEPT_AWAY, Call, Callback, CallOutcome, OutcomeStatus, Undo
from domain.record import EvidenceState, LicenceIssued

if TYPE_CHECKING:
    from domain.process.engine import Process

LONGEST_POLL = timedelta(hours=1)
LONGEST_POLL_IN_TROUBLE = timedelta(minutes=5)  # what was ready when a province came back is not read an hour late
WRONG_PERSON = "wrong_person"  # an answer about somebody else
FOR_PEOPLE = frozenset({WRONG_PERSON, "done_twice", "foreign_address", "adapter_broke"})
"""Codes of an answer that no repetition mends: a person has to see to it at once."""
PROVINCE_FAILED = "province_failed"  # it has tried and could not; ``failed`` if it may be asked to try again
SAID_AS = {StepKind.CONSULT: Verb.CONSULT, StepKind.NOTIFY: Verb.NOTIFY}


def submit(process: Process, step: CaseStep, now: datetime) -> None:
    """Registers the compensation first, then asks for the effect: no crash can leave an effect nobody undoes."""
    state = process.state.steps[step.id]
    state.key = names.effect_key(process.case_no, step.leg, step.id, Verb.SUBMIT, state.generation)
    if step.compensate_with:
        process.state.undo.append(Undo(step=step.id, key=state.key, operation=step.compensate_with, place=step.place))
    start(process, step.id, Verb.SUBMIT, now)


def start(process: Process, step_id: str, verb: Verb, now: datetime, *, again: bool = False) -> None:
    """A call for a step; ``again``: although there is an answer."""
    state = process.state.steps[step_id]
    process.move(step_id, StepStatus.CALLING, now)
    state.calling, state.trouble = verb, ""
    process.calls.append(call(process, step_id, verb, "" if verb is Verb.OFFER else state.key, again=again))
    process.note(f"effect:{verb}:asked", now, step=step_id)


def call(process: Process, step_id: str, verb: Verb, key: str, *, patient: bool = False, again: bool = False) -> Call:
    """The call itself."""
    step = process.steps[step_id]
    return Call(
        step=step_id,
        verb=verb,
        place=step.place,
        operation=step.operation,
        key=key,
        send=step.send,
        command=process.state.steps[step_id].command,
        patient=patient,
        again=again,
        said_as=SAID_AS.get(step.kind) if verb is Verb.SUBMIT else None,
    )


def poll(process: Process, now: datetime) -> None:
    """Asks for results that are due to be asked for."""
    for step_id, state in process.state.steps.items():
        if state.status is StepStatus.PENDING and state.poll_at is not None and state.poll_at <= now:
            state.poll_at, state.calling = None, Verb.FIND
            process.calls.append(call(process, step_id, Verb.FIND, state.key))


def take_answer(process: Process, asked: Call, outcome: CallOutcome, now: datetime) -> None:
    """The end of a call that was to change something."""
    state = process.state.steps[asked.step]
    if state.status not in {StepStatus.CALLING, StepStatus.BLOCKED} or state.calling is not asked.verb:
        return  # the applicant has handed in a document meanwhile
    if outcome.code == hands.CONFIRM and process.state.closing is None:
        process.move(asked.step, StepStatus.PENDING, now)
        state.calling = None
        hands.key_in(process, asked.step, now, confirm=True)
        return
    answered = outcome.status is OutcomeStatus.ANSWERED
    senseless = outcome.answer is None or (asked.verb is Verb.OFFER and outcome.answer is AnswerStatus.PENDING)
    if (
        outcome.status is OutcomeStatus.UNUSABLE
        or (answered and senseless)
        or (not answered and (asked.patient or process.state.closing is not None))
    ):
        # once the case is ending nothing is sent again: what may have been done is undone by its key
        state.trouble = outcome.code or "unusable"
        process.note(f"effect:{asked.verb}:unusable", now, step=asked.step, data={"code": outcome.code})
        steps.ask_a_person(process, asked.step, now)
    elif answered:
        settle(process, asked.step, outcome, now)
    else:
        state.trouble = outcome.status.value
        if state.status is StepStatus.CALLING:
            process.move(asked.step, StepStatus.BLOCKED, now)
        data = {"trouble": outcome.status, "code": outcome.code}
        process.note(f"effect:{asked.verb}:blocked", now, step=asked.step, data=data)
        process.calls.append(call(process, asked.step, asked.verb, asked.key, patient=True, again=asked.again))


def take_poll(process: Process, asked: Call, outcome: CallOutcome, now: datetime) -> None:
    """The end of a question for a result."""
    state = process.state.steps[asked.step]
    if state.status is not StepStatus.PENDING or state.calling is not Verb.FIND:
        return
    state.calling = None
    if outcome.status is OutcomeStatus.ANSWERED and outcome.answer not in {None, AnswerStatus.PENDING}:
        settle(process, asked.step, outcome, now)
    elif asked.decision or (outcome.code in KEPT_AWAY and process.state.closing is None):
        # a clerk's word must not get lost, and what may not be asked beside the queue is asked through it
        state.calling = Verb.FIND
        process.calls.append(asked.model_copy(update={"patient": True}))
    elif process.state.closing is not None:
        return  # it is undone in its turn
    elif outcome.code in FOR_PEOPLE or (outcome.code == PROVINCE_FAILED and not outcome.failed):
        state.trouble, state.poll_at = outcome.code, None
        state.calling = Verb.FETCH if process.steps[asked.step].kind is StepKind.EVIDENCE else Verb.SUBMIT
        process.note("effect:find:unusable", now, step=asked.step, data={"code": outcome.code})
        hands.let_go(process, asked.step, now)
        steps.ask_a_person(process, asked.step, now)
    elif outcome.status is OutcomeStatus.NOT_FOUND or outcome.failed:
        # it said pending and has forgotten or broken down: once more under the same key
        verb = Verb.FETCH if process.steps[asked.step].kind is StepKind.EVIDENCE else Verb.SUBMIT
        process.move(asked.step, StepStatus.BLOCKED, now)
        state.trouble, state.calling = "failed" if outcome.failed else "forgotten", verb
        process.note(f"effect:find:{state.trouble}", now, step=asked.step)
        hands.let_go(process, asked.step, now)
        process.calls.append(call(process, asked.step, verb, state.key, patient=True, again=True))
    else:
        if outcome.wanting:
            hands.want(process, asked.step, now)
        state.trouble = "" if outcome.status is OutcomeStatus.ANSWERED else outcome.status.value
        if outcome.status is not OutcomeStatus.DEFERRED:  # nobody was asked: the next time comes as soon
            state.polls += 1
        longest = LONGEST_POLL if outcome.status is OutcomeStatus.ANSWERED else LONGEST_POLL_IN_TROUBLE
        pause = min(timedelta(seconds=state.poll_after_s) * 2 ** min(state.polls, 12), longest)
        state.poll_at = now + pause
        process.note("effect:find:pending", now, step=asked.step, data={"trouble": state.trouble})


def broke_down(process: Process, step_id: str, message: Callback, now: datetime) -> bool:
    """The province has tried and reports that it could not: once more under the same key, or a person."""
    state = process.state.steps[step_id]
    if state.status is not StepStatus.PENDING or process.state.closing is not None:
        return False
    state.trouble, state.poll_at, state.reasons = "failed", None, message.reasons
    state.calling = Verb.FETCH if process.steps[step_id].kind is StepKind.EVIDENCE else Verb.SUBMIT
    process.note("effect:find:failed", now, step=step_id, data={"reasons": ",".join(message.reasons)})
    hands.let_go(process, step_id, now)
    if message.retryable:
        process.move(step_id, StepStatus.BLOCKED, now)
        process.calls.append(call(process, step_id, state.calling, state.key, patient=True, again=True))
    else:
        steps.ask_a_person(process, step_id, now)
    process.advance(now)
    return True


def settle(process: Process, step_id: str, outcome: CallOutcome, now: datetime) -> None:
    """An answer that can be used, however it came."""
    state, step = process.state.steps[step_id], process.steps[step_id]
    verb = Verb.FETCH if step.kind is StepKind.EVIDENCE else Verb.SUBMIT
    if state.calling is Verb.OFFER:
        verb = Verb.OFFER
    state.trouble, state.reasons, state.poll_at, state.calling = "", outcome.reasons, None, None
    state.reference = outcome.reference or state.reference
    if outcome.answer is not AnswerStatus.PENDING:
        hands.let_go(process, step_id, now)
    by = Actor(subject="province", role=Role.SYSTEM, region=step.place.region, department=step.place.department)
    data = {"reference": outcome.reference, "reasons": ",".join(outcome.reasons), "by": outcome.code or "answer"}
    process.note(f"effect:{verb}:{outcome.answer}", now, actor=by, step=step_id, data=data)
    if verb is Verb.OFFER or (verb is Verb.FETCH and outcome.answer is AnswerStatus.REJECTED):
        state.available = outcome.answer is AnswerStatus.ACCEPTED
        process.move(step_id, StepStatus.PREVIEW, now)
        process.evidence(step_id, EvidenceState.OFFERED if state.available else EvidenceState.UNAVAILABLE)
    elif outcome.answer is AnswerStatus.ACCEPTED:
        if verb is Verb.FETCH:
            process.evidence(step_id, EvidenceState.USED)
        if step.licence_type and not _licensed(process, step, outcome, now):
            return
        steps.done(process, step_id, now)
    elif outcome.answer is AnswerStatus.PENDING:
        if state.status is not StepStatus.PENDING:
            process.move(step_id, StepStatus.PENDING, now)
        state.poll_after_s = max(1, outcome.poll_after_s)
        if process.state.closing is None and outcome.by_clerk:
            hands.key_in(process, step_id, now)
        elif process.state.closing is None:  # else it is undone in its turn, not waited for
            state.poll_at = now + timedelta(seconds=state.poll_after_s)
        if outcome.wanting:
            hands.want(process, step_id, now)
        if early := process.state.early.pop(state.key, None):
            settle(process, step_id, reported(early), now)
    else:
        state.refused = True
        process.state.undo = [undo for undo in process.state.undo if undo.key != state.key]
        steps.reject(process, step_id, now)


def _licensed(process: Process, step: CaseStep, outcome: CallOutcome, now: datetime) -> bool:
    """A licence counts only if its number is well formed, of the type asked for, and no other case's."""
    licence = parse_licence_id(outcome.licence)
    if licence is None:
        code = "licence_number_invalid"
    elif licence.type != step.licence_type:
        code = "licence_type_wrong"
    elif outcome.licence_taken:
        code = "licence_number_taken"
    else:
        process.issued(LicenceIssued(identifier=outcome.licence, step=step.id, place=step.place, at=now))
        return True
    process.state.steps[step.id].trouble = code
    process.note("effect:submit:unusable", now, step=step.id, data={"code": code})
    steps.ask_a_person(process, step.id, now)
    return False


def retry(process: Process, step_id: str, now: datetime) -> None:
    """A person has said: once more."""
    state, step = process.state.steps[step_id], process.steps[step_id]
    verb = state.calling or Verb.SUBMIT
    if state.refused:  # only a new key can be answered otherwise
        state.generation += 1
        state.refused, state.reasons = False, ()
        submit(process, step, now)
    else:
        start(process, step_id, verb, now, again=True)


def reported(message: Callback) -> CallOutcome:
    """A callback as the end of a call."""
    return CallOutcome(
        status=OutcomeStatus.ANSWERED,
        answer=message.answer,
        code="callback",
        reference=message.reference,
        reasons=message.reasons,
        licence=message.licence,
        licence_taken=message.licence_taken,
        wanting=message.wanting,
    )
