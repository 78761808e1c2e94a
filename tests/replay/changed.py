"""The case workflow with one more call at its start: what nobody may do to running cases."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import names
    from domain.start import StartCase
    from workflows.case import CaseWorkflow


@workflow.defn(name=names.CASE_WORKFLOW)
class ChangedWorkflow(CaseWorkflow):
    @workflow.init
    def __init__(self, start: StartCase) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: StartCase) -> None:
        await workflow.sleep(1)
        await super().run(start)
