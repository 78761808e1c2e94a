"""A running case and a new version of its definition: what may be moved, what may not and why, and what it becomes."""

from __future__ import annotations

import pytest

from domain.case import CaseStatus, StepStatus
from domain.effects import Verb
from domain.errors import ERRORS
from domain.messages import Actor, Place, Role
from domain.plan import CaseLeg, CasePlan, Ending, OnBroken, OnRejected, Partial, Policy, StepKind, Tolerance
from domain.process import Intake, MigrateCommand, OutcomeStatus, TransferCommand
from domain.process.migration import Block, check
from domain.process.successor import differs, in_force, successor
from domain.process.view import view
from domain.record import TaskKind
from tests.law.people import CLERK, ask, events, hand_in, legal_due, open_notice, types, until
from tests.unit.law_plans import (
    ACCEPT,
    COLLECTING,
    PERMIT,
    in_legs,
    law_clock,
    law_plan,
    law_step,
    limit,
    material,
)
from tests.unit.plans import HERE, LIBRARY, LICENCE_TYPE, THERE
from tests.unit.receiver import ACCEPTED, PENDING, REJECTED
from tests.unit.successors import between, move, order, version, with_step, without
from tests.unit.world import World, finish

ELSEWHERE = Place(region="330100", department="tax")
FAN_IN = law_plan(
    ACCEPT,
    *(law_step(name, StepKind.EFFECT, ("accept",), name) for name in ("anhui", "shanghai", "zhejiang")),
    law_step("register", StepKind.EFFECT, ("anhui", "shanghai", "zhejiang")),
    law_step("archive", StepKind.ARCHIVE, ("register",)),
    legs=("l", "anhui", "shanghai", "zhejiang"),
    clocks=(),
)


def blocks(world: World, new: CasePlan) -> tuple[Block, ...]:
    """As a dry run finds them."""
    return check(world.plan, view(world.process, world.now), new)


def codes(world: World, new: CasePlan) -> list[tuple[str, str]]:
    return [(block.code, block.step) for block in blocks(world, new)]


def accepted(plan: CasePlan = PERMIT) -> World:
    world = World(plan)
    world.accept()
    return world


def fanned_out() -> World:
    """Anhui has acted, Shanghai is working on it, Zhejiang has not answered."""
    world = accepted(FAN_IN)
    world.answer(world.flight("anhui"))
    world.answer(world.flight("shanghai"), PENDING)
    return world


# what keeps a case where it is


def test_a_step_that_has_begun_may_not_be_removed_one_that_waits_may() -> None:
    world = accepted()
    for name in ("accept", "effect", "check"):
        assert ("migration_step_removed", name) in codes(world, without(PERMIT, name))
    assert codes(world, without(PERMIT, "certificate")) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"leg": "other"}, "another leg"),
        ({"role": "elsewhere"}, "another role"),
        ({"place": ELSEWHERE}, "another place"),
        ({"kind": StepKind.VERIFY}, "another kind"),
    ],
)
def test_a_step_that_has_begun_stays_in_its_leg_and_place_and_of_its_kind(change: dict[str, object], said: str) -> None:
    world = accepted()
    (block,) = blocks(world, with_step(PERMIT, "check", **change))
    assert (block.code, block.step) == ("migration_step_changed", "check")
    assert said in block.text.en
    assert "已开始" in block.text.zh
    assert codes(world, with_step(PERMIT, "decide", **change)) == []


@pytest.mark.parametrize(
    "change", [{"operation": "other"}, {"compensate_with": "other"}, {"licence_type": LICENCE_TYPE}]
)
@pytest.mark.parametrize("answer", ["none", "pending", "accepted", "unusable"])
def test_what_a_province_was_asked_for_stays_as_it_was_asked(change: dict[str, object], answer: str) -> None:
    world = accepted()
    if answer == "unusable":
        world.fail(world.flight("effect"), OutcomeStatus.UNUSABLE)
    elif answer != "none":
        world.answer(world.flight("effect"), PENDING if answer == "pending" else ACCEPTED)
    assert codes(world, with_step(PERMIT, "effect", **change)) == [("migration_call_changed", "effect")]
    assert codes(world, with_step(PERMIT, "certificate", **change)) == []


