"""Effects at provinces: the intent is committed before anything is sent, the receipt when the answer is known.

A run that finds an intent without a receipt does not know what happened and finds by key before it sends.
The lease keeps two runs of one effect from sending at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CHAR, Column, ForeignKey, Index, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.effects import Answer, AnswerStatus
from domain.messages import Message
from models.columns import digest_column, json_column, moment, text_array


class Effect(SQLModel, table=True):
    """One keyed call to a province. ``answer`` is its receipt; ``sent`` are the names of the fields that went out."""

    __tablename__ = "effect"
    __table_args__ = (
        Index("ix_effect_case", "case_no"),
        Index("ix_effect_unanswered", "region", postgresql_where=text("answer IS NULL")),
    )

    key: str = digest_column(primary_key=True)
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), nullable=False))
    leg: str
    step: str
    verb: str
    region: str
    department: str
    operation: str
    original: str = ""
    sent: list[str] = text_array()
    intended_at: datetime = moment()
    leased_until: datetime = moment()
    attempts: int = 1
    trouble: str = ""
    trouble_at: datetime | None = moment(null=True)
    answer: dict[str, Any] | None = json_column(null=True)
    answered_at: datetime | None = moment(null=True)


class Intent(Message):
    """What is about to be sent."""

    key: str
    case_no: str
    leg: str
    step: str
    verb: str
    region: str
    department: str
    operation: str
    original: str
    sent: tuple[str, ...]


class Standing(Message):
    """How an effect stands when a run takes it up.

    fresh: nobody has sent it. answer: the receipt. leased: somebody else may be sending it right now.
    """

    fresh: bool
    answer: Answer | None = None
    leased: bool = False


async def intend(session: AsyncSession, intent: Intent, lease: timedelta) -> Standing:
    """Commits to sending. Exactly one run gets ``fresh`` for a key; a later one takes over an expired lease."""
    now = func.clock_timestamp()
    inserted = await session.execute(
        upsert(Effect)
        .values(
            key=intent.key,
            case_no=intent.case_no,
            leg=intent.leg,
            step=intent.step,
            verb=intent.verb,
            region=intent.region,
            department=intent.department,
            operation=intent.operation,
            original=intent.original,
            sent=list(intent.sent),
            intended_at=now,
            leased_until=now + lease,
            attempts=1,
            trouble="",
        )
        .on_conflict_do_nothing()
        .returning(col(Effect.key))
    )
    if inserted.first() is not None:
        return Standing(fresh=True)
    taken = await session.execute(
        update(Effect)
        .where(col(Effect.key) == intent.key, col(Effect.answer).is_(None), col(Effect.leased_until) <= now)
        .values(leased_until=now + lease, attempts=col(Effect.attempts) + 1)
        .returning(col(Effect.key))
    )
    if taken.first() is not None:
        return Standing(fresh=False)
    row = await session.get(Effect, intent.key)
    if row is not None and row.answer is not None:
        return Standing(fresh=False, answer=Answer.model_validate(row.answer))
    return Standing(fresh=False, leased=True)


async def receipt(session: AsyncSession, key: str, answer: Answer) -> None:
    """The answer is known. A pending answer is a receipt too; its end replaces it, and nothing replaces an end."""
    await session.execute(
        update(Effect)
        .where(
            col(Effect.key) == key,
            or_(col(Effect.answer).is_(None), col(Effect.answer)["status"].astext == AnswerStatus.PENDING),
        )
        .values(answer=answer.model_dump(mode="json"), answered_at=func.clock_timestamp(), trouble="")
    )


async def trouble(session: AsyncSession, key: str, code: str) -> None:
    """A try failed; the lease is given up so that the next try need not wait for it."""
    now = func.clock_timestamp()
    await session.execute(
        update(Effect)
        .where(col(Effect.key) == key, col(Effect.answer).is_(None))
        .values(trouble=code, trouble_at=now, leased_until=now)
    )


async def read_effect(session: AsyncSession, key: str, *, lock: bool = False) -> Effect | None:
    """One effect by its key."""
    return await session.get(Effect, key, with_for_update=True if lock else None)


async def effects_of(session: AsyncSession, case_no: str) -> Sequence[Effect]:
    """All effects of a case, in the order they were intended."""
    result = await session.execute(
        select(Effect).where(col(Effect.case_no) == case_no).order_by(col(Effect.intended_at))
    )
    return result.scalars().all()


async def references_of(session: AsyncSession, case_no: str) -> Mapping[str, str]:
    """Step -> the business number its province gave."""
    rows = await session.execute(
        select(col(Effect.step), col(Effect.answer)).where(col(Effect.case_no) == case_no, col(Effect.verb) == "submit")
    )
    return {step: answer["reference"] for step, answer in rows if answer}
