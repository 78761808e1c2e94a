"""One platform, or the hub, as an ASGI application: the door with its faults, and with controls ``/sim``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from provinces import wire
from provinces.clock import Clock
from provinces.credentials import BadCredentials, Credentials
from provinces.faces.base import route
from provinces.faults import Fault, Kind, Switchboard, Where
from provinces.insurance import register
from provinces.insurance.books import Books
from provinces.insurance.controls import Controls
from provinces.insurance.hop import Hop
from provinces.insurance.hub import NationalHub
from provinces.insurance.insured import InsuredPlace
from provinces.insurance.letters import Fields, Letter, answer, is_signed, read_letter, seal
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

    async def health(self, request: Request) -> Response:
        """GET /health"""
        return JSONResponse({"status": "up", "region": self.settings.region})

    def routes(self) -> list[Route]:
        """The door, and what a tester may do."""
        own = [route("/fsi/api/{infno}", self.message, ["POST"]), route("/health", self.health, ["GET"])]
        return own + (Controls(self).routes() if self.settings.controls else [])


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
            secret = secret[::-1]
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
