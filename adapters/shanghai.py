"""The dialect of 310000: JSON whose HTTP status means what it says, OAuth2 client credentials, RFC 9421 signatures.

What an answer means beyond what its line and its HTTP status say (adapters.exchange):

    422 urn:sh:refused                                   an answer, rejected
    404 urn:sh:no-such-application                       never seen: None to a search
    401 signature missing, wrong or stale, wrong client,
    a fresh token refused, 404 urn:sh:no-such-service    Misconfigured    an operator acts
    401 urn:sh:signature-replayed                        Ambiguous        a copy of the request has come before
    409 urn:sh:key-reused, 400 urn:sh:malformed,
    unknown state, wrong key echoed                      ContractBroken   an integrator acts
    any trouble of the token request                     Unavailable      nothing was done, nothing was even asked

A token that is no longer taken is fetched once more and the request repeated: nothing was done with it.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.answers import EVENT, Trouble, build_answer, meaning, plain, trouble
from adapters.errors import Ambiguous, CallbackRefused, ContractBroken, Misconfigured, ProvinceError, Unavailable
from adapters.exchange import Exchange, Reply, json_bytes, json_object
from adapters.fields import ABOUT_EARLIER, KEY, KEYED, check_route, from_fen_number, incoming, outgoing
from adapters.port import Adapter, AdapterSettings, Capabilities
from adapters.signatures import private_key, public_keys, sign, verify
from domain.effects import Answer, AnswerStatus, CallbackNotice, Expect, ProvinceCall, Verb

SERVICE = "/api/v1/departments/{department}/services/{service}"
EVIDENCE = "/api/v1/departments/{department}/evidence/{service}"
EARLIER = "/api/v1/applications/{original}"
PATHS = {
    Verb.SUBMIT: SERVICE + "/applications",
    Verb.CONSULT: SERVICE + "/consultations",
    Verb.NOTIFY: SERVICE + "/notifications",
    Verb.REVERSE: EARLIER + "/reversals",
    Verb.WITHDRAW: EARLIER + "/withdrawals",
    Verb.SUPPLEMENT: EARLIER + "/supplements",
    Verb.OFFER: EVIDENCE + "/previews",
    Verb.VERIFY: EVIDENCE + "/verifications",
    Verb.FETCH: EVIDENCE + "/releases",
}
STATES = {"done": AnswerStatus.ACCEPTED, "in_progress": AnswerStatus.PENDING}
EVENT_STATES = {
    "cn.sh.application.ended": {"done": AnswerStatus.ACCEPTED, "refused": AnswerStatus.REJECTED},
    "cn.sh.application.wants": {"in_progress": AnswerStatus.PENDING},
}
REFUSED, NEVER_SEEN, EXPIRED = "urn:sh:refused", "urn:sh:no-such-application", "urn:sh:token-expired"
PROBLEMS: Mapping[str, Trouble] = {
    EXPIRED: (Misconfigured, "token_refused"),  # the second time, of a fresh token
    NEVER_SEEN: (ContractBroken, "unknown_result_code"),  # to anything but a search
    "urn:sh:no-such-service": (Misconfigured, "no_such_service"),
    "urn:sh:key-reused": (ContractBroken, "key_used_otherwise"),
    "urn:sh:malformed": (ContractBroken, "malformed"),
    "urn:sh:signature-missing": (Misconfigured, "signature_wrong"),
    "urn:sh:signature-wrong": (Misconfigured, "signature_wrong"),
    "urn:sh:signature-stale": (Misconfigured, "clock_or_key"),
    "urn:sh:signature-replayed": (Ambiguous, "request_replayed"),
}
OF_A_REQUEST = ("@method", "@authority", "@path", "@query", "authorization")
OF_A_BODY = ("content-type", "content-digest")
OF_AN_EVENT = ("@method", "@path", *OF_A_BODY)
LONGEST_TOKEN_S = 3600
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")


@dataclass(frozen=True)
class _Token:
    of: tuple[str, bytes]  # client id and secret: with others it is another's
    value: str
    until: float


class Shanghai(Adapter):
    """310000. Keeps connections and a token. Credentials: ``client_id``, ``client_secret``, ``key_id``,
    ``private_key`` (base64 of the 32 bytes), ``province_keys`` (base64 of each by its id)."""

    capabilities = Capabilities(verbs=frozenset({*PATHS, Verb.QUERY, Verb.FIND}), answers=frozenset({Expect.CALLBACK}))

    def __init__(self, settings: AdapterSettings) -> None:
        super().__init__(settings)
        self._credentials = settings.credentials
        # a missing or odd one stops the worker
        self._client(), self._signing_key(), public_keys(self._credentials.table("province_keys"))
        self._exchange = Exchange(settings)
        self._token: _Token | None = None
        self._fetching = asyncio.Lock()

    async def call(self, call: ProvinceCall) -> Answer:
        """Every verb but find; a query is answered under the key of the submission."""
        if call.verb is Verb.QUERY:
            return self._answer(await self._ask("GET", _application(call.key)), call.key)
        template = PATHS.get(call.verb)
        if template is None:
            raise Misconfigured("verb_not_supported", call.verb.value)
        check_route(call)
        path = template.format(department=call.department, service=call.operation, original=call.original)
        key = call.key if call.verb in KEYED else ""
        body: dict[str, object] = {}
        if key:
            body["case"] = {"number": call.case_no, "leg": call.leg, "step": call.step}
        if call.verb in ABOUT_EARLIER:
            body |= {"service": call.operation, "department": call.department}
        if call.verb not in (Verb.REVERSE, Verb.WITHDRAW):
            body["fields"] = outgoing(call.payload, int)
        return self._answer(await self._ask("POST", path, json_bytes(body), key), key)

    async def find(self, call: ProvinceCall) -> Answer | None:
        """What the province holds under the call's key."""
        reply = await self._ask("GET", _application(call.key))
        if reply.status == 404 and _problem(reply).get("type") == NEVER_SEEN:
            return None
        return self._answer(reply, call.key)

    async def health(self) -> None:
        """Returns when the province is up, is the right one, and takes our token and signature."""
        told = _content(await self._ask("GET", "/api/v1/health"))
        self.is_at_home(told.get("region"), up=told.get("status") == "up")

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._exchange.aclose()

    def read_callback(self, path: str, headers: Mapping[str, str], body: bytes) -> CallbackNotice:
        """The CloudEvent in a signed callback. Replays are the inbox's: it knows event ids."""
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            keys = public_keys(self._credentials.table("province_keys"))
        except Misconfigured:
            raise CallbackRefused("bad_signature") from None
        verify(path, lower, body, required=OF_AN_EVENT, keys=keys, clock=self.settings.clock)
        if Reply(200, lower, body).content_type != "application/cloudevents+json":
            raise CallbackRefused("malformed")
        try:
            event = json_object(body)
            key, data, states = event.get("subject"), event.get("data"), meaning(EVENT_STATES, event.get("type"))
            if event.get("specversion") != "1.0" or event.get("source") != f"/{self.region}":
                raise CallbackRefused("malformed")
            return CallbackNotice(
                event_id=plain(EVENT, event.get("id")),
                key=plain(KEY, key),
                answer=self._matter(data, str(key), states),
            )
        except ProvinceError:
            raise CallbackRefused("malformed") from None

    def _answer(self, reply: Reply, key: str) -> Answer:
        content = _content(reply)
        if reply.status == 422:
            return self._matter(content | {"state": "refused"}, key, {"refused": AnswerStatus.REJECTED})
        return self._matter(content, key, STATES)

    def _matter(self, matter: object, key: str, states: Mapping[str, AnswerStatus]) -> Answer:
        if not isinstance(matter, Mapping) or matter.get("id") != key:
            raise ContractBroken("wrong_key_echoed")
        return build_answer(
            meaning(states, matter.get("state")),
            reference=matter.get("number", ""),
            data=incoming(matter.get("result"), from_fen_number),
            reasons=matter.get("reasons", []),
            text=matter.get("text"),
            wants=matter.get("wants"),
            check_after=matter.get("check_after", 0),
            poll_after_s=self.settings.poll_after_s,
            now=self.settings.clock(),
            expect=Expect.CALLBACK,
        )

    async def _ask(self, method: str, path: str, body: bytes = b"", key: str = "") -> Reply:
        reply = await self._send(method, path, body, key, await self._bearer())
        if reply.status == 401 and _problem(reply).get("type") == EXPIRED:
            self._token = None
            reply = await self._send(method, path, body, key, await self._bearer())
        return reply

    async def _send(self, method: str, path: str, body: bytes, key: str, token: str) -> Reply:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        covered = [*OF_A_REQUEST]
        if body:
            headers["Content-Type"] = "application/json"
            covered += OF_A_BODY
        if key:
            headers["Idempotency-Key"] = key
            covered.append("idempotency-key")
        key_id, signing_key = self._signing_key()
        url, now = self.settings.url.rstrip("/") + path, self.settings.clock()
        sign(method, url, headers, body, covered=covered, key_id=key_id, key=signing_key, now=now)
        return await self._exchange.send(method, path, headers, body)

    async def _bearer(self) -> str:
        """A token that is good for a while yet, of the credentials in force now."""
        async with self._fetching:
            client, now = self._client(), self.settings.clock()
            if self._token is None or self._token.of != client or not self._token.until > now:
                self._token = await self._fetch_token(client)
            return self._token.value

    async def _fetch_token(self, client: tuple[str, bytes]) -> _Token:
        """Nothing has been asked of the province yet, so whatever goes wrong, nothing was done."""
        name, secret = client
        headers = {
            "Accept": "application/json",
            "Authorization": "Basic " + b64encode(name.encode() + b":" + secret).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        asked_at = self.settings.clock()
        try:
            reply = await self._exchange.send("POST", "/oauth/token", headers, b"grant_type=client_credentials")
            if reply.status == 401:
                raise Misconfigured("invalid_client")
            told = reply.only(200).json_object()
        except (Ambiguous, ContractBroken) as odd:
            raise Unavailable("no_token", odd.code) from odd
        value, life = told.get("access_token"), told.get("expires_in")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value) or told.get("token_type") != "Bearer":
            raise Unavailable("no_token", "unreadable")
        if not isinstance(life, int) or isinstance(life, bool) or life <= 0:
            raise Unavailable("no_token", "expires_in")
        return _Token(client, value, asked_at + 0.9 * min(life, LONGEST_TOKEN_S))

    def _client(self) -> tuple[str, bytes]:
        return self._credentials.text("client_id"), self._credentials.secrets("client_secret")[0]

    def _signing_key(self) -> tuple[str, Ed25519PrivateKey]:
        return self._credentials.text("key_id"), private_key(self._credentials.text("private_key"))


def _application(key: str) -> str:
    if not KEY.fullmatch(key):
        raise Misconfigured("bad_route", "a key is 64 hex characters")
    return f"/api/v1/applications/{key}"


def _problem(reply: Reply) -> Mapping[str, object]:
    """The problem in an answer, or nothing if it cannot be read: then its status speaks for itself."""
    try:
        return reply.json_object()
    except Ambiguous:
        return {}


def _content(reply: Reply) -> dict[str, object]:
    """The content of a matter or of a refusal; raises what any other problem stands for."""
    if reply.status in (200, 201):
        return reply.json_object()
    problem = dict(_problem(reply))
    kind = problem.get("type")
    if reply.status == 422 and kind == REFUSED:
        return problem
    if isinstance(kind, str) and kind in PROBLEMS:
        raise trouble(PROBLEMS, kind)
    return reply.only().json_object()
