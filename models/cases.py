"""Cases: the pinned plan, the application as handed in, and the projection that people read."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import JsonValue
from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    event,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.audit import GENESIS, event_hash
from domain.messages import Message
from domain.plan import CasePlan, Plan
from domain.process import Intake
from domain.record import CaseView, Event
from models import outbox
from models.columns import digest_column, json_column, moment, text_array
from models.events import append


class PlanRow(SQLModel, table=True):
    """A compiled definition under its digest; never changed, never removed while a case is pinned to it."""

    __tablename__ = "plan"

    digest: str = digest_column(primary_key=True)
    code: str = Field(index=True)
    version: str
    body: dict[str, Any] = json_column()
    published_at: datetime = moment()


class Case(SQLModel, table=True):
    """The projection. Written by intake once and then only by the record activity.

    principal, basis: for whom ``owner`` has filed it, and by what right. identity: two open cases of a service with
    the same one are about the same. reopens: the number of the case that this one takes up again.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_owner", "owner", text("created_at DESC"), text("no DESC")),
        Index("ix_cases_created", text("created_at DESC"), text("no DESC")),
        Index("ix_cases_service", "service", text("created_at DESC"), text("no DESC")),
        Index("ix_cases_status", "status", text("created_at DESC"), text("no DESC")),
        Index("ix_cases_waiting", "waiting_who", "waiting_region", text("created_at DESC"), text("no DESC")),
        Index("ix_cases_due", "due_at", postgresql_where=text("closed_at IS NULL")),
        Index("ix_cases_principal", "principal", text("created_at DESC"), text("no DESC")),
        Index("ix_cases_identity", "identity", postgresql_where=text("closed_at IS NULL")),
        Index("ix_cases_reopens", "reopens"),
    )

    no: str = Field(sa_column=Column(CHAR(28), primary_key=True))
    service: str
    version: str
    plan_digest: str = Field(sa_column=Column(CHAR(64), ForeignKey("plan.digest"), nullable=False))
    owner: str
    channel: str
    subject: str
    status: str
    reason: str = ""
    waiting_who: str = ""
    waiting_region: str = ""
    waiting_department: str = ""
    progress: dict[str, Any] = json_column()
    due_at: datetime | None = moment(null=True)
    created_at: datetime = moment()
    updated_at: datetime = moment()
    closed_at: datetime | None = moment(null=True)
    recorded: int = 0
    events: int = 0
    head: str = digest_column()
    principal: str = ""
    basis: str = ""
    identity: str = ""
    reopens: str = ""

    def concerns(self, subject: str) -> bool:
        """Whether it is this person's own: filed by him, for him, or to be signed by him."""
        return subject in {self.owner, self.principal, *self.view().signers}

    def view(self) -> CaseView:
        """The projection as a message."""
        return CaseView.model_validate(self.progress)


class Application(SQLModel, table=True):
    """What the applicant handed in, unchanged, and what was corrected since.

    ``grams`` make text search work for Chinese without a parser.
    """

    __tablename__ = "application"
    __table_args__ = (Index("ix_application_grams", "grams", postgresql_using="gin"),)

    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), primary_key=True))
    form: dict[str, Any] = json_column()
    documents: dict[str, Any] = json_column()
    digest: str = digest_column()
    case_plan: dict[str, Any] = json_column()
    intake: dict[str, Any] = json_column()
    corrected: dict[str, Any] = json_column()
    grams: list[str] = text_array()

    def current(self) -> dict[str, Any]:
        """The form as it stands: as handed in, with what was corrected on behalf of the applicant."""
        return self.form | self.corrected


class Batch(SQLModel, table=True):
    """What was written under a number: its meaning, how far the workflow's history was, and its events."""

    __tablename__ = "batch"

    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), primary_key=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    digest: str = digest_column()
    epoch: int = Field(sa_column=Column(BigInteger, nullable=False))
    first: int
    last: int


