"""Medical matters: one row each, written by the record of its workflow; its trail is the common audit trail.

``start``: what its workflow is started with (codes and references). ``form``: what was handed in, personal, never
sent to Temporal. ``progress``: the projection that people read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Column, Index, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.audit import GENESIS
from domain.calendar import local_day
from domain.medical import MatterBatch, MatterKind, Opening, matter_number
from domain.messages import SYSTEM
from domain.record import Event, Waiting, Who
from domain.regions import prefix_of
from models import outbox
from models.cases import next_sequence
from models.columns import json_column, moment
from models.database import Database
from models.events import append
from models.outbox import OutboxKind


class Matter(SQLModel, table=True):
    """One matter. ``owner``: the login it belongs to; ``person``: a digest of the insured person's number."""

    __tablename__ = "matter"
    __table_args__ = (
        Index("ix_matter_owner", "owner", "kind", "created_at"),
        Index("ix_matter_person", "person", "kind", "created_at"),
        Index("ix_matter_institution", "institution", "kind", "created_at"),
        Index("ix_matter_insured", "insured", "kind", "created_at"),
        Index("ix_matter_parent", "parent"),
        Index("ix_matter_waiting", "waiting_who", "waiting_region", "waiting_department"),
    )

    no: str = Field(sa_column=Column(CHAR(28), primary_key=True))
    kind: str
    status: str
    owner: str
    person: str
    insured: str
    treatment: str = ""
    institution: str = ""
    parent: str = ""
    start: dict[str, Any] = json_column()
    form: dict[str, Any] = json_column()
    progress: dict[str, Any] = json_column()
    waiting: list[dict[str, Any]] = json_column()
    waiting_who: str = ""
    waiting_region: str = ""
    waiting_department: str = ""
    next_wake: datetime | None = moment(null=True)
    recorded: int = 0
    events: int = 0
    head: str = Field(sa_column=Column(CHAR(64), nullable=False))
    created_at: datetime = moment()
    updated_at: datetime = moment()
    closed_at: datetime | None = moment(null=True)


class MatterOutOfOrder(RuntimeError):
    """A batch came before its predecessor; it is tried again."""


async def insert_matter(
    session: AsyncSession,
    *,
    no: str,
    kind: MatterKind,
    status: str,
    owner: str,
    person: str,
    insured: str,
    start: Mapping[str, Any],
    form: Mapping[str, Any],
    view: Mapping[str, Any],
    waiting: Sequence[Waiting],
    event: Event,
    treatment: str = "",
    institution: str = "",
    parent: str = "",
) -> int:
    """A new matter, its first line in the trail and the order to start its workflow; returns the outbox message."""
    seq, head = await append(session, no, 0, GENESIS, [event])
    first = waiting[0] if waiting else None
    session.add(
        Matter(
            no=no,
            kind=kind.value,
            status=status,
            owner=owner,
            person=person,
            insured=insured,
            treatment=treatment,
            institution=institution,
            parent=parent,
            start=dict(start),
            form=dict(form),
            progress=dict(view),
            waiting=[item.model_dump(mode="json") for item in waiting],
            waiting_who=first.who if first else "",
            waiting_region=first.region if first else "",
            waiting_department=first.department if first else "",
            events=seq,
            head=head,
            created_at=event.at,
            updated_at=event.at,
        )
    )
    await session.flush()
    return await outbox.post(session, OutboxKind.MATTER, no, {"kind": kind.value}, event.at)


async def read_matter(session: AsyncSession, no: str, *, lock: bool = False) -> Matter | None:
    """One matter or None."""
    query = select(Matter).where(col(Matter.no) == no)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await session.execute(query)).scalar_one_or_none()


async def write_matter(database: Database, batch: MatterBatch) -> bool:
    """One batch: the projection and the lines of the trail. False: written before. Raises MatterOutOfOrder on a gap.

    The workflow asks for it by an activity that stands in its history before it runs, so that the same number always
    says the same.
    """
    async with database.begin() as session:
        matter = await read_matter(session, batch.no, lock=True)
        if matter is None or matter.recorded < batch.number - 1:
            raise MatterOutOfOrder(f"batch {batch.number} of {batch.no}")
        if matter.recorded >= batch.number:
            return False
        seq, head = await append(session, matter.no, matter.events, matter.head, batch.events)
        for opening in batch.opens:
            await _open(session, matter, opening, batch)
        first = batch.waiting[0] if batch.waiting else None
        await session.execute(
            update(Matter)
            .where(col(Matter.no) == batch.no)
            .values(
                status=batch.status,
                progress=json.loads(batch.view),
                waiting=[item.model_dump(mode="json") for item in batch.waiting],
                next_wake=batch.next_wake,
                recorded=batch.number,
                events=seq,
                head=head,
                updated_at=batch.at,
                closed_at=batch.closed_at,
                waiting_who=first.who if first else "",
                waiting_region=first.region if first else "",
                waiting_department=first.department if first else "",
            )
        )
    return True


