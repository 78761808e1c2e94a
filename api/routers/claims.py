"""手工报销: claims for manual reimbursement."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Path, Query, Request
from fastapi.responses import JSONResponse

from api.access import APPLICANTS
from api.auth import LoggedIn, need
from api.house import house
from api.idempotency import key_of
from api.routers.matters import acted, opened
from api.schemas import NO_NUL
from api.schemas_claims import ClaimDecisionIn, ClaimIn, ClaimList, ClaimOut, ClaimPaidIn, ClaimSubmitIn
from api.schemas_medical import MatterDoneOut
from api.usecases import claims
from domain.medical.claim import ClaimStatus

router = APIRouter(prefix="/v1/medical/claims", tags=["claims"])
No = Annotated[str, Path(max_length=40, pattern=NO_NUL)]


@router.post("", status_code=201, response_model=ClaimOut, operation_id="openClaim")
async def open_claim(body: ClaimIn, request: Request, login: LoggedIn, background: BackgroundTasks) -> JSONResponse:
    """A claim with a bill in hand. Where direct settlement failed here one opens by itself."""
    need(login.actor, *APPLICANTS)
    return await opened(
        request,
        login,
        background,
        "/v1/medical/claims",
        lambda session: claims.open_claim(session, house(request), login, body),
    )


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
    return await acted(request, login, lambda: claims.submit(house(request), login, no, body, key_of(request)))


@router.post("/{no}/withdrawal", response_model=MatterDoneOut, operation_id="withdrawClaim")
async def withdraw(no: No, request: Request, login: LoggedIn) -> JSONResponse:
    """The patient takes it back."""
    return await acted(request, login, lambda: claims.withdraw(house(request), login, no, key_of(request)))


@router.post("/{no}/decision", response_model=MatterDoneOut, operation_id="decideClaim")
async def decide(no: No, body: ClaimDecisionIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The agency of the insured place approves, and the pack gives the amount, or rejects with a reason."""
    return await acted(request, login, lambda: claims.decide(house(request), login, no, body, key_of(request)))


@router.post("/{no}/payment", response_model=MatterDoneOut, operation_id="payClaim")
async def pay(no: No, body: ClaimPaidIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The money was sent; the bill counts as reimbursed for that much."""
    return await acted(request, login, lambda: claims.paid(house(request), login, no, body, key_of(request)))
