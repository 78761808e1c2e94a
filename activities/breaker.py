"""A circuit breaker for one province in one process: closed, open for a while, then one call to find out.

It only keeps calls away from a province that is failing. A case never fails by it: what is kept away is tried later.
The pause doubles with every probe that fails, up to a minute, so that a province that comes back is found within one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

FAILING_AFTER = 3
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Not thread-safe: one event loop uses it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._opened = 0  # times in a row
        self._until = 0.0
        self._probing = False

    @property
    def state(self) -> BreakerState:
        """Where it stands now."""
        if not self._opened:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock() < self._until else BreakerState.HALF_OPEN

    def wait_s(self) -> float:
        """How long to keep away; 0 when a call may be made."""
        match self.state:
            case BreakerState.CLOSED:
                return 0.0
            case BreakerState.OPEN:
                return self._until - self._clock()
            case BreakerState.HALF_OPEN:
                return 1.0 if self._probing else 0.0

    def begin(self) -> None:
        """A call is about to be made; when half open it is the probe."""
        if self.state is BreakerState.HALF_OPEN:
            self._probing = True

    def ended(self, *, well: bool) -> None:
        """A call has ended. One good answer closes it; after three failures in a row, or a failed probe, it opens."""
        self._probing = False
        if well:
            self._failures = self._opened = 0
            return
        self._failures += 1
        if self.state is BreakerState.OPEN:
            return  # it was under way before it opened
        if self._opened or self._failures >= FAILING_AFTER:
            self._until = self._clock() + min(FIRST_PAUSE_S * 2**self._opened, LONGEST_PAUSE_S)
            self._opened = min(self._opened + 1, 10)
