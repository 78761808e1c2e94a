"""ReferralWorkflow: drives one referral, from the referral to what became of the patient.

It decides nothing itself; ``domain.medical.referral`` does.
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import names
    from domain.medical import MatterDone
    from domain.medical.referral import AnyReferralAct, ReferralCourse, ReferralStart
    from workflows.matters import Driver


@workflow.defn(name=names.MATTER_WORKFLOW["referral"])
class ReferralWorkflow:
    """One referral. Its workflow id is its number."""

    @workflow.init
    def __init__(self, start: ReferralStart) -> None:
        """Ready before any handler runs."""
        self._course = ReferralCourse(start, workflow.now())
        self._driver: Driver[AnyReferralAct] = Driver(self._course)

    @workflow.run
    async def run(self, start: ReferralStart) -> None:
        """Until it is over and on record."""
        await self._driver.drive()

    @workflow.update(name=names.MATTER_UPDATE)
    async def act(self, act: AnyReferralAct) -> MatterDone:
        """Somebody does something; answered when it is on record."""
        return await self._driver.act(act)

    @act.validator
    def _check(self, act: AnyReferralAct) -> None:
        self._driver.check(act)

    @workflow.signal(name=names.MATTER_SIGNAL)
    def told(self, act: AnyReferralAct) -> None:
        """Another matter of the house says something."""
        self._driver.told(act)
