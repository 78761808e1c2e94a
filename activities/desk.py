"""This process's view of one province: what is in flight, its breaker, and how its calls have been going."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from activities.breaker import Breaker, BreakerState
from adapters.errors import ProvinceError
from models import provinces
from models.database import DATABASE_DOWN, Database

TELL_EVERY_S = 5.0
WORKER = f"{os.getpid()}@{socket.gethostname()}"[:100]
log = logging.getLogger(__name__)


class Call:
    """One exchange under way. ``failed``: the province could not be reached or did not answer usably."""

    failed = False


class Desk:
    """Slots, breaker, and what is to be told of it."""

    def __init__(self, region: str, slots: int) -> None:
        self.region = region
        self.slots = slots
        self.breaker = Breaker()
        self.in_flight = 0
        self._calls = self._failures = 0
        self._took_ms: list[int] = []
        self._last_success: datetime | None = None
        self._told = BreakerState.CLOSED

    def has_room(self) -> bool:
        """A slot is free and the province has not been failing, or this call is the one that finds out."""
        return self.in_flight < self.slots and self.breaker.wait_s() <= 0

    @contextlib.contextmanager
    def call(self, *, counted: bool = True) -> Iterator[Call]:
        """Around one exchange with the province. One that is cut off has failed. ``counted``: not at a counter, where
        nothing goes over a wire that could tell how the province does."""
        if not counted:
            yield Call()
            return
        under_way, begun = Call(), time.monotonic()
        self.in_flight += 1
        self.breaker.begin()
        try:
            yield under_way
        except ProvinceError:
            raise  # whether it counts against the province, the caller says: a bad form of ours does not
        except BaseException:
            under_way.failed = True
            raise
        finally:
            self.in_flight -= 1
            self._count(round((time.monotonic() - begun) * 1000), failed=under_way.failed)

    def _count(self, took_ms: int, *, failed: bool) -> None:
        self.breaker.ended(well=not failed)
        self._calls += 1
        self._took_ms.append(took_ms)
        if failed:
            self._failures += 1
        else:
            self._last_success = datetime.now(UTC)

    def seen(self) -> provinces.Seen | None:
        """What has happened since this was asked last; None if nothing has."""
        state = self.breaker.state
        if not self._calls and state is self._told and state is BreakerState.CLOSED:
            return None
        seen = provinces.Seen(
            region=self.region,
            worker=WORKER,
            calls=self._calls,
            failures=self._failures,
            took_ms=tuple(self._took_ms),
            breaker=state,
            last_success=self._last_success,
        )
        self._calls = self._failures = 0
        self._took_ms, self._told = [], state
        return seen


class Desks:
    """The desks of all provinces this process calls."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._desks: dict[str, Desk] = {}

    def of(self, province: str) -> Desk:
        """The desk of a province."""
        return self._desks.setdefault(province, Desk(province, self._slots))

    async def keep_telling(self, database: Database, stop: asyncio.Event) -> None:
        """Writes down every few seconds what was seen, until told to stop; then once more."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TELL_EVERY_S)
            for desk in list(self._desks.values()):
                if (seen := desk.seen()) is not None:
                    try:
                        await provinces.tell(database, seen)
                    except DATABASE_DOWN as down:  # figures for operators: they may be lost, no case waits for them
                        log.warning("what was seen of %s is not written down: %s", desk.region, type(down).__name__)
