"""A case that is moved to another version at any moment of any course, and back: the rules of world.py hold on.

Whatever happens to a case in test_process_machine.py happens here, too; now and then its definition changes.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import precondition, rule

from domain.case import SETTLED, StepStatus
from domain.errors import ERRORS
from domain.invariants import audit_matches_state, chain_verifies, deadlines_are_right, path_is_allowed, pinned_as_told
from domain.plan import CasePlan
from domain.process import migration
from domain.process.successor import in_force
from domain.process.view import view
from domain.record import CaseView
from tests.unit.successors import move, mutations, version
from tests.unit.test_invariants import file_of
from tests.unit.test_process_machine import CaseMachine

_CHECKS = (audit_matches_state, pinned_as_told, chain_verifies, path_is_allowed, deadlines_are_right)


class MovingMachine(CaseMachine):
    """``moves``: how often it was moved."""

    def __init__(self) -> None:
        super().__init__()
        self.moves = 0

    @precondition(lambda self: not self.world.closed)
    @rule(mutate=mutations())
    def the_case_is_moved_to_another_version(self, mutate: Callable[[CasePlan], CasePlan]) -> None:
        self._move(mutate(self.world.plan))

    @precondition(lambda self: not self.world.closed)
    @rule()
    def the_same_version_under_another_number_changes_nothing(self) -> None:
        world = self.world
        if world.process.state.closing is not None:
            return
        same = version(in_force(world.plan, view(world.process, world.now)), "3")
        before = world.process.state.model_dump(exclude={"commands", "recorded", "steps"})
        assert self._move(same)
        after = world.process.state.model_dump(exclude={"commands", "recorded", "steps"})
        assert after == before, {k: (before[k], after[k]) for k in after if after[k] != before[k]}

    def _move(self, new: CasePlan) -> bool:
        world = self.world
        old, begun = world.plan, self._begun()
        shown = view(world.process, world.now)
        read = CaseView.model_validate_json(shown.model_dump_json())
        blocks = migration.check(old, read, new)  # as a dry run finds it on record
        assert all(block.code in ERRORS for block in blocks)
        self.moves += 1
        refusal = move(world, new, f"r{self.moves}")
        if world.process.state.closing is not None and old is world.plan:
            assert blocks
            assert refusal == "case_closed"
            return False
        assert refusal == (blocks[0].code if blocks else None)
        if refusal is not None:
            assert world.plan == old
            return False
        for name, status in begun.items():
            now = world.step(name)
            assert now is status or status not in SETTLED or now in {StepStatus.REVERSING, StepStatus.REVERSED}
        assert {s.id for s in world.plan.steps} == set(world.process.state.steps) == {s.id for s in new.steps}
        return True

    def _begun(self) -> dict[str, StepStatus]:
        return {i: s.status for i, s in self.world.process.state.steps.items() if s.status is not StepStatus.WAITING}

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "world") and self.world.sound:
            world = self.world
            found = [what for check in _CHECKS for what in check(file_of(world), world.now, world.process.calendar)]
            assert found == []


MovingMachine.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=35,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestCase = MovingMachine.TestCase
