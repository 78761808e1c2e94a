"""The province's own database: matters, ledger, licences, outgoing events. SQLite, WAL, synchronous=FULL.

One connection, used from one thread: transactions are serial, and what was committed survives kill -9 and power loss.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from provinces.words import Outcome, State, Text, both

_SCHEMA = """
CREATE TABLE IF NOT EXISTS matter (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, label TEXT NOT NULL, face TEXT NOT NULL,
    digest TEXT NOT NULL, department TEXT NOT NULL, service TEXT NOT NULL, action TEXT NOT NULL,
    original TEXT NOT NULL, case_no TEXT NOT NULL, leg TEXT NOT NULL, step TEXT NOT NULL, fields TEXT NOT NULL,
    number TEXT NOT NULL, state TEXT NOT NULL, told TEXT NOT NULL, received_at TEXT NOT NULL, due_at REAL,
    ended_at TEXT);
CREATE INDEX IF NOT EXISTS matter_due ON matter (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS matter_case ON matter (case_no);
CREATE INDEX IF NOT EXISTS matter_label ON matter (label);
CREATE INDEX IF NOT EXISTS matter_number ON matter (number);
CREATE INDEX IF NOT EXISTS matter_original ON matter (original) WHERE original <> '';
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, received_at TEXT NOT NULL, request_no TEXT NOT NULL,
    original TEXT NOT NULL, case_no TEXT NOT NULL, leg TEXT NOT NULL, step TEXT NOT NULL, department TEXT NOT NULL,
    operation TEXT NOT NULL, verb TEXT NOT NULL, delta INTEGER NOT NULL, reference TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ledger_case ON ledger (case_no);
CREATE TABLE IF NOT EXISTS event (
    event_no TEXT PRIMARY KEY, request_no TEXT NOT NULL, face TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
    due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, copies INTEGER NOT NULL DEFAULT 1,
    forged INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0, last_status INTEGER);
CREATE INDEX IF NOT EXISTS event_due ON event (due_at) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS licence (
    identifier TEXT PRIMARY KEY, issued_by TEXT NOT NULL, status TEXT NOT NULL);
"""
_COMMON = """
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass
class Matter:
    """One request and its stored outcome.

    state: done | refused | in_progress | undone (reversed later, the outcome stays) | cancelled (in progress when
    called off) | buried (called off before it arrived: a tombstone, ``digest`` is empty).
    key: unique here; label: what the caller and the ledger call it, the same except where callers have no keys.
    """

    key: str
    label: str
    face: str
    digest: str
    department: str
    service: str
    action: str
    original: str
    case_no: str
    leg: str
    step: str
    fields: dict[str, str]
    number: str
    state: str
    received_at: str
    result: dict[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    text: Text | None = None
    wants: Text | None = None
    check_after: int = 0
    due_at: float | None = None
    ended_at: str | None = None
    seq: int = 0

    def outcome(self) -> Outcome:
        """What is told about it."""
        told = {"in_progress": State.IN_PROGRESS, "done": State.DONE, "undone": State.DONE}
        return Outcome(
            self.label, self.number, told.get(self.state, State.REFUSED), self.result, self.reasons, self.text,
            self.wants, self.check_after,
        )  # fmt: skip


@dataclass
class Event:
    """One outgoing event. state: waiting | delivered | stopped | lost. ``forged``: signed with a wrong key, once.

    held: waits until a later one has been delivered, or until it is due.
    """

    event_no: str
    request_no: str
    face: str
    body: str
    state: str
    due_at: float
    attempts: int = 0
    copies: int = 1
    forged: bool = False
    held: bool = False
    last_status: int | None = None


class Database:
    """A file of tables, with the counters and settings that every program here has among them."""

    def __init__(self, path: Path, schema: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_COMMON + schema)

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

    def setting(self, name: str, default: str = "") -> str:
        """What was set under a name."""
        row = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else default

    def set_setting(self, name: str, value: str | None) -> None:
        """Sets something for good; None forgets it."""
        if value is None:
            self._db.execute("DELETE FROM setting WHERE name = ?", (name,))
        else:
            self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))


