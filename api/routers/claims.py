"""手工报销: claims for manual reimbursement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Path, Query, Request
from fastapi.responses import JSONResponse

from api.access import APPLICANTS
from api.auth import LoggedIn, Login, need
from api.house import house
from api.idempotency import Answer, around_order, in_transaction, key_of
from api.routers.cases import delivery
from api.schemas import NO_NUL
from api.schemas_claims import ClaimDecisionIn, ClaimIn, ClaimList, ClaimOut, ClaimPaidIn, ClaimSubmitIn
from api.schemas_medical import MatterDoneOut
from api.usecases import claims
from domain.medical.claim import ClaimStatus
from models.database import Session

router = APIRouter(prefix="/v1/medical/claims", tags=["claims"])
No = Annotated[str, Path(max_length=40, pattern=NO_NUL)]


async def _act(request: Request, login: Login, work: Callable[[], Awaitable[MatterDoneOut]]) -> JSONResponse:
    async def done() -> Answer:
        out = await work()
        return Answer.of(out, status=202 if out.pending else 200)

    return await around_order(request, login.actor, done)


@router.post("", status_code=201, response_model=ClaimOut, operation_id="openClaim")
async def open_claim(body: ClaimIn, request: Request, login: LoggedIn, background: BackgroundTasks) -> JSONResponse:
    """A claim with a bill in hand. Where direct settlement failed here one opens by itself."""
    need(login.actor, *APPLICANTS)
    started: list[tuple[int, str]] = []

    async def work(session: Session) -> Answer:
        out, no, message = await claims.open_claim(session, house(request), login, body)
        started.append((message, no))
        return Answer.of(out, status=201, headers={"Location": f"/v1/medical/claims/{no}"})

    response = await in_transaction(request, login.actor, work)
    for message, no in started:
        background.add_task(delivery(request).matter_now, message, no)
    response.background = background
    return response


@router.get("", operation_id="listClaims")
async def get_claims(
    request: Request, login: LoggedIn, status: Annotated[list[ClaimStatus] | None, Query()] = None
) -> ClaimList:
    """Mine, or those of the people insured at my agency; newest first."""
    h = house(request)
    async with h.database.begin() as session:
        wanted = tuple(each.value for each in status or ())
        return ClaimList(claims=await claims.listed(session, h, login, wanted))


@router.get("/{no}", operation_id="getClaim")
async def get_claim(no: No, request: Request, login: LoggedIn) -> ClaimOut:
    """One claim: who is waited for, until when, what is paid and how that was computed."""
    async with house(request).database.begin() as session:
        return await claims.read(session, house(request), login, no)


@router.post("/{no}/submission", response_model=MatterDoneOut, operation_id="submitClaim")
async def submit(no: No, body: ClaimSubmitIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The patient asks for the money; the bill is locked for this claim."""
    return await _act(request, login, lambda: claims.submit(house(request), login, no, body, key_of(request)))


@router.post("/{no}/withdrawal", response_model=MatterDoneOut, operation_id="withdrawClaim")
async def withdraw(no: No, request: Request, login: LoggedIn) -> JSONResponse:
    """The patient takes it back."""
    return await _act(request, login, lambda: claims.withdraw(house(request), login, no, key_of(request)))


@router.post("/{no}/decision", response_model=MatterDoneOut, operation_id="decideClaim")
async def decide(no: No, body: ClaimDecisionIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The agency of the insured place approves, and the pack gives the amount, or rejects with a reason."""
    return await _act(request, login, lambda: claims.decide(house(request), login, no, body, key_of(request)))


@router.post("/{no}/payment", response_model=MatterDoneOut, operation_id="payClaim")
async def pay(no: No, body: ClaimPaidIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The money was sent; the bill counts as reimbursed for that much."""
    return await _act(request, login, lambda: claims.paid(house(request), login, no, body, key_of(request)))
