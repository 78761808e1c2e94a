"""Plans to try the rules on: the company move as shipped, small plans by hand, and random ones."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from catalogue.forms import conditions
from catalogue.library import Library
from domain.messages import Place, Text
from domain.plan import CaseLeg, CasePlan, CaseStep, Clock, Limit, OnRejected, StepKind, bind

LIBRARY = Library()
MOVE = "YRD-ENT-MOVE"
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, nine in the morning in Shanghai
CASE_NO = "32050020261123PENTMOV0000017"
LICENCE = "1.2.156.3005.2.11100000XXXX000786001.11310000XXXX000510.2026000000000001.001.Q"
LICENCE_TYPE = "11100000XXXX000786001"
HERE = Place(region="320500", department="market_regulation")
THERE = Place(region="340100", department="tax")

FORM = {
    "company_name": "苏州示例精密制造有限公司",
    "uscc": "91320500XXXX000275",
    "origin_city": "340100",
    "destination_city": "320500",
    "new_address": "江苏省苏州市示例路一号",
    "legal_representative_name": "示例人",
    "legal_representative_id": "310199199001010018",
    "shareholder_name": "浙江示例控股有限公司",
    "shareholder_uscc": "91330100XXXX00035F",
}


def moving() -> CasePlan:
    """The company move, from Hefei to Suzhou."""
    plan = LIBRARY.service(MOVE)
    return bind(plan, FORM, conditions(plan, FORM))


def step(
    name: str,
    kind: StepKind = StepKind.EFFECT,
    needs: tuple[str, ...] = (),
    *,
    undo: bool = True,
    on_rejected: OnRejected = OnRejected.TERMINATE,
    licence: bool = False,
) -> CaseStep:
    """A step in the leg ``l``; effects can be undone unless ``undo`` is off."""
    calls_out = kind in {StepKind.EFFECT, StepKind.EVIDENCE, StepKind.CERTIFICATE}
    undoable = undo and kind in {StepKind.EFFECT, StepKind.CERTIFICATE}
    return CaseStep(
        id=name,
        leg="l",
        kind=kind,
        title=Text(zh=name, en=name),
        role="there" if calls_out else "here",
        place=THERE if calls_out else HERE,
        needs=needs,
        operation=f"{name}_do" if calls_out else "",
        send={},
        compensate_with=f"{name}_undo" if undoable else "",
        on_rejected=on_rejected,
        licence_type=LICENCE_TYPE if licence else "",
    )


def plan_of(*steps: CaseStep, clocks: tuple[Clock, ...] = ()) -> CasePlan:
    """A plan of one leg."""
    return CasePlan(
        engine="1",
        code="TEST",
        version="1",
        plan_digest="0" * 64,
        accepting=HERE,
        legs=(CaseLeg(id="l", title=Text(zh="一", en="one"), place=HERE),),
        steps=steps,
        clocks=clocks,
    )


def clock(name: str, start: str, stop: str, legal: int | None = None, promised: int | None = None) -> Clock:
    """A clock in working days."""

    def limit(days: int | None) -> Limit | None:
        return None if days is None else Limit(days=days, basis=Text(zh="法", en="law"), tag="DESIGN")

    return Clock(
        id=name, title=Text(zh=name, en=name), start=start, stop=stop, legal=limit(legal), promised=limit(promised)
    )


ACCEPT = step("accept", StepKind.ACCEPT)
WHOLE = clock("whole", "received", "closed", legal=20, promised=10)

SIDE_BY_SIDE = plan_of(
    ACCEPT, *(step(f"e{i}", needs=("accept",)) for i in range(3)), clocks=(clock("acc", "received", "accept.done", 5),)
)
CHAIN = plan_of(
    ACCEPT,
    step("a", needs=("accept",)),
    step("b", needs=("a",), on_rejected=OnRejected.RESOLVE),
    step("decide", StepKind.DECIDE, needs=("b",)),
    step("c", needs=("decide",)),
    step("licence", StepKind.CERTIFICATE, needs=("c",), undo=False, licence=True, on_rejected=OnRejected.RESOLVE),
    clocks=(WHOLE, clock("cert", "decided", "licence.done", legal=10)),
)
NO_WAY_BACK = plan_of(
    ACCEPT,
    step("final", needs=("accept",), undo=False),
    step("later", needs=("accept",), on_rejected=OnRejected.RESOLVE),
    step("cert", StepKind.CERTIFICATE, needs=("final", "later"), licence=True),
    clocks=(WHOLE,),
)
EVIDENCE = plan_of(
    step("paper", StepKind.EVIDENCE),
    ACCEPT,
    step("use", needs=("accept", "paper")),
    step("decide", StepKind.DECIDE, needs=("use",)),
    clocks=(clock("decision", "accepted", "decided", legal=20),),
)
BY_HAND = (SIDE_BY_SIDE, CHAIN, NO_WAY_BACK, EVIDENCE)


@st.composite
def random_plans(draw: st.DrawFn) -> CasePlan:
    """Accept, then effects and evidence in any order of need, a decision on all of it, and what follows from it."""
    steps = [ACCEPT]
    names = ["accept"]
    for i in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([StepKind.EFFECT, StepKind.EFFECT, StepKind.EVIDENCE]))
        needs = () if kind is StepKind.EVIDENCE else tuple(draw(st.sets(st.sampled_from(names), max_size=2)))
        name = f"s{i}"
        steps.append(
            step(
                name,
                kind,
                tuple(sorted(needs)),
                undo=draw(st.booleans()),
                on_rejected=draw(st.sampled_from(OnRejected)),
            )
        )
        names.append(name)
    if draw(st.booleans()):
        steps.append(step("decide", StepKind.DECIDE, tuple(names)))
        steps.append(step("after", needs=("decide",), on_rejected=draw(st.sampled_from(OnRejected))))
        names = ["decide", "after"]
    if draw(st.booleans()):
        steps.append(step("licence", StepKind.CERTIFICATE, tuple(names), undo=draw(st.booleans()), licence=True))
    return plan_of(*steps, clocks=(WHOLE, clock("acc", "received", "accept.done", legal=5)))


def day(text: str) -> date:
    """2026-11-23 as a date."""
    return date.fromisoformat(text)
