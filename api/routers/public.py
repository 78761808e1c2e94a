"""What needs no login: verification of licences, health, metrics."""

from __future__ import annotations

import io

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.gateway import Down
from api.house import House, house
from api.metrics import OUTBOX_AGE, OUTBOX_BACKLOG
from api.schemas import VerificationOut
from api.usecases import notices
from api.views import place_out
from domain.errors import Refusal
from domain.identifiers import parse_licence_id
from domain.messages import Text
from models import outbox
from models.database import DATABASE_DOWN, DatabaseError
from models.licences import read_licence

router = APIRouter()


@router.get("/v1/verify/{licence}", tags=["verification"], operation_id="verifyLicence")
async def verify(licence: str, request: Request) -> VerificationOut:
    """Whether a licence or a notice was issued here and is valid; shows only what its service declares as public."""
    h = house(request)
    async with h.database.begin() as session:
        if (paper := await notices.verify(session, h, licence)) is not None:
            return paper
    if len(licence) > 200 or parse_licence_id(licence) is None:
        raise Refusal("not_found")
    async with h.database.begin() as session:
        found = await read_licence(session, licence)
    if found is None:
        raise Refusal("not_found")
    return VerificationOut(
        licence=found.identifier,
        valid=found.state == "valid",
        state=found.state,
        title=Text.model_validate(found.title),
        issuer=place_out(h, found.region, found.department),
        issued_at=found.issued_at,
        shows=found.shows,
    )


@router.get("/v1/verify/{licence}/qr.svg", tags=["verification"], operation_id="qrOfLicence", response_class=Response)
async def qr(licence: str, request: Request) -> Response:
    """A picture of the address at which it is verified, for printing beside its number."""
    await verify(licence, request)
    picture = io.BytesIO()
    segno.make(house(request).verification_url(licence), error="m").save(
        picture, kind="svg", scale=4, xmldecl=False, title=licence
    )
    return Response(picture.getvalue(), media_type="image/svg+xml")


@router.get("/healthz", tags=["operation"], operation_id="healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", tags=["operation"], operation_id="readyz")
async def readyz(request: Request) -> JSONResponse:
    """Whether requests can be served, and which part is down. Intake needs only the database and the store."""
    h = house(request)
    parts = {"database": await _database(h), "temporal": await _temporal(h), "workers": await _workers(h)}
    ready = parts["database"] == "ok"
    status = "ok" if all(state == "ok" for state in parts.values()) else "degraded" if ready else "down"
    return JSONResponse({"status": status, "parts": parts}, status_code=200 if ready else 503)


async def _database(h: House) -> str:
    try:
        await h.database.ping()
    except (DatabaseError, *DATABASE_DOWN):
        return "down"
    return "ok"


async def _temporal(h: House) -> str:
    try:
        await h.gateway.ping()
    except Down:
        return "down"
    return "ok"


async def _workers(h: House) -> str:
    try:
        return "ok" if await h.gateway.has_worker() else "down"
    except Down:
        return "unknown"


@router.get("/metrics", tags=["operation"], operation_id="metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> PlainTextResponse:
    """Prometheus. Labels hold routes and states, never numbers of cases or people."""
    try:
        async with house(request).database.begin() as session:
            waiting, oldest = await outbox.backlog(session)
        OUTBOX_BACKLOG.set(waiting)
        OUTBOX_AGE.set(oldest)
    except (DatabaseError, *DATABASE_DOWN):
        OUTBOX_BACKLOG.set(float("nan"))
        OUTBOX_AGE.set(float("nan"))
    return PlainTextResponse(generate_latest(), media_type=CONTENT_TYPE_LATEST)
