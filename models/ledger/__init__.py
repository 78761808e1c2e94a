"""The books of settlements: append-only, double entry, fen."""

from models.ledger.posting import (
    LedgerConflict,
    end_doubt,
    find_settlement,
    open_doubt,
    post_reversal,
    post_settlement,
)
from models.ledger.sums import AccountSum, account_sums, pair_sums
from models.ledger.tables import ClearingItem, LedgerEntry, LedgerPosting, SettlementDoubt, SettlementRow

__all__ = [
    "AccountSum",
    "ClearingItem",
    "LedgerConflict",
    "LedgerEntry",
    "LedgerPosting",
    "SettlementDoubt",
    "SettlementRow",
    "account_sums",
    "end_doubt",
    "find_settlement",
    "open_doubt",
    "pair_sums",
    "post_reversal",
    "post_settlement",
]
