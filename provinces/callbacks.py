"""Tells the caller how a request ended: at least once, persisted, with growing pauses until it is taken or hopeless."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from functools import partial
from urllib.parse import urlsplit

from provinces.office import Office
from provinces.signing import signed_headers
from provinces.store import Callback

FINAL = {404, 409, 410}
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
MOST_401 = 5
_TIMEOUT_S = 5.0
_AT_ONCE = 16

log = logging.getLogger("provinces")


class Messenger:
    """Completes what is in progress when it comes due and delivers the events. All state is in the store."""

    def __init__(self, office: Office, url: str, secret: bytes) -> None:
        self._office = office
        self._url = url
        self._secret = secret
        self._path = urlsplit(url).path or "/"
        self._changed = asyncio.Event()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None
        office.wake = self._changed.set

    async def start(self) -> None:
        """Starts with whatever was left over from the last run."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops; what is not delivered stays in the store."""
        tasks = [*self._sending.values(), *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            try:
                pause = self._step()
            except Exception:  # the loop must outlive a full disk
                log.exception("completing or sending failed")
                pause = 1.0
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), pause)

    def _step(self) -> float | None:
        now = time.time()
        self._office.complete_due(now)
        if self._url:
            for event in self._office.store.due_callbacks(now):
                if event.event_no not in self._sending and len(self._sending) < _AT_ONCE:
                    self._send(event)
        due = self._office.store.next_due()
        # what is being sent is still due in the store: its end wakes the loop, so do not spin on it
        floor = 0.05 if self._sending else 0.001
        return None if due is None else max(due - time.time(), floor)

    def _send(self, event: Callback) -> asyncio.Task[None]:
        task = asyncio.create_task(self._deliver(event))
        self._sending[event.event_no] = task
        task.add_done_callback(partial(self._sent, event.event_no))
        return task

    def _sent(self, event_no: str, _: asyncio.Task[None]) -> None:
        self._sending.pop(event_no, None)
        self._changed.set()

    async def send_now(self, event: Callback) -> None:
        """Sends an event at once and returns when that try is over, whatever came of it."""
        await self._send(event)

    async def _deliver(self, event: Callback) -> None:
        """Sends one event once and writes down what came of it."""
        status = await self._post(event)
        event.attempts += 1
        event.last_status = status
        pause = min(FIRST_PAUSE_S * 2 ** min(event.attempts - 1, 10), LONGEST_PAUSE_S)
        if event.forged:
            event.state = "stopped"
        elif status is not None and 200 <= status < 300:
            event.copies -= 1
            event.state = "delivered" if event.copies <= 0 else "waiting"
            pause = 0.0
        elif status in FINAL or (status == 401 and event.attempts >= MOST_401):
            event.state = "stopped"
        event.due_at = time.time() + pause
        with self._office.store.transaction():
            self._office.store.write_callback(event)

    async def _post(self, event: Callback) -> int | None:
        body = event.body.encode()
        secret = b"not the secret of this province" if event.forged else self._secret
        headers = signed_headers(secret, "POST", self._path, body)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await _post(self._url, headers, body)
        except (OSError, TimeoutError, ValueError, EOFError):
            return None


async def _post(url: str, headers: dict[str, str], body: bytes) -> int:
    """One HTTP POST; only the status matters, redirects are not followed."""
    parts = urlsplit(url)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
    try:
        lines = [f"POST {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        words = (await reader.readline()).split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
            raise ValueError("no HTTP answer")
        return int(words[1])
    finally:
        writer.close()
