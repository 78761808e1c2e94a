"""Errors as RFC 9457 problem documents: stable code, zh and en, the field, a request id; never a stack or a value."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from adapters.oidc import KeysUnavailable
from api.gateway import Down, NotRunning
from domain.errors import ERRORS, Refusal, Refusals
from domain.messages import Text
from models.database import DATABASE_DOWN, DatabaseError, is_lock_timeout

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = {503: "5", 429: "5"}
log = structlog.get_logger(__name__)


def problem(
    request: Request, code: str, items: Sequence[Refusal] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    """The document for a code. ``items`` become ``errors`` with JSON pointers."""
    kind = ERRORS[code]
    body: dict[str, Any] = {
        "type": f"urn:tongban:problem:{code}",
        "title": kind.text.en,
        "title_zh": kind.text.zh,
        "status": kind.status,
        "code": code,
        "request_id": getattr(request.state, "request_id", ""),
    }
    if items:
        body["errors"] = [item_of(item) for item in items]
    answer_headers = dict(headers or {})
    if kind.status in RETRY_AFTER_S or code == "in_flight":
        answer_headers.setdefault("Retry-After", RETRY_AFTER_S.get(kind.status, "1"))
    return JSONResponse(body, status_code=kind.status, media_type=MEDIA_TYPE, headers=answer_headers)


def item_of(item: Refusal) -> dict[str, Any]:
    detail = item.detail or Text(zh="", en="")
    return {
        "code": item.code,
        "field": _sendable(item.field),
        "zh": _sendable(f"{detail.zh}：{item.kind.text.zh}" if detail.zh else item.kind.text.zh),
        "en": _sendable(f"{detail.en}: {item.kind.text.en}" if detail.en else item.kind.text.en),
    }


def _sendable(words: str) -> str:
    """A client may name a field with half a surrogate pair; no answer can repeat that."""
    return words.encode("utf-8", "replace").decode()


def refusal_response(request: Request, error: Refusal) -> JSONResponse:
    """One refusal; its field, if it has one, as the only item."""
    headers = {"WWW-Authenticate": "Bearer"} if error.kind.status == 401 else None
    return problem(request, error.code, [error] if error.field or error.detail else [], headers)


def install(app: FastAPI) -> None:
    """Registers the handlers. What is not foreseen is answered by the envelope around the application."""

    @app.exception_handler(Refusal)
    async def _refusal(request: Request, error: Refusal) -> JSONResponse:
        return refusal_response(request, error)

    @app.exception_handler(Refusals)
    async def _refusals(request: Request, error: Refusals) -> JSONResponse:
        return problem(request, error.items[0].code, error.items)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        items = [_invalid_item(detail) for detail in error.errors()]
        code = "bad_request" if any(d["type"] == "json_invalid" for d in error.errors()) else items[0].code
        return problem(request, code, items)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        codes = {
            400: "bad_request",
            401: "unauthenticated",
            404: "not_found",
            405: "method_not_allowed",
            413: "body_too_large",
        }
        return problem(request, codes.get(error.status_code, "bad_request"), headers=dict(error.headers or {}))

    @app.exception_handler(Down)
    async def _down(request: Request, error: Down) -> JSONResponse:
        log.warning("temporal_down", request_id=request.state.request_id)
        return problem(request, "temporarily_down")

    @app.exception_handler(NotRunning)
    async def _not_running(request: Request, error: NotRunning) -> JSONResponse:
        return problem(request, "temporarily_down")

    @app.exception_handler(KeysUnavailable)
    async def _no_keys(request: Request, error: KeysUnavailable) -> JSONResponse:
        log.warning("login_keys_unavailable", code=error.code)
        return problem(request, "temporarily_down")

    @app.exception_handler(DatabaseError)
    async def _database(request: Request, error: DatabaseError) -> JSONResponse:
        if is_lock_timeout(error):
            return problem(request, "in_flight")
        if isinstance(error, DATABASE_DOWN) or error.connection_invalidated:
            log.warning("database_down", request_id=request.state.request_id)
            return problem(request, "temporarily_down")
        return unforeseen(request, error)

    for kind in DATABASE_DOWN:
        if not issubclass(kind, DatabaseError):
            app.add_exception_handler(kind, _connection_down)


async def _connection_down(request: Request, error: Exception) -> JSONResponse:
    log.warning("connection_down", request_id=request.state.request_id, error=type(error).__name__)
    return problem(request, "temporarily_down")


def unforeseen(request: Request, error: Exception) -> JSONResponse:
    """500 with the request id, and a line in the log without values."""
    log.error(
        "unforeseen",
        request_id=getattr(request.state, "request_id", ""),
        error=type(error).__name__,
        # the places without the message: messages of database errors carry parameters, which may be personal
        trace="".join(traceback.format_tb(error.__traceback__)),
    )
    return problem(request, "internal")


def _invalid_item(detail: Any) -> Refusal:
    kind = {"missing": "field_missing", "extra_forbidden": "field_unknown"}.get(detail["type"], "field_invalid")
    location = [str(part) for part in detail["loc"]]
    if location and location[0] in {"body", "query", "path", "header"}:
        location = location[1:]
    return Refusal(kind, "/" + "/".join(location)[:200])
