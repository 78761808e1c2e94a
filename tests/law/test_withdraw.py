"""撤回: until a decision has been made; what took effect is undone last-in first-out, and the proof is kept."""

from __future__ import annotations

import pytest

from domain.case import CaseStatus, StepStatus
from domain.effects import Verb
from domain.plan import CasePlan
from domain.process import Intake
from tests.law.people import ask, events, types
from tests.unit.law_plans import BY_LAW, PERMIT, SIGNERS
from tests.unit.world import World, finish


def test_what_took_effect_is_undone_and_proved() -> None:
    world = World(PERMIT)
    world.accept()
    world.answer(world.flight("effect"))
    assert world.withdraw() is None
    assert world.path[-1] is CaseStatus.REVERSING
    flight = world.flight("effect")
    assert flight.call.verb is Verb.REVERSE
    world.answer(flight)
    assert world.status is CaseStatus.WITHDRAWN
    assert world.step("effect") is StepStatus.REVERSED
    assert world.receiver.net("effect") == 0
    assert "effect:reverse:accepted" in types(world)


def test_an_open_notice_does_not_hold_a_withdrawal_back() -> None:
    world = World(PERMIT)
    assert ask(world, "material:deed") is None
    assert world.withdraw() is None
    assert world.status is CaseStatus.WITHDRAWN
    assert [s.status for s in world.process.state.supplements.values()] == ["cancelled"]


def test_who_waits_for_a_cosigner_can_withdraw() -> None:
    world = World(PERMIT, intake=Intake(signers=SIGNERS))
    assert world.path == [CaseStatus.SUBMITTED]
    assert world.withdraw() is None
    assert world.status is CaseStatus.WITHDRAWN


@pytest.mark.parametrize("plan", BY_LAW)
def test_withdrawn_at_any_moment_nothing_is_left_standing(plan: CasePlan) -> None:
    moments = 0
    while True:
        world = World(plan)
        _go(world, moments)
        if world.closed:
            break
        refusal = world.withdraw()
        finish(world)
        if refusal is None:
            assert world.status is CaseStatus.WITHDRAWN
            standing = [s.id for s in plan.steps if s.compensate_with and world.receiver.net(s.id)]
            kept = {event.step for event in events(world) if event.type == "fee:kept"}
            assert set(standing) <= kept
        moments += 1
    assert moments >= 5


def _go(world: World, acts: int) -> None:
    """Everybody agrees, so many acts long."""
    for _ in range(acts):
        state = world.process.state
        missing = [name for name, stage in state.originals.items() if stage not in {"arrived", "archived"}]
        if world.closed:
            return
        if world.flights:
            world.answer(world.flights[0])
        elif missing:
            world.carry(missing[0])
        elif state.tasks:
            task = next(iter(state.tasks))
            world.decide(task, state.tasks[task].outcomes[0])
        else:
            world.pass_time()
