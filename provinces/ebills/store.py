"""The platform's books: bills, locks, orders, events. SQLite, WAL, synchronous=FULL, one connection."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provinces.store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS bill (
    code TEXT NOT NULL, number TEXT NOT NULL, check_code TEXT NOT NULL, client TEXT NOT NULL, unit TEXT NOT NULL,
    issued_on TEXT NOT NULL, content TEXT NOT NULL, digest TEXT NOT NULL, total INTEGER NOT NULL, fund INTEGER NOT NULL,
    paid INTEGER NOT NULL DEFAULT 0, settled TEXT NOT NULL, state TEXT NOT NULL, red_client TEXT NOT NULL DEFAULT '',
    related_code TEXT NOT NULL DEFAULT '', related_number TEXT NOT NULL DEFAULT '', version INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (code, number));
CREATE TABLE IF NOT EXISTS hold (
    lock_id TEXT PRIMARY KEY, code TEXT NOT NULL, number TEXT NOT NULL, client TEXT NOT NULL, unit TEXT NOT NULL,
    purpose TEXT NOT NULL, amount INTEGER NOT NULL, claim TEXT NOT NULL, locked_at REAL NOT NULL,
    expires_at REAL NOT NULL, state TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS one_hold ON hold (code, number) WHERE state IN ('OPEN', 'SUSPENDED');
CREATE INDEX IF NOT EXISTS hold_bill ON hold (code, number);
CREATE TABLE IF NOT EXISTS payment (
    tx_no TEXT PRIMARY KEY, lock_id TEXT NOT NULL, client TEXT NOT NULL, digest TEXT NOT NULL, amount INTEGER NOT NULL,
    refunds TEXT NOT NULL, answer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS request (
    client TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, answer TEXT NOT NULL, PRIMARY KEY (client, key));
CREATE TABLE IF NOT EXISTS feed (
    no INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT NOT NULL, at REAL NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS feed_client ON feed (client, no);
"""


@dataclass
class Bill:
    """One bill. Money in fen. red_client: who has asked for a red letter that waits; settled: number of the direct
    settlement; version: grows with every change."""

    code: str
    number: str
    check_code: str
    client: str
    unit: str
    issued_on: str
    content: dict[str, Any]
    digest: str
    total: int
    fund: int
    paid: int
    settled: str
    state: str
    red_client: str = ""
    related_code: str = ""
    related_number: str = ""
    version: int = 1


@dataclass
class Hold:
    """One lock. Times in seconds since 1970. state: OPEN | SUSPENDED | RELEASED | EXPIRED | SETTLED | REFUNDED."""

    lock_id: str
    code: str
    number: str
    client: str
    unit: str
    purpose: str
    amount: int
    claim: str
    locked_at: float
    expires_at: float
    state: str


