"""Cases: submit, list, follow, answer evidence, withdraw."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, BackgroundTasks, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from api.access import own_case, scope_of, visible_case
from api.auth import Caller
from api.delivery import Delivery
from api.house import House, house
from api.idempotency import Answer, around_order, in_transaction, key_of
from api.schemas import (
    NO_NUL,
    CaseList,
    CaseOut,
    CommandOut,
    EventList,
    EvidenceAnswer,
    Receipt,
    ResultList,
    Submission,
    Withdrawal,
)
from api.usecases import correspondence, orders, submit
from api.usecases.law import documents_of
from api.views import Related, case_out, case_short, deliveries_out, event_out, result_out, sees_whole
from domain.errors import Refusal
from domain.messages import Actor, Role
from domain.plan import CasePlan
from domain.process import Intake
from models import commands
from models.cases import Case, open_with, read_application, read_plan, reopened_as
from models.database import Session
from models.documents import read_document
from models.effects import effects_of
from models.events import events_of
from models.evidence import evidence_of
from models.licences import licences_of
from models.listing import Filters, list_cases
from models.tasks import kinds_of

router = APIRouter(prefix="/v1/cases", tags=["cases"])
STREAM_PAUSE_S = 0.7
HEARTBEAT_EVERY = 20
BROUGHT = ("hand_in", "capture")


def delivery(request: Request) -> Delivery:
    """The delivery of this application."""
    found: Delivery = request.app.state.delivery
    return found


@router.post("", status_code=201, response_model=Receipt, operation_id="submitCase")
async def submit_case(body: Submission, request: Request, caller: Caller, background: BackgroundTasks) -> JSONResponse:
    """Submits an application. The number is shown only after everything it stands for is committed."""
    h = house(request)
    started: list[tuple[str, CasePlan, Intake]] = []

    async def work(session: Session) -> Answer:
        checked = submit.check(h, body.service, body.form)
        submit.may_apply(caller, checked.plan, body)
        receipt, intake = await submit.submit(session, h, caller, checked, body)
        started.append((receipt.no, checked.case_plan, intake))
        return Answer.of(receipt, status=201, headers={"Location": f"/v1/cases/{receipt.no}"})

    response = await in_transaction(request, caller, work)
    for no, plan, intake in started:
        background.add_task(delivery(request).start_now, no, plan, intake)
    response.background = background
    return response


@router.get("", operation_id="listCases")
async def get_cases(
    request: Request,
    caller: Caller,
    service: Annotated[str, Query(max_length=40, pattern=NO_NUL)] = "",
    status: Annotated[str, Query(max_length=40, pattern=NO_NUL)] = "",
    region: Annotated[str, Query(pattern="^(3[1-4][0-9]{4})?$")] = "",
    waiting_on: Annotated[
        str, Query(pattern="^((applicant|department|province|system)(:3[1-4][0-9]{4})?)?$", description="who[:region]")
    ] = "",
    overdue: bool | None = None,
    text: Annotated[str, Query(max_length=100, pattern=NO_NUL, description="part of a name or number")] = "",
    cursor: Annotated[str, Query(max_length=400)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CaseList:
    """Mine, or my department's, newest first."""
    h = house(request)
    filters = Filters(
        service=service,
        status=status,
        region=region,
        waiting_on=waiting_on,
        overdue=overdue,
        text=text.strip(),
        after=read_cursor(cursor) if cursor else None,
        limit=limit,
    )
    async with h.database.begin() as session:
        rows = await list_cases(session, scope_of(caller), filters)
    page = rows[:limit]
    more = write_cursor(page[-1].created_at, page[-1].no) if len(rows) > limit else None
    return CaseList(cases=[case_short(h, row) for row in page], next=more)


def write_cursor(at: datetime, item: str) -> str:
    """A place in a list; opaque to clients."""
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), item]).encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """The place a cursor stands for; Refusal(cursor_invalid) for anything we did not write."""
    try:
        at, item = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not isinstance(item, str) or "\0" in item.encode().decode():
            raise ValueError(cursor)
        moment = moment.astimezone(UTC)  # a moment that has none is beyond the calendar
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Refusal("cursor_invalid", "/cursor") from error
    return moment, item


@router.get("/{no}", operation_id="getCase")
async def get_case(no: str, request: Request, caller: Caller) -> CaseOut:
    """Status, who is waited for, why and until when, legs, clocks with explanation, evidence."""
    h = house(request)
    async with h.database.begin() as session:
        case = await visible_case(session, caller, no)
        return await _whole(session, h, caller, case)


async def _whole(session: Session, h: House, caller: Actor, case: Case) -> CaseOut:
    plan = await read_plan(session, case.plan_digest)
    application = await read_application(session, case.no)
    if plan is None or application is None:
        raise Refusal("internal")
    evidence = await evidence_of(session, case.no)
    effects = await effects_of(session, case.no)
    bound = CasePlan.model_validate(application.case_plan)
    calendar = await h.calendars.in_force(session, bound.accepting.region)
    handles = caller.role in {Role.CASEWORKER, Role.SUPERVISOR} and not case.concerns(caller.subject)
    whole = sees_whole(caller, case, bound)
    related = Related(
        duplicates=await open_with(session, case.identity, but=case.no, of="" if handles and whole else caller.subject),
        reopened_as=await reopened_as(session, case.no) if case.closed_at else "",
        brought=await commands.read_commands(session, case.no, kinds=BROUGHT) if whole else (),
    )
    return case_out(h, caller, case, plan, application, evidence, effects, calendar, related)


