"""The worklist of a department: what is open, who has taken what. A claim is the worklist's own, not the workflow's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from api.access import visible_task
from domain.errors import Refusal
from domain.messages import Actor, Role
from domain.record import Event, TaskState
from models import events, tasks
from models.cases import advance_head, lock_case
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
    """Tasks in this actor's worklist, oldest first. A supervisor sees the places below, a caseworker his own."""
    supervises = actor.role is Role.SUPERVISOR
    return await tasks.worklist(
        session,
        region=actor.region,
        below=supervises,
        department=actor.department,
        role="" if supervises else actor.role,
        state=state,
        claimed_by=actor.subject if mine else None,
        queue=queue,
        after=after,
        limit=limit,
    )


async def claim(session: Session, actor: Actor, task_id: str, *, take: bool) -> None:
    """Takes or gives back a task, with its line in the audit trail. Doing it twice changes nothing."""
    seen = await visible_task(session, actor, task_id)
    # the case is locked before the task, as the record does: two writers never wait for each other
    case = await lock_case(session, seen.case_no)
    await session.refresh(seen)
    task = await visible_task(session, actor, task_id, lock=True)
    if case is None or task.state != TaskState.OPEN:
        raise Refusal("task_not_open")
    if take and actor.role != task.role:
        raise Refusal("forbidden")  # only who may decide it may hold it
    frees = not take and actor.role is Role.SUPERVISOR  # of somebody who has left
    if task.claimed_by not in {"", actor.subject} and not frees:
        raise Refusal("task_claimed")
    wanted = actor.subject if take else ""
    if task.claimed_by == wanted:
        return
    await tasks.set_claim(session, task_id, wanted)
    now = datetime.now(UTC)
    done = "claimed" if take else "released"
    event = Event(type=f"task:{task.kind}:{done}", at=now, actor=actor, step=task.step, data={"task": task_id})
    seq, head = await events.append(session, case.no, case.events, case.head, [event])
    await advance_head(session, case.no, seq, head, now)
    await session.refresh(task)