def test_what_was_definitely_refused_may_be_asked_for_in_another_way() -> None:
    plan = with_step(PERMIT, "effect", on_rejected=OnRejected.RESOLVE)
    world = accepted(plan)
    world.answer(world.flight("effect"), REJECTED)
    new = with_step(plan, "effect", operation="effect_new", compensate_with="effect_back", send={"x": "=1"})
    assert move(world, new) is None
    world.decide(world.task("effect"), "retry")
    call = world.flight("effect").call
    assert (call.operation, dict(call.send)) == ("effect_new", {"x": "=1"})
    assert [u.operation for u in world.process.state.undo] == ["effect_back"]


def test_nothing_unfinished_is_put_before_a_step_that_has_begun() -> None:
    world = accepted()
    new = between(PERMIT, law_step("preview", StepKind.REVIEW, ("accept",)), "effect")
    (block,) = blocks(world, new)
    assert (block.code, block.step) == ("migration_step_before", "preview")
    assert "preview would come before effect, which has begun" in block.text.en
    world.answer(world.flight("effect"))
    assert codes(world, new) == [("migration_step_before", "preview")], "also if it is done by now"


def test_not_even_at_a_distance() -> None:
    plan = between(PERMIT, law_step("first", StepKind.EFFECT, ("accept",)), "effect")
    world = accepted(plan)
    world.answer(world.flight("first"))
    new = between(plan, law_step("zero", StepKind.REVIEW, ("accept",)), "first")
    assert codes(world, new) == [("migration_step_before", "zero")]


def test_a_step_that_has_begun_gets_no_new_need_unless_it_is_done() -> None:
    world = accepted()
    assert codes(world, with_step(PERMIT, "check", needs=("accept", "effect"))) == [("migration_step_before", "effect")]
    world.answer(world.flight("effect"))
    assert codes(world, with_step(PERMIT, "check", needs=("accept", "effect"))) == []


def test_legs_that_become_ordered_are_an_order_too() -> None:
    world = accepted(in_legs(Policy.BEST_EFFORT))
    ordered = version(world.plan, partial=in_legs(Policy.ORDERED).partial)
    assert {code for code, _ in codes(world, ordered)} == {"migration_step_before"}
    assert codes(accepted(in_legs(Policy.ORDERED)), version(in_legs(Policy.ORDERED))) == []


def test_a_case_that_is_ending_or_has_ended_is_not_moved() -> None:
    world = accepted()
    new = without(PERMIT, "certificate")
    world.answer(world.flight("effect"))
    assert world.withdraw() is None
    assert codes(world, new) == [("migration_ending", "")]
    assert move(world, new) == "case_closed"
    finish(world)
    assert codes(world, new) == [("migration_ending", "")]


def test_the_engine_the_service_and_who_answers_for_the_case_are_the_same() -> None:
    world = accepted()
    assert codes(world, version(PERMIT).model_copy(update={"engine": "1"})) == [("migration_engine", "")]
    assert codes(world, version(PERMIT, code="OTHER")) == [("migration_service", "")]
    assert codes(world, version(PERMIT, accepting=ELSEWHERE)) == [("migration_place", "")]


def test_who_has_sealed_an_original_goes_on_with_it() -> None:
    plan = law_plan(ACCEPT, law_step("archive", StepKind.ARCHIVE, ("accept",)),
                    materials=(material("paper", Tolerance.CORE, original=True),), collecting=COLLECTING)  # fmt: skip
    world = World(plan)
    new = version(plan, collecting=ELSEWHERE)
    assert codes(world, new) == []
    assert world.carry("paper") is None
    assert codes(world, new) == [("migration_place", "")]


def test_a_part_that_has_failed_stays_failed_by_its_own_rule() -> None:
    plan = in_legs(Policy.BEST_EFFORT)
    world = accepted(plan)
    new = version(plan, partial=Partial(policy=Policy.QUORUM, quorum=4))
    assert codes(world, new) == []
    world.answer(world.flight("a1"), REJECTED)
    assert codes(world, new) == [("migration_partial", "a1")]


def test_a_case_that_was_granted_gets_no_second_decision() -> None:
    world = accepted()
    world.answer(world.flight("effect"))
    new = between(PERMIT, law_step("again", StepKind.DECIDE, ("check",)), "certificate")
    assert codes(world, new) == []
    assert world.decide(world.task("check"), "pass") is None
    assert world.decide(world.task("decide"), "grant") is None
    assert ("migration_decided", "again") in codes(world, new)


