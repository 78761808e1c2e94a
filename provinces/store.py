"""The province's own database: requests, ledger, outgoing callbacks. SQLite, WAL, synchronous=FULL.

One connection, used from one thread: transactions are serial, and what was committed survives kill -9 and power loss.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    request_no TEXT PRIMARY KEY, digest TEXT, department TEXT, operation TEXT, verb TEXT, original TEXT,
    case_no TEXT, leg TEXT, step TEXT, items TEXT, state TEXT NOT NULL, answer TEXT NOT NULL,
    received_at TEXT NOT NULL, due_at REAL);
CREATE INDEX IF NOT EXISTS request_due ON request (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, received_at TEXT NOT NULL, request_no TEXT NOT NULL,
    original TEXT NOT NULL, case_no TEXT NOT NULL, leg TEXT NOT NULL, step TEXT NOT NULL, department TEXT NOT NULL,
    operation TEXT NOT NULL, verb TEXT NOT NULL, delta INTEGER NOT NULL, reference TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ledger_case ON ledger (case_no);
CREATE TABLE IF NOT EXISTS callback (
    event_no TEXT PRIMARY KEY, request_no TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
    due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, copies INTEGER NOT NULL DEFAULT 1,
    forged INTEGER NOT NULL DEFAULT 0, last_status INTEGER);
CREATE INDEX IF NOT EXISTS callback_due ON callback (due_at) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


def utc_now() -> str:
    """Now, as written in the ledger."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass
class Request:
    """One keyed request and its stored answer.

    state: done | refused | in_progress | undone (reversed later, the answer stays) | cancelled (in progress when
    reversed) | buried (reversed before it arrived: a tombstone, ``digest`` is empty).
    """

    request_no: str
    digest: str
    department: str
    operation: str
    verb: str
    original: str
    case_no: str
    leg: str
    step: str
    items: dict[str, str]
    state: str
    answer: dict[str, object]
    received_at: str
    due_at: float | None = None


@dataclass
class Callback:
    """One outgoing event. state: waiting | delivered | stopped | lost. ``forged``: signed with a wrong secret, once."""

    event_no: str
    request_no: str
    body: str
    state: str
    due_at: float
    attempts: int = 0
    copies: int = 1
    forged: bool = False
    last_status: int | None = None


class Store:
    """The tables, with nothing but reading and writing rows."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on disk when it returns."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def count(self, name: str) -> int:
        """The next number of a counter; never given twice once committed."""
        row = self._db.execute(
            "INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name,),
        ).fetchone()
        return int(row[0])

    def request(self, request_no: str) -> Request | None:
        """The request under a key."""
        row = self._db.execute("SELECT * FROM request WHERE request_no = ?", (request_no,)).fetchone()
        return _request(row) if row else None

    def by_business_no(self, number: str) -> Request | None:
        """The request that was given this business number."""
        row = self._db.execute(
            "SELECT * FROM request WHERE verb = 'submit' AND json_extract(answer, '$.businessNo') = ?", (number,)
        ).fetchone()
        return _request(row) if row else None

    def due_requests(self, now: float) -> list[Request]:
        """Requests in progress that have come due."""
        rows = self._db.execute("SELECT * FROM request WHERE due_at <= ? ORDER BY due_at LIMIT 200", (now,))
        return [_request(row) for row in rows]

    def write_request(self, r: Request) -> None:
        """Writes a request or its new state."""
        self._db.execute(
            "INSERT OR REPLACE INTO request VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (r.request_no, r.digest, r.department, r.operation, r.verb, r.original, r.case_no, r.leg, r.step,
             json.dumps(r.items), r.state, json.dumps(r.answer), r.received_at, r.due_at),
        )  # fmt: skip

    def write_ledger(self, r: Request, delta: int, reference: str) -> None:
        """Appends one effect."""
        self._db.execute(
            "INSERT INTO ledger (at, received_at, request_no, original, case_no, leg, step, department, operation,"
            " verb, delta, reference) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (utc_now(), r.received_at, r.request_no, r.original, r.case_no, r.leg, r.step, r.department, r.operation,
             r.verb, delta, reference),
        )  # fmt: skip

    def ledger(self, case_no: str | None = None) -> list[dict[str, object]]:
        """The ledger, oldest first; of one case if asked."""
        where, values = ("WHERE case_no = ?", (case_no,)) if case_no is not None else ("", ())
        rows = self._db.execute(f"SELECT * FROM ledger {where} ORDER BY seq", values)  # noqa: S608 - constant text
        return [dict(row) for row in rows]

    def write_callback(self, c: Callback) -> None:
        """Writes an event or its new state."""
        self._db.execute(
            "INSERT OR REPLACE INTO callback VALUES (?,?,?,?,?,?,?,?,?)",
            (c.event_no, c.request_no, c.body, c.state, c.due_at, c.attempts, c.copies, int(c.forged), c.last_status),
        )

    def due_callbacks(self, now: float) -> list[Callback]:
        """Events to send now."""
        rows = self._db.execute(
            "SELECT * FROM callback WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT 200", (now,)
        )
        return [_callback(row) for row in rows]

    def callbacks(self, request_no: str | None = None) -> list[Callback]:
        """All events, or those of one request."""
        where, values = ("WHERE request_no = ?", (request_no,)) if request_no is not None else ("", ())
        rows = self._db.execute(f"SELECT * FROM callback {where} ORDER BY rowid", values)  # noqa: S608 - constant text
        return [_callback(row) for row in rows]

    def next_due(self) -> float | None:
        """When the next request or event comes due."""
        row = self._db.execute(
            "SELECT min(at) FROM (SELECT min(due_at) AS at FROM request WHERE due_at IS NOT NULL"
            " UNION ALL SELECT min(due_at) FROM callback WHERE state = 'waiting')"
        ).fetchone()
        return None if row[0] is None else float(row[0])


def _request(row: sqlite3.Row) -> Request:
    values = dict(row)
    return Request(**values | {"items": json.loads(values["items"]), "answer": json.loads(values["answer"])})


def _callback(row: sqlite3.Row) -> Callback:
    values = dict(row)
    return Callback(**values | {"forged": bool(values["forged"])})
