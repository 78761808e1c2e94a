"""Opening steps and what their ends lead to: the next steps, the end of a leg, the end of the case."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from domain.calendar import local_day
from domain.case import CASE_TRANSITIONS, SETTLED, CaseStatus, StepStatus
from domain.effects import Verb
from domain.plan import OUTCOMES, CaseStep, OnRejected, Policy, StepKind, Way
from domain.process import answers, clocks, closing
from domain.process.state import StepState
from domain.record import EvidenceState, TaskKind, TaskState

if TYPE_CHECKING:
    from domain.process.engine import Process

_GONE_ON_WITHOUT = {Policy.BEST_EFFORT, Policy.ORDERED, Policy.QUORUM}


def advance(process: Process, now: datetime) -> None:
    """Opens what can be opened, undoes what a failed leg left behind, completes the case when all is settled."""
    changed = True
    while changed and process.state.closing is None:
        changed = False
        for step in process.steps.values():
            if process.state.steps[step.id].status is not StepStatus.WAITING:
                continue
            if _hopeless(process, step):
                _skip(process, step.id, now)
                changed = True
            elif _needs_met(process, step):
                _open(process, step, now)
        if changed and not _enough(process):
            process.end(CaseStatus.TERMINATED, "quorum_missed", now)
    if process.state.closing is not None:
        return
    if closing.undo_failed_legs(process, now):
        return
    states = process.state.steps.values()
    if all(s.status in SETTLED for s in states) and not process.promises_open():
        _complete(process, now)


def _complete(process: Process, now: datetime) -> None:
    """Everything that could be done is done; with nothing to show for it the case has failed."""
    legs = {step.leg for step in process.steps.values()}
    if legs and legs == failed_legs(process):
        process.end(CaseStatus.TERMINATED, "nothing_done", now)
        return
    if any(_lost(s) for s in process.state.steps.values()):
        process.state.reason = "partly_done"
    process.close(CaseStatus.COMPLETED, now)


def failed_legs(process: Process) -> set[str]:
    """Legs in which a step has failed or been left out."""
    return {process.steps[i].leg for i, s in process.state.steps.items() if _lost(s)}


def _lost(state: StepState) -> bool:
    gone = {StepStatus.SKIPPED, StepStatus.REVERSING, StepStatus.REVERSED}
    return state.status in gone or (state.failed and not state.tolerated)


def _enough(process: Process) -> bool:
    """Whether what the partial-result policy wants can still be had."""
    partial = process.plan.partial
    failed = failed_legs(process)
    if failed & set(partial.essential):
        return False
    if partial.policy is not Policy.QUORUM:
        return True
    return len({leg.id for leg in process.plan.legs} - failed) >= partial.quorum


def _needs_met(process: Process, step: CaseStep) -> bool:
    states = process.state.steps
    met = all(states[need].status is StepStatus.DONE or states[need].tolerated for need in step.needs)
    if met and process.plan.partial.policy is Policy.ORDERED:
        earlier = _earlier_legs(process, step.leg)
        return all(states[s.id].status in SETTLED for s in process.steps.values() if s.leg in earlier)
    return met


def _hopeless(process: Process, step: CaseStep) -> bool:
    """What it needs will not come any more."""
    lost = {i for i, s in process.state.steps.items() if _lost(s)}
    if not lost:
        return False
    if lost & set(step.needs):
        return True
    if process.plan.partial.policy is Policy.ORDERED:
        failed = {process.steps[i].leg for i in lost}
        return step.leg in failed or bool(failed & _earlier_legs(process, step.leg))
    return False


def _earlier_legs(process: Process, leg: str) -> set[str]:
    order = [item.id for item in process.plan.legs]
    return set(order[: order.index(leg)]) if leg in order else set()


def _skip(process: Process, step_id: str, now: datetime) -> None:
    process.move(step_id, StepStatus.SKIPPED, now)
    process.note("step:skipped", now, step=step_id)


def _open(process: Process, step: CaseStep, now: datetime) -> None:
    if step.kind is not StepKind.FEE:
        clocks.mark(process, f"{step.id}.started", now)
    if process.state.status is CaseStatus.ACCEPTED and step.kind not in {StepKind.EVIDENCE, StepKind.FEE}:
        process.set_status(CaseStatus.UNDER_REVIEW, now)
    making = CaseStatus.CERTIFICATE_MAKING in CASE_TRANSITIONS[process.state.status]
    if step.kind is StepKind.CERTIFICATE and making:
        process.set_status(CaseStatus.CERTIFICATE_MAKING, now)
    if step.way is Way.PERSON:
        give_to_a_person(process, step, now)
    elif step.way is Way.TIME:
        process.move(step.id, StepStatus.PUBLICITY, now)
        count_publicity(process, step.id, local_day(now))
        process.note("publicity:opened", now, step=step.id)
    elif step.kind is StepKind.EVIDENCE:
        process.evidence(step.id, EvidenceState.REQUESTED)
        answers.start(process, step.id, Verb.OFFER, now)
    else:
        answers.submit(process, step, now)
    clocks.pause(process, step.id, now)


def give_to_a_person(process: Process, step: CaseStep, now: datetime) -> None:
    """The step is a person's at its place."""
    process.move(step.id, StepStatus.TASK, now)
    open_task(process, step, now)