class CaseParty(SQLModel, table=True):
    """Which authority takes part in which case: what a department may see."""

    __tablename__ = "case_party"
    __table_args__ = (Index("ix_case_party_case", "case_no"),)

    region: str = Field(sa_column=Column(CHAR(6), primary_key=True))
    department: str = Field(sa_column=Column(Text, primary_key=True))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), primary_key=True))


class NewCase(Message):
    """Everything intake commits for one case; ``event`` is the first of its audit trail."""

    no: str
    plan: Plan
    case_plan: CasePlan
    owner: str
    channel: str
    subject: str
    form: Mapping[str, JsonValue]
    documents: Mapping[str, JsonValue]
    digest: str
    view: CaseView
    event: Event
    intake: Intake = Intake()
    identity: str = ""
    reopens: str = ""
    principal: str = ""
    basis: str = ""


def grams(*texts: str) -> list[str]:
    """Single characters and pairs of all texts, folded: the index terms of a substring search."""
    found: set[str] = set()
    for item in texts:
        folded = item.casefold()
        found.update(folded)
        found.update(folded[i : i + 2] for i in range(len(folded) - 1))
    return sorted(found)


async def next_sequence(session: AsyncSession) -> int:
    """The running number of a new case."""
    value = await session.scalar(text("SELECT nextval('case_sequence')"))
    return int(value or 0)


_INSERT = text(
    """
    WITH new_case AS (
        INSERT INTO cases (no, service, version, plan_digest, owner, channel, subject, status, reason, waiting_who,
                           waiting_region, waiting_department, progress, created_at, updated_at, recorded, events, head,
                           principal, basis, identity, reopens)
        VALUES (:no, :service, :version, :plan_digest, :owner, :channel, :subject, :status, '', :who, :region,
                :department, CAST(:progress AS jsonb), :at, :at, 0, 1, :head, :principal, :basis, :identity, :reopens)
    ), new_application AS (
        INSERT INTO application (case_no, form, documents, digest, case_plan, intake, corrected, grams)
        VALUES (:no, CAST(:form AS jsonb), CAST(:documents AS jsonb), :digest, CAST(:case_plan AS jsonb),
                CAST(:intake AS jsonb), '{}', CAST(:grams AS text[]))
    ), parties AS (
        INSERT INTO case_party (region, department, created_at, case_no)
        SELECT DISTINCT step->'place'->>'region', step->'place'->>'department', CAST(:at AS timestamptz), :no
        FROM jsonb_array_elements(CAST(:case_plan AS jsonb)->'steps') AS step
    ), first_event AS (
        INSERT INTO event (case_no, seq, type, at, actor_subject, actor_role, actor_region, actor_department,
                           actor_principal, actor_basis, leg, step, data, hash)
        VALUES (:no, 1, :event_type, :at, :actor_subject, :actor_role, :actor_region, :actor_department,
                :actor_principal, :actor_basis, '', '', CAST(:event_data AS jsonb), :head)
    )
    INSERT INTO outbox (kind, case_no, payload, created_at, due_at, attempts, error)
    VALUES ('start', :no, '{}', :at, CAST(:at AS timestamptz) + CAST(:grace AS interval), 0, '')
    """
)
# plans this process knows to be stored in a database; rows of plan are never removed
_pinned: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()


