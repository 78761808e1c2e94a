"""One request for many tasks: tried first, then done, with an outcome for each."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.auth import Caller, need
from api.house import house
from api.idempotency import Answer, around_order
from api.schemas_bulk import BulkIn, BulkOut
from api.usecases import bulk
from domain.messages import Role

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])


@router.post("/bulk", response_model=BulkOut, operation_id="bulkTasks")
async def do_many(body: BulkIn, request: Request, caller: Caller) -> JSONResponse:
    """Claims, releases, assigns or decides many tasks; with ``dry_run`` only says what would come of each."""
    need(caller, Role.CASEWORKER, Role.SUPERVISOR, Role.COORDINATOR)

    async def work() -> Answer:
        return Answer.of(await bulk.run(house(request), caller, body))

    return await around_order(request, caller, work)
