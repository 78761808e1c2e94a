"""The demo's ledger check finds what is wrong; its picture keeps to the window, wide characters included."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from api.schemas import (
    CaseOut,
    ClockOut,
    EventOut,
    EvidenceOut,
    LegOut,
    LegPlanOut,
    PlaceOut,
    ResultList,
    ResultOut,
    ServiceOut,
    StepOut,
    StepPlanOut,
    VerificationOut,
    WaitingOut,
)
from catalogue.forms import read_form
from catalogue.library import Library
from domain.identifiers import check_uscc
from domain.messages import Text
from domain.plan import CasePlan, Plan, bind
from tongban.demo.checks import points
from tongban.demo.closing import verdict
from tongban.demo.facts import Facts
from tongban.demo.follow import Happening, Situation
from tongban.demo.ledger import Fault, Row, check, expected, net
from tongban.demo.picture import picture
from tongban.demo.scenario import MAGIC, MOVE, REFUSE, SERVICE, company, form
from tongban.demo.words import STEP, Lang, grouped

NO = "32050020261124PENTMOV000001T"
AT = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
LIBRARY = Library()
FORM = form()
DONE = dict.fromkeys(
    ("representative", "shareholder", "accept", "tax", "archive", "decide", "register", "licence"), "done"
)
REFUSED = DONE | {"tax": "reversed", "archive": "reversed", "register": "cancelled", "licence": "cancelled"}


def plans() -> tuple[Plan, CasePlan]:
    plan = LIBRARY.service(SERVICE)
    return plan, bind(plan, read_form(plan, FORM, LIBRARY.divisions), {})


def service() -> ServiceOut:
    """The service as the API tells it."""
    plan, _ = plans()
    steps = {
        step.id: StepPlanOut(
            id=step.id,
            kind=step.kind,
            title=step.title,
            needs=list(step.needs),
            department=plan.roles[step.role].department,
            region=plan.roles[step.role].region,
            region_field=plan.roles[step.role].region_field,
            operation=step.operation,
            undone_by=step.compensate_with,
            not_reversible=step.not_reversible,
        )
        for step in plan.steps
    }
    legs = [
        LegPlanOut(id=leg.id, title=leg.title, steps=[steps[s.id] for s in plan.steps if s.leg == leg.id])
        for leg in plan.legs
    ]
    return ServiceOut(
        code=plan.code,
        version=plan.version,
        title=plan.title,
        summary=plan.summary,
        applicant=list(plan.applicant),
        mode=plan.mode,
        form={},
        eligibility=[],
        materials=[],
        legs=legs,
        clocks=[],
        results=[],
        cannot_be_undone=[],
        tag=plan.tag,
        digest=plan.digest(),
    )


def case(statuses: dict[str, str], evidence: str = "used") -> CaseOut:
    """The case as the API tells it, each step with the number ``ref-STEP``."""
    _, plan = plans()
    legs = [
        LegOut(
            id=leg.id,
            title=leg.title,
            place=PlaceOut(region=leg.place.region, department=leg.place.department),
            steps=[
                StepOut(
                    id=s.id,
                    title=s.title,
                    kind=s.kind,
                    status=statuses[s.id],
                    since=AT,
                    needs=list(s.needs),
                    reference=f"ref-{s.id}" if s.operation else "",
                )
                for s in plan.steps
                if s.leg == leg.id
            ],
        )
        for leg in plan.legs
    ]
    found = [
        EvidenceOut(
            id=s.id,
            step=s.id,
            title=s.title,
            purpose=None,
            place=PlaceOut(region=s.place.region, department=s.place.department),
            state=evidence,
            preview=None,
        )
        for s in plan.steps
        if s.kind == "evidence"
    ]
    waiting = WaitingOut(
        who="province",
        region="340100",
        department="market_regulation",
        why="province_working",
        text=Text(zh="对方部门已受理，正在办理", en="the other authority has taken it in and is working on it"),
        what_unblocks=Text(zh="", en=""),
        since=AT,
        until=AT,
    )
    clock = ClockOut(
        id="archive",
        title=Text(zh="档案移交期限", en="Handing over the file"),
        started_on=date(2026, 11, 24),
        stopped_at=None,
        legal_due=None,
        promised_due=date(2026, 12, 1),
        working_days_left=5,
        provisional=False,
        overdue=False,
        explanation=[],
    )
    return CaseOut(
        no=NO,
        service=SERVICE,
        title=LIBRARY.service(SERVICE).title,
        subject=FORM["company_name"],
        status="under_review",
        waiting_on=waiting,
        due_at=AT,
        overdue=False,
        created_at=AT,
        closed_at=None,
        version="1",
        plan_digest="",
        reason="",
        reason_text=None,
        waiting=[waiting, waiting, waiting],
        legs=legs,
        clocks=[clock, clock],
        evidence=found,
        documents={},
        form=dict(FORM),
    )


ROWS = {
    "310000": [("big_data", "shanghai", "representative", "legal_representative_licence", "fetch", 0)],
    "320000": [
        ("market_regulation", "destination", "register", "move_registration", "submit", 1),
        ("market_regulation", "destination", "licence", "business_licence_issue", "submit", 1),
    ],
    "330000": [("market_regulation", "zhejiang", "shareholder", "business_licence", "fetch", 0)],
    "340000": [
        ("tax", "origin_tax", "tax", "tax_clearance", "submit", 1),
        ("market_regulation", "origin_market", "archive", "archive_handover", "submit", 1),
    ],
}
UNDONE = [
    ("market_regulation", "origin_market", "archive", "archive_return", "reverse", -1),
    ("tax", "origin_tax", "tax", "tax_clearance_release", "reverse", -1),
]


def ledgers(undone: bool = False) -> dict[str, list[Row]]:
    """What the provinces hold when all is well; without Jiangsu's part and undone in Anhui for a refusal."""
    rows = {province: list(lines) for province, lines in ROWS.items()}
    if undone:
        rows |= {"320000": [], "340000": rows["340000"] + UNDONE}
    return {
        province: [
            Row(
                seq=number,
                at="",
                request_no=f"key-{operation}",
                original="" if delta >= 0 else f"key-{'tax_clearance' if step == 'tax' else 'archive_handover'}",
                case_no=NO,
                leg=leg,
                step=step,
                department=department,
                operation=operation,
                verb=verb,
                delta=delta,
                reference=f"ref-{step}",
            )
            for number, (department, leg, step, operation, verb, delta) in enumerate(lines, 1)
        ]
        for province, lines in rows.items()
    }


