"""Human tasks: the worklist of a department."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CHAR, Column, ForeignKey, Index, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.regions import prefix_of
from models.columns import moment, text_array


class Task(SQLModel, table=True):
    """State is the workflow's (record activity); the claim is the worklist's own (API)."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_worklist", "region", "department", "state", "opened_at", "id"),
        Index("ix_task_case", "case_no"),
    )

    id: str = Field(primary_key=True)
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), nullable=False))
    step: str
    kind: str
    role: str
    region: str
    department: str
    state: str
    outcomes: list[str] = text_array()
    opened_at: datetime = moment()
    due_at: datetime | None = moment(null=True)
    closed_at: datetime | None = moment(null=True)
    outcome: str = ""
    claimed_by: str = ""
    queue: str = ""
    revision: int = 1


async def read_task(session: AsyncSession, task_id: str, *, lock: bool = False) -> Task | None:
    """One task or None. ``lock``: as it is now, whatever the session has read of it before."""
    query = select(Task).where(col(Task.id) == task_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    result = await session.execute(query)
    return result.scalar_one_or_none()


async def worklist(
    session: AsyncSession,
    *,
    region: str,
    below: bool,
    department: str,
    role: str,
    state: str,
    claimed_by: str | None,
    queue: str,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Task]:
    """Tasks, oldest first. ``below``: also of places inside the region. Empty department or role: any."""
    at = col(Task.region)
    query = select(Task).where(col(Task.state) == state, at.like(prefix_of(region) + "%") if below else at == region)
    if department:
        query = query.where(col(Task.department) == department)
    if role:
        query = query.where(col(Task.role) == role)
    if queue:
        query = query.where(col(Task.queue) == queue)
    if claimed_by is not None:
        query = query.where(col(Task.claimed_by) == claimed_by)
    if after is not None:
        query = query.where(text("(opened_at, id) > (:at, :id)").bindparams(at=after[0], id=after[1]))
    result = await session.execute(query.order_by(col(Task.opened_at), col(Task.id)).limit(limit))
    return result.scalars().all()


async def insert_task(session: AsyncSession, task: Task) -> None:
    """A task that no workflow has opened: of a case that has ended."""
    session.add(task)
    await session.flush()


async def close_task(session: AsyncSession, task_id: str, outcome: str, at: datetime) -> None:
    """... and its end."""
    await session.execute(
        update(Task)
        .where(col(Task.id) == task_id)
        .values(state="done", outcome=outcome, closed_at=at, revision=col(Task.revision) + 1)
    )


async def tasks_of_case(session: AsyncSession, case_no: str, kind: str) -> Sequence[Task]:
    """The tasks of a kind that a case has had, in order."""
    result = await session.execute(
        select(Task).where(col(Task.case_no) == case_no, col(Task.kind) == kind).order_by(col(Task.opened_at))
    )
    return result.scalars().all()


async def set_claim(session: AsyncSession, task_id: str, claimed_by: str) -> None:
    """Who has taken the task; empty: nobody."""
    await session.execute(
        update(Task).where(col(Task.id) == task_id).values(claimed_by=claimed_by, revision=col(Task.revision) + 1)
    )


async def kinds_of(session: AsyncSession, case_no: str) -> dict[str, str]:
    """Task id -> kind, of all tasks a case has had."""
    rows = await session.execute(select(Task.id, Task.kind).where(col(Task.case_no) == case_no))  # type: ignore[call-overload]
    return {row.id: row.kind for row in rows}
