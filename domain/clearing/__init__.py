"""Clearing between provinces, pure: profile and dates, states of a month, flows, prepayment (domain note 3.8)."""

from domain.clearing.flows import Flow, ProvinceNet, flows_total, nets
from domain.clearing.messages import (
    AnyClearingAct,
    Cleared,
    ClearingActDone,
    ClearingProgress,
    ClearingStart,
    ConfirmAct,
    DisputeAct,
    MonthlyStart,
    PayAct,
    Propose,
    Proposed,
    Reconciled,
    ReconcileDay,
    Terms,
)
from domain.clearing.period import ANSWERABLE, NEXT, PeriodState, check_month, days_of, month_before, month_of, moved
from domain.clearing.prepayment import Level, quota_of, use_of
from domain.clearing.profile import ClearingProfile, Timed
from domain.clearing.report import MonthReport, PairLine, Statement, lines_of

__all__ = [
    "ANSWERABLE",
    "NEXT",
    "AnyClearingAct",
    "Cleared",
    "ClearingActDone",
    "ClearingProfile",
    "ClearingProgress",
    "ClearingStart",
    "ConfirmAct",
    "DisputeAct",
    "Flow",
    "Level",
    "MonthReport",
    "MonthlyStart",
    "PairLine",
    "PayAct",
    "PeriodState",
    "Propose",
    "Proposed",
    "ProvinceNet",
    "ReconcileDay",
    "Reconciled",
    "Statement",
    "Terms",
    "Timed",
    "check_month",
    "days_of",
    "flows_total",
    "lines_of",
    "month_before",
    "month_of",
    "moved",
    "nets",
    "quota_of",
    "use_of",
]
