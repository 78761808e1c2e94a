"""The man in the middle: passes on what the adapter sends, and does to it what a check wants done.

Host and path are passed on as they came, so that signatures over them hold. Each request has a connection of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from adapters.conformance.http import LARGEST_HEAD, BadMessage, Message, Request, Response, read_request, read_response

_UPSTREAM_S = 60.0


class Unreachable(Exception):
    """The target does not answer the proxy."""


@dataclass
class Passage:
    """One request on its way through. What an act does with it is its own business."""

    proxy: Proxy
    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    response: Response | None = None
    sent: bytes = b""
    written: int = 0
    note: str = ""

    async def forward(self, request: Request | None = None) -> Response:
        """Sends it to the target and returns what comes back."""
        self.response = await self.proxy.to_target(request or self.request)
        return self.response

    async def write(self, data: bytes) -> None:
        """Bytes to the adapter, as they are."""
        if len(self.sent) < LARGEST_HEAD:
            self.sent += data
        self.written += len(data)
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, response: Message) -> None:
        """A whole answer to the adapter."""
        await self.write(response.with_headers({"Connection": "close"}).raw())

    async def until_gone(self, within_s: float) -> None:
        """Waits until the adapter hangs up."""
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(within_s):
                while await self.reader.read(4096):
                    continue

    def reset(self) -> None:
        """Ends the connection with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Act = Callable[[Passage], Awaitable[None]]
When = Callable[[Request], bool]


async def honest(passage: Passage) -> None:
    """Passes it on, and the answer back."""
    await passage.answer(await passage.forward())


@dataclass
class Rule:
    """What is done to which requests. ``struck``: the passages it was done to."""

    act: Act
    when: When
    name: str
    struck: list[Passage] = field(default_factory=list)


class Proxy:
    """Listens on a free port of this machine and speaks for one target."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._tls = ssl.create_default_context() if self._target.scheme == "https" else None
        self._rules: list[Rule] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.passages: list[Passage] = []
        self.connections = 0
        self.url = ""

    async def start(self) -> None:
        """Opens the door."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=LARGEST_HEAD)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{self._target.path.rstrip('/')}"

    async def stop(self) -> None:
        """Closes the door and whatever is under way; afterwards its address refuses connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def doing(self, act: Act, when: When, name: str) -> Iterator[Rule]:
        """While this is open, ``act`` is done to every request that ``when`` picks."""
        rule = Rule(act, when, name)
        self._rules.insert(0, rule)
        try:
            yield rule
        finally:
            self._rules.remove(rule)

    async def to_target(self, request: Request) -> Response:
        """One exchange with the target."""
        port = self._target.port or (443 if self._tls else 80)
        try:
            async with asyncio.timeout(_UPSTREAM_S):
                reader, writer = await asyncio.open_connection(
                    self._target.hostname, port, ssl=self._tls, limit=LARGEST_HEAD
                )
                try:
                    writer.write(request.with_headers({"Connection": "close"}).raw())
                    await writer.drain()
                    return await read_response(reader)
                finally:
                    writer.close()
        except (OSError, TimeoutError, BadMessage) as gone:
            raise Unreachable(type(gone).__name__) from gone

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read_request(reader)
            if request is not None:
                passage = Passage(self, request, reader, writer)
                self.passages.append(passage)
                rule = next((each for each in self._rules if each.when(request)), None)
                if rule is not None:
                    passage.note = rule.name
                    rule.struck.append(passage)
                await (rule.act if rule else honest)(passage)
        except Unreachable:
            pass  # the adapter sees its connection closed, as behind any gateway
        except (OSError, BadMessage):
            pass  # the adapter has hung up, or speaks no HTTP: the check sees what comes of it
        finally:
            writer.close()
