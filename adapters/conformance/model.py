"""What the kit is made of: checks, what they need, and what comes out of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.effects import Expect, Verb
from domain.messages import Text

if TYPE_CHECKING:
    from adapters.conformance.bench import Bench


class Proof(StrEnum):
    """What the way a province identifies its callers covers; the profile says which of them hold."""

    SECRET = "secret"  # noqa: S105 - a word, not a secret: only who knows the secret is believed
    BODY = "body"  # a changed body is not believed
    PATH = "path"  # the same request at another path is not believed
    TIME = "time"  # too old and too new are not believed
    ONCE = "once"  # the same request twice is not believed


class Control(StrEnum):
    """What a target offers under /sim, beyond what a province does."""

    LEDGER = "ledger"
    FAULTS = "faults"
    CLOCK = "clock"
    RESULTS = "results"  # the nightly file can be tampered with


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


class NotApplicable(Exception):
    """The check makes no sense here; ``text`` says why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(zh=zh, en=en)


class Failed(Exception):
    """The adapter does not keep what it promises; ``text`` says how."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(zh=zh, en=en)


@dataclass(frozen=True)
class Check:
    """One check. Everything but ``run`` is what has to hold for it to make sense.

    keys: True, only where the same key has one effect; False, only where it has not. samples: what the profile must
    name. alone: it changes the target for everybody, so nothing else may run.
    """

    id: str
    requirement: str
    title: Text
    run: Callable[[Bench], Awaitable[None]]
    verbs: tuple[Verb, ...] = ()
    answers: tuple[Expect, ...] = ()
    keys: bool | None = None
    proofs: tuple[Proof, ...] = ()
    samples: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    alone: bool = False

    @property
    def group(self) -> str:
        """The letters of its id."""
        return self.id.partition("-")[0]


def check(
    id_: str,
    requirement: str,
    zh: str,
    en: str,
    *,
    verbs: tuple[Verb, ...] = (),
    answers: tuple[Expect, ...] = (),
    keys: bool | None = None,
    proofs: tuple[Proof, ...] = (),
    samples: tuple[str, ...] = (),
    controls: tuple[Control, ...] = (),
    alone: bool = False,
) -> Callable[[Callable[[Bench], Awaitable[None]]], Check]:
    """Makes a coroutine a check."""

    def made(run: Callable[[Bench], Awaitable[None]]) -> Check:
        return Check(id_, requirement, Text(zh=zh, en=en), run, verbs, answers, keys, proofs, samples, controls, alone)

    return made


@dataclass(frozen=True)
class Wire:
    """One exchange as it went through the proxy, secrets masked. ``note``: what the proxy did to it."""

    request: str
    response: str
    note: str = ""


@dataclass
class Step:
    """What was asked of the adapter, and what came."""

    asked: str
    came: str = ""
    wires: list[Wire] = field(default_factory=list)


@dataclass
class Result:
    """What became of a check."""

    check: Check
    status: Status
    text: Text | None = None
    steps: list[Step] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Report:
    """One run over one adapter. Times are Unix seconds."""

    adapter: str
    target: str
    region: str
    started_at: float
    seconds: float
    controls: tuple[str, ...]
    results: list[Result]

    def count(self, status: Status) -> int:
        """How many ended so."""
        return sum(1 for each in self.results if each.status is status)

    @property
    def passed(self) -> bool:
        """Nothing failed and something passed."""
        return self.count(Status.FAILED) == 0 and self.count(Status.PASSED) > 0
