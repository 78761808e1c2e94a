"""Sessions at the virtual window: the projection of each, written by the record of its workflow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import CHAR, Column, ForeignKey, Index, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.audit import SUPERSEDED
from domain.messages import SYSTEM, Place
from domain.record import Event
from domain.window import WindowBatch, WindowStart, WindowView
from models import outbox
from models.cases import Case, lock_case, note
from models.columns import json_column, moment
from models.database import Database
from models.outbox import OutboxKind

CAPTURED = "window:captured"


class WindowSession(SQLModel, table=True):
    """``start``: with what it was started. ``progress``: the projection that people read, and what was written."""

    __tablename__ = "window_session"
    __table_args__ = (
        Index("ix_window_queue", "handling_region", "handling_department", "status", "created_at"),
        Index("ix_window_hall", "hall_region", "hall_department", "status", "created_at"),
        Index("ix_window_case", "case_no"),
    )

    id: str = Field(primary_key=True)
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), nullable=False))
    owner: str
    status: str
    outcome: str = ""
    hall_region: str
    hall_department: str
    handling_region: str
    handling_department: str
    start: dict[str, Any] = json_column()
    progress: dict[str, Any] = json_column()
    recorded: int = 0
    created_at: datetime = moment()
    updated_at: datetime = moment()
    closed_at: datetime | None = moment(null=True)

    def view(self) -> WindowView:
        """The projection as a message."""
        return WindowView.model_validate(self.progress)


async def insert_window(session: AsyncSession, start: WindowStart, owner: str, view: WindowView, at: datetime) -> None:
    """A session that was asked for."""
    session.add(
        WindowSession(
            id=start.id,
            case_no=start.case_no,
            owner=owner,
            status=view.status.value,
            hall_region=start.hall.region,
            hall_department=start.hall.department,
            handling_region=start.handling.region,
            handling_department=start.handling.department,
            start=start.model_dump(mode="json"),
            progress=view.model_dump(mode="json"),
            created_at=at,
            updated_at=at,
        )
    )
    await session.flush()


async def read_window(session: AsyncSession, window_id: str) -> WindowSession | None:
    """One session or None."""
    return await session.get(WindowSession, window_id)


async def open_window_of(session: AsyncSession, case_no: str) -> WindowSession | None:
    """The session of a case that has not ended; the caller holds the case."""
    result = await session.execute(
        select(WindowSession).where(col(WindowSession.case_no) == case_no, col(WindowSession.closed_at).is_(None))
    )
    return result.scalars().first()


async def list_windows(
    session: AsyncSession, *, owner: str = "", place: Place | None = None, case_no: str = "", closed: bool = False
) -> Sequence[WindowSession]:
    """Sessions of a person's cases, filed by him or for him, or of a place on either side, the oldest first."""
    query = select(WindowSession)
    if owner:
        own = select(col(Case.no)).where(or_(col(Case.owner) == owner, col(Case.principal) == owner))
        query = query.where(col(WindowSession.case_no).in_(own))
    if place is not None:
        query = query.where(
            or_(
                (col(WindowSession.hall_region) == place.region)
                & (col(WindowSession.hall_department) == place.department),
                (col(WindowSession.handling_region) == place.region)
                & (col(WindowSession.handling_department) == place.department),
            )
        )
    if case_no:
        query = query.where(col(WindowSession.case_no) == case_no)
    if not closed:
        query = query.where(col(WindowSession.closed_at).is_(None))
    result = await session.execute(query.order_by(col(WindowSession.created_at), col(WindowSession.id)).limit(200))
    return result.scalars().all()


async def position(session: AsyncSession, window: WindowSession) -> int:
    """How many wait before it at its handling place, plus one."""
    before = await session.scalar(
        select(func.count())
        .select_from(WindowSession)
        .where(
            col(WindowSession.handling_region) == window.handling_region,
            col(WindowSession.handling_department) == window.handling_department,
            col(WindowSession.status) == "queued",
            text("(created_at, id) < (:at, :id)").bindparams(at=window.created_at, id=window.id),
        )
    )
    return int(before or 0) + 1


class Written(BaseModel):
    """What was written under a number, and where in the audit trail of the case its lines are."""

    number: int
    digest: str
    epoch: int
    first: int
    last: int


async def write_window(database: Database, batch: WindowBatch) -> bool:
    """One batch of a session: its projection and its lines in the audit trail of the case. False: written before.

    As for a case, the workflow is right, not the record: a batch that comes again and says something else, from a
    history at least as long, takes the place of what was written under its number and after it.
    """
    async with database.begin() as session:
        case = await lock_case(session, batch.case_no)
        window = await session.get(WindowSession, batch.id, with_for_update=True)
        if case is None or window is None:
            raise LookupError(f"no session {batch.id} of {batch.case_no}")
        meaning = _meaning(batch)
        written = [Written.model_validate(item) for item in window.progress.get("written", ())]
        void = [item for item in written if item.number >= batch.number]
        if window.recorded >= batch.number:
            same = any(item.number == batch.number and item.digest == meaning for item in void)
            if same or not void or max(item.epoch for item in void) > batch.epoch:
                return False
            await note(session, case, [_superseded(batch, item) for item in void])
        first = case.events + 1
        await note(session, case, batch.events)
        stands = [item for item in written if item.number < batch.number]
        stands.append(Written(number=batch.number, digest=meaning, epoch=batch.epoch, first=first, last=case.events))
        for event in batch.events:
            if event.type == CAPTURED and (command := event.data.get("command")):
                # it reaches the case even if the process that has asked for it dies now
                await outbox.post(session, OutboxKind.ORDER, case.no, {"command": command}, batch.at)
        await session.execute(
            update(WindowSession)
            .where(col(WindowSession.id) == batch.id)
            .values(
                status=batch.view.status.value,
                outcome=batch.view.outcome.value if batch.view.outcome else "",
                progress=batch.view.model_dump(mode="json") | {"written": [item.model_dump() for item in stands]},
                recorded=batch.number,
                updated_at=batch.at,
                closed_at=batch.view.closed_at,
            )
        )
    return True


def _superseded(batch: WindowBatch, void: Written) -> Event:
    data = {"batch": f"{batch.id}:{void.number}", "from": str(void.first), "to": str(void.last)}
    return Event(type=SUPERSEDED, at=batch.at, actor=SYSTEM, data=data)


def _meaning(batch: WindowBatch) -> str:
    """A digest of what a batch says, without the times: made anew after a crash, the same batch has other ones."""
    said = [[[e.type, e.actor.subject, dict(e.data)] for e in batch.events], batch.view.status.value]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


async def open_windows(session: AsyncSession) -> dict[str, datetime]:
    """Id -> when it last changed, of every session that has not ended."""
    rows = await session.execute(
        select(col(WindowSession.id), col(WindowSession.updated_at)).where(col(WindowSession.closed_at).is_(None))
    )
    return {row[0]: row[1] for row in rows}
