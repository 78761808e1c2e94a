"""FilingWorkflow: drives one filing, applied for, decided, registered, ended.

It decides nothing itself; ``domain.medical.filing`` does.
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import names
    from domain.medical import MatterDone
    from domain.medical.filing import FilingCourse
    from domain.medical.filing_messages import AnyFilingAct, FilingStart
    from workflows.matters import Driver


@workflow.defn(name=names.MATTER_WORKFLOW["filing"])
class FilingWorkflow:
    """One filing. Its workflow id is its number."""

    @workflow.init
    def __init__(self, start: FilingStart) -> None:
        """Ready before any handler runs."""
        self._course = FilingCourse(start, workflow.now())
        self._driver: Driver[AnyFilingAct] = Driver(self._course)
        self._course.begin(workflow.now())

    @workflow.run
    async def run(self, start: FilingStart) -> None:
        """Until it is over and on record."""
        await self._driver.drive()

    @workflow.update(name=names.MATTER_UPDATE)
    async def act(self, act: AnyFilingAct) -> MatterDone:
        """Somebody does something; answered when it is on record."""
        return await self._driver.act(act)

    @act.validator
    def _check(self, act: AnyFilingAct) -> None:
        self._driver.check(act)

    @workflow.signal(name=names.MATTER_SIGNAL)
    def told(self, act: AnyFilingAct) -> None:
        """Another matter of the house says something."""
        self._driver.told(act)
