"""The "signed JSON" dialect: JSON over HTTP with its own names, HMAC-SHA256 over method, path, time, nonce and body.

What an answer means is decided here and nowhere else:

    connection refused, no route, connect time-out, 429, 503      Unavailable      nothing was done
    time-out after sending, reset, other 5xx, unreadable answer   Ambiguous        find by key before any resend
    401, 403, 404 and redirects                                   Misconfigured    an operator acts
    wrong key echoed, key used otherwise, unknown result code,
    licence number with a wrong check character, other 4xx        ContractBroken   an integrator acts
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import secrets
import ssl
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import cast
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError
from stdnum.iso7064 import mod_37_36

from adapters.errors import Ambiguous, CallbackRefused, ContractBroken, Misconfigured, ProvinceError, Unavailable
from domain.effects import Answer, AnswerStatus, CallbackNotice, ProvinceCall, Verb
from domain.messages import Text

LARGEST_ANSWER = 1 << 20
LONGEST_RETRY_AFTER_S = 3600.0
FRESH_S = 300

_ACTIONS = {Verb.SUBMIT: "apply", Verb.REVERSE: "undo", Verb.OFFER: "preview", Verb.FETCH: "release"}
_STATUSES = {"00": AnswerStatus.ACCEPTED, "01": AnswerStatus.REJECTED, "02": AnswerStatus.PENDING}
_UNKNOWN_KEY = "03"
_LICENCE_ROOT = "1.2.156.3005.2."
_NAME = re.compile(r"[a-z0-9_]{1,64}")
_REASON = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_EVENT = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_JSON_TYPE = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?\s*', re.IGNORECASE)


class _Unreadable(Exception):
    """The bytes are no answer of this dialect. ``args[0]`` is a stable code."""


class SignedJson:
    """One province that speaks signed JSON. Keeps connections, nothing else."""

    def __init__(
        self,
        *,
        region: str,
        url: str,
        secret: bytes,
        timeout_s: float = 10.0,
        connect_timeout_s: float = 2.0,
        poll_after_s: int = 30,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.region = region
        self._base = url.rstrip("/")
        self._prefix = urlsplit(self._base).path
        self._secret = secret
        self._poll_after_s = poll_after_s
        # httpx times single reads; this one ends a province that answers one byte at a time
        self._deadline_s = 2 * connect_timeout_s + timeout_s
        self._timeouts = httpx.Timeout(timeout_s, connect=connect_timeout_s, pool=connect_timeout_s).as_dict()
        self._urls: dict[str, httpx.URL] = {}
        # The transport itself, not a client around it: no cookies, no redirects, no proxies from the environment
        # and no decompression by construction, and a quarter less CPU per call.
        self._transport = transport or httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=15.0),
            trust_env=False,
        )

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
        await self._transport.aclose()

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
            message = _object(body)
            key, event = message.get("requestNo"), message.get("eventNo")
            if not isinstance(key, str) or not key or not isinstance(event, str) or not _EVENT.fullmatch(event):
                raise CallbackRefused("malformed")
            answer = self._answer(message, key)
        except (_Unreadable, ProvinceError):
            raise CallbackRefused("malformed") from None
        if answer is None or message.get("regionCode") != self.region:
            raise CallbackRefused("malformed")
        return CallbackNotice(event_id=event, key=key, answer=answer)

    def _signature(self, path: str, at: str, nonce: str, body: bytes) -> str:
        text = f"POST\n{path}\n{at}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
        return hmac.digest(self._secret, text.encode(), "sha256").hex()

    async def _post(self, path: str, content: Mapping[str, object]) -> dict[str, object]:
        try:
            body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            raise ContractBroken("unsendable_text", "a field holds half a surrogate pair") from None
        at, nonce = str(int(time.time())), secrets.token_hex(16)
        request = httpx.Request(
            "POST",
            self._urls.get(path) or self._urls.setdefault(path, httpx.URL(self._base + path)),
            content=body,
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "X-Gw-Time": at,
                "X-Gw-Nonce": nonce,
                "X-Gw-Sign": self._signature(self._prefix + path, at, nonce, body),
            },
            extensions={"timeout": self._timeouts},
        )
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await self._transport.handle_async_request(request)
                try:
                    return await _read(response)
                finally:
                    await response.aclose()
        except (httpx.ConnectTimeout, httpx.PoolTimeout) as slow:
            raise Unavailable("connect_timeout", type(slow).__name__) from slow
        except httpx.ConnectError as refused:
            if _is_bad_certificate(refused):
                raise Misconfigured("bad_certificate") from refused
            raise Unavailable("connection_refused") from refused
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as wrong:
            raise Misconfigured("bad_url", type(wrong).__name__) from wrong
        except (httpx.TimeoutException, TimeoutError) as slow:
            raise Ambiguous("timeout", type(slow).__name__) from slow
        except (httpx.HTTPError, httpx.StreamError, OSError) as broken:
            raise Ambiguous("connection_lost", type(broken).__name__) from broken
        except _Unreadable as unreadable:
            raise Ambiguous("unreadable_answer", str(unreadable)) from None

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
        if not isinstance(reasons, list) or not all(isinstance(r, str) and _REASON.fullmatch(r) for r in reasons):
            raise Ambiguous("unreadable_answer", "reasons")
        if isinstance(after, bool) or not isinstance(after, int):
            raise Ambiguous("unreadable_answer", "checkAfter")
        try:
            answer = Answer.model_validate(
                {
                    "status": status,
                    "reference": reply.get("businessNo", ""),
                    "data": reply.get("resultItems", {}),
                    "reasons": tuple(reasons),
                    "text": None if text is None else Text.model_validate(text),
                    "poll_after_s": min(after, 86400) if after > 0 else self._poll_after_s,
                }
            )
        except ValidationError as wrong:
            # only the names of the fields: the values may be personal
            fields = ",".join(str(error["loc"][0]) for error in wrong.errors(include_input=False) if error["loc"])
            raise Ambiguous("unreadable_answer", fields) from None
        number = answer.data.get("licence_identifier")
        if number is not None and not _is_licence_identifier(number):
            raise ContractBroken("invalid_licence_identifier")
        return answer


async def _read(response: httpx.Response) -> dict[str, object]:
    """The JSON object of a good answer; the error that any other status stands for."""
    status = response.status_code
    if status == 200:
        if not _JSON_TYPE.fullmatch(response.headers.get("content-type", "")):
            raise _Unreadable("content_type")
        if "content-encoding" in response.headers:
            raise _Unreadable("content_encoding")
        parts, size = [], 0
        async for part in cast(httpx.AsyncByteStream, response.stream):
            size += len(part)
            if size > LARGEST_ANSWER:
                raise _Unreadable("too_large")
            parts.append(part)
        return _object(b"".join(parts))
    if status in (429, 503):
        raise Unavailable(f"http_{status}", retry_after=retry_after(response.headers.get("retry-after")))
    if status in (401, 403, 404) or 300 <= status < 400:
        raise Misconfigured(f"http_{status}")
    if 400 <= status < 500 and status != 408:
        raise ContractBroken("key_used_otherwise" if status == 409 else f"http_{status}")
    raise Ambiguous(f"http_{status}")


def retry_after(value: str | None, now: float | None = None) -> float | None:
    """Seconds of a Retry-After header, as number or HTTP date, at most an hour; None if it makes no sense."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:12]), LONGEST_RETRY_AFTER_S)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    seconds = until.replace(tzinfo=until.tzinfo or UTC).timestamp() - (time.time() if now is None else now)
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def _object(body: bytes) -> dict[str, object]:
    try:
        parsed = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _Unreadable("no_json") from None
    if not isinstance(parsed, dict):
        raise _Unreadable("no_object")
    return parsed


def _is_licence_identifier(number: str) -> bool:
    """Whether the check character is right (GB/T 36904: ISO 7064 MOD 37,36 over the last five fields without dots)."""
    return number.startswith(_LICENCE_ROOT) and mod_37_36.is_valid(number[len(_LICENCE_ROOT) :].replace(".", ""))


def _is_bad_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