def faults(
    held: dict[str, list[Row]], statuses: dict[str, str] = DONE, evidence: str = "used"
) -> list[tuple[str, ...]]:
    found = check(NO, expected(case(statuses, evidence), service()), held)
    return [(finding.fault, finding.province, finding.step) for finding in found]


def test_ledgers_that_hold_each_effect_once_are_in_order() -> None:
    assert faults(ledgers()) == []
    assert faults(ledgers(undone=True), REFUSED) == []
    assert sum(net(rows) for rows in ledgers(undone=True).values()) == 0


@pytest.mark.parametrize(("province", "place", "step"), [("310000", 0, "representative"), ("320000", 1, "licence")])
def test_an_effect_the_province_does_not_know_is_missing(province: str, place: int, step: str) -> None:
    held = ledgers()
    del held[province][place]
    assert faults(held) == [(Fault.MISSING, province, step)]


def test_a_province_that_was_not_asked_counts_as_missing() -> None:
    held = ledgers()
    del held["330000"]
    assert faults(held) == [(Fault.MISSING, "330000", "shareholder")]


@pytest.mark.parametrize("key", ["another", "key-tax_clearance"])
def test_an_effect_that_happened_twice_is_doubled(key: str) -> None:
    held = ledgers()
    held["340000"].append(held["340000"][0].model_copy(update={"request_no": key, "seq": 9}))
    assert {fault for fault, *_ in faults(held)} == {Fault.DOUBLED}


