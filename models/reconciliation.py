"""Outside books as they were read, differences as tasks with an append-only history, one line per comparison."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, SmallInteger, String, UniqueConstraint, select, text
from sqlmodel import Field, SQLModel, col

from domain.clearing import Reconciled
from domain.errors import Refusal
from domain.messages import SYSTEM, Actor, Role
from domain.reconciliation import BookRow, DifferenceState, ResolutionReason
from models.columns import fen, json_column, moment, serial
from models.database import Session


class BookLine(SQLModel, table=True):
    """A line of an outside book: evidence of what it said. A book that is read again replaces what it said before."""

    __tablename__ = "book_line"
    __table_args__ = (Index("ix_book_line_setl", "day", "book", "setl_id"),)

    day: date = Field(primary_key=True)
    book: str = Field(primary_key=True)
    no: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    setl_id: str
    msgid: str
    kind: str
    medfee_sumamt: int = fen()
    fund_pay_sumamt: int = fen()
    acct_pay: int = fen()


class ReconciliationRun(SQLModel, table=True):
    """The last comparison of a book's day. ``read`` false: the book could not be had, ``why`` says why."""

    __tablename__ = "reconciliation_run"

    day: date = Field(primary_key=True)
    book: str = Field(primary_key=True)
    read: bool
    why: str = ""
    rows: int = 0
    agreed: int = 0
    differences: int = 0
    in_doubt: int = 0
    at: datetime = moment()


class ReconciliationDifference(SQLModel, table=True):
    """Something that an outside book says otherwise. ``region``: whose caseworker it is for; empty: anybody's.

    side: treatment | insured | hub | empty where nobody can tell. ours, theirs: the amounts in fen, null where missing.
    """

    __tablename__ = "reconciliation_difference"
    __table_args__ = (
        UniqueConstraint("day", "book", "kind", "setl_id"),
        Index("ix_reconciliation_difference_work", "region", "state", "day"),
    )

    id: str = Field(primary_key=True)
    day: date
    book: str
    side: str
    region: str
    kind: str
    setl_id: str
    msgid: str
    ours: dict[str, Any] | None = json_column(null=True)
    theirs: dict[str, Any] | None = json_column(null=True)
    state: str
    claimed_by: str = ""
    reason: str = ""
    note: str = ""
    revision: int = 1
    opened_at: datetime = moment()
    changed_at: datetime = moment()


class ReconciliationEvent(SQLModel, table=True):
    """What happened to a difference, append-only. ``type``: in_doubt | open | claimed | resolved | gone."""

    __tablename__ = "reconciliation_event"
    __table_args__ = (Index("ix_reconciliation_event_difference", "difference"),)

    id: int | None = serial()
    difference: str = Field(sa_column=Column(String, ForeignKey("reconciliation_difference.id"), nullable=False))
    revision: int = Field(sa_column=Column(SmallInteger, nullable=False))
    type: str
    actor_subject: str
    actor_role: str
    reason: str
    note: str
    at: datetime = moment()


async def forget_lines(session: Session, day: date, book: str) -> None:
    """A book is about to be read again."""
    await session.execute(text("DELETE FROM book_line WHERE day = :day AND book = :book"), {"day": day, "book": book})


_LINES = text(
    """
    INSERT INTO book_line (day, book, no, setl_id, msgid, kind, medfee_sumamt, fund_pay_sumamt, acct_pay)
    SELECT :day, :book, :first + l.no, l.setl_id, l.msgid, l.kind, l.medfee, l.fund, l.acct
    FROM unnest(CAST(:setl_ids AS text[]), CAST(:msgids AS text[]), CAST(:kinds AS text[]), CAST(:medfee AS bigint[]),
                CAST(:fund AS bigint[]), CAST(:acct AS bigint[]))
         WITH ORDINALITY AS l (setl_id, msgid, kind, medfee, fund, acct, no)
    """
)


