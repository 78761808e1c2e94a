"""Answers kept under Idempotency-Key, unique per client in the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.columns import digest_column, json_column, moment


class Idempotency(SQLModel, table=True):
    """``status`` 0: reserved, not answered yet. ``digest`` covers method, path and body."""

    __tablename__ = "idempotency"

    client: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str = digest_column()
    status: int = 0
    headers: dict[str, Any] = json_column()
    body: dict[str, Any] | None = json_column(null=True)
    created_at: datetime = moment()


async def reserve(session: AsyncSession, client: str, key: str, digest: str) -> Idempotency | None:
    """Takes the key. None: it is ours now. Otherwise the row of whoever had it first.

    While another transaction holds the same new key this waits, at most two seconds (then lock_timeout is raised).
    """
    await session.execute(text("SET LOCAL lock_timeout = '2s'"))
    inserted = await session.execute(
        upsert(Idempotency)
        .values(client=client, key=key, digest=digest, status=0, headers={}, created_at=func.now())
        .on_conflict_do_nothing()
        .returning(col(Idempotency.key))
    )
    if inserted.first() is not None:
        return None
    return await session.get(Idempotency, (client, key))


async def answer(
    session: AsyncSession, client: str, key: str, status: int, headers: Mapping[str, str], body: Mapping[str, Any]
) -> None:
    """Keeps the answer for whoever asks again."""
    await session.execute(
        update(Idempotency)
        .where(col(Idempotency.client) == client, col(Idempotency.key) == key)
        .values(status=status, headers=dict(headers), body=dict(body))
    )