def test_every_reason_is_named_at_once_and_has_its_words() -> None:
    world = accepted()
    new = with_step(without(PERMIT, "check"), "effect", operation="other", place=ELSEWHERE)
    found = blocks(world, new)
    assert [b.code for b in found] == ["migration_step_removed", "migration_step_changed", "migration_call_changed"]
    assert all(b.code in ERRORS and b.text.zh and b.text.en for b in found)


# the order


def test_only_an_operator_moves_cases() -> None:
    new = without(PERMIT, "certificate")
    for role in Role:
        asked = order(PERMIT, new).model_copy(update={"actor": Actor(subject="x", role=role, region=HERE.region)})
        refusal = accepted().order(asked)
        assert refusal == (None if role in {Role.OPERATOR, Role.SYSTEM} else "not_found")


def test_a_case_that_is_pinned_to_another_version_by_now_is_not_moved() -> None:
    world = accepted()
    first, second = version(PERMIT, "2"), version(PERMIT, "3")
    assert move(world, first) is None
    assert world.order(order(PERMIT, second)) == "migration_stale"


def test_the_same_order_again_changes_nothing() -> None:
    world = accepted()
    asked = order(PERMIT, without(PERMIT, "certificate"))
    assert world.order(asked) is None
    before = world.process.state.model_dump_json()
    assert world.order(asked) is None
    assert world.process.state.model_dump_json() == before
    assert types(world).count("case:migrated") == 1


def test_the_trail_tells_from_what_to_what_and_in_which_run() -> None:
    world = accepted()
    new = without(PERMIT, "certificate")
    assert move(world, new, "r7") is None
    (told,) = [e for e in events(world) if e.type == "case:migrated"]
    assert (told.data["from"], told.data["to"], told.data["run"]) == (PERMIT.version, "2", "r7")
    assert (told.data["from_digest"], told.data["to_digest"]) == (PERMIT.plan_digest, new.plan_digest)
    assert (told.data["added"], told.data["removed"], told.actor.role) == ("", "certificate", Role.OPERATOR)
    (batch,) = [b for b in world.batches if b.plan]
    assert batch.plan == world.plan
    assert {s.id for s in batch.view.steps} == {s.id for s in world.plan.steps}


# what it becomes


def test_what_waits_is_the_new_versions_what_has_begun_stays_as_it_was_begun() -> None:
    world = accepted()
    new = with_step(PERMIT, "effect", send={"more": "=1"}, refund_on=(Ending.WITHDRAWN,), on_rejected=OnRejected.REFUSE)
    new = with_step(new, "certificate", operation="certificate_new")
    assert move(world, new) is None
    steps = world.process.steps
    assert (dict(steps["effect"].send), steps["effect"].refund_on) == ({}, ())
    assert steps["effect"].on_rejected is OnRejected.REFUSE, "what a no leads to has not begun"
    assert steps["certificate"].operation == "certificate_new"
    world.answer(world.flight("effect"))
    world.decide(world.task("check"), "pass")
    world.decide(world.task("decide"), "grant")
    assert world.flight("certificate").call.operation == "certificate_new"
    finish(world)


def test_a_step_that_is_added_is_carried_out_and_one_that_waited_may_be_left_out() -> None:
    world = accepted()
    new = between(without(PERMIT, "certificate"), law_step("second", StepKind.REVIEW, ("check",)), "decide")
    assert move(world, new) is None
    world.answer(world.flight("effect"))
    world.decide(world.task("check"), "pass")
    assert world.step("decide") is StepStatus.WAITING
    world.decide(world.task("second"), "pass")
    world.decide(world.task("decide"), "grant")
    assert world.status is CaseStatus.COMPLETED
    assert "certificate" not in world.process.state.steps


def test_a_decision_that_is_not_wanted_any_more_may_have_been_the_last() -> None:
    plan = between(PERMIT, law_step("again", StepKind.DECIDE, ("decide",)), "certificate")
    plan = version(plan, clocks=(law_clock("issue", "decided", "certificate.done"),))
    world = accepted(plan)
    world.answer(world.flight("effect"))
    world.decide(world.task("check"), "pass")
    shown = between(plan, law_step("display", StepKind.PUBLICITY, ("decide",)), "again")
    assert move(world, shown) is None
    world.decide(world.task("decide"), "grant")
    assert world.step("again") is StepStatus.WAITING
    assert move(world, without(shown, "again"), "r2") is None
    assert world.status is CaseStatus.DECIDED_GRANTED
    assert world.process.state.clocks["issue"].stopped_at is None


