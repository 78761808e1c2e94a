"""One platform, or the hub, as an ASGI application: the door with its faults, and with controls ``/sim``."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from provinces import wire
from provinces.clock import BadClock, Clock
from provinces.credentials import BadCredentials, Credentials
from provinces.faces.base import route
from provinces.faults import BadFault, Fault, Kind, Switchboard, Where
from provinces.insurance import register, statements
from provinces.insurance.books import Books
from provinces.insurance.hop import Hop
from provinces.insurance.hub import NationalHub
from provinces.insurance.insured import InsuredPlace
from provinces.insurance.letters import Fields, Letter, answer, dumps, is_signed, read_letter, seal
from provinces.insurance.refusals import Code, NotReached, Refused, Unanswered
from provinces.insurance.register import HUB, REGIONS
from provinces.insurance.treatment import TreatmentPlace

AGENCY = "tongban"
TEST_PEERS = Path(__file__).parent / "peers.json"
"""Well known to everybody: for tests and demonstrations only."""
KINDS = {
    "refused": Kind(Where.DOOR),
    "down": Kind(Where.CALL),
    "http_status": Kind(Where.CALL),
    "error_500": Kind(Where.CALL),
    "reset": Kind(Where.CALL),
    "half_open": Kind(Where.CALL, seconds=60.0),
    "delayed": Kind(Where.CALL),
    "lost_answer": Kind(Where.ANSWER),
    "timeout": Kind(Where.ANSWER, seconds=60.0),
    "slow": Kind(Where.ANSWER),
    "drip": Kind(Where.ANSWER),
    "truncated": Kind(Where.ANSWER),
    "reset_mid_body": Kind(Where.ANSWER),
    "garbage": Kind(Where.ANSWER),
    "oversize": Kind(Where.ANSWER),
    "deep": Kind(Where.ANSWER),
    "forged_answer": Kind(Where.ANSWER),
    "wrong_person": Kind(Where.ANSWER),
    "wrong_visit": Kind(Where.ANSWER),
    "duplicate": Kind(Where.CALLBACK),  # at the hub: what it sends on is delivered twice
}
_GARBAGE = "<!doctype html><meta charset=utf-8><title>系统维护</title><h1>系统维护中</h1>"
_STRANGER = {
    "psn_no": "99999900000000999999", "certno": "310199197007070071", "psn_name": "王测",
}  # fmt: skip
_PLANTED = {"missing": (), "duplicate": (), "extra": ("as",), "amount": ("by",)}
log = logging.getLogger("provinces.insurance")


@dataclass(frozen=True)
class Settings:
    """How one of them runs. ``region``: six digits, or hub."""

    region: str
    data: Path
    peers: Path = TEST_PEERS
    hop_timeout_s: float = 4.0
    controls: bool = False
    seed: int = 0


class Platform:
    """Everything of one platform that runs in one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.books = Books(settings.data / "insurance.sqlite")
        self.clock = Clock(self.books)
        self.faults = Switchboard(settings.seed, KINDS)
        self.close_door: Callable[[float], None] | None = None
        self._peers = Credentials(settings.region, settings.peers, (f"{AGENCY}_secrets",))
        hop = Hop(settings.region, self._peers, settings.hop_timeout_s)
        self._hub = self._place = None
        if settings.region == HUB:
            self._hub = NationalHub(self.books, self.clock, self.faults, hop)
        else:
            self.books.admit_people(list(register.people(settings.region)))
            insured = InsuredPlace(settings.region, self.books, self.clock)
            self._place = TreatmentPlace(settings.region, self.books, self.clock, insured, hop)

    # the door

    async def message(self, request: Request) -> Response:
        """POST /fsi/api/{infno}"""
        infno, caller = request.path_params["infno"], request.headers.get("x-caller", "")
        body = await wire.read(request)
        if body is None:
            return PlainTextResponse("", 413)
        if self.close_door is not None and (door := self._pick(Where.DOOR, infno, caller)) is not None:
            self.close_door(door.seconds)
            wire.drop(request, reset=True)
            return Response()
        early = await self._before(request, self._pick(Where.CALL, infno, caller))
        return await self._worked(request, infno, caller, body) if early is None else early

    async def _worked(self, request: Request, infno: str, caller: str, body: bytes) -> Response:
        msgid, secret = "", ""
        try:
            secrets = self._secrets(caller)
            secret = secrets[0]
            letter = read_letter(caller, body)
            msgid = letter.msgid
            if letter.infno != infno:
                raise Refused(Code.BAD_MESSAGE, "infno")
            if not is_signed(letter, secrets):
                raise Refused(Code.BAD_SIGNATURE)
            output = await self._deal(letter)
        except Refused as no:
            return _answered(secret, msgid, infno, no.code, no.sentence, {})
        except NotReached:
            return PlainTextResponse("the next hop was not reached", 503)
        except Unanswered:
            return PlainTextResponse("the next hop gave no answer", 504)
        except Exception:  # an answer is owed whatever happened, and nobody knows how far it got
            log.exception("a message could not be dealt with")
            return PlainTextResponse("", 500)
        after = self._pick(Where.ANSWER, infno, caller)
        if after is not None:
            return await _after(request, letter, secret, output, after)
        return _answered(secret, msgid, infno, "0", "", output)

    async def _deal(self, letter: Letter) -> Fields:
        if self._hub is not None:
            if letter.caller in REGIONS:
                return await self._hub.from_province(letter)
            return self._hub.from_agency(letter)
        if self._place is None or letter.caller in REGIONS:
            raise Refused(Code.BAD_SIGNATURE)
        return self._place.from_hub(letter) if letter.caller == HUB else await self._place.from_hospital(letter)

    def _secrets(self, caller: str) -> list[str]:
        try:
            return self._peers.texts(f"{caller}_secrets")
        except BadCredentials:
            raise Refused(Code.BAD_SIGNATURE) from None

    def _pick(self, where: Where, infno: str, caller: str) -> Fault | None:
        """Faults are switched on for a message from anybody (2304) or from one caller (hub:2304)."""
        return self.faults.pick(where, infno) or self.faults.pick(where, f"{caller}:{infno}")

    async def _before(self, request: Request, fault: Fault | None) -> Response | None:
        match fault.kind if fault else "":
            case "down":
                return PlainTextResponse(
                    "Service Unavailable", 503, {"Retry-After": fault.retry_after if fault else ""}
                )
            case "http_status":
                return PlainTextResponse("", fault.status if fault else 400)
            case "error_500":
                return PlainTextResponse("", 500)
            case "reset":
                wire.drop(request, reset=True)
                return Response()
            case "half_open":
                await wire.hold(request, fault.seconds if fault else 0)
                return Response()
            case "delayed":
                await asyncio.sleep(fault.seconds if fault else 0)
        return None

    # what a tester may do

    async def health(self, request: Request) -> Response:
        """GET /health"""
        return JSONResponse({"status": "up", "region": self.settings.region})

    async def switches(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/faults"""
        if request.method == "DELETE":
            self.faults.clear()
            return Response(status_code=204)
        if request.method == "GET":
            return JSONResponse({"faults": self.faults.listed()})
        try:
            fault = self.faults.add(await request.json())
        except (BadFault, ValueError) as wrong:
            return JSONResponse({"error": str(wrong)}, 422)
        if fault.kind == "refused" and self.close_door is not None:
            self.faults.clear()
            self.close_door(fault.seconds)
        return JSONResponse({"number": fault.number}, 201)

    async def time(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/clock"""
        try:
            if request.method == "POST":
                self.clock.set(await request.json())
            elif request.method == "DELETE":
                self.clock.move(0.0)
        except (BadClock, ValueError) as wrong:
            return JSONResponse({"error": str(wrong)}, 422)
        return JSONResponse({"offset_s": self.clock.offset_s, "now": self.clock.text()})

    async def ledger(self, request: Request) -> Response:
        """GET /sim/ledger?role=&mdtrt_id=&msgid=&psn_no="""
        wanted = {n: v for n in ("role", "mdtrt_id", "msgid", "psn_no") if (v := request.query_params.get(n))}
        where = " AND ".join(f"{name} = ?" for name in wanted) or "1"
        rows = self.books.entries(where, *wanted.values())
        return _json({"region": self.settings.region, "rows": rows})

    async def messages(self, request: Request) -> Response:
        """GET /sim/messages?role=: newest first."""
        return _json({"rows": self.books.messages(request.query_params.get("role", "treatment"))})

    async def day(self, request: Request) -> Response:
        """GET /sim/books/day?date=&side="""
        return self._book(request, request.query_params.get("date", ""), request.query_params.get("date", ""))

    async def month(self, request: Request) -> Response:
        """GET /sim/books/month?month=yyyy-MM&side="""
        month = request.query_params.get("month", "")
        return self._book(request, f"{month}-01", f"{month}-31")

    def _book(self, request: Request, first: str, last: str) -> Response:
        side = request.query_params.get("side", HUB if self._hub else "treatment")
        try:
            date.fromisoformat(first)
        except ValueError:
            return JSONResponse({"error": "no such day"}, 422)
        rows = statements.shown(self.books, side, first, last)
        return _json({"region": self.settings.region, "side": side, "rows": rows})

    async def differences(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/books/differences"""
        planted = self.books.differences()
        if request.method == "POST":
            try:
                one = await request.json()
                wanted = {"side", "kind", "setl_id", *_PLANTED[one["kind"]]}
                if set(one) != wanted or not all(isinstance(value, str) for value in one.values()):
                    raise ValueError(f"give {', '.join(sorted(wanted))}")
            except (ValueError, KeyError, TypeError) as wrong:
                return JSONResponse({"error": str(wrong)}, 422)
            planted.append(one)
        if request.method != "GET":
            self.books.plant(planted if request.method == "POST" else [])
        return JSONResponse({"differences": self.books.differences()})

    async def person(self, request: Request) -> Response:
        """POST /sim/people/{psn_no}: changes ``balance``, ``status`` or ``aid``, or sets the totals of a ``year``."""
        psn_no, body = request.path_params["psn_no"], await request.json()
        found = self.books.person("psn_no", psn_no)
        if found is None or not isinstance(body, dict) or not set(body) <= {"balance", "status", "aid", "year"}:
            return JSONResponse({"error": "nobody, or nothing to change"}, 422)
        with self.books.transaction():
            for column in set(body) - {"year"}:
                self.books.change_person(psn_no, column, str(body[column]))
            if "year" in body:
                self._set_year(psn_no, found.insutype, body["year"])
        return Response(status_code=204)

    def _set_year(self, psn_no: str, insutype: str, told: dict[str, str]) -> None:
        from decimal import Decimal

        from provinces.insurance.compute import Year

        amounts = (Decimal(told.get(n, "0.00")) for n in ("pool", "over_cap", "big_illness_base", "medical_aid"))
        totals = Year(int(told.get("stays", "0")), *amounts)
        self.books.write_year(psn_no, insutype, "inpatient", told["year"], totals)

    def routes(self) -> list[Route]:
        """The door, and what a tester may do."""
        own = [route("/fsi/api/{infno}", self.message, ["POST"]), route("/health", self.health, ["GET"])]
        if not self.settings.controls:
            return own
        many = ["GET", "POST", "DELETE"]
        return own + [
            route("/sim/faults", self.switches, many),
            route("/sim/clock", self.time, many),
            route("/sim/ledger", self.ledger, ["GET"]),
            route("/sim/messages", self.messages, ["GET"]),
            route("/sim/books/day", self.day, ["GET"]),
            route("/sim/books/month", self.month, ["GET"]),
            route("/sim/books/differences", self.differences, many),
            route("/sim/people/{psn_no}", self.person, ["POST"]),
        ]


def build_app(settings: Settings) -> Starlette:
    """The program as an ASGI application."""
    platform = Platform(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        platform.books.close()

    app = Starlette(routes=platform.routes(), lifespan=lifespan)
    app.state.platform = platform
    return app


def _answered(secret: str, msgid: str, infno: str, code: str, sentence: str, output: Fields) -> Response:
    body = answer(msgid, code, sentence, output)
    headers = {"X-Cainfo": seal(secret, msgid, infno, body)} if secret else {}
    return Response(body, headers=headers, media_type="application/json")


async def _after(request: Request, letter: Letter, secret: str, output: Fields, fault: Fault) -> Response:
    match fault.kind:
        case "lost_answer":
            wire.drop(request, reset=False)
            return Response()
        case "timeout":
            await wire.hold(request, fault.seconds)
            return Response()
        case "garbage":
            return HTMLResponse(_GARBAGE)
        case "slow":
            await asyncio.sleep(fault.seconds)
        case "forged_answer":
            secret = "somebody-elses-secret"
        case "wrong_person":
            output = _swapped(output, _STRANGER)
        case "wrong_visit":
            output = _swapped(output, {"mdtrt_id": "M99000000000099"})
    told = _answered(secret, letter.msgid, letter.infno, "0", "", output)
    body = bytes(told.body)
    match fault.kind:
        case "oversize":
            return wire.with_body(told, body + b" " * (3 << 20))
        case "deep":
            return wire.with_body(told, body[:-1] + b',"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
        case "drip":
            return wire.drip(told, fault.seconds)
        case "truncated" | "reset_mid_body":
            await wire.half(request, told, reset=fault.kind == "reset_mid_body")
            return Response()
    return told


def _swapped(output: Fields, instead: dict[str, str]) -> Fields:
    """The same, about another; at every depth where it names anybody."""
    told: Fields = {}
    for name, value in output.items():
        if name in instead and isinstance(value, str):
            told[name] = instead[name]
        else:
            told[name] = _swapped(value, instead) if isinstance(value, dict) else value
    return told


def _json(content: object) -> Response:
    """Amounts as texts, so that no reader makes floats of them."""
    return Response(json.dumps(json.loads(dumps(content), parse_float=str)), media_type="application/json")
