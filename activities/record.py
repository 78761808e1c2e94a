"""The record activities: the only writers of what people read of a running case or session."""

from __future__ import annotations

from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain import names
from domain.record import RecordBatch
from domain.window import WindowBatch
from models.database import Database
from models.record import RecordOutOfOrder, write_batch
from models.windows import write_window


class RecordActivities:
    """``database``: the house's own. A failure is raised and tried again: without a record nothing goes on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name=names.RECORD_ACTIVITY)
    async def record(self, batch: RecordBatch) -> None:
        """Writes one batch in one transaction; a batch that is there already is left alone."""
        try:
            await write_batch(self._database, batch)
        except RecordOutOfOrder as error:
            raise ApplicationError(str(error), type="RecordOutOfOrder") from error

    @activity.defn(name=names.RECORD_WINDOW_ACTIVITY)
    async def record_window(self, batch: WindowBatch) -> None:
        """Writes what has happened in a session, with its lines in the audit trail of the case."""
        await write_window(self._database, batch)
