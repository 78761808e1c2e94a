"""The application: routers, problem documents, request ids, limits and metrics around a House."""

from __future__ import annotations

import time
import uuid

from fastapi import FastAPI, HTTPException, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.delivery import Delivery
from api.house import House
from api.limits import RateLimit
from api.metrics import REQUESTS, SECONDS
from api.problems import install, problem, unforeseen
from api.routers import (
    bills,
    bulk,
    callbacks,
    cases,
    claims,
    clearing,
    deadlines,
    documents,
    drafts,
    fhir,
    filings,
    health,
    institutions,
    law,
    people,
    provinces,
    public,
    recognitions,
    referrals,
    services,
    statistics,
    tasks,
    treatments,
    windows,
)
from api.schemas import Problem

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
LARGEST_JSON = 1024 * 1024
ROUTERS = (
    *(services, deadlines, documents, drafts, cases, law, people, windows, bulk, tasks, statistics, provinces),
    *(recognitions, bills, clearing, health, fhir),
    *(filings, referrals, institutions, treatments, claims),
    *(callbacks, public),
)
_PROBLEMS = {
    code: {"model": Problem, "description": text}
    for code, text in {
        401: "Not logged in",
        404: "Not there, or not yours",
        409: "The state does not allow it",
        422: "The input is wrong",
        503: "A part is down",
    }.items()
}


class BodyLimit:
    """Refuses a body larger than its route takes, declared or streamed, before it is read into memory."""

    def __init__(self, app: ASGIApp, upload: int) -> None:
        self._app = app
        self._upload = upload + 64 * 1024  # the multipart frame around a file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._upload if scope["path"] == "/v1/documents" else LARGEST_JSON
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        request = Request(scope)
        if not declared.isdigit() or int(declared) > limit:
            await problem(request, "body_too_large")(scope, receive, send)
            return
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise _TooLarge(413)
            return message

        try:
            await self._app(scope, limited, send)
        except _TooLarge:
            await problem(request, "body_too_large")(scope, receive, send)


class _TooLarge(HTTPException):
    """The body grew over its limit while it was read. Of this type, because FastAPI calls any other a bad body."""


def create_app(house: House) -> FastAPI:
    """The API over this house; the caller owns what is in it and closes it."""
    app = FastAPI(
        title="Tongban 通办",
        version="1",
        summary="Government services that cross provincial borders: one application, one status, one clock.",
        docs_url="/docs",
        redoc_url=None,
        responses=_PROBLEMS,  # type: ignore[arg-type]
    )
    app.state.house = house
    app.state.delivery = Delivery(house.database, house.gateway, house.calendars, local_first=house.local_first)
    app.state.rate_limit = RateLimit(house.requests_per_s, house.requests_burst)
    install(app)
    for module in ROUTERS:
        app.include_router(module.router)

    app.add_middleware(BodyLimit, upload=house.max_upload_bytes)
    app.add_middleware(Envelope)
    return app


class Envelope:
    """Around every request: an id of ours (a client's is not trusted with that), the time it took, safe headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started, status, begun = time.perf_counter(), 500, False

        async def labelled(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                begun = True
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, labelled)
        except Exception as error:  # noqa: BLE001  the server would log it with its values
            answer = unforeseen(Request(scope), error)
            if not begun:
                await answer(scope, receive, labelled)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "other"  # a client may invent any
            REQUESTS.labels(method, route, str(status)).inc()
            SECONDS.labels(method, route).observe(time.perf_counter() - started)
