"""Courses of the demo as if they had been played: cases, services and ledgers made from the shipped definitions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from api.schemas import CaseOut, ClockOut, EvidenceOut, LegOut, PlaceOut, StepOut, WaitingOut
from api.schemas_services import ServiceOut
from api.views_services import full
from catalogue.forms import conditions, read_form
from domain.messages import Text
from domain.plan import CasePlan, Plan, StepKind, Way, bind
from tests.unit.plans import LIBRARY
from tongban.demo.course import Course, Form
from tongban.demo.courses import BY_SERVICE, HUKOU, MOVE, THREE_ENDS, WASTE
from tongban.demo.ledger import Row
from tongban.demo.words import province_of

NO = "32050020261124PENTMOV000001T"
AT = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
COURSES = (*THREE_ENDS, HUKOU, WASTE)
FORMS: dict[str, Form] = {code: course.form() for code, course in BY_SERVICE.items()}
NAMES = [f"{course.service}-{course.ends}" for course in COURSES]


def plan_of(course: Course) -> Plan:
    """The published definition."""
    return LIBRARY.service(course.service)


def bound(plan: Plan, form: Form) -> CasePlan:
    """The plan of a case with that form."""
    clean = read_form(plan, form, LIBRARY.divisions)
    return bind(plan, clean, conditions(plan, clean))


def case_plan(course: Course = MOVE) -> CasePlan:
    """The plan of the course's case."""
    return bound(plan_of(course), FORMS[course.service])


def done(course: Course = MOVE) -> dict[str, str]:
    """Every step of it is done."""
    return dict.fromkeys((step.id for step in case_plan(course).steps), "done")


def service(course: Course = MOVE) -> ServiceOut:
    """The service as the API tells it."""
    return full(plan_of(course))


def _legs(plan: CasePlan, statuses: Mapping[str, str]) -> list[LegOut]:
    return [
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


def waiting() -> WaitingOut:
    """A province has the ball."""
    return WaitingOut(
        who="province",
        region="340100",
        department="market_regulation",
        why="province_working",
        text=Text(zh="对方部门已受理，正在办理", en="the other authority has taken it in and is working on it"),
        what_unblocks=Text(zh="", en=""),
        since=AT,
        until=AT,
    )


def clock() -> ClockOut:
    """A clock that runs."""
    return ClockOut(
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


def case_of(plan: Plan, form: Form, statuses: Mapping[str, str], evidence: str = "used") -> CaseOut:
    """A case as the API tells it, each step with the number ``ref-STEP``."""
    made = bound(plan, form)
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
        for s in made.steps
        if s.kind is StepKind.EVIDENCE
    ]
    return CaseOut(
        no=NO,
        service=plan.code,
        title=plan.title,
        subject=str(form[plan.subject_field]),
        status="under_review",
        waiting_on=waiting(),
        due_at=AT,
        overdue=False,
        created_at=AT,
        closed_at=None,
        version="1",
        plan_digest=plan.digest(),
        reason="",
        reason_text=None,
        waiting=[waiting(), waiting(), waiting()],
        legs=_legs(made, statuses),
        clocks=[clock(), clock()],
        evidence=found,
        documents={},
        form=dict(form),
    )


def case(statuses: Mapping[str, str], evidence: str = "used", course: Course = MOVE) -> CaseOut:
    """The case of a course."""
    return case_of(plan_of(course), FORMS[course.service], statuses, evidence)


def ledgers(course: Course = MOVE) -> dict[str, list[Row]]:
    """What the four provinces hold when everything went well: each operation once, a second after the one before."""
    held: dict[str, list[Row]] = {province: [] for province in ("310000", "320000", "330000", "340000")}
    for number, step in enumerate((s for s in case_plan(course).steps if s.way is Way.SYSTEM), 1):
        verb, delta = ("fetch", 0) if step.kind is StepKind.EVIDENCE else ("submit", 1)
        held[province_of(step.place.region)].append(
            Row(
                seq=number,
                at=f"2026-11-24T01:02:{number:02}.000+00:00",
                request_no=f"key-{step.operation}",
                original="",
                case_no=NO,
                leg=step.leg,
                step=step.id,
                department=step.place.department,
                operation=step.operation,
                verb=verb,
                delta=delta,
                reference=f"ref-{step.id}",
            )
        )
    return held
