"""The HTTP face of a province: the signed gateway, a health page and, with controls, the switchboard and the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from provinces.callbacks import Messenger
from provinces.faults import BadFault, Fault, Switchboard
from provinces.office import BadRequest, Office
from provinces.signing import Gate
from provinces.store import Store

LARGEST_BODY = 1 << 20
Work = Callable[[object], dict[str, object]]


@dataclass(frozen=True)
class Settings:
    """How one province runs."""

    region: str
    data: Path
    secret: bytes
    callback_url: str = ""
    pending_s: float = 1.0
    controls: bool = False
    auto_pay: bool = True


class Gateway:
    """Verifies, misbehaves if told to, and hands the rest to the office."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.data / "province.sqlite")
        self.faults = Switchboard()
        self.office = Office(
            settings.region,
            self.store,
            self.faults,
            settings.pending_s,
            has_callback=bool(settings.callback_url),
            auto_pay=settings.auto_pay,
        )
        self.messenger = Messenger(self.office, settings.callback_url, settings.secret)
        self._gate = Gate(settings.secret)

    async def service(self, request: Request) -> Response:
        """POST /gateway/{department}/{service}"""
        department, service = request.path_params["department"], request.path_params["service"]
        self.office.address = str(request.base_url)
        return await self._answer(request, service, lambda body: self.office.handle(department, service, body))

    async def lookup(self, request: Request) -> Response:
        """POST /gateway/lookup"""
        return await self._answer(request, "lookup", self.office.find)

    async def signed_health(self, request: Request) -> Response:
        """POST /gateway/health: tells a caller whether the house is up and its secret is right."""
        return await self._answer(request, "health", lambda _: {"status": "up", "regionCode": self.settings.region})

    async def health(self, request: Request) -> Response:
        """GET /health, unsigned, for whoever supervises the process."""
        return JSONResponse({"status": "up", "regionCode": self.settings.region})

    async def cashier(self, request: Request) -> Response:
        """GET, POST /pay/{number}: where a person pays a fee; ``result=failed`` tries in vain."""
        number = request.path_params["number"]
        bill = self.office.bill(number)
        if bill is None:
            return _error(404, "no_such_bill")
        if request.method == "POST":
            succeeded = request.query_params.get("result") != "failed"
            if not self.office.pay(number, succeeded=succeeded):
                return _error(409, "nothing_to_pay")
            return JSONResponse({"number": number, "paid": succeeded})
        yuan = f"{int(bill.items.get('amount_fen', '0')) / 100:.2f}"
        done = "已支付 paid" if bill.state == "done" else "待支付 to be paid"
        button = '<form method="post"><button>支付 Pay</button></form>' if bill.state == "in_progress" else ""
        return HTMLResponse(
            f"<!doctype html><meta charset=utf-8><title>{number}</title><h1>缴费单 Bill {number}</h1>"
            f"<p>¥{yuan} · {done}</p>{button}"
        )

    async def _answer(self, request: Request, operation: str, work: Work) -> Response:
        body = await _read(request)
        if body is None:
            return _error(413, "body_too_large")
        fault = self.faults.pick("call", operation)
        if fault is not None:
            early = await self._before(request, fault)
            if early is not None:
                return early
        if request.url.query:
            return _error(400, "no_query_here")
        reason = self._gate.refusal(request.method, request.url.path, request.headers, body)
        if reason is not None:
            return _error(401, reason)
        try:
            reply = work(_parse(body))
        except BadRequest as refusal:
            return _error(refusal.status, refusal.code)
        return await self._after(request, operation, reply)

    async def _before(self, request: Request, fault: Fault) -> Response | None:
        if fault.kind == "down":
            return _error(503, "down", {"Retry-After": fault.retry_after})
        if fault.kind == "refuse_429":
            return _error(429, "too_many", {"Retry-After": fault.retry_after})
        if fault.kind == "error_500":
            return _error(500, "internal")
        if fault.kind == "reset":
            _drop(request, reset=True)
            return Response()
        await asyncio.sleep(fault.seconds)
        return None

    async def _after(self, request: Request, operation: str, reply: dict[str, object]) -> Response:
        fault = self.faults.pick("answer", operation)
        kind = fault.kind if fault else ""
        if kind == "lost_answer":
            _drop(request, reset=False)
        elif kind == "garbage":
            return HTMLResponse("<!doctype html><title>系统维护</title><h1>系统维护中</h1>")
        elif kind == "oversize":
            reply = reply | {"padding": "x" * (2 << 20)}
        elif kind == "wrong_types":
            reply = reply | {"businessNo": 7, "reasons": "none"}
        elif kind == "wrong_key":
            reply = reply | {"requestNo": "0" * 64}
        elif kind == "bad_licence":
            items = reply.get("resultItems")
            items = dict(items) if isinstance(items, dict) else {}
            number = str(items.get("licence_identifier", "1.2.156.3005.2.0"))
            wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
            reply = reply | {"resultItems": items | {"licence_identifier": wrong}}
        elif kind == "callback_early":
            event = self.office.complete(str(reply.get("requestNo")))
            if event is not None and event.state == "waiting":
                await self.messenger.send_now(event)
        elif fault is not None:
            await asyncio.sleep(fault.seconds)
        return JSONResponse(reply)

    async def controls(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/faults"""
        if request.method == "DELETE":
            self.faults.clear()
            return Response(status_code=204)
        if request.method == "POST":
            try:
                fault = self.faults.add(_parse(await request.body()))
            except (BadFault, BadRequest) as refusal:
                return _error(422, str(refusal))
            return JSONResponse({"number": fault.number}, status_code=201)
        return JSONResponse({"faults": self.faults.listed()})

    async def ledger(self, request: Request) -> Response:
        """GET /sim/ledger?case_no="""
        rows = self.store.ledger(request.query_params.get("case_no"))
        return JSONResponse({"region": self.settings.region, "rows": rows})

    async def events(self, request: Request) -> Response:
        """GET /sim/callbacks?request_no="""
        rows = self.store.callbacks(request.query_params.get("request_no"))
        return JSONResponse({"rows": [vars(row) for row in rows]})


def build_app(settings: Settings) -> Starlette:
    """The program as an ASGI application; its lifespan runs the messenger."""
    gateway = Gateway(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await gateway.messenger.start()
        yield
        await gateway.messenger.stop()
        gateway.store.close()

    routes = [
        _route("/gateway/lookup", gateway.lookup, "POST"),
        _route("/gateway/health", gateway.signed_health, "POST"),
        _route("/gateway/{department}/{service}", gateway.service, "POST"),
        _route("/health", gateway.health, "GET"),
        _route("/pay/{number}", gateway.cashier, "GET", "POST"),
    ]
    if settings.controls:
        routes += [
            _route("/sim/faults", gateway.controls, "GET", "POST", "DELETE"),
            _route("/sim/ledger", gateway.ledger, "GET"),
            _route("/sim/callbacks", gateway.events, "GET"),
        ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.gateway = gateway
    return app


def _route(path: str, endpoint: Callable[[Request], Awaitable[Response]], *methods: str) -> Route:
    return Route(path, endpoint, methods=list(methods))


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": code}, status_code=status, headers=headers)


async def _read(request: Request) -> bytes | None:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _parse(body: bytes) -> object:
    try:
        parsed: object = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadRequest(400, "body_is_no_json") from None
    return parsed


def _drop(request: Request, *, reset: bool) -> None:
    """Closes the connection without an answer. The server's own cycle object is the only way to its socket."""
    transport = getattr(getattr(request.receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("dropped on purpose")
    if reset:
        transport.abort()
    else:
        transport.close()
