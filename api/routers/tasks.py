"""Tasks: a department's worklist, claims and decisions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from api.access import visible_task
from api.auth import Caller, need
from api.etags import read_etag
from api.house import House, house
from api.idempotency import Answer, in_transaction
from api.routers.cases import delivery, read_cursor, write_cursor
from api.schemas import NO_NUL, AssignIn, CommandOut, Decision, TaskList, TaskOut
from api.usecases import by_hand, orders, worklist
from api.views import task_out
from domain.messages import Actor, Role
from domain.plan import CasePlan
from models.cases import read_application, read_case, read_cases
from models.database import Session

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])
HANDLERS = (Role.CASEWORKER, Role.SUPERVISOR, Role.COORDINATOR)


@router.get("", operation_id="listTasks")
async def get_tasks(
    request: Request,
    caller: Caller,
    state: Annotated[str, Query(pattern="^(open|done|cancelled)$")] = "open",
    mine: bool = False,
    queue: Annotated[str, Query(max_length=40, pattern=NO_NUL)] = "",
    cursor: Annotated[str, Query(max_length=400)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> TaskList:
    """My department's tasks, oldest first; ``mine`` only those I have claimed."""
    need(caller, *HANDLERS)
    h = house(request)
    after = read_cursor(cursor) if cursor else None
    async with h.database.begin() as session:
        rows = await worklist.tasks_of(
            session, caller, state=state, mine=mine, queue=queue, after=after, limit=limit + 1
        )
        cases = await read_cases(session, {task.case_no for task in rows})
        page = [task_out(h, caller, task, cases.get(task.case_no)) for task in rows[:limit]]
    more = write_cursor(rows[limit - 1].opened_at, rows[limit - 1].id) if len(rows) > limit else None
    return TaskList(tasks=page, next=more)


@router.get("/{task_id}", operation_id="getTask")
async def get_task(task_id: str, request: Request, response: Response, caller: Caller) -> TaskOut:
    """One task; its ETag is what a decision must send as If-Match."""
    need(caller, *HANDLERS)
    h = house(request)
    async with h.database.begin() as session:
        out = await _out(session, h, caller, task_id)
    response.headers["ETag"] = f'"{out.revision}"'
    return out


@router.post("/{task_id}/claim", response_model=TaskOut, operation_id="claimTask")
async def claim(task_id: str, request: Request, caller: Caller) -> JSONResponse:
    """Takes the task; a colleague's claim stands."""
    return await _claim(request, caller, task_id, take=True)


@router.post("/{task_id}/release", response_model=TaskOut, operation_id="releaseTask")
async def release(task_id: str, request: Request, caller: Caller) -> JSONResponse:
    """Gives the task back to the department."""
    return await _claim(request, caller, task_id, take=False)


@router.post("/{task_id}/assign", response_model=TaskOut, operation_id="assignTask")
async def assign(task_id: str, body: AssignIn, request: Request, caller: Caller) -> JSONResponse:
    """A supervisor gives the task to a caseworker, also one that a colleague holds."""
    need(caller, Role.SUPERVISOR)
    h = house(request)

    async def work(session: Session) -> Answer:
        await worklist.assign(session, caller, task_id, body.to)
        out = await _out(session, h, caller, task_id)
        return Answer.of(out, headers={"ETag": f'"{out.revision}"'})

    return await in_transaction(request, caller, work)


async def _claim(request: Request, caller: Actor, task_id: str, *, take: bool) -> JSONResponse:
    need(caller, *HANDLERS)
    h = house(request)

    async def work(session: Session) -> Answer:
        await worklist.claim(session, caller, task_id, take=take)
        out = await _out(session, h, caller, task_id)
        return Answer.of(out, headers={"ETag": f'"{out.revision}"'})

    return await in_transaction(request, caller, work)


@router.put("/{task_id}/decision", operation_id="decideTask")
async def decide(
    task_id: str,
    body: Decision,
    request: Request,
    caller: Caller,
    background: BackgroundTasks,
    if_match: Annotated[str | None, Header()] = None,
) -> CommandOut:
    """Decides the task; answered when the decision is carried out and recorded. The same decision again is harmless."""
    out = await orders.decide(house(request), caller, task_id, body, read_etag(if_match))
    if out.reopened_as:
        background.add_task(delivery(request).start_kept, out.reopened_as)
    return out


async def _out(session: Session, h: House, caller: Actor, task_id: str) -> TaskOut:
    task = await visible_task(session, caller, task_id)
    application = await read_application(session, task.case_no)
    plan = CasePlan.model_validate(application.case_plan) if application else None
    out = task_out(h, caller, task, await read_case(session, task.case_no), plan)
    if application is not None:
        rekey, wants = await by_hand.shown(session, h, task, application)
        out = out.model_copy(update={"rekey": rekey, "wants": wants})
    return out
