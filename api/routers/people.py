"""Around a case: messages, private notes, papers, opinions, rating, taking it up again."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.access import UPLOADERS, visible_case
from api.auth import Caller, need
from api.house import house
from api.idempotency import Answer, in_transaction
from api.schemas_people import (
    MessageIn,
    MessageList,
    MessageOut,
    NoteIn,
    NoteList,
    NoteOut,
    NoticeList,
    OpinionList,
    RatingIn,
    RatingView,
    ReopenIn,
    TaskRef,
)
from api.usecases import afterwards, correspondence, notices
from api.views import sees_whole
from api.views_law import opinions_out
from domain.errors import Refusal
from domain.messages import Role
from domain.plan import CasePlan
from models.cases import read_application
from models.commands import read_commands
from models.database import Session

router = APIRouter(prefix="/v1/cases/{no}", tags=["people"])
HANDLERS = (Role.CASEWORKER, Role.SUPERVISOR)


@router.post("/messages", status_code=201, response_model=MessageOut, operation_id="sendMessage")
async def send(no: str, body: MessageIn, request: Request, caller: Caller) -> JSONResponse:
    """The applicant writes to an authority of his case, an authority to the applicant."""

    async def work(session: Session) -> Answer:
        return Answer.of(await correspondence.send(session, house(request), caller, no, body), status=201)

    return await in_transaction(request, caller, work)


@router.get("/messages", operation_id="listMessages")
async def get_messages(no: str, request: Request, caller: Caller) -> MessageList:
    """All of them for the applicant; for an authority those it has sent or got."""
    async with house(request).database.begin() as session:
        return MessageList(messages=await correspondence.messages(session, house(request), caller, no))


@router.post("/messages/read", status_code=204, operation_id="readMessages")
async def read(no: str, request: Request, caller: Caller) -> Response:
    """Everything sent to my side so far has been seen."""
    async with house(request).database.begin() as session:
        await correspondence.read(session, caller, no)
    return Response(status_code=204)


@router.post("/notes", status_code=201, response_model=NoteOut, operation_id="addNote")
async def add_note(no: str, body: NoteIn, request: Request, caller: Caller) -> JSONResponse:
    """A private note: for the colleagues of my own department, never sent out, never changed."""
    need(caller, *HANDLERS)

    async def work(session: Session) -> Answer:
        return Answer.of(await correspondence.add_note(session, caller, no, body), status=201)

    return await in_transaction(request, caller, work)


@router.get("/notes", operation_id="listNotes")
async def get_notes(no: str, request: Request, caller: Caller) -> NoteList:
    """The notes of my own department."""
    need(caller, *HANDLERS)
    async with house(request).database.begin() as session:
        return NoteList(notes=await correspondence.notes(session, caller, no))


@router.get("/notices", operation_id="listNotices")
async def get_notices(no: str, request: Request, caller: Caller) -> NoticeList:
    """The papers of the case: receipt, acceptance or refusal, notices, decision; numbered, dated, verifiable."""
    async with house(request).database.begin() as session:
        case = await visible_case(session, caller, no)
        application = await read_application(session, no)
        if application is None or not sees_whole(caller, case, CasePlan.model_validate(application.case_plan)):
            raise Refusal("not_found")
        return NoticeList(notices=await notices.notices_of(session, house(request), case))


@router.get("/opinions", operation_id="listOpinions")
async def get_opinions(no: str, request: Request, caller: Caller) -> OpinionList:
    """What other bodies were asked, and what they have said; for the authorities of the case."""
    need(caller, *HANDLERS, Role.COORDINATOR)
    async with house(request).database.begin() as session:
        if (await visible_case(session, caller, no)).concerns(caller.subject):
            raise Refusal("own_case")
        return OpinionList(opinions=opinions_out(house(request), await read_commands(session, no)))


@router.post("/rating", status_code=201, response_model=RatingView, operation_id="rateCase")
async def rate(no: str, body: RatingIn, request: Request, caller: Caller) -> JSONResponse:
    """好差评: one to five stars, once, after the end; a bad one is followed up."""
    need(caller, *UPLOADERS)

    async def work(session: Session) -> Answer:
        return Answer.of(await afterwards.rate(session, house(request), caller, no, body), status=201)

    return await in_transaction(request, caller, work)


@router.get("/rating", operation_id="getRating")
async def get_rating(no: str, request: Request, caller: Caller) -> RatingView:
    """The rating, or what can be said in one."""
    async with house(request).database.begin() as session:
        return await afterwards.rating_view(session, house(request), caller, no)


@router.post("/reopen", status_code=202, response_model=TaskRef, operation_id="reopenCase")
async def reopen(no: str, body: ReopenIn, request: Request, caller: Caller) -> JSONResponse:
    """Asks that a case that ended badly is taken up again; a supervisor who did not ask decides."""
    need(caller, *UPLOADERS, Role.SUPERVISOR)

    async def work(session: Session) -> Answer:
        return Answer.of(await afterwards.ask_to_reopen(session, house(request), caller, no, body), status=202)

    return await in_transaction(request, caller, work)