def test_what_is_left_out_is_not_waited_for() -> None:
    verify, slow = law_step("verify", StepKind.VERIFY, ("accept",)), law_step("slow", StepKind.WINDOW, ("verify",))
    world = accepted(law_plan(ACCEPT, verify, slow, clocks=()))
    assert move(world, version(law_plan(ACCEPT, verify, clocks=()))) is None
    world.decide(world.task("verify"), "confirm")
    assert world.status is CaseStatus.COMPLETED
    assert [s.id for s in world.plan.steps] == ["accept", "verify"]


def test_what_the_applicant_reads_never_goes_backwards() -> None:
    world = accepted()
    status = world.status
    for number, new in enumerate((without(PERMIT, "certificate"), version(PERMIT, "3"), without(PERMIT, "decide"))):
        assert move(world, new, f"r{number}") is None
        assert world.status is status


# fan-in: a step that needs several provinces, some of which have acted


def test_a_step_that_waits_for_several_provinces_opens_once_with_one_province_more() -> None:
    world = fanned_out()
    jiangsu = law_step("jiangsu", StepKind.EFFECT, ("accept",), "jiangsu")
    new = between(FAN_IN, jiangsu, "register")
    new = version(new, legs=(*new.legs, CaseLeg(id="jiangsu", title=jiangsu.title, place=THERE)))
    assert move(world, new) is None
    assert world.step("jiangsu") is StepStatus.CALLING, "it opens at once: what it needs is done"
    world.complete(world.receiver.pending()[0])
    world.answer(world.flight("zhejiang"))
    assert world.step("register") is StepStatus.WAITING
    world.answer(world.flight("jiangsu"))
    assert [f.call.verb for f in world.flights if f.call.step == "register"] == [Verb.SUBMIT]
    finish(world)
    assert {name: world.receiver.net(name) for name in ("anhui", "shanghai", "zhejiang", "jiangsu", "register")} == (
        dict.fromkeys(("anhui", "shanghai", "zhejiang", "jiangsu", "register"), 1)
    )
    asked = [e.step for e in events(world) if e.type == "effect:submit:asked"]
    assert sorted(asked) == sorted(set(asked)), "nothing was asked for twice"


def test_it_opens_at_once_when_all_that_it_still_needs_is_done_and_not_again_when_the_others_answer() -> None:
    world = fanned_out()
    assert move(world, with_step(FAN_IN, "register", needs=("anhui",))) is None
    assert world.step("register") is StepStatus.CALLING
    world.complete(world.receiver.pending()[0])
    world.answer(world.flight("zhejiang"))
    assert len([f for f in world.flights if f.call.step == "register"]) == 1
    finish(world)
    assert world.receiver.net("register") == 1


def test_a_province_that_has_been_asked_cannot_be_left_out() -> None:
    world = fanned_out()
    for name in ("anhui", "shanghai", "zhejiang"):
        assert ("migration_step_removed", name) in codes(world, without(FAN_IN, name))


def test_moved_between_two_answers_and_back_every_province_has_acted_once() -> None:
    world = fanned_out()
    there = with_step(FAN_IN, "register", needs=("anhui", "shanghai"))
    back = version(FAN_IN, "3")
    assert move(world, there) is None
    assert move(world, back, "r2") is None
    world.answer(world.flight("zhejiang"))
    assert world.step("register") is StepStatus.WAITING
    world.complete(world.receiver.pending()[0])
    world.answer(world.flight("register"))
    finish(world)
    assert world.status is CaseStatus.COMPLETED
    assert [key for _, key, _ in world.receiver.ledger] == list(dict.fromkeys(k for _, k, _ in world.receiver.ledger))


# what was promised, asked for, handed over


PROMISING = law_plan(
    ACCEPT, law_step("decide", StepKind.DECIDE, ("accept",)), law_step("archive", StepKind.ARCHIVE, ("decide",)),
    materials=(material("later", Tolerance.DEFERRABLE, OnBroken.TERMINATE),
               material("paper", Tolerance.CORE, original=True), material("other", Tolerance.CORE, original=True)),
    clocks=(),
)  # fmt: skip


