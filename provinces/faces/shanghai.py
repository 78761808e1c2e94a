"""310000: JSON whose HTTP status means what it says, OAuth2 tokens, RFC 9421 signatures, CloudEvents."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from provinces.faces import rfc9421
from provinces.faces.base import KEY, MONEY, NAME, Face, fields_of, malformed, read_json, route, text_of
from provinces.house import House
from provinces.signing import NONCE, Nonces, is_stale, same
from provinces.store import Matter
from provinces.visit import Told, Visit
from provinces.words import Action, Code, Order, Outcome, Problem, State, both

TOKEN_S = 300
LARGEST_FEN = 10**15
PROBLEM_TYPE = "application/problem+json"
# code -> status and type of the problem
PROBLEMS: Mapping[Code, tuple[int, str]] = MappingProxyType(
    {
        Code.MALFORMED: (400, "malformed"),
        Code.TOO_LARGE: (413, "too-large"),
        Code.NO_SUCH_SERVICE: (404, "no-such-service"),
        Code.NO_SUCH_MATTER: (404, "no-such-application"),
        Code.KEY_REUSED: (409, "key-reused"),
        Code.TOKEN_EXPIRED: (401, "token-expired"),
        Code.AUTH_MISSING: (401, "signature-missing"),
        Code.AUTH_WRONG: (401, "signature-wrong"),
        Code.AUTH_STALE: (401, "signature-stale"),
        Code.AUTH_REPLAYED: (401, "signature-replayed"),
        Code.TOO_MANY: (429, "too-many-requests"),
        Code.MAINTENANCE: (503, "maintenance"),
        Code.INTERNAL: (500, "internal"),
    }
)
_EVENTS = {"ended": "cn.sh.application.ended", "wants": "cn.sh.application.wants"}
_DAMAGE: dict[str, dict[str, object]] = {
    "wrong_types": {"number": 7, "result": [], "reasons": "none"},
    "unknown_enum": {"state": "perhaps", "type": "urn:sh:perhaps"},
}
_NEW = MappingProxyType({"applications": Action.APPLY, "consultations": Action.CONSULT, "notifications": Action.NOTIFY})
_ABOUT = MappingProxyType(
    {"reversals": Action.REVERSE, "withdrawals": Action.WITHDRAW, "supplements": Action.SUPPLEMENT}
)
_EVIDENCE = MappingProxyType({"previews": Action.PREVIEW, "verifications": Action.VERIFY, "releases": Action.RELEASE})


def money_in(given: object) -> str:
    """A JSON integer of fen."""
    if isinstance(given, bool) or not isinstance(given, int) or abs(given) >= LARGEST_FEN:
        raise malformed("money_misshapen")
    return str(given)


def matter_out(outcome: Outcome) -> dict[str, object]:
    """A matter, or a refusal as events spell it."""
    told: dict[str, object] = {"id": outcome.key, "number": outcome.number, "state": outcome.state.value}
    if outcome.state is State.REFUSED:
        return told | {"reasons": list(outcome.reasons), "text": both(outcome.text)}
    result = {name: int(value) if name.endswith(MONEY) else value for name, value in outcome.result.items()}
    return told | {"result": result, "wants": both(outcome.wants), "check_after": outcome.check_after}


class Tokens:
    """Access tokens, in memory: a restart forgets them, and callers ask for new ones."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def give(self, now: float) -> str:
        """A new one."""
        self._until = {token: until for token, until in self._until.items() if until > now}
        token = secrets.token_urlsafe(32)
        self._until[token] = now + TOKEN_S
        return token

    def holds(self, token: str, now: float) -> bool:
        """Whether it is in force."""
        return self._until.get(token, 0.0) > now


class TokenVisit(Visit):
    """``POST /oauth/token``."""

    def __init__(self, tokens: Tokens, house: House, request: Request, body: bytes) -> None:
        super().__init__(house, request, body)
        self._tokens = tokens

    @property
    def operation(self) -> str:
        return "token"

    def admit(self) -> None:
        kind, _, coded = self.header("authorization").partition(" ")
        try:
            client, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
            client, secret = (unquote_to_bytes(each).decode() for each in (client, secret))
        except (binascii.Error, UnicodeError, ValueError):
            raise Problem(Code.UNKNOWN_CLIENT) from None
        keys = self.house.credentials
        known = any(same(each, secret) for each in keys.texts("client_secrets"))
        if kind.lower() != "basic" or not same(keys.text("client_id"), client) or not known:
            raise Problem(Code.UNKNOWN_CLIENT)

    def work(self) -> Told:
        if parse_qs(self.body.decode("utf-8", "replace")).get("grant_type") != ["client_credentials"]:
            raise malformed("unsupported_grant_type")
        return Told()

    def tell(self, told: Told, damage: str) -> Response:
        token: dict[str, object] = {"token_type": "Bearer", "expires_in": TOKEN_S}
        token["access_token"] = 7 if damage == "wrong_types" else self._tokens.give(self.house.clock.time())
        return JSONResponse(token, headers={"Cache-Control": "no-store"})

    def fail(self, problem: Problem) -> Response:
        if problem.code is Code.UNKNOWN_CLIENT:
            return JSONResponse({"error": "invalid_client"}, 401, {"WWW-Authenticate": 'Basic realm="310000"'})
        if problem.code is Code.MALFORMED:
            return JSONResponse({"error": problem.detail}, 400)
        return _problem(problem)


