"""转诊: a referral to an institution of another province, closed whatever becomes of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Path, Query, Request
from fastapi.responses import JSONResponse

from api.auth import LoggedIn, need
from api.house import house
from api.idempotency import Answer, around_order, key_of
from api.routers.cases import read_cursor, write_cursor
from api.routers.matters import opened
from api.schemas_medical import (
    CancelReferralIn,
    DayIn,
    DeclineIn,
    MatterDoneOut,
    OutcomeIn,
    ProposeIn,
    ReferralIn,
    ReferralList,
    ReferralOut,
)
from api.usecases import referrals
from api.usecases.filings import works_at_office
from api.usecases.matters import digest_of_login
from domain.errors import Refusal
from domain.medical import MatterKind
from domain.messages import Role
from models.filings import referrals_at
from models.matters import list_matters

router = APIRouter(prefix="/v1/medical/referrals", tags=["referrals"])
No = Annotated[str, Path(max_length=40, pattern="^[A-Z0-9]*$")]


@router.post("", status_code=201, response_model=ReferralOut, operation_id="refer")
async def refer(body: ReferralIn, request: Request, login: LoggedIn, background: BackgroundTasks) -> JSONResponse:
    """By the referring institution: diagnosis, reason, who has assessed it, and who is asked."""
    return await opened(
        request,
        login,
        background,
        "/v1/medical/referrals",
        lambda session: referrals.refer(session, house(request), login.actor, body),
    )


@router.get("", operation_id="listReferrals")
async def get_referrals(
    request: Request,
    login: LoggedIn,
    cursor: Annotated[str, Query(max_length=400)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ReferralList:
    """Of an institution: made by it or asked of it. Of a patient: his own. Newest first."""
    h, actor = house(request), login.actor
    need(actor, Role.INSTITUTION, Role.CITIZEN, Role.CASEWORKER)
    after = read_cursor(cursor) if cursor else None
    async with h.database.begin() as session:
        if actor.role is Role.INSTITUTION:
            rows = await referrals_at(session, actor.department, after=after, limit=limit + 1)
        elif actor.role is Role.CITIZEN:
            if not login.number:
                raise Refusal("identity_not_verified")
            person = digest_of_login(login)
            rows = await list_matters(session, MatterKind.REFERRAL, person=person, after=after, limit=limit + 1)
        else:
            if not works_at_office(actor):
                raise Refusal("forbidden")
            rows = await list_matters(session, MatterKind.REFERRAL, insured=actor.region, after=after, limit=limit + 1)
        await referrals.read(session, login, rows[:limit])
        page = [referrals.shown(h, row) for row in rows[:limit]]
    more = write_cursor(rows[limit - 1].created_at, rows[limit - 1].no) if len(rows) > limit else None
    return ReferralList(referrals=page, next=more)


@router.get("/{no}", operation_id="getReferral")
async def get_referral(no: No, request: Request, login: LoggedIn) -> ReferralOut:
    """Where it stands, who has the ball, and until when."""
    async with house(request).database.begin() as session:
        matter = await referrals.visible_referral(session, login, no)
        await referrals.read(session, login, [matter])
        return referrals.shown(house(request), matter)


async def _act(no: str, what: str, body: referrals.Bodies, request: Request, login: LoggedIn) -> JSONResponse:
    async def work() -> Answer:
        return Answer.of(await referrals.act(house(request), login, no, what, body, key_of(request)))

    return await around_order(request, login.actor, work)


@router.post("/{no}/accept", response_model=MatterDoneOut, operation_id="acceptReferral")
async def accept(no: No, request: Request, login: LoggedIn) -> JSONResponse:
    """The receiving side takes the patient; or the referring side agrees to the institution that was proposed."""
    return await _act(no, "accept", None, request, login)


@router.post("/{no}/decline", response_model=MatterDoneOut, operation_id="declineReferral")
async def decline(no: No, body: DeclineIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The receiving side does not take the patient, and says why."""
    return await _act(no, "decline", body, request, login)


@router.post("/{no}/propose", response_model=MatterDoneOut, operation_id="proposeInstitution")
async def propose(no: No, body: ProposeIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The receiving side names an institution that would be better."""
    return await _act(no, "propose", body, request, login)


@router.post("/{no}/schedule", response_model=MatterDoneOut, operation_id="scheduleReferral")
async def schedule(no: No, body: DayIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The day to come; again, to move it."""
    return await _act(no, "schedule", body, request, login)


@router.post("/{no}/admit", response_model=MatterDoneOut, operation_id="admitReferral")
async def admit(no: No, body: DayIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The patient is there."""
    return await _act(no, "admit", body, request, login)


@router.post("/{no}/outcome", response_model=MatterDoneOut, operation_id="reportOutcome")
async def outcome(no: No, body: OutcomeIn, request: Request, login: LoggedIn) -> JSONResponse:
    """What became of the patient, back to the referring side: the loop is closed."""
    return await _act(no, "outcome", body, request, login)


@router.post("/{no}/cancel", response_model=MatterDoneOut, operation_id="cancelReferral")
async def cancel(no: No, body: CancelReferralIn, request: Request, login: LoggedIn) -> JSONResponse:
    """By the referring side or the patient, as long as he has not been admitted."""
    return await _act(no, "cancel", body, request, login)


@router.post("/{no}/no-show", response_model=MatterDoneOut, operation_id="reportNoShow")
async def no_show(no: No, request: Request, login: LoggedIn) -> JSONResponse:
    """The patient did not come."""
    return await _act(no, "no_show", None, request, login)
