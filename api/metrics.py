"""Counters of the API."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("tongban_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "tongban_request_seconds",
    "Time to answer",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
OUTBOX_BACKLOG = Gauge("tongban_outbox_waiting", "Messages that have not reached Temporal yet")
OUTBOX_AGE = Gauge("tongban_outbox_oldest_seconds", "Age of the oldest of them")
