"""Health data: what I have consented to, and who has looked at what about me."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from api.auth import LoggedIn
from api.house import house
from api.idempotency import Answer, around_order, in_transaction, key_of
from api.schemas_health import ConsentIn, ConsentList, ConsentOut, ReadLogOut
from api.usecases import health
from models.database import Session

router = APIRouter(prefix="/v1/medical", tags=["health data"])
LARGEST = 2**63 - 1


@router.get("/access-log", operation_id="getHealthAccessLog")
async def get_access_log(
    request: Request,
    login: LoggedIn,
    before: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> ReadLogOut:
    """Who has looked at my health data, when, on what basis; and what I have to be told."""
    async with house(request).database.begin() as session:
        return await health.access_log(session, house(request), login, before, limit)


@router.post("/access-log/notices/{notice}/seen", status_code=204, operation_id="seeHealthNotice")
async def see_notice(notice: Annotated[int, Path(ge=1, le=LARGEST)], request: Request, login: LoggedIn) -> None:
    """I have seen that somebody read in an emergency."""
    async with house(request).database.begin() as session:
        await health.see_notice(session, login, notice)


@router.get("/consents", operation_id="listHealthConsents")
async def get_consents(request: Request, login: LoggedIn) -> ConsentList:
    """What I have consented to, withdrawn ones too, and the texts in force."""
    async with house(request).database.begin() as session:
        return await health.my_consents(session, house(request), login)


@router.post("/consents", status_code=201, response_model=ConsentOut, operation_id="grantHealthConsent")
async def grant(body: ConsentIn, request: Request, login: LoggedIn) -> JSONResponse:
    """Lets institutions read records of mine."""

    async def work(session: Session) -> Answer:
        out = await health.grant_records(session, house(request), login, body, key_of(request))
        return Answer.of(out, status=201)

    return await in_transaction(request, login.actor, work)


@router.post("/consents/{consent}/withdraw", response_model=ConsentOut, operation_id="withdrawHealthConsent")
async def withdraw(
    consent: Annotated[str, Path(max_length=40, pattern="^[a-z0-9]*$")], request: Request, login: LoggedIn
) -> JSONResponse:
    """Nothing more is read by this consent; what was read and decided stands."""

    async def work() -> Answer:
        return Answer.of(await health.withdraw(house(request), login, consent))

    return await around_order(request, login.actor, work)
