"""RecognitionWorkflow: drives one recognition of examinations and tests by ``domain.medical.recognition``."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import names
    from domain.medical import MatterDone, MatterKind
    from domain.medical.recognition import RecognitionAct, RecognitionCourse, RecognitionStart
    from workflows.matters import Driver


@workflow.defn(name=names.MATTER_WORKFLOW[MatterKind.RECOGNITION])
class RecognitionWorkflow:
    """One recognition. Workflow id = its number."""

    @workflow.init
    def __init__(self, start: RecognitionStart) -> None:
        """Ready before any handler runs."""
        course = RecognitionCourse(start, workflow.now())
        course.begin(workflow.now())
        self._driver: Driver[RecognitionAct] = Driver(course)

    @workflow.run
    async def run(self, start: RecognitionStart) -> None:
        """Until it is over and on record."""
        await self._driver.drive()

    @workflow.update(name=names.MATTER_UPDATE)
    async def act(self, act: RecognitionAct) -> MatterDone:
        """Somebody consents, decides, acknowledges …; answered when it is on record."""
        return await self._driver.act(act)

    @act.validator
    def _check(self, act: RecognitionAct) -> None:
        self._driver.check(act)
