"""E-licences that were issued: what the public verification address answers from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Column, ForeignKey, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.record import LicenceIssued
from models.columns import json_column, moment
from models.database import Database, Session


class Licence(SQLModel, table=True):
    """``title`` and ``shows`` are fixed at issue, so that a later definition cannot change what was certified."""

    __tablename__ = "licence"

    identifier: str = Field(primary_key=True)
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), nullable=False, index=True))
    step: str
    title: dict[str, Any] = json_column()
    region: str
    department: str
    issued_at: datetime = moment()
    state: str = "valid"
    shows: list[dict[str, Any]] = json_column()


_TAKEN = text("SELECT 1 FROM licence WHERE identifier = :identifier AND case_no <> :case_no")


async def insert_licence(
    session: AsyncSession,
    case_no: str,
    issued: LicenceIssued,
    title: Mapping[str, str],
    shows: Sequence[Mapping[str, Any]],
) -> None:
    """Writes an issued licence once."""
    await session.execute(
        upsert(Licence)
        .values(
            identifier=issued.identifier,
            case_no=case_no,
            step=issued.step,
            title=dict(title),
            region=issued.place.region,
            department=issued.place.department,
            issued_at=issued.at,
            state="valid",
            shows=[dict(item) for item in shows],
        )
        .on_conflict_do_nothing()
    )


async def is_taken(session: Session | Database, identifier: str, case_no: str) -> bool:
    """Whether another case holds this number."""
    if not identifier:
        return False
    parameters = {"identifier": identifier, "case_no": case_no}
    if isinstance(session, Database):
        return bool(await session.once(_TAKEN, parameters))
    return (await session.execute(_TAKEN, parameters)).first() is not None


async def read_licence(session: AsyncSession, identifier: str) -> Licence | None:
    """One licence by its full identifier."""
    return await session.get(Licence, identifier)


async def licences_of(session: AsyncSession, case_no: str) -> Sequence[Licence]:
    """The licences a case led to."""
    result = await session.execute(
        select(Licence).where(col(Licence.case_no) == case_no).order_by(col(Licence.issued_at))
    )
    return result.scalars().all()