async def _open(session: AsyncSession, parent: Matter, opening: Opening, batch: MatterBatch) -> None:
    """Another matter that begins because of this one: same owner and person."""
    place = opening.insured if opening.kind is MatterKind.CLAIM else opening.treatment or opening.insured
    taken = {name: name for name in opening.parts} | dict(opening.renamed)
    no = matter_number(opening.kind, place, local_day(batch.at), await next_sequence(session))
    await insert_matter(
        session,
        no=no,
        kind=opening.kind,
        status=opening.status,
        owner=parent.owner,
        person=parent.person,
        insured=opening.insured,
        treatment=opening.treatment,
        institution=opening.institution,
        parent=parent.no,
        start=json.loads(opening.start) | {"no": no},
        form={here: parent.form[name] for name, here in taken.items() if name in parent.form},
        view=json.loads(opening.view),
        waiting=opening.waiting,
        event=Event(
            type=f"{opening.kind}:opened",
            at=batch.at,
            actor=SYSTEM,
            data={"by": parent.no},
        ),
    )


async def add_part(session: AsyncSession, no: str, name: str, content: Mapping[str, Any]) -> None:
    """Something more that was handed in, under a name of its own; the same name again changes nothing."""
    spelled = {"no": no, "name": name, "content": json.dumps(dict(content), ensure_ascii=False)}
    await session.execute(
        text(
            "UPDATE matter SET form = jsonb_build_object(CAST(:name AS text), CAST(:content AS jsonb)) || form"
            " WHERE no = :no"
        ),
        spelled,
    )


async def drop_part(session: AsyncSession, no: str, name: str) -> None:
    """What was handed in under that name was not taken."""
    await session.execute(text("UPDATE matter SET form = form - :name WHERE no = :no"), {"no": no, "name": name})


async def children_of(session: AsyncSession, no: str) -> Sequence[Matter]:
    """The matters that this one has opened, in order."""
    result = await session.execute(select(Matter).where(col(Matter.parent) == no).order_by(col(Matter.created_at)))
    return result.scalars().all()


async def note_matter(session: AsyncSession, matter: Matter, lines: Sequence[Event]) -> None:
    """Lines in the trail of a matter that the caller has locked, written by somebody else than its workflow."""
    seq, head = await append(session, matter.no, matter.events, matter.head, lines)
    await session.execute(
        update(Matter).where(col(Matter.no) == matter.no).values(events=seq, head=head, updated_at=lines[-1].at)
    )
    await session.refresh(matter)


async def list_matters(
    session: AsyncSession,
    kind: MatterKind,
    *,
    owner: str = "",
    person: str = "",
    institution: str = "",
    insured: str = "",
    treatment: str = "",
    statuses: Collection[str] = (),
    mine: tuple[str, str] = ("", ""),
    waits_for: tuple[str, str] = ("", ""),
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> Sequence[Matter]:
    """Newest first. ``insured``, ``treatment``: a place and those inside it; empty means any.

    mine: a login, or the digest of the person that it is: what either stands for. waits_for: region and department.
    """
    query = select(Matter).where(col(Matter.kind) == kind.value)
    for column, value in ((Matter.owner, owner), (Matter.person, person), (Matter.institution, institution)):
        if value:
            query = query.where(col(column) == value)
    for column, region in ((Matter.insured, insured), (Matter.treatment, treatment)):
        if region:
            query = query.where(col(column).like(prefix_of(region) + "%"))
    if any(mine):
        login, who = mine
        his = col(Matter.owner) == login
        query = query.where(or_(his, col(Matter.person) == who) if who else his)
    if any(waits_for):
        waits = tuple_(col(Matter.waiting_who), col(Matter.waiting_region), col(Matter.waiting_department))
        query = query.where(waits == (Who.DEPARTMENT.value, *waits_for))
    if statuses:
        query = query.where(col(Matter.status).in_(list(statuses)))
    if after is not None:
        query = query.where(text("(created_at, no) < (:at, :no)").bindparams(at=after[0], no=after[1]))
    ordered = query.order_by(col(Matter.created_at).desc(), col(Matter.no).desc()).limit(limit)
    return (await session.execute(ordered)).scalars().all()


async def matter_states(session: AsyncSession) -> dict[str, tuple[datetime, bool]]:
    """Number -> when it last changed, whether it is closed."""
    rows = await session.execute(select(col(Matter.no), col(Matter.updated_at), col(Matter.closed_at)))
    return {row[0]: (row[1], row[2] is not None) for row in rows}
