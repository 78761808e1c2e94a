"""Decisions on tasks as far as the record alone can judge them; the rest is the workflow's to say."""

from __future__ import annotations

from api.schemas import Decision
from domain import names
from domain.errors import Refusal, Refusals
from domain.messages import Actor
from domain.plan import OUTCOMES
from domain.record import TaskState
from models.tasks import Task

NEEDS_LAW = {"refuse", "terminate"}
NEEDS_REASON = NEEDS_LAW | {
    *(bad for _, bad in OUTCOMES.values()),
    *("deny", "broken", "excused", "dispute", "stay", "move", "objection_dismissed"),
    *("rectified", "explained", "excluded"),
}


def order_id(actor: Actor, task_id: str, decision: Decision) -> str:
    """The same decision by the same person is the same order."""
    body = sorted(decision.model_dump().items())
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
    if faults:
        raise Refusals(faults)
