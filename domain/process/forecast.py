"""When a case will be over if everybody uses up the time he has: the longest way through the steps that are left.

The case's clock is the latest path of its legs (domain note 2.4): a step ends when the last of what it needs has
ended and its own limit has run, whichever is later.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from domain.calendar import local_day
from domain.case import SETTLED, StepStatus
from domain.plan import Limit

if TYPE_CHECKING:
    from domain.process.book import Book


class Forecast:
    """``on``: the day; ``provisional``: it reaches a year without a holiday notice."""

    def __init__(self, book: Book, today: date) -> None:
        self._book = book
        self._today = today
        self._ends: dict[str, date] = {}
        self._names = {step.id for step in book.plan.steps}
        self.provisional = False
        self.on = max((self._end(name) for name in self._names), default=today)

    def _end(self, name: str) -> date:
        """The day on which a step ends."""
        if name not in self._ends:
            self._ends[name] = self._today  # a step that waits for itself is refused when the definition is loaded
            self._ends[name] = self._reckon(name)
        return self._ends[name]

    def _reckon(self, name: str) -> date:
        state, step = self._book.state.steps[name], self._book.steps[name]
        if state.status in SETTLED:
            return local_day(state.since)
        begins = max([self._today, *(self._end(need) for need in step.needs)])
        if state.status is not StepStatus.WAITING:
            begins = max(begins, local_day(state.since))
        ends = [begins]
        if state.ends_at is not None:
            ends.append(local_day(state.ends_at))
        elif step.lasts is not None:
            ends.append(self._after(begins, step.lasts))
        for clock in self._book.plan.clocks:
            if clock.stop != f"{name}.done":
                continue
            running = self._book.state.clocks.get(clock.id)
            if running is not None and running.stopped_at is not None:
                continue
            for limit, due in (
                (clock.promised, running.promised_due if running else None),
                (clock.legal, running.legal_due if running else None),
            ):
                if limit is None:
                    continue
                if due is None:
                    due = self._after(self._start(clock.start, name, begins), limit)
                ends.append(due)
                break  # the promise binds before the law does
            self.provisional = self.provisional or bool(running and running.provisional)
        return max(ends)

    def _start(self, mark: str, name: str, begins: date) -> date:
        """The day a clock that has not started will start on."""
        step, _, what = mark.rpartition(".")
        if step == name:
            return begins
        if step in self._names:
            needs = self._book.steps[step].needs
            return self._end(step) if what == "done" else max([self._today, *(self._end(n) for n in needs)])
        return begins

    def _after(self, start: date, limit: Limit) -> date:
        due = self._book.calendar.due_in(start, limit.days, limit.unit)
        self.provisional = self.provisional or due.provisional
        return due.day
