"""Provinces: how each is doing, the brake, what was put aside."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from api.auth import Caller, need
from api.house import house
from api.idempotency import Answer, in_transaction
from api.schemas_provinces import BrakeIn, BrakeOut, ProvinceList, QuarantineList, ResultFileList
from api.usecases import provinces
from domain.messages import Role
from models.database import Session

router = APIRouter(prefix="/v1/provinces", tags=["provinces"])
READERS = (Role.OPERATOR, Role.INTEGRATOR, Role.AUDITOR, Role.COORDINATOR, Role.SUPERVISOR)
Region = Annotated[str, Path(pattern="^[1-9][0-9]0000$")]


@router.get("", operation_id="listProvinces")
async def get_provinces(request: Request, caller: Caller) -> ProvinceList:
    """State, latency, errors, breaker, unknown outcomes and brake of every province, over all worker processes."""
    need(caller, *READERS)
    h = house(request)
    async with h.database.begin() as session:
        return ProvinceList(provinces=await provinces.overview(session, h))


@router.post("/{region}/brake", response_model=BrakeOut, operation_id="brakeProvince")
async def brake(region: Region, body: BrakeIn, request: Request, caller: Caller) -> JSONResponse:
    """Holds or releases every call to a province, or limits their rate. Nothing that waits is lost."""
    need(caller, Role.OPERATOR)
    h = house(request)
    provinces.known(h, region)

    async def work(session: Session) -> Answer:
        return Answer.of(await provinces.brake(session, caller, region, body))

    answer = await in_transaction(request, caller, work)
    await provinces.QueueLimits().tell(h)
    return answer


@router.get("/{region}/results", operation_id="listResultFiles")
async def get_results(region: Region, request: Request, caller: Caller) -> ResultFileList:
    """Nightly files that were read, newest day first, each with what it says otherwise than our books."""
    need(caller, Role.OPERATOR, Role.AUDITOR)
    h = house(request)
    provinces.known(h, region)
    async with h.database.begin() as session:
        return ResultFileList(files=await provinces.result_files(session, region))


@router.get("/{region}/quarantine", operation_id="listQuarantine")
async def get_quarantine(region: Region, request: Request, caller: Caller) -> QuarantineList:
    """Answers about people nobody had asked about, newest first: which case and step, never what they said."""
    need(caller, Role.OPERATOR, Role.AUDITOR)
    h = house(request)
    provinces.known(h, region)
    async with h.database.begin() as session:
        return QuarantineList(entries=await provinces.put_aside(session, region))
