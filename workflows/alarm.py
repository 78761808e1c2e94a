"""One timer for a whole workflow, set again and again: it fires at the earliest moment anybody has asked for."""

from __future__ import annotations

import asyncio
from datetime import datetime

from temporalio import workflow


class Alarm:
    """``fired`` is to be waited for and taken down by whoever has seen it."""

    def __init__(self) -> None:
        self.fired = False
        self._task: asyncio.Task[None] | None = None
        self._at: datetime | None = None

    def set(self, due: datetime | None) -> None:
        """Replaces the timer only when something is due earlier than it; one that rings in vain does no harm."""
        if due is None or (self._at is not None and self._at <= due):
            return
        self.stop()
        self._at = due
        self._task = asyncio.create_task(self._ring(due))

    async def _ring(self, due: datetime) -> None:
        await asyncio.sleep(max(0.0, (due - workflow.now()).total_seconds()))
        self._task, self._at, self.fired = None, None, True

    def stop(self) -> None:
        """No timer is left."""
        if self._task is not None:
            self._task.cancel()
        self._task, self._at = None, None
