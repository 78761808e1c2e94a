"""The port every province plugs into: small, async, typed, versioned.

An adapter translates ``ProvinceCall`` into its province's dialect and the reply back into ``Answer``. It keeps no state
between calls, retries nothing (the engine does) and raises only the tree of ``adapters.errors``. It says in
``capabilities`` what its province can do; what it does not declare is never asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from time import time
from typing import ClassVar, Protocol

import httpx

from adapters.credentials import Credentials
from adapters.errors import CallbackRefused, Misconfigured, Unavailable
from domain.effects import Answer, CallbackNotice, Expect, ProvinceCall, Verb

PORT_VERSION = 1


class FindBy(StrEnum):
    """How an outcome nobody knows is looked for before anything is sent again."""

    KEY = "key"  # by the key: the province keeps it
    BUSINESS_NUMBER = "business_number"  # by a number of ours that the province keeps but does not heed
    NOTHING = "nothing"  # not at all: a clerk has to confirm


@dataclass(frozen=True)
class Capabilities:
    """What a province can do.

    verbs: what may be asked of it. answers: how the ends of its matters arrive (empty: always with the answer itself).
    keys: the same key twice has one effect. find: how a lost outcome is looked for.
    settle_s: without keys, how long a request that got no answer may still be under way; nothing is sent again sooner.
    max_rate_per_s: calls a second it bears, over all; None: no limit of its own.
    """

    verbs: frozenset[Verb]
    answers: frozenset[Expect] = frozenset()
    keys: bool = True
    find: FindBy = FindBy.KEY
    settle_s: float = 0.0
    max_rate_per_s: float | None = None

    def __post_init__(self) -> None:
        """Refuses what contradicts itself."""
        if self.keys and self.find is FindBy.NOTHING:
            raise ValueError("a province that keeps keys can be asked for them: find must not be NOTHING")
        if not self.keys and self.find is FindBy.KEY:
            raise ValueError("a province without keys is searched by business number, or not at all")
        if not self.keys and self.find is FindBy.BUSINESS_NUMBER and self.settle_s <= 0:
            raise ValueError("settle_s: without keys a search proves nothing while a request may be under way")


@dataclass(frozen=True)
class AdapterSettings:
    """What an adapter is made from. Times in seconds.

    private_network: addresses of private ranges are meant (they are refused otherwise).
    options: the entry's own words of the provinces file. transport, clock: for tests and the conformance kit.
    """

    region: str
    url: str
    credentials: Credentials
    timeout_s: float = 10.0
    connect_timeout_s: float = 2.0
    poll_after_s: int = 30
    private_network: bool = False
    client_certificate: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    transport: httpx.AsyncBaseTransport | None = None
    clock: Callable[[], float] = time


@dataclass(frozen=True)
class ResultsFile:
    """The nightly file of a province, checked against its own control totals.

    rows: in the order of the file. An adapter raises ContractBroken for a file that contradicts its totals or digest.
    """

    day: date
    digest: str
    rows: tuple[ResultRow, ...]


@dataclass(frozen=True)
class ResultRow:
    """One matter that ended that day. ``business_number``: ours, as sent; ``answer``: its end; money in fen."""

    business_number: str
    department: str
    operation: str
    answer: Answer
    amount_fen: int | None = None


class ProvinceAdapter(Protocol):
    """One province's back office.

    ``call``: every verb it declares, except find. Returns an Answer, or raises Unavailable (nothing done), Ambiguous
    (unknown), Rejected, Misconfigured, ContractBroken.
    ``find``: the answer the province holds under ``call.key``, or None if it never saw it. Never an effect.
    ``read_callback``: verifies the signature over method, path and body; raises CallbackRefused.
    ``results``: the nightly file of a day, None while there is none; only where Expect.BATCH is declared.
    ``business_number``: the number of ours under which the province keeps a matter, as its nightly file names it.
    ``health``: returns when the province answers and believes us, raises otherwise.
    """

    region: str
    capabilities: Capabilities

    async def call(self, call: ProvinceCall) -> Answer: ...

    async def find(self, call: ProvinceCall) -> Answer | None: ...

    def read_callback(self, path: str, headers: Mapping[str, str], body: bytes) -> CallbackNotice: ...

    async def results(self, day: date) -> ResultsFile | None: ...

    def business_number(self, case_no: str, key: str) -> str: ...

    async def health(self) -> None: ...

    async def aclose(self) -> None: ...


class Adapter:
    """A base that does nothing yet: what a dialect does not override, its province cannot do."""

    port_version: ClassVar[int] = PORT_VERSION
    capabilities: Capabilities

    def __init__(self, settings: AdapterSettings) -> None:
        self.settings = settings
        self.region = settings.region

    async def call(self, call: ProvinceCall) -> Answer:
        """Nothing can be asked of it."""
        raise Misconfigured("verb_not_supported", call.verb.value)

    async def find(self, call: ProvinceCall) -> Answer | None:
        """Nothing can be found."""
        raise Misconfigured("verb_not_supported", Verb.FIND.value)

    def read_callback(self, path: str, headers: Mapping[str, str], body: bytes) -> CallbackNotice:
        """It never calls back."""
        raise CallbackRefused("bad_signature")

    async def results(self, day: date) -> ResultsFile | None:
        """It has no nightly file."""
        raise Misconfigured("verb_not_supported", "results")

    def business_number(self, case_no: str, key: str) -> str:
        """The key itself, unless the province keeps another number."""
        return key

    async def health(self) -> None:
        """Nothing is asked, so nothing is wrong."""

    def is_at_home(self, region: object, *, up: bool = True) -> None:
        """What every health check has to find: the right province, and it is up."""
        if region != self.region:
            raise Misconfigured("another_region", f"{self.region} is answered by another province")
        if not up:
            raise Unavailable("not_up")

    async def aclose(self) -> None:
        """Nothing is held open."""


class AdapterFactory(Protocol):
    """What an entry point in the group ``tongban.adapters`` names: a class that says what it can do, for which port."""

    port_version: int
    capabilities: Capabilities

    def __call__(self, settings: AdapterSettings) -> ProvinceAdapter: ...
