"""The fault switchboard: makes the province misbehave on purpose, for tests and demonstrations."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeVar


class Where(StrEnum):
    """Where on a request's way a fault strikes."""

    DOOR = "door"  # before anybody can knock; switching it on counts as a call
    CLOCK = "clock"  # on the clock that signatures go by, of one call or one event
    CALL = "call"  # instead of an answer, nothing done
    ANSWER = "answer"  # after the work is done and committed
    CALLBACK = "callback"  # on the way of an event


@dataclass(frozen=True)
class Kind:
    """One way to misbehave. ``seconds``: unless the switch says otherwise. ``all``: ``*`` covers lookups and health."""

    where: Where
    seconds: float = 1.0
    all: bool = False


KINDS = {
    "refused": Kind(Where.DOOR, all=True),
    "clock_skew": Kind(Where.CLOCK, seconds=600.0, all=True),
    "down": Kind(Where.CALL, all=True),
    "http_status": Kind(Where.CALL),
    "refuse_429": Kind(Where.CALL),
    "maintenance": Kind(Where.CALL),
    "error_500": Kind(Where.CALL),
    "reset": Kind(Where.CALL),
    "half_open": Kind(Where.CALL, seconds=60.0, all=True),
    "delayed": Kind(Where.CALL),  # waits, then does it and answers
    "lost_answer": Kind(Where.ANSWER),
    "timeout": Kind(Where.ANSWER, seconds=60.0),
    "slow": Kind(Where.ANSWER),
    "drip": Kind(Where.ANSWER),
    "truncated": Kind(Where.ANSWER),
    "reset_mid_body": Kind(Where.ANSWER),
    "garbage": Kind(Where.ANSWER),
    "oversize": Kind(Where.ANSWER),
    "wrong_charset": Kind(Where.ANSWER),
    "wrong_types": Kind(Where.ANSWER),
    "unknown_enum": Kind(Where.ANSWER),
    "deep": Kind(Where.ANSWER),
    "wrong_key": Kind(Where.ANSWER),
    "bad_licence": Kind(Where.ANSWER),
    "forged_answer": Kind(Where.ANSWER),
    "callback_early": Kind(Where.ANSWER),
    "callback_lost": Kind(Where.CALLBACK),
    "callback_duplicate": Kind(Where.CALLBACK),
    "callback_late": Kind(Where.CALLBACK),
    "callback_reordered": Kind(Where.CALLBACK, seconds=5.0),
    "callback_contradictory": Kind(Where.CALLBACK),
    "callback_forged": Kind(Where.CALLBACK),
    "callback_unknown": Kind(Where.CALLBACK),
}
SPECIAL = frozenset({"lookup", "health", "token", "results"})
"""Operations that ``*`` does not mean, except for the kinds that take the whole house down."""
LONGEST_S = 3600.0
FARTHEST_SKEW_S = 10 * 366 * 86400.0
_FIELDS = {"operation", "kind", "times", "probability", "seed", "seconds", "retry_after", "status"}
_T = TypeVar("_T")


class BadFault(Exception):
    """A fault that the switchboard does not know."""


@dataclass
class Fault:
    """One switched-on fault. ``times``: strikes left, None for ever. ``status``: of ``http_status``."""

    number: int
    kind: str
    operation: str = "*"
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    seconds: float = 1.0
    retry_after: str = "2"
    status: int = 400


class Switchboard:
    """Faults in the order they were switched on, each used up by its strikes."""

    def __init__(self, seed: int = 0, kinds: Mapping[str, Kind] = KINDS) -> None:
        self._seed = seed  # of faults that bring none of their own
        self._kinds = kinds
        self._faults: list[Fault] = []
        self._dice: dict[int, random.Random] = {}
        self._last = 0

    def add(self, body: object) -> Fault:
        """Switches a fault on; raises BadFault for anything unknown."""
        if not isinstance(body, dict) or not set(body) <= _FIELDS:
            raise BadFault("unknown field")
        kind = body.get("kind")
        if not isinstance(kind, str) or kind not in self._kinds:
            raise BadFault("unknown kind")
        fault = Fault(self._last + 1, kind)
        fault.operation = _checked(body.get("operation", "*"), str)
        fault.times = None if body.get("times") is None else _checked(body["times"], int)
        fault.probability = float(_checked(body.get("probability", 1.0), int, float))
        fault.seconds = float(_checked(body.get("seconds", self._kinds[kind].seconds), int, float))
        fault.seed = _checked(body.get("seed", self._seed), int)
        fault.retry_after = str(_checked(body.get("retry_after", "2"), int, str))
        fault.status = _checked(body.get("status", 400), int)
        _check_ranges(fault)
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

    def pick(self, where: Where, operation: str) -> Fault | None:
        """The first fault that strikes here, used up by one."""
        return next(iter(self._strikes(where, operation, first=True)), None)

    def pick_all(self, where: Where, operation: str, kinds: Collection[str] | None = None) -> dict[str, Fault]:
        """Every fault of these kinds that strikes here, by its kind, each used up by one."""
        return {fault.kind: fault for fault in self._strikes(where, operation, kinds=kinds)}

    def _strikes(
        self, where: Where, operation: str, *, first: bool = False, kinds: Collection[str] | None = None
    ) -> list[Fault]:
        struck = []
        for fault in list(self._faults):
            kind = self._kinds[fault.kind]
            if kinds is not None and fault.kind not in kinds:
                continue
            covers_all = operation not in SPECIAL or kind.all
            if kind.where != where or fault.operation not in ((operation, "*") if covers_all else (operation,)):
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


def _check_ranges(fault: Fault) -> None:
    least, most = (-FARTHEST_SKEW_S, FARTHEST_SKEW_S) if fault.kind == "clock_skew" else (0.0, LONGEST_S)
    text = fault.retry_after
    fine = (
        0 <= fault.probability <= 1
        and least <= fault.seconds <= most
        and (fault.times is None or fault.times >= 1)
        and 200 <= fault.status <= 599
        and text.isprintable()
        and text.isascii()
        and len(text) <= 100
    )
    if not fine:
        raise BadFault("value out of range")
