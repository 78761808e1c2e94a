"""共同申请: a submission counts once every co-signer has confirmed; one who declines ends it."""

from __future__ import annotations

from domain.case import CaseStatus
from domain.messages import Actor, Role
from domain.process import CosignCommand, Intake
from tests.law.people import types, until
from tests.unit.law_plans import PERMIT, SIGNERS
from tests.unit.world import World


def sign(world: World, who: str, *, agree: bool = True) -> str | None:
    actor = Actor(subject=who, role=Role.CITIZEN)
    return world.order(CosignCommand(id=f"{who}-{agree}-{len(world.orders)}", actor=actor, agree=agree))


def test_nothing_opens_and_no_clock_runs_before_the_last_signature() -> None:
    world = World(PERMIT, intake=Intake(signers=SIGNERS))
    assert world.path == [CaseStatus.SUBMITTED]
    assert world.process.state.clocks == {}
    assert world.batches[-1].view.waiting[0].why == "signature"
    assert sign(world, SIGNERS[0]) is None
    assert world.path == [CaseStatus.SUBMITTED]
    until(world, "2026-11-27")
    assert sign(world, SIGNERS[1]) is None
    assert world.status is CaseStatus.RECEIVED
    assert str(world.process.state.received_on) == "2026-11-27"  # receipt counts from the last signature


def test_only_who_was_named_signs_and_once() -> None:
    world = World(PERMIT, intake=Intake(signers=SIGNERS))
    assert sign(world, "c-1") == "not_found"
    assert sign(world, SIGNERS[0]) is None
    assert sign(world, SIGNERS[0]) == "already_signed"
    assert sign(world, SIGNERS[0], agree=False) == "already_signed"


def test_one_who_declines_ends_it() -> None:
    world = World(PERMIT, intake=Intake(signers=SIGNERS))
    assert sign(world, SIGNERS[0]) is None
    assert sign(world, SIGNERS[1], agree=False) is None
    assert world.status is CaseStatus.TERMINATED
    assert world.process.state.reason == "cosigner_declined"
    assert "case:cosigner:declined" in types(world)
