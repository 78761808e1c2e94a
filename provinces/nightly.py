"""The nightly file of 340000: a ZIP with every matter that ended on a day, and a control sheet; how to damage it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from provinces.clock import CHINA, Clock
from provinces.store import Matter, Store
from provinces.words import Code, Problem

HEADER = ("wsbh", "ywlsh", "bm", "sx", "zt", "bjsj", "je")
MOST_TAMPERED = 1000
_STAMP = (1980, 1, 1, 0, 0, 0)


class BadTampering(Exception):
    """Damage nobody can do."""


def day_of(text: str) -> date | None:
    """``20261125`` as a date, or None."""
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def archive(store: Store, clock: Clock, day_text: str) -> bytes:
    """The file of a day that has ended; raises Problem before that, and for what is no day."""
    day = day_of(day_text)
    if day is None or day >= clock.today():
        raise Problem(Code.NO_SUCH_DAY)
    rows = [_row(matter) for matter in store.ended_between(*_bounds(day))]
    damage = json.loads(store.setting(f"tamper:{day_text}", "{}"))
    true_rows = len(rows)
    rows = rows[damage.get("drop", 0) :] + _invented(day, damage.get("add", 0))
    sheet = _sheet(rows)
    control = {
        "day": day_text,
        "rows": true_rows if damage.get("rows") else len(rows),
        "amount": f"{sum((Decimal(row[6]) for row in rows if row[6]), Decimal(0)):.2f}",
        "sha256": hashlib.sha256(sheet + (b"!" if damage.get("digest") else b"")).hexdigest(),
    }
    return _zipped({"results.csv": sheet, "control.json": json.dumps(control).encode()})


def tamper(store: Store, day_text: str, body: object) -> None:
    """``{"drop": n, "add": n, "digest": bool, "rows": bool}`` from now on; nothing of it mends the file again.

    The control sheet agrees with the damaged file, except where ``digest`` or ``rows`` says that it shall not.
    """
    if day_of(day_text) is None or not isinstance(body, dict) or not set(body) <= {"drop", "add", "digest", "rows"}:
        raise BadTampering("unknown day or field")
    for name, value in body.items():
        flag = name in ("digest", "rows")
        if isinstance(value, bool) != flag or not isinstance(value, int) or not 0 <= value <= MOST_TAMPERED:
            raise BadTampering("value out of range")
    with store.transaction():
        store.set_setting(f"tamper:{day_text}", json.dumps(body))


def _bounds(day: date) -> tuple[str, str]:
    midnight = datetime.combine(day, time(), CHINA)
    first, last = (each.astimezone(UTC) for each in (midnight, midnight + timedelta(days=1)))
    return first.isoformat(timespec="milliseconds"), last.isoformat(timespec="milliseconds")


def _row(matter: Matter) -> tuple[str, ...]:
    done = matter.state in ("done", "undone")
    ended = datetime.fromisoformat(matter.ended_at or "").astimezone(CHINA).isoformat(timespec="seconds")
    fen = matter.fields.get("amount_fen") or matter.result.get("amount_fen") or ""
    amount = f"{Decimal(fen).scaleb(-2):.2f}" if done and fen.lstrip("-").isdigit() else ""
    label = "" if matter.label == matter.key and matter.face == "counter" else matter.label  # keyed in without a remark
    return label, matter.number, matter.department, matter.service, "bj" if done else "by", ended, amount


def _invented(day: date, count: int) -> list[tuple[str, ...]]:
    """Rows about matters that nobody ever had; their numbers come after all true ones."""
    ended = f"{day.isoformat()}T12:00:00+08:00"
    return [
        (f"NOBODY-{number:016x}", f"34{day:%Y%m%d}9{number:07d}", "tax", "invoice_lock", "bj", ended, "1.00")
        for number in range(count)
    ]


def _sheet(rows: Sequence[tuple[str, ...]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([HEADER, *rows])
    return out.getvalue().encode("gb18030")


def _zipped(files: dict[str, bytes]) -> bytes:
    """The same bytes for the same content: asked twice, it is one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive_:
        for name, content in files.items():
            archive_.writestr(zipfile.ZipInfo(name, _STAMP), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
