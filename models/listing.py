"""Lists of cases: mine, my department's, or all; every filter in SQL, pages by keyset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.messages import Message
from domain.regions import prefix_of
from models.cases import Application, Case, CaseParty, grams


class Scope(Message):
    """Whose cases: exactly one of owner, place or everything.

    exact: only this very region (a caseworker); otherwise a province or city covers what lies in it (a supervisor).
    """

    owner: str = ""
    region: str = ""
    department: str = ""
    exact: bool = False
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
        query = query.where(or_(col(Case.owner) == scope.owner, col(Case.principal) == scope.owner))
    elif not scope.everything:
        query = query.where(_party(scope.region, scope.department, exact=scope.exact))
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
            query = query.where(col(Case.waiting_region).like(prefix_of(region) + "%"))
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


async def takes_part(session: AsyncSession, case_no: str, scope: Scope) -> bool:
    """Whether a case is within a place's scope."""
    found = await session.scalar(select(_party(scope.region, scope.department, exact=scope.exact, case_no=case_no)))
    return bool(found)


def _party(region: str, department: str, *, exact: bool = False, case_no: str | None = None) -> ColumnElement[bool]:
    inner = select(col(CaseParty.case_no)).where(
        col(CaseParty.case_no) == (col(Case.no) if case_no is None else case_no)
    )
    if region:
        at = col(CaseParty.region)
        inner = inner.where(at == region if exact else at.like(prefix_of(region) + "%"))
    if department:
        inner = inner.where(col(CaseParty.department) == department)
    return inner.exists()
