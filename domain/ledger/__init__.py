"""The books, pure: a settlement is one balanced entry in fen, its undoing another (domain note 3.4, 3.6, 3.8)."""

from domain.ledger.accounts import Account
from domain.ledger.entry import Entry, EntryKind, Posting, entry_of, negated, reversal_of
from domain.ledger.settled import AMOUNTS, FUNDS, Basis, Reversal, SettledAmounts, SettledRow, province_of

__all__ = [
    "AMOUNTS",
    "FUNDS",
    "Account",
    "Basis",
    "Entry",
    "EntryKind",
    "Posting",
    "Reversal",
    "SettledAmounts",
    "SettledRow",
    "entry_of",
    "negated",
    "province_of",
    "reversal_of",
]
