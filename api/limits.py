"""How fast one caller may ask: a bucket per caller and process, so that nobody's script is everybody's outage."""

from __future__ import annotations

import time
from collections import OrderedDict

from domain.errors import Refusal

REMEMBERED = 10_000


class RateLimit:
    """``per_s`` requests on average, ``burst`` at once. A caller who has been away longest is forgotten first."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Counts one request; Refusal(too_many_requests) when the bucket is empty."""
        now = time.monotonic()
        left, since = self._buckets.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_s)
        self._buckets[caller] = (max(0.0, left - 1), now)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        if left < 1:
            raise Refusal("too_many_requests")
