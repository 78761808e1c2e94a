"""Statistics for whoever supervises: numbers only."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from api.auth import Caller, need
from api.house import house
from api.schemas import NO_NUL
from domain.calendar import local_day
from domain.errors import Refusal
from domain.messages import Role
from domain.process.clocks import end_of
from domain.regions import covers
from models.statistics import counted

router = APIRouter(prefix="/v1/statistics", tags=["statistics"])
LONGEST = timedelta(days=366 * 5)
ONE_DAY = timedelta(days=1)


class StatisticsOut(BaseModel):
    """Cases that were filed from ``since`` to ``until``; durations in days; ``waiting`` as it is now."""

    since: date
    until: date
    cases: list[dict[str, Any]] = Field(
        description="by service and status: cases, overdue, p50 and p95 of the duration"
    )
    clocks: list[dict[str, Any]] = Field(description="by service: overdue, extended, paused")
    waiting: list[dict[str, Any]] = Field(description="open cases by who has the ball, and where")
    ratings: list[dict[str, Any]] = Field(description="by service: average, bad ones, followed up")
    burden: list[dict[str, Any]] = Field(description="by service: documents handed in, evidence fetched, notices")
    other: list[dict[str, Any]] = Field(description="disputes, transfers, escalations, failed compensations, reopened")


@router.get("", operation_id="getStatistics")
async def get_statistics(
    request: Request,
    caller: Caller,
    since: date | None = None,
    until: date | None = None,
    service: Annotated[str, Query(max_length=40, pattern=NO_NUL)] = "",
    region: Annotated[str, Query(pattern="^(3[1-4][0-9]{4})?$")] = "",
) -> StatisticsOut:
    """The coordinator's and the auditor's over all places; a supervisor's over his department and what lies below.

    ``province`` is empty where whoever has the ball sits nowhere, like an applicant.
    """
    need(caller, Role.COORDINATOR, Role.AUDITOR, Role.SUPERVISOR)
    until = until or local_day(datetime.now(UTC))
    since = since or until - timedelta(days=365)
    if not date(2000, 1, 1) <= since <= until <= date(2099, 12, 31) or until - since > LONGEST:
        raise Refusal("date_invalid", "/since")
    department = ""
    if caller.role is Role.SUPERVISOR:
        if region and not covers(caller.region, region):
            raise Refusal("forbidden")
        region, department = region or caller.region, caller.department
    async with house(request).database.begin() as session:
        found = await counted(
            session,
            since=end_of(since - ONE_DAY),
            until=end_of(until),
            service=service,
            region=region,
            department=department,
        )
    return StatisticsOut(since=since, until=until, **found)