@router.get("/{no}/events", operation_id="listEvents")
async def get_events(
    no: str,
    request: Request,
    caller: Caller,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> EventList:
    """Everything that happened, in order, each with its place in the hash chain."""
    async with house(request).database.begin() as session:
        await visible_case(session, caller, no)
        rows = await events_of(session, no, after, limit + 1)
    page = rows[:limit]
    return EventList(events=[event_out(row) for row in page], next=page[-1].seq if len(rows) > limit else None)


@router.get("/{no}/stream", operation_id="streamCase", response_class=StreamingResponse)
async def stream(no: str, request: Request, caller: Caller) -> StreamingResponse:
    """Server-sent events: each event of the case as it is recorded; resumes after Last-Event-ID; ends with the case."""
    h = house(request)
    async with h.database.begin() as session:
        await visible_case(session, caller, no)
    last = request.headers.get("last-event-id", "0")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else 0
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(h, request, no, after), media_type="text/event-stream", headers=headers)


async def _events(h: House, request: Request, no: str, after: int) -> AsyncIterator[str]:
    idle = 0
    while not await request.is_disconnected():
        async with h.database.begin() as session:
            rows = await events_of(session, no, after, 200)
            closed = not rows and await _is_closed(session, no)
        for row in rows:
            after = row.seq
            yield f"id: {row.seq}\nevent: {row.type}\ndata: {event_out(row).model_dump_json()}\n\n"
        if closed:
            yield "event: end\ndata: {}\n\n"
            return
        idle = 0 if rows else idle + 1
        if idle % HEARTBEAT_EVERY == HEARTBEAT_EVERY - 1:
            yield ": still here\n\n"
        if not rows:
            await asyncio.sleep(STREAM_PAUSE_S)


async def _is_closed(session: Session, no: str) -> bool:
    case = await session.get(Case, no)
    return case is None or case.closed_at is not None


@router.get("/{no}/results", operation_id="listResults")
async def get_results(no: str, request: Request, caller: Caller) -> ResultList:
    """What came out: the decision with its reason, and licences with their verification address."""
    h = house(request)
    async with h.database.begin() as session:
        case = await visible_case(session, caller, no)
        licences = await licences_of(session, no)
        kinds = await kinds_of(session, no)
        application = await read_application(session, no)
        done = [c for c in await commands.read_commands(session, no) if c.kind == "decide"]
    decided = [c for c in done if kinds.get(c.target) in {"accept", "decide"}]
    decision = None
    if decided:
        last = decided[-1]
        decision = {
            "outcome": last.body["outcome"],
            "reason": last.body["reason"],
            "legal_basis": last.body["legal_basis"],
            "region": last.actor_region,
            "department": last.actor_department,
            "at": last.effective_at,
        }
    return ResultList(
        status=case.status,
        reason=case.reason,
        decision=decision,
        results=[result_out(h, x) for x in licences],
        deliveries=deliveries_out(h, case, CasePlan.model_validate(application.case_plan)) if application else [],
    )


@router.get("/{no}/documents/{document_id}", operation_id="downloadDocument", response_class=Response)
async def get_document(no: str, document_id: str, request: Request, caller: Caller) -> Response:
    """A document of the application, for the applicant and for the authority that decides on it."""
    h = house(request)
    async with h.database.begin() as session:
        case = await visible_case(session, caller, no)
        application = await read_application(session, no)
        if application is None:
            raise Refusal("not_found")
        named = await correspondence.files_seen_by(session, caller, case)
        if sees_whole(caller, case, CasePlan.model_validate(application.case_plan)):
            named |= {item["id"] for group in application.documents.values() for item in group}
            named |= {item.document_id for item in await evidence_of(session, no) if item.document_id}
            named |= documents_of(c.body for c in await commands.read_commands(session, no))
        document = await read_document(session, document_id) if document_id in named else None
    if document is None:
        raise Refusal("not_found")
    quoted = quote(document.name, safe="")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quoted}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(await h.files.get(document.digest), media_type=document.media_type, headers=headers)


@router.post("/{no}/evidence/{evidence_id}/accept", response_model=CommandOut, operation_id="acceptEvidence")
async def accept_evidence(no: str, evidence_id: str, request: Request, caller: Caller) -> JSONResponse:
    """Consent to the use of evidence the applicant has seen; only then does the register release it."""

    async def work() -> Answer:
        h = house(request)
        return Answer.of(await orders.answer_evidence(h, caller, no, evidence_id, None, key_of(request)))

    await _must_be_own(request, caller, no)
    return await around_order(request, caller, work)


@router.post("/{no}/evidence/{evidence_id}/decline", response_model=CommandOut, operation_id="declineEvidence")
async def decline_evidence(
    no: str, evidence_id: str, body: EvidenceAnswer, request: Request, caller: Caller
) -> JSONResponse:
    """Do not use what was found; an own document stands in."""

    async def work() -> Answer:
        h = house(request)
        return Answer.of(await orders.answer_evidence(h, caller, no, evidence_id, body, key_of(request)))

    await _must_be_own(request, caller, no)
    return await around_order(request, caller, work)


@router.post("/{no}/withdraw", response_model=CommandOut, operation_id="withdrawCase")
async def withdraw(no: str, body: Withdrawal, request: Request, caller: Caller) -> JSONResponse:
    """Withdraws the application, as long as no decision has been made."""

    async def work() -> Answer:
        return Answer.of(await orders.withdraw(house(request), caller, no, body.reason))

    await _must_be_own(request, caller, no)
    return await around_order(request, caller, work)


async def _must_be_own(request: Request, caller: Actor, no: str) -> None:
    """Before anything else, the key included: a stranger's case is not there."""
    async with house(request).database.begin() as session:
        await own_case(session, caller, no)
