"""The fault switchboard: makes the province misbehave on purpose, for tests and demonstrations."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import TypeVar

# where each kind strikes
KINDS = {
    # instead of an answer, nothing done
    "down": "call",
    "refuse_429": "call",
    "error_500": "call",
    "reset": "call",
    "delayed": "call",  # waits, then does it and answers
    # after the work is done and committed
    "lost_answer": "answer",
    "slow": "answer",
    "garbage": "answer",
    "oversize": "answer",
    "wrong_types": "answer",
    "wrong_key": "answer",
    "bad_licence": "answer",
    "callback_early": "answer",
    # on the way of a callback
    "callback_lost": "callback",
    "callback_duplicate": "callback",
    "callback_late": "callback",
    "callback_forged": "callback",
    "callback_unknown": "callback",
}
_FIELDS = {"operation", "kind", "times", "probability", "seed", "seconds", "retry_after"}


_T = TypeVar("_T")


class BadFault(Exception):
    """A fault that the switchboard does not know."""


@dataclass
class Fault:
    """One switched-on fault. ``times``: strikes left, None for ever. ``seconds``: for slow, delayed, callback_late."""

    number: int
    kind: str
    operation: str = "*"
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    seconds: float = 1.0
    retry_after: str = "2"


class Switchboard:
    """Faults in the order they were switched on. ``lookup`` and ``health`` are operations of their own.

    The operation ``*`` means all services; only ``down`` then also covers lookup and health, as a dead house would.
    """

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._dice: dict[int, random.Random] = {}
        self._last = 0

    def add(self, body: object) -> Fault:
        """Switches a fault on; raises BadFault for anything unknown."""
        if not isinstance(body, dict) or not set(body) <= _FIELDS or body.get("kind") not in KINDS:
            raise BadFault("unknown kind or field")
        fault = Fault(self._last + 1, body["kind"])
        if "operation" in body:
            fault.operation = _checked(body["operation"], str)
        if body.get("times") is not None:
            fault.times = _checked(body["times"], int)
        fault.probability = float(_checked(body.get("probability", 1.0), int, float))
        fault.seconds = float(_checked(body.get("seconds", 1.0), int, float))
        fault.seed = _checked(body.get("seed", 0), int)
        fault.retry_after = str(_checked(body.get("retry_after", "2"), int, str))
        retry_ok = fault.retry_after.isprintable() and fault.retry_after.isascii() and len(fault.retry_after) <= 100
        if not (
            0 <= fault.probability <= 1
            and 0 <= fault.seconds <= 3600
            and (fault.times is None or fault.times >= 1)
            and retry_ok
        ):
            raise BadFault("value out of range")
        self._last += 1
        self._faults.append(fault)
        self._dice[fault.number] = random.Random(fault.seed)  # noqa: S311 - repeatable on purpose
        return fault

    def clear(self) -> None:
        """Switches all faults off."""
        self._faults.clear()
        self._dice.clear()

    def listed(self) -> list[dict[str, object]]:
        """What is switched on."""
        return [asdict(fault) for fault in self._faults]

    def pick(self, where: str, operation: str) -> Fault | None:
        """The first fault that strikes here, used up by one."""
        return next(iter(self._strikes(where, operation, first=True)), None)

    def pick_all(self, where: str, operation: str) -> list[Fault]:
        """Every fault that strikes here, each used up by one."""
        return self._strikes(where, operation, first=False)

    def _strikes(self, where: str, operation: str, *, first: bool) -> list[Fault]:
        struck = []
        for fault in list(self._faults):
            special = operation in ("lookup", "health") and fault.kind != "down"
            if KINDS[fault.kind] != where or fault.operation not in ((operation,) if special else (operation, "*")):
                continue
            if self._dice[fault.number].random() >= fault.probability:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
            struck.append(fault)
            if first:
                break
        return struck


def _checked(value: object, *kinds: type[_T]) -> _T:
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise BadFault("wrong type")
    return value
