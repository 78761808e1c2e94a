"""The little HTTP/1.1 that the proxy and the mailbox need: one message read from a stream, bytes kept as they came."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

LARGEST_HEAD = 1 << 16
LARGEST_BODY = 64 << 20


class BadMessage(Exception):
    """What came is no HTTP."""


@dataclass(frozen=True)
class Message:
    """A request or a response. ``start``: its first line; header names as they came."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), "")

    def with_headers(self, changed: Mapping[str, str]) -> Self:
        """The same with these headers instead."""
        names = {name.lower() for name in changed}
        kept = tuple(pair for pair in self.headers if pair[0].lower() not in names)
        return replace(self, headers=(*kept, *changed.items()))

    def without(self, *names: str) -> Self:
        """The same without these headers."""
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in names))

    def with_body(self, body: bytes) -> Self:
        """The same with another body, and the length that goes with it."""
        return replace(self.without("transfer-encoding"), body=body).with_headers({"Content-Length": str(len(body))})

    @property
    def head(self) -> bytes:
        """First line and headers, with the empty line after them."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def raw(self) -> bytes:
        """As it goes over the wire."""
        return self.head + self.body


@dataclass(frozen=True)
class Request(Message):
    """A request."""

    @property
    def method(self) -> str:
        """GET, POST …"""
        return self.start.split(" ")[0]

    @property
    def target(self) -> str:
        """Path and query."""
        return self.start.split(" ")[1]

    def at(self, target: str) -> Self:
        """The same request to another path."""
        return replace(self, start=f"{self.method} {target} HTTP/1.1")

    def mentions(self, *marks: str) -> bool:
        """Whether one of the marks stands in it anywhere."""
        raw = self.raw()
        return any(mark.encode() in raw for mark in marks if mark)


@dataclass(frozen=True)
class Response(Message):
    """An answer."""

    @property
    def status(self) -> int:
        """200, 404 …"""
        return int(self.start.split(" ")[1])


def response(status: int, body: bytes = b"", content_type: str = "", **headers: str) -> Response:
    """An answer of the kit's own. Underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type:
        named["Content-Type"] = content_type
    named |= {"Content-Length": str(len(body)), "Connection": "close"}
    return Response(f"HTTP/1.1 {status} X", tuple(named.items()), body)


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request, None if the other side has hung up before one."""
    start, headers = await _read_head(reader)
    if not start:
        return None
    if len(start.split(" ")) != 3:
        raise BadMessage(start[:100])
    request = Request(start, headers)
    body, _ = await _read_body(reader, request, until_end=False)
    return replace(request, body=body)


async def read_response(reader: asyncio.StreamReader) -> Response:
    """One answer; chunks are put together."""
    start, headers = await _read_head(reader)
    if not start.startswith("HTTP/1.") or not start[9:12].isdigit():
        raise BadMessage("no HTTP answer")
    answer = Response(start, headers)
    body, chunked = await _read_body(reader, answer, until_end=True)
    if chunked:
        return answer.with_body(body)
    return replace(answer, body=body)


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, tuple[tuple[str, str], ...]]:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as gone:
        if gone.partial.strip():
            raise BadMessage("head cut off") from None
        return "", ()
    except asyncio.LimitOverrunError:
        raise BadMessage("head too large") from None
    start, *lines = raw.decode("latin-1").strip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return start, tuple((name.strip(), value.strip()) for name, _, value in pairs)


async def _read_body(reader: asyncio.StreamReader, message: Message, *, until_end: bool) -> tuple[bytes, bool]:
    length = message.header("content-length")
    try:
        if message.header("transfer-encoding").lower() == "chunked":
            return await _read_chunks(reader), True
        if length:
            return await reader.readexactly(min(int(length), LARGEST_BODY)), False
    except (asyncio.IncompleteReadError, ValueError):
        raise BadMessage("body cut off") from None
    if until_end and message.start[9:12] not in ("204", "304"):
        return await reader.read(-1), False
    return b"", False


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while size := int((await reader.readline()).split(b";")[0].strip() or b"0", 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
        if sum(map(len, parts)) > LARGEST_BODY:
            raise BadMessage("body too large")
    while (await reader.readline()).strip():
        continue
    return b"".join(parts)
