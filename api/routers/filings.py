"""异地就医备案: filing for care in another province."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from api.auth import LoggedIn, need
from api.etags import read_etag
from api.house import house
from api.idempotency import Answer, around_order, key_of
from api.routers.cases import read_cursor, write_cursor
from api.routers.matters import opened
from api.schemas_medical import (
    CancelIn,
    ChangeIn,
    CheckIn,
    CheckOut,
    FilingDecisionIn,
    FilingIn,
    FilingList,
    FilingOut,
    FilingRulesOut,
    MatterDoneOut,
    ProofIn,
    Region,
)
from api.usecases import filings
from api.usecases.matters import digest_of_login
from domain.errors import Refusal
from domain.medical import MatterKind
from domain.medical.filing_messages import FilingStatus
from domain.messages import Role
from models.matters import list_matters

router = APIRouter(prefix="/v1/medical", tags=["filings"])
No = Annotated[str, Path(max_length=40, pattern="^[A-Z0-9]*$")]


@router.get("/filing-rules/{insured}", operation_id="getFilingRules")
async def get_rules(insured: Region, request: Request) -> FilingRulesOut:
    """Categories, papers and terms of an insured place, each with a tag of how far it is verified."""
    return filings.rules_out(house(request), insured)


@router.post("/filings/check", operation_id="checkFiling")
async def check(body: CheckIn, request: Request, login: LoggedIn) -> CheckOut:
    """Would I be covered there, by which filing, and how settled. Without effect."""
    async with house(request).database.begin() as session:
        return await filings.check(session, house(request), login, body)


@router.post("/filings", status_code=201, response_model=FilingOut, operation_id="submitFiling")
async def submit(body: FilingIn, request: Request, login: LoggedIn, background: BackgroundTasks) -> JSONResponse:
    """Files for oneself, or for another on a basis with proof; at a counter by a caseworker."""
    need(login.actor, *filings.PEOPLE)
    return await opened(
        request,
        login,
        background,
        "/v1/medical/filings",
        lambda session: filings.submit(session, house(request), login, body),
    )


@router.get("/filings", operation_id="listFilings")
async def get_filings(
    request: Request,
    login: LoggedIn,
    status: Annotated[list[FilingStatus] | None, Query(max_length=10)] = None,
    waiting: Annotated[bool, Query(description="of an office: only what waits for it")] = False,
    cursor: Annotated[str, Query(max_length=400)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> FilingList:
    """Mine; for caseworkers and supervisors of the insured place those of their place. Newest first."""
    h, actor = house(request), login.actor
    need(actor, *filings.PEOPLE, Role.SUPERVISOR)
    office = filings.works_at_office(actor)
    person = digest_of_login(login) if actor.role is Role.CITIZEN else ""
    async with h.database.begin() as session:
        rows = await list_matters(
            session,
            MatterKind.FILING,
            insured=actor.region if office else "",
            mine=("", "") if office else (actor.subject, person),
            waits_for=(actor.region, actor.department) if office and waiting else ("", ""),
            statuses=status or (),
            after=read_cursor(cursor) if cursor else None,
            limit=limit + 1,
        )
        page = await filings.listed(session, h, login, rows[:limit])
    more = write_cursor(rows[limit - 1].created_at, rows[limit - 1].no) if len(rows) > limit else None
    return FilingList(filings=page, next=more)


@router.get("/filings/{no}", operation_id="getFiling")
async def get_filing(no: No, request: Request, response: Response, login: LoggedIn) -> FilingOut:
    """What applies, until when, by which rules, and who is waited for; its ETag is what a decision must send back."""
    async with house(request).database.begin() as session:
        out, revision = await filings.read(session, house(request), login, no)
    response.headers["ETag"] = f'"{revision}"'
    return out


@router.put("/filings/{no}/decision", operation_id="decideFiling")
async def decide(
    no: No,
    body: FilingDecisionIn,
    request: Request,
    login: LoggedIn,
    if_match: Annotated[str | None, Header()] = None,
) -> MatterDoneOut:
    """By a caseworker of the insured place, on the version that was read; a refusal names its reason."""
    revision = read_etag(if_match)
    if revision is None:
        raise Refusal("precondition_required", "/If-Match")
    return await filings.decide(house(request), login, no, body, revision, key_of(request))


@router.post("/filings/{no}/proof", response_model=MatterDoneOut, operation_id="handInFilingProof")
async def proof(no: No, body: ProofIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The papers that a commitment stood in for."""

    async def work() -> Answer:
        return Answer.of(await filings.hand_in(house(request), login, no, body, key_of(request)))

    return await around_order(request, login.actor, work)


@router.post("/filings/{no}/change", status_code=201, response_model=FilingOut, operation_id="changeFiling")
async def change(
    no: No, body: ChangeIn, request: Request, login: LoggedIn, background: BackgroundTasks
) -> JSONResponse:
    """A new filing that takes the place of this one as soon as it is in force."""
    return await opened(
        request,
        login,
        background,
        "/v1/medical/filings",
        lambda session: filings.change(session, house(request), login, no, body),
    )


@router.post("/filings/{no}/cancel", response_model=MatterDoneOut, operation_id="cancelFiling")
async def cancel(no: No, body: CancelIn, request: Request, login: LoggedIn) -> JSONResponse:
    """It holds to the end of today; one that is not in force yet is taken back."""

    async def work() -> Answer:
        return Answer.of(await filings.cancel(house(request), login, no, body.reason, key_of(request)))

    return await around_order(request, login.actor, work)
