"""A stay in hospital and a visit: driven by the rules of domain.medical.treatment.

Two names for one class of workflow, so that they can be told apart wherever workflows are listed.
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import names
    from domain.medical import MatterDone, MatterKind
    from domain.medical.treatment import Treatment
    from domain.medical.treatment_words import AnyTreatmentAct, StartTreatment
    from workflows.matters import Driver


@workflow.defn(name=names.MATTER_WORKFLOW[MatterKind.STAY])
class StayWorkflow:
    """One stay. Workflow id = its number."""

    @workflow.init
    def __init__(self, start: StartTreatment) -> None:
        """Ready before any handler runs."""
        treatment = Treatment(start, workflow.now())
        treatment.begin(workflow.now())
        self._driver: Driver[AnyTreatmentAct] = Driver(treatment)

    @workflow.run
    async def run(self, start: StartTreatment) -> None:
        """Until it is settled for good, paid in full, or cancelled."""
        await self._driver.drive()

    @workflow.update(name=names.MATTER_UPDATE)
    async def act(self, act: AnyTreatmentAct) -> MatterDone:
        """The institution does something: fees, discharge, settlement, its undoing."""
        return await self._driver.act(act)

    @act.validator
    def _check(self, act: AnyTreatmentAct) -> None:
        self._driver.check(act)


@workflow.defn(name=names.MATTER_WORKFLOW[MatterKind.VISIT])
class VisitWorkflow:
    """One outpatient visit. Workflow id = its number."""

    @workflow.init
    def __init__(self, start: StartTreatment) -> None:
        """Ready before any handler runs."""
        treatment = Treatment(start, workflow.now())
        treatment.begin(workflow.now())
        self._driver: Driver[AnyTreatmentAct] = Driver(treatment)

    @workflow.run
    async def run(self, start: StartTreatment) -> None:
        """Until it is settled for good, paid in full, or cancelled."""
        await self._driver.drive()

    @workflow.update(name=names.MATTER_UPDATE)
    async def act(self, act: AnyTreatmentAct) -> MatterDone:
        """The institution does something: fees, settlement, its undoing."""
        return await self._driver.act(act)

    @act.validator
    def _check(self, act: AnyTreatmentAct) -> None:
        self._driver.check(act)
