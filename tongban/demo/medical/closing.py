"""The end of the month: every platform's book agrees with ours, the month is cleared, the flows are drawn."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.calendar import SHANGHAI as ZONE
from domain.messages import Text
from tongban.demo.medical.people import PROVINCES, Cast, new_key
from tongban.demo.people import DemoError
from tongban.demo.words import t
from tongban.stack.parts import ROOT, python_env
from tongban.stack.stack import Stack

OPEN_STATES = {"open", "proposed", "confirmed", "disputed"}
PATIENCE_S = 60.0


@dataclass
class Cleared:
    """What has come of it. books: the comparison of the day with each outside book. month: as it was cleared.

    before: it had been cleared before this demo, in the same folder; what was settled since waits for the next month.
    """

    books: list[dict[str, Any]] = field(default_factory=list)
    month: dict[str, Any] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    picture: Path | None = None
    before: bool = False


class MonthEnd:
    """Done by the commands that an operator uses, and answered by the agencies through the API."""

    def __init__(self, stack: Stack, cast: Cast, say: Callable[[Text], None]) -> None:
        self._stack, self._cast, self._say = stack, cast, say

    def close(self) -> Cleared:
        """Reconciles today, clears this month if it is not cleared yet, draws it."""
        done = Cleared()
        today = datetime.now(ZONE).date()
        done.books = json.loads(self._command("reconcile", "--day", f"{today}", "--json"))
        rows, differ = sum(b["rows"] for b in done.books), sum(b["differences"] for b in done.books)
        self._say(t(f"三方对账：{rows} 行，不符 {differ}", f"reconciled with every book: {rows} rows, {differ} differ"))
        month = f"{today:%Y-%m}"
        found = self._month(month)
        done.before = found is not None and found["state"] not in OPEN_STATES
        if not done.before:
            self._command("run", "--month", month, "--early", "--until", "proposed", "--patience", "30")
            self._answer(month)
            self._command("run", "--month", month, "--early", "--until", "cleared", "--patience", "30")
        done.month = self._month(month) or {}
        done.items = self._cast.agency("340000").do("GET", f"/v1/medical/clearing/{month}/items").json()["items"]
        done.picture = self._stack.data_dir / f"clearing-{month}.svg"
        self._command("report", "--month", month, "--format", "svg", "--out", str(done.picture))
        if done.before:
            self._say(t(f"{month} 已清算，此后的结算进入下月", f"{month} was cleared before; this waits"))
        self._say(t(f"{month} 清算完成，流向图 {done.picture}", f"{month} is cleared; its flows: {done.picture}"))
        return done

    def _month(self, month: str) -> dict[str, Any] | None:
        """As the one who oversees all provinces sees it."""
        answer = self._cast.coordinator().call("GET", f"/v1/medical/clearing/{month}")
        if answer.status_code == 404:
            return None
        found: dict[str, Any] = answer.json()
        return found

    def _answer(self, month: str) -> None:
        """Every payer confirms what it owes."""
        until = time.monotonic() + PATIENCE_S
        found = self._month(month) or {}
        for province in sorted({pair["payer"] for pair in found["pairs"]} & set(PROVINCES)):
            while True:
                answer = self._cast.agency(province).call(
                    "POST", f"/v1/medical/clearing/{month}/confirmations", headers=new_key()
                )
                answered = {"clearing_answered", "clearing_nothing_to_answer"}
                if answer.is_success or answer.json().get("code") in answered:
                    break
                if time.monotonic() > until:
                    raise DemoError(f"{province} cannot confirm {month}: {answer.text[:300]}")
                time.sleep(0.3)

    def _command(self, *words: str) -> str:
        """``python -m tongban clearing …`` with the settings of this stack."""
        done = subprocess.run(
            [sys.executable, "-m", "tongban", "clearing", *words],
            cwd=ROOT, env=python_env(self._stack.settings), stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
            check=False, start_new_session=True,
        )  # fmt: skip
        if done.returncode not in {0, 1}:  # 1: books differ, which the checks will say
            said = (done.stdout + done.stderr).decode(errors="replace")[-600:]
            raise DemoError(f"clearing {' '.join(words)}: status {done.returncode}: {said}")
        return done.stdout.decode()
