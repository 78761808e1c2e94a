"""Lists of cases: mine, my department's, or all; every filter in SQL, pages by keyset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.messages import Message
from models.cases import Application, Case, CaseParty, grams


class Scope(Message):
    """Whose cases: exactly one of owner, place or everything. ``regions`` are code prefixes of a supervisor."""

    owner: str = ""
    region: str = ""
    department: str = ""
    everything: bool = False


class Filters(Message):
    service: str = ""
    status: str = ""
    region: str = ""
    waiting_on: str = ""
    overdue: bool | None = None
    text: str = ""
    after: tuple[datetime, str] | None = None
    limit: int = 50


async def list_cases(session: AsyncSession, scope: Scope, filters: Filters) -> Sequence[Case]:
    """Newest first. Reads one row more than ``limit`` so that the caller knows whether there is a next page."""
    query = select(Case)
    if scope.owner:
        query = query.where(col(Case.owner) == scope.owner)
    elif not scope.everything:
        query = query.where(_party(scope.region, scope.department))
    if filters.service:
        query = query.where(col(Case.service) == filters.service)
    if filters.status:
        query = query.where(col(Case.status) == filters.status)
    if filters.region:
        query = query.where(_party(filters.region, ""))
    if filters.waiting_on:
        who, _, region = filters.waiting_on.partition(":")
        query = query.where(col(Case.waiting_who) == who)
        if region:
            query = query.where(col(Case.waiting_region).like(_prefix(region) + "%"))
    if filters.overdue is True:
        query = query.where(col(Case.closed_at).is_(None), col(Case.due_at) <= func.now())
    elif filters.overdue is False:
        query = query.where(text("(cases.closed_at IS NOT NULL OR cases.due_at IS NULL OR cases.due_at > now())"))
    if filters.text:
        folded = filters.text.casefold()
        wanted = grams(folded) if len(folded) < 2 else [folded[i : i + 2] for i in range(len(folded) - 1)]
        found = select(col(Application.case_no)).where(col(Application.grams).contains(wanted))
        like = "%" + folded.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        query = query.where(
            col(Case.no).in_(found),
            (func.lower(col(Case.subject)).like(like)) | (func.lower(col(Case.no)).like(like)),
        )
    if filters.after is not None:
        query = query.where(tuple_(col(Case.created_at), col(Case.no)) < tuple_(*filters.after))
    query = query.order_by(col(Case.created_at).desc(), col(Case.no).desc()).limit(filters.limit + 1)
    result = await session.execute(query)
    return result.scalars().all()


async def takes_part(session: AsyncSession, case_no: str, region: str, department: str) -> bool:
    """Whether a place takes part in a case; an empty department means any."""
    found = await session.scalar(select(_party(region, department, case_no)))
    return bool(found)


def _prefix(region: str) -> str:
    return region[:2] if region.endswith("0000") else region[:4] if region.endswith("00") else region


def _party(region: str, department: str, case_no: str | None = None) -> ColumnElement[bool]:
    inner = select(col(CaseParty.case_no)).where(
        col(CaseParty.case_no) == (col(Case.no) if case_no is None else case_no)
    )
    if region:
        inner = inner.where(col(CaseParty.region).like(_prefix(region) + "%"))
    if department:
        inner = inner.where(col(CaseParty.department) == department)
    return inner.exists()
