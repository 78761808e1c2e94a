"""``/sim``: faults, books, clock, callbacks, the nightly file; and the province's own page. Only with controls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from provinces import nightly, overview
from provinces.callbacks import Messenger
from provinces.clock import BadClock
from provinces.faces.base import route
from provinces.faults import BadFault, Where
from provinces.house import House
from provinces.store import Matter

LONGEST_LIST = 1000
LONGEST_BODY = 1 << 16
_FORM = "application/x-www-form-urlencoded"
# fields of forms that are no texts, and what they are
_NUMBERS: dict[str, Callable[[str], object]] = {
    "times": int,
    "probability": float,
    "seed": int,
    "seconds": float,
    "status": int,
    "offset_s": float,
}


class BadControl(Exception):
    """A body that a control does not understand."""


class Controls:
    """What testers and demonstrators may do."""

    def __init__(self, house: House, messenger: Messenger, dialect: str) -> None:
        self._house = house
        self._messenger = messenger
        self._dialect = dialect

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            route("/", self.page, ["GET"]),
            route("/sim/faults", self.faults, ["GET", "POST", "DELETE"]),
            route("/sim/clock", self.clock, ["GET", "POST", "DELETE"]),
            route("/sim/callback", self.callback, ["GET", "POST", "DELETE"]),
            route("/sim/ledger", self.ledger, ["GET"]),
            route("/sim/callbacks", self.callbacks, ["GET"]),
            route("/sim/requests", self.requests, ["GET"]),
            route("/sim/results/{day}/tamper", self.tamper, ["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """GET /: what came in, what was done, what is switched on."""
        lang = "en" if request.query_params.get("lang") == "en" else "zh"
        return overview.page(self._house, self._dialect, self._messenger.url, lang)

    async def faults(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/faults"""
        if request.method == "DELETE":
            self._house.faults.clear()
            return Response(status_code=204)
        if request.method == "GET":
            return JSONResponse({"faults": self._house.faults.listed()})
        try:
            body = await _body(request)
            if isinstance(body, dict) and body.pop("clear", None) is not None:  # a form can only post
                self._house.faults.clear()
                return _back(request)
            fault = self._house.faults.add(body)
        except (BadControl, BadFault) as refusal:
            return _refused(str(refusal))
        if self._house.close_door is not None:
            door = self._house.faults.pick(Where.DOOR, fault.operation)
            if door is not None:
                self._house.close_door(door.seconds)
        return await _done(request, {"number": fault.number}, 201)

    async def clock(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/clock"""
        clock = self._house.clock
        if request.method == "POST":
            try:
                body = await _body(request)
                clock.set(body)
            except (BadControl, BadClock) as refusal:
                return _refused(str(refusal))
        elif request.method == "DELETE":
            clock.move(0.0)
        if request.method != "GET":
            self._house.office.wake()
        return await _done(request, {"offset_s": clock.offset_s, "now": clock.text()})

    async def callback(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/callback: where events go; deleted, where the command line has said."""
        if request.method == "DELETE":
            self._messenger.set_url(None)
        if request.method == "POST":
            try:
                body = await _body(request)
                url = body.get("url") if isinstance(body, dict) and set(body) == {"url"} else None
                if not isinstance(url, str) or (url and not _is_address(url)):
                    raise BadControl("give url: http, https, or nothing")
            except BadControl as refusal:
                return _refused(str(refusal))
            self._messenger.set_url(url)
        return await _done(request, {"url": self._messenger.url})

    async def ledger(self, request: Request) -> Response:
        """GET /sim/ledger?case_no="""
        rows = self._house.store.ledger(request.query_params.get("case_no"))
        return JSONResponse({"region": self._house.region, "rows": rows})

    async def callbacks(self, request: Request) -> Response:
        """GET /sim/callbacks?request_no="""
        rows = self._house.store.events(request.query_params.get("request_no"))
        return JSONResponse({"rows": [asdict(row) for row in rows]})

    async def requests(self, request: Request) -> Response:
        """GET /sim/requests?case_no=: the inbox, newest first."""
        case_no = request.query_params.get("case_no")
        store = self._house.store
        rows = store.inbox(LONGEST_LIST) if case_no is None else store.of_case(case_no)[::-1]
        return JSONResponse({"region": self._house.region, "rows": [_shown(row) for row in rows]})

    async def tamper(self, request: Request) -> Response:
        """POST /sim/results/{day}/tamper"""
        try:
            nightly.tamper(self._house.store, request.path_params["day"], await _body(request))
        except (BadControl, nightly.BadTampering) as refusal:
            return _refused(str(refusal))
        return Response(status_code=204)


def _shown(matter: Matter) -> dict[str, object]:
    return asdict(matter) | {"request_no": matter.label, "reasons": list(matter.reasons)}


async def _body(request: Request) -> object:
    """JSON, or a form of our own page: empty fields are left out and numbers read."""
    raw = await request.body()
    if len(raw) > LONGEST_BODY:
        raise BadControl("too large")
    try:
        if not _is_form(request, raw):
            read: object = json.loads(raw)
            return read
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise BadControl("a form of another site")
        given = parse_qsl(raw.decode(), keep_blank_values=True)
        return {name: _NUMBERS.get(name, str)(value) for name, value in given if value or name == "url"}
    except (ValueError, RecursionError):
        raise BadControl("no JSON, or no number where one belongs") from None


def _is_form(request: Request, raw: bytes) -> bool:
    """Whether our own page has sent it; curl -d calls everything a form of its own accord."""
    form = request.headers.get("content-type", "").split(";")[0].strip() == _FORM
    return form and not raw.lstrip().startswith(b"{")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        return False


def _back(request: Request) -> Response:
    return RedirectResponse("/", 303)


async def _done(request: Request, content: dict[str, object], status: int = 200) -> Response:
    """For a form the page again, for everybody else the new state."""
    form = request.method == "POST" and _is_form(request, await request.body())
    return _back(request) if form else JSONResponse(content, status)


def _refused(why: str) -> Response:
    return JSONResponse({"error": why}, 422)
