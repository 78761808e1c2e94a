"""Drafts: saved and resumed, from any device, until they are handed in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Header, Path, Request, Response
from fastapi.responses import JSONResponse

from api.access import APPLICANTS
from api.auth import Caller, need
from api.etags import read_etag
from api.house import house
from api.idempotency import Answer, in_transaction
from api.routers.cases import delivery
from api.schemas import Receipt
from api.schemas_people import DraftBody, DraftIn, DraftList, DraftOut
from api.usecases import drafts
from domain.messages import Role
from domain.plan import CasePlan
from domain.process import Intake
from models.database import Session
from models.drafts import drafts_of

router = APIRouter(prefix="/v1/drafts", tags=["drafts"])
DRAFTERS = (*APPLICANTS, Role.CASEWORKER)
Id = Annotated[str, Path(max_length=40, pattern="^[a-z0-9]*$")]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=40)]


def _answer(out: DraftOut, status: int = 200) -> Answer:
    return Answer.of(out, status=status, headers={"ETag": f'"{out.revision}"'})


@router.post("", status_code=201, response_model=DraftOut, operation_id="createDraft")
async def create(body: DraftIn, request: Request, caller: Caller) -> JSONResponse:
    """Keeps what is filled in so far, and says what is missing or wrong; nothing of it is refused for that."""
    need(caller, *DRAFTERS)

    async def work(session: Session) -> Answer:
        return _answer(await drafts.create(session, house(request), caller, body), 201)

    return await in_transaction(request, caller, work)


@router.get("", operation_id="listDrafts")
async def get_drafts(request: Request, caller: Caller) -> DraftList:
    """Mine that are not handed in yet, the latest first."""
    h = house(request)
    async with h.database.begin() as session:
        rows = await drafts_of(session, caller.subject)
    return DraftList(drafts=[drafts.short(h, row) for row in rows])


@router.get("/{draft_id}", response_model=DraftOut, operation_id="getDraft")
async def get_draft(draft_id: Id, request: Request, caller: Caller) -> JSONResponse:
    """One of mine, with its ETag and what still keeps it from being handed in."""
    h = house(request)
    async with h.database.begin() as session:
        draft = await drafts.own(session, caller, draft_id, None, change=False)
        return _answer(await drafts.shown(session, h, caller, draft)).response()


@router.put("/{draft_id}", response_model=DraftOut, operation_id="saveDraft")
async def save(
    draft_id: Id, body: DraftBody, request: Request, caller: Caller, if_match: IfMatch = None
) -> JSONResponse:
    """Saves it; 412 if it was saved elsewhere since it was read, so that nothing is lost in silence."""
    async with house(request).database.begin() as session:
        return _answer(
            await drafts.save(session, house(request), caller, draft_id, body, read_etag(if_match))
        ).response()


@router.delete("/{draft_id}", status_code=204, operation_id="removeDraft")
async def remove(draft_id: Id, request: Request, caller: Caller, if_match: IfMatch = None) -> Response:
    """Throws it away; a draft that was handed in stays."""
    async with house(request).database.begin() as session:
        await drafts.remove(session, caller, draft_id, read_etag(if_match))
    return Response(status_code=204)


@router.post("/{draft_id}/submit", status_code=201, response_model=Receipt, operation_id="submitDraft")
async def hand_in(draft_id: Id, request: Request, caller: Caller, background: BackgroundTasks) -> JSONResponse:
    """Hands it in. Doing it twice gives the same receipt and one case."""
    h = house(request)
    started: list[tuple[str, CasePlan, Intake]] = []

    async def work(session: Session) -> Answer:
        receipt, checked, intake = await drafts.hand_in(session, h, caller, draft_id)
        if checked is not None:
            started.append((receipt.no, checked.case_plan, intake))
        return Answer.of(receipt, status=201, headers={"Location": f"/v1/cases/{receipt.no}"})

    response = await in_transaction(request, caller, work)
    for no, plan, intake in started:
        background.add_task(delivery(request).start_now, no, plan, intake)
    response.background = background
    return response
