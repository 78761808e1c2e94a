"""The dialect of 330000: JSON in an envelope that always comes with HTTP 200, HMAC-SHA256, callbacks in any order.

What an answer means beyond what its line and its HTTP status say (adapters.exchange):

    40101 40102 40402                       Misconfigured     signature, clock or key, no such service
    40001 40901 41301, any other code,
    unknown status, wrong key echoed        ContractBroken    an integrator acts
    42901 50301                             Unavailable       nothing was done
    40103 50001                             Ambiguous         a copy of the request has come before; internal error

There is no way to ask for one key: a search looks through the pages of the case.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

from adapters.answers import EVENT, Trouble, build_answer, meaning, plain, trouble
from adapters.errors import Ambiguous, CallbackRefused, ContractBroken, Misconfigured, ProvinceError, Unavailable
from adapters.exchange import Exchange, is_fresh, json_bytes, json_object, pause
from adapters.fields import KEY, KEYED, check_route, from_fen_text, incoming, outgoing
from adapters.port import Adapter, AdapterSettings, Capabilities
from domain.effects import Answer, AnswerStatus, CallbackNotice, Expect, ProvinceCall, Verb

ACTIONS = {
    Verb.SUBMIT: "apply",
    Verb.CONSULT: "consult",
    Verb.NOTIFY: "notify",
    Verb.REVERSE: "reverse",
    Verb.WITHDRAW: "withdraw",
    Verb.SUPPLEMENT: "supplement",
    Verb.OFFER: "preview",
    Verb.FETCH: "release",
    Verb.VERIFY: "verify",
}
STATUSES = {"DONE": AnswerStatus.ACCEPTED, "REFUSED": AnswerStatus.REJECTED, "DOING": AnswerStatus.PENDING}
ERRORS: Mapping[str, Trouble] = {
    "40001": (ContractBroken, "malformed"),
    "40101": (Misconfigured, "signature_wrong"),
    "40102": (Misconfigured, "clock_or_key"),
    "40103": (Ambiguous, "request_replayed"),
    "40402": (Misconfigured, "no_such_service"),
    "40901": (ContractBroken, "key_used_otherwise"),
    "41301": (ContractBroken, "too_large"),
    "42901": (Unavailable, "too_many"),
    "50001": (Ambiguous, "internal_error"),
    "50301": (Unavailable, "maintenance"),
}
PAGE_SIZE = 5
MOST_PAGES = 200
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_MILLISECONDS = re.compile(r"[0-9]{1,15}")


class Zhejiang(Adapter):
    """330000. Keeps connections, nothing else. Credentials: ``access_key``, ``secrets``."""

    capabilities = Capabilities(
        verbs=frozenset({*ACTIONS, Verb.QUERY, Verb.FIND}), answers=frozenset({Expect.CALLBACK})
    )

    def __init__(self, settings: AdapterSettings) -> None:
        super().__init__(settings)
        self._credentials = settings.credentials
        self._credentials.text("access_key"), self._credentials.secrets()  # a missing one stops the worker
        self._exchange = Exchange(settings)

    async def call(self, call: ProvinceCall) -> Answer:
        """Every verb but find; a query looks for the province's number in the pages of the case."""
        if call.verb is Verb.QUERY:
            return await self._query(call)
        action = ACTIONS.get(call.verb)
        if action is None:
            raise Misconfigured("verb_not_supported", call.verb.value)
        check_route(call)
        key = call.key if call.verb in KEYED else ""
        body = {
            "outBizNo": key,
            "originalBizNo": call.original,
            "caseNo": call.case_no,
            "legNo": call.leg,
            "stepNo": call.step,
            "formData": outgoing(call.payload, str),
        }
        data = await self._ask("POST", f"/api/{call.department}/{call.operation}/{action}", body=json_bytes(body))
        return self._answer(data, key)

    async def find(self, call: ProvinceCall) -> Answer | None:
        """What the province holds under the call's key."""
        async for matter in self._matters(call.case_no):
            if matter.get("outBizNo") == call.key:
                return self._answer(matter, call.key)
        return None

    async def health(self) -> None:
        """Returns when the province is up, is the right one, and takes our signature."""
        data = await self._ask("GET", "/api/health")
        self.is_at_home(data.get("region"), up=data.get("status") == "UP")

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._exchange.aclose()

    def read_callback(self, path: str, headers: Mapping[str, str], body: bytes) -> CallbackNotice:
        """The event in a signed callback, whichever of a matter's two. Replays are the inbox's: it knows event ids."""
        lower = {name.lower(): value for name, value in headers.items()}
        access_key, at, nonce, sent = (
            lower.get(name, "") for name in ("x-access-key", "x-timestamp", "x-nonce", "x-signature")
        )
        if not self._is_signed(access_key, at, nonce, sent, path, body):
            raise CallbackRefused("bad_signature")
        if not is_fresh(int(at) / 1000, self.settings.clock):
            raise CallbackRefused("stale")
        try:
            data = json_object(body).get("data")
            event, matter = (data.get("eventId"), data.get("matter")) if isinstance(data, Mapping) else (None, None)
            key = matter.get("outBizNo") if isinstance(matter, Mapping) else None
            return CallbackNotice(
                event_id=plain(EVENT, event), key=plain(KEY, key), answer=self._answer(matter, str(key))
            )
        except ProvinceError:
            raise CallbackRefused("malformed") from None

    async def _query(self, call: ProvinceCall) -> Answer:
        name, wanted = ("bizNo", call.reference) if call.reference else ("outBizNo", call.key)
        async for matter in self._matters(call.case_no):
            if matter.get(name) == wanted:
                return self._answer(matter, call.key or str(matter.get("outBizNo")))
        raise ContractBroken("unknown_result_code", "the province does not know a matter it has answered about")

    async def _matters(self, case_no: str) -> AsyncIterator[Mapping[str, object]]:
        """The matters of a case, page by page, in the order received; more may come in meanwhile."""
        for number in range(1, MOST_PAGES + 1):
            query = f"caseNo={quote(case_no, safe='')}&pageNo={number}&pageSize={PAGE_SIZE}"
            page = await self._ask("GET", "/api/requests", query)
            total, listed = page.get("total"), page.get("list")
            if page.get("pageNo") != number or not isinstance(total, int) or not isinstance(listed, list):
                raise Ambiguous("unreadable_answer", "page")
            for matter in listed:
                if not isinstance(matter, Mapping):
                    raise Ambiguous("unreadable_answer", "page")
                yield matter
            if (number - 1) * PAGE_SIZE + len(listed) >= total:
                return
            if len(listed) != PAGE_SIZE:  # there are more, and they are not here
                raise Ambiguous("unreadable_answer", "page")
        raise ContractBroken("too_many_matters", f"more than {MOST_PAGES} pages about one case")

    def _answer(self, matter: object, key: str) -> Answer:
        if not isinstance(matter, Mapping) or matter.get("outBizNo") != key:
            raise ContractBroken("wrong_key_echoed")
        return build_answer(
            meaning(STATUSES, matter.get("status")),
            reference=matter.get("bizNo", ""),
            data=incoming(matter.get("resultData"), from_fen_text),
            reasons=matter.get("reasonCodes", []),
            text=matter.get("reasonText"),
            wants=matter.get("wants"),
            check_after=matter.get("checkAfter", 0),
            poll_after_s=self.settings.poll_after_s,
            now=self.settings.clock(),
            expect=Expect.CALLBACK,
        )

    async def _ask(self, method: str, path: str, query: str = "", body: bytes = b"") -> Mapping[str, object]:
        """What stands under ``data``, if all is well. ``query``: sorted by name and encoded already."""
        access_key, secret = self._credentials.text("access_key"), self._credentials.secrets()[0]
        at, nonce = str(int(self.settings.clock() * 1000)), secrets.token_hex(16)
        headers = {
            "Accept": "application/json",
            "X-Access-Key": access_key,
            "X-Timestamp": at,
            "X-Nonce": nonce,
            "X-Signature": _signature(secret, method, self._exchange.prefix + path, query, access_key, at, nonce, body),
        }
        if body:
            headers["Content-Type"] = "application/json"
        reply = await self._exchange.send(method, f"{path}?{query}" if query else path, headers, body)
        envelope = reply.only(200).json_object()
        code, data = envelope.get("code"), envelope.get("data")
        if code == "200":
            if not isinstance(data, Mapping):
                raise Ambiguous("unreadable_answer", "data")
            return data
        raise trouble(ERRORS, code, pause(data.get("retryAfter")) if isinstance(data, Mapping) else None)

    def _is_signed(self, access_key: str, at: str, nonce: str, sent: str, path: str, body: bytes) -> bool:
        """Whether a callback carries our access key and a signature by one of our secrets."""
        try:
            ours, known = self._credentials.text("access_key"), self._credentials.secrets()
        except Misconfigured:
            return False
        if access_key != ours or not (_MILLISECONDS.fullmatch(at) and _NONCE.fullmatch(nonce)):
            return False
        made = [_signature(secret, "POST", path, "", ours, at, nonce, body) for secret in known]
        return any(hmac.compare_digest(each.encode(), sent.encode("utf-8", "replace")) for each in made)


def _signature(
    secret: bytes, method: str, path: str, query: str, access_key: str, at: str, nonce: str, body: bytes
) -> str:
    lines = (method, path, query, access_key, at, nonce, hashlib.sha256(body).hexdigest())
    return b64encode(hmac.digest(secret, "\n".join(lines).encode("utf-8", "replace"), "sha256")).decode()
