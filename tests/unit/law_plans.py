"""Plans that use the whole vocabulary, by hand and at random: what the verbs of the law are tried on."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from domain.messages import Place, Text
from domain.plan import (
    CaseLeg,
    CaseMaterial,
    CasePlan,
    CaseStep,
    CheckItem,
    Clock,
    Ending,
    Limit,
    OnBroken,
    OnExpiry,
    OnRejected,
    Partial,
    Policy,
    Procedure,
    StepKind,
    Tolerance,
    Unit,
)
from domain.process import Intake
from tests.unit.plans import HERE, THERE, step

COLLECTING = Place(region="310000", department="market_regulation")
SIGNERS = ("signer-1", "signer-2")
_BASIS = Text(zh="法", en="law")


def limit(days: int, unit: Unit = Unit.WORKING_DAY) -> Limit:
    return Limit(days=days, unit=unit, basis=_BASIS, tag="DESIGN")


def law_step(name: str, kind: StepKind, needs: tuple[str, ...] = (), leg: str = "l", **changes: object) -> CaseStep:
    """A step of any kind; those that may be either are carried out by a person."""
    made = step(name, kind, needs).model_copy(update={"leg": leg})
    if kind is StepKind.PUBLICITY:
        made = made.model_copy(update={"lasts": limit(7, Unit.CALENDAR_DAY)})
    if kind is StepKind.FEE:
        made = made.model_copy(
            update={"operation": "fee_order", "compensate_with": "fee_refund", "place": THERE, "role": "there"}
        )
    return made.model_copy(update=changes)


def law_clock(name: str, start: str, stop: str, **changes: Any) -> Clock:
    """Twenty working days by law, with an extension; it stands still for supplements and the procedure."""
    given: dict[str, Any] = {"legal": limit(20), "suspends": ("supplement", "review"), "extension": limit(10)}
    return Clock(id=name, title=Text(zh=name, en=name), start=start, stop=stop, **(given | changes))


ACCEPTANCE = law_clock("acceptance", "received", "accept.done", legal=limit(5), extension=None,
                       on_expiry=OnExpiry.DEEMED_ACCEPTED)  # fmt: skip
DECISION = law_clock("decision", "accepted", "decide.done")


def law_plan(
    *steps: CaseStep,
    clocks: tuple[Clock, ...] = (ACCEPTANCE, DECISION),
    legs: tuple[str, ...] = ("l",),
    partial: Partial | None = None,
    materials: tuple[CaseMaterial, ...] = (),
    collecting: Place | None = None,
) -> CasePlan:
    """A plan in which everything of the law is foreseen."""
    return CasePlan(
        engine="2",
        code="TEST",
        version="2026.1.1",
        plan_digest="0" * 64,
        accepting=HERE,
        collecting=collecting,
        legs=tuple(CaseLeg(id=leg, title=Text(zh=leg, en=leg), place=HERE) for leg in legs),
        steps=steps,
        clocks=clocks,
        procedures=(Procedure(id="review", title=Text(zh="专家评审", en="Expert review"), longest=limit(30)),),
        reply=limit(15),
        materials=materials,
        partial=partial or Partial(),
    )


def material(
    name: str, tolerance: Tolerance, on_broken: OnBroken = OnBroken.TASK, *, original: bool = False
) -> CaseMaterial:
    due = None if tolerance is Tolerance.CORE else limit(10)
    return CaseMaterial(
        id=name, title=Text(zh=name, en=name), tolerance=tolerance, due=due, on_broken=on_broken, original=original
    )


ACCEPT = law_step("accept", StepKind.ACCEPT)
CHECKED = (CheckItem(id="form", title=_BASIS), CheckItem(id="nice", title=_BASIS, mandatory=False))

PERMIT = law_plan(
    ACCEPT,
    law_step("effect", StepKind.EFFECT, ("accept",)),
    law_step("check", StepKind.REVIEW, ("accept",), checklist=CHECKED),
    law_step("decide", StepKind.DECIDE, ("effect", "check"), four_eyes=("check",)),
    law_step("certificate", StepKind.CERTIFICATE, ("decide",), licence_type="", compensate_with="undo"),
)
EVERY_KIND = law_plan(
    ACCEPT,
    law_step("fee", StepKind.FEE, ("accept",), refund_on=(Ending.WITHDRAWN,)),
    law_step("verify", StepKind.VERIFY, ("accept",)),
    law_step("consult", StepKind.CONSULT, ("verify",), on_rejected=OnRejected.REFUSE),
    law_step("notify", StepKind.NOTIFY, ("accept",), on_rejected=OnRejected.CONTINUE),
    law_step("inspection", StepKind.INSPECTION, ("fee",), lasts=limit(5), on_rejected=OnRejected.RESOLVE),
    law_step("window", StepKind.WINDOW, ("accept",), on_rejected=OnRejected.RESOLVE),
    law_step("display", StepKind.PUBLICITY, ("consult", "inspection"), on_rejected=OnRejected.REFUSE),
    law_step("decide", StepKind.DECIDE, ("display", "window", "notify")),
    law_step("deliver", StepKind.DELIVER, ("decide",), on_rejected=OnRejected.RESOLVE),
    law_step("archive", StepKind.ARCHIVE, ("deliver",), on_rejected=OnRejected.RESOLVE),
    materials=(
        material("paper", Tolerance.CORE, original=True),
        material("later", Tolerance.DEFERRABLE, OnBroken.TERMINATE),
        material("vow", Tolerance.COMMITMENT),
    ),
    collecting=COLLECTING,
)
THREE_LEGS = tuple(
    made
    for leg in ("a", "b", "c")
    for made in (
        law_step(f"{leg}1", StepKind.EFFECT, ("accept",), leg),
        law_step(f"{leg}2", StepKind.EFFECT, (f"{leg}1",), leg),
    )
)


def in_legs(policy: Policy, quorum: int = 0, essential: tuple[str, ...] = ()) -> CasePlan:
    """Acceptance and three legs of two effects each."""
    return law_plan(
        ACCEPT,
        *THREE_LEGS,
        clocks=(ACCEPTANCE,),
        legs=("l", "a", "b", "c"),
        partial=Partial(policy=policy, quorum=quorum, essential=(*essential, "l")),
    )


BY_LAW = (PERMIT, EVERY_KIND, in_legs(Policy.BEST_EFFORT), in_legs(Policy.ORDERED), in_legs(Policy.QUORUM, 3))
PROMISED = Intake(promised=("later", "vow"), signers=SIGNERS)

_KINDS = [StepKind.EFFECT, StepKind.EFFECT, StepKind.VERIFY, StepKind.REVIEW, StepKind.CONSULT, StepKind.PUBLICITY,
          StepKind.INSPECTION, StepKind.FEE]  # fmt: skip


@st.composite
def law_plans(draw: st.DrawFn) -> CasePlan:
    """Acceptance, then steps of any kind in up to three legs, under any policy."""
    legs = ("l", "a", "b")
    policy = draw(st.sampled_from(Policy))
    steps = [ACCEPT]
    for i in range(draw(st.integers(2, 6))):
        # legs one after another: a definition whose earlier leg needs a later one is refused when it is loaded
        left = legs[legs.index(steps[-1].leg) :] if policy is Policy.ORDERED else legs
        kind = draw(st.sampled_from(_KINDS))
        needs = {"accept"} | draw(st.sets(st.sampled_from([s.id for s in steps]), max_size=2))
        steps.append(
            law_step(
                f"s{i}",
                kind,
                tuple(sorted(needs)),
                draw(st.sampled_from(left)),
                on_rejected=draw(st.sampled_from(OnRejected)),
                four_eyes=("accept",) if draw(st.booleans()) and kind is StepKind.REVIEW else (),
                refund_on=tuple(draw(st.sets(st.sampled_from(Ending)))) if kind is StepKind.FEE else (),
            )
        )
    used = tuple(leg for leg in legs if any(s.leg == leg for s in steps))
    quorum = draw(st.integers(1, len(used))) if policy is Policy.QUORUM else 0
    return law_plan(
        *steps,
        clocks=(ACCEPTANCE, law_clock("whole", "accepted", "closed")),
        legs=used,
        partial=Partial(policy=policy, quorum=quorum, essential=("l",) if draw(st.booleans()) else ()),
        materials=(material("later", Tolerance.DEFERRABLE, draw(st.sampled_from(OnBroken))),),
    )
