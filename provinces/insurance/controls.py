"""``/sim``: faults, clock, ledger, books and their planted differences, persons. Only with controls."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provinces.clock import BadClock
from provinces.faces.base import route
from provinces.faults import BadFault, Where
from provinces.insurance import register, statements
from provinces.insurance.compute import Year
from provinces.insurance.letters import dumps
from provinces.insurance.register import HUB

if TYPE_CHECKING:
    from provinces.insurance.app import Platform

_PLANTED: dict[str, tuple[str, ...]] = {"missing": (), "duplicate": (), "extra": ("as",), "amount": ("by",)}


class Controls:
    """What testers and demonstrators may do."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def routes(self) -> list[Route]:
        """All of them."""
        many = ["GET", "POST", "DELETE"]
        return [
            route("/sim/faults", self.switches, many),
            route("/sim/clock", self.time, many),
            route("/sim/ledger", self.ledger, ["GET"]),
            route("/sim/messages", self.messages, ["GET"]),
            route("/sim/books/day", self.day, ["GET"]),
            route("/sim/books/month", self.month, ["GET"]),
            route("/sim/books/differences", self.differences, many),
            route("/sim/people", self.newcomer, ["POST"]),
            route("/sim/people/{psn_no}", self.person, ["POST"]),
        ]

    async def switches(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/faults"""
        if request.method == "DELETE":
            self._platform.faults.clear()
            return Response(status_code=204)
        if request.method == "GET":
            return JSONResponse({"faults": self._platform.faults.listed()})
        try:
            fault = self._platform.faults.add(await request.json())
        except (BadFault, ValueError) as wrong:
            return JSONResponse({"error": str(wrong)}, 422)
        door = self._platform.faults.pick(Where.DOOR, fault.operation) if self._platform.close_door else None
        if door is not None and self._platform.close_door is not None:
            self._platform.close_door(door.seconds)
        return JSONResponse({"number": fault.number}, 201)

    async def time(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/clock"""
        try:
            if request.method == "POST":
                self._platform.clock.set(await request.json())
            elif request.method == "DELETE":
                self._platform.clock.move(0.0)
        except (BadClock, ValueError) as wrong:
            return JSONResponse({"error": str(wrong)}, 422)
        return JSONResponse({"offset_s": self._platform.clock.offset_s, "now": self._platform.clock.text()})

    async def ledger(self, request: Request) -> Response:
        """GET /sim/ledger?role=&mdtrt_id=&msgid=&psn_no="""
        wanted = {n: v for n in ("role", "mdtrt_id", "msgid", "psn_no") if (v := request.query_params.get(n))}
        where = " AND ".join(f"{name} = ?" for name in wanted) or "1"
        rows = self._platform.books.entries(where, *wanted.values())
        return _json({"region": self._platform.settings.region, "rows": rows})

    async def messages(self, request: Request) -> Response:
        """GET /sim/messages?role=: newest first."""
        return _json({"rows": self._platform.books.messages(request.query_params.get("role", "treatment"))})

    async def day(self, request: Request) -> Response:
        """GET /sim/books/day?date=&side="""
        return self._book(request, request.query_params.get("date", ""), request.query_params.get("date", ""))

    async def month(self, request: Request) -> Response:
        """GET /sim/books/month?month=yyyy-MM&side="""
        month = request.query_params.get("month", "")
        return self._book(request, f"{month}-01", f"{month}-31")

    def _book(self, request: Request, first: str, last: str) -> Response:
        side = request.query_params.get("side", HUB if self._platform.settings.region == HUB else "treatment")
        try:
            date.fromisoformat(first)
        except ValueError:
            return JSONResponse({"error": "no such day"}, 422)
        rows = statements.shown(self._platform.books, side, first, last)
        return _json({"region": self._platform.settings.region, "side": side, "rows": rows})

    async def differences(self, request: Request) -> Response:
        """GET, POST, DELETE /sim/books/differences"""
        planted = self._platform.books.differences()
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
            self._platform.books.plant(planted if request.method == "POST" else [])
        return JSONResponse({"differences": self._platform.books.differences()})

    async def newcomer(self, request: Request) -> Response:
        """POST /sim/people: {area, who, seq}: one more person of that kind."""
        body = await request.json()
        try:
            area, who, seq = body["area"], body["who"], body["seq"]
            if register.province_of(area) != self._platform.settings.region or len(seq) != 3 or not seq.isdigit():
                raise ValueError("another province, or no three digits")
            admitted = register.one_of(register.pooling_area(area), who, seq)
        except (ValueError, KeyError, TypeError, StopIteration) as wrong:
            return JSONResponse({"error": str(wrong)}, 422)
        self._platform.books.admit_people([admitted])
        return JSONResponse({"psn_no": admitted.psn_no, "certno": admitted.certno}, 201)

    async def person(self, request: Request) -> Response:
        """POST /sim/people/{psn_no}: changes ``balance``, ``status`` or ``aid``, or sets the totals of a ``year``."""
        psn_no, body = request.path_params["psn_no"], await request.json()
        found = self._platform.books.person("psn_no", psn_no)
        if found is None or not isinstance(body, dict) or not set(body) <= {"balance", "status", "aid", "year"}:
            return JSONResponse({"error": "nobody, or nothing to change"}, 422)
        with self._platform.books.transaction():
            for column in set(body) - {"year"}:
                self._platform.books.change_person(psn_no, column, str(body[column]))
            if "year" in body:
                self._set_year(psn_no, found.insutype, body["year"])
        return Response(status_code=204)

    def _set_year(self, psn_no: str, insutype: str, told: dict[str, str]) -> None:
        amounts = (Decimal(told.get(n, "0.00")) for n in ("pool", "over_cap", "big_illness_base", "medical_aid"))
        totals = Year(int(told.get("stays", "0")), *amounts)
        self._platform.books.write_year(psn_no, insutype, "inpatient", told["year"], totals)


def _json(content: object) -> Response:
    """Amounts as texts, so that no reader makes floats of them."""
    return Response(json.dumps(json.loads(dumps(content), parse_float=str)), media_type="application/json")
