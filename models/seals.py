"""Seals over the events of all cases: what makes a removed tail, or a whole removed case, visible.

A seal covers every event whose transaction is over and that no earlier seal covers. ``pg_snapshot_xmin`` tells which
transactions are over, so that an event which commits late with a low id is not missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Column, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.audit import GENESIS, seal_hash
from models.columns import digest_column, moment

_SEAL_LOCK = 7266827
_LARGEST = 20_000


class Seal(SQLModel, table=True):
    """``below``: events of transactions before this number are covered."""

    __tablename__ = "seal"

    no: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    below: int = Field(sa_column=Column(BigInteger, nullable=False))
    count: int
    hash: str = digest_column()
    sealed_at: datetime = moment()


async def last_seal(session: AsyncSession) -> Seal | None:
    """The newest seal."""
    result = await session.execute(select(Seal).order_by(col(Seal.no).desc()).limit(1))
    return result.scalar_one_or_none()


async def all_seals(session: AsyncSession) -> Sequence[Seal]:
    """Every seal, oldest first."""
    result = await session.execute(select(Seal).order_by(col(Seal.no)))
    return result.scalars().all()


async def add_seal(session: AsyncSession, at: datetime) -> Seal | None:
    """Seals what is new; None if nothing is. One sealer at a time, the others find the lock taken."""
    if not await session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)").bindparams(key=_SEAL_LOCK)):
        return None
    last = await last_seal(session)
    since, previous, no = (last.below, last.hash, last.no + 1) if last else (0, GENESIS, 1)
    below = int(await session.scalar(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")) or 0)
    # a seal never cuts through a transaction: a long backlog is sealed in steps at transaction borders
    border = await session.scalar(
        text(
            "SELECT txid FROM event WHERE txid >= :since AND txid < :below ORDER BY txid, id OFFSET :n LIMIT 1"
        ).bindparams(since=since, below=below, n=_LARGEST)
    )
    if border is not None and int(border) > since:
        below = int(border)
    hashes = await hashes_between(session, since, below)
    if not hashes:
        return None
    seal = Seal(no=no, below=below, count=len(hashes), hash=seal_hash(previous, hashes), sealed_at=at)
    session.add(seal)
    await session.flush()
    return seal


async def hashes_between(session: AsyncSession, since: int, below: int) -> Sequence[str]:
    """Event hashes of transactions in [since, below), in writing order."""
    rows = await session.execute(
        text("SELECT hash FROM event WHERE txid >= :since AND txid < :below ORDER BY id").bindparams(
            since=since, below=below
        )
    )
    return [row[0] for row in rows]
