"""clearing_period, clearing_statement, clearing_act (append-only). Their items: models/ledger/tables.py."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CHAR, Column, ForeignKey, Index
from sqlmodel import Field, SQLModel

from models.columns import fen, json_column, moment, region_column, serial, text_array


class ClearingPeriod(SQLModel, table=True):
    """One month. ``last_day``: the last day whose items it takes. ``profile``: as it was in force."""

    __tablename__ = "clearing_period"

    month: str = Field(sa_column=Column(CHAR(7), primary_key=True))
    state: str
    last_day: date
    profile: dict[str, Any] = json_column()
    proposed_on: date | None = None
    confirm_by: date | None = None
    cleared_on: date | None = None
    pay_by: date | None = None
    pay_by_provisional: bool = False
    paid_on: date | None = None
    changed_at: datetime = moment()


class ClearingStatement(SQLModel, table=True):
    """What one province owes another for a month, gross, in fen.

    answer: waiting | confirmed | silent (nobody answered in time). amount: what was cleared = proposed - disputed.
    """

    __tablename__ = "clearing_statement"

    month: str = Field(sa_column=Column(CHAR(7), ForeignKey("clearing_period.month"), primary_key=True))
    payer: str = region_column(primary_key=True)
    payee: str = region_column(primary_key=True)
    items: int
    proposed: int = fen()
    disputed_items: int = 0
    disputed: int = fen()
    answer: str = "waiting"
    cleared: bool = False
    amount: int | None = fen(null=True)
    paid_on: date | None = None


class ClearingAct(SQLModel, table=True):
    """Who did what in a month, append-only. ``kind``: proposed | confirm | dispute | silence | cleared | pay |
    overdue."""

    __tablename__ = "clearing_act"
    __table_args__ = (Index("ux_clearing_act_command", "command", unique=True), Index("ix_clearing_act_month", "month"))

    id: int | None = serial()
    command: str
    month: str = Field(sa_column=Column(CHAR(7), ForeignKey("clearing_period.month"), nullable=False))
    kind: str
    payer: str
    actor_subject: str
    actor_role: str
    actor_region: str
    reason: str
    setl_ids: list[str] = text_array()
    at: datetime = moment()
