"""Nightly files of provinces as they were fetched, and what they say otherwise than our own books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CHAR, Column, Date, Index, delete, select, text
from sqlmodel import Field, SQLModel, col

from domain.effects import Answer
from domain.messages import Message
from models.columns import digest_column, moment, serial
from models.database import Session


class Difference(StrEnum):
    """How a file and our books disagree."""

    EXTRA = "extra"  # the file has a matter that we have not sent
    MISSING = "missing"  # we hold an end of that day that the file does not have
    CONTRADICTION = "contradiction"  # both have an end, and not the same
    NUMBER = "number"  # both have the same end under different numbers of the province


class ResultFile(SQLModel, table=True):
    """One file that was read whole. ``taken``: rows that brought the end of something we had been waiting for."""

    __tablename__ = "result_file"

    region: str = Field(sa_column=Column(CHAR(6), primary_key=True))
    day: date = Field(sa_column=Column(Date(), primary_key=True))
    digest: str = digest_column()
    rows: int
    known: int
    taken: int
    read_at: datetime = moment()


class ResultDifference(SQLModel, table=True):
    """One disagreement. ``reference``: the province's number; ``ours``: the number it should have."""

    __tablename__ = "result_difference"
    __table_args__ = (Index("ix_result_difference_day", "region", "day"),)

    id: int | None = serial()
    region: str = Field(sa_column=Column(CHAR(6), nullable=False))
    day: date = Field(sa_column=Column(Date(), nullable=False))
    kind: str
    business_number: str
    case_no: str = ""
    step: str = ""
    department: str = ""
    operation: str = ""
    reference: str = ""
    ours: str = ""


class Sent(Message):
    """An effect of ours at a province, with what it has answered so far."""

    key: str
    case_no: str
    leg: str
    step: str
    verb: str
    region: str
    department: str
    operation: str
    original: str
    answer: Answer | None
    answered_at: datetime | None


_READ = (
    "SELECT key, case_no, leg, step, verb, region, department, operation, original, answer, answered_at FROM effect"
    " WHERE left(region, 2) = left(:region, 2)"
)
_SENT = text(  # three questions, because each has an index of its own
    f"{_READ} AND intended_at < :until AND answered_at >= :since"
    f" UNION {_READ} AND intended_at < :until AND answer IS NULL"
    f" UNION {_READ} AND intended_at < :until AND answer->>'status' = 'pending'"
)
_OF_CASE = text(f"{_READ} AND case_no = :case_no")


async def sent_to(session: Session, region: str, since: datetime, until: datetime) -> list[Sent]:
    """What was sent to a province before ``until`` and was answered since, or not at all yet."""
    rows = await session.execute(_SENT, {"region": region, "since": since, "until": until})
    return [Sent.model_validate(dict(row)) for row in rows.mappings()]


async def find_sent(session: Session, region: str, case_no: str) -> list[Sent]:
    """All that was sent to a province for one case."""
    rows = await session.execute(_OF_CASE, {"region": region, "case_no": case_no})
    return [Sent.model_validate(dict(row)) for row in rows.mappings()]


async def read_file(session: Session, region: str, day: date) -> ResultFile | None:
    """The file of that day, if it was read."""
    return await session.get(ResultFile, (region, day))


async def keep_file(session: Session, file: ResultFile, differences: Sequence[ResultDifference]) -> None:
    """Writes down what a file said; a file read again takes the place of the one before."""
    where = (col(ResultDifference.region) == file.region, col(ResultDifference.day) == file.day)
    await session.execute(delete(ResultDifference).where(*where))
    await session.merge(file)
    session.add_all(differences)


async def files_of(session: Session, region: str, limit: int = 60) -> Sequence[ResultFile]:
    """The files of a province, newest day first."""
    found = await session.execute(
        select(ResultFile).where(col(ResultFile.region) == region).order_by(col(ResultFile.day).desc()).limit(limit)
    )
    return found.scalars().all()


async def differences_of(session: Session, region: str, day: date) -> Sequence[ResultDifference]:
    """What was found on a day."""
    found = await session.execute(
        select(ResultDifference)
        .where(col(ResultDifference.region) == region, col(ResultDifference.day) == day)
        .order_by(col(ResultDifference.kind), col(ResultDifference.business_number))
    )
    return found.scalars().all()