class BillStore(Store):
    """Rows in and out; the rules are the desk's. Every writing method is called inside ``transaction``."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._db.executescript(_SCHEMA)

    def bill(self, code: str, number: str) -> Bill | None:
        """One bill."""
        row = self._db.execute("SELECT * FROM bill WHERE code = ? AND number = ?", (code, number)).fetchone()
        return None if row is None else Bill(**dict(row) | {"content": json.loads(row["content"])})

    def add_bill(self, bill: Bill) -> None:
        """A new one."""
        values = dict(bill.__dict__) | {"content": json.dumps(bill.content, ensure_ascii=False)}
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        self._db.execute(f"INSERT INTO bill ({names}) VALUES ({marks})", values)  # noqa: S608 - names of our own fields

    def seize(self, code: str, number: str, amount: int) -> bool:
        """Compare and set: from free to locked, if that much is left. False: somebody was faster, or too much."""
        changed = self._db.execute(
            "UPDATE bill SET state = 'LOCKED', version = version + 1 WHERE code = ? AND number = ?"
            " AND state IN ('NORMAL', 'PART') AND red_client = '' AND total - fund - paid >= ?",
            (code, number, amount),
        )
        return changed.rowcount == 1

    def settle(self, code: str, number: str, paid: int, state: str) -> None:
        """What was paid in all, and the state that follows."""
        self._db.execute(
            "UPDATE bill SET paid = ?, state = ?, version = version + 1 WHERE code = ? AND number = ?",
            (paid, state, code, number),
        )

    def want_red(self, code: str, number: str, client: str) -> None:
        """Who waits for a red letter; "" for nobody."""
        self._db.execute(
            "UPDATE bill SET red_client = ?, version = version + 1 WHERE code = ? AND number = ?",
            (client, code, number),
        )

    def take_back(self, code: str, number: str, red: Bill) -> None:
        """The original is 冲红 and points at its red-letter bill."""
        self._db.execute(
            "UPDATE bill SET state = 'REVERSED', red_client = '', version = version + 1,"
            " related_code = ?, related_number = ? WHERE code = ? AND number = ?",
            (red.code, red.number, code, number),
        )

    def add_hold(self, hold: Hold) -> None:
        """A new lock; the index refuses a second one that is live."""
        marks = ", ".join(f":{name}" for name in hold.__dict__)
        self._db.execute(f"INSERT INTO hold VALUES ({marks})", hold.__dict__)  # noqa: S608 - names of our own fields

    def hold(self, lock_id: str) -> Hold | None:
        """One lock."""
        row = self._db.execute("SELECT * FROM hold WHERE lock_id = ?", (lock_id,)).fetchone()
        return None if row is None else Hold(**dict(row))

    def live(self, code: str, number: str) -> Hold | None:
        """The lock that holds a bill."""
        row = self._db.execute(
            "SELECT * FROM hold WHERE code = ? AND number = ? AND state IN ('OPEN', 'SUSPENDED')", (code, number)
        ).fetchone()
        return None if row is None else Hold(**dict(row))

    def holders(self, code: str, number: str) -> set[str]:
        """The clients that ever had a lock on a bill."""
        rows = self._db.execute("SELECT DISTINCT client FROM hold WHERE code = ? AND number = ?", (code, number))
        return {str(row[0]) for row in rows}

    def holds(self) -> list[Hold]:
        """Every lock, oldest first, for the books."""
        return [Hold(**dict(row)) for row in self._db.execute("SELECT * FROM hold ORDER BY locked_at, lock_id")]

    def overdue(self, now: float) -> list[Hold]:
        """Live locks whose time is over."""
        rows = self._db.execute("SELECT * FROM hold WHERE state IN ('OPEN', 'SUSPENDED') AND expires_at <= ?", (now,))
        return [Hold(**dict(row)) for row in rows]

    def set_hold(self, lock_id: str, state: str) -> None:
        """What became of a lock."""
        self._db.execute("UPDATE hold SET state = ? WHERE lock_id = ?", (state, lock_id))

    def payment(self, tx_no: str) -> sqlite3.Row | None:
        """One payment or refund by its number."""
        row: sqlite3.Row | None = self._db.execute("SELECT * FROM payment WHERE tx_no = ?", (tx_no,)).fetchone()
        return row

    def payment_of(self, lock_id: str) -> sqlite3.Row | None:
        """What was paid under a lock."""
        row: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM payment WHERE lock_id = ? AND refunds = ''", (lock_id,)
        ).fetchone()
        return row

    def payments(self) -> list[dict[str, Any]]:
        """Every payment, for the books."""
        rows = self._db.execute("SELECT tx_no, lock_id, client, amount, refunds FROM payment ORDER BY rowid")
        return [dict(row) for row in rows]

    def add_payment(
        self, tx_no: str, lock_id: str, client: str, digest: str, amount: int, refunds: str, answer: dict[str, Any]
    ) -> None:
        """A payment with what was answered."""
        self._db.execute(
            "INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?)",
            (tx_no, lock_id, client, digest, amount, refunds, json.dumps(answer, ensure_ascii=False)),
        )

    def request(self, client: str, key: str) -> tuple[str, dict[str, Any]] | None:
        """Digest and answer of an order."""
        row = self._db.execute(
            "SELECT digest, answer FROM request WHERE client = ? AND key = ?", (client, key)
        ).fetchone()
        return None if row is None else (str(row[0]), json.loads(row[1]))

    def add_request(self, client: str, key: str, digest: str, answer: dict[str, Any]) -> None:
        """An order with what was answered."""
        told = json.dumps(answer, ensure_ascii=False)
        self._db.execute("INSERT INTO request VALUES (?, ?, ?, ?)", (client, key, digest, told))

    def tell(self, client: str, at: float, body: dict[str, Any]) -> None:
        """One entry of a client's feed."""
        told = json.dumps(body, ensure_ascii=False)
        self._db.execute("INSERT INTO feed (client, at, body) VALUES (?, ?, ?)", (client, at, told))

    def told(self, client: str, after: int, most: int) -> list[dict[str, Any]]:
        """The next entries of a client's feed."""
        rows = self._db.execute(
            "SELECT no, at, body FROM feed WHERE client = ? AND no > ? ORDER BY no LIMIT ?", (client, after, most)
        )
        return [{"no": row["no"], "at": row["at"]} | json.loads(row["body"]) for row in rows]
