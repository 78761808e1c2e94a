"""Which ends and turns a definition makes possible: small changes of shipped ones, and what follows from each."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.library import HERE
from catalogue.outcomes import Outcome, Turn, family, outcomes, shown_turns, turns
from catalogue.scenario import read_scenario
from catalogue.simulation import simulate
from domain.case import TERMINAL, CaseStatus
from domain.plan import OnBroken, OnExpiry, OnRejected, Partial, Plan, Policy, StepKind, Tolerance
from domain.reasons import REASONS
from tests.unit.plans import LIBRARY, MOVE

PLAN = LIBRARY.service(MOVE)
TERMINATED, REFUSED = CaseStatus.TERMINATED, CaseStatus.DECIDED_REFUSED


def with_step(plan: Plan, name: str, **changes: object) -> Plan:
    steps = (step.model_copy(update=changes) if step.id == name else step for step in plan.steps)
    return plan.model_copy(update={"steps": tuple(steps)})


def changed(plan: Plan, **changes: Any) -> Plan:
    return plan.model_copy(update=changes)


def ends(plan: Plan) -> set[tuple[str, str]]:
    return {(outcome.status.value, outcome.reason) for outcome in outcomes(plan)}


def undone(plan: Plan) -> set[str]:
    return {turn.about for turn in turns(plan) if turn.event == "effect:reverse:accepted"}


def test_the_company_move_can_end_in_seven_ways() -> None:
    assert ends(PLAN) == {
        ("completed", ""),
        ("not_accepted", "refused_at_accept"),
        ("decided_refused", "refused_at_decide"),
        ("withdrawn", "withdrawn"),
        ("terminated", "rejected_at"),
        ("terminated", "given_up_at"),
        ("terminated", "not_supplemented"),
    }
    assert undone(PLAN) == {"tax", "archive", "register"}  # a licence that is issued stays


@pytest.mark.parametrize("code", sorted(LIBRARY.services))
def test_every_end_is_a_terminal_status_with_a_reason_that_has_words(code: str) -> None:
    for outcome in outcomes(LIBRARY.service(code)):
        assert outcome.status in TERMINAL
        assert outcome.reason in {"", *REASONS}


def test_reasons_that_name_a_step_are_of_one_family() -> None:
    assert [family(reason) for reason in ("rejected_at_tax", "given_up_at_fee-plates", "deemed_refused_at_decide")] == [
        "rejected_at",
        "given_up_at",
        "deemed_refused_at",
    ]
    assert [family(reason) for reason in ("", "refused_at_accept", "partly_done")] == [
        "",
        "refused_at_accept",
        "partly_done",
    ]


def test_whoever_cannot_be_asked_to_supplement_cannot_fail_to() -> None:
    assert ("terminated", "not_supplemented") not in ends(changed(PLAN, supplement=None))


def test_a_no_leads_to_what_the_definition_says() -> None:
    only = [step for step in PLAN.steps if step.id not in {"archive", "register"}]
    plan = changed(PLAN, steps=tuple(only))
    for on_rejected, end in (
        (OnRejected.TERMINATE, ("terminated", "rejected_at")),
        (OnRejected.REFUSE, ("decided_refused", "rejected_at")),
        (OnRejected.RESOLVE, ("terminated", "given_up_at")),
    ):
        assert end in ends(with_step(plan, "tax", on_rejected=on_rejected))
    tolerant = with_step(plan, "tax", on_rejected=OnRejected.CONTINUE)
    assert not {("terminated", "rejected_at"), ("decided_refused", "rejected_at")} & ends(tolerant)


def test_a_register_without_an_entry_ends_nothing() -> None:
    evidence = tuple(step for step in PLAN.steps if step.kind is StepKind.EVIDENCE)
    assert ends(changed(PLAN, steps=evidence)) == {("completed", ""), ("withdrawn", "withdrawn")}


def test_a_limit_that_refuses_is_an_end_and_one_that_accepts_or_grants_is_a_turn() -> None:
    clocks = [clock.model_copy(update={"stop": "decide.done"}) for clock in PLAN.clocks if clock.id == "acceptance"]
    for on_expiry in (OnExpiry.DEEMED_GRANTED, OnExpiry.DEEMED_REFUSED):
        plan = changed(PLAN, clocks=tuple(clock.model_copy(update={"on_expiry": on_expiry}) for clock in clocks))
        assert Turn(event=f"case:{on_expiry}", about="decide") in turns(plan)
        refused = (REFUSED.value, "deemed_refused_at") in ends(plan)
        assert refused is (on_expiry is OnExpiry.DEEMED_REFUSED)
    assert Turn(event="case:deemed_accepted", about="accept") in turns(PLAN)


def test_what_may_be_promised_may_be_broken_and_then_everything_is_undone() -> None:
    for on_broken in OnBroken:
        deferrable = {"tolerance": Tolerance.DEFERRABLE, "on_broken": on_broken}
        materials = tuple(m.model_copy(update=deferrable) if m.id == "resolution" else m for m in PLAN.materials)
        plan = with_step(changed(PLAN, materials=materials), "licence", compensate_with="licence_revoke")
        assert ("terminated", "promise_broken") in ends(plan)
        assert undone(plan) == {"tax", "archive", "register", "licence"}
        excused = Turn(event="promise:excused", about="resolution") in turns(plan)
        assert excused is (on_broken is OnBroken.TASK)
    assert "licence" not in undone(with_step(PLAN, "licence", compensate_with="licence_revoke"))  # nothing comes after


def test_a_province_that_lets_a_material_be_promised_makes_the_promise_possible() -> None:
    birth = LIBRARY.service("YRD-BIRTH")
    base = tuple(m.model_copy(update={"tolerance": Tolerance.CORE}) for m in birth.materials)
    assert ("terminated", "promise_broken") not in ends(changed(birth, materials=base))
    overlays = tuple(
        overlay.model_copy(
            update={
                "materials": {
                    name: change.model_copy(update={"tolerance": Tolerance.DEFERRABLE})
                    for name, change in overlay.materials.items()
                }
            }
        )
        for overlay in birth.overlays
    )
    assert ("terminated", "promise_broken") in ends(changed(birth, materials=base, overlays=overlays))


def test_what_becomes_of_the_rest_when_a_leg_fails() -> None:
    def partial(policy: Policy, *essential: str, quorum: int = 0) -> set[tuple[str, str]]:
        return ends(changed(PLAN, partial=Partial(policy=policy, essential=essential, quorum=quorum)))

    assert ("completed", "partly_done") not in partial(Policy.ALL_OR_NOTHING)
    assert ("completed", "partly_done") in partial(Policy.BEST_EFFORT)
    # the decision at the destination needs tax and file: with them the essential leg is lost
    assert ("terminated", "quorum_missed") in partial(Policy.BEST_EFFORT, "destination")
    assert ("completed", "partly_done") not in partial(Policy.BEST_EFFORT, "destination")
    assert ("terminated", "quorum_missed") in partial(Policy.QUORUM, quorum=3)
    assert ("terminated", "quorum_missed") not in partial(Policy.QUORUM, quorum=2)  # two registers cannot fail
    # in order, the first leg's failure takes all the others along
    assert ("terminated", "nothing_done") in partial(Policy.ORDERED)
    assert ("terminated", "nothing_done") not in partial(Policy.BEST_EFFORT)


def test_nobody_can_withdraw_what_begins_with_the_certificate() -> None:
    certificate = next(step for step in PLAN.steps if step.kind is StepKind.CERTIFICATE)
    plan = changed(PLAN, steps=(certificate.model_copy(update={"needs": ()}),))
    assert Outcome(status=CaseStatus.WITHDRAWN, reason="withdrawn") not in outcomes(plan)


def test_a_fee_is_given_back_only_on_an_end_that_can_still_come() -> None:
    mortgage = LIBRARY.service("YRD-RE-MORT")
    assert {"fee-residential", "fee-commercial"} <= undone(mortgage)
    kept = tuple(fee.model_copy(update={"refund_on": ()}) for fee in mortgage.fees)
    assert not {"fee-residential", "fee-commercial"} & undone(changed(mortgage, fees=kept))


def test_every_step_can_meet_a_no_but_a_register_that_holds_nothing() -> None:
    told = {turn.about: turn.event for turn in turns(PLAN) if turn.about in {step.id for step in PLAN.steps}}
    assert Turn(event="task:decide:decided:refuse", about="decide") in turns(PLAN)
    assert Turn(event="effect:submit:rejected", about="archive") in turns(PLAN)
    assert not {"representative", "shareholder"} & set(told)
    recognition = LIBRARY.service("YRD-TALENT-RECOG")
    assert Turn(event="task:objection:decided:objection_upheld", about="publicity") in turns(recognition)


def test_a_course_shows_what_happened_in_it_by_the_steps_of_the_definition() -> None:
    plan = LIBRARY.service("YRD-MKT-NEGCASE")
    scenario = read_scenario(HERE / "scenarios" / plan.code / "one_told_in_vain.yaml")
    shown = shown_turns(plan, simulate(plan, scenario, LIBRARY))
    assert Turn(event="task:notify:decided:misdirected", about="tell") in shown  # tell-330000
    assert Turn(event="task:decide:decided:grant", about="decide") in shown
    assert Turn(event="task:decide:decided:refuse", about="decide") not in shown
