"""One batch of the workflow, written in one round trip: projection, audit, tasks, evidence, orders, licences.

``record_batch`` (a function of the database, see migrations) locks the case, refuses a gap, chains the events and
writes the rest, all or nothing. The hash of each event is computed here; the chain, whose last link only the locked
row knows, is computed there. ``domain.audit.event_hash`` is the same rule in Python, and ``verify`` checks by it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from domain.audit import SUPERSEDED, body_hash
from domain.messages import SYSTEM
from domain.record import Event, LicenceIssued, RecordBatch
from models import events, licences, moves
from models.cases import Batch, lock_case, read_application, read_case, read_plan
from models.database import Database, Session

OUT_OF_ORDER, CONTRADICTED = "TB001", "TB002"
_RECORD = text("SELECT record_batch(CAST(:batch AS jsonb))")


class RecordOutOfOrder(RuntimeError):
    """A batch came before its predecessor, or before its case; it is tried again."""


async def write_batch(database: Database, batch: RecordBatch) -> bool:
    """True if written, False if this batch was written before. Raises RecordOutOfOrder on a gap.

    The workflow is right, not the record: a crash can leave batches on record whose workflow task never became
    history. When a number comes with other content from a history at least as long, it takes the place of what was
    written under it and after it; a worker that was asleep meanwhile has a shorter history and changes nothing.
    """
    spelled = {"batch": _spelled(batch)}
    try:
        if not batch.licences and batch.plan is None:
            rows = await database.once(_RECORD, spelled)
            return bool(rows[0][0])
        async with database.begin() as session:
            written = bool(await session.scalar(_RECORD, spelled))
            if written:
                await _beside(session, batch)
            return written
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", "")
        if state == OUT_OF_ORDER:
            raise RecordOutOfOrder(f"batch {batch.number} of {batch.case_no}") from error
        if state != CONTRADICTED:
            raise
    return await _supersede(database, batch, spelled)


async def _supersede(database: Database, batch: RecordBatch, spelled: dict[str, str]) -> bool:
    """Puts a batch in the place of others; the audit trail keeps all and says which are void."""
    async with database.begin() as session:
        case = await lock_case(session, batch.case_no)
        if case is None:
            raise RecordOutOfOrder(f"no case {batch.case_no}")
        found = await session.execute(
            select(Batch)
            .where(col(Batch.case_no) == case.no, col(Batch.number) >= batch.number)
            .order_by(col(Batch.number))
        )
        written = found.scalars().all()
        if not written or max(row.epoch for row in written) > batch.epoch:
            return False
        markers = [
            Event(
                type=SUPERSEDED,
                at=batch.at,
                actor=SYSTEM,
                data={"batch": str(row.number), "from": str(row.first), "to": str(row.last)},
            )
            for row in written
        ]
        seq, head = await events.append(session, case.no, case.events, case.head, markers)
        keep = {"no": case.no, "open": list(batch.open_tasks), "commands": list(batch.all_commands)}
        await session.execute(_BACK, keep | {"seq": seq, "head": head, "number": batch.number})
        await session.execute(_FORGET, keep | {"number": batch.number})
        await moves.pin_back(session, case.no, written[0].first)
        await session.execute(_RECORD, spelled)
        for statement in _ONLY_WHAT_STANDS:
            await session.execute(statement, keep)
        await _beside(session, batch)
    return True


async def _beside(session: Session, batch: RecordBatch) -> None:
    """What few batches have: another version of the definition, a licence."""
    if batch.plan is not None:
        await moves.pin(session, batch.case_no, batch.plan)
    for issued in batch.licences:
        await _issue(session, batch.case_no, issued)


_BACK = text("UPDATE cases SET recorded = :number - 1, events = :seq, head = :head WHERE no = :no")
_FORGET = text("DELETE FROM batch WHERE case_no = :no AND number >= :number")
_ONLY_WHAT_STANDS = (
    text(
        "UPDATE task SET state = 'cancelled', closed_at = now() "
        "WHERE case_no = :no AND state = 'open' AND id <> ALL(:open) AND kind NOT IN ('reopen', 'follow_up')"
    ),
    text(
        "UPDATE task SET state = 'open', outcome = '', closed_at = NULL "
        "WHERE case_no = :no AND state <> 'open' AND id = ANY(:open)"
    ),
    text(
        "UPDATE case_move SET state = 'planned' WHERE case_no = :no AND state = 'moved' AND order_id <> ALL(:commands)"
    ),
    text("UPDATE command SET effective_at = NULL, settled_at = NULL WHERE case_no = :no AND id <> ALL(:commands)"),
)


def _spelled(batch: RecordBatch) -> str:
    """The batch as the function reads it: every event with its own hash, and what the batch comes to."""
    view = batch.view
    first = view.waiting[0] if view.waiting else None
    content = batch.model_dump(mode="json", exclude={"plan"})
    for event, spelled in zip(batch.events, content["events"], strict=True):
        spelled["body_hash"] = body_hash(batch.case_no, event)
    content["waiting"] = {
        "who": first.who if first else "",
        "region": first.region if first else "",
        "department": first.department if first else "",
    }
    content["digest"] = _meaning(batch)
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _meaning(batch: RecordBatch) -> str:
    """A digest of what a batch says, without the times: made anew after a crash, the same batch has other ones."""
    said = [
        [[e.type, e.step, e.actor.subject, dict(e.data)] for e in batch.events],
        [[t.id, t.state, t.outcome] for t in batch.tasks],
        [[e.id, e.state, e.command] for e in batch.evidence],
        [[s.id, s.status] for s in batch.view.steps],
        [batch.view.status, list(batch.commands), sorted(batch.open_tasks)],
    ]
    if batch.plan is not None:
        said.append([batch.plan.model_dump(mode="json")])
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


async def _issue(session: Session, case_no: str, issued: LicenceIssued) -> None:
    """A licence shows what its definition says, taken from the form as it was decided on."""
    case, application = await read_case(session, case_no), await read_application(session, case_no)
    plan = await read_plan(session, case.plan_digest) if case else None
    if plan is None or application is None:
        raise RecordOutOfOrder(f"case {case_no} has lost its plan or application")
    result = next(r for r in plan.results if r.step == issued.step)
    properties, form = plan.form_fields(), application.current()
    shows: list[dict[str, Any]] = [
        {
            "title": {"zh": properties[field]["title"], "en": properties[field].get("x-title-en", field)},
            "value": form[field],
        }
        for field in result.shows.values()
        if field in form
    ]
    await licences.insert_licence(session, case_no, issued, result.title.model_dump(), shows)
