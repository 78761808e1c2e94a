"""Drafts: an application that is not handed in yet. It may be incomplete and wrong; nobody but its owner sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.columns import json_column, moment
from models.database import Database


class Draft(SQLModel, table=True):
    """``body``: what was filled in so far. ``receipt``: what came of handing it in; from then on it stays as it is."""

    __tablename__ = "draft"

    id: str = Field(primary_key=True)
    owner: str = Field(index=True)
    service: str
    body: dict[str, Any] = json_column()
    revision: int = 1
    created_at: datetime = moment()
    updated_at: datetime = moment()
    expires_at: datetime = moment()
    receipt: dict[str, Any] | None = json_column(null=True)


async def insert_draft(session: AsyncSession, draft: Draft) -> None:
    """Keeps a new one."""
    session.add(draft)
    await session.flush()


async def read_draft(session: AsyncSession, owner: str, draft_id: str, *, lock: bool = False) -> Draft | None:
    """One draft of this owner, or None."""
    query = select(Draft).where(col(Draft.id) == draft_id, col(Draft.owner) == owner)
    result = await session.execute(query.with_for_update() if lock else query)
    return result.scalar_one_or_none()


async def drafts_of(session: AsyncSession, owner: str) -> Sequence[Draft]:
    """Those not handed in yet, the latest first."""
    result = await session.execute(
        select(Draft)
        .where(col(Draft.owner) == owner, col(Draft.receipt).is_(None))
        .order_by(col(Draft.updated_at).desc(), col(Draft.id))
    )
    return result.scalars().all()


async def count_drafts(session: AsyncSession, owner: str) -> int:
    """How many this owner has not handed in yet; until the transaction ends nobody makes another for him."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('draft ' || :owner, 0))"), {"owner": owner}
    )
    found = await session.scalar(
        select(func.count()).select_from(Draft).where(col(Draft.owner) == owner, col(Draft.receipt).is_(None))
    )
    return int(found or 0)


async def save_draft(
    session: AsyncSession, draft: Draft, body: Mapping[str, Any], at: datetime, expires_at: datetime
) -> None:
    """Puts what was filled in since in its place; the caller holds the row."""
    await session.execute(
        update(Draft)
        .where(col(Draft.id) == draft.id)
        .values(body=dict(body), revision=col(Draft.revision) + 1, updated_at=at, expires_at=expires_at)
    )
    await session.refresh(draft)


async def hand_in(session: AsyncSession, draft: Draft, receipt: Mapping[str, Any]) -> None:
    """It has become a case; the caller holds the row."""
    await session.execute(update(Draft).where(col(Draft.id) == draft.id).values(receipt=dict(receipt)))


async def remove_draft(session: AsyncSession, draft_id: str) -> None:
    """Its owner does not want it any more."""
    await session.execute(delete(Draft).where(col(Draft.id) == draft_id))


async def remove_expired(database: Database) -> int:
    """Drafts that nobody has touched for as long as they are kept; returns how many there were."""
    async with database.begin() as session:
        result = await session.execute(delete(Draft).where(col(Draft.expires_at) < func.now()).returning(col(Draft.id)))
        return len(result.all())
