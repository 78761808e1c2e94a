"""The audit trail: append-only (triggers refuse anything else), chained per case, sealed across cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, BigInteger, Column, UniqueConstraint, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.audit import event_hash
from domain.messages import Acting, Actor, Role
from domain.record import Event
from models.columns import digest_column, json_column, moment, serial


class EventRow(SQLModel, table=True):
    """One event of a case or of a medical matter. ``txid`` tells the sealer which transactions are over."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("case_no", "seq"),)

    id: int = serial()
    case_no: str = Field(sa_column=Column(CHAR(28), nullable=False))
    seq: int
    type: str
    at: datetime = moment()
    actor_subject: str
    actor_role: str
    actor_region: str
    actor_department: str
    actor_principal: str = ""
    actor_basis: str = ""
    leg: str
    step: str
    data: dict[str, Any] = json_column()
    hash: str = digest_column()
    txid: int = Field(
        sa_column=Column(
            BigInteger, nullable=False, index=True, server_default=text("(pg_current_xact_id()::text::bigint)")
        )
    )

    def event(self) -> Event:
        """The row as the message that was hashed."""
        actor = Actor(
            subject=self.actor_subject,
            role=Role(self.actor_role),
            region=self.actor_region,
            department=self.actor_department,
            principal=self.actor_principal,
            basis=Acting(self.actor_basis) if self.actor_basis else None,
        )
        return Event(type=self.type, at=self.at, actor=actor, leg=self.leg, step=self.step, data=self.data)


async def append(session: AsyncSession, case_no: str, seq: int, head: str, events: Sequence[Event]) -> tuple[int, str]:
    """Writes events after ``seq``; returns the new (seq, head). The caller holds the case's row lock."""
    rows = []
    for item in events:
        seq += 1
        head = event_hash(head, case_no, seq, item)
        rows.append(
            {
                "case_no": case_no,
                "seq": seq,
                "type": item.type,
                "at": item.at,
                "actor_subject": item.actor.subject,
                "actor_role": item.actor.role,
                "actor_region": item.actor.region,
                "actor_department": item.actor.department,
                "actor_principal": item.actor.principal,
                "actor_basis": item.actor.basis or "",
                "leg": item.leg,
                "step": item.step,
                "data": dict(item.data),
                "hash": head,
            }
        )
    if rows:
        await session.execute(insert(EventRow), rows)
    return seq, head


async def events_of(session: AsyncSession, case_no: str, after: int = 0, limit: int = 1000) -> Sequence[EventRow]:
    """Events of a case after a sequence number, in order."""
    result = await session.execute(
        select(EventRow)
        .where(col(EventRow.case_no) == case_no, col(EventRow.seq) > after)
        .order_by(col(EventRow.seq))
        .limit(limit)
    )
    return result.scalars().all()
