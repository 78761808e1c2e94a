"""Callbacks of provinces: signed messages about earlier calls."""

from __future__ import annotations

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import JSONResponse

from api.house import house
from api.routers.cases import delivery
from api.schemas import CallbackOut
from api.usecases.callbacks import receive
from domain.errors import Refusal

router = APIRouter(prefix="/v1/callbacks", tags=["callbacks"])
LARGEST = 1024 * 1024


@router.post("/{region}", status_code=202, response_model=CallbackOut, operation_id="receiveCallback")
async def callback(region: str, request: Request, background: BackgroundTasks) -> JSONResponse:
    """202 when it is new and passed on, 200 when it was known; 401, 404, 409 when it is refused."""
    body = await request.body()
    if len(body) > LARGEST:
        raise Refusal("body_too_large")
    taken = await receive(house(request), region, request.url.path, dict(request.headers), body)
    if taken.send is not None:
        background.add_task(delivery(request).callback_now, *taken.send)
    return JSONResponse({"status": taken.status}, status_code=202 if taken.new else 200, background=background)
