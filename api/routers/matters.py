"""What the routers of medical matters do alike: open one under the caller's key, answer an act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import BackgroundTasks, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.auth import Login
from api.idempotency import Answer, around_order, in_transaction
from api.routers.cases import delivery
from api.schemas_medical import MatterDoneOut
from models.database import Session

Opening = Callable[[Session], Awaitable[tuple[BaseModel, str, int]]]
"""A use case that opens a matter: as it is shown, its number, the message that starts its workflow."""


async def opened(
    request: Request, login: Login, background: BackgroundTasks, place: str, work: Opening
) -> JSONResponse:
    """201 with its address below ``place``. Its workflow is started at once, or by the relay."""
    started: list[tuple[int, str]] = []

    async def done(session: Session) -> Answer:
        out, no, message = await work(session)
        started.append((message, no))
        return Answer.of(out, status=201, headers={"Location": f"{place}/{no}"})

    response = await in_transaction(request, login.actor, done)
    for message, no in started:
        background.add_task(delivery(request).matter_now, message, no)
    response.background = background
    return response


async def acted(request: Request, login: Login, work: Callable[[], Awaitable[MatterDoneOut]]) -> JSONResponse:
    """200 when what the act has led to is known, 202 while it is not."""

    async def done() -> Answer:
        out = await work()
        return Answer.of(out, status=202 if out.pending else 200)

    return await around_order(request, login.actor, done)
