"""Clearing by month: periods, statements per province pair, answers."""

from models.clearing.answers import act_of, confirm, dispute, pay
from models.clearing.proposing import PIECE, finish_proposal, open_period, take_piece
from models.clearing.reading import (
    acts_of,
    due_items,
    find_period,
    items_of,
    periods,
    quarter_amounts,
    statements_of,
    waiting_for,
)
from models.clearing.settling import clear, note_overdue, unpaid
from models.clearing.tables import ClearingAct, ClearingPeriod, ClearingStatement

__all__ = [
    "PIECE",
    "ClearingAct",
    "ClearingPeriod",
    "ClearingStatement",
    "act_of",
    "acts_of",
    "clear",
    "confirm",
    "dispute",
    "due_items",
    "find_period",
    "finish_proposal",
    "items_of",
    "note_overdue",
    "open_period",
    "pay",
    "periods",
    "quarter_amounts",
    "statements_of",
    "take_piece",
    "unpaid",
    "waiting_for",
]
