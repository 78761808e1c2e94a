"""What is known and ordered about provinces: the brake, how their calls go, answers put under quarantine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CHAR, Column, Index, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Integer
from sqlmodel import Field, SQLModel, col

from domain.messages import Message
from models.columns import moment, serial, text_array
from models.database import Database, Session

WATCH_KEPT = timedelta(hours=2)
MOST_PER_HOUR = 1000  # a province that lies all day must not fill the disk


class ProvinceControl(SQLModel, table=True):
    """An operator's brake, and what open cases were told.

    applied: the revision that the province's queue at Temporal has been told. days_digest: of the province's own days
    off that open cases were told.
    """

    __tablename__ = "province_control"

    region: str = Field(sa_column=Column(CHAR(6), primary_key=True))
    held: bool = False
    rate_per_s: float | None = None
    reason: str = ""
    changed_by: str = ""
    changed_at: datetime = moment()
    revision: int = 1
    applied: int = 0
    days_digest: str = ""


class ProvinceWatch(SQLModel, table=True):
    """What one worker process has seen of one province in a few seconds."""

    __tablename__ = "province_watch"
    __table_args__ = (Index("ix_province_watch_at", "at"),)

    region: str = Field(sa_column=Column(CHAR(6), primary_key=True))
    worker: str = Field(primary_key=True)
    at: datetime = moment(primary_key=True)
    calls: int
    failures: int
    took_ms: list[int] = Field(sa_column=Column(ARRAY(Integer), nullable=False))
    breaker: str
    last_success: datetime | None = moment(null=True)


class Quarantine(SQLModel, table=True):
    """An answer about somebody else. Kept are its digest and its fields' names: the values are not ours to hold."""

    __tablename__ = "province_quarantine"
    __table_args__ = (
        Index("ix_province_quarantine_region", "region", "at"),
        Index("ix_province_quarantine_key", "key"),
    )

    id: int | None = serial()
    region: str = Field(sa_column=Column(CHAR(6), nullable=False))
    case_no: str
    step: str
    key: str
    came_by: str  # answer | callback
    code: str
    digest: str
    fields: list[str] = text_array()
    at: datetime = moment()


class Seen(Message):
    """What a worker has seen since it told last."""

    region: str
    worker: str
    calls: int
    failures: int
    took_ms: tuple[int, ...]
    breaker: str
    last_success: datetime | None


_TELL = text(
    """
    WITH old AS (DELETE FROM province_watch WHERE at < clock_timestamp() - CAST(:kept AS interval))
    INSERT INTO province_watch (region, worker, at, calls, failures, took_ms, breaker, last_success)
    VALUES (:region, :worker, clock_timestamp(), :calls, :failures, CAST(:took_ms AS int[]), :breaker, :last_success)
    """
)


async def tell(database: Database, seen: Seen) -> None:
    """Adds what was seen, and forgets what is old."""
    await database.once(_TELL, seen.model_dump() | {"took_ms": list(seen.took_ms), "kept": WATCH_KEPT})


class Health(Message):
    """How a province has been doing lately. Latencies in milliseconds, None without calls."""

    region: str
    calls: int = 0
    failures: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    breaker: str = "closed"
    last_success: datetime | None = None
    unknown: int = 0
    waiting: int = 0
    contradictions: int = 0


_HEALTH = text(
    """
    WITH recent AS (SELECT * FROM province_watch WHERE at > clock_timestamp() - CAST(:window AS interval)),
    counted AS (
        SELECT region, sum(calls) AS calls, sum(failures) AS failures FROM recent GROUP BY region
    ), took AS (
        SELECT region, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50,
               percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) AS p95
        FROM recent, unnest(took_ms) AS ms GROUP BY region
    ), latest AS (
        SELECT DISTINCT ON (region, worker) region, breaker FROM province_watch
        WHERE at > clock_timestamp() - interval '2 minutes' ORDER BY region, worker, at DESC
    ), breakers AS (
        SELECT region, CASE WHEN bool_or(breaker = 'open') THEN 'open'
                            WHEN bool_or(breaker = 'half_open') THEN 'half_open' ELSE 'closed' END AS breaker
        FROM latest GROUP BY region
    ), good AS (SELECT region, max(last_success) AS last_success FROM province_watch GROUP BY region
    ), open AS (
        SELECT left(region, 2) || '0000' AS region, count(*) FILTER (WHERE unknown) AS unknown, count(*) AS waiting
        FROM effect WHERE answer IS NULL GROUP BY 1
    ), lies AS (
        SELECT region, count(*) AS lies FROM inbox
        WHERE verdict = 'contradiction' AND received_at > clock_timestamp() - interval '7 days' GROUP BY region
    )
    SELECT r.region, coalesce(c.calls, 0), coalesce(c.failures, 0), t.p50, t.p95, coalesce(b.breaker, 'closed'),
           g.last_success, coalesce(o.unknown, 0), coalesce(o.waiting, 0), coalesce(l.lies, 0)
    FROM unnest(CAST(:regions AS text[])) AS r (region)
    LEFT JOIN counted c USING (region) LEFT JOIN took t USING (region) LEFT JOIN breakers b USING (region)
    LEFT JOIN good g USING (region) LEFT JOIN open o USING (region) LEFT JOIN lies l USING (region) ORDER BY r.region
    """
)


