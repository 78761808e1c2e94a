"""What people ordered: the words stay here, only the id goes through Temporal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Column, ForeignKey, Index, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.messages import Acting, Actor, Role
from models.columns import json_column, moment
from models.database import Database


class Command(SQLModel, table=True):
    """``effective_at``: the record that carried it out. ``settled_at``: the workflow has confirmed it, too.

    Between the two lies the one moment at which the record can know more than the workflow: when both the worker and
    Temporal die before the workflow task becomes history. The relay sends such an order again, under its own id.
    """

    __tablename__ = "command"
    __table_args__ = (
        Index(
            "ix_command_unsettled",
            "effective_at",
            postgresql_where=text("settled_at IS NULL AND effective_at IS NOT NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    kind: str
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), nullable=False, index=True))
    target: str
    actor_subject: str
    actor_role: str
    actor_region: str
    actor_department: str
    actor_principal: str = ""
    actor_basis: str = ""
    body: dict[str, Any] = json_column()
    created_at: datetime = moment()
    effective_at: datetime | None = moment(null=True)
    settled_at: datetime | None = moment(null=True)

    def actor(self) -> Actor:
        """Who ordered it."""
        return Actor(
            subject=self.actor_subject,
            role=Role(self.actor_role),
            region=self.actor_region,
            department=self.actor_department,
            principal=self.actor_principal,
            basis=Acting(self.actor_basis) if self.actor_basis else None,
        )


_INSERT = text(
    """
    INSERT INTO command (id, kind, case_no, target, actor_subject, actor_role, actor_region, actor_department,
                         actor_principal, actor_basis, body, created_at)
    VALUES (:id, :kind, :case_no, :target, :subject, :role, :region, :department, :principal, :basis,
            CAST(:body AS jsonb), :at)
    ON CONFLICT DO NOTHING
    """
)


async def insert_command(
    session: AsyncSession,
    command_id: str,
    kind: str,
    case_no: str,
    target: str,
    actor: Actor,
    body: Mapping[str, Any],
    at: datetime,
) -> None:
    """Writes an order before it is sent; the same id again is the same order."""
    await session.execute(
        _INSERT,
        {
            "id": command_id,
            "kind": kind,
            "case_no": case_no,
            "target": target,
            "subject": actor.subject,
            "role": actor.role,
            "region": actor.region,
            "department": actor.department,
            "principal": actor.principal,
            "basis": actor.basis or "",
            "body": json.dumps(dict(body), ensure_ascii=False),
            "at": at,
        },
    )


async def read_command(session: AsyncSession, command_id: str) -> Command | None:
    """One order or None."""
    return await session.get(Command, command_id)


async def read_commands(session: AsyncSession, case_no: str, kinds: Sequence[str] = ()) -> Sequence[Command]:
    """The orders of a case that were carried out; ``kinds``: only these."""
    query = select(Command).where(col(Command.case_no) == case_no, col(Command.effective_at).is_not(None))
    if kinds:
        query = query.where(col(Command.kind).in_(kinds))
    result = await session.execute(query.order_by(col(Command.created_at)))
    return result.scalars().all()


async def effect(session: AsyncSession, command_id: str, at: datetime) -> None:
    """An order that no workflow carries out has been carried out."""
    await session.execute(update(Command).where(col(Command.id) == command_id).values(effective_at=at, settled_at=at))


async def settle(database: Database, command_id: str) -> None:
    """The workflow has given its answer."""
    await database.once(text("UPDATE command SET settled_at = now() WHERE id = :id"), {"id": command_id})


async def unsettled(session: AsyncSession, limit: int = 20) -> Sequence[Command]:
    """Orders on record for a while that their workflow has not confirmed."""
    result = await session.execute(
        select(Command)
        .where(col(Command.settled_at).is_(None), text("effective_at < now() - interval '20 seconds'"))
        .order_by(col(Command.effective_at))
        .limit(limit)
    )
    return result.scalars().all()
