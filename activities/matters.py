"""The record of medical matters: the only writer of what people read of a running one; and the chores of matters."""

from __future__ import annotations

from temporalio import activity

from activities.chores import CHORES
from domain import names
from domain.medical import Chore, MatterBatch
from models.database import Database
from models.matters import write_matter


class MatterActivities:
    """``database``: the house's own. A failure is raised and tried again: without a record nothing goes on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name=names.RECORD_MATTER_ACTIVITY)
    async def record_matter(self, batch: MatterBatch) -> None:
        """Writes one batch in one transaction; a batch that is there already is left alone."""
        await write_matter(self._database, batch)

    @activity.defn(name=names.CHORE_ACTIVITY)
    async def run_chore(self, chore: Chore) -> str:
        """Does what a matter wants of the house, once; what it has to say as JSON text."""
        return await CHORES[chore.purpose](self._database, chore)
