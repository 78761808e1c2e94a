"""Virtual windows: sessions in which applicant and clerks of two halls meet by screen."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Path, Query, Request
from fastapi.responses import JSONResponse

from api.access import UPLOADERS
from api.auth import Caller, need
from api.house import house
from api.idempotency import Answer, around_order, in_transaction, key_of
from api.routers.cases import delivery
from api.schemas import NO_NUL
from api.schemas_windows import ActIn, WindowDoneOut, WindowIn, WindowList, WindowOut
from api.usecases import windows
from domain.messages import Place, Role
from domain.window import WindowStart
from models.database import Session
from models.windows import list_windows

router = APIRouter(prefix="/v1/windows", tags=["windows"])
Id = Annotated[str, Path(max_length=40, pattern="^[a-z0-9]*$")]


@router.post("", status_code=201, response_model=WindowOut, operation_id="askForWindow")
async def ask(body: WindowIn, request: Request, caller: Caller, background: BackgroundTasks) -> JSONResponse:
    """Asks for a session for a case of mine, or as the clerk of the hall for whoever sits beside me."""
    need(caller, *UPLOADERS)
    started: list[tuple[int, WindowStart]] = []

    async def work(session: Session) -> Answer:
        out, start, message = await windows.ask(session, house(request), caller, body)
        started.append((message, start))
        return Answer.of(out, status=201, headers={"Location": f"/v1/windows/{out.id}"})

    response = await in_transaction(request, caller, work)
    for message, start in started:
        background.add_task(delivery(request).window_now, message, start)
    response.background = background
    return response


@router.get("", operation_id="listWindows")
async def get_windows(
    request: Request,
    caller: Caller,
    case_no: Annotated[str, Query(max_length=40, pattern=NO_NUL)] = "",
    closed: bool = False,
) -> WindowList:
    """Mine; for clerks those of their hall or authority, the longest waiting first."""
    need(caller, *UPLOADERS, Role.SUPERVISOR)
    h = house(request)
    clerk = caller.role in {Role.CASEWORKER, Role.SUPERVISOR}
    async with h.database.begin() as session:
        rows = await list_windows(
            session,
            owner="" if clerk else caller.subject,
            place=Place(region=caller.region, department=caller.department) if clerk else None,
            case_no=case_no,
            closed=closed,
        )
        return WindowList(windows=[await windows.shown(session, h, caller, row) for row in rows])


@router.get("/{window_id}", operation_id="getWindow")
async def get_window(window_id: Id, request: Request, caller: Caller) -> WindowOut:
    """One session: who has the ball, until when, and everything that was kept of it."""
    async with house(request).database.begin() as session:
        window = await windows.visible(session, caller, window_id)
        return await windows.shown(session, house(request), caller, window)


@router.post("/{window_id}/acts", response_model=WindowDoneOut, operation_id="actInWindow")
async def act(window_id: Id, body: ActIn, request: Request, caller: Caller) -> JSONResponse:
    """Picks up, joins, checks the identity, consents, holds, captures, signs, hands over, closes …"""
    need(caller, *UPLOADERS)
    async with house(request).database.begin() as session:
        await windows.visible(session, caller, window_id)

    async def work() -> Answer:
        return Answer.of(await windows.act(house(request), caller, window_id, body, key_of(request)))

    return await around_order(request, caller, work)