async def health(session: Session, regions: Sequence[str], window: timedelta) -> list[Health]:
    """How each of these provinces has been doing."""
    rows = await session.execute(_HEALTH, {"regions": list(regions), "window": window})
    names = (
        "region",
        "calls",
        "failures",
        "p50_ms",
        "p95_ms",
        "breaker",
        "last_success",
        "unknown",
        "waiting",
        "contradictions",
    )
    return [Health.model_validate(dict(zip(names, row, strict=True))) for row in rows]


async def controls(session: Session) -> Mapping[str, ProvinceControl]:
    """Every brake that was ever touched, by region."""
    found = await session.execute(select(ProvinceControl))
    return {row.region: row for row in found.scalars()}


_LOCK = text(
    """
    INSERT INTO province_control (region, held, rate_per_s, reason, changed_by, changed_at, revision, applied,
                                  days_digest)
    VALUES (:region, false, NULL, '', '', clock_timestamp(), 0, 0, '') ON CONFLICT DO NOTHING
    """
)


async def lock_control(session: Session, region: str) -> ProvinceControl:
    """The brake as it is now, kept from others until the transaction ends."""
    await session.execute(_LOCK, {"region": region})
    found = await session.execute(
        select(ProvinceControl)
        .where(col(ProvinceControl.region) == region)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.scalar_one()


_SET = text(
    """
    INSERT INTO province_control AS c (region, held, rate_per_s, reason, changed_by, changed_at, revision, applied,
                                       days_digest)
    VALUES (:region, :held, :rate, :reason, :by, clock_timestamp(), 1, 0, '')
    ON CONFLICT (region) DO UPDATE SET held = excluded.held, rate_per_s = excluded.rate_per_s,
        reason = excluded.reason, changed_by = excluded.changed_by, changed_at = excluded.changed_at,
        revision = c.revision + 1
    RETURNING revision
    """
)


async def set_control(session: Session, region: str, *, held: bool, rate: float | None, reason: str, by: str) -> int:
    """Writes what the operator wants; returns its revision. From this commit on no worker begins a call against it."""
    values = {"region": region, "held": held, "rate": rate, "reason": reason, "by": by}
    result = await session.execute(_SET, values)
    return int(result.scalar_one())


_APPLIED = text("UPDATE province_control SET applied = :revision WHERE region = :region AND applied < :revision")


async def control_applied(database: Database, region: str, revision: int) -> None:
    """The queue has been told."""
    await database.once(_APPLIED, {"region": region, "revision": revision})


async def put_aside(session: AsyncSession | Database, row: Quarantine) -> None:
    """Writes down that an answer was put under quarantine; the same answer twice is one row."""
    values: dict[str, Any] = row.model_dump(exclude={"id"}) | {"most": MOST_PER_HOUR}
    if isinstance(session, Database):
        await session.once(_ASIDE, values)
    else:
        await session.execute(_ASIDE, values)


_ASIDE = text(
    """
    INSERT INTO province_quarantine (region, case_no, step, key, came_by, code, digest, fields, at)
    SELECT :region, :case_no, :step, CAST(:key AS text), :came_by, :code, CAST(:digest AS text),
           CAST(:fields AS text[]), :at
    WHERE NOT EXISTS (SELECT 1 FROM province_quarantine
                      WHERE key = CAST(:key AS text) AND digest = CAST(:digest AS text))
    AND (SELECT count(*) FROM province_quarantine
         WHERE region = :region AND at > clock_timestamp() - interval '1 hour') < :most
    """
)


async def quarantined(session: Session, region: str, limit: int = 200) -> Sequence[Quarantine]:
    """What was put aside, newest first."""
    found = await session.execute(
        select(Quarantine).where(col(Quarantine.region) == region).order_by(col(Quarantine.at).desc()).limit(limit)
    )
    return found.scalars().all()
