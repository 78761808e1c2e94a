"""Callbacks as they came in: each stored once, with the verdict it got."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Column, Index, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.callbacks import Verdict
from models.columns import digest_column, json_column, moment


class Inbox(SQLModel, table=True):
    """``event_id`` is the sender's; for what was not believed it is the digest of the body."""

    __tablename__ = "inbox"
    __table_args__ = (Index("ix_inbox_verdict", "verdict", "received_at"),)

    region: str = Field(sa_column=Column(CHAR(6), primary_key=True))
    event_id: str = Field(primary_key=True)
    digest: str = digest_column()
    key: str = ""
    case_no: str = ""
    verdict: str
    answer: dict[str, Any] | None = json_column(null=True)
    received_at: datetime = moment()
    times: int = 1


async def take_in(session: AsyncSession, row: Inbox) -> Inbox | None:
    """Stores a callback once. Returns the earlier row if this event was here before, else None."""
    inserted = await session.execute(
        upsert(Inbox)
        .values(
            region=row.region,
            event_id=row.event_id,
            digest=row.digest,
            key=row.key,
            case_no=row.case_no,
            verdict=row.verdict,
            answer=row.answer,
            received_at=row.received_at,
            times=1,
        )
        .on_conflict_do_nothing()
        .returning(col(Inbox.event_id))
    )
    if inserted.first() is not None:
        return None
    result = await session.execute(
        update(Inbox)
        .where(col(Inbox.region) == row.region, col(Inbox.event_id) == row.event_id)
        .values(times=col(Inbox.times) + 1)
        .returning(Inbox)
    )
    return result.scalar_one()


async def forged_since(session: AsyncSession, region: str, minutes: int = 60) -> int:
    """How many messages were not believed lately: the bound on what a stranger can make us store."""
    found = await session.scalar(
        select(func.count())
        .select_from(Inbox)
        .where(
            col(Inbox.region) == region,
            col(Inbox.verdict) == Verdict.FORGED,
            text("received_at > now() - make_interval(mins => :minutes)").bindparams(minutes=minutes),
        )
    )
    return int(found or 0)
