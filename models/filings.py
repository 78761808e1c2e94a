"""Filings and referrals among the matters: what rules need of a person's, and the row a new one begins as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.medical import MatterKind
from domain.medical.filing import FilingCourse
from domain.medical.filing_decision import KnownFiling
from domain.medical.filing_messages import FilingStart, FilingView
from domain.medical.filing_rules import pool_of
from domain.record import Event, Waiting, Who
from models.matters import Matter, insert_matter


async def lock_person(session: AsyncSession, person: str) -> None:
    """One application at a time for a person, until this transaction ends: two cannot both be the only one."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 20261127))"), {"person": person})


async def filings_of(session: AsyncSession, person: str, insured: str) -> list[KnownFiling]:
    """Every filing of a person at the pooling area of ``insured`` that holds, has held or is applied for."""
    query = select(Matter).where(col(Matter.kind) == MatterKind.FILING.value, col(Matter.person) == person)
    found = []
    for row in (await session.execute(query.order_by(col(Matter.created_at)))).scalars():
        known = FilingView.model_validate(row.progress).known(row.no)
        if known is not None and pool_of(known.insured) == pool_of(insured):
            found.append(known)
    return found


async def insert_filing(
    session: AsyncSession, start: FilingStart, *, person: str, form: Mapping[str, Any], now: datetime
) -> int:
    """A new filing with its first line in the trail; returns the outbox message that starts its workflow."""
    request = start.request
    data = {"category": request.category, "destination": request.destination, "rules": start.decision.rules}
    if request.referral:
        data["referral"] = request.referral
    if request.replaces:
        data["replaces"] = request.replaces
    waiting = Waiting(who=Who.SYSTEM, region=start.office.region, why="starting", since=now)
    return await insert_matter(
        session,
        no=start.no,
        kind=MatterKind.FILING,
        status="submitted",
        owner=start.asked_by.subject,
        person=person,
        insured=request.insured,
        treatment=request.destination,
        start=start.model_dump(mode="json"),
        form=form,
        view=FilingCourse(start, now).view().model_dump(mode="json"),
        waiting=(waiting,),
        event=Event(type="filing:submitted", at=now, actor=start.asked_by, data=data),
    )


async def add_to_form(session: AsyncSession, no: str, key: str, value: Any) -> None:
    """Puts something more into the form of a matter that the caller has locked: words and papers, never sent on."""
    query = select(col(Matter.form)).where(col(Matter.no) == no)
    form = dict((await session.execute(query)).scalar_one())
    await session.execute(update(Matter).where(col(Matter.no) == no).values(form=form | {key: value}))


async def referrals_at(
    session: AsyncSession, institution: str, *, after: tuple[datetime, str] | None = None, limit: int = 50
) -> Sequence[Matter]:
    """Those an institution has made, or is asked to take, newest first."""
    receiving = col(Matter.progress)["receiving"].astext == institution
    query = select(Matter).where(
        col(Matter.kind) == MatterKind.REFERRAL.value, or_(col(Matter.institution) == institution, receiving)
    )
    if after is not None:
        query = query.where(text("(created_at, no) < (:at, :no)").bindparams(at=after[0], no=after[1]))
    ordered = query.order_by(col(Matter.created_at).desc(), col(Matter.no).desc()).limit(limit)
    return (await session.execute(ordered)).scalars().all()
