"""Decisions on tasks as far as the record alone can judge them; the rest is the workflow's to say."""

from __future__ import annotations

from api.schemas import Decision
from domain import names
from domain.errors import Refusal, Refusals
from domain.messages import Actor
from domain.plan import OUTCOMES
from domain.process.hands import ENTERED, NOT_DONE, NOTHING_TO_UNDO, REFUSED
from domain.record import TaskKind, TaskState
from models.tasks import Task

NEEDS_LAW = {"refuse", "terminate"}
NEEDS_REASON = NEEDS_LAW | {
    *(bad for _, bad in OUTCOMES.values()),
    *("deny", "broken", "excused", "dispute", "stay", "move", "objection_dismissed"),
    *("rectified", "explained", "excluded"),
    *(REFUSED, NOT_DONE, NOTHING_TO_UNDO),
}


def order_id(actor: Actor, task_id: str, decision: Decision) -> str:
    """The same decision by the same person is the same order."""
    # what was added later counts only where it is used: the ids of earlier decisions stay what they were
    later = {name for name in ("number", "number_again", "photo") if not getattr(decision, name)}
    body = sorted(decision.model_dump(exclude=later).items())
    return names.command_id(actor.subject, "decide", task_id, "\x1f".join(f"{k}={v}" for k, v in body))


def check(actor: Actor, task: Task, decision: Decision, if_match: int | None) -> None:
    """What the record alone can tell about a decision; Refusal otherwise."""
    if task.state != TaskState.OPEN:
        raise Refusal("decision_final" if task.state == TaskState.DONE else "task_not_open")
    if if_match is None:
        raise Refusal("precondition_required", "/If-Match")
    if if_match != task.revision:
        raise Refusal("version_conflict", "/If-Match")
    if task.claimed_by and task.claimed_by != actor.subject:
        raise Refusal("task_claimed")
    faults = []
    if decision.outcome not in task.outcomes:
        faults.append(Refusal("outcome_unknown", "/outcome"))
    if decision.outcome in NEEDS_REASON and not decision.reason.strip():
        faults.append(Refusal("reason_required", "/reason"))
    if decision.outcome in NEEDS_LAW and not decision.legal_basis.strip():
        faults.append(Refusal("legal_basis_required", "/legal_basis"))
    if task.kind == TaskKind.REKEY and decision.outcome == ENTERED:
        faults += _number_faults(decision)
    if faults:
        raise Refusals(faults)


def _number_faults(decision: Decision) -> list[Refusal]:
    """The number is typed twice, and what the department's system has shown is on a photo: slips are found here."""
    if not decision.number.strip():
        return [Refusal("number_required", "/number")]
    faults = []
    if decision.number != decision.number_again:
        faults.append(Refusal("numbers_differ", "/number_again"))
    if not decision.photo:
        faults.append(Refusal("photo_required", "/photo"))
    return faults
