"""Clearing between provinces by month, and the differences of the daily reconciliation."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from api.auth import Caller
from api.house import house
from api.idempotency import Answer, around_order, in_transaction, key_of
from api.schemas_clearing import (
    AnsweredOut,
    DifferenceDetail,
    DifferenceRow,
    DisputeIn,
    ItemList,
    MonthOut,
    PeriodList,
    ReconciliationList,
    ResolutionIn,
)
from api.usecases import clearing
from catalogue.drawing.words import Lang
from domain.reconciliation import DifferenceState
from models.database import Session

router = APIRouter(prefix="/v1/medical", tags=["clearing"])
Month = Annotated[str, Path(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2026-10"])]
DifferenceId = Annotated[str, Path(pattern=r"^d[0-9a-f]{25}$")]


@router.get("/clearing", operation_id="listClearing")
async def get_periods(request: Request, caller: Caller) -> PeriodList:
    """Every month of clearing with its state and its days, newest first."""
    async with house(request).database.begin() as session:
        return PeriodList(periods=await clearing.periods(session, caller))


@router.get("/clearing/{month}", operation_id="getClearing")
async def get_month(month: Month, request: Request, caller: Caller) -> MonthOut:
    """Statements per pair, gross; nets as a report; who is waited for and until when; history."""
    async with house(request).database.begin() as session:
        return await clearing.month_of(session, caller, month)


@router.get(
    "/clearing/{month}/flows.svg",
    operation_id="drawClearing",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}, "description": "The picture"}},
)
async def get_picture(month: Month, request: Request, caller: Caller, lang: Lang = Lang.ZH) -> Response:
    """The flows of a month as a picture, with the same numbers as text in it."""
    h = house(request)
    async with h.database.begin() as session:
        picture = await clearing.picture_of(session, h, caller, month, lang)
    return Response(picture, media_type="image/svg+xml")


@router.get("/clearing/{month}/items", operation_id="listClearingItems")
async def get_items(
    month: Month, request: Request, caller: Caller, after: Annotated[str, Query(pattern=r"^[!-~]{0,64}$")] = ""
) -> ItemList:
    """The settlements that your province owes for, a hundred at a time by their numbers."""
    async with house(request).database.begin() as session:
        return await clearing.items_of(session, caller, month, after)


@router.post("/clearing/{month}/confirmations", response_model=AnsweredOut, operation_id="confirmClearing")
async def confirm(month: Month, request: Request, caller: Caller) -> JSONResponse:
    """Your province agrees to what it owes, but for what it has disputed. Nothing can be disputed afterwards."""

    async def work() -> Answer:
        return Answer.of(await clearing.confirm(house(request), caller, month, key_of(request)))

    return await around_order(request, caller, work)


@router.post("/clearing/{month}/disputes", response_model=AnsweredOut, operation_id="disputeClearing")
async def dispute(month: Month, body: DisputeIn, request: Request, caller: Caller) -> JSONResponse:
    """Your province disputes items: they leave this month when it is cleared and are proposed again in the next."""

    async def work() -> Answer:
        h = house(request)
        return Answer.of(await clearing.dispute(h, caller, month, body.settlements, body.reason, key_of(request)))

    return await around_order(request, caller, work)


@router.post("/clearing/{month}/payments", response_model=AnsweredOut, operation_id="payClearing")
async def pay(month: Month, request: Request, caller: Caller) -> JSONResponse:
    """Your province has paid all it owes for a cleared month."""

    async def work() -> Answer:
        return Answer.of(await clearing.pay(house(request), caller, month, key_of(request)))

    return await around_order(request, caller, work)


@router.get("/reconciliation", operation_id="listDifferences")
async def get_differences(
    request: Request, caller: Caller, day: date | None = None, state: DifferenceState | None = None
) -> ReconciliationList:
    """What outside books say otherwise than ours, newest day first, two hundred at most."""
    async with house(request).database.begin() as session:
        found = await clearing.differences(session, caller, day, state)
        books = await clearing.runs(session, caller, day) if day else []
    return ReconciliationList(differences=found, books=books)


@router.get("/reconciliation/{difference}", operation_id="getDifference")
async def get_difference(difference: DifferenceId, request: Request, caller: Caller) -> DifferenceDetail:
    """One difference with its history."""
    async with house(request).database.begin() as session:
        return await clearing.difference(session, caller, difference)


@router.post("/reconciliation/{difference}/claim", response_model=DifferenceRow, operation_id="claimDifference")
async def claim(difference: DifferenceId, request: Request, caller: Caller) -> JSONResponse:
    """You take the difference on; a colleague's claim stands."""

    async def work(session: Session) -> Answer:
        return Answer.of(await clearing.claim(session, caller, difference))

    return await in_transaction(request, caller, work)


@router.post("/reconciliation/{difference}/resolution", response_model=DifferenceRow, operation_id="resolveDifference")
async def resolve(difference: DifferenceId, body: ResolutionIn, request: Request, caller: Caller) -> JSONResponse:
    """It is dealt with: the reason, and what was found."""

    async def work(session: Session) -> Answer:
        return Answer.of(await clearing.resolve(session, caller, difference, body.reason, body.note))

    return await in_transaction(request, caller, work)