class ShanghaiVisit(Visit):
    """Any other request. ``reading``: how it is turned into what the office is asked."""

    def __init__(
        self, tokens: Tokens, nonces: Nonces, reading: Callable[[ShanghaiVisit], Told], house: House,
        request: Request, body: bytes,
    ) -> None:  # fmt: skip
        super().__init__(house, request, body)
        self._tokens = tokens
        self._nonces = nonces
        self._reading = reading

    @property
    def operation(self) -> str:
        params = self.request.path_params
        if "service" in params:
            return str(params["service"])
        if self.path.endswith("/health"):
            return "health"
        if "about" in params:
            return self._service_named()
        return "lookup"

    def admit(self) -> None:
        kind, _, token = self.header("authorization").partition(" ")
        if kind.lower() != "bearer" or not self._tokens.holds(token, self.house.clock.time()):
            raise Problem(Code.TOKEN_EXPIRED)
        try:
            signature = rfc9421.read(self.header("signature-input"), self.header("signature"))
        except rfc9421.Unsigned:
            raise Problem(Code.AUTH_MISSING) from None
        needed = {"@method", "@authority", "@path", "@query", "authorization"}
        needed |= {"content-type", "content-digest"} if self.body else set()
        needed |= {"idempotency-key"} if "idempotency-key" in self.request.headers else set()
        if not needed <= set(signature.components) or not NONCE.fullmatch(signature.nonce):
            raise Problem(Code.AUTH_MISSING)
        key = self.house.credentials.public_key("client_keys", signature.keyid)
        digest_fits = not self.body or self.header("content-digest") == rfc9421.content_digest(self.body)
        if key is None or signature.alg != "ed25519" or not digest_fits:
            raise Problem(Code.AUTH_WRONG)
        if not rfc9421.holds(signature, self._message(), key):
            raise Problem(Code.AUTH_WRONG)
        if is_stale(signature.created, self.now):
            raise Problem(Code.AUTH_STALE)
        if not self._nonces.take(signature.nonce, self.now):
            raise Problem(Code.AUTH_REPLAYED)

    def work(self) -> Told:
        return self._reading(self)

    def tell(self, told: Told, damage: str) -> Response:
        if not told.outcomes:
            return JSONResponse({"status": "up", "region": self.house.region})
        told_of = told.outcomes[0]
        content = matter_out(told_of)
        if told_of.state is State.REFUSED:
            del content["state"]
            content = {"type": "urn:sh:refused", "status": 422} | content | _damage(damage, content, "type")
            return JSONResponse(content, 422, media_type=PROBLEM_TYPE)
        return JSONResponse(content | _damage(damage, content), told.status)

    def fail(self, problem: Problem) -> Response:
        return _problem(problem)

    # what is asked

    def start(self) -> Told:
        """An application, a consultation or a notification."""
        return self._order(_NEW[self.request.path_params["what"]], self._fields)

    def evidence(self) -> Told:
        """Evidence shown or released, a licence verified."""
        return self._order(_EVIDENCE[self.request.path_params["what"]], self._fields)

    def about(self) -> Told:
        """A reversal, a withdrawal or a supplement."""
        action = _ABOUT[self.request.path_params["about"]]
        return self._order(action, self._fields if action is Action.SUPPLEMENT else lambda body: {})

    def look(self) -> Told:
        """One matter by its key."""
        found = self.house.office.find(self.request.path_params["key"])
        if found is None:
            raise Problem(Code.NO_SUCH_MATTER)
        return Told((found,))

    def health(self) -> Told:
        """Whether the house is up."""
        return Told()

    def nowhere(self) -> Told:
        """An address that does not exist."""
        raise Problem(Code.NO_SUCH_SERVICE)

    def _order(self, action: Action, fields: Callable[[dict[str, object]], dict[str, str]]) -> Told:
        if self.header("content-type").split(";")[0].strip().lower() != "application/json":
            raise malformed("content_type")
        body, params = read_json(self.body), self.request.path_params
        case = body.get("case", {})
        if not isinstance(case, dict):
            raise malformed("wrong_types")
        keyless = action in (Action.PREVIEW, Action.VERIFY)
        key, original = self.header("idempotency-key"), params.get("key", "")
        if keyless == bool(key) or not all(KEY.fullmatch(each) for each in (key, original) if each):
            raise malformed("key_misplaced_or_misshapen")
        department = params.get("department") or text_of(body, "department", NAME)
        service = params.get("service") or text_of(body, "service", NAME)
        order = Order(
            Shanghai.name, action, department, service, key, original, text_of(case, "number"),
            text_of(case, "leg"), text_of(case, "step"), fields(body),
        )  # fmt: skip
        return Told.of(self.house.office.handle(order))

    def _fields(self, body: dict[str, object]) -> dict[str, str]:
        return fields_of(body.get("fields", {}), money_in)

    def _service_named(self) -> str:
        try:
            return text_of(read_json(self.body), "service")
        except Problem:
            return ""

    def _message(self) -> dict[str, str]:
        headers = {name: ", ".join(self.request.headers.getlist(name)) for name in self.request.headers}
        authority = self.header("host").lower().removesuffix(":80")
        derived = {"@method": self.request.method, "@authority": authority}
        return headers | derived | {"@path": self.path, "@query": f"?{self.query}"}


