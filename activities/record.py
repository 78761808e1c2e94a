"""The record activity: the only writer of what people read of a running case."""

from __future__ import annotations

from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain import names
from domain.record import RecordBatch
from models.database import Database
from models.record import RecordOutOfOrder, write_batch


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
