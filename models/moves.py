"""Cases moved from one version of a definition to another: runs, what became of each case, and how it was before.

A run is what an operator asked for once; going on with it asks for the same orders again. Its rows say who was moved
and keep the plan that the case had, so that it can be moved back, and put right when a batch of the record is void.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CHAR, Column, ForeignKey, Index, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from domain.plan import CasePlan, Plan
from models.cases import Application, Case, PlanRow
from models.columns import digest_column, json_column, moment
from models.database import Session


class MoveState(StrEnum):
    PLANNED = "planned"  # the order is about to be sent, or nobody knows whether it has arrived
    MOVED = "moved"
    FAILED = "failed"  # no answer in time; the run is gone on with
    BLOCKED = "blocked"
    REVERTED = "reverted"  # moved, and moved back by another run


class MoveRun(SQLModel, table=True):
    """``reverts``: the run whose cases this one moves back. ``finished_at``: nothing of it is left to be tried."""

    __tablename__ = "move_run"
    __table_args__ = (Index("ix_move_run_service", "service", "begun_at"),)

    id: str = Field(primary_key=True)
    service: str
    from_version: str
    to_version: str
    to_digest: str
    reverts: str = ""
    begun_by: str
    begun_at: datetime = moment()
    finished_at: datetime | None = moment(null=True)


class CaseMove(SQLModel, table=True):
    """One case in a run. ``before``: the plan it is moved from; ``why``: what kept it from being moved."""

    __tablename__ = "case_move"
    __table_args__ = (Index("ix_case_move_case", "case_no"),)

    run: str = Field(foreign_key="move_run.id", primary_key=True)
    case_no: str = Field(sa_column=Column(CHAR(28), ForeignKey("cases.no"), primary_key=True))
    state: str
    why: list[dict[str, Any]] = json_column()
    order_id: str = Field(index=True)
    before_digest: str = digest_column()
    after_digest: str
    before: dict[str, Any] = json_column()
    changed_at: datetime = moment()


# the versions and who is pinned to them


async def keep_plan(session: AsyncSession, plan: Plan) -> None:
    """Stores a version before anybody is pinned to it; it is never changed."""
    row = {"digest": plan.digest(), "code": plan.code, "version": plan.version, "body": plan.model_dump(mode="json")}
    await session.execute(upsert(PlanRow).values(**row, published_at=datetime.now(UTC)).on_conflict_do_nothing())


async def stored_plans(session: AsyncSession, code: str, version: str) -> Mapping[str, Plan]:
    """Digest -> plan of every definition that was stored under this version, the newest last."""
    result = await session.execute(
        select(PlanRow)
        .where(col(PlanRow.code) == code, col(PlanRow.version) == version)
        .order_by(col(PlanRow.published_at))
    )
    return {row.digest: Plan.model_validate(row.body) for row in result.scalars()}


async def count_pinned(session: AsyncSession, service: str, version: str) -> tuple[int, int]:
    """How many cases of this version are open, and how many have ended."""
    closed = col(Case.closed_at)
    row = await session.execute(
        select(func.count().filter(closed.is_(None)), func.count().filter(closed.is_not(None))).where(
            col(Case.service) == service, col(Case.version) == version
        )
    )
    open_, ended = row.one()
    return int(open_), int(ended)


async def pinned_page(
    session: AsyncSession, service: str, version: str, only: Collection[str], after: str, size: int
) -> Sequence[Row[Case, Application]]:
    """Open cases of this version by number, those after ``after``. ``only``: none but these, if any are named."""
    query = (
        select(Case, Application)
        .join(Application, col(Application.case_no) == col(Case.no))
        .where(col(Case.service) == service, col(Case.version) == version, col(Case.closed_at).is_(None))
        .where(col(Case.no) > after)
    )
    if only:
        query = query.where(col(Case.no).in_(only))
    result = await session.execute(query.order_by(col(Case.no)).limit(size))
    return result.all()


async def moved_page(
    session: AsyncSession, run: str, only: Collection[str], after: str, size: int
) -> Sequence[Row[Case, Application, CaseMove]]:
    """The cases that a run has moved and that were not moved back, by number."""
    query = (
        select(Case, Application, CaseMove)
        .join(CaseMove, col(CaseMove.case_no) == col(Case.no))
        .join(Application, col(Application.case_no) == col(Case.no))
        .where(col(CaseMove.run) == run, col(CaseMove.state) == MoveState.MOVED.value, col(Case.no) > after)
    )
    if only:
        query = query.where(col(Case.no).in_(only))
    result = await session.execute(query.order_by(col(Case.no)).limit(size))
    return result.all()


# runs


async def read_run(session: AsyncSession, run: str) -> MoveRun | None:
    """One run or None."""
    return await session.get(MoveRun, run)


async def unfinished(session: AsyncSession, wanted: MoveRun) -> MoveRun | None:
    """The run that the same command began and that is not over; not if a case of it was moved back by other means."""
    moved_on = (
        select(CaseMove.case_no)  # type: ignore[call-overload]
        .join(Case, col(Case.no) == col(CaseMove.case_no))
        .where(col(CaseMove.run) == col(MoveRun.id), col(CaseMove.state) == MoveState.MOVED.value)
        .where(col(Case.plan_digest) == col(CaseMove.before_digest))
    )
    result = await session.execute(
        select(MoveRun)
        .where(
            col(MoveRun.service) == wanted.service,
            col(MoveRun.from_version) == wanted.from_version,
            col(MoveRun.to_digest) == wanted.to_digest,
            col(MoveRun.reverts) == wanted.reverts,
            col(MoveRun.finished_at).is_(None),
            ~moved_on.exists(),
        )
        .order_by(col(MoveRun.begun_at).desc())
        .limit(1)
    )
    return result.scalar_one_or_none()


async def finish_run(session: AsyncSession, run: str) -> None:
    """Nothing of it is left to be tried, or it is being moved back."""
    await session.execute(
        update(MoveRun).where(col(MoveRun.id) == run, col(MoveRun.finished_at).is_(None)).values(finished_at=func.now())
    )


async def list_runs(session: AsyncSession) -> Sequence[tuple[MoveRun, Mapping[str, int]]]:
    """Every run, the newest first, with how many of its cases are in which state."""
    counted = await session.execute(
        select(CaseMove.run, CaseMove.state, func.count()).group_by(col(CaseMove.run), col(CaseMove.state))  # type: ignore[call-overload]
    )
    states: dict[str, dict[str, int]] = {}
    for run, state, count in counted:
        states.setdefault(run, {})[state] = int(count)
    runs = await session.execute(select(MoveRun).order_by(col(MoveRun.begun_at).desc()))
    return [(run, states.get(run.id, {})) for run in runs.scalars()]


# the cases of a run


async def put_rows(session: AsyncSession, rows: Sequence[CaseMove]) -> None:
    """Writes down what is about to be ordered, or was found; a case that is in the run already is looked at anew."""
    for row in rows:
        values = row.model_dump()
        new = {k: values[k] for k in ("state", "why", "before_digest", "after_digest", "before", "changed_at")}
        await session.execute(
            upsert(CaseMove).values(**values).on_conflict_do_update(index_elements=["run", "case_no"], set_=new)
        )


async def set_state(
    session: AsyncSession, run: str, case_no: str, state: MoveState, why: Sequence[Mapping[str, Any]] = ()
) -> None:
    """What became of a case."""
    await session.execute(
        update(CaseMove)
        .where(col(CaseMove.run) == run, col(CaseMove.case_no) == case_no)
        .values(state=state.value, why=[dict(each) for each in why], changed_at=func.now())
    )


async def catch_up(session: AsyncSession, run: str) -> None:
    """What the record says was carried out is moved, whatever the command that ordered it has lived to see."""
    await session.execute(
        text(
            "UPDATE case_move m SET state = 'moved', why = '[]', changed_at = c.effective_at "
            "FROM command c WHERE m.run = :run AND m.state IN ('planned', 'failed') "
            "AND c.id = m.order_id AND c.effective_at IS NOT NULL"
        ),
        {"run": run},
    )
    await session.execute(
        text(
            "UPDATE case_move m SET state = 'reverted', changed_at = back.changed_at FROM move_run r, case_move back "
            "WHERE r.id = :run AND m.run = r.reverts AND m.state = 'moved' "
            "AND back.run = r.id AND back.case_no = m.case_no AND back.state = 'moved'"
        ),
        {"run": run},
    )


# what the record writes


_PIN = text("UPDATE cases SET version = :version, plan_digest = :digest WHERE no = :no")
_CASE_PLAN = text("UPDATE application SET case_plan = CAST(:plan AS jsonb) WHERE case_no = :no")
_GONE = text(
    """
    DELETE FROM case_party p WHERE p.case_no = :no
    AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(CAST(:plan AS jsonb)->'steps') AS step
                    WHERE step->'place'->>'region' = p.region AND step->'place'->>'department' = p.department)
    AND NOT EXISTS (SELECT 1 FROM task t
                    WHERE t.case_no = p.case_no AND t.region = p.region AND t.department = p.department)
    """
)
_JOINED = text(
    """
    INSERT INTO case_party (region, department, created_at, case_no)
    SELECT DISTINCT step->'place'->>'region', step->'place'->>'department', c.created_at, c.no
    FROM cases c, jsonb_array_elements(CAST(:plan AS jsonb)->'steps') AS step WHERE c.no = :no
    ON CONFLICT DO NOTHING
    """
)


async def pin(session: Session, case_no: str, plan: CasePlan) -> None:
    """The case is pinned to another version; who takes part is who has a step in it, or has had a task.

    The version itself is stored by whoever orders the move; the foreign key refuses one that is not.
    """
    spelled = {"no": case_no, "plan": plan.model_dump_json()}
    await session.execute(_PIN, {"no": case_no, "version": plan.version, "digest": plan.plan_digest})
    await session.execute(_CASE_PLAN, spelled)
    await session.execute(_GONE, spelled)
    await session.execute(_JOINED, spelled)


async def pin_back(session: Session, case_no: str, since: int) -> None:
    """The events from ``since`` on are void: the case is pinned to what it was before the first move among them."""
    before = await session.scalar(
        text(
            "SELECT m.before FROM event e JOIN case_move m ON m.run = e.data->>'run' AND m.case_no = e.case_no "
            "WHERE e.case_no = :no AND e.seq >= :since AND e.type = 'case:migrated' ORDER BY e.seq LIMIT 1"
        ),
        {"no": case_no, "since": since},
    )
    if before is not None:
        await pin(session, case_no, CasePlan.model_validate(before))
