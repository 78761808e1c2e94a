"""One HTTP exchange with a province, and what its troubles mean. Every dialect speaks through it.

    connection refused, no route, connect time-out, 429, 503      Unavailable      nothing was done
    time-out after sending, reset, other 5xx, unreadable body     Ambiguous        find before any resend
    bad certificate, redirect, address not allowed                Misconfigured    an operator acts

What any other status means is the dialect's to say; where it says nothing, 401, 403 and 404 are Misconfigured, other
4xx ContractBroken, and an unexpected success Ambiguous (``Reply.only``). Redirects are never followed, nothing is
decompressed, proxies and cookies do not exist, and the whole exchange has an end, not each read of it.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import time
from typing import cast
from urllib.parse import urlsplit

import httpx

from adapters.addresses import PublicOnly
from adapters.errors import Ambiguous, ContractBroken, Misconfigured, Unavailable
from adapters.port import AdapterSettings

LARGEST_ANSWER = 1 << 20
DEEPEST_ANSWER = 32
LONGEST_RETRY_AFTER_S = 3600.0
RECOVERABLE = (429, 503)
_HEADER = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True)
class Reply:
    """What came back: any status that the dialect has to judge. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The charset parameter in lower case, or nothing."""
        for parameter in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip('"').lower()
        return ""

    def json_object(self) -> dict[str, object]:
        """The JSON object in the body, numbers with a point as Decimal; Ambiguous for anything else."""
        if self.content_type.rpartition("+")[2] not in ("json", "application/json"):
            raise Ambiguous("unreadable_answer", "content_type")
        if self.charset not in ("", "utf-8", "utf8"):
            raise Ambiguous("unreadable_answer", "charset")
        return json_object(self.body)

    def only(self, *taken: int) -> Reply:
        """Itself if the dialect takes its status, and otherwise what the status stands for by itself."""
        if self.status in taken:
            return self
        if self.status in (401, 403, 404):
            raise Misconfigured(f"http_{self.status}")
        if self.status < 400:
            raise Ambiguous("unreadable_answer", "status")
        raise ContractBroken(f"http_{self.status}")


class Exchange:
    """Connections to one address. ``prefix`` is the path in front of every path, which signatures have to cover."""

    def __init__(self, settings: AdapterSettings) -> None:
        self._settings = settings
        self._base = settings.url.rstrip("/")
        self.prefix = urlsplit(self._base).path
        self.authority = urlsplit(self._base).netloc
        # httpx times single reads; this one ends a province that answers one byte at a time
        self._deadline_s = 2 * settings.connect_timeout_s + settings.timeout_s
        self._timeouts = httpx.Timeout(
            settings.timeout_s, connect=settings.connect_timeout_s, pool=settings.connect_timeout_s
        ).as_dict()
        self._certificate_seen = 0
        self._transport = settings.transport or self._open()

    async def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, largest: int = LARGEST_ANSWER
    ) -> Reply:
        """Sends one request. ``path`` may carry a query; ``Content-Type`` comes from the caller."""
        transport = self._fresh_transport()
        if not all(_HEADER.fullmatch(value) for value in headers.values()):
            raise Misconfigured("unsendable_header", "a credential holds characters no header can carry")
        try:
            request = httpx.Request(
                method,
                self._base + path,
                content=body,
                headers={"Accept-Encoding": "identity", **headers},
                extensions={"timeout": self._timeouts},
            )
            async with asyncio.timeout(self._deadline_s):
                response = await transport.handle_async_request(request)
                try:
                    return await _read(response, largest, self._settings.clock())
                finally:
                    await response.aclose()
        except (httpx.ConnectTimeout, httpx.PoolTimeout) as slow:
            raise Unavailable("connect_timeout", type(slow).__name__) from slow
        except httpx.ConnectError as refused:
            if _caused_by(refused, ssl.SSLCertVerificationError):
                raise Misconfigured("bad_certificate") from refused
            raise Unavailable("connection_refused") from refused
        except (
            httpx.UnsupportedProtocol,
            httpx.InvalidURL,
            UnicodeError,
        ) as wrong:  # the last: no name a host can have
            raise Misconfigured("bad_url", type(wrong).__name__) from wrong
        except (httpx.TimeoutException, TimeoutError) as slow:
            raise Ambiguous("timeout", type(slow).__name__) from slow
        except (httpx.HTTPError, httpx.StreamError, OSError) as broken:
            raise Ambiguous("connection_lost", type(broken).__name__) from broken

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._transport.aclose()

    def _fresh_transport(self) -> httpx.AsyncBaseTransport:
        """The transport, opened anew when the client certificate has changed. Old connections end when they idle."""
        file = self._settings.client_certificate
        if file and self._settings.transport is None and _changed_at(file) != self._certificate_seen:
            self._transport = self._open()
        return self._transport

    def _open(self) -> httpx.AsyncBaseTransport:
        """The transport itself, not a client around it: no cookies, no redirects, no proxies from the environment and
        no decompression by construction, and a quarter less CPU per call."""
        context: ssl.SSLContext | bool = True
        if self._settings.client_certificate:
            self._certificate_seen = _changed_at(self._settings.client_certificate)
            context = ssl.create_default_context()
            try:
                context.load_cert_chain(self._settings.client_certificate)
            except (OSError, ssl.SSLError) as broken:
                raise Misconfigured("client_certificate_unusable", type(broken).__name__) from broken
        opened = httpx.AsyncHTTPTransport(
            verify=context,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=15.0),
            trust_env=False,
        )
        return opened if self._settings.private_network else PublicOnly(opened)


async def _read(response: httpx.Response, largest: int, now: float) -> Reply:
    status = response.status_code
    headers = {name.lower(): value for name, value in response.headers.items()}
    if status in RECOVERABLE:
        raise Unavailable(f"http_{status}", retry_after=retry_after(headers.get("retry-after"), now))
    if 300 <= status < 400:
        raise Misconfigured(f"http_{status}", "a redirect is not followed")
    if status >= 500 or status == 408:
        raise Ambiguous(f"http_{status}")
    if headers.get("content-encoding", "identity") != "identity":
        raise Ambiguous("unreadable_answer", "content_encoding")
    parts, size = [], 0
    async for part in cast(httpx.AsyncByteStream, response.stream):
        size += len(part)
        if size > largest:
            raise Ambiguous("unreadable_answer", "too_large")
        parts.append(part)
    return Reply(status, headers, b"".join(parts))


def json_object(body: bytes) -> dict[str, object]:
    """A JSON object of bounded depth, numbers with a point as Decimal; Ambiguous for anything else."""
    try:
        parsed = json.loads(
            body.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_once
        )
    except (ValueError, RecursionError):
        raise Ambiguous("unreadable_answer", "no_json") from None
    if not isinstance(parsed, dict):
        raise Ambiguous("unreadable_answer", "no_object")
    if _deeper_than(parsed, DEEPEST_ANSWER):
        raise Ambiguous("unreadable_answer", "too_deep")
    return parsed


def json_bytes(content: Mapping[str, object]) -> bytes:
    """Compact UTF-8; ContractBroken for text that cannot be sent."""
    try:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        raise ContractBroken("unsendable_text", "a field holds half a surrogate pair") from None


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
    seconds = until.replace(tzinfo=until.tzinfo or UTC).timestamp() - (time() if now is None else now)
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def pause(value: object) -> float | None:
    """Seconds a province wants to be left alone, as a number in a body, at most an hour; None if it makes no sense."""
    if not isinstance(value, int | Decimal) or isinstance(value, bool) or not value >= 0:
        return None
    return float(min(value, Decimal(int(LONGEST_RETRY_AFTER_S))))


def is_fresh(at: float, clock: Callable[[], float], tolerance_s: float = 300.0) -> bool:
    """Whether a signature's time is near enough to ours."""
    return abs(clock() - at) <= tolerance_s


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice, and two readers would read two things")
    return found


def _deeper_than(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(_deeper_than(each, levels - 1) for each in inner)


def _changed_at(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError as missing:
        raise Misconfigured("client_certificate_unusable", type(missing).__name__) from missing


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
