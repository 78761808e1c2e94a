"""Tells the caller how a matter stands: at least once, persisted, with growing pauses until it is taken or hopeless."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import ssl
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from provinces import magic
from provinces.faces import Face
from provinces.faults import Fault, Where
from provinces.house import House
from provinces.operations import CONTRADICTION, mark
from provinces.store import Event, Matter

FINAL = {404, 409, 410}
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
MOST_401 = 5
CONTRADICTED_AFTER_S = 1.0
ADDRESS = "callback_url"
_TIMEOUT_S = 5.0
_AT_ONCE = 16

log = logging.getLogger("provinces")


class Messenger:
    """Completes what is in progress when it comes due and delivers the events. All state is in the store."""

    def __init__(self, house: House, faces: Mapping[str, Face]) -> None:
        self._house = house
        self._faces = faces
        self._changed = asyncio.Event()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None
        house.office.wake = self._changed.set
        house.office.announce = self.announce
        house.tell_early = self.tell_early

    @property
    def url(self) -> str:
        """Where events go; what was set while running outlives a restart."""
        return self._house.store.setting(ADDRESS, self._house.settings.callback_url)

    def set_url(self, url: str | None) -> None:
        """Events go there from now on; "" sends none, None is the command line's again."""
        with self._house.store.transaction():
            self._house.store.set_setting(ADDRESS, url)
        self._changed.set()

    async def start(self) -> None:
        """Starts with whatever was left over from the last run."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stops; what is not delivered stays in the store."""
        tasks = [*self._sending.values(), *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def announce(self, matter: Matter, what: str) -> None:
        """Writes the event about a matter, with whatever the switchboard does to it. A transaction is open."""
        face = self._faces.get(matter.face)
        if face is None or not self.url:
            return
        ended = what == "ended"
        event = self._event(face, matter, what)
        if event is None:
            return
        faults = self._house.faults.pick_all(Where.CALLBACK, matter.service) if ended else self._on_the_way(matter)
        self._misplace(event, faults)
        chosen = mark(matter.fields)
        if chosen == magic.TWICE:
            event.copies = 2
        contradicted = faults.get("callback_contradictory")
        if ended and (contradicted is not None or chosen == magic.CONTRADICTED):
            opposite = self._event(face, _opposite(matter), what)
            if opposite is not None:
                opposite.due_at += contradicted.seconds if contradicted else CONTRADICTED_AFTER_S
                self._house.store.write_event(opposite)
        self._house.store.write_event(event)
        if "callback_forged" in faults and (forged := self._event(face, _opposite(matter), what)) is not None:
            forged.forged = True
            self._house.store.write_event(forged)
        if "callback_unknown" in faults:
            nobody = secrets.token_hex(32)
            unknown = self._event(face, replace(matter, key=nobody, label=nobody), what)
            if unknown is not None:
                self._house.store.write_event(unknown)

    async def tell_early(self, key: str) -> None:
        """Completes a matter and sends its events; returns when those tries are over, whatever came of them."""
        self._house.office.complete(key)
        waiting = [event for event in self._house.store.events(key) if event.state == "waiting"]
        await asyncio.gather(*(self._send(event) for event in waiting if event.event_no not in self._sending))

    def _on_the_way(self, matter: Matter) -> dict[str, Fault]:
        """Of the faults only one strikes what is not the end: the event that waits for the next one."""
        if matter.wants is not None:
            return {}
        return self._house.faults.pick_all(Where.CALLBACK, matter.service, kinds=("callback_reordered",))

    def _misplace(self, event: Event, faults: Mapping[str, Fault]) -> None:
        if "callback_lost" in faults:
            event.state = "lost"
        if "callback_duplicate" in faults:
            event.copies = 2
        if "callback_late" in faults:
            event.due_at += faults["callback_late"].seconds
        if "callback_reordered" in faults:
            event.held = True
            event.due_at += faults["callback_reordered"].seconds

    def _event(self, face: Face, matter: Matter, what: str) -> Event | None:
        event_no = uuid.uuid4().hex
        body = face.letter(matter, what, event_no)
        return None if body is None else Event(event_no, matter.label, face.name, body, "waiting", time.time())

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
        store, clock = self._house.store, self._house.clock
        self._house.office.complete_due(clock.time())
        pauses = []
        if self.url:
            for event in store.due_events(time.time()):
                if event.event_no not in self._sending and len(self._sending) < _AT_ONCE:
                    self._send(event)
            if (due := store.next_event()) is not None:
                pauses.append(due - time.time())
        if (due := store.next_due()) is not None:
            pauses.append(due - clock.time())
        # what is being sent is still due in the store: its end wakes the loop, so do not spin on it
        floor = 0.05 if self._sending else 0.001
        return max(min(pauses), floor) if pauses else None

    def _send(self, event: Event) -> asyncio.Task[None]:
        task = asyncio.create_task(self._deliver(event))
        self._sending[event.event_no] = task
        task.add_done_callback(partial(self._sent, event.event_no))
        return task

    def _sent(self, event_no: str, _: asyncio.Task[None]) -> None:
        self._sending.pop(event_no, None)
        self._changed.set()

    async def _deliver(self, event: Event) -> None:
        """Sends one event once and writes down what came of it."""
        status = await self._post(event)
        event.attempts += 1
        event.last_status = status
        pause = min(FIRST_PAUSE_S * 2 ** min(event.attempts - 1, 10), LONGEST_PAUSE_S)
        taken = status is not None and 200 <= status < 300
        if event.forged:
            event.state = "stopped"
        elif taken:
            event.copies -= 1
            event.state = "delivered" if event.copies <= 0 else "waiting"
            pause = 0.0
        elif status in FINAL or (status == 401 and event.attempts >= MOST_401):
            event.state = "stopped"
        release = taken and not event.held
        event.held = False
        event.due_at = time.time() + pause
        with self._house.store.transaction():
            self._house.store.write_event(event)
            if release:
                self._house.store.release_held(time.time())

    async def _post(self, event: Event) -> int | None:
        url, body = self.url, event.body.encode()
        skew = self._house.faults.pick(Where.CLOCK, "callback")
        now = time.time() + (skew.seconds if skew else 0.0)
        headers = self._faces[event.face].seal(url, body, now, forged=event.forged)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await _post(url, headers, body)
        except (OSError, TimeoutError, ValueError, EOFError):
            return None


def _opposite(matter: Matter) -> Matter:
    """What a contradiction says: no instead of yes, and the other way round."""
    if matter.state == "refused":
        return replace(matter, state="done", reasons=(), text=None)
    return replace(matter, state="refused", result={}, reasons=(CONTRADICTION.code,), text=CONTRADICTION.text)


async def _post(url: str, headers: dict[str, str], body: bytes) -> int:
    """One HTTP POST; only the status matters, redirects are not followed."""
    parts = urlsplit(url)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
    try:
        lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        words = (await reader.readline()).split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
            raise ValueError("no HTTP answer")
        return int(words[1])
    finally:
        writer.close()
