"""Reading whole cases for ``verify``, page by page, so that a large database is checked in bounded memory."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.audit import GENESIS, MIGRATED, event_hash, seal_hash
from domain.case import CaseStatus
from domain.effects import Answer
from domain.invariants import STUCK_AFTER, CaseFile, StoredEffect, StoredEvent, StoredTask
from domain.plan import CasePlan
from models import seals
from models.cases import Application, Case, PlanRow
from models.database import Database
from models.effects import Effect
from models.events import EventRow, events_of
from models.licences import Licence
from models.matters import Matter
from models.seals import Seal
from models.tasks import Task

PAGE = 200
_LATER = ("letter", "note", "rating", "window_session")


async def case_files(database: Database, missing: Callable[[Collection[str]], Any]) -> AsyncIterator[CaseFile]:
    """Every case, each read in one snapshot. ``missing``: async, which of these file digests the store lacks."""
    after = ""
    while True:
        async with database.begin() as session:
            await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            page = await _page(session, after)
        for case, parts in page:
            digests = {str(f["digest"]) for group in parts.application.documents.values() for f in group}
            yield _file(case, parts, tuple(sorted(await missing(digests))))
        if len(page) < PAGE:
            return
        after = page[-1][0].no


async def case_file(database: Database, no: str, missing: Callable[[Collection[str]], Any]) -> CaseFile:
    """One case; LookupError if there is none."""
    async with database.begin() as session:
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        page = await _page(session, "", only=no)
    if not page:
        raise LookupError(no)
    case, parts = page[0]
    digests = {str(f["digest"]) for group in parts.application.documents.values() for f in group}
    return _file(case, parts, tuple(sorted(await missing(digests))))


class _Parts:
    def __init__(self, application: Application, plan: PlanRow) -> None:
        self.application = application
        self.plan = plan
        self.events: list[EventRow] = []
        self.effects: list[Effect] = []
        self.tasks: list[Task] = []
        self.licences: list[Licence] = []


async def _page(session: AsyncSession, after: str, only: str = "") -> Sequence[tuple[Case, _Parts]]:
    rows = await session.execute(
        select(Case, Application, PlanRow)
        .join(Application, col(Application.case_no) == col(Case.no))
        .join(PlanRow, col(PlanRow.digest) == col(Case.plan_digest))
        .where(col(Case.no) == only if only else col(Case.no) > after)
        .order_by(col(Case.no))
        .limit(PAGE)
    )
    found = [(case, _Parts(application, plan)) for case, application, plan in rows]
    parts = {case.no: part for case, part in found}
    for kind, order in (
        (EventRow, EventRow.seq),
        (Effect, Effect.intended_at),
        (Task, Task.opened_at),
        (Licence, Licence.issued_at),
    ):
        items = await session.execute(select(kind).where(col(kind.case_no).in_(list(parts))).order_by(col(order)))
        for item in items.scalars():
            part = parts[item.case_no]  # type: ignore[attr-defined]
            target: Any = {EventRow: part.events, Effect: part.effects, Task: part.tasks, Licence: part.licences}[kind]
            target.append(item)
    return found


def _file(case: Case, parts: _Parts, files_missing: tuple[str, ...]) -> CaseFile:
    application = parts.application
    moved = (e.data["from_digest"] for e in parts.events if e.type == MIGRATED)
    filed_under = next(moved, case.plan_digest)  # the first move tells what the receipt was given for, even if void
    content = {"form": application.form, "documents": application.documents, "plan": filed_under}
    shown = next((e.data.get("digest") for e in parts.events if e.seq == 1), None)
    return CaseFile(
        no=case.no,
        status=CaseStatus(case.status),
        closed_at=case.closed_at,
        recorded=case.recorded,
        event_count=case.events,
        head=case.head,
        view=case.view(),
        plan=CasePlan.model_validate(application.case_plan),
        plan_digest=case.plan_digest,
        plan_digest_matches=_digest(parts.plan.body) == case.plan_digest,
        digest_matches=_digest(content) == application.digest == shown,
        files_missing=files_missing,
        events=tuple(StoredEvent(seq=e.seq, hash=e.hash, event=e.event()) for e in parts.events),
        effects=tuple(
            StoredEffect(
                key=e.key,
                leg=e.leg,
                step=e.step,
                verb=e.verb,
                original=e.original,
                intended_at=e.intended_at,
                answer=Answer.model_validate(e.answer).status if e.answer else None,
            )
            for e in parts.effects
        ),
        tasks=tuple(StoredTask(id=t.id, state=t.state, kind=t.kind) for t in parts.tasks),
        licences=tuple(licence.identifier for licence in parts.licences),
    )


def _digest(content: Mapping[str, Any]) -> str:
    """SHA-256 over the one spelling, of a plan as of an application."""
    spelled = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(spelled.encode()).hexdigest()


async def orphans(session: AsyncSession) -> Sequence[str]:
    """Rows of cases that are not there: sentences."""
    found = []
    for table in ("event", "effect", "task", "evidence", "licence", "application", "outbox", *_LATER):
        count = await session.scalar(
            text(
                f"SELECT count(*) FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM cases c WHERE c.no = t.case_no)"  # noqa: S608
                " AND NOT EXISTS (SELECT 1 FROM matter m WHERE m.no = t.case_no)"
            )
        )
        if count:
            found.append(f"{count} rows of {table} belong to no case")
    incomplete = await session.scalar(
        text("SELECT count(*) FROM cases c WHERE NOT EXISTS (SELECT 1 FROM application a WHERE a.case_no = c.no)")
    )
    if incomplete:
        found.append(f"{incomplete} cases have lost their application")
    return found


async def receipts_without_case(session: AsyncSession) -> Sequence[str]:
    """1 and 2: receipts that were given out under a key, for a case that is not there or that two keys share."""
    rows = await session.execute(
        text(
            "SELECT i.body->>'no' FROM idempotency i WHERE i.status = 201 AND i.body ? 'files' "
            "AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.no = i.body->>'no')"
        )
    )
    gone = [f"case {row[0]} was shown and is not there" for row in rows]
    rows = await session.execute(
        text(
            "SELECT body->>'no', count(*) FROM idempotency WHERE status = 201 AND body ? 'files' "
            "GROUP BY 1 HAVING count(*) > 1"
        )
    )
    return gone + [f"case {row[0]} was given out under {row[1]} keys" for row in rows]


async def check_seals(session: AsyncSession, noted: Sequence[dict[str, Any]]) -> Sequence[str]:
    """9, across cases: every seal covers what it covered. ``noted``: the seals as written outside the database."""
    found: list[str] = []
    stored: dict[int, Seal] = {}
    previous, since = GENESIS, 0
    for number, seal in enumerate(await seals.all_seals(session), 1):
        stored[seal.no] = seal
        hashes = await seals.hashes_between(session, since, seal.below)
        if seal.no != number:
            found.append(f"seal {number} is missing")
        if len(hashes) != seal.count or seal_hash(previous, hashes) != seal.hash:
            found.append(f"seal {seal.no} no longer covers what it covered: events were changed, removed or added")
        previous, since = seal.hash, seal.below
    for note in noted:
        kept = stored.get(int(note["no"]))
        if kept is None or kept.hash != note["hash"]:
            found.append(f"seal {note['no']} differs from the note kept outside the database")
    return found


async def case_states(session: AsyncSession) -> dict[str, tuple[datetime, bool]]:
    """Case number -> (when it last changed, whether it is closed)."""
    rows = await session.execute(select(Case.no, Case.updated_at, Case.closed_at))  # type: ignore[call-overload]
    return {no: (changed, closed is not None) for no, changed, closed in rows}


async def undoable_steps_of_closed(session: AsyncSession) -> set[tuple[str, str]]:
    """Case and step of every effect that could be undone, in cases that are closed."""
    rows = await session.execute(
        text(
            "SELECT c.no, step->>'id' FROM cases c JOIN application a ON a.case_no = c.no"
            " CROSS JOIN LATERAL jsonb_array_elements(a.case_plan->'steps') AS step"
            " WHERE c.closed_at IS NOT NULL AND coalesce(step->>'compensate_with', '') <> ''"
        )
    )
    return {(str(no), str(step)) for no, step in rows}


async def effects_by_province(session: AsyncSession) -> dict[str, list[Effect]]:
    """Answered effects, for asking the provinces whether they agree."""
    rows = await session.execute(select(Effect).where(col(Effect.answer).is_not(None)))
    grouped: dict[str, list[Effect]] = defaultdict(list)
    for effect in rows.scalars():
        grouped[effect.region[:2] + "0000"].append(effect)
    return grouped


async def check_matters(database: Database, now: datetime) -> AsyncIterator[tuple[str, str]]:
    """Invariant and sentence for every medical matter whose trail is not whole, or that nobody holds (8, 9, 17)."""
    after = ""
    while True:
        async with database.begin() as session:
            page = await session.execute(
                select(Matter).where(col(Matter.no) > after).order_by(col(Matter.no)).limit(PAGE)
            )
            matters = page.scalars().all()
            for matter in matters:
                for number, what in _of_matter(matter, await events_of(session, matter.no, limit=100_000), now):
                    yield number, f"{matter.no}: {what}"
        if not matters:
            return
        after = matters[-1].no


def _of_matter(matter: Matter, trail: Sequence[EventRow], now: datetime) -> Iterator[tuple[str, str]]:
    head = GENESIS
    for number, row in enumerate(trail, 1):
        head = event_hash(head, matter.no, number, row.event())
        if row.seq != number or row.hash != head:
            yield "9", f"event {number} is missing or was changed"
            return
    if (len(trail), head) != (matter.events, matter.head):
        yield "9", "the chain does not end where the matter says"
    if matter.closed_at is None and not matter.waiting:
        yield "17", "nobody holds it"
    if matter.closed_at is None and matter.next_wake is not None and matter.next_wake + STUCK_AFTER < now:
        yield "17", f"it should have woken at {matter.next_wake.isoformat()}"
