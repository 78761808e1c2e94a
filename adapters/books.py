"""Outside books out of files: one a place and day, ``310000-2026-10-12.jsonl``, a JSON object a line.

For places that hand their detail over as a file, and for trying things out. What reads them takes line by line, so that
a large book needs no memory here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

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
