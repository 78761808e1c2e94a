"""Mutual recognition of examinations and tests (检查检验结果互认)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Path, Query, Request
from fastapi.responses import JSONResponse

from api.access import APPLICANTS
from api.auth import LoggedIn, need
from api.house import house
from api.idempotency import Answer, around_order, key_of
from api.routers.matters import opened
from api.schemas import NO_NUL
from api.schemas_medical import MatterDoneOut
from api.schemas_recognition import (
    CountsOut,
    DecisionIn,
    EmergencyIn,
    RecognitionConsentIn,
    RecognitionIn,
    RecognitionList,
    RecognitionOut,
    RecognitionStatisticsOut,
)
from api.usecases import recognitions
from domain.calendar import local_day
from domain.errors import Refusal
from domain.medical.access import INSURANCE
from domain.messages import Role
from models.recognitions import statistics

router = APIRouter(prefix="/v1/medical/recognitions", tags=["recognition"])
No = Annotated[str, Path(max_length=40, pattern=NO_NUL)]
LONGEST = timedelta(days=366 * 5)


@router.post("", status_code=201, response_model=RecognitionOut, operation_id="askForRecognition")
async def ask(body: RecognitionIn, request: Request, login: LoggedIn, background: BackgroundTasks) -> JSONResponse:
    """Asks whether reports of a patient can be recognised, before examinations are ordered."""
    need(login.actor, Role.INSTITUTION)
    return await opened(
        request,
        login,
        background,
        "/v1/medical/recognitions",
        lambda session: recognitions.ask(session, house(request), login.actor, body),
    )


@router.get("", operation_id="listRecognitions")
async def get_recognitions(request: Request, login: LoggedIn) -> RecognitionList:
    """Those about me, or those of my institution, the newest first; no health data."""
    need(login.actor, *APPLICANTS, Role.INSTITUTION)
    async with house(request).database.begin() as session:
        return RecognitionList(recognitions=list(await recognitions.listed(session, house(request), login)))


@router.get("/statistics", operation_id="getRecognitionStatistics")
async def get_statistics(
    request: Request,
    login: LoggedIn,
    since: date | None = None,
    until: date | None = None,
    item: Annotated[str, Query(pattern="^[A-Z0-9-]{0,40}$")] = "",
) -> RecognitionStatisticsOut:
    """How much is recognised, and the money saved: of all, of an agency's places, or of one's own institution."""
    actor = login.actor
    need(actor, Role.COORDINATOR, Role.AUDITOR, Role.SUPERVISOR, Role.INSTITUTION)
    if actor.role is Role.SUPERVISOR and actor.department not in INSURANCE:
        raise Refusal("forbidden")
    until = until or local_day(datetime.now(UTC))
    since = since or until - timedelta(days=365)
    if not date(2000, 1, 1) <= since <= until <= date(2099, 12, 31) or until - since > LONGEST:
        raise Refusal("date_invalid", "/since")
    async with house(request).database.begin() as session:
        found = await statistics(
            session,
            since,
            until,
            institution=actor.department if actor.role is Role.INSTITUTION else "",
            region=actor.region if actor.role is Role.SUPERVISOR else "",
            item=item,
        )
    lists: dict[str, Any] = {name: [CountsOut(**line) for line in lines] for name, lines in found.items()}
    return RecognitionStatisticsOut(since=since, until=until, **lists)


@router.get("/{no}", operation_id="getRecognition")
async def get_recognition(no: No, request: Request, login: LoggedIn) -> RecognitionOut:
    """One recognition. The institution reads the reports by the patient's consent; each look is logged."""
    async with house(request).database.begin() as session:
        return await recognitions.shown(session, house(request), login, no)


@router.post("/{no}/emergency", operation_id="readRecognitionInEmergency")
async def read_in_emergency(no: No, body: EmergencyIn, request: Request, login: LoggedIn) -> RecognitionOut:
    """Reads the reports without consent, with a reason that the patient is told."""
    need(login.actor, Role.INSTITUTION)
    async with house(request).database.begin() as session:
        return await recognitions.shown(session, house(request), login, no, emergency_reason=body.reason)


async def _ordered(request: Request, login: LoggedIn, work: Callable[[str], Awaitable[MatterDoneOut]]) -> JSONResponse:
    async def answered() -> Answer:
        return Answer.of(await work(key_of(request)))

    return await around_order(request, login.actor, answered)


@router.post("/{no}/consent", response_model=MatterDoneOut, operation_id="consentToRecognition")
async def consent(no: No, body: RecognitionConsentIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The patient agrees to his reports being fetched, declines, or takes his consent back."""
    need(login.actor, *APPLICANTS)
    return await _ordered(request, login, lambda key: recognitions.consent(house(request), login, no, body, key))


@router.post("/{no}/decisions", response_model=MatterDoneOut, operation_id="decideRecognition")
async def decide(no: No, body: DecisionIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The physician recognises a report, or examines again with a reason."""
    need(login.actor, Role.INSTITUTION)
    return await _ordered(request, login, lambda key: recognitions.decide(house(request), login, no, body, key))


@router.post("/{no}/acknowledge", response_model=MatterDoneOut, operation_id="acknowledgeRecognition")
async def acknowledge(no: No, request: Request, login: LoggedIn) -> JSONResponse:
    """The patient has read why reports are not recognised."""
    need(login.actor, *APPLICANTS)
    return await _ordered(request, login, lambda key: recognitions.acknowledge(house(request), login, no, key))


@router.post("/{no}/cancel", response_model=MatterDoneOut, operation_id="cancelRecognition")
async def cancel(no: No, request: Request, login: LoggedIn) -> JSONResponse:
    """The institution does not need it any more."""
    need(login.actor, Role.INSTITUTION)
    return await _ordered(request, login, lambda key: recognitions.cancel(house(request), login, no, key))
