"""What a line can do to an answer: be cut, drip, break, or carry nothing. Works below HTTP, on the socket itself."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

LARGEST_BODY = 1 << 20
_LINGER_NOT = struct.pack("ii", 1, 0)


async def read(request: Request) -> bytes | None:
    """The body, or None if it is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def drop(request: Request, *, reset: bool) -> None:
    """Closes the connection without an answer."""
    transport = _transport(request)
    if reset:
        line = transport.get_extra_info("socket")
        if line is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()
    else:
        transport.close()


async def hold(request: Request, seconds: float) -> None:
    """Answers nothing until the caller gives up or the time is over, then closes."""
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        if await request.is_disconnected():
            break
        await asyncio.sleep(min(0.05, seconds))
    drop(request, reset=False)


async def half(request: Request, response: Response, *, reset: bool) -> None:
    """Promises a whole body, sends half of it, and breaks off: closed in order, or reset."""
    transport = _transport(request)
    body = bytes(response.body)
    head = [f"HTTP/1.1 {response.status_code} OK".encode()]
    head += [name + b": " + value for name, value in response.raw_headers]
    transport.write(b"\r\n".join([*head, b"connection: close", b"", b""]) + body[: len(body) // 2])
    await asyncio.sleep(0.02)
    drop(request, reset=reset)


def drip(response: Response, seconds: float) -> Response:
    """The same answer, a byte at a time, over so many seconds."""
    body = bytes(response.body)

    async def bytes_() -> AsyncIterator[bytes]:
        for at in range(len(body)):
            yield body[at : at + 1]
            await asyncio.sleep(seconds / len(body))

    headers = {name: value for name, value in response.headers.items() if name != "content-type"}
    return StreamingResponse(bytes_(), response.status_code, headers, response.headers.get("content-type"))


def with_body(response: Response, body: bytes) -> Response:
    """The same answer with other bytes in it."""
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(body, response.status_code, headers)


def _transport(request: Request) -> asyncio.Transport:
    """The server's own cycle object is the only way to its socket."""
    transport = getattr(getattr(request.receive, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport):
        raise ConnectionResetError("dropped on purpose")
    return transport
