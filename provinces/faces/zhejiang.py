"""330000: ``{code, msg, data, traceId}``, always HTTP 200; signed lines, paged queries, callbacks in any order."""

from __future__ import annotations

import base64
import json
import re
import secrets
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provinces.faces.base import KEY, Face, fields_of, malformed, money_text, read_json, route, text_of
from provinces.house import House
from provinces.signing import NONCE, Nonces, hmac_sha256, is_stale, same, sha256_hex
from provinces.store import Matter
from provinces.visit import Told, Visit
from provinces.words import Action, Code, Order, Outcome, Problem, State, both

LARGEST_PAGE = 5
OK = "200"
STATES: Mapping[State, str] = MappingProxyType(
    {State.DONE: "DONE", State.REFUSED: "REFUSED", State.IN_PROGRESS: "DOING"}
)
PROBLEMS: Mapping[Code, tuple[str, str]] = MappingProxyType(
    {
        Code.MALFORMED: ("40001", "请求格式错误"),
        Code.AUTH_MISSING: ("40101", "签名错误"),
        Code.AUTH_WRONG: ("40101", "签名错误"),
        Code.AUTH_STALE: ("40102", "请求已过期"),
        Code.AUTH_REPLAYED: ("40103", "请求重复"),
        Code.NO_SUCH_SERVICE: ("40402", "无此事项"),
        Code.KEY_REUSED: ("40901", "业务流水号已用于其他内容"),
        Code.TOO_LARGE: ("41301", "请求过大"),
        Code.TOO_MANY: ("42901", "请求过多"),
        Code.MAINTENANCE: ("50301", "系统维护"),
        Code.INTERNAL: ("50001", "系统错误"),
    }
)
_BUSY = frozenset({Code.TOO_MANY, Code.MAINTENANCE})
_SEQUENCE = {"taken": 1, "ended": 2}
_DAMAGE: dict[str, dict[str, object]] = {
    "wrong_types": {"bizNo": 7, "reasonCodes": "none", "resultData": [1]},
    "unknown_enum": {"status": "PERHAPS"},
}
_MILLISECONDS = re.compile(r"[0-9]{13}")


def matter_out(outcome: Outcome) -> dict[str, object]:
    """A matter in the words of Zhejiang."""
    return {
        "outBizNo": outcome.key,
        "bizNo": outcome.number,
        "status": STATES[outcome.state],
        "resultData": dict(outcome.result),
        "reasonCodes": list(outcome.reasons),
        "reasonText": both(outcome.text),
        "wants": both(outcome.wants),
        "checkAfter": outcome.check_after,
    }


def wrapped(code: str, message: str, data: object) -> dict[str, object]:
    """The envelope of everything."""
    return {"code": code, "msg": message, "data": data, "traceId": uuid.uuid4().hex}


