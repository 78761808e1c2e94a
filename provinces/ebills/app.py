"""The platform as an ASGI application: signed orders and questions, and with controls ``/sim``."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provinces import wire as line
from provinces.clock import BadClock, Clock
from provinces.credentials import BadCredentials, Credentials
from provinces.ebills import wire
from provinces.ebills.desk import Desk, KeyReused
from provinces.ebills.store import BillStore
from provinces.faces.base import KEY, malformed, read_json, route, text_of
from provinces.faults import BadFault, Switchboard, Where
from provinces.signing import NONCE, Nonces, is_stale, same
from provinces.visit import DEEP, before, spoil
from provinces.words import Code, Problem

log = logging.getLogger("provinces")
NAME = "ebills"
_CLIENT = re.compile(r"[a-z0-9-]{1,64}")
_MILLISECONDS = re.compile(r"[0-9]{1,15}")
MOST_EVENTS = 200
STATUS: Mapping[Code, int] = {
    Code.AUTH_WRONG: 401,
    Code.AUTH_STALE: 401,
    Code.AUTH_REPLAYED: 401,
    Code.NO_SUCH_MATTER: 404,
    Code.NO_SUCH_SERVICE: 404,
    Code.KEY_REUSED: 409,
    Code.MALFORMED: 400,
    Code.TOO_LARGE: 413,
    Code.TOO_MANY: 429,
    Code.MAINTENANCE: 503,
    Code.INTERNAL: 500,
}


@dataclass(frozen=True)
class Settings:
    """How the platform runs."""

    data: Path
    controls: bool = False
    credentials: Path | None = None
    seed: int = 0
    numbers: Path | None = None


@dataclass
class Asked:
    """One admitted request. ``client``: who signed it."""

    request: Request
    client: str
    body: bytes

    def content(self) -> dict[str, object]:
        """Its JSON."""
        return read_json(self.body)


Endpoint = Callable[[Asked], dict[str, Any]]


class Platform:
    """Everything in one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.credentials = Credentials(NAME, settings.credentials)
        self.store = BillStore(settings.data / "platform.sqlite")
        self.clock = Clock(self.store)
        self.faults = Switchboard(settings.seed)
        numbers = json.loads(settings.numbers.read_text("utf-8")) if settings.numbers else None
        self.desk = Desk(self.store, self.clock, numbers)
        self.close_door: Callable[[float], None] | None = None
        self._nonces = Nonces()

    # orders

    def issue(self, asked: Asked) -> dict[str, Any]:
        """POST /api/bills"""
        body = asked.content()
        content, unit = wire.content_of(body.get("bill")), wire.needed(body, "unit", wire.UNIT)
        if content["payee"]["uscc"] != unit:
            raise malformed("unit")
        return self._order(asked, body, lambda: self.desk.issue(asked.client, unit, content))

    def lock(self, asked: Asked) -> dict[str, Any]:
        """POST /api/locks"""
        body = asked.content()
        code, number = (wire.needed(body, name, wire.DIGITS) for name in ("billCode", "billNumber"))
        unit, purpose = wire.needed(body, "unit", wire.UNIT), wire.purpose_of(body)
        amount, days, claim = wire.fen(body.get("amount")), wire.days_of(body), text_of(body, "claim", wire.TX)
        return self._order(
            asked, body, lambda: self.desk.lock(asked.client, unit, code, number, purpose, amount, days, claim)
        )

    def release(self, asked: Asked) -> dict[str, Any]:
        """POST /api/releases"""
        body = asked.content()
        lock_id, unit = wire.needed(body, "lockId", wire.LOCK), wire.needed(body, "unit", wire.UNIT)
        return self._order(asked, body, lambda: self.desk.release(asked.client, unit, lock_id))

    def red_letter(self, asked: Asked) -> dict[str, Any]:
        """POST /api/red-letters"""
        body = asked.content()
        code, number = (wire.needed(body, name, wire.DIGITS) for name in ("billCode", "billNumber"))
        unit = wire.needed(body, "unit", wire.UNIT)
        if not text_of(body, "reason"):
            raise malformed("reason_missing")
        return self._order(asked, body, lambda: self.desk.red_letter(asked.client, unit, code, number))

    def reimburse(self, asked: Asked) -> dict[str, Any]:
        """POST /api/reimbursements: its key is the transaction number"""
        body = asked.content()
        lock_id, unit = wire.needed(body, "lockId", wire.LOCK), wire.needed(body, "unit", wire.UNIT)
        tx_no, refunds = wire.needed(body, "txNo", wire.TX), text_of(body, "refunds", wire.TX)
        paid_at, amount = wire.needed(body, "time", wire.TIME), wire.fen(body.get("amount"))
        answer = self.desk.pay(asked.client, unit, lock_id, tx_no, paid_at, amount, refunds)
        return {"txNo": tx_no} | wire.told(answer)

    def _order(self, asked: Asked, body: Mapping[str, object], work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        key = wire.key_of(body)
        try:
            answer = self.desk.order(asked.client, key, {"path": asked.request.url.path, "body": dict(body)}, work)
        except KeyReused:
            raise Problem(Code.KEY_REUSED) from None
        return {"requestNo": key} | wire.told(answer)

    # questions

    def find(self, asked: Asked) -> dict[str, Any]:
        """GET /api/requests/{key}"""
        key = asked.request.path_params["key"]
        known = self.store.request(asked.client, key) if KEY.fullmatch(key) else None
        if known is None:
            raise Problem(Code.NO_SUCH_MATTER)
        return {"requestNo": key} | wire.told(known[1])

    def find_payment(self, asked: Asked) -> dict[str, Any]:
        """GET /api/reimbursements/{tx_no}"""
        known = self.store.payment(asked.request.path_params["tx_no"])
        if known is None or known["client"] != asked.client:
            raise Problem(Code.NO_SUCH_MATTER)
        return {"txNo": known["tx_no"]} | wire.told(json.loads(known["answer"]))

    def look(self, asked: Asked) -> dict[str, Any]:
        """GET /api/bills/{code}/{number}"""
        found = self.desk.look(asked.request.path_params["code"], asked.request.path_params["number"])
        if found is None:
            raise Problem(Code.NO_SUCH_MATTER)
        return {"state": wire.state_out(found)}

    def authenticity(self, asked: Asked) -> dict[str, Any]:
        """POST /api/authenticity: a verdict, never a 404"""
        body = asked.content()
        code, number = text_of(body, "billCode"), text_of(body, "billNumber")
        real, found = self.desk.is_authentic(code, number, text_of(body, "checkCode"))
        out: dict[str, Any] = {"verdict": "AUTHENTIC" if real else "NOT_AUTHENTIC"}
        return out | ({"state": wire.state_out(found["state"]), "bill": wire.bill_out(found["bill"])} if found else {})

    def events(self, asked: Asked) -> dict[str, Any]:
        """GET /api/events?after=N"""
        query = parse_qs(asked.request.url.query, keep_blank_values=True)
        after = query.get("after", ["0"])[0]
        if set(query) - {"after"} or not re.fullmatch(r"[0-9]{1,15}", after):
            raise malformed("query")
        found = self.desk.events(asked.client, int(after), MOST_EVENTS + 1)
        shown = [wire.event_out(event) for event in found[:MOST_EVENTS]]
        return {"events": shown, "more": len(found) > MOST_EVENTS}

    def health(self, asked: Asked) -> dict[str, Any]:
        """GET /api/health"""
        return {"status": "UP", "platform": NAME}

    # the way of a request

    def endpoint(self, operation: str, work: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        """Misbehave, let in, work, misbehave, answer."""

        async def serve(request: Request) -> Response:
            body = await line.read(request)
            now = time.time()
            door = self.faults.pick(Where.DOOR, operation) if self.close_door else None
            if door is not None and self.close_door is not None:
                self.close_door(door.seconds)
                line.drop(request, reset=True)
                return Response()
            skew = self.faults.pick(Where.CLOCK, operation)
            try:
                fault = self.faults.pick(Where.CALL, operation)
                early = await before(request, fault) if fault else None
                if early is not None:
                    return early
                if body is None:
                    raise Problem(Code.TOO_LARGE)
                asked = Asked(request, self._admit(request, body, now + (skew.seconds if skew else 0.0)), body)
                answer = work(asked)
                after = self.faults.pick(Where.ANSWER, operation)
                damage = after.kind if after else ""
                response = self._signed(request, asked.client, 200, _spoilt(answer, damage), forged=damage)
                return await spoil(request, response, after, _deepened) if after else response
            except Problem as problem:
                return self._failed(request, problem)
            except ConnectionError:  # a line cut on purpose where there is no line to cut
                raise
            except Exception:  # an answer is owed whatever happened
                log.exception("a request could not be dealt with")
                return self._failed(request, Problem(Code.INTERNAL))

        return serve

    def _admit(self, request: Request, body: bytes, now: float) -> str:
        heads = [request.headers.get(name, "") for name in ("x-client", "x-timestamp", "x-nonce", "x-signature")]
        client, at, nonce, sent = heads
        if not _CLIENT.fullmatch(client) or not _MILLISECONDS.fullmatch(at) or not NONCE.fullmatch(nonce):
            raise Problem(Code.AUTH_WRONG)
        try:
            known = self.credentials.texts(client)
        except BadCredentials:
            raise Problem(Code.AUTH_WRONG) from None
        path, query = request.url.path, bytes(request.scope["query_string"]).decode("ascii", "replace")
        said = (request.method, path, query, client, at, nonce, body)
        if not any(same(wire.request_signature(secret, *said), sent) for secret in known):
            raise Problem(Code.AUTH_WRONG)
        if is_stale(int(at) / 1000, now):
            raise Problem(Code.AUTH_STALE)
        if not self._nonces.take(f"{client} {nonce}", now):
            raise Problem(Code.AUTH_REPLAYED)
        return client

    def _signed(
        self, request: Request, client: str, status: int, content: dict[str, Any], *, forged: str = ""
    ) -> Response:
        response = JSONResponse(content, status)
        secret = "forged" if forged == "forged_answer" else self.credentials.texts(client)[0]
        nonce = request.headers.get("x-nonce", "")
        response.headers["X-Signature"] = wire.answer_signature(secret, nonce, status, bytes(response.body))
        return response

    def _failed(self, request: Request, problem: Problem) -> Response:
        status = STATUS.get(problem.code, 500)
        content = {"error": problem.code.value, "detail": problem.detail}
        client = request.headers.get("x-client", "")
        if status == 401 or not _CLIENT.fullmatch(client):
            return JSONResponse(content, status)
        try:
            response = self._signed(request, client, status, content)
        except BadCredentials:
            return JSONResponse(content, status)
        if problem.retry_after:
            response.headers["Retry-After"] = problem.retry_after
        return response

    # controls

    async def sim_faults(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/faults"""
        if request.method == "DELETE":
            self.faults.clear()
            return Response(status_code=204)
        if request.method == "GET":
            return JSONResponse({"faults": self.faults.listed()})
        try:
            fault = self.faults.add(json.loads(await request.body()))
        except (BadFault, ValueError) as refusal:
            return JSONResponse({"error": str(refusal)}, 422)
        if self.close_door is not None and (door := self.faults.pick(Where.DOOR, fault.operation)):
            self.close_door(door.seconds)
        return JSONResponse({"number": fault.number}, 201)

    async def sim_clock(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/clock"""
        try:
            if request.method == "POST":
                self.clock.set(json.loads(await request.body()))
            elif request.method == "DELETE":
                self.clock.move(0.0)
        except (BadClock, ValueError) as refusal:
            return JSONResponse({"error": str(refusal)}, 422)
        return JSONResponse({"offset_s": self.clock.offset_s, "now": self.clock.text()})

    async def sim_books(self, request: Request) -> Response:
        """GET /sim/books: every lock and every payment"""
        locks = [hold.__dict__ for hold in self.store.holds()]
        return JSONResponse({"locks": locks, "payments": self.store.payments()})

    async def up(self, request: Request) -> Response:
        """GET /health, unsigned, for whoever supervises the process."""
        return JSONResponse({"status": "up"})

    def routes(self) -> list[Route]:
        """All addresses."""
        signed: list[tuple[str, str, str, Endpoint]] = [
            ("POST", "/api/bills", "issue", self.issue),
            ("GET", "/api/bills/{code}/{number}", "state", self.look),
            ("POST", "/api/authenticity", "verify", self.authenticity),
            ("POST", "/api/locks", "lock", self.lock),
            ("POST", "/api/releases", "release", self.release),
            ("POST", "/api/reimbursements", "reimburse", self.reimburse),
            ("GET", "/api/reimbursements/{tx_no}", "lookup", self.find_payment),
            ("POST", "/api/red-letters", "red_letter", self.red_letter),
            ("GET", "/api/requests/{key}", "lookup", self.find),
            ("GET", "/api/events", "events", self.events),
            ("GET", "/api/health", "health", self.health),
        ]
        made = [route(path, self.endpoint(name, work), [method]) for method, path, name, work in signed]
        made.append(route("/health", self.up, ["GET"]))
        if self.settings.controls:
            made.append(route("/sim/faults", self.sim_faults, ["GET", "POST", "DELETE"]))
            made.append(route("/sim/clock", self.sim_clock, ["GET", "POST", "DELETE"]))
            made.append(route("/sim/books", self.sim_books, ["GET"]))
        return made


def build_app(settings: Settings) -> Starlette:
    """The program as an ASGI application."""
    platform = Platform(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await asyncio.sleep(0)
        platform.store.close()

    app = Starlette(routes=platform.routes(), lifespan=lifespan)
    app.state.platform = platform
    return app


def _spoilt(answer: dict[str, Any], damage: str) -> dict[str, Any]:
    match damage:
        case "wrong_types":
            return answer | {"state": "bald", "result": 7, "verdict": 7, "events": "none"}
        case "unknown_enum":
            return answer | {"result": "PERHAPS", "verdict": "PERHAPS"}
        case "wrong_key":
            return answer | {"requestNo": "0" * 64, "txNo": "another"}
    return answer


def _deepened(body: bytes) -> bytes:
    return body.rstrip()[:-1] + b',"deep":' + b"[" * DEEP + b"]" * DEEP + b"}"
