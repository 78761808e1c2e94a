"""Stays in hospital, outpatient visits, settlements and their reversal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Path, Query, Request
from fastapi.responses import JSONResponse

from api.auth import LoggedIn, Login, need
from api.house import house
from api.idempotency import Answer, around_order, in_transaction, key_of
from api.routers.cases import delivery, read_cursor, write_cursor
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
from models.database import Session

stays = APIRouter(prefix="/v1/medical/stays", tags=["stays"])
visits = APIRouter(prefix="/v1/medical/visits", tags=["visits"])
router = APIRouter(tags=["settlements"])
No = Annotated[str, Path(max_length=40, pattern=NO_NUL)]
STAY, VISIT = MatterKind.STAY, MatterKind.VISIT


async def _open(body: StayIn | VisitIn, request: Request, login: Login, background: BackgroundTasks) -> JSONResponse:
    need(login.actor, Role.INSTITUTION)
    started: list[tuple[int, str]] = []

    async def work(session: Session) -> Answer:
        out, no, message = await treatments.open_treatment(session, house(request), login.actor, body)
        started.append((message, no))
        return Answer.of(out, status=201, headers={"Location": f"/v1/medical/{out.kind}s/{no}"})

    response = await in_transaction(request, login.actor, work)
    for message, no in started:
        background.add_task(delivery(request).matter_now, message, no)
    response.background = background
    return response


async def _act(request: Request, login: Login, work: Callable[[], Awaitable[MatterDoneOut]]) -> JSONResponse:
    """An act of the institution: 200 when its end is known, 202 while it is not."""
    need(login.actor, Role.INSTITUTION)

    async def done() -> Answer:
        out = await work()
        return Answer.of(out, status=202 if out.pending else 200)

    return await around_order(request, login.actor, done)


@stays.post("", status_code=201, response_model=TreatmentOut, operation_id="admitPatient")
async def admit(body: StayIn, request: Request, login: LoggedIn, background: BackgroundTasks) -> JSONResponse:
    """Admits a patient: who he is (1101), whether he may be settled directly (2001), the admission (2401)."""
    return await _open(body, request, login, background)


@visits.post("", status_code=201, response_model=TreatmentOut, operation_id="registerVisit")
async def register(body: VisitIn, request: Request, login: LoggedIn, background: BackgroundTasks) -> JSONResponse:
    """Registers a patient for an outpatient visit (2201, 2203), also for a certified chronic disease."""
    return await _open(body, request, login, background)


async def _list(kind: MatterKind, request: Request, login: Login, after: str, limit: int) -> TreatmentList:
    h = house(request)
    async with h.database.begin() as session:
        found = await treatments.listed(session, h, login, kind, read_cursor(after) if after else None, limit)
    last = found[-1] if len(found) == limit else None
    return TreatmentList(treatments=found, next=write_cursor(last.created_at, last.no) if last else None)


Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[str, Query(max_length=200, pattern=NO_NUL)]


@stays.get("", operation_id="listStays")
async def get_stays(request: Request, login: LoggedIn, after: After = "", limit: Limit = 50) -> TreatmentList:
    """Mine, those of my institution, or those of the people insured at my agency; newest first."""
    return await _list(STAY, request, login, after, limit)


@visits.get("", operation_id="listVisits")
async def get_visits(request: Request, login: LoggedIn, after: After = "", limit: Limit = 50) -> TreatmentList:
    """Mine, those of my institution, or those of the people insured at my agency; newest first."""
    return await _list(VISIT, request, login, after, limit)


@stays.get("/{no}", operation_id="getStay")
async def get_stay(no: No, request: Request, login: LoggedIn) -> TreatmentOut:
    """One stay: where it stands, who is waited for, fees, settlements, bills."""
    async with house(request).database.begin() as session:
        return await treatments.read(session, house(request), login, STAY, no)


@visits.get("/{no}", operation_id="getVisit")
async def get_visit(no: No, request: Request, login: LoggedIn) -> TreatmentOut:
    """One visit: where it stands, who is waited for, fees, settlements, bills."""
    async with house(request).database.begin() as session:
        return await treatments.read(session, house(request), login, VISIT, no)


@stays.post("/{no}/fees", response_model=MatterDoneOut, operation_id="addStayFees")
async def add_stay_fees(no: No, body: FeesIn, request: Request, login: LoggedIn) -> JSONResponse:
    """Uploads fee lines (2301). A recognised examination is not charged again."""
    return await _act(
        request, login, lambda: treatments.add_fees(house(request), login, STAY, no, body, key_of(request))
    )


@visits.post("/{no}/fees", response_model=MatterDoneOut, operation_id="addVisitFees")
async def add_visit_fees(no: No, body: FeesIn, request: Request, login: LoggedIn) -> JSONResponse:
    """Uploads fee lines (2204). A recognised examination is not charged again."""
    return await _act(
        request, login, lambda: treatments.add_fees(house(request), login, VISIT, no, body, key_of(request))
    )


@stays.post("/{no}/discharge", response_model=MatterDoneOut, operation_id="dischargePatient")
async def discharge(no: No, body: DischargeIn, request: Request, login: LoggedIn) -> JSONResponse:
    """The patient leaves, or has died (2402)."""
    return await _act(request, login, lambda: treatments.discharge(house(request), login, no, body, key_of(request)))


def _plain(
    routes: APIRouter, kind: MatterKind, path: str, what: str, operation_id: str, summary: str, body_type: type | None
) -> None:
    """A route for an act that needs no more than a word."""
    if body_type is None:

        async def bare(no: No, request: Request, login: LoggedIn) -> JSONResponse:
            return await _act(
                request, login, lambda: treatments.act(house(request), login, kind, no, what, None, key_of(request))
            )

        endpoint: Callable[..., Awaitable[JSONResponse]] = bare
    else:

        async def with_body(no: No, body, request: Request, login: LoggedIn) -> JSONResponse:  # type: ignore[no-untyped-def]
            return await _act(
                request, login, lambda: treatments.act(house(request), login, kind, no, what, body, key_of(request))
            )

        with_body.__annotations__["body"] = body_type
        endpoint = with_body
    endpoint.__doc__ = summary
    routes.post("/{no}/" + path, response_model=MatterDoneOut, operation_id=operation_id)(endpoint)


for _routes, _kind, _name in ((stays, STAY, "Stay"), (visits, VISIT, "Visit")):
    _plain(
        _routes, _kind, "fees/cancel", "cancel_fees", f"cancel{_name}Fees",
        "Takes fee details down again: all, or one upload.", CancelFeesIn,
    )  # fmt: skip
    _plain(
        _routes, _kind, "preview", "preview", f"preview{_name}",
        "What would have to be paid, as the insured place computes it; without effect.", None,
    )  # fmt: skip
    _plain(
        _routes, _kind, "settlement", "settle", f"settle{_name}",
        "Settles: the funds pay their part at once, the patient pays the rest.", SettleIn,
    )  # fmt: skip
    _plain(
        _routes, _kind, "cancel", "cancel", f"cancel{_name}",
        "It was a mistake; only as long as there are no fees.", None,
    )  # fmt: skip
    _plain(
        _routes, _kind, "recheck", "recheck", f"recheck{_name}",
        "Is direct settlement possible now, after a filing that came late?", None,
    )  # fmt: skip
    _plain(
        _routes, _kind, "payment-in-full", "pay_in_full", f"pay{_name}InFull",
        "The patient pays everything himself; a claim for manual reimbursement opens by itself.", ReasonIn,
    )  # fmt: skip


@router.post(
    "/v1/medical/reversals", response_model=MatterDoneOut, operation_id="reverseSettlement", tags=["settlements"]
)
async def reverse(body: ReversalIn, request: Request, login: LoggedIn) -> JSONResponse:
    """Undoes the settlement of a stay (2305) or visit (2208); its bill is cancelled by a red-letter bill."""
    return await _act(request, login, lambda: treatments.reverse(house(request), login, body, key_of(request)))


@router.post("/v1/medical/settlements/preview", operation_id="explainSettlement", tags=["settlements"])
async def explain(body: PreviewIn, request: Request, login: LoggedIn) -> ExplainedOut:
    """Who would pay what of a bill, line by line, by the pack in force; without effect, nothing is kept."""
    return ExplainedOut(result=settlements.explained(body))


@router.get("/v1/medical/settlements/{setl_id}", operation_id="getSettlement", tags=["settlements"])
async def get_settlement(
    setl_id: Annotated[str, Path(max_length=60, pattern="^[A-Za-z0-9_-]+$")], request: Request, login: LoggedIn
) -> SettlementFact:
    """A settlement with its bill lines as the treatment place has classified them, recomputed for the patient."""
    async with house(request).database.begin() as session:
        return await settlements.fact(session, house(request), login, setl_id)
