"""Outside books: out of files, or asked for page by page with message 3202 (domain note 3.4).

A file is one place's day, ``310000-2026-10-12.jsonl``, a JSON object a line: for places that hand their detail over as
a file, and for trying things out. Both are read piece by piece, so that a large book needs no memory here.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from adapters.errors import ProvinceError
from adapters.insurance import InsuranceGate
from domain.ledger import EntryKind, province_of
from domain.medical import interface as wire
from domain.medical.matter import agency_code
from domain.reconciliation import HUB, BookRow, Unreadable

LONGEST_LINE = 4096
_PLACE = re.compile(rf"[1-9][0-9]{{5}}|{HUB}")
_PIECE = 500  # lines read at a time, off the event loop


class JsonBooks:
    """Books in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def day(self, place: str, day: date) -> AsyncIterator[BookRow]:
        """A day's lines. Unreadable: there is no such file, or a line is not what it should be."""
        if not _PLACE.fullmatch(place):
            raise Unreadable("no such place")
        path = self._folder / f"{place}-{day.isoformat()}.jsonl"
        try:
            file = await asyncio.to_thread(path.open, encoding="utf-8")
        except OSError as error:
            raise Unreadable(f"{path.name}: {error.strerror}") from error
        with file:
            number = 0
            while lines := await asyncio.to_thread(_some, file, path.name):
                for line in lines:
                    number += 1
                    if not line.strip():
                        continue
                    try:
                        row = BookRow.model_validate_json(line)
                    except ValidationError as error:
                        raise Unreadable(f"line {number} of {path.name} is no line of a book") from error
                    yield row


class PlatformBooks:
    """Books as the platforms and the hub show them. What lies within one province is left out: nobody owes for it."""

    def __init__(self, gate: InsuranceGate) -> None:
        self._gate = gate

    async def day(self, place: str, day: date) -> AsyncIterator[BookRow]:
        """A day's lines, both sides of a province. Unreadable: the platform does not answer, or is not known."""
        for side in (HUB,) if place == HUB else ("treatment", "insured"):
            page, pages = 1, 1
            while page <= pages:
                found = await self._page(place, day, side, page)
                for row in found.rows:
                    if province_of(row.insuplc_admdvs) != province_of(row.mdtrtarea_admvs):
                        yield _line(row)
                page, pages = page + 1, found.pages

    async def _page(self, place: str, day: date, side: str, page: int) -> wire.BookOutput:
        now, region = datetime.now(UTC), "310000" if place == HUB else place
        agency = agency_code(region)  # who asks: the agency of that place, not an institution
        asked = {"stmt_begndate": day.isoformat(), "stmt_enddate": day.isoformat(), "side": side, "page": page}
        message = wire.InsuranceMessage(
            infno="3202",
            msgid=wire.message_id(agency, now, secrets.randbelow(10_000)),
            place=region,
            to=HUB if place == HUB else "",
            institution=agency,
            at=now,
            body=json.dumps(asked),
        )
        try:
            answer = await self._gate.send(message)
        except ProvinceError as error:
            raise Unreadable(f"3202: {error.code}") from error
        return wire.BookOutput.model_validate_json(answer.body)


def _line(row: wire.BookRow) -> BookRow:
    try:
        return BookRow(
            setl_id=row.setl_id,
            msgid=row.msgid,
            kind=EntryKind.REVERSAL if row.kind == "undo" else EntryKind.SETTLEMENT,
            medfee_sumamt=row.medfee_sumamt,
            fund_pay_sumamt=row.fund_pay_sumamt,
            acct_pay=row.acct_pay,
        )
    except ValidationError as error:
        raise Unreadable("3202: a row is no line of a book") from error


def _some(file: TextIO, name: str) -> list[str]:
    lines = []
    try:
        for _ in range(_PIECE):
            line = file.readline(LONGEST_LINE + 1)
            if not line:
                break
            if len(line) > LONGEST_LINE:
                raise Unreadable(f"{name}: a line is too long")
            lines.append(line)
    except (OSError, UnicodeError) as error:
        raise Unreadable(f"{name} cannot be read") from error
    return lines
