"""The "signed JSON" dialect: JSON over HTTP with its own names, HMAC-SHA256 over method, path, time, nonce and body.

What an answer means is decided here and nowhere else:

    connection refused, no route, connect time-out, 429, 503      Unavailable      nothing was done
    time-out after sending, reset, other 5xx, unreadable answer   Ambiguous        find by key before any resend
    401, 403, 404 and redirects                                   Misconfigured    an operator acts
    wrong key echoed, key used otherwise, unknown result code,
    licence number with a wrong check character, other 4xx        ContractBroken   an integrator acts
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping

from adapters.answers import build_answer
from adapters.errors import CallbackRefused, ContractBroken, Misconfigured, ProvinceError
from adapters.exchange import Exchange, json_bytes, json_object
from adapters.port import Adapter, AdapterSettings, Capabilities
from domain.effects import Answer, AnswerStatus, CallbackNotice, Expect, ProvinceCall, Verb

FRESH_S = 300

_ACTIONS = {
    Verb.SUBMIT: "apply",
    Verb.CONSULT: "apply",
    Verb.NOTIFY: "apply",
    Verb.REVERSE: "undo",
    Verb.OFFER: "preview",
    Verb.FETCH: "release",
}
_STATUSES = {"00": AnswerStatus.ACCEPTED, "01": AnswerStatus.REJECTED, "02": AnswerStatus.PENDING}
_UNKNOWN_KEY = "03"
_NAME = re.compile(r"[a-z0-9_]{1,64}")
_EVENT = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


class SignedJson(Adapter):
    """One province that speaks signed JSON. Keeps connections, nothing else."""

    capabilities = Capabilities(
        verbs=frozenset({Verb.SUBMIT, Verb.CONSULT, Verb.NOTIFY, Verb.REVERSE, Verb.OFFER, Verb.FETCH, Verb.FIND}),
        answers=frozenset({Expect.CALLBACK, Expect.POLL}),
    )

    def __init__(self, settings: AdapterSettings) -> None:
        super().__init__(settings)
        self._exchange = Exchange(settings)
        self._poll_after_s = settings.poll_after_s
        self._secret = settings.credentials.secrets()[0]

    async def call(self, call: ProvinceCall) -> Answer:
        """Submit, reverse, offer or fetch."""
        action = _ACTIONS.get(call.verb)
        if action is None:
            raise Misconfigured("verb_not_supported", call.verb.value)
        if not (_NAME.fullmatch(call.department) and _NAME.fullmatch(call.operation)):
            raise Misconfigured("bad_route", "department or operation is no plain name")
        body = {
            "requestNo": call.key,
            "regionCode": self.region,
            "serviceCode": call.operation,
            "action": action,
            "originalNo": call.original,
            "caseNo": call.case_no,
            "legNo": call.leg,
            "stepNo": call.step,
            "items": dict(call.payload),
        }
        reply = await self._post(f"/gateway/{call.department}/{call.operation}", body)
        answer = self._answer(reply, call.key)
        if answer is None:
            raise ContractBroken("unknown_result_code", "a call was answered with 'never seen'")
        return answer

    async def find(self, call: ProvinceCall) -> Answer | None:
        """What the province holds under the call's key."""
        reply = await self._post("/gateway/lookup", {"requestNo": call.key, "regionCode": self.region})
        return self._answer(reply, call.key)

    async def health(self) -> None:
        """Returns when the province is up, is the right one, and takes our signature."""
        reply = await self._post("/gateway/health", {"regionCode": self.region})
        if reply.get("regionCode") != self.region:
            raise Misconfigured("another_region", f"{self.region} is answered by another province")

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._exchange.aclose()

    def read_callback(self, path: str, headers: Mapping[str, str], body: bytes) -> CallbackNotice:
        """The message in a signed callback. ``path`` without query; replays are the inbox's: it knows event ids."""
        lower = {name.lower(): value for name, value in headers.items()}
        at, nonce, sent = (lower.get(name, "") for name in ("x-gw-time", "x-gw-nonce", "x-gw-sign"))
        if not (at.isascii() and at.isdigit() and len(at) <= 12 and _NONCE.fullmatch(nonce)):
            raise CallbackRefused("bad_signature")
        if not hmac.compare_digest(self._signature(path, at, nonce, body).encode(), sent.encode("utf-8", "replace")):
            raise CallbackRefused("bad_signature")
        if abs(time.time() - int(at)) > FRESH_S:
            raise CallbackRefused("stale")
        try:
            message = json_object(body)
            key, event = message.get("requestNo"), message.get("eventNo")
            if not isinstance(key, str) or not key or not isinstance(event, str) or not _EVENT.fullmatch(event):
                raise CallbackRefused("malformed")
            answer = self._answer(message, key)
        except ProvinceError:
            raise CallbackRefused("malformed") from None
        if answer is None or message.get("regionCode") != self.region:
            raise CallbackRefused("malformed")
        return CallbackNotice(event_id=event, key=key, answer=answer)

    def _signature(self, path: str, at: str, nonce: str, body: bytes) -> str:
        text = f"POST\n{path}\n{at}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
        return hmac.digest(self._secret, text.encode(), "sha256").hex()

    async def _post(self, path: str, content: Mapping[str, object]) -> dict[str, object]:
        body = json_bytes(content)
        at, nonce = str(int(time.time())), secrets.token_hex(16)
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-Gw-Time": at,
            "X-Gw-Nonce": nonce,
            "X-Gw-Sign": self._signature(self._exchange.prefix + path, at, nonce, body),
        }
        reply = await self._exchange.send("POST", path, headers, body)
        if reply.status == 200:
            return reply.json_object()
        if reply.status in (401, 403, 404):
            raise Misconfigured(f"http_{reply.status}")
        raise ContractBroken("key_used_otherwise" if reply.status == 409 else f"http_{reply.status}")

    def _answer(self, reply: Mapping[str, object], key: str) -> Answer | None:
        """The answer in ``reply``; None for a key the province never saw."""
        if reply.get("requestNo") != key:
            raise ContractBroken("wrong_key_echoed")
        code = reply.get("resultCode")
        if code == _UNKNOWN_KEY:
            return None
        status = _STATUSES.get(code) if isinstance(code, str) else None
        if status is None:
            raise ContractBroken("unknown_result_code")
        reasons, text, after = reply.get("reasons", []), reply.get("message"), reply.get("checkAfter", 0)
        return build_answer(
            status,
            reference=reply.get("businessNo", ""),
            data=reply.get("resultItems", {}),
            reasons=reasons,
            text=text,
            check_after=after,
            poll_after_s=self._poll_after_s,
        )
