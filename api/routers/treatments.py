"""Stays in hospital, outpatient visits, settlements and their reversal.

Stays and visits have the same routes, but for the discharge: ``_of`` makes them for either.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Path, Query, Request
from fastapi.responses import JSONResponse

from api.auth import LoggedIn, Login, need
from api.house import house
from api.idempotency import key_of
from api.routers.cases import read_cursor, write_cursor
from api.routers.matters import acted, opened
from api.schemas import NO_NUL
from api.schemas_medical import MatterDoneOut
from api.schemas_treatments import (
    CancelFeesIn,
    DischargeIn,
    ExplainedOut,
    FeesIn,
    PreviewIn,
    ReasonIn,
    ReversalIn,
    SettleIn,
    SettlementFact,
    StayIn,
    TreatmentList,
    TreatmentOut,
    VisitIn,
)
from api.usecases import settlements, treatments
from domain.medical import MatterKind
from domain.messages import Role

STAY, VISIT = MatterKind.STAY, MatterKind.VISIT
No = Annotated[str, Path(max_length=40, pattern=NO_NUL)]
Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[str, Query(max_length=200, pattern=NO_NUL)]
router = APIRouter()


async def _open(
    kind: MatterKind, body: StayIn | VisitIn, request: Request, login: Login, background: BackgroundTasks
) -> JSONResponse:
    need(login.actor, Role.INSTITUTION)
    return await opened(
        request,
        login,
        background,
        f"/v1/medical/{kind}s",
        lambda session: treatments.open_treatment(session, house(request), login.actor, body),
    )


async def _act(request: Request, login: Login, work: Callable[[], Awaitable[MatterDoneOut]]) -> JSONResponse:
    need(login.actor, Role.INSTITUTION)
    return await acted(request, login, work)


def _of(kind: MatterKind, name: str) -> APIRouter:
    """The routes of stays, or of visits. ``name`` ends the operation ids."""
    routes = APIRouter(prefix=f"/v1/medical/{kind}s", tags=[f"{kind}s"])

    @routes.get("", operation_id=f"list{name}s")
    async def get_all(request: Request, login: LoggedIn, after: After = "", limit: Limit = 50) -> TreatmentList:
        """Mine, those of my institution, or those of the people insured at my agency; newest first."""
        h, place = house(request), read_cursor(after) if after else None
        async with h.database.begin() as session:
            found = await treatments.listed(session, h, login, kind, place, limit)
        last = found[-1] if len(found) == limit else None
        return TreatmentList(treatments=found, next=write_cursor(last.created_at, last.no) if last else None)

    @routes.get("/{no}", operation_id=f"get{name}")
    async def get_one(no: No, request: Request, login: LoggedIn) -> TreatmentOut:
        """Where it stands, who is waited for, fees, settlements, bills."""
        async with house(request).database.begin() as session:
            return await treatments.read(session, house(request), login, kind, no)

    @routes.post("/{no}/fees", response_model=MatterDoneOut, operation_id=f"add{name}Fees")
    async def add_fees(no: No, body: FeesIn, request: Request, login: LoggedIn) -> JSONResponse:
        """Uploads fee lines. A recognised examination is not charged again."""
        key = key_of(request)
        return await _act(request, login, lambda: treatments.add_fees(house(request), login, kind, no, body, key))

    @routes.post("/{no}/fees/cancel", response_model=MatterDoneOut, operation_id=f"cancel{name}Fees")
    async def cancel_fees(no: No, body: CancelFeesIn, request: Request, login: LoggedIn) -> JSONResponse:
        """Takes fee details down again: all, or one upload."""
        return await _plain(no, "cancel_fees", body, request, login)

    @routes.post("/{no}/preview", response_model=MatterDoneOut, operation_id=f"preview{name}")
    async def preview(no: No, request: Request, login: LoggedIn) -> JSONResponse:
        """What would have to be paid, as the insured place computes it; without effect."""
        return await _plain(no, "preview", None, request, login)

    @routes.post("/{no}/settlement", response_model=MatterDoneOut, operation_id=f"settle{name}")
    async def settle(no: No, body: SettleIn, request: Request, login: LoggedIn) -> JSONResponse:
        """Settles: the funds pay their part at once, the patient pays the rest."""
        return await _plain(no, "settle", body, request, login)

    @routes.post("/{no}/cancel", response_model=MatterDoneOut, operation_id=f"cancel{name}")
    async def cancel(no: No, request: Request, login: LoggedIn) -> JSONResponse:
        """It was a mistake; only as long as there are no fees."""
        return await _plain(no, "cancel", None, request, login)

    @routes.post("/{no}/recheck", response_model=MatterDoneOut, operation_id=f"recheck{name}")
    async def recheck(no: No, request: Request, login: LoggedIn) -> JSONResponse:
        """Is direct settlement possible now, after a filing that came late?"""
        return await _plain(no, "recheck", None, request, login)

    @routes.post("/{no}/payment-in-full", response_model=MatterDoneOut, operation_id=f"pay{name}InFull")
    async def pay_in_full(no: No, body: ReasonIn, request: Request, login: LoggedIn) -> JSONResponse:
        """The patient pays everything himself; a claim for manual reimbursement opens by itself."""
        return await _plain(no, "pay_in_full", body, request, login)

    async def _plain(no: str, what: str, body: treatments.Said, request: Request, login: Login) -> JSONResponse:
        key = key_of(request)
        return await _act(request, login, lambda: treatments.act(house(request), login, kind, no, what, body, key))

    return routes


stays, visits = _of(STAY, "Stay"), _of(VISIT, "Visit")


@stays.post("", status_code=201, response_model=TreatmentOut, operation_id="admitPatient")
async def admit(body: StayIn, request: Request, login: LoggedIn, background: BackgroundTasks) -> JSONResponse:
    """Admits a patient: who he is (1101), whether he may be settled directly (2001), the admission (2401)."""
    return await _open(STAY, body, request, login, background)


@stays.post("/{no}/discharge", response_model=MatterDoneOut, operation_id="dischargePatient")
async def discharge(no: No, body: DischargeIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The patient leaves, or has died (2402)."""
    key = key_of(request)
    return await _act(request, login, lambda: treatments.discharge(house(request), login, no, body, key))


