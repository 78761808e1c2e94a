"""Daily reconciliation (对账; domain note 3.8): our books against those of the provinces' platforms and the hub's.

Three outside views of every settlement: the treatment place's, the hub's, the insured place's. A province's platform
holds both its roles in one book. A settlement whose outcome we do not know yet is in doubt until the next day's
reconciliation, not a difference.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from enum import StrEnum
from typing import Protocol

from domain.ledger.entry import EntryKind
from domain.ledger.settled import Fen, Identifier
from domain.messages import Message

HUB = "hub"


class BookRow(Message):
    """One line of an outside book: as message 3202 gives the detail. Amounts in fen, below 0 in a reversal."""

    setl_id: Identifier
    msgid: Identifier
    kind: EntryKind = EntryKind.SETTLEMENT
    medfee_sumamt: Fen
    fund_pay_sumamt: Fen
    acct_pay: Fen = 0


class Unreadable(Exception):
    """A book cannot be had or not be read; the text says why, without any of its content."""


class Books(Protocol):
    """Where outside books come from."""

    def day(self, place: str, day: date) -> AsyncIterator[BookRow]:
        """A day's lines of a province (310000 …) or of the ``hub``, in any order. ``Unreadable`` if there are none."""
        ...


class DifferenceKind(StrEnum):
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    DUPLICATE = "duplicate"


class DifferenceState(StrEnum):
    """IN_DOUBT -> OPEN | GONE; OPEN -> CLAIMED -> RESOLVED; a later run that no longer finds it makes it GONE."""

    IN_DOUBT = "in_doubt"
    OPEN = "open"
    CLAIMED = "claimed"
    RESOLVED = "resolved"
    GONE = "gone"


class ResolutionReason(StrEnum):
    CORRECTED_THERE = "corrected_there"  # the other side has put its book right
    POSTED_HERE = "posted_here"  # we had missed it and have entered it
    REVERSED = "reversed"  # undone on both sides
    SAME_THING = "same_thing"  # one thing under two numbers
    ACCEPTED = "accepted"  # both agree to leave it, see the note
