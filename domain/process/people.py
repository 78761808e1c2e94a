"""What else people can ask for: withdraw, sign, object, pass the case on, ask another body, correct on behalf."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from domain import names
from domain.case import SETTLED, WITHDRAWABLE, CaseStatus, StepStatus
from domain.messages import Actor, Place, Role
from domain.process import deciding, steps
from domain.process.orders import (
    CorrectCommand,
    CosignCommand,
    DecideCommand,
    ObjectCommand,
    ObjectCorrectionCommand,
    OpinionCommand,
    TransferCommand,
    WithdrawCommand,
)
from domain.process.state import CorrectionState, OpenTask
from domain.record import TaskKind, TaskState

if TYPE_CHECKING:
    from domain.process.engine import Process


# withdrawing


def check_withdraw(process: Process, command: WithdrawCommand) -> str | None:
    """Withdrawal is possible until a decision has been made (domain note 2.4)."""
    return None if process.state.status in WITHDRAWABLE else "too_late_to_withdraw"


def withdraw(process: Process, command: WithdrawCommand, now: datetime) -> None:
    """Stops opening steps; what took effect is undone before the case ends as withdrawn."""
    process.note("case:withdrawal:asked", now, actor=command.actor, data={"command": command.id})
    process.end(CaseStatus.WITHDRAWN, "withdrawn", now)


# signing


def check_cosign(process: Process, command: CosignCommand) -> str | None:
    """Only who was named, and once."""
    if command.actor.subject not in process.state.signatures:
        return "not_found"
    return "already_signed" if process.state.signatures[command.actor.subject] else None


def cosign(process: Process, command: CosignCommand, now: datetime) -> None:
    """With the last signature the submission counts; one who declines ends it."""
    outcome = "signed" if command.agree else "declined"
    process.note(f"case:cosigner:{outcome}", now, actor=command.actor, data={"command": command.id})
    if not command.agree:
        process.end(CaseStatus.TERMINATED, "cosigner_declined", now)
        return
    process.state.signatures[command.actor.subject] = now
    if all(process.state.signatures.values()):
        process.receive(now)


# objecting to what is on display


def check_object(process: Process, command: ObjectCommand) -> str | None:
    """While it is on display; one objection is looked into at a time."""
    state = process.state.steps.get(command.step)
    if state is None or state.status is not StepStatus.PUBLICITY:
        return "not_on_display"
    return "objection_open" if process.has_task(state.task) else None


def object_to_display(process: Process, command: ObjectCommand, now: datetime) -> None:
    """A caseworker looks into it; the period does not end meanwhile."""
    place = process.steps[command.step].place
    process.note("publicity:objected", now, actor=command.actor, step=command.step, data={"command": command.id})
    process.state.steps[command.step].task = process.open_task(
        command.step, TaskKind.OBJECTION, place, ("objection_dismissed", "objection_upheld"), now
    )


def decide_objection(process: Process, task: OpenTask, command: DecideCommand, now: datetime) -> None:
    """Upheld, the step has failed or the correction is taken back; dismissed, all goes on."""
    if task.about.startswith("correction:"):
        if command.outcome == "objection_upheld":
            correction = task.about.removeprefix("correction:")
            process.state.corrections[correction].reverted = True
            process.note("case:correction:reverted", now, actor=command.actor, data={"correction": correction})
    elif command.outcome == "objection_upheld":
        steps.reject(process, task.step, now)
    else:
        steps.end_publicity(process, now)


# another place is competent


def check_transfer(process: Process, command: TransferCommand) -> str | None:
    """The accepting place, before it has accepted, to another place of the same department."""
    task = _accept_task(process)
    if task is None or not deciding.may_decide(process.state.tasks[task], command.actor):
        return "not_found"
    if command.region == process.accepting.region:
        return "transfer_nowhere"
    asked = {TaskKind.TRANSFER, TaskKind.ARBITRATE}
    return "transfer_open" if any(t.kind in asked for t in process.state.tasks.values()) else None


def transfer(process: Process, command: TransferCommand, now: datetime) -> None:
    """The other place says whether it agrees."""
    process.note(
        "case:transfer:asked", now, actor=command.actor, data={"region": command.region, "command": command.id}
    )
    place = Place(region=command.region, department=process.accepting.department)
    about = f"transfer:{command.region}:{command.id[:12]}"
    process.open_task("", TaskKind.TRANSFER, place, ("agree", "dispute"), now, about=about)


def decide_transfer(process: Process, task: OpenTask, command: DecideCommand, now: datetime) -> None:
    """Agreed, it moves; disputed, the coordinator of the region decides."""
    if command.outcome == "agree":
        _move(process, task.about.split(":")[1], now)
        return
    process.note("case:transfer:disputed", now, actor=command.actor)
    about = task.about.replace("transfer:", "arbitrate:", 1)
    process.open_task("", TaskKind.ARBITRATE, process.accepting, ("stay", "move"), now, about=about)


def decide_arbitration(process: Process, task: OpenTask, command: DecideCommand, now: datetime) -> None:
    """争议裁决: binding on both."""
    if command.outcome == "move":
        _move(process, task.about.split(":")[1], now)


def _move(process: Process, region: str, now: datetime) -> None:
    """Whatever the old place has not begun, and the acceptance itself, becomes the new place's."""
    old = process.accepting
    process.state.moved[""] = region
    for step_id, step in list(process.steps.items()):
        if step.place != old or process.state.steps[step_id].status in SETTLED:
            continue
        if process.state.steps[step_id].status is StepStatus.TASK:
            process.close_task(process.state.steps[step_id].task, TaskState.CANCELLED, now)
            process.move_step(step_id, region)
            steps.open_task(process, process.steps[step_id], now)
        elif process.state.steps[step_id].status is StepStatus.WAITING:
            process.move_step(step_id, region)
    process.note("case:transferred", now, data={"from": old.region, "to": region})