def test_an_effect_at_another_province_is_foreign_there_and_missing_at_its_own() -> None:
    held = ledgers()
    held["310000"].append(held["340000"].pop(0))
    assert sorted(faults(held)) == [(Fault.FOREIGN, "310000", "tax"), (Fault.MISSING, "340000", "tax")]


@pytest.mark.parametrize(
    "change",
    [
        {"case_no": "32050020261124PENTMOV000002R"},
        {"step": "nobody_knows"},
        {"department": "tax"},
        {"leg": "origin_tax"},
        {"reference": "another number"},
    ],
)
def test_a_row_that_is_not_the_one_of_the_step_is_foreign(change: dict[str, str]) -> None:
    held = ledgers()
    held["320000"][0] = held["320000"][0].model_copy(update=change)
    assert (Fault.FOREIGN, "320000") in {(fault, province) for fault, province, _ in faults(held)}


def test_an_undone_effect_must_have_been_undone_and_name_what_it_undoes() -> None:
    held = ledgers(undone=True)
    kept = held["340000"].pop()
    assert faults(held, REFUSED) == [(Fault.MISSING, "340000", "tax")]
    held["340000"].append(kept.model_copy(update={"original": "something else"}))
    assert faults(held, REFUSED) == [(Fault.FOREIGN, "340000", "tax")]


def test_what_was_called_off_while_in_progress_leaves_one_row_that_weighs_nothing() -> None:
    held = ledgers(undone=True)
    held["340000"] = [row for row in held["340000"] if row.operation != "archive_handover"]
    assert (Fault.FOREIGN, "340000", "archive") in faults(held, REFUSED)  # it takes away what was never there
    held["340000"] = [
        row.model_copy(update={"delta": 0}) if row.operation == "archive_return" else row for row in held["340000"]
    ]
    assert faults(held, REFUSED) == []


def test_nothing_may_be_in_the_ledger_for_a_step_that_did_not_happen() -> None:
    assert ("foreign", "320000", "register") in faults(ledgers(), DONE | {"register": "cancelled"})
    assert ("foreign", "310000", "representative") in faults(ledgers(), evidence="replaced")


def situation(statuses: dict[str, str]) -> Situation:
    shown = Situation(title=Text(zh="办结发照", en="granted, licence issued"), case=case(statuses))
    actor = {"role": "caseworker", "region": "320500", "department": "market_regulation"}
    event = EventOut(
        seq=1,
        type="task:accept:decided",
        at=AT,
        actor=actor,
        leg="",
        step="accept",
        data={"outcome": "accept"},
        hash="",
    )
    shown.ticker = [
        Happening(AT, event=event),
        Happening(AT, act=Text(zh="\U00020bb7申请人" * 20, en="wide " * 30)),
    ] * 5
    return shown


def drawn(shown: Situation, lang: Lang, width: int, height: int) -> list[str]:
    out = StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=False)
    console.print(picture(shown, lang, width, height))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("lang", list(Lang))
@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 60), (100, 40), (120, 40), (200, 50)])
@pytest.mark.parametrize("status", sorted(STEP))
def test_the_picture_keeps_to_the_window(lang: Lang, width: int, height: int, status: str) -> None:
    lines = drawn(situation(dict.fromkeys(DONE, status)), lang, width, height)
    assert max(cell_len(line) for line in lines) <= width
    assert len(lines) <= height
    framed = [line for line in lines if line.startswith(("│", "╭", "├", "╰"))]
    assert {cell_len(line) for line in framed} == {width}  # every frame is straight
    text = "\n".join(lines)
    sign = STEP[status]
    assert text.count(sign.symbol) >= len(DONE)
    assert (sign.word.en if lang is Lang.EN else sign.word.zh) in text


def test_every_province_has_its_lane_in_both_languages_at_80_columns() -> None:
    text = "\n".join(drawn(situation(DONE), Lang.BOTH, 80, 60))
    for name in ("上海市", "Shanghai", "江苏省", "Jiangsu", "浙江省", "Zhejiang", "安徽省", "Anhui"):
        assert name in text
    assert "余 5 工作日 working days left" in text
    assert "合肥市市场监管（至 11-24）" in text


