"""What goes wrong in a run: drawn from the whole switchboard, with the seed of the run."""

from __future__ import annotations

import random
from typing import Any

REGIONS = ("310000", "320000", "330000", "340000")
LONGEST_DELAY_S = 3.5  # longer than a quick try waits (2.5), and less than the settle time of the stack
Switch = tuple[str, dict[str, Any]]
"""A province and the body of ``POST /sim/faults``."""

PLAIN: tuple[str, ...] = (
    "maintenance",
    "error_500",
    "reset",
    "lost_answer",
    "truncated",
    "reset_mid_body",
    "garbage",
    "oversize",
)
PLAIN += ("wrong_charset", "wrong_types", "unknown_enum", "deep", "wrong_key", "bad_licence")
CALLBACKS = ("early", "lost", "duplicate", "late", "reordered", "contradictory", "forged", "unknown")
CALLED_BACK = ("310000", "330000")
STATUSES = (400, 401, 403, 404, 408, 409, 418, 422, 500, 502, 504, 301, 204)
PAUSES = ("1", "0", "tomorrow", "", "-5", "Wed, 21 Oct 2015 07:28:00 GMT")


def draw(rng: random.Random) -> list[Switch]:
    """Two to seven faults at random provinces."""
    return [_one(rng) for _ in range(rng.randint(2, 7))]


def _one(rng: random.Random) -> Switch:
    region = rng.choice(REGIONS)
    body: dict[str, Any] = {
        "operation": "*",
        "times": rng.choice([1, 1, 2, 3, 5, None]),
        "probability": rng.choice([0.3, 0.6, 1.0]),
        "seed": rng.randrange(1_000_000),
    }
    if rng.random() < 0.25:
        region = rng.choice(CALLED_BACK)
        kind = "callback_" + rng.choice(CALLBACKS)
        body["seconds"] = round(rng.uniform(0.2, 2.0), 1)
        return region, body | {"kind": kind}
    if rng.random() < 0.15:  # what is looked up, believed and asked for beside the services
        body["operation"] = rng.choice(["lookup", "lookup", "token", "health", "callback"])
        if body["operation"] == "callback":
            return rng.choice(CALLED_BACK), body | {"kind": "clock_skew", "seconds": rng.choice([900, -900])}
        if body["operation"] == "token":
            region = "310000"
    kinds = [*PLAIN, "refused", "down", "http_status", "refuse_429", "half_open", "delayed", "timeout", "slow", "drip"]
    kind = rng.choice([*kinds, "clock_skew", "forged_answer"])
    match kind:
        case "refused":
            body |= {"times": rng.randint(1, 2), "seconds": round(rng.uniform(0.2, 1.5), 1)}
        case "clock_skew":
            body |= {"times": rng.randint(1, 3), "seconds": rng.choice([900, -900])}
        case "http_status":
            body |= {"times": rng.randint(1, 3), "status": rng.choice(STATUSES), "retry_after": rng.choice(PAUSES)}
        case "refuse_429" | "down" | "maintenance":
            body["retry_after"] = rng.choice(PAUSES)
        case "delayed":
            body["seconds"] = round(rng.uniform(0.2, LONGEST_DELAY_S), 1)
        case "half_open" | "timeout" | "slow" | "drip":
            body["seconds"] = round(rng.uniform(0.2, 5.0), 1)
        case "forged_answer":
            region = "320000"
    return region, body | {"kind": kind}


def kills(rng: random.Random) -> list[str]:
    """Whose process is killed in the run: mostly nobody's."""
    parts = ["worker-core", "worker-provinces", "worker-core-2", "worker-provinces-2"]
    parts += [f"province-{region}" for region in REGIONS]
    return rng.sample(parts, rng.choice([1, 1, 2])) if rng.random() < 0.2 else []