def _accept_task(process: Process) -> str | None:
    return next((i for i, t in process.state.tasks.items() if t.kind is TaskKind.ACCEPT), None)


# another body's opinion


def check_opinion(process: Process, command: OpinionCommand) -> str | None:
    """Whoever has a task in this case may ask; the same body once at a time."""
    if not any(deciding.may_decide(task, command.actor) for task in process.state.tasks.values()):
        return "not_found"
    place = Place(region=command.region, department=command.department)
    open_ones = [t for t in process.state.tasks.values() if t.kind is TaskKind.OPINION and t.place == place]
    return "opinion_open" if open_ones else None


def ask_opinion(process: Process, command: OpinionCommand, now: datetime) -> None:
    """The other body gets a task; its words are in the database."""
    place = Place(region=command.region, department=command.department)
    data = {"region": command.region, "department": command.department, "command": command.id}
    process.note("opinion:asked", now, actor=command.actor, data=data)
    about = names.opinion_about(command.id)
    process.open_task("", TaskKind.OPINION, place, ("agree", "disagree", "no_opinion"), now, about=about)


# mending a form for the applicant


def check_correct(process: Process, command: CorrectCommand) -> str | None:
    """Whoever has a task of the accepting place; not what a province has been sent already."""
    tasks = [t for t in process.state.tasks.values() if t.place == process.accepting]
    if not any(deciding.may_decide(task, command.actor) for task in tasks):
        return "not_found"
    return "already_sent" if sent_fields(process) & set(command.fields) else None


def sent_fields(process: Process) -> set[str]:
    """What some authority has been told: a second try under the same key has to say the same."""
    return {
        source.removeprefix("form.")
        for step_id, step in process.steps.items()
        if process.state.steps[step_id].status is not StepStatus.WAITING
        for source in step.send.values()
    }


def correct(process: Process, command: CorrectCommand, now: datetime) -> None:
    """Traced, and the applicant is told."""
    correction = names.correction_id(process.case_no, command.id)
    process.state.corrections[correction] = CorrectionState(
        command=command.id, fields=command.fields, by=command.actor, at=now
    )
    data = {"correction": correction, "fields": ",".join(command.fields), "command": command.id}
    process.note("case:corrected", now, actor=command.actor, data=data)


def check_object_correction(process: Process, command: ObjectCorrectionCommand) -> str | None:
    """The applicant, once."""
    state = process.state.corrections.get(command.correction)
    if state is None or _applicant(state.by) or not _applicant(command.actor):
        return "not_found"  # what he has mended himself is nothing to object to
    return "correction_settled" if state.objected else None


def object_to_correction(process: Process, command: ObjectCorrectionCommand, now: datetime) -> None:
    """Another person than the one who corrected looks into it."""
    state = process.state.corrections[command.correction]
    state.objected = True
    data = {"correction": command.correction, "command": command.id}
    process.note("case:correction:objected", now, actor=command.actor, data=data)
    process.open_task(
        "",
        TaskKind.OBJECTION,
        process.accepting,
        ("objection_dismissed", "objection_upheld"),
        now,
        about=f"correction:{command.correction}",
        not_by=(state.by.subject,),
    )


def _applicant(actor: Actor) -> bool:
    return actor.role in {Role.CITIZEN, Role.AGENT} or actor.basis is not None