def facts(**changes: Any) -> Facts:
    """A course that ended as promised, changed."""
    licence, url = "1.2.156.3005.2.X", "http://127.0.0.1/v1/verify/X"
    title, issuer = (
        Text(zh="营业执照", en="Business licence"),
        PlaceOut(region="320500", department="market_regulation"),
    )
    result = ResultOut(licence=licence, title=title, issuer=issuer, issued_at=AT, verify=url, state="valid")
    shows = [{"title": {"zh": "统一社会信用代码", "en": "Credit code"}, "value": FORM["uscc"]}]
    public = VerificationOut(
        licence=licence, valid=True, state="valid", title=title, issuer=issuer, issued_at=AT, shows=shows
    )
    actor = {"role": "system", "region": "", "department": ""}
    events = [
        EventOut(seq=number, type="effect:submit:accepted", at=AT, actor=actor, leg="", step=step, data={}, hash="")
        for number, step in enumerate(DONE, 1)
    ]
    events.append(events[0].model_copy(update={"seq": 9, "type": "case:status:completed", "step": ""}))
    given: dict[str, Any] = {
        "scenario": MOVE,
        "case": case(DONE).model_copy(update={"status": "completed", "plan_digest": service().digest}),
        "service": service(),
        "events": events,
        "heard_all": True,
        "results": ResultList(status="completed", reason="", decision=None, results=[result]),
        "verified": {url: (200, public)},
        "ledgers": ledgers(),
        "strangers": [("GET", 404), ("PUT", 404)],
        "took_effect": [],
        "form": FORM,
    }
    return Facts(**(given | changes))


def test_a_course_that_kept_its_promises_passes() -> None:
    assert [point for point in points(facts()) if not point.holds] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"strangers": []},
        {"strangers": [("GET", 404), ("PUT", 200)]},
        {"verified": {}},
        {"results": ResultList(status="completed", reason="", decision=None, results=[])},
        {"heard_all": False},
        {"events": []},
        {"ledgers": {}},
        {"case": case(DONE)},
        {"case": case(DONE | {"licence": "pending"}).model_copy(update={"status": "completed"})},
        {"scenario": REFUSE},
    ],
)
def test_a_broken_promise_is_found_and_listed(changes: dict[str, Any]) -> None:
    found = points(facts(**changes))
    assert not all(point.holds for point in found)
    out = StringIO()
    assert verdict(found, Console(file=out, width=200), Lang.EN) is False
    assert "What does not hold" in out.getvalue()


def test_a_refusal_that_undid_nothing_is_no_proof_of_undoing() -> None:
    undone = facts(
        scenario=REFUSE,
        case=case(REFUSED).model_copy(update={"status": "decided_refused", "plan_digest": service().digest}),
        results=ResultList(status="decided_refused", reason="", decision=None, results=[]),
        ledgers=ledgers(undone=True),
    )
    undone.events[-1] = undone.events[-1].model_copy(update={"type": "case:status:decided_refused"})
    assert [point.what.en for point in points(undone) if not point.holds] == ["each effect was undone"]
    undone.took_effect = ["tax", "archive"]
    assert all(point.holds for point in points(undone))


def test_signs_are_one_column_wide_everywhere() -> None:
    import unicodedata

    assert {unicodedata.east_asian_width(sign.symbol) for sign in STEP.values()} <= {"N", "Na"}


def test_a_random_company_has_a_valid_code_that_triggers_nothing() -> None:
    for _ in range(200):
        name, code = company()
        assert check_uscc(code) == code
        assert int(code[14:16]) not in MAGIC
        assert code[2:6] == "3401"
        assert code[8:12] == "XXXX"
        assert 2 <= len(name) <= 100


def test_a_case_number_is_grouped_as_it_is_read() -> None:
    assert grouped(NO) == "320500 20261124 P ENTMOV 000001T"