def sign(secret: str, method: str, path: str, query: str, access_key: str, at: str, nonce: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the lines; the query sorted by name, otherwise as it was sent."""
    ordered = "&".join(sorted(query.split("&"), key=lambda pair: pair.partition("=")[0]))
    lines = (method, path, ordered, access_key, at, nonce, sha256_hex(body))
    return base64.b64encode(hmac_sha256(secret, *lines)).decode()


class ZhejiangVisit(Visit):
    """One request. ``reading``: how it is turned into what the office is asked."""

    def __init__(
        self, nonces: Nonces, reading: Callable[[ZhejiangVisit], Told], house: House, request: Request, body: bytes
    ) -> None:
        super().__init__(house, request, body)
        self._nonces = nonces
        self._reading = reading
        self._page: tuple[int, int] | None = None

    @property
    def operation(self) -> str:
        if "service" in self.request.path_params:
            return str(self.request.path_params["service"])
        return "health" if self.path.endswith("/health") else "lookup"

    def admit(self) -> None:
        keys = self.house.credentials
        access_key, at = self.header("x-access-key"), self.header("x-timestamp")
        nonce, sent = self.header("x-nonce"), self.header("x-signature")
        if not _MILLISECONDS.fullmatch(at) or not NONCE.fullmatch(nonce):
            raise Problem(Code.AUTH_WRONG)
        said = (self.request.method, self.path, self.query, access_key, at, nonce, self.body)
        signed = any(same(sign(each, *said), sent) for each in keys.texts("secrets"))
        if not same(keys.text("access_key"), access_key) or not signed:
            raise Problem(Code.AUTH_WRONG)
        if is_stale(int(at) / 1000, self.now):
            raise Problem(Code.AUTH_STALE)
        if not self._nonces.take(nonce, self.now):
            raise Problem(Code.AUTH_REPLAYED)

    def work(self) -> Told:
        return self._reading(self)

    def tell(self, told: Told, damage: str) -> Response:
        spoilt = _DAMAGE.get(damage, {})
        matters = [matter_out(outcome) | spoilt for outcome in told.outcomes]
        data: object
        if self._page is not None:
            total: object = "many" if damage == "wrong_types" else told.total
            data = {"total": total, "pageNo": self._page[0], "pageSize": self._page[1], "list": matters}
        else:
            data = matters[0] if matters else {"status": "UP", "region": self.house.region}
        return JSONResponse(wrapped("20099" if damage == "unknown_enum" else OK, "success", data))

    def fail(self, problem: Problem) -> Response:
        code, message = PROBLEMS.get(problem.code, PROBLEMS[Code.INTERNAL])
        after = problem.retry_after
        retry: object = None if not after else int(after) if after.isdigit() else after
        return JSONResponse(wrapped(code, message, {"retryAfter": retry} if problem.code in _BUSY else None))

    # what is asked

    def order(self) -> Told:
        """One order of the action its path names."""
        body, params = read_json(self.body), self.request.path_params
        if params["action"] not in list(Action):
            raise Problem(Code.NO_SUCH_SERVICE)
        if self.header("content-type").split(";")[0].strip().lower() != "application/json":
            raise malformed("content_type")
        action = Action(params["action"])
        key = text_of(body, "outBizNo", KEY)
        if action in (Action.PREVIEW, Action.VERIFY) and key:
            raise malformed("outBizNo_misplaced")
        order = Order(
            Zhejiang.name, action, params["department"], params["service"], key,
            text_of(body, "originalBizNo", KEY), text_of(body, "caseNo"), text_of(body, "legNo"),
            text_of(body, "stepNo"), fields_of(body.get("formData", {}), money_text),
        )  # fmt: skip
        return Told.of(self.house.office.handle(order))

    def page(self) -> Told:
        """A page of the matters of a case, in the order received."""
        asked = parse_qs(self.query, keep_blank_values=True)
        if not set(asked) <= {"caseNo", "pageNo", "pageSize"} or any(len(values) > 1 for values in asked.values()):
            raise malformed("query")
        case_no = asked.get("caseNo", [""])[0]
        number, size = (asked.get(name, ["1" if name == "pageNo" else "5"])[0] for name in ("pageNo", "pageSize"))
        if not case_no or not all(re.fullmatch(r"[0-9]{1,6}", each) for each in (number, size)):
            raise malformed("query")
        self._page = (int(number), int(size))
        if self._page[0] < 1 or not 1 <= self._page[1] <= LARGEST_PAGE:
            raise malformed("page")
        found = self.house.store.of_case(case_no)
        first = (self._page[0] - 1) * self._page[1]
        shown = found[first : first + self._page[1]]
        return Told(tuple(matter.outcome() for matter in shown), total=len(found))

    def health(self) -> Told:
        """Whether the house is up."""
        return Told()

    def nowhere(self) -> Told:
        """An address that does not exist."""
        raise Problem(Code.NO_SUCH_SERVICE)


class Zhejiang(Face):
    """330000."""

    name = "zhejiang"
    credentials = ("access_key", "secrets")

    def routes(self) -> list[Route]:
        nonces, v = Nonces(), ZhejiangVisit

        def to(reading: Callable[[ZhejiangVisit], Told]) -> partial[ZhejiangVisit]:
            return partial(ZhejiangVisit, nonces, reading)

        return [
            route("/api/requests", self.visits(to(v.page)), ["GET"]),
            route("/api/health", self.visits(to(v.health)), ["GET"]),
            route("/api/{department}/{service}/{action}", self.visits(to(v.order)), ["POST"]),
            route("/api/{rest:path}", self.visits(to(v.nowhere)), ["GET", "POST", "PUT", "DELETE", "PATCH"]),
        ]

    def letter(self, matter: Matter, what: str, event_no: str) -> str | None:
        if what not in _SEQUENCE:
            return None
        at = self.house.clock.text().replace("+00:00", "Z")
        about = {"eventId": event_no, "seq": _SEQUENCE[what], "time": at, "matter": matter_out(matter.outcome())}
        return json.dumps(wrapped(OK, "success", about), ensure_ascii=False)

    def seal(self, url: str, body: bytes, now: float, *, forged: bool) -> dict[str, str]:
        keys, parts = self.house.credentials, urlsplit(url)
        access_key, at, nonce = keys.text("access_key"), str(int(now * 1000)), secrets.token_hex(16)
        secret = secrets.token_hex(16) if forged else keys.texts("secrets")[0]
        signed = sign(secret, "POST", parts.path or "/", parts.query, access_key, at, nonce, body)
        return {
            "Content-Type": "application/json",
            "X-Access-Key": access_key,
            "X-Timestamp": at,
            "X-Nonce": nonce,
            "X-Signature": signed,
        }