class Shanghai(Face):
    """310000."""

    name = "shanghai"
    credentials = ("client_id", "client_secrets", "client_keys", "key_id", "private_key")

    def routes(self) -> list[Route]:
        tokens, nonces = Tokens(), Nonces()

        def to(reading: Callable[[ShanghaiVisit], Told]) -> partial[ShanghaiVisit]:
            return partial(ShanghaiVisit, tokens, nonces, reading)

        service, v = "/api/v1/departments/{department}", ShanghaiVisit
        matters = "/api/v1/applications/{key}"
        return [
            route("/oauth/token", self.visits(partial(TokenVisit, tokens)), ["POST"]),
            route("/api/v1/health", self.visits(to(v.health)), ["GET"]),
            route(matters, self.visits(to(v.look)), ["GET"]),
            route(service + "/services/{service}/{what}", self.visits(to(_among(_NEW, v.start))), ["POST"]),
            route(service + "/evidence/{service}/{what}", self.visits(to(_among(_EVIDENCE, v.evidence))), ["POST"]),
            route(matters + "/{about}", self.visits(to(_among(_ABOUT, v.about))), ["POST"]),
            route("/api/{rest:path}", self.visits(to(v.nowhere)), ["GET", "POST", "PUT", "DELETE", "PATCH"]),
        ]

    def letter(self, matter: Matter, what: str, event_no: str) -> str | None:
        if what not in _EVENTS:
            return None
        outcome = matter.outcome()
        event = {
            "specversion": "1.0",
            "id": event_no,
            "source": f"/{self.house.region}",
            "type": _EVENTS[what],
            "subject": outcome.key,
            "time": self.house.clock.text().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": matter_out(outcome),
        }
        return json.dumps(event, ensure_ascii=False)

    def seal(self, url: str, body: bytes, now: float, *, forged: bool) -> dict[str, str]:
        keys = self.house.credentials
        key = Ed25519PrivateKey.generate() if forged else keys.private_key("private_key")
        headers = {"Content-Type": "application/cloudevents+json", "Content-Digest": rfc9421.content_digest(body)}
        message = {"@method": "POST", "@path": urlsplit(url).path or "/"}
        message |= {name.lower(): value for name, value in headers.items()}
        covered = ("@method", "@path", "content-type", "content-digest")
        return headers | rfc9421.headers(covered, message, key, keys.text("key_id"), now)


def _among(words: Mapping[str, Action], reading: Callable[[ShanghaiVisit], Told]) -> Callable[[ShanghaiVisit], Told]:
    """The same, if the last word of the path is one of these."""

    def checked(visit: ShanghaiVisit) -> Told:
        params = visit.request.path_params
        if params.get("what", params.get("about")) not in words:
            raise Problem(Code.NO_SUCH_SERVICE)
        return reading(visit)

    return checked


def _damage(kind: str, content: Mapping[str, object], also: str = "") -> dict[str, object]:
    """Only what is there is damaged."""
    return {name: value for name, value in _DAMAGE.get(kind, {}).items() if name in content or name == also}


def _problem(problem: Problem) -> Response:
    status, name = PROBLEMS.get(problem.code, PROBLEMS[Code.INTERNAL])
    headers = {"Retry-After": problem.retry_after} if problem.retry_after else {}
    if problem.code is Code.TOKEN_EXPIRED:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    content = {"type": f"urn:sh:{name}", "status": status}
    if problem.detail:
        content["detail"] = problem.detail
    return JSONResponse(content, status, headers, media_type=PROBLEM_TYPE)
