"""One request on its way through a province, the same for every face: misbehave, let in, work, misbehave, answer."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from provinces import magic, wire
from provinces.faults import Fault, Where
from provinces.house import House
from provinces.office import Handled
from provinces.words import Code, Outcome, Problem

DEEP = 100_000
_GARBAGE = "<!doctype html><meta charset=utf-8><title>系统维护</title><h1>系统维护中</h1>"

log = logging.getLogger("provinces")


@dataclass(frozen=True)
class Told:
    """What work came to. ``mark``: the magic value of something new; ``total``: of a page, if there are more."""

    outcomes: tuple[Outcome, ...] = ()
    mark: str = ""
    total: int = 0
    status: int = 200

    @classmethod
    def of(cls, handled: Handled) -> Told:
        """One matter."""
        new = handled.fresh and bool(handled.outcome.key)  # what is only shown is no matter
        return cls((handled.outcome,), handled.mark if handled.fresh else "", 1, 201 if new else 200)


class Visit(ABC):
    """One request in the words of one face. ``now``: the true time, for signatures; a test moves only the books."""

    def __init__(self, house: House, request: Request, body: bytes) -> None:
        self.house = house
        self.request = request
        self.body = body
        self.now = time.time()

    @property
    @abstractmethod
    def operation(self) -> str:
        """What the switchboard calls it: a service, lookup, health, token or results."""

    @abstractmethod
    def admit(self) -> None:
        """Believes the caller or raises Problem."""

    @abstractmethod
    def work(self) -> Told:
        """Reads the request and does it; raises Problem."""

    @abstractmethod
    def tell(self, told: Told, damage: str) -> Response:
        """The answer. ``damage``: what a fault does to its content; a face ignores what it has no word for."""

    @abstractmethod
    def fail(self, problem: Problem) -> Response:
        """The answer when there is no outcome."""

    def deepen(self, body: bytes) -> bytes:
        """The same answer with something nested beyond all measure in it."""
        return body.rstrip()[:-1] + b',"deep":' + b"[" * DEEP + b"]" * DEEP + b"}"

    @property
    def path(self) -> str:
        """The path as it was sent, percent-encoded."""
        raw = self.request.scope.get("raw_path")
        return raw.decode("ascii", "replace") if isinstance(raw, bytes) else self.request.url.path

    @property
    def query(self) -> str:
        """The query as it was sent, without its question mark."""
        return bytes(self.request.scope["query_string"]).decode("ascii", "replace")

    def header(self, name: str) -> str:
        """One header, or nothing."""
        return self.request.headers.get(name, "").strip()


Opening = Callable[[House, Request, bytes], Visit]


async def serve(house: House, request: Request, opening: Opening) -> Response:
    """Takes one request through the house."""
    body = await wire.read(request)
    visit = opening(house, request, body or b"")
    if body is None:
        return visit.fail(Problem(Code.TOO_LARGE, "body_too_large"))
    house.office.address = str(request.base_url)
    door = house.faults.pick(Where.DOOR, visit.operation) if house.close_door else None
    if door is not None and house.close_door is not None:
        house.close_door(door.seconds)
        wire.drop(request, reset=True)
        return Response()
    skew = house.faults.pick(Where.CLOCK, visit.operation)
    visit.now += skew.seconds if skew else 0.0
    try:
        fault = house.faults.pick(Where.CALL, visit.operation)
        early = await before(request, fault) if fault else None
        if early is not None:
            return early
        visit.admit()
        told = visit.work()
        after = house.faults.pick(Where.ANSWER, visit.operation) or magic.ANSWERS.get(told.mark)
        return await _after(visit, told, after) if after else visit.tell(told, "")
    except Problem as problem:
        return visit.fail(problem)
    except ConnectionError:  # a line cut on purpose where there is no line to cut
        raise
    except Exception:  # an answer is owed whatever happened
        log.exception("a request could not be dealt with")
        return visit.fail(Problem(Code.INTERNAL))


async def before(request: Request, fault: Fault) -> Response | None:
    """What a fault of a call does instead of the work; None: the work goes on, perhaps later."""
    headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    match fault.kind:
        case "down":
            return PlainTextResponse("Service Unavailable", 503, headers)
        case "http_status":
            elsewhere = {"Location": "/elsewhere"} if 300 <= fault.status < 400 else {}
            return PlainTextResponse("", fault.status, headers | elsewhere)
        case "refuse_429":
            raise Problem(Code.TOO_MANY, retry_after=fault.retry_after)
        case "maintenance":
            raise Problem(Code.MAINTENANCE, retry_after=fault.retry_after)
        case "error_500":
            raise Problem(Code.INTERNAL)
        case "reset":
            wire.drop(request, reset=True)
            return Response()
        case "half_open":
            await wire.hold(request, fault.seconds)
            return Response()
    await asyncio.sleep(fault.seconds)  # delayed
    return None


async def _after(visit: Visit, told: Told, fault: Fault) -> Response:
    if fault.kind == "callback_early":
        for outcome in told.outcomes:
            await visit.house.tell_early(outcome.key)
    told = replace(told, outcomes=tuple(_spoilt(outcome, fault.kind) for outcome in told.outcomes))
    return await spoil(visit.request, visit.tell(told, fault.kind), fault, visit.deepen)


async def spoil(request: Request, answer: Response, fault: Fault, deepen: Callable[[bytes], bytes]) -> Response:
    """What a fault after the work does to the bytes of the answer, or to the line it goes by."""
    body = bytes(answer.body)
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
        case "oversize":
            return wire.with_body(answer, body + b" " * (2 << 20))
        case "wrong_charset":
            return wire.with_body(answer, body.decode("gb18030", "replace").encode("utf-16"))
        case "deep":
            return wire.with_body(answer, deepen(body))
        case "drip":
            return wire.drip(answer, fault.seconds)
        case "truncated" | "reset_mid_body":
            await wire.half(request, answer, reset=fault.kind == "reset_mid_body")
            return Response()
    return answer


def _spoilt(outcome: Outcome, kind: str) -> Outcome:
    if kind == "wrong_key":
        return replace(outcome, key="0" * 64)
    if kind == "bad_licence":
        number = outcome.result.get("licence_identifier", "1.2.156.3005.2.0")
        wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
        return replace(outcome, result=dict(outcome.result) | {"licence_identifier": wrong})
    return outcome
