"""Messages of the national interface that matters have sent: the intent before the effect, and how each ended.

A row is committed before its message leaves. A run that finds a row without an end does not know what happened and has
to ask. The msgid (30 characters: institution, second, running number) is drawn here, once for a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Column, Index, UniqueConstraint, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.medical import Exchange
from domain.medical.interface import message_id
from models.columns import json_column, moment

INTENDED, UNSENT, TAKING_BACK = "intended", "unsent", "taking_back"
WITHOUT_EFFECT = frozenset({"voided", "unusable"})  # the only ends of what is being taken back


class InsuranceMessage(SQLModel, table=True):
    """state: intended (it may have arrived), unsent (it certainly has not), taking_back (2601 is under way, and it will
    have no effect), or an ``ExchangeEnd``.

    context: what was asked before it was sent, to recompute by: of a settlement the totals of the year until then.
    """

    __tablename__ = "insurance_message"
    __table_args__ = (
        UniqueConstraint("matter_no", "number"),
        Index("ix_insurance_message_open", "place", postgresql_where=text("ended_at IS NULL")),
    )

    msgid: str = Field(sa_column=Column(CHAR(30), primary_key=True))
    matter_no: str
    number: int
    infno: str
    place: str
    insured: str
    institution: str
    state: str
    code: str = ""
    text: str = ""
    output: dict[str, Any] | None = json_column(null=True)
    context: dict[str, Any] | None = json_column(null=True)
    tries: int = 0
    sent_at: datetime = moment()
    ended_at: datetime | None = moment(null=True)


async def intend(session: AsyncSession, exchange: Exchange, at: datetime) -> tuple[InsuranceMessage, bool]:
    """The row of an exchange, and whether it is new. The caller commits before it sends."""
    found = await read_message(session, exchange.no, exchange.number)
    if found is not None:
        return found, False
    row = InsuranceMessage(
        msgid=await draw_msgid(session, exchange.institution, at),
        matter_no=exchange.no,
        number=exchange.number,
        infno=exchange.infno,
        place=exchange.place,
        insured=exchange.insured,
        institution=exchange.institution,
        state=INTENDED,
        sent_at=at,
    )
    session.add(row)
    await session.flush()
    return row, True


async def keep_context(session: AsyncSession, msgid: str, context: Mapping[str, Any]) -> None:
    """What is known before it is sent."""
    await session.execute(
        update(InsuranceMessage).where(col(InsuranceMessage.msgid) == msgid).values(context=dict(context))
    )


async def draw_msgid(session: AsyncSession, institution: str, at: datetime) -> str:
    """A number that no other message has: ten thousand of one institution in one second would meet."""
    running = await session.scalar(text("SELECT nextval('msgid_sequence')"))
    return message_id(institution, at, int(running or 0) % 10_000)


async def read_message(session: AsyncSession, matter_no: str, number: int) -> InsuranceMessage | None:
    """The message of an errand."""
    result = await session.execute(
        select(InsuranceMessage).where(
            col(InsuranceMessage.matter_no) == matter_no, col(InsuranceMessage.number) == number
        )
    )
    return result.scalar_one_or_none()


async def resend(session: AsyncSession, msgid: str) -> bool:
    """What was certainly not sent will be: from now on it may have arrived. False if another try may have sent it."""
    result = await session.execute(
        update(InsuranceMessage)
        .where(
            col(InsuranceMessage.msgid) == msgid,
            col(InsuranceMessage.ended_at).is_(None),
            col(InsuranceMessage.state) == UNSENT,
        )
        .values(state=INTENDED)
        .returning(col(InsuranceMessage.msgid))
    )
    return result.scalar_one_or_none() is not None


async def mark(session: AsyncSession, msgid: str, state: str, code: str = "") -> bool:
    """A try is over and its end is not known, or nothing was sent. False if it has ended, or is being taken back."""
    result = await session.execute(
        update(InsuranceMessage)
        .where(
            col(InsuranceMessage.msgid) == msgid,
            col(InsuranceMessage.ended_at).is_(None),
            col(InsuranceMessage.state) != TAKING_BACK,
        )
        .values(state=state, code=code, tries=col(InsuranceMessage.tries) + 1)
        .returning(col(InsuranceMessage.msgid))
    )
    return result.scalar_one_or_none() is not None


async def take_back(session: AsyncSession, msgid: str, code: str) -> bool:
    """2601 is about to be sent: whatever a late try learns, it ends without effect. False if it has ended already."""
    result = await session.execute(
        update(InsuranceMessage)
        .where(col(InsuranceMessage.msgid) == msgid, col(InsuranceMessage.ended_at).is_(None))
        .values(state=TAKING_BACK, code=code)
        .returning(col(InsuranceMessage.msgid))
    )
    return result.scalar_one_or_none() is not None


async def stands(session: AsyncSession, msgid: str) -> None:
    """2601 was refused: nothing is taken back, and what became of the message has to be asked again."""
    await session.execute(
        update(InsuranceMessage)
        .where(
            col(InsuranceMessage.msgid) == msgid,
            col(InsuranceMessage.ended_at).is_(None),
            col(InsuranceMessage.state) == TAKING_BACK,
        )
        .values(state=INTENDED)
    )


async def end(
    session: AsyncSession, msgid: str, state: str, code: str, said: str, output: Mapping[str, Any] | None, at: datetime
) -> bool:
    """How it ended; False if that is on record already (the first end counts), or if it is being taken back and this
    would be an end with an effect.
    """
    open_ = [col(InsuranceMessage.msgid) == msgid, col(InsuranceMessage.ended_at).is_(None)]
    if state not in WITHOUT_EFFECT:
        open_.append(col(InsuranceMessage.state) != TAKING_BACK)
    result = await session.execute(
        update(InsuranceMessage)
        .where(*open_)
        .values(
            state=state,
            code=code,
            text=said[:500],
            output=None if output is None else dict(output),
            tries=col(InsuranceMessage.tries) + 1,
            ended_at=at,
        )
        .returning(col(InsuranceMessage.msgid))
    )
    return result.scalar_one_or_none() is not None


async def messages_of(session: AsyncSession, matter_no: str) -> Sequence[InsuranceMessage]:
    """The messages of a matter, in order."""
    result = await session.execute(
        select(InsuranceMessage)
        .where(col(InsuranceMessage.matter_no) == matter_no)
        .order_by(col(InsuranceMessage.number))
    )
    return result.scalars().all()


async def in_doubt(session: AsyncSession) -> dict[str, int]:
    """Province -> messages whose end is not known."""
    rows = await session.execute(
        text("SELECT substr(place, 1, 2) || '0000', count(*) FROM insurance_message WHERE ended_at IS NULL GROUP BY 1")
    )
    return {row[0]: int(row[1]) for row in rows}
