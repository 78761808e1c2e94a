"""The clock of a province: the true time and what a test has added to it. Kept in the store, so a restart keeps it."""

from __future__ import annotations

import math
import time
from datetime import UTC, date, datetime, timedelta, timezone

from provinces.store import Database

CHINA = timezone(timedelta(hours=8))
FARTHEST_S = 100 * 366 * 86400
_SETTING = "clock_offset_s"


class BadClock(Exception):
    """A time that this clock cannot show."""


class Clock:
    """Due times, dates on results and the day of the nightly file go by it; signatures go by the true time."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self.offset_s = float(store.setting(_SETTING, "0"))

    def time(self) -> float:
        """Seconds since 1970, as this province sees it."""
        return time.time() + self.offset_s

    def now(self) -> datetime:
        """The same as a time in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)

    def today(self) -> date:
        """The day in Asia/Shanghai."""
        return self.now().astimezone(CHINA).date()

    def text(self) -> str:
        """Now, as written in the books."""
        return self.now().isoformat(timespec="milliseconds")

    def set(self, body: object) -> None:
        """``{"offset_s": n}`` or ``{"now": "2026-11-25T09:30:00+08:00"}``; raises BadClock."""
        if not isinstance(body, dict) or len(body) != 1:
            raise BadClock("give offset_s or now")
        if not {"offset_s", "now"} & set(body):
            raise BadClock("give offset_s or now")
        if "offset_s" in body:
            offset = body["offset_s"]
        else:
            try:
                there = datetime.fromisoformat(str(body.get("now", "")))
            except ValueError:
                raise BadClock("now is no time") from None
            if there.tzinfo is None:
                raise BadClock("now has no zone")
            offset = (there - datetime.now(UTC)).total_seconds()
        if isinstance(offset, bool) or not isinstance(offset, int | float) or not abs(offset) <= FARTHEST_S:
            raise BadClock("too far away")
        self.move(float(offset))

    def move(self, offset_s: float) -> None:
        """Sets what is added to the true time; 0 is the true time."""
        if not math.isfinite(offset_s):
            raise BadClock("no number")
        self.offset_s = offset_s
        with self._store.transaction():
            self._store.set_setting(_SETTING, repr(offset_s))
