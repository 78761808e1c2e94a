"""The worklist of a department: what is open, who has taken what. A claim is the worklist's own, not the workflow's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from api.access import visible_task
from domain import names
from domain.errors import Refusal
from domain.messages import Actor, Role
from domain.record import Event, TaskState
from models import tasks
from models.cases import Case, lock_case, note
from models.database import Session
from models.tasks import Task


async def tasks_of(
    session: Session,
    actor: Actor,
    *,
    state: str,
    mine: bool,
    queue: str = "",
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Task]:
    """Tasks in this actor's worklist, oldest first.

    A caseworker's are those of his own place, a supervisor's all of the places below, a coordinator's the disputes.
    """
    supervises, coordinates = actor.role is Role.SUPERVISOR, actor.role is Role.COORDINATOR
    return await tasks.worklist(
        session,
        region="" if coordinates else actor.region,
        below=supervises or coordinates,
        department="" if coordinates else actor.department,
        role="" if supervises else actor.role,
        state=state,
        claimed_by=actor.subject if mine else None,
        queue=queue,
        after=after,
        limit=limit,
    )


async def claim(session: Session, actor: Actor, task_id: str, *, take: bool) -> None:
    """Takes or gives back a task, with its line in the audit trail. Doing it twice changes nothing."""
    case, task = await _locked(session, actor, task_id)
    if take and actor.role != task.role:
        raise Refusal("forbidden")  # only who may decide it may hold it
    if take and case.concerns(actor.subject):
        raise Refusal("own_case")
    frees = not take and actor.role is Role.SUPERVISOR  # of somebody who has left
    if task.claimed_by not in {"", actor.subject} and not frees:
        raise Refusal("task_claimed")
    await _hold(session, actor, case, task, actor.subject if take else "", "claimed" if take else "released")


async def assign(session: Session, actor: Actor, task_id: str, to: str) -> None:
    """A supervisor gives a task to somebody, also one that somebody else holds; never to the applicant himself.

    Who may decide is checked again when it is decided: the house keeps no list of people, their logins say who
    they are.
    """
    case, task = await _locked(session, actor, task_id)
    if actor.role is not Role.SUPERVISOR or task.role != Role.CASEWORKER:
        raise Refusal("forbidden")
    if case.concerns(to):
        raise Refusal("own_case", "/to")
    await _hold(session, actor, case, task, to, "assigned")


async def _locked(session: Session, actor: Actor, task_id: str) -> tuple[Case, Task]:
    seen = await visible_task(session, actor, task_id)
    # the case is locked before the task, as the record does: two writers never wait for each other
    case = await lock_case(session, seen.case_no)
    await session.refresh(seen)
    task = await visible_task(session, actor, task_id, lock=True)
    if case is None or task.state != TaskState.OPEN:
        raise Refusal("task_not_open")
    return case, task


async def _hold(session: Session, actor: Actor, case: Case, task: Task, holder: str, done: str) -> None:
    """The audit trail names the holder by a digest: applicants read it, and the names of clerks are not theirs."""
    if task.claimed_by == holder:
        return
    await tasks.set_claim(session, task.id, holder)
    now = datetime.now(UTC)
    data = {"task": task.id}
    if done == "assigned":
        data["holder"] = names.holder_digest(case.no, holder)
    event = Event(type=f"task:{task.kind}:{done}", at=now, actor=actor, step=task.step, data=data)
    await note(session, case, [event])
    await session.refresh(task)