async def add_lines(session: Session, day: date, book: str, first: int, rows: Sequence[BookRow]) -> None:
    """Lines first + 1, first + 2 … of a book."""
    values: dict[str, Any] = {"day": day, "book": book, "first": first}
    values |= {"setl_ids": [r.setl_id for r in rows], "msgids": [r.msgid for r in rows]}
    values |= {"kinds": [r.kind.value for r in rows], "medfee": [r.medfee_sumamt for r in rows]}
    values |= {"fund": [r.fund_pay_sumamt for r in rows], "acct": [r.acct_pay for r in rows]}
    await session.execute(_LINES, values)


# Ours of the day are those between two provinces that the book's province, or the hub, takes part in. A line about one
# of our settlements of another day is missing on its own. A second line of a number, or a second number of a message,
# is a duplicate; so is a number that only they have for a message that we have under another.
_FOUND = """
    WITH theirs AS (
        SELECT *, row_number() OVER (PARTITION BY setl_id ORDER BY no) AS nth,
               first_value(setl_id) OVER (PARTITION BY msgid ORDER BY no) AS of_message
        FROM book_line WHERE day = :day AND book = :book
    ), ours AS (
        SELECT *, CASE WHEN original IS NULL THEN 'settlement' ELSE 'reversal' END AS kind
        FROM settlement WHERE day = :day AND (:book = 'hub' OR payer = :book OR payee = :book)
    ), judged AS (
        SELECT t.setl_id, t.msgid, o.payer, o.payee,
               CASE WHEN t.nth > 1 THEN 'duplicate' WHEN o.setl_id IS NOT NULL THEN NULL
                    WHEN t.of_message <> t.setl_id OR m.setl_id IS NOT NULL THEN 'duplicate'
                    ELSE 'missing_here' END AS extra,
               o.setl_id IS NOT NULL AND t.nth = 1 AND (o.kind, o.medfee_sumamt, o.fund_pay_sumamt, o.acct_pay)
                    IS DISTINCT FROM (t.kind, t.medfee_sumamt, t.fund_pay_sumamt, t.acct_pay) AS other_amount,
               CASE WHEN o.setl_id IS NOT NULL THEN jsonb_build_object('kind', o.kind, 'medfee_sumamt',
                    o.medfee_sumamt, 'fund_pay_sumamt', o.fund_pay_sumamt, 'acct_pay', o.acct_pay) END AS ours,
               jsonb_build_object('kind', t.kind, 'medfee_sumamt', t.medfee_sumamt, 'fund_pay_sumamt',
                    t.fund_pay_sumamt, 'acct_pay', t.acct_pay) AS theirs
        FROM theirs t LEFT JOIN ours o ON o.setl_id = t.setl_id LEFT JOIN settlement m ON m.msgid = t.msgid
    ), found AS (
        SELECT DISTINCT ON (kind, setl_id) * FROM (
            SELECT coalesce(extra, 'amount') AS kind, setl_id, msgid, payer, payee, ours, theirs FROM judged
            WHERE extra IS NOT NULL OR other_amount
            UNION ALL
            SELECT 'missing_there', o.setl_id, o.msgid, o.payer, o.payee,
                   jsonb_build_object('kind', o.kind, 'medfee_sumamt', o.medfee_sumamt, 'fund_pay_sumamt',
                       o.fund_pay_sumamt, 'acct_pay', o.acct_pay), NULL
            FROM ours o WHERE o.payer <> o.payee AND NOT EXISTS (SELECT 1 FROM theirs t WHERE t.setl_id = o.setl_id)
        ) AS every_one ORDER BY kind, setl_id
    ), told AS (
        SELECT f.*,
               CASE WHEN :book = 'hub' THEN 'hub' WHEN f.payee = :book THEN 'treatment'
                    WHEN f.payer = :book THEN 'insured' ELSE '' END AS side,
               CASE WHEN :book <> 'hub' THEN :book WHEN f.payee IS NOT NULL THEN f.payee
                    WHEN f.msgid ~ '^[HP]3[1-4]' THEN substr(f.msgid, 2, 2) || '0000' ELSE '' END AS region,
               CASE WHEN f.kind = 'missing_here' AND :doubts AND EXISTS (
                        SELECT 1 FROM settlement_doubt d WHERE d.msgid = f.msgid AND d.ended_at IS NULL)
                    THEN 'in_doubt' ELSE 'open' END AS state
        FROM found f
    )
"""
_WRITE = text(
    _FOUND  # noqa: S608  constants
    + """
    , written AS (
        INSERT INTO reconciliation_difference AS d (id, day, book, side, region, kind, setl_id, msgid, ours, theirs,
            state, claimed_by, reason, note, revision, opened_at, changed_at)
        SELECT 'd' || left(md5(concat_ws('|', CAST(:day AS date), :book, kind, setl_id)), 25), :day, :book, side,
               region, kind, setl_id, msgid, ours, theirs, state, '', '', '', 1, clock_timestamp(), clock_timestamp()
        FROM told
        ON CONFLICT (day, book, kind, setl_id) DO UPDATE SET state = excluded.state, ours = excluded.ours,
            theirs = excluded.theirs, revision = d.revision + 1, changed_at = excluded.changed_at
        WHERE d.state IN ('in_doubt', 'gone') AND d.state <> excluded.state
        RETURNING id, revision, state
    ), gone AS (
        UPDATE reconciliation_difference d SET state = 'gone', revision = d.revision + 1, changed_at = clock_timestamp()
        WHERE d.day = :day AND d.book = :book AND d.state IN ('in_doubt', 'open', 'claimed')
          AND NOT EXISTS (SELECT 1 FROM told t WHERE t.kind = d.kind AND t.setl_id = d.setl_id)
        RETURNING d.id, d.revision, d.state
    )
    INSERT INTO reconciliation_event (difference, revision, type, actor_subject, actor_role, reason, note, at)
    SELECT id, revision, state, :subject, :role, '', '', clock_timestamp()
    FROM (SELECT * FROM written UNION ALL SELECT * FROM gone) AS changed
    """
)
_COUNT = text(
    """
    INSERT INTO reconciliation_run AS r (day, book, read, why, rows, agreed, differences, in_doubt, at)
    SELECT :day, :book, true, '', l.rows, greatest(l.rows - c.with_line, 0), c.found, c.doubt, clock_timestamp()
    FROM (SELECT count(*) AS rows FROM book_line WHERE day = :day AND book = :book) l,
         (SELECT count(*) FILTER (WHERE state <> 'in_doubt') AS found,
                 count(*) FILTER (WHERE state = 'in_doubt') AS doubt,
                 count(*) FILTER (WHERE kind <> 'missing_there') AS with_line
          FROM reconciliation_difference WHERE day = :day AND book = :book AND state <> 'gone') c
    ON CONFLICT (day, book) DO UPDATE SET read = true, why = '', rows = excluded.rows, agreed = excluded.agreed,
        differences = excluded.differences, in_doubt = excluded.in_doubt, at = excluded.at
    RETURNING rows, agreed, differences, in_doubt
    """
)
_BY_SYSTEM = {"subject": SYSTEM.subject, "role": SYSTEM.role.value}


