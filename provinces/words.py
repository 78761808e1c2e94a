"""The words the office and its faces speak among themselves; every face translates them to and from its own wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What an order asks for."""

    APPLY = "apply"
    CONSULT = "consult"
    NOTIFY = "notify"
    REVERSE = "reverse"
    WITHDRAW = "withdraw"
    SUPPLEMENT = "supplement"
    RELEASE = "release"
    PREVIEW = "preview"
    VERIFY = "verify"


KEYLESS = frozenset({Action.PREVIEW, Action.VERIFY})
"""They leave no trace, so nothing has to keep them apart."""
UNDOING = frozenset({Action.REVERSE, Action.WITHDRAW, Action.SUPPLEMENT})
"""They name an original."""


class State(StrEnum):
    """How a matter stands, for whoever asks."""

    DONE = "done"
    REFUSED = "refused"
    IN_PROGRESS = "in_progress"


@dataclass(frozen=True)
class Text:
    """A text in both languages."""

    zh: str
    en: str

    def both(self) -> dict[str, str]:
        """As every wire with JSON spells it."""
        return {"zh": self.zh, "en": self.en}


def both(text: Text | None) -> dict[str, str] | None:
    """The same of what may not be there."""
    return None if text is None else text.both()


@dataclass(frozen=True)
class Outcome:
    """What is told about a matter. ``key``: what the caller knows it by; ``check_after``: seconds."""

    key: str
    number: str
    state: State
    result: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    text: Text | None = None
    wants: Text | None = None
    check_after: int = 0


@dataclass(frozen=True)
class Order:
    """A checked request. Money fields hold fen as digits. ``label``: what the ledger calls it, if not its key."""

    face: str
    action: Action
    department: str
    service: str
    key: str = ""
    original: str = ""
    case_no: str = ""
    leg: str = ""
    step: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    label: str = ""


class Code(StrEnum):
    """Why a request has no outcome. Each face has a table of what these are on its wire."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    NO_SUCH_SERVICE = "no_such_service"
    NO_SUCH_MATTER = "no_such_matter"
    NO_SUCH_DAY = "no_such_day"
    KEY_REUSED = "key_reused"
    UNKNOWN_CLIENT = "unknown_client"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - the name of a refusal
    AUTH_MISSING = "auth_missing"
    AUTH_WRONG = "auth_wrong"
    AUTH_STALE = "auth_stale"
    AUTH_REPLAYED = "auth_replayed"
    TOO_MANY = "too_many"
    MAINTENANCE = "maintenance"
    INTERNAL = "internal"


class Problem(Exception):
    """A request that cannot be answered in business terms. ``detail``: more precisely; ``retry_after``: as sent."""

    def __init__(self, code: Code, detail: str = "", retry_after: str = "") -> None:
        super().__init__(detail or code.value)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
