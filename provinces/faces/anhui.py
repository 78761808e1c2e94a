"""340000: pinyin names, HTTP status, HMAC lines, slow, and no keys: what comes twice is done twice."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provinces import nightly
from provinces.faces.base import MONEY, Endpoint, Face, fields_of, malformed, read_json, route, text_of
from provinces.faces.counter import Counter
from provinces.house import House
from provinces.signing import NONCE, Nonces, hmac_sha256, is_stale, same, sha256_hex
from provinces.visit import Told, Visit, serve
from provinces.words import KEYLESS, Action, Code, Order, Outcome, Problem, State, both

WITHOUT_INTERFACE = frozenset({"natural_resources"})
STATES: Mapping[State, str] = MappingProxyType({State.DONE: "bj", State.REFUSED: "by", State.IN_PROGRESS: "zb"})
PROBLEMS: Mapping[Code, tuple[int, str]] = MappingProxyType(
    {
        Code.MALFORMED: (400, "malformed"),
        Code.AUTH_MISSING: (401, "auth_missing"),
        Code.AUTH_WRONG: (401, "auth_wrong"),
        Code.AUTH_STALE: (401, "auth_stale"),
        Code.AUTH_REPLAYED: (401, "auth_replayed"),
        Code.NO_SUCH_SERVICE: (404, "no_such_service"),
        Code.NO_SUCH_MATTER: (404, "no_such_matter"),
        Code.NO_SUCH_DAY: (404, "no_such_day"),
        Code.TOO_LARGE: (413, "too_large"),
        Code.TOO_MANY: (429, "too_many"),
        Code.MAINTENANCE: (503, "maintenance"),
        Code.INTERNAL: (500, "internal"),
    }
)
KINDS: Mapping[str, Action] = MappingProxyType(
    {
        "sq": Action.APPLY,
        "zx": Action.CONSULT,
        "tz": Action.NOTIFY,
        "zzyl": Action.PREVIEW,
        "zzsf": Action.RELEASE,
        "zzhy": Action.VERIFY,
    }
)
ABOUT: Mapping[str, Action] = MappingProxyType(
    {"chexiao": Action.REVERSE, "chehui": Action.WITHDRAW, "buzheng": Action.SUPPLEMENT}
)
_WSBH = re.compile(r"[!-~]{1,160}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_LARGEST_YUAN = Decimal(10) ** 13
_DAMAGE: dict[str, dict[str, object]] = {
    "wrong_types": {"ywlsh": 7, "jgx": [1], "yydm": "none"},
    "unknown_enum": {"zt": "xx"},
}


def money_in(given: object) -> str:
    """A JSON number in yuan with exactly two decimals."""
    if not isinstance(given, Decimal) or given.as_tuple().exponent != -2 or abs(given) >= _LARGEST_YUAN:
        raise malformed("money_misshapen")
    return str(int(given * 100))


def matter_out(outcome: Outcome) -> dict[str, object]:
    """A matter in pinyin."""
    result = {n: Decimal(v).scaleb(-2) if n.endswith(MONEY) else v for n, v in outcome.result.items()}
    return {
        "wsbh": outcome.key,
        "ywlsh": outcome.number,
        "zt": STATES[outcome.state],
        "jgx": result,
        "yydm": list(outcome.reasons),
        "yysm": both(outcome.text),
        "xyc": both(outcome.wants),
        "jghcx": outcome.check_after,
    }


def written(value: object) -> str:
    """JSON with money to the last digit: no library writes a Decimal as the number it is."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class AnhuiVisit(Visit):
    """One request. ``reading``: how it is turned into what the office is asked."""

    def __init__(
        self, nonces: Nonces, reading: Callable[[AnhuiVisit], Told], house: House, request: Request, body: bytes
    ) -> None:
        super().__init__(house, request, body)
        self._nonces = nonces
        self._reading = reading
        self._rows = False
        self._file: bytes | None = None

    @property
    def operation(self) -> str:
        params, last = self.request.path_params, self.path.rpartition("/")[2]
        return str(params.get("service", "results" if "day" in params else "lookup" if last == "query" else "health"))

    def admit(self) -> None:
        keys = self.house.credentials
        app_id, date = self.header("x-app-id"), self.header("x-date")
        serial, sent = self.header("x-serial"), self.header("x-auth")
        if not _SECONDS.fullmatch(date) or not NONCE.fullmatch(serial) or not app_id or not sent:
            raise Problem(Code.AUTH_MISSING)
        path = f"{self.path}?{self.query}" if self.query else self.path
        lines = (self.request.method, path, date, serial, sha256_hex(self.body))
        signed = any(same(hmac_sha256(each, *lines).hex(), sent) for each in keys.texts("secrets"))
        if not same(keys.text("app_id"), app_id) or not signed:
            raise Problem(Code.AUTH_WRONG)
        if is_stale(int(date), self.now):
            raise Problem(Code.AUTH_STALE)
        if not self._nonces.take(serial, self.now):
            raise Problem(Code.AUTH_REPLAYED)

    def work(self) -> Told:
        return self._reading(self)

    def tell(self, told: Told, damage: str) -> Response:
        if self._file is not None:
            return Response(self._file, media_type="application/zip")
        matters = [matter_out(outcome) | _DAMAGE.get(damage, {}) for outcome in told.outcomes]
        if self._rows:
            total: object = "many" if damage == "wrong_types" else len(matters)
            content: object = {"total": total, "rows": matters}
        else:
            content = matters[0] if matters else {"status": "up", "region": self.house.region}
        return Response(written(content), media_type="application/json")

    def fail(self, problem: Problem) -> Response:
        status, code = PROBLEMS.get(problem.code, PROBLEMS[Code.INTERNAL])
        headers = {"Retry-After": problem.retry_after} if problem.retry_after else None
        return JSONResponse({"error": code}, status, headers)

    # what is asked

    def start(self) -> Told:
        """Whatever ``ywlx`` says, each time anew."""
        body = self._read()
        kind = text_of(body, "ywlx")
        if kind not in KINDS or text_of(body, "ywlsh"):
            raise malformed("ywlx")
        return self._order(body, KINDS[kind], "")

    def about(self) -> Told:
        """Something about the matter with that number. Cancelling what is cancelled gives the same answer again."""
        action = ABOUT.get(self.request.path_params["what"])
        if action is None:
            raise Problem(Code.NO_SUCH_SERVICE)
        body = self._read()
        original = self.house.store.by_number(text_of(body, "ywlsh"))
        if original is None:
            raise Problem(Code.NO_SUCH_MATTER)
        if original.state in ("undone", "cancelled") and action is not Action.SUPPLEMENT:
            earlier = self.house.store.naming(original.key, action.value)
            if earlier is not None and earlier.state == "done" and earlier.service == self._service:
                return Told((replace(earlier.outcome(), key=self._wsbh(body)),))
        return self._order(body, action, original.key)

    def query_rows(self) -> Told:
        """All matters with that business number or that number, oldest first."""
        asked = parse_qs(self.query, keep_blank_values=True)
        (name, values), *more = asked.items() or [("", [""])]
        if more or name not in ("wsbh", "ywlsh") or len(values) != 1:
            raise malformed("query")
        self._rows = True
        if name == "wsbh":
            return Told(tuple(matter.outcome() for matter in self.house.store.by_label(values[0])))
        found = self.house.store.by_number(values[0])
        return Told((found.outcome(),) if found else ())

    def results(self) -> Told:
        """The nightly file."""
        self._file = nightly.archive(self.house.store, self.house.clock, self.request.path_params["day"])
        return Told()

    def health(self) -> Told:
        """Whether the house is up."""
        return Told()

    def nowhere(self) -> Told:
        """An address that does not exist."""
        raise Problem(Code.NO_SUCH_SERVICE)

    @property
    def _service(self) -> str:
        return str(self.request.path_params["service"])

    def _read(self) -> dict[str, object]:
        if self.request.path_params["department"] in WITHOUT_INTERFACE:
            raise Problem(Code.NO_SUCH_SERVICE)
        return read_json(self.body, parse_float=Decimal)

    def _wsbh(self, body: Mapping[str, object], *, needed: bool = True) -> str:
        wsbh = text_of(body, "wsbh", _WSBH)
        if needed and not wsbh:
            raise malformed("wsbh")
        return wsbh

    def _order(self, body: Mapping[str, object], action: Action, original: str) -> Told:
        keyless = action in KEYLESS
        wsbh = self._wsbh(body, needed=not keyless)
        seen = bool(self.house.store.by_label(wsbh))
        order = Order(
            Anhui.name, action, self.request.path_params["department"], self._service,
            "" if keyless else f"{wsbh}~{uuid.uuid4().hex}", original,
            text_of(body, "ajbh"), text_of(body, "hj"), text_of(body, "bz"),
            fields_of(body.get("sjx", {}), money_in), label=wsbh,
        )  # fmt: skip
        handled = self.house.office.handle(order)
        told = Told((replace(handled.outcome, key=wsbh),), handled.mark)
        return replace(told, mark="") if seen else told


class Anhui(Face):
    """340000, with the counter of the departments that have no interface."""

    name = "anhui"
    credentials = ("app_id", "secrets")

    def routes(self) -> list[Route]:
        nonces, v = Nonces(), AnhuiVisit
        slow_s = self.house.settings.slow_s

        def to(reading: Callable[[AnhuiVisit], Told]) -> Endpoint:
            opening = partial(AnhuiVisit, nonces, reading)

            async def endpoint(request: Request) -> Response:
                await asyncio.sleep(slow_s)
                return await serve(self.house, request, opening)

            return endpoint

        service = "/rest/{department}/{service}"
        return [
            route("/rest/query", to(v.query_rows), ["GET"]),
            route("/rest/health", to(v.health), ["GET"]),
            route("/rest/results/{day}", to(v.results), ["GET"]),
            route(service, to(v.start), ["POST"]),
            route(service + "/{what}", to(v.about), ["POST"]),
            route("/rest/{rest:path}", to(v.nowhere), ["GET", "POST", "PUT", "DELETE", "PATCH"]),
            *Counter(self.house, WITHOUT_INTERFACE).routes(),
        ]
