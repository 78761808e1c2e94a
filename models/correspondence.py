"""Messages between the applicant and a department, and a department's private notes, which never leave it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Column, ColumnElement, ForeignKey, Index, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.messages import Place
from models.columns import json_column, moment


class Letter(SQLModel, table=True):
    """One message. With a department on one side and the applicant, who has none, on the other."""

    __tablename__ = "letter"
    __table_args__ = (Index("ix_letter_case", "case_no", "at"),)

    id: str = Field(primary_key=True)
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), nullable=False))
    at: datetime = moment()
    by_subject: str
    by_role: str
    by_basis: str = ""
    from_region: str = ""
    from_department: str = ""
    to_region: str = ""
    to_department: str = ""
    text: str
    files: list[dict[str, Any]] = json_column()
    read_at: datetime | None = moment(null=True)


class Note(SQLModel, table=True):
    """A caseworker's private note: for his own department only. Append-only, like the audit trail."""

    __tablename__ = "note"
    __table_args__ = (Index("ix_note_case", "case_no", "region", "department", "at"),)

    id: str = Field(primary_key=True)
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), nullable=False))
    at: datetime = moment()
    author: str
    region: str
    department: str
    text: str


async def insert_letter(session: AsyncSession, letter: Letter) -> None:
    """Keeps a message."""
    session.add(letter)
    await session.flush()


def _of(place: Place) -> ColumnElement[bool]:
    """What was sent from or to this place."""
    return or_(
        and_(col(Letter.from_region) == place.region, col(Letter.from_department) == place.department),
        and_(col(Letter.to_region) == place.region, col(Letter.to_department) == place.department),
    )


async def letters_of(session: AsyncSession, case_no: str, place: Place | None) -> Sequence[Letter]:
    """The messages of a case in order: all, or those of one place."""
    query = select(Letter).where(col(Letter.case_no) == case_no)
    if place is not None:
        query = query.where(_of(place))
    result = await session.execute(query.order_by(col(Letter.at), col(Letter.id)))
    return result.scalars().all()


async def mark_read(session: AsyncSession, case_no: str, place: Place | None, at: datetime) -> None:
    """What was sent to this side has been seen; None: to the applicant."""
    region, department = (place.region, place.department) if place else ("", "")
    await session.execute(
        update(Letter)
        .where(
            col(Letter.case_no) == case_no,
            col(Letter.to_region) == region,
            col(Letter.to_department) == department,
            col(Letter.read_at).is_(None),
        )
        .values(read_at=at)
    )


async def insert_note(session: AsyncSession, note: Note) -> None:
    """Keeps a private note."""
    session.add(note)
    await session.flush()


async def notes_of(session: AsyncSession, case_no: str, place: Place) -> Sequence[Note]:
    """The notes of one department on a case, in order."""
    result = await session.execute(
        select(Note)
        .where(col(Note.case_no) == case_no, col(Note.region) == place.region, col(Note.department) == place.department)
        .order_by(col(Note.at), col(Note.id))
    )
    return result.scalars().all()