def open_task(process: Process, step: CaseStep, now: datetime) -> None:
    """A task at the step's place, not for whoever decided a step that its four eyes name."""
    states = process.state.steps
    others = tuple(d for name in step.four_eyes if name in states and (d := states[name].decider))
    due_at = None
    if step.lasts is not None:
        until = process.calendar.due_in(local_day(now), step.lasts.days, step.lasts.unit)
        due_at = clocks.end_of(until.day)
    kind = TaskKind(step.kind.value)
    process.state.steps[step.id].task = process.open_task(
        step.id, kind, step.place, OUTCOMES[step.kind], now, not_by=others, due_at=due_at
    )


def count_publicity(process: Process, step_id: str, since: date) -> None:
    """Until when it is on display."""
    lasts = process.steps[step_id].lasts
    if lasts is not None:
        until = process.calendar.due_in(since, lasts.days, lasts.unit)
        process.state.steps[step_id].ends_at = clocks.end_of(until.day)


def deem_done(process: Process, step_id: str, now: datetime, *, on: date | None = None) -> None:
    """A task's step ends well without its person, because the law says so."""
    process.close_task(process.state.steps[step_id].task, TaskState.CANCELLED, now)
    done(process, step_id, now, on=on)


def done(process: Process, step_id: str, now: datetime, *, on: date | None = None) -> None:
    """A step has come to its good end. ``on``: the day from which what follows counts."""
    step = process.steps[step_id]
    process.move(step_id, StepStatus.DONE, now)
    clocks.resume(process, step_id, now)
    clocks.mark(process, f"{step_id}.done", now, on=on)
    if process.state.closing is not None:
        return
    if step.kind is StepKind.ACCEPT and CaseStatus.ACCEPTED in CASE_TRANSITIONS[process.state.status]:
        process.set_status(CaseStatus.ACCEPTED, now)
        clocks.mark(process, "accepted", now, on=on)
        process.accepted(now, on or local_day(now))
    decisions = [s.id for s in process.steps.values() if s.kind is StepKind.DECIDE]
    decided = all(process.state.steps[i].status is StepStatus.DONE for i in decisions)
    if step.kind is StepKind.DECIDE and decided:
        if CaseStatus.DECIDED_GRANTED in CASE_TRANSITIONS[process.state.status]:
            process.set_status(CaseStatus.DECIDED_GRANTED, now)
        clocks.mark(process, "decided", now)


def reject(process: Process, step_id: str, now: datetime) -> None:
    """A province or a person has said no; the definition says what that leads to."""
    step, state = process.steps[step_id], process.state.steps[step_id]
    process.move(step_id, StepStatus.REJECTED, now)
    clocks.resume(process, step_id, now)
    if process.state.closing is not None:
        return
    if step.on_rejected is OnRejected.RESOLVE:
        ask_a_person(process, step_id, now)
    elif step.on_rejected is OnRejected.REFUSE:
        process.end(CaseStatus.DECIDED_REFUSED, f"rejected_at_{step_id}", now)
    elif step.on_rejected is OnRejected.CONTINUE:
        state.failed = state.tolerated = True
        process.note("step:tolerated", now, step=step_id)
    else:
        fail(process, step_id, f"rejected_at_{step_id}", now)


def fail(process: Process, step_id: str, reason: str, now: datetime) -> None:
    """The step will not succeed: as a rule the case ends; where the definition allows, the rest goes on."""
    process.state.steps[step_id].failed = True
    if not _may_go_on_without(process, step_id):
        process.end(CaseStatus.TERMINATED, reason, now)
        return
    process.note("leg:failed", now, step=step_id, data={"reason": reason})
    if not _enough(process):
        process.end(CaseStatus.TERMINATED, "quorum_missed", now)


def _may_go_on_without(process: Process, step_id: str) -> bool:
    partial = process.plan.partial
    return partial.policy in _GONE_ON_WITHOUT and process.steps[step_id].leg not in partial.essential


def ask_a_person(process: Process, step_id: str, now: datetime) -> None:
    """Somebody at the step's place has to say how to go on."""
    process.move(step_id, StepStatus.RESOLVE, now)
    if process.state.closing is None:
        place = process.steps[step_id].place
        process.state.steps[step_id].task = process.open_task(
            step_id, TaskKind.RESOLVE, place, ("retry", "terminate"), now
        )


def retry(process: Process, step_id: str, now: datetime) -> None:
    """What has failed is tried once more, by whoever carries it out."""
    if process.steps[step_id].way is Way.SYSTEM:
        answers.retry(process, step_id, now)
    else:
        give_to_a_person(process, process.steps[step_id], now)


def give_up(process: Process, step_id: str, now: datetime) -> None:
    """A person has said that it will not succeed."""
    may_stand = any(undo.step == step_id for undo in process.state.undo)  # then it ends as reversed
    if _may_go_on_without(process, step_id) and not may_stand:
        process.move(step_id, StepStatus.SKIPPED, now)
    fail(process, step_id, f"given_up_at_{step_id}", now)


def end_publicity(process: Process, now: datetime) -> None:
    """Time is over and nobody has objected."""
    for step_id, state in process.state.steps.items():
        over = state.status is StepStatus.PUBLICITY and state.ends_at is not None and state.ends_at <= now
        if over and not process.has_task(state.task):
            process.note("publicity:ended", now, step=step_id)
            done(process, step_id, now)
