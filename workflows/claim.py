"""A claim for manual reimbursement: driven by the rules of domain.medical.claim."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import names
    from domain.medical import MatterDone, MatterKind
    from domain.medical.claim import AnyClaimAct, Claim, StartClaim
    from workflows.matters import Driver


@workflow.defn(name=names.MATTER_WORKFLOW[MatterKind.CLAIM])
class ClaimWorkflow:
    """One claim. Workflow id = its number."""

    @workflow.init
    def __init__(self, start: StartClaim) -> None:
        """Ready before any handler runs."""
        self._driver: Driver[AnyClaimAct] = Driver(Claim(start, workflow.now()))

    @workflow.run
    async def run(self, start: StartClaim) -> None:
        """Until it is paid, rejected or withdrawn."""
        await self._driver.drive()

    @workflow.update(name=names.MATTER_UPDATE)
    async def act(self, act: AnyClaimAct) -> MatterDone:
        """Submitted, decided, paid, withdrawn; or its bill was cancelled."""
        return await self._driver.act(act)

    @act.validator
    def _check(self, act: AnyClaimAct) -> None:
        self._driver.check(act)
