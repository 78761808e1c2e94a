"""Where the target calls back to: keeps every letter as it came and says thank you."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from adapters.conformance.http import LARGEST_HEAD, BadMessage, read_request, response


@dataclass(frozen=True)
class Letter:
    """One callback as it arrived. ``path``: without query, as the house hands it to the adapter."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def with_body(self, body: bytes) -> Letter:
        """The same with other content under the old signature."""
        return replace(self, body=body)

    def at(self, path: str) -> Letter:
        """The same as if it had come in at another address."""
        return replace(self, path=path)


class Mailbox:
    """Listens where the target was told to send its callbacks."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self.letters: list[Letter] = []
        self.address = ""

    async def start(self) -> None:
        """Opens the door; OSError if the address is taken."""
        self._server = await asyncio.start_server(self._accept, self._host, self._port, limit=LARGEST_HEAD)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"

    async def stop(self) -> None:
        """Closes it."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def about(self, *marks: str) -> list[Letter]:
        """The letters that name one of the marks, in the order they came."""
        wanted = [mark.encode() for mark in marks if mark]
        return [letter for letter in self.letters if any(mark in letter.body for mark in wanted)]

    async def wait(self, within_s: float) -> bool:
        """Waits for another letter; False if none comes."""
        self._news.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._receive(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read_request(reader)
            if request is not None:
                headers = {name.lower(): value for name, value in request.headers}
                self.letters.append(Letter(request.target.partition("?")[0], headers, request.body))
                self._news.set()
                writer.write(response(200, b"{}", "application/json").raw())
                await writer.drain()
        except (OSError, BadMessage):
            pass  # whoever sends no HTTP gets no answer
        finally:
            writer.close()
