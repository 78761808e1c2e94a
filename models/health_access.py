"""Health data: what people have consented to, who has read, what they are told. Readings are never changed or removed.

A consent changes once, when it is withdrawn; a notice once, when it is seen. Triggers refuse anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import CHAR, BigInteger, Column, Index, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.medical.access import Basis, Consent, DataKind, Purpose
from domain.messages import Actor
from domain.names import holder_digest
from models.columns import moment, serial, text_array

ONE_READING = timedelta(minutes=5)


class HealthConsent(SQLModel, table=True):
    """``person``: digest of the number; ``subject``: the login that consents; ``matter``: the only one it is for."""

    __tablename__ = "health_consent"
    __table_args__ = (Index("ix_health_consent_person", "person", "granted_at"),)

    id: str = Field(primary_key=True)
    person: str
    subject: str
    purpose: str
    scope: list[str] = text_array()
    institutions: list[str] = text_array()
    provinces: list[str] = text_array()
    matter: str = ""
    text_version: str
    granted_at: datetime = moment()
    withdrawn_at: datetime | None = moment(null=True)

    def consent(self) -> Consent:
        """The row as the rules read it."""
        return Consent(
            id=self.id,
            person=self.person,
            purpose=Purpose(self.purpose),
            scope=tuple(DataKind(kind) for kind in self.scope),
            institutions=tuple(self.institutions),
            provinces=tuple(self.provinces),
            matter=self.matter,
            text_version=self.text_version,
            granted_at=self.granted_at,
            withdrawn_at=self.withdrawn_at,
        )


class HealthRead(SQLModel, table=True):
    """One reading. ``reader``: digest that tells apart who reads about one person, and nobody else can tell who."""

    __tablename__ = "health_read"
    __table_args__ = (Index("ix_health_read_person", "person", "id"), Index("ix_health_read_matter", "matter"))

    id: int = serial()
    at: datetime = moment()
    person: str
    matter: str = Field(sa_column=Column(CHAR(28), nullable=False))
    what: str
    basis: str
    consent: str = ""
    reason: str = ""
    reader: str
    role: str
    region: str
    department: str


class HealthNotice(SQLModel, table=True):
    """What a person has to be told: that somebody has read in an emergency."""

    __tablename__ = "health_notice"
    __table_args__ = (Index("ix_health_notice_person", "person", "id"),)

    id: int = serial()
    person: str
    read: int = Field(sa_column=Column(BigInteger, nullable=False))
    at: datetime = moment()
    seen_at: datetime | None = moment(null=True)


async def grant(session: AsyncSession, consent: Consent, subject: str) -> None:
    """A consent; the same id again changes nothing."""
    await session.execute(
        upsert(HealthConsent)
        .values(
            id=consent.id,
            person=consent.person,
            subject=subject,
            purpose=consent.purpose.value,
            scope=[kind.value for kind in consent.scope],
            institutions=list(consent.institutions),
            provinces=list(consent.provinces),
            matter=consent.matter,
            text_version=consent.text_version,
            granted_at=consent.granted_at,
        )
        .on_conflict_do_nothing()
    )


async def withdraw(session: AsyncSession, consent: str, at: datetime) -> None:
    """From now on nobody reads by it; the first withdrawal stands."""
    await session.execute(
        update(HealthConsent)
        .where(col(HealthConsent.id) == consent, col(HealthConsent.withdrawn_at).is_(None))
        .values(withdrawn_at=at)
    )


async def read_consent(session: AsyncSession, consent: str) -> HealthConsent | None:
    """One consent or None, as it stands in the database now."""
    return await session.get(HealthConsent, consent, populate_existing=True)


async def consents_of(session: AsyncSession, person: str) -> Sequence[HealthConsent]:
    """A person's consents, the newest first, withdrawn ones too."""
    query = select(HealthConsent).where(col(HealthConsent.person) == person)
    return (await session.execute(query.order_by(col(HealthConsent.granted_at).desc()).limit(500))).scalars().all()


async def note_read(
    session: AsyncSession,
    actor: Actor,
    person: str,
    what: DataKind,
    matter: str,
    basis: Basis,
    at: datetime,
    *,
    consent: str = "",
    reason: str = "",
) -> None:
    """A line of the log, in the transaction that reads; an emergency also makes a notice to the person.

    Who looks at the same again within ``ONE_READING`` reads once: a page that asks for news would fill the list.
    """
    reader = holder_digest(person, actor.subject)
    if basis is not Basis.EMERGENCY and await _reads_on(session, matter, what, basis, reader, at):
        return
    result = await session.execute(
        insert(HealthRead)
        .values(
            at=at,
            person=person,
            matter=matter,
            what=what.value,
            basis=basis.value,
            consent=consent,
            reason=reason,
            reader=reader,
            role=actor.role.value,
            region=actor.region,
            department=actor.department,
        )
        .returning(col(HealthRead.id))
    )
    if basis is Basis.EMERGENCY:
        await session.execute(insert(HealthNotice).values(person=person, read=int(result.scalar_one()), at=at))


async def _reads_on(
    session: AsyncSession, matter: str, what: DataKind, basis: Basis, reader: str, at: datetime
) -> bool:
    found = await session.execute(
        select(col(HealthRead.id))
        .where(
            col(HealthRead.matter) == matter,
            col(HealthRead.reader) == reader,
            col(HealthRead.what) == what.value,
            col(HealthRead.basis) == basis.value,
            col(HealthRead.at) > at - ONE_READING,
        )
        .limit(1)
    )
    return found.first() is not None


async def reads_about(session: AsyncSession, person: str, before: int = 0, limit: int = 100) -> Sequence[HealthRead]:
    """Who has read about a person, the newest first; ``before``: continues below a number."""
    query = select(HealthRead).where(col(HealthRead.person) == person)
    if before:
        query = query.where(col(HealthRead.id) < before)
    return (await session.execute(query.order_by(col(HealthRead.id).desc()).limit(limit))).scalars().all()


async def notices_to(session: AsyncSession, person: str) -> Sequence[tuple[HealthNotice, HealthRead]]:
    """What a person has to be told, the newest first, seen or not."""
    rows = await session.execute(
        select(HealthNotice, HealthRead)
        .join(HealthRead, col(HealthRead.id) == col(HealthNotice.read))
        .where(col(HealthNotice.person) == person)
        .order_by(col(HealthNotice.id).desc())
        .limit(200)
    )
    return [(notice, read) for notice, read in rows]


async def see_notice(session: AsyncSession, person: str, notice: int, at: datetime) -> bool:
    """The person has seen it. False: there is none of that number for him."""
    found = await session.scalar(
        select(HealthNotice).where(col(HealthNotice.id) == notice, col(HealthNotice.person) == person)
    )
    if found is None:
        return False
    await session.execute(
        update(HealthNotice)
        .where(col(HealthNotice.id) == notice, col(HealthNotice.seen_at).is_(None))
        .values(seen_at=at)
    )
    return True