async def insert_case(session: AsyncSession, new: NewCase) -> None:
    """Case, application, parties, first event and start intent, in one statement."""
    pinned = _pinned.setdefault(session.get_bind(), set())
    if new.case_plan.plan_digest not in pinned:
        await session.execute(
            upsert(PlanRow)
            .values(
                digest=new.case_plan.plan_digest,
                code=new.plan.code,
                version=new.plan.version,
                body=new.plan.model_dump(mode="json"),
                published_at=new.event.at,
            )
            .on_conflict_do_nothing()
        )
        event.listen(session.sync_session, "after_commit", lambda _: pinned.add(new.case_plan.plan_digest), once=True)
    waiting, actor = new.view.waiting[0], new.event.actor
    await session.execute(
        _INSERT,
        {
            "no": new.no,
            "service": new.plan.code,
            "version": new.plan.version,
            "plan_digest": new.case_plan.plan_digest,
            "owner": new.owner,
            "channel": new.channel,
            "subject": new.subject,
            "status": new.view.status,
            "who": waiting.who,
            "region": waiting.region,
            "department": waiting.department,
            "progress": new.view.model_dump_json(),
            "at": new.event.at,
            "head": event_hash(GENESIS, new.no, 1, new.event),
            "form": json.dumps(dict(new.form), ensure_ascii=False),
            "documents": json.dumps(dict(new.documents), ensure_ascii=False),
            "digest": new.digest,
            "case_plan": new.case_plan.model_dump_json(),
            "grams": grams(new.subject, new.no),
            "event_type": new.event.type,
            "actor_subject": actor.subject,
            "actor_role": actor.role,
            "actor_region": actor.region,
            "actor_department": actor.department,
            "actor_principal": actor.principal,
            "actor_basis": actor.basis or "",
            "principal": new.principal,
            "basis": new.basis,
            "identity": new.identity,
            "reopens": new.reopens,
            "event_data": json.dumps(dict(new.event.data), ensure_ascii=False),
            "intake": new.intake.model_dump_json(),
            "grace": outbox.GRACE,
        },
    )


async def read_case(session: AsyncSession, no: str) -> Case | None:
    """One case or None."""
    return await session.get(Case, no)


async def read_cases(session: AsyncSession, numbers: Collection[str]) -> dict[str, Case]:
    """Those of the numbers that exist."""
    if not numbers:
        return {}
    result = await session.execute(select(Case).where(col(Case.no).in_(numbers)))
    return {case.no: case for case in result.scalars()}


async def lock_case(session: AsyncSession, no: str) -> Case | None:
    """One case, locked until the end of the transaction: every writer of its audit chain comes through here.

    FOR NO KEY UPDATE: rows that merely refer to the case (a receipt, an evidence) can be written meanwhile.
    What the session has read of it before is read anew: somebody else may have held it until now.
    """
    query = select(Case).where(col(Case.no) == no).with_for_update(key_share=True)
    result = await session.execute(query.execution_options(populate_existing=True))
    return result.scalar_one_or_none()


class Duplicate(Message):
    """An open case about the same."""

    no: str
    status: str
    created_at: datetime


async def open_with(session: AsyncSession, identity: str, *, but: str = "", of: str = "") -> Sequence[Duplicate]:
    """Open cases about the same, the oldest first. ``but``: not this one; ``of``: only those of this person."""
    if not identity:
        return ()
    query = select(col(Case.no), col(Case.status), col(Case.created_at)).where(
        col(Case.identity) == identity, col(Case.closed_at).is_(None), col(Case.no) != but
    )
    if of:
        query = query.where(or_(col(Case.owner) == of, col(Case.principal) == of))
    rows = await session.execute(query.order_by(col(Case.created_at)).limit(20))
    return [Duplicate(no=no, status=status, created_at=at) for no, status, at in rows]


async def reopened_as(session: AsyncSession, no: str) -> str:
    """The number of the case that takes this one up again, or empty."""
    found = await session.scalar(select(col(Case.no)).where(col(Case.reopens) == no))
    return str(found or "")


async def read_application(session: AsyncSession, no: str) -> Application | None:
    """The application of a case."""
    return await session.get(Application, no)


async def read_plan(session: AsyncSession, digest: str) -> Plan | None:
    """A pinned plan."""
    row = await session.get(PlanRow, digest)
    return None if row is None else Plan.model_validate(row.body)


async def note(session: AsyncSession, case: Case, lines: Sequence[Event]) -> None:
    """Lines in the audit trail of a case that the caller has locked, written by somebody else than its workflow."""
    seq, head = await append(session, case.no, case.events, case.head, lines)
    await session.execute(
        update(Case).where(col(Case.no) == case.no).values(events=seq, head=head, updated_at=lines[-1].at)
    )
    await session.refresh(case)
