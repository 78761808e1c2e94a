"""容缺受理 and 告知承诺: promised at submission, due from acceptance, broken with the declared consequence."""

from __future__ import annotations

from domain.case import CaseStatus
from domain.plan import CasePlan, OnBroken, StepKind, Tolerance
from domain.process import Intake
from domain.record import TaskKind, Who
from tests.law.people import hand_in, types, until
from tests.unit.law_plans import ACCEPT, law_plan, law_step, material
from tests.unit.world import World


def plan(tolerance: Tolerance, on_broken: OnBroken) -> CasePlan:
    return law_plan(
        ACCEPT, law_step("effect", StepKind.EFFECT, ("accept",)), materials=(material("later", tolerance, on_broken),)
    )


def promised(tolerance: Tolerance, on_broken: OnBroken = OnBroken.TASK) -> World:
    world = World(plan(tolerance, on_broken), intake=Intake(promised=("later",)))
    world.accept()
    return world


def task(world: World, kind: TaskKind) -> str:
    return next(i for i, t in world.process.state.tasks.items() if t.kind is kind)


def test_the_limit_runs_from_acceptance_not_from_submission() -> None:
    world = World(plan(Tolerance.DEFERRABLE, OnBroken.TASK), intake=Intake(promised=("later",)))
    assert world.process.state.promises["later"].due is None
    until(world, "2026-11-26")
    world.accept()
    assert str(world.process.state.promises["later"].due) == "2026-12-10"


def test_handed_in_on_the_last_day_it_is_kept() -> None:
    world = promised(Tolerance.DEFERRABLE)
    until(world, "2026-12-07", hour=23)
    assert hand_in(world, "later") is None
    assert world.process.state.promises["later"].status == "kept"
    assert hand_in(world, "later") == "promise_settled"
    assert hand_in(world, "other") == "not_found"


def test_the_case_stays_open_for_what_is_still_owed_and_the_applicant_has_the_ball() -> None:
    world = promised(Tolerance.DEFERRABLE)
    world.answer(world.flight("effect"))
    assert not world.closed
    first = world.batches[-1].view.waiting[0]
    assert (first.who, first.why) == (Who.APPLICANT, "promise")
    assert hand_in(world, "later") is None
    assert world.status is CaseStatus.COMPLETED


def test_broken_where_it_was_declared_so_the_acceptance_is_revoked_and_everything_undone() -> None:
    world = promised(Tolerance.DEFERRABLE, OnBroken.TERMINATE)
    world.answer(world.flight("effect"))
    until(world, "2026-12-08", hour=1)
    assert world.process.state.reason == "promise_broken"
    world.answer(world.flight("effect"))
    assert world.status is CaseStatus.TERMINATED
    assert world.receiver.net("effect") == 0


def test_broken_where_a_person_decides_it_may_be_excused() -> None:
    for outcome, end in (("excused", None), ("terminate", "promise_broken")):
        world = promised(Tolerance.DEFERRABLE)
        until(world, "2026-12-08", hour=1)
        assert world.decide(task(world, TaskKind.PROMISE), outcome) is None
        assert world.process.state.reason == (end or "")


def test_a_commitment_is_verified_by_a_caseworker_and_a_false_one_has_its_consequence() -> None:
    world = promised(Tolerance.COMMITMENT, OnBroken.TERMINATE)
    assert world.decide(task(world, TaskKind.PROMISE), "broken") is None
    assert world.process.state.reason == "promise_broken"
    kept = promised(Tolerance.COMMITMENT)
    assert hand_in(kept, "later") is None  # the proof came; a person still looks at it
    assert kept.process.state.promises["later"].status == "open"
    assert kept.decide(task(kept, TaskKind.PROMISE), "kept") is None
    kept.answer(kept.flight("effect"))
    assert kept.status is CaseStatus.COMPLETED


def test_a_commitment_that_nobody_verifies_is_a_supervisors_business() -> None:
    world = promised(Tolerance.COMMITMENT)
    until(world, "2026-12-08", hour=1)
    assert "promise:unverified" in types(world)
    assert task(world, TaskKind.SUPERVISE)
    assert world.decide(task(world, TaskKind.PROMISE), "kept") is None
