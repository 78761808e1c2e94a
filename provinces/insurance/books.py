"""A platform's own database: messages, visits, persons, and the ledger, which only grows.

Money is kept as text of yuan with two decimals. ``role`` tells apart what one platform is: treatment place, insured
place; the hub's rows have a role of their own. A message is kept once per role, so that a platform that is both keeps
it twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from provinces.insurance.compute import Year
from provinces.insurance.letters import Fields, dumps, loads
from provinces.insurance.register import Insured
from provinces.store import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    role TEXT NOT NULL, msgid TEXT NOT NULL, infno TEXT NOT NULL, digest TEXT NOT NULL, psn_no TEXT NOT NULL,
    visit TEXT NOT NULL, state TEXT NOT NULL, output TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (role, msgid));
CREATE INDEX IF NOT EXISTS message_visit ON message (visit) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS person (
    psn_no TEXT PRIMARY KEY, certno TEXT NOT NULL UNIQUE, area TEXT NOT NULL, name TEXT NOT NULL, born TEXT NOT NULL,
    insutype TEXT NOT NULL, psn_type TEXT NOT NULL, status TEXT NOT NULL, aid TEXT NOT NULL, balance TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS declaration (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, psn_no TEXT NOT NULL, subject TEXT NOT NULL, place TEXT NOT NULL,
    begins TEXT NOT NULL, ends TEXT NOT NULL, msgid TEXT NOT NULL, more TEXT NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS declaration_person ON declaration (psn_no);
CREATE TABLE IF NOT EXISTS visit (
    role TEXT NOT NULL, mdtrt_id TEXT NOT NULL, msgid TEXT NOT NULL, kind TEXT NOT NULL, psn_no TEXT NOT NULL,
    certno TEXT NOT NULL, insutype TEXT NOT NULL, insured_in TEXT NOT NULL, treated_in TEXT NOT NULL,
    institution TEXT NOT NULL, med_type TEXT NOT NULL, emergency INTEGER NOT NULL, disease TEXT NOT NULL,
    begins TEXT NOT NULL, ends TEXT NOT NULL, way TEXT NOT NULL, state TEXT NOT NULL, settled TEXT NOT NULL,
    PRIMARY KEY (role, mdtrt_id));
CREATE INDEX IF NOT EXISTS visit_person ON visit (role, psn_no);
CREATE TABLE IF NOT EXISTS line (
    mdtrt_id TEXT NOT NULL, feedetl_sn TEXT NOT NULL, seq INTEGER NOT NULL, result TEXT NOT NULL,
    PRIMARY KEY (mdtrt_id, feedetl_sn));
CREATE TABLE IF NOT EXISTS year (
    psn_no TEXT NOT NULL, insutype TEXT NOT NULL, kind TEXT NOT NULL, year TEXT NOT NULL, stays INTEGER NOT NULL,
    pool TEXT NOT NULL, over_cap TEXT NOT NULL, big_illness_base TEXT NOT NULL, medical_aid TEXT NOT NULL,
    PRIMARY KEY (psn_no, insutype, kind, year));
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, role TEXT NOT NULL, at TEXT NOT NULL, day TEXT NOT NULL, kind TEXT NOT NULL,
    delta INTEGER NOT NULL, msgid TEXT NOT NULL, infno TEXT NOT NULL, psn_no TEXT NOT NULL, mdtrt_id TEXT NOT NULL,
    setl_id TEXT NOT NULL, orig_setl_id TEXT NOT NULL, reference TEXT NOT NULL, row TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS ledger_settlement ON ledger (role, setl_id) WHERE setl_id <> '';
CREATE INDEX IF NOT EXISTS ledger_visit ON ledger (mdtrt_id);
CREATE INDEX IF NOT EXISTS ledger_msgid ON ledger (msgid);
CREATE INDEX IF NOT EXISTS ledger_day ON ledger (role, day);
CREATE TABLE IF NOT EXISTS settlement (setl_id TEXT PRIMARY KEY, root TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS report (
    rpt_no TEXT NOT NULL, institution TEXT NOT NULL, psn_no TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (institution, rpt_no));
CREATE TABLE IF NOT EXISTS confirmation (
    otransid TEXT NOT NULL, institution TEXT NOT NULL, month TEXT NOT NULL, mdtrt_id TEXT NOT NULL,
    setl_sn TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (institution, month, setl_sn));
CREATE TABLE IF NOT EXISTS signed_in (sign_no TEXT PRIMARY KEY, caller TEXT NOT NULL, institution TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS ledger_stays BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_keeps BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS settlement_stays BEFORE UPDATE ON settlement BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS settlement_keeps BEFORE DELETE ON settlement BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""


@dataclass
class Kept:
    """A message. state: pending | done | reversed (taken back, or a tombstone with an empty digest) | refused."""

    role: str
    msgid: str
    infno: str
    digest: str
    psn_no: str
    visit: str
    state: str
    output: Fields
    at: str


@dataclass
class Visit:
    """A stay or an outpatient visit. kind: inpatient | outpatient; state: open | discharged | cancelled.

    settled: the setl_id in force, or nothing. At the treatment place it is what it has heard of.
    """

    role: str
    mdtrt_id: str
    msgid: str
    kind: str
    psn_no: str
    certno: str
    insutype: str
    insured_in: str
    treated_in: str
    institution: str
    med_type: str
    emergency: bool
    disease: str
    begins: str
    ends: str
    way: str
    state: str
    settled: str


@dataclass(frozen=True)
class Entry:
    """One row of the ledger. ``row``: of a settlement or undoing, what the book shows."""

    role: str
    at: str
    day: str
    kind: str
    delta: int
    msgid: str
    infno: str
    psn_no: str
    mdtrt_id: str = ""
    setl_id: str = ""
    orig_setl_id: str = ""
    reference: str = ""
    row: Fields | None = None


@dataclass(frozen=True)
class Declaration:
    """A filing, certificate or choice of institution. ``subject``: category or disease; ``place``: where it holds."""

    id: str
    kind: str
    psn_no: str
    subject: str
    place: str
    begins: str
    ends: str
    msgid: str
    more: Fields
    state: str = "in_force"

    def holds_on(self, day: str) -> bool:
        """Whether it is in force on that day."""
        return self.state == "in_force" and self.begins <= day and (not self.ends or day <= self.ends)


class Books(Database):
    """The tables, with nothing but reading and writing rows."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _SCHEMA)

    # messages

    def message(self, role: str, msgid: str) -> Kept | None:
        """What is known of a message."""
        row = self._db.execute("SELECT * FROM message WHERE role = ? AND msgid = ?", (role, msgid)).fetchone()
        return None if row is None else Kept(**dict(row) | {"output": loads(row["output"].encode())})

    def write_message(self, kept: Kept) -> None:
        """Writes it, or its new state."""
        values = (kept.role, kept.msgid, kept.infno, kept.digest, kept.psn_no, kept.visit, kept.state)
        self._db.execute(
            "INSERT OR REPLACE INTO message VALUES (?,?,?,?,?,?,?,?,?)", (*values, dumps(kept.output), kept.at)
        )

    def forget_message(self, role: str, msgid: str) -> None:
        """Nothing was done with it."""
        self._db.execute("DELETE FROM message WHERE role = ? AND msgid = ? AND state = 'pending'", (role, msgid))

    def pending_of(self, role: str, mdtrt_id: str) -> list[str]:
        """Numbers of messages about a visit whose outcome is not known."""
        rows = self._db.execute(
            "SELECT msgid FROM message WHERE role = ? AND visit = ? AND state = 'pending'", (role, mdtrt_id)
        )
        return [str(row[0]) for row in rows]

    def messages(self, role: str, limit: int = 1000) -> list[dict[str, object]]:
        """The latest, newest first."""
        rows = self._db.execute("SELECT * FROM message WHERE role = ? ORDER BY rowid DESC LIMIT ?", (role, limit))
        return [dict(row) for row in rows]

    # persons

    def admit_people(self, everybody: Sequence[Insured]) -> None:
        """Everybody who is not there yet."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO person VALUES (?,?,?,?,?,?,?,?,?,?)",
                [
                    (p.psn_no, p.certno, p.area, p.name, p.born, p.insutype, p.psn_type, p.status, p.aid,
                     str(p.balance))
                    for p in everybody
                ],
            )  # fmt: skip

    def person(self, column: str, value: str) -> Insured | None:
        """Somebody, by psn_no or certno."""
        if column not in ("psn_no", "certno"):
            raise ValueError(column)
        row = self._db.execute(f"SELECT * FROM person WHERE {column} = ?", (value,)).fetchone()  # noqa: S608 - checked
        return None if row is None else Insured(**dict(row) | {"balance": Decimal(row["balance"])})

    def change_person(self, psn_no: str, column: str, value: str) -> None:
        """What a register or a settlement changes."""
        if column not in ("balance", "status", "aid"):
            raise ValueError(column)
        self._db.execute(f"UPDATE person SET {column} = ? WHERE psn_no = ?", (value, psn_no))  # noqa: S608 - checked

    def year(self, psn_no: str, insutype: str, kind: str, year: str) -> Year:
        """The totals of a person's year; ``kind``: inpatient and outpatient claims run side by side."""
        row = self._db.execute(
            "SELECT stays, pool, over_cap, big_illness_base, medical_aid FROM year"
            " WHERE psn_no = ? AND insutype = ? AND kind = ? AND year = ?",
            (psn_no, insutype, kind, year),
        ).fetchone()
        return Year(int(row[0]), *(Decimal(each) for each in tuple(row)[1:])) if row else Year()

    def write_year(self, psn_no: str, insutype: str, kind: str, year: str, totals: Year) -> None:
        """The new totals."""
        amounts = (totals.pool, totals.over_cap, totals.big_illness_base, totals.medical_aid)
        self._db.execute(
            "INSERT OR REPLACE INTO year VALUES (?,?,?,?,?,?,?,?,?)",
            (psn_no, insutype, kind, year, totals.stays, *(str(each) for each in amounts)),
        )

    # declarations

    def declare(self, d: Declaration) -> None:
        """Writes one, or its new state."""
        self._db.execute(
            "INSERT OR REPLACE INTO declaration VALUES (?,?,?,?,?,?,?,?,?,?)",
            (d.id, d.kind, d.psn_no, d.subject, d.place, d.begins, d.ends, d.msgid, dumps(d.more), d.state),
        )

    def declarations(self, psn_no: str, kind: str) -> list[Declaration]:
        """All of a person, oldest first."""
        rows = self._db.execute(
            "SELECT * FROM declaration WHERE psn_no = ? AND kind = ? ORDER BY rowid", (psn_no, kind)
        )
        return [Declaration(**dict(row) | {"more": loads(row["more"].encode())}) for row in rows]

    # visits and their lines

    def write_visit(self, v: Visit) -> None:
        """Writes a visit, or its new state."""
        self._db.execute(
            "INSERT OR REPLACE INTO visit VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (v.role, v.mdtrt_id, v.msgid, v.kind, v.psn_no, v.certno, v.insutype, v.insured_in, v.treated_in,
             v.institution, v.med_type, int(v.emergency), v.disease, v.begins, v.ends, v.way, v.state, v.settled),
        )  # fmt: skip

    def visit(self, role: str, mdtrt_id: str) -> Visit | None:
        """One visit."""
        return next(iter(self._visits("role = ? AND mdtrt_id = ?", role, mdtrt_id)), None)

    def visit_by_msgid(self, role: str, msgid: str) -> Visit | None:
        """The visit that a message has opened."""
        return next(iter(self._visits("role = ? AND msgid = ?", role, msgid)), None)

    def visits(self, role: str, psn_no: str) -> list[Visit]:
        """All of a person."""
        return self._visits("role = ? AND psn_no = ?", role, psn_no)

    def _visits(self, where: str, *values: str) -> list[Visit]:
        rows = self._db.execute(f"SELECT * FROM visit WHERE {where} ORDER BY rowid", values)  # noqa: S608 - constant
        return [Visit(**dict(row) | {"emergency": bool(row["emergency"])}) for row in rows]

    def write_line(self, mdtrt_id: str, feedetl_sn: str, result: Fields) -> None:
        """A fee line as it was split."""
        self._db.execute(
            "INSERT INTO line VALUES (?, ?, (SELECT coalesce(max(seq), 0) + 1 FROM line WHERE mdtrt_id = ?), ?)",
            (mdtrt_id, feedetl_sn, mdtrt_id, dumps(result)),
        )

    def lines(self, mdtrt_id: str) -> dict[str, Fields]:
        """The lines of a visit by their numbers, in the order uploaded."""
        rows = self._db.execute("SELECT feedetl_sn, result FROM line WHERE mdtrt_id = ? ORDER BY seq", (mdtrt_id,))
        return {str(row[0]): loads(str(row[1]).encode()) for row in rows}

    def drop_lines(self, mdtrt_id: str, numbers: Sequence[str]) -> None:
        """Lines are taken back."""
        self._db.executemany(
            "DELETE FROM line WHERE mdtrt_id = ? AND feedetl_sn = ?", [(mdtrt_id, each) for each in numbers]
        )

    # the ledger

    def enter(self, entry: Entry) -> None:
        """Appends one row. A settlement that stands there already is not written twice: the number is its own key."""
        row = "" if entry.row is None else dumps(entry.row)
        self._db.execute(
            "INSERT INTO ledger (role, at, day, kind, delta, msgid, infno, psn_no, mdtrt_id, setl_id, orig_setl_id,"
            " reference, row) SELECT ?,?,?,?,?,?,?,?,?,?,?,?,? WHERE NOT EXISTS"
            " (SELECT 1 FROM ledger WHERE role = ? AND setl_id = ? AND setl_id <> '')",
            (entry.role, entry.at, entry.day, entry.kind, entry.delta, entry.msgid, entry.infno, entry.psn_no,
             entry.mdtrt_id, entry.setl_id, entry.orig_setl_id, entry.reference, row, entry.role, entry.setl_id),
        )  # fmt: skip

    def entries(self, where: str = "1", *values: str) -> list[Fields]:
        """Rows of the ledger, oldest first. ``where`` is text of ours."""
        rows = self._db.execute(f"SELECT * FROM ledger WHERE {where} ORDER BY seq", values)  # noqa: S608 - ours
        return [dict(each) | {"row": loads(each["row"].encode()) if each["row"] else None} for each in rows]

    def book(self, role: str, first: str, last: str, institution: str = "") -> list[Fields]:
        """The settlements and undoings of days first..last, as the book shows them."""
        found = self.entries("role = ? AND setl_id <> '' AND day BETWEEN ? AND ?", role, first, last)
        rows = [{"seq": each["seq"], **_row(each["row"])} for each in found]
        return [row for row in rows if institution in ("", row["fixmedins_code"])]

    def book_of_visit(self, role: str, mdtrt_id: str) -> list[Fields]:
        """The same of one visit, without their places in the ledger."""
        return [
            _row(each["row"]) for each in self.entries("role = ? AND mdtrt_id = ? AND setl_id <> ''", role, mdtrt_id)
        ]

    def write_settlement(self, setl_id: str, root: str, body: Mapping[str, object]) -> None:
        """What was answered about a settlement. ``root``: the settlement that an undoing is about."""
        self._db.execute("INSERT INTO settlement VALUES (?, ?, ?)", (setl_id, root, dumps(body)))

    def settlement(self, setl_id: str) -> tuple[str, Fields] | None:
        """Its root and what was answered."""
        row = self._db.execute("SELECT root, body FROM settlement WHERE setl_id = ?", (setl_id,)).fetchone()
        return None if row is None else (str(row[0]), loads(str(row[1]).encode()))

    # reports, confirmations, sign-ins

    def write_report(self, rpt_no: str, institution: str, psn_no: str, body: Fields) -> bool:
        """False if the institution has one of that number."""
        made = self._db.execute(
            "INSERT OR IGNORE INTO report VALUES (?,?,?,?)", (rpt_no, institution, psn_no, dumps(body))
        )
        return made.rowcount == 1

    def reports(self, psn_no: str) -> list[Fields]:
        """All about a person."""
        rows = self._db.execute("SELECT body FROM report WHERE psn_no = ? ORDER BY rowid", (psn_no,))
        return [loads(str(row[0]).encode()) for row in rows]

    def confirm(self, otransid: str, institution: str, month: str, row: Fields) -> bool:
        """False if that settlement is confirmed already."""
        made = self._db.execute(
            "INSERT OR IGNORE INTO confirmation VALUES (?,?,?,?,?,?)",
            (otransid, institution, month, str(row["mdtrt_id"]), str(row["setl_sn"]), dumps(row)),
        )
        return made.rowcount == 1

    def roll_back(self, otransid: str, institution: str, month: str) -> int:
        """Takes confirmations back; "0": all of the month."""
        cursor = self._db.execute(
            "DELETE FROM confirmation WHERE institution = ? AND month = ? AND (? = '0' OR otransid = ?)",
            (institution, month, otransid, otransid),
        )
        return cursor.rowcount

    def sign_in(self, sign_no: str, caller: str, institution: str) -> None:
        """Somebody has begun to work."""
        self._db.execute("INSERT INTO signed_in VALUES (?, ?, ?)", (sign_no, caller, institution))

    def is_signed_in(self, sign_no: str, caller: str, institution: str) -> bool:
        """Whether that number was given to this caller for this institution."""
        row = self._db.execute(
            "SELECT 1 FROM signed_in WHERE sign_no = ? AND caller = ? AND institution = ?",
            (sign_no, caller, institution),
        ).fetchone()
        return row is not None

    def differences(self) -> list[dict[str, str]]:
        """What a tester has planted in the books that are shown."""
        found: list[dict[str, str]] = json.loads(self.setting("differences", "[]"))
        return found

    def plant(self, differences: list[dict[str, str]]) -> None:
        """These and no others."""
        with self.transaction():
            self.set_setting("differences", json.dumps(differences))


def _row(value: object) -> Fields:
    assert isinstance(value, dict)  # noqa: S101 - of a row with a setl_id
    return value