async def compare(session: Session, day: date, book: str, *, doubts: bool = True) -> Reconciled:
    """Opens what a book, whose lines are here, says otherwise, and closes what it no longer does.

    doubts: what is in doubt is left so; without it, it becomes a difference.
    """
    where = {"day": day, "book": book}
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:lock))"), {"lock": f"reconcile {day} {book}"})
    await session.execute(_WRITE, where | _BY_SYSTEM | {"doubts": doubts})
    rows, agreed, differences, in_doubt = (await session.execute(_COUNT, where)).one()
    return Reconciled(
        day=day, book=book, read=True, rows=rows, agreed=agreed, differences=differences, in_doubt=in_doubt
    )


async def unread(session: Session, day: date, book: str, why: str) -> Reconciled:
    """The book could not be had. What it said before, if anything, stands."""
    await session.execute(
        text(
            "INSERT INTO reconciliation_run AS r (day, book, read, why, rows, agreed, differences, in_doubt, at)"
            " VALUES (:day, :book, false, :why, 0, 0, 0, 0, clock_timestamp())"
            " ON CONFLICT (day, book) DO UPDATE SET read = false, why = excluded.why, at = excluded.at"
        ),
        {"day": day, "book": book, "why": why},
    )
    return Reconciled(day=day, book=book, read=False, why=why)