def test_a_promise_stays_what_was_promised_with_the_consequence_that_was_shown() -> None:
    world = World(PROMISING, intake=Intake(promised=("later",)))
    world.accept()
    before = world.process.state.promises["later"].due
    other = material("later", Tolerance.DEFERRABLE, OnBroken.TASK).model_copy(update={"due": limit(30)})
    for number, materials in enumerate(((other, *PROMISING.materials[1:]), PROMISING.materials[1:])):
        assert move(world, version(PROMISING, f"{number + 2}", materials=materials), f"r{number}") is None
        kept = next(m for m in world.plan.materials if m.id == "later")
        assert kept == PROMISING.materials[0]
        assert world.process.state.promises["later"].due == before
    assert hand_in(world, "later") is None


def test_paper_that_is_under_way_has_to_arrive_and_paper_nobody_wants_any_more_has_not() -> None:
    world = World(PROMISING)
    assert world.carry("paper") is None
    new = version(PROMISING, materials=(material("third", Tolerance.CORE, original=True),))
    assert move(world, new) is None
    assert world.process.state.originals == {"third": None, "paper": "sealed"}
    finish(world)


def test_an_open_notice_keeps_the_time_that_was_given_for_it() -> None:
    world = World(PERMIT)
    assert ask(world, "form:name") is None
    due = world.process.state.supplements[open_notice(world)].due
    assert move(world, version(PERMIT, reply=limit(3))) is None
    world.act(lambda p: p.recalendar(LIBRARY.calendar, world.now))
    assert world.process.state.supplements[open_notice(world)].due == due
    assert move(world, version(PERMIT, "3", reply=None), "r2") is None
    world.act(lambda p: p.recalendar(LIBRARY.calendar, world.now))
    assert world.process.state.supplements[open_notice(world)].due == due


def test_a_transferred_case_stays_transferred_with_what_the_new_version_adds() -> None:
    world = World(PERMIT)
    assert world.order(TransferCommand(id="t", actor=CLERK, region="320100")) is None
    agreed = next(i for i, t in world.process.state.tasks.items() if t.kind is TaskKind.TRANSFER)
    assert world.decide(agreed, "agree") is None
    new = between(PERMIT, law_step("second", StepKind.REVIEW, ("check",)), "decide")
    new = with_step(new, "certificate", place=ELSEWHERE)
    assert move(world, new) is None
    places = {name: step.place.region for name, step in world.process.steps.items()}
    assert (places["accept"], places["second"], places["decide"]) == ("320100", "320100", "320100")
    assert (places["effect"], places["certificate"]) == ("340100", "330100")


# whom it does not concern


def concerns(world: World, new: CasePlan) -> bool:
    shown = view(world.process, world.now)
    return differs(world.plan, shown, new, successor(world.plan, shown, new, world.process.calendar, world.now))


def test_a_case_is_unaffected_when_nothing_that_is_left_of_it_differs() -> None:
    world = accepted()
    assert not concerns(world, version(PERMIT))
    assert concerns(world, with_step(PERMIT, "decide", on_rejected=OnRejected.RESOLVE))
    assert not concerns(world, with_step(PERMIT, "accept", checklist=())), "what is over"
    early = next(c for c in PERMIT.clocks if c.id == "acceptance").model_copy(update={"legal": limit(1)})
    assert not concerns(world, version(PERMIT, clocks=(early, *PERMIT.clocks[1:]))), "a clock that has stopped"
    late = next(c for c in PERMIT.clocks if c.id == "decision").model_copy(update={"legal": limit(1)})
    assert concerns(world, version(PERMIT, clocks=(PERMIT.clocks[0], late)))
    assert not concerns(world, version(PERMIT, clocks=(*PERMIT.clocks, law_clock("old", "received", "accept.done"))))


def test_a_clock_that_was_dropped_is_no_part_of_the_version_a_case_goes_back_to() -> None:
    world = accepted()
    assert move(world, version(PERMIT, clocks=(PERMIT.clocks[0],))) is None
    shown = view(world.process, world.now)
    assert [c.id for c in in_force(world.plan, shown).clocks] == ["acceptance"]
    assert concerns(world, version(PERMIT, "3"))
    assert move(world, version(PERMIT, "3"), "r2") is None
    assert legal_due(world, "decision") == legal_due(accepted(), "decision")
    until(world, "2026-12-01")


def test_a_route_of_the_api_never_leads_to_it() -> None:
    from pathlib import Path

    root = Path(__file__).resolve().parents[2] / "api"
    naming = {f.name for f in root.rglob("*.py") if MigrateCommand.__name__ in f.read_text("utf-8")}
    assert naming == {"migrate.py"}
    using = {f.name for f in root.rglob("*.py") if "usecases.migrate" in f.read_text("utf-8")}
    assert using == set()
