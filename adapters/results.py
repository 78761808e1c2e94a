"""The nightly file of 340000: a ZIP with a table in GB18030 and the control totals it has to agree with.

Whatever is off is ContractBroken, so that nobody settles by half a file: ``results_file_…``
``unreadable``, ``too_large``, ``members``, ``digest``, ``day``, ``rows``, ``amount``, ``header`` or ``row``.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import NoReturn, TypeVar

from adapters.answers import NUMBER, build_answer
from adapters.errors import Ambiguous, ContractBroken
from adapters.exchange import json_object
from adapters.fields import NAME, from_yuan_text
from adapters.port import ResultRow, ResultsFile
from domain.effects import AnswerStatus
from domain.money import yuan

LARGEST_FILE = 16 << 20
LARGEST_TABLE = 64 << 20
LARGEST_CONTROL = 4096
HEADER = ["wsbh", "ywlsh", "bm", "sx", "zt", "bjsj", "je"]
ENDS = {"bj": AnswerStatus.ACCEPTED, "by": AnswerStatus.REJECTED}
CHINA = timezone(timedelta(hours=8))
_MEMBERS = {"results.csv": LARGEST_TABLE, "control.json": LARGEST_CONTROL}
_ENDED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", re.ASCII)
_BROKEN_ZIP = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error,
    NotImplementedError, RuntimeError, ValueError, EOFError, OSError, KeyError, IndexError,
)  # fmt: skip

Read = TypeVar("Read")


def read_results(day: date, raw: bytes) -> ResultsFile:
    """The file of a day, checked; its digest is the table's."""
    members = _unpack(raw)
    table, control = members["results.csv"], _checked("unreadable", lambda: json_object(members["control.json"]))
    digest = hashlib.sha256(table).hexdigest()
    if control.get("sha256") != digest:
        _off("digest")
    if str(control.get("day")).replace("-", "") != f"{day:%Y%m%d}":
        _off("day")
    rows = _rows(day, table)
    stated_rows = control.get("rows")
    if not isinstance(stated_rows, int) or isinstance(stated_rows, bool) or stated_rows != len(rows):
        _off("rows")
    if control.get("amount") != yuan(sum(row.amount_fen or 0 for row in rows)):
        _off("amount")
    return ResultsFile(day=day, digest=digest, rows=rows)


def _unpack(raw: bytes) -> dict[str, bytes]:
    """The two members, neither larger than it may be, whatever the file says of their size."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            listed = archive.infolist()
            if sorted(each.filename for each in listed) != sorted(_MEMBERS):
                _off("members")
            found = {}
            for each in listed:
                if each.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    _off("unreadable")
                with archive.open(each) as opened:
                    found[each.filename] = opened.read(_MEMBERS[each.filename] + 1)
                if len(found[each.filename]) > _MEMBERS[each.filename]:
                    _off("too_large")
            return found
    except _BROKEN_ZIP:
        _off("unreadable")


def _rows(day: date, table: bytes) -> tuple[ResultRow, ...]:
    try:
        lines = list(csv.reader(io.StringIO(table.decode("gb18030"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        _off("unreadable")
    if not lines or lines[0] != HEADER:
        _off("header")
    rows = tuple(_row(day, line) for line in lines[1:])
    if len({row.answer.reference for row in rows}) != len(rows):
        _off("row")
    return rows


def _row(day: date, line: list[str]) -> ResultRow:
    if len(line) != len(HEADER):
        _off("row")
    number, reference, department, operation, end, ended_at, amount = line
    if not NUMBER.fullmatch(number) or not reference or end not in ENDS:
        _off("row")
    if not NAME.fullmatch(department) or not NAME.fullmatch(operation) or not _ended_on(day, ended_at):
        _off("row")
    return ResultRow(
        business_number=number,
        department=department,
        operation=operation,
        answer=_checked("row", lambda: build_answer(ENDS[end], reference=reference)),
        amount_fen=_checked("row", lambda: int(from_yuan_text(amount))) if amount else None,
    )


def _ended_on(day: date, ended_at: str) -> bool:
    try:
        return bool(_ENDED_AT.fullmatch(ended_at)) and datetime.fromisoformat(ended_at).date() == day
    except ValueError:
        return False


def _checked(what: str, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except Ambiguous:
        _off(what)


def _off(what: str) -> NoReturn:
    raise ContractBroken(f"results_file_{what}")
