"""The old gateway, the same at every province: signed JSON at ``/gateway``. Kept until nobody calls it any more."""

from __future__ import annotations

import json
from functools import partial
from types import MappingProxyType
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provinces.faces.base import Face, malformed, route
from provinces.house import House
from provinces.signing import NONCE, Nonces, is_stale, same, signature, signed_headers
from provinces.store import Matter
from provinces.visit import Told, Visit
from provinces.words import Action, Code, Order, Outcome, Problem, State, both

CODES = MappingProxyType({State.DONE: "00", State.REFUSED: "01", State.IN_PROGRESS: "02"})
UNKNOWN = "03"
_ACTIONS = {"apply": Action.APPLY, "undo": Action.REVERSE, "preview": Action.PREVIEW, "release": Action.RELEASE}
_STATUS = {
    Code.MALFORMED: 400,
    Code.TOO_LARGE: 413,
    Code.NO_SUCH_SERVICE: 404,
    Code.KEY_REUSED: 409,
    Code.AUTH_MISSING: 401,
    Code.AUTH_WRONG: 401,
    Code.AUTH_STALE: 401,
    Code.AUTH_REPLAYED: 401,
    Code.TOO_MANY: 429,
    Code.MAINTENANCE: 503,
    Code.INTERNAL: 500,
}
_DAMAGE: dict[str, dict[str, object]] = {
    "wrong_types": {"businessNo": 7, "reasons": "none"},
    "unknown_enum": {"resultCode": "99"},
}


def answer(outcome: Outcome) -> dict[str, object]:
    """An outcome in the words of the gateway."""
    return {
        "requestNo": outcome.key,
        "resultCode": CODES[outcome.state],
        "businessNo": "" if outcome.state is State.REFUSED else outcome.number,
        "resultItems": dict(outcome.result),
        "reasons": list(outcome.reasons),
        "message": both(outcome.text),
        "checkAfter": outcome.check_after,
    }


class GatewayVisit(Visit):
    """One call of the gateway."""

    def __init__(self, nonces: Nonces, house: House, request: Request, body: bytes) -> None:
        super().__init__(house, request, body)
        self._nonces = nonces

    @property
    def operation(self) -> str:
        last = self.request.url.path.removeprefix("/gateway/")
        return last.rpartition("/")[2]

    def admit(self) -> None:
        if self.query:
            raise malformed("no_query_here")
        at, nonce, sent = (self.header(name) for name in ("x-gw-time", "x-gw-nonce", "x-gw-sign"))
        if not (at.isascii() and at.isdigit() and len(at) <= 12 and NONCE.fullmatch(nonce)):
            raise Problem(Code.AUTH_MISSING, "signature_missing")
        secret = self.house.settings.secret
        if not same(signature(secret, self.request.method, self.request.url.path, at, nonce, self.body), sent):
            raise Problem(Code.AUTH_WRONG, "signature_wrong")
        if is_stale(int(at), self.now):
            raise Problem(Code.AUTH_STALE, "signature_stale")
        if not self._nonces.take(nonce, self.now):
            raise Problem(Code.AUTH_REPLAYED, "signature_replayed")

    def work(self) -> Told:
        body = self._read()
        params = self.request.path_params
        if "service" in params:
            return Told.of(self.house.office.handle(self._order(body, params["department"], params["service"])))
        if self.operation == "health":
            return Told()
        key = body.get("requestNo")
        if not isinstance(key, str) or not key:
            raise malformed("request_no_missing")
        found = self.house.office.find(key)
        return Told((found,)) if found else Told((Outcome(key, "", State.REFUSED),), total=-1)

    def tell(self, told: Told, damage: str) -> Response:
        if not told.outcomes:
            return JSONResponse({"status": "up", "regionCode": self.house.region})
        unknown = {"resultCode": UNKNOWN} if told.total < 0 else {}
        return JSONResponse(answer(told.outcomes[0]) | unknown | _DAMAGE.get(damage, {}))

    def fail(self, problem: Problem) -> Response:
        headers = {"Retry-After": problem.retry_after} if problem.retry_after else None
        return JSONResponse({"error": str(problem)}, _STATUS.get(problem.code, 500), headers)

    def _read(self) -> dict[str, object]:
        try:
            read = json.loads(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            raise malformed("body_is_no_json") from None
        if not isinstance(read, dict):
            raise malformed("body_is_no_object")
        return read

    def _order(self, body: dict[str, object], department: str, service: str) -> Order:
        names = ("requestNo", "action", "originalNo", "caseNo", "legNo", "stepNo")
        texts = [body.get(name, "") for name in names]
        items = body.get("items", {})
        if not isinstance(items, dict) or not all(isinstance(value, str) for value in (*texts, *items.values())):
            raise malformed("wrong_types")
        key, action, original, case_no, leg, step = (str(text) for text in texts)
        if body.get("regionCode") != self.house.region or body.get("serviceCode") != service:
            raise malformed("not_for_this_service")
        if action not in _ACTIONS:
            raise malformed("action_not_offered")
        return Order(
            Gateway.name, _ACTIONS[action], department, service, key, original, case_no, leg, step, items
        )  # fmt: skip


class Gateway(Face):
    """Signed JSON."""

    name = "gateway"

    def routes(self) -> list[Route]:
        endpoint = self.visits(partial(GatewayVisit, Nonces()))
        paths = ("/gateway/lookup", "/gateway/health", "/gateway/{department}/{service}")
        return [route(path, endpoint, ["POST"]) for path in paths]

    def letter(self, matter: Matter, what: str, event_no: str) -> str | None:
        if what != "ended":
            return None
        told = {"eventNo": event_no, "regionCode": self.house.region} | answer(matter.outcome())
        return json.dumps(told, ensure_ascii=False)

    def seal(self, url: str, body: bytes, now: float, *, forged: bool) -> dict[str, str]:
        secret = b"not the secret of this province" if forged else self.house.settings.secret
        signed = signed_headers(secret, "POST", urlsplit(url).path or "/", body, now)
        return {"Content-Type": "application/json"} | signed