@visits.post("", status_code=201, response_model=TreatmentOut, operation_id="registerVisit")
async def register(body: VisitIn, request: Request, login: LoggedIn, background: BackgroundTasks) -> JSONResponse:
    """Registers a patient for an outpatient visit (2201, 2203), also for a certified chronic disease."""
    return await _open(VISIT, body, request, login, background)


@router.post(
    "/v1/medical/reversals", response_model=MatterDoneOut, operation_id="reverseSettlement", tags=["settlements"]
)
async def reverse(body: ReversalIn, request: Request, login: LoggedIn) -> JSONResponse:
    """Undoes the settlement of a stay (2305) or visit (2208); its bill is cancelled by a red-letter bill."""
    key = key_of(request)
    return await _act(request, login, lambda: treatments.reverse(house(request), login, body, key))


@router.post("/v1/medical/settlements/preview", operation_id="explainSettlement", tags=["settlements"])
async def explain(body: PreviewIn, login: LoggedIn) -> ExplainedOut:
    """Who would pay what of a bill, line by line, by the pack in force; without effect, nothing is kept."""
    return ExplainedOut(result=settlements.explained(body))


@router.get("/v1/medical/settlements/{setl_id}", operation_id="getSettlement", tags=["settlements"])
async def get_settlement(
    setl_id: Annotated[str, Path(max_length=60, pattern="^[A-Za-z0-9_-]+$")], request: Request, login: LoggedIn
) -> SettlementFact:
    """A settlement with its bill lines as the treatment place has classified them, recomputed for the patient."""
    async with house(request).database.begin() as session:
        return await settlements.fact(session, house(request), login, setl_id)


router.include_router(stays)
router.include_router(visits)
