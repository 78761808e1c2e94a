"""What has to reach Temporal after a commit: case starts, callbacks, new calendars. Sent at once or by the relay."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import CHAR, Column, Index, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from models.columns import json_column, moment, serial

GRACE = timedelta(seconds=3)  # the process that committed tries first; the relay takes what it left
LONGEST_PAUSE_S = 60


class OutboxKind(StrEnum):
    START = "start"
    CALLBACK = "callback"
    CALENDAR = "calendar"  # the calendar in force has changed: a case computes its dates again
    WINDOW = "window"  # a session at the virtual window begins
    MATTER = "matter"  # a medical matter begins
    BILL_REVERSED = "bill_reversed"  # the bill of a claim was cancelled
    LOCK_EXPIRED = "lock_expired"  # the lock that was held for a claim has run out
    ORDER = "order"  # an order that was given and has to reach its case, whoever gave it has fallen silent or not


class Outbox(SQLModel, table=True):
    """``case_no``: of a case or of a medical matter."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_open", "due_at", postgresql_where=text("done_at IS NULL")),)

    id: int = serial()
    kind: str
    case_no: str = Field(sa_column=Column(CHAR(28), nullable=False, index=True))
    payload: dict[str, Any] = json_column()
    created_at: datetime = moment()
    due_at: datetime = moment()
    attempts: int = 0
    error: str = ""
    done_at: datetime | None = moment(null=True)


async def post(session: AsyncSession, kind: OutboxKind, case_no: str, payload: Mapping[str, Any], at: datetime) -> int:
    """Adds a message in the transaction of the change that caused it; returns its id."""
    result = await session.execute(
        insert(Outbox)
        .values(
            kind=kind, case_no=case_no, payload=dict(payload), created_at=at, due_at=at + GRACE, attempts=0, error=""
        )
        .returning(col(Outbox.id))
    )
    return int(result.scalar_one())


async def post_to_open_cases(session: AsyncSession, kind: OutboxKind, payload: Mapping[str, Any]) -> int:
    """One message to each case that is open, due at once; returns how many."""
    result = await session.execute(
        text(
            "WITH told AS ("
            "INSERT INTO outbox (kind, case_no, payload, created_at, due_at, attempts, error)"
            " SELECT :kind, no, CAST(:payload AS jsonb), now(), now(), 0, '' FROM cases WHERE closed_at IS NULL"
            " ORDER BY no RETURNING id) SELECT count(*) FROM told"
        ),
        {"kind": kind.value, "payload": json.dumps(dict(payload))},
    )
    return int(result.scalar_one())


async def untold(session: AsyncSession, kind: OutboxKind) -> set[str]:
    """The cases to which a message of this kind is still on its way."""
    result = await session.execute(
        select(col(Outbox.case_no)).where(col(Outbox.done_at).is_(None), col(Outbox.kind) == kind.value)
    )
    return set(result.scalars())


async def take_due(session: AsyncSession, limit: int = 50) -> Sequence[Outbox]:
    """Due messages, locked against other relays until the transaction ends."""
    result = await session.execute(
        select(Outbox)
        .where(col(Outbox.done_at).is_(None), col(Outbox.due_at) <= func.now())
        .order_by(col(Outbox.due_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return result.scalars().all()


async def done(session: AsyncSession, message_id: int) -> None:
    """It has arrived."""
    await session.execute(
        update(Outbox).where(col(Outbox.id) == message_id, col(Outbox.done_at).is_(None)).values(done_at=func.now())
    )


async def failed(session: AsyncSession, message: Outbox, error: str) -> None:
    """It could not be sent; the pause doubles up to a minute. It is never given up."""
    pause = min(2**message.attempts, LONGEST_PAUSE_S)
    await session.execute(
        update(Outbox)
        .where(col(Outbox.id) == message.id)
        .values(attempts=col(Outbox.attempts) + 1, error=error[:200], due_at=func.now() + timedelta(seconds=pause))
    )


async def backlog(session: AsyncSession) -> tuple[int, float]:
    """How many messages wait and how old the oldest is, in seconds."""
    row = (
        await session.execute(
            text(
                "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)"
                " FROM outbox WHERE done_at IS NULL"
            )
        )
    ).one()
    return int(row[0]), float(row[1])
