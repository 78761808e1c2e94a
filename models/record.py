"""One batch of the workflow, written in one round trip: projection, audit, tasks, evidence, orders, licences.

``record_batch`` (a function of the database, see migrations) locks the case, refuses a gap, chains the events and
writes the rest, all or nothing. The hash of each event is computed here; the chain, whose last link only the locked
row knows, is computed there. ``domain.audit.event_hash`` is the same rule in Python, and ``verify`` checks by it.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.audit import body_hash
from domain.record import LicenceIssued, RecordBatch
from models import licences
from models.cases import read_application, read_case, read_plan
from models.database import Database, Session

OUT_OF_ORDER = "TB001"
_RECORD = text("SELECT record_batch(CAST(:batch AS jsonb))")


class RecordOutOfOrder(RuntimeError):
    """A batch came before its predecessor, or before its case; it is tried again."""


async def write_batch(database: Database, batch: RecordBatch) -> bool:
    """True if written, False if this batch was written before. Raises RecordOutOfOrder on a gap."""
    try:
        if not batch.licences:
            rows = await database.once(_RECORD, {"batch": _spelled(batch)})
            return bool(rows[0][0])
        async with database.begin() as session:
            written = bool(await session.scalar(_RECORD, {"batch": _spelled(batch)}))
            for issued in batch.licences if written else ():
                await _issue(session, batch.case_no, issued)
            return written
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == OUT_OF_ORDER:
            raise RecordOutOfOrder(f"batch {batch.number} of {batch.case_no}") from error
        raise


def _spelled(batch: RecordBatch) -> str:
    """The batch as the function reads it: flat rows, every event with its own hash."""
    view = batch.view
    first = view.waiting[0] if view.waiting else None
    content = batch.model_dump(mode="json")
    for event, spelled in zip(batch.events, content["events"], strict=True):
        spelled["body_hash"] = body_hash(batch.case_no, event)
    content["waiting"] = {
        "who": first.who if first else "",
        "region": first.region if first else "",
        "department": first.department if first else "",
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


async def _issue(session: Session, case_no: str, issued: LicenceIssued) -> None:
    """A licence shows what its definition says, taken from the form as it was decided on."""
    case, application = await read_case(session, case_no), await read_application(session, case_no)
    plan = await read_plan(session, case.plan_digest) if case else None
    if plan is None or application is None:
        raise RecordOutOfOrder(f"case {case_no} has lost its plan or application")
    result = next(r for r in plan.results if r.step == issued.step)
    properties = plan.form_fields()
    shows: list[dict[str, Any]] = [
        {
            "title": {"zh": properties[field]["title"], "en": properties[field].get("x-title-en", field)},
            "value": application.form[field],
        }
        for field in result.shows.values()
        if field in application.form
    ]
    await licences.insert_licence(session, case_no, issued, result.title.model_dump(), shows)