async def doubts_before(session: Session, day: date) -> Sequence[tuple[date, str]]:
    """Days and books of earlier days in which something is still in doubt."""
    rows = await session.execute(
        text(
            "SELECT DISTINCT day, book FROM reconciliation_difference"
            " WHERE state = 'in_doubt' AND day < :day ORDER BY 1, 2"
        ),
        {"day": day},
    )
    return [(each, book) for each, book in rows]


async def runs(session: Session, day: date) -> Sequence[ReconciliationRun]:
    """A day's comparisons."""
    found = await session.execute(
        select(ReconciliationRun).where(col(ReconciliationRun.day) == day).order_by(col(ReconciliationRun.book))
    )
    return found.scalars().all()


async def differences(
    session: Session, *, region: str = "", day: date | None = None, state: str = "", limit: int = 200
) -> Sequence[ReconciliationDifference]:
    """Newest day first. ``region``: those of its caseworkers, and those of nobody in particular."""
    query = select(ReconciliationDifference)
    if region:
        query = query.where(col(ReconciliationDifference.region).in_([region, ""]))
    if day is not None:
        query = query.where(col(ReconciliationDifference.day) == day)
    if state:
        query = query.where(col(ReconciliationDifference.state) == state)
    order = (col(ReconciliationDifference.day).desc(), col(ReconciliationDifference.id))
    return (await session.execute(query.order_by(*order).limit(limit))).scalars().all()


async def difference(session: Session, id_: str, *, lock: bool = False) -> ReconciliationDifference | None:
    """One difference."""
    query = select(ReconciliationDifference).where(col(ReconciliationDifference.id) == id_)
    query = query.with_for_update() if lock else query
    return (await session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def history(session: Session, id_: str) -> Sequence[ReconciliationEvent]:
    """What happened to it."""
    found = await session.execute(
        select(ReconciliationEvent)
        .where(col(ReconciliationEvent.difference) == id_)
        .order_by(col(ReconciliationEvent.id))
    )
    return found.scalars().all()


async def claim(session: Session, id_: str, actor: Actor, at: datetime) -> ReconciliationDifference:
    """Somebody takes it on. Refusal: task_claimed, task_not_open, not_found."""
    row = await _open(session, id_, actor)
    if row.state == DifferenceState.CLAIMED:
        return row  # his own: claimed by another was refused
    row.state, row.claimed_by = DifferenceState.CLAIMED, actor.subject
    await _changed(session, row, actor, at)
    return row


async def resolve(
    session: Session, id_: str, actor: Actor, at: datetime, *, reason: ResolutionReason, note: str
) -> ReconciliationDifference:
    """It is dealt with: who, when, why. Refusal: task_claimed, task_not_open, not_found."""
    row = await _open(session, id_, actor)
    row.state, row.claimed_by, row.reason, row.note = DifferenceState.RESOLVED, actor.subject, reason.value, note
    await _changed(session, row, actor, at)
    return row


async def _open(session: Session, id_: str, actor: Actor) -> ReconciliationDifference:
    row = await difference(session, id_, lock=True)
    if row is None:
        raise Refusal("not_found")
    if row.state not in {DifferenceState.OPEN, DifferenceState.CLAIMED}:
        raise Refusal("task_not_open")
    if row.state == DifferenceState.CLAIMED and row.claimed_by != actor.subject and actor.role is not Role.SUPERVISOR:
        raise Refusal("task_claimed")
    return row


async def _changed(session: Session, row: ReconciliationDifference, actor: Actor, at: datetime) -> None:
    row.revision += 1
    row.changed_at = at
    event = ReconciliationEvent(
        difference=row.id, revision=row.revision, type=row.state, actor_subject=actor.subject,
        actor_role=actor.role.value, reason=row.reason, note=row.note, at=at,
    )  # fmt: skip
    session.add(event)
    await session.flush()
