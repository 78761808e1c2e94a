"""缴费: ordered when everything else is ready, paid by callback, given back at the ends that say so."""

from __future__ import annotations

import pytest

from domain.case import CaseStatus, StepStatus
from domain.plan import Ending, StepKind
from domain.record import Who
from tests.law.people import types
from tests.unit.law_plans import ACCEPT, law_plan, law_step
from tests.unit.receiver import PENDING
from tests.unit.world import World, finish


def ordered(*refund_on: Ending) -> World:
    world = World(
        law_plan(
            ACCEPT,
            law_step("fee", StepKind.FEE, ("accept",), refund_on=refund_on),
            law_step("decide", StepKind.DECIDE, ("fee",)),
        )
    )
    world.accept()
    world.answer(world.flight("fee"), PENDING)
    return world


def test_until_it_is_paid_the_applicant_has_the_ball() -> None:
    world = ordered()
    first = world.batches[-1].view.waiting[0]
    assert (first.who, first.why, first.step) == (Who.APPLICANT, "fee", "fee")
    assert world.step("decide") is StepStatus.WAITING
    world.complete(world.receiver.pending()[0])
    assert world.step("decide") is StepStatus.TASK


@pytest.mark.parametrize(("refund_on", "net"), [((Ending.DECIDED_REFUSED,), 0), ((Ending.WITHDRAWN,), 1), ((), 1)])
def test_on_refusal_it_is_given_back_where_that_is_declared(refund_on: tuple[Ending, ...], net: int) -> None:
    world = ordered(*refund_on)
    world.complete(world.receiver.pending()[0])
    assert world.decide(world.task("decide"), "refuse") is None
    finish_without_check(world)
    assert world.status is CaseStatus.DECIDED_REFUSED
    assert world.receiver.net("fee") == net
    assert ("fee:kept" in types(world)) == bool(net)


def test_an_unpaid_order_is_always_cancelled() -> None:
    world = ordered()
    assert world.withdraw() is None
    finish(world)
    assert world.status is CaseStatus.WITHDRAWN
    assert world.receiver.net("fee") == 0


def finish_without_check(world: World) -> None:
    while world.flights:
        world.answer(world.flights[0])