class Store(Database):
    """The tables of a province, with nothing but reading and writing rows."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)

    # matters

    def matter(self, key: str) -> Matter | None:
        """The matter under a key."""
        return next(iter(self._matters("key = ?", key)), None)

    def by_number(self, number: str) -> Matter | None:
        """The matter that was given this business number."""
        return next(iter(self._matters("number = ?", number)), None) if number else None

    def by_label(self, label: str) -> list[Matter]:
        """All matters a caller calls so, oldest first."""
        return self._matters("label = ?", label)

    def of_case(self, case_no: str) -> list[Matter]:
        """The matters of a case in the order received, tombstones left out."""
        return self._matters("case_no = ? AND state <> 'buried'", case_no)

    def naming(self, original: str, action: str) -> Matter | None:
        """The first matter of that kind that was about this original."""
        return next(iter(self._matters("original = ? AND action = ?", original, action)), None)

    def ended_between(self, first: str, last: str) -> list[Matter]:
        """Matters with an end in [first, last), by number."""
        found = self._matters("ended_at >= ? AND ended_at < ? AND state <> 'buried'", first, last)
        return sorted(found, key=lambda matter: matter.number)

    def inbox(self, limit: int, face: str = "") -> list[Matter]:
        """The latest matters, newest first; of one face if asked."""
        where, values = ("face = ?", (face,)) if face else ("1", ())
        rows = self._db.execute(
            f"SELECT * FROM matter WHERE {where} ORDER BY seq DESC LIMIT ?",  # noqa: S608 - constant text
            (*values, limit),
        )
        return [_matter(row) for row in rows]

    def due_matters(self, now: float) -> list[Matter]:
        """Matters in progress that have come due."""
        rows = self._db.execute("SELECT * FROM matter WHERE due_at <= ? ORDER BY due_at, seq LIMIT 200", (now,))
        return [_matter(row) for row in rows]

    def next_due(self) -> float | None:
        """When the next matter comes due, by the clock of the province."""
        row = self._db.execute("SELECT min(due_at) FROM matter WHERE due_at IS NOT NULL").fetchone()
        return None if row[0] is None else float(row[0])

    def write_matter(self, m: Matter) -> None:
        """Writes a matter or its new state."""
        told = {
            "result": m.result,
            "reasons": m.reasons,
            "text": both(m.text),
            "wants": both(m.wants),
            "check_after": m.check_after,
        }
        self._db.execute(
            "INSERT INTO matter (key, label, face, digest, department, service, action, original, case_no, leg, step,"
            " fields, number, state, told, received_at, due_at, ended_at) VALUES"
            " (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO UPDATE SET"
            " label = excluded.label, fields = excluded.fields, number = excluded.number, state = excluded.state,"
            " told = excluded.told, due_at = excluded.due_at, ended_at = excluded.ended_at",
            (m.key, m.label, m.face, m.digest, m.department, m.service, m.action, m.original, m.case_no, m.leg,
             m.step, json.dumps(m.fields), m.number, m.state, json.dumps(told), m.received_at, m.due_at, m.ended_at),
        )  # fmt: skip

    def forget(self, key: str) -> None:
        """Removes a tombstone whose original has come."""
        self._db.execute("DELETE FROM matter WHERE key = ?", (key,))

    def _matters(self, where: str, *values: str) -> list[Matter]:
        rows = self._db.execute(f"SELECT * FROM matter WHERE {where} ORDER BY seq", values)  # noqa: S608 - constant
        return [_matter(row) for row in rows]

    # ledger and licences

    def write_ledger(self, m: Matter, original: str, verb: str, delta: int, reference: str, at: str) -> None:
        """Appends one effect. ``original``: what the ledger calls the matter that is undone."""
        self._db.execute(
            "INSERT INTO ledger (at, received_at, request_no, original, case_no, leg, step, department, operation,"
            " verb, delta, reference) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (at, m.received_at, m.label, original, m.case_no, m.leg, m.step, m.department, m.service, verb, delta,
             reference),
        )  # fmt: skip

    def ledger(self, case_no: str | None = None) -> list[dict[str, object]]:
        """The ledger, oldest first; of one case if asked."""
        where, values = ("WHERE case_no = ?", (case_no,)) if case_no is not None else ("", ())
        rows = self._db.execute(f"SELECT * FROM ledger {where} ORDER BY seq", values)  # noqa: S608 - constant text
        return [dict(row) for row in rows]

    def write_licence(self, identifier: str, issued_by: str, status: str) -> None:
        """Remembers an e-licence that is genuine here. ``issued_by``: key of the matter, or nothing for a register."""
        self._db.execute("INSERT OR REPLACE INTO licence VALUES (?, ?, ?)", (identifier, issued_by, status))

    def revoke_licences(self, issued_by: str) -> None:
        """What a matter issued does not hold any more."""
        self._db.execute("UPDATE licence SET status = 'revoked' WHERE issued_by = ?", (issued_by,))

    def licence_status(self, identifier: str) -> str:
        """``valid``, ``revoked``, or nothing if it is not known here."""
        row = self._db.execute("SELECT status FROM licence WHERE identifier = ?", (identifier,)).fetchone()
        return str(row[0]) if row else ""

    # events

    def write_event(self, e: Event) -> None:
        """Writes an event or its new state."""
        self._db.execute(
            "INSERT OR REPLACE INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (e.event_no, e.request_no, e.face, e.body, e.state, e.due_at, e.attempts, e.copies, int(e.forged),
             int(e.held), e.last_status),
        )  # fmt: skip

    def release_held(self, now: float) -> None:
        """Another event has been delivered: whatever was held back for that goes now."""
        self._db.execute("UPDATE event SET held = 0, due_at = ? WHERE held = 1 AND state = 'waiting'", (now,))

    def due_events(self, now: float) -> list[Event]:
        """Events to send now."""
        rows = self._db.execute(
            "SELECT * FROM event WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at, rowid LIMIT 200", (now,)
        )
        return [_event(row) for row in rows]

    def next_event(self) -> float | None:
        """When the next event is to be sent, by the true time."""
        row = self._db.execute("SELECT min(due_at) FROM event WHERE state = 'waiting'").fetchone()
        return None if row[0] is None else float(row[0])

    def events(self, request_no: str | None = None) -> list[Event]:
        """All events, or those about one key."""
        where, values = ("WHERE request_no = ?", (request_no,)) if request_no is not None else ("", ())
        rows = self._db.execute(f"SELECT * FROM event {where} ORDER BY rowid", values)  # noqa: S608 - constant text
        return [_event(row) for row in rows]


def _text(both: dict[str, str] | None) -> Text | None:
    return Text(**both) if both else None


def _matter(row: sqlite3.Row) -> Matter:
    values = dict(row)
    told = json.loads(values.pop("told"))
    values |= {
        "fields": json.loads(values["fields"]),
        "result": told["result"],
        "reasons": tuple(told["reasons"]),
        "text": _text(told["text"]),
        "wants": _text(told["wants"]),
        "check_after": told["check_after"],
    }
    return Matter(**values)


def _event(row: sqlite3.Row) -> Event:
    values = dict(row)
    return Event(**values | {"forged": bool(values["forged"]), "held": bool(values["held"])})
