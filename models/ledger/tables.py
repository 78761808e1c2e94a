"""settlement, ledger_entry, ledger_posting (append-only, by trigger), clearing_item, settlement_doubt."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CHAR, BigInteger, Column, ForeignKey, Index, SmallInteger, String, text
from sqlmodel import Field, SQLModel

from models.columns import fen, moment, region_column, serial


class SettlementRow(SQLModel, table=True):
    """A settlement, or with ``original`` the reversal of one. ``person``: a digest. ``payer``, ``payee``: provinces."""

    __tablename__ = "settlement"
    __table_args__ = (
        Index("ix_settlement_day", "day"),
        Index("ix_settlement_stay", "stay"),
        Index("ux_settlement_original", "original", unique=True, postgresql_where=text("original IS NOT NULL")),
    )

    setl_id: str = Field(primary_key=True)
    msgid: str = Field(sa_column=Column(String, unique=True, nullable=False))
    stay: str
    person: str
    insured: str = region_column()
    treatment: str = region_column()
    payer: str = region_column()
    payee: str = region_column()
    institution: str
    med_type: str
    clr_type: str
    day: date
    basis: str
    payable: int = fen()
    medfee_sumamt: int = fen()
    fulamt_ownpay_amt: int = fen()
    overlmt_selfpay: int = fen()
    preselfpay_amt: int = fen()
    inscp_scp_amt: int = fen()
    act_pay_dedc: int = fen()
    hifp_pay: int = fen()
    hifob_pay: int = fen()
    hifmi_pay: int = fen()
    hifes_pay: int = fen()
    cvlserv_pay: int = fen()
    maf_pay: int = fen()
    oth_pay: int = fen()
    fund_pay_sumamt: int = fen()
    psn_part_amt: int = fen()
    acct_pay: int = fen()
    acct_mulaid_pay: int = fen()
    psn_cash_pay: int = fen()
    hosp_part_amt: int = fen()
    original: str | None = Field(
        default=None, sa_column=Column(String, ForeignKey("settlement.setl_id"), nullable=True)
    )
    posted_at: datetime = moment()


class LedgerEntry(SQLModel, table=True):
    """One entry of one settlement. It balances at commit, or there is no commit."""

    __tablename__ = "ledger_entry"
    __table_args__ = (Index("ix_ledger_entry_day", "day"),)

    id: int | None = serial()
    setl_id: str = Field(sa_column=Column(String, ForeignKey("settlement.setl_id"), unique=True, nullable=False))
    kind: str  # settlement | reversal
    stay: str
    payer: str = region_column()
    payee: str = region_column()
    day: date


class LedgerPosting(SQLModel, table=True):
    """Above 0 a debit, below 0 a credit. ``province``: whose books it stands in."""

    __tablename__ = "ledger_posting"

    entry: int = Field(sa_column=Column(BigInteger, ForeignKey("ledger_entry.id"), primary_key=True))
    line: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    account: str
    province: str = region_column()
    amount: int = fen()


class ClearingItem(SQLModel, table=True):
    """What a settlement between two provinces adds to a month: none yet, or exactly one.

    ``carried``: how often it was disputed and left a month for the next.
    """

    __tablename__ = "clearing_item"
    __table_args__ = (
        Index("ix_clearing_item_due", "day", postgresql_where=text("month IS NULL")),
        Index("ix_clearing_item_month", "month", "payer", "payee"),
    )

    setl_id: str = Field(sa_column=Column(String, ForeignKey("settlement.setl_id"), primary_key=True))
    payer: str = region_column()
    payee: str = region_column()
    day: date
    amount: int = fen()
    month: str | None = Field(default=None, sa_column=Column(CHAR(7), nullable=True))
    disputed: bool = False
    carried: int = 0


class SettlementDoubt(SQLModel, table=True):
    """A message to settle or to undo of which nobody knows yet whether it was carried out."""

    __tablename__ = "settlement_doubt"

    msgid: str = Field(primary_key=True)
    day: date
    since: datetime = moment()
    ended_at: datetime | None = moment(null=True)
