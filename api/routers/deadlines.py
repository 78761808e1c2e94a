"""When a limit would end: for whoever wants to know before applying. Nothing is stored, nobody is asked who he is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.house import house
from api.schemas_services import ClockPreview, DeadlinePreview, ServiceDeadlines
from domain.calendar import local_day
from domain.deadline import MOST_SUSPENSIONS, Reply, answer, answer_for, read_question
from domain.errors import Refusal
from domain.plan import Unit

router = APIRouter(prefix="/v1/deadlines", tags=["deadlines"])


@router.get("/preview", operation_id="previewDeadline")
async def preview(
    request: Request,
    start: Annotated[str, Query(max_length=40, description="the day of the trigger, which does not count")],
    days: Annotated[str | None, Query(max_length=40, description="the limit; or name a service")] = None,
    unit: Annotated[str, Query(max_length=40, description="working_day or calendar_day")] = Unit.WORKING_DAY,
    suspend: Annotated[
        list[str], Query(max_length=MOST_SUSPENSIONS, description="days that do not count, FIRST..LAST, repeated")
    ] = [],  # noqa: B006  FastAPI copies it
    service: Annotated[str | None, Query(max_length=40, description="every limit of this service")] = None,
    region: Annotated[str, Query(pattern="^([1-9][0-9]{5})?$", description="place whose local days count, too")] = "",
) -> DeadlinePreview | ServiceDeadlines:
    """The day on which a limit ends, with the words that explain it; or every limit of a service."""
    if (days is None) == (service is None):
        raise Refusal("limit_unclear", "/days")
    question = read_question(start, days, suspend, unit)
    h = house(request)
    plan = None if service is None else h.library.service(service, local_day(datetime.now(UTC)))
    async with h.database.begin() as session:
        calendar = await h.calendars.in_force(session, region)
    if plan is None:
        return _out(answer(calendar, question))
    clocks = [
        ClockPreview(
            id=reply.clock.id,
            title=reply.clock.title,
            starts=reply.clock.start,
            stops=reply.clock.stop,
            legal=_out(reply.legal) if reply.legal else None,
            promised=_out(reply.promised) if reply.promised else None,
        )
        for reply in answer_for(calendar, question, plan)
    ]
    return ServiceDeadlines(service=plan.code, version=plan.version, clocks=clocks)


def _out(reply: Reply) -> DeadlinePreview:
    return DeadlinePreview(
        due=reply.due.day,
        provisional=reply.due.provisional,
        explanation=list(reply.due.explanation),
        working_days=reply.working_days,
    )
