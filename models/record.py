"""One batch of the workflow, written in one transaction: projection, audit, tasks, evidence, licences, orders."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.record import CaseView, LicenceIssued, RecordBatch
from models import commands, events, evidence, licences, outbox, tasks
from models.cases import Application, Case, lock_case, read_plan


class RecordOutOfOrder(RuntimeError):
    """A batch came before its predecessor; it is tried again."""


async def write_batch(session: AsyncSession, batch: RecordBatch) -> bool:
    """True if written, False if this batch was written before. Raises RecordOutOfOrder on a gap."""
    case = await lock_case(session, batch.case_no)
    if case is None:
        raise RecordOutOfOrder(f"no case {batch.case_no}")
    if case.recorded >= batch.number:
        return False
    if case.recorded != batch.number - 1:
        raise RecordOutOfOrder(f"batch {batch.number} after {case.recorded}")
    seq, head = await events.append(session, case.no, case.events, case.head, batch.events)
    await session.execute(
        update(Case)
        .where(col(Case.no) == case.no)
        .values(_columns(batch.view) | {"recorded": batch.number, "events": seq, "head": head, "updated_at": batch.at})
    )
    await tasks.apply_changes(session, case.no, batch.tasks, batch.at)
    await evidence.apply_changes(session, case.no, batch.evidence, batch.at)
    await commands.make_effective(session, batch.commands, batch.at)
    for issued in batch.licences:
        await _issue(session, case, issued)
    if batch.number == 1:
        await outbox.start_done(session, case.no)
    return True


def _columns(view: CaseView) -> dict[str, Any]:
    first = view.waiting[0] if view.waiting else None
    return {
        "status": view.status,
        "reason": view.reason,
        "progress": view.model_dump(mode="json"),
        "waiting_who": first.who if first else "",
        "waiting_region": first.region if first else "",
        "waiting_department": first.department if first else "",
        "due_at": view.due_at,
        "closed_at": view.closed_at,
    }


async def _issue(session: AsyncSession, case: Case, issued: LicenceIssued) -> None:
    """A licence shows what its definition says, taken from the form as it was decided on."""
    plan = await read_plan(session, case.plan_digest)
    application = await session.get(Application, case.no)
    if plan is None or application is None:
        raise RecordOutOfOrder(f"case {case.no} has lost its plan or application")
    result = next(r for r in plan.results if r.step == issued.step)
    properties = plan.form_fields()
    shows = [
        {
            "title": {"zh": properties[field]["title"], "en": properties[field].get("x-title-en", field)},
            "value": application.form[field],
        }
        for field in result.shows.values()
        if field in application.form
    ]
    await licences.insert_licence(session, case.no, issued, result.title.model_dump(), shows)
