"""Who takes part in filings and referrals, and how they are made up. All synthetic (domain note 6)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

from catalogue.library import Library
from catalogue.medical import filing_book, referral_rules
from domain.calendar import local_day
from domain.medical import Course, Exchange, ExchangeEnd, ExchangeOutcome, MatterKind, matter_number
from domain.medical.filing import FilingCourse, start_of
from domain.medical.filing_decision import FilingRequest, KnownFiling, decide_filing
from domain.medical.filing_messages import FilingStart
from domain.medical.filing_rules import Category
from domain.medical.referral import ReferralStart, ReferralTerms
from domain.messages import Actor, Role

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
TODAY = local_day(NOW)
CALENDAR = Library().calendar
ME = Actor(subject="citizen-1", role=Role.CITIZEN)
OFFICE = Actor(subject="clerk-1", role=Role.CASEWORKER, region="340500", department="health_insurance")
ELSEWHERE = OFFICE.model_copy(update={"region": "340200"})
HOME = "340500"
AWAY = "310104"
ALL_PAPERS = ("identity", "filing_form", "residence_proof", "referral_certificate")
_serial = iter(range(1, 10**6))


def ask(category: Category = Category.LT_RESIDENT, destination: str = AWAY, **changes: object) -> FilingRequest:
    """A complete application."""
    content: dict[str, object] = {
        "insured": HOME,
        "insutype": "310",
        "destination": destination,
        "category": category,
        "materials": ALL_PAPERS,
    }
    return FilingRequest.model_validate(content | changes)


def promised(**changes: object) -> FilingRequest:
    """A long-term one by commitment."""
    return ask(**{"materials": ("identity", "filing_form"), "committed": ("residence_proof",)} | changes)  # type: ignore[arg-type]


def known(category: Category = Category.LT_RESIDENT, destination: str = AWAY, **changes: object) -> KnownFiling:
    """A filing that is there."""
    content: dict[str, object] = {
        "no": f"F{next(_serial)}",
        "insured": HOME,
        "destination": destination,
        "category": category,
        "first": date(2026, 1, 1),
        "last": None if category.long_term else date(2026, 12, 31),
    }
    return KnownFiling.model_validate(content | changes)


def new_start(request: FilingRequest, existing: tuple[KnownFiling, ...] = (), now: datetime = NOW) -> FilingStart:
    """What a filing that the rules have looked at is started with."""
    rules, today = filing_book().rules(request.insured), local_day(now)
    decision = decide_filing(rules, request, existing, today)
    no = matter_number(MatterKind.FILING, request.insured, today, next(_serial))
    return start_of(rules, no, request, decision, asked_by=ME, owners=(), working_days=CALENDAR)


def new_course(request: FilingRequest, now: datetime = NOW) -> FilingCourse:
    """A filing that has begun."""
    course = FilingCourse(new_start(request, now=now), now)
    course.begin(now)
    return course


PERSON = {"psn_no": "34050000000000000001", "insuinfo": [{"insutype": "310", "psn_type": "11"}]}


def answer(exchange: Exchange) -> ExchangeOutcome:
    """The platform says yes."""
    body = PERSON if exchange.purpose == "person" else {"trt_dcla_detl_sn": f"T{exchange.no[-6:]}{exchange.number}"}
    return ExchangeOutcome(end=ExchangeEnd.DONE, body=json.dumps(body))


def refused(code: str) -> ExchangeOutcome:
    """The platform says no."""
    return ExchangeOutcome(end=ExchangeEnd.REFUSED, code=code)


def next_exchange(course: FilingCourse) -> Exchange:
    """The message that wants to be sent."""
    exchange = course.errands.pop(0)
    assert isinstance(exchange, Exchange)
    return exchange


def settle(course: FilingCourse, now: datetime = NOW) -> list[Exchange]:
    """The platform answers everything that is asked; returns what was asked."""
    asked = []
    while course.errands:
        exchange = next_exchange(course)
        asked.append(exchange)
        course.take_outcome(exchange, answer(exchange), now)
    return asked


def in_force(request: FilingRequest | None = None, now: datetime = NOW) -> FilingCourse:
    """A filing that the platform has registered."""
    course = new_course(request or ask(), now)
    settle(course, now)
    return course


def trail(course: Course) -> list[str]:  # type: ignore[type-arg]
    """What the trail of a course says."""
    return [event.type.partition(":")[2] for event in course.batch(NOW).events]


# referrals

HERE = Actor(subject="doctor-1", role=Role.INSTITUTION, region="340503", department="H34050300001")
THERE = Actor(subject="desk-1", role=Role.INSTITUTION, region="310104", department="H31010400001")
THIRD = Actor(subject="desk-2", role=Role.INSTITUTION, region="320100", department="H32010000001")
PATIENT = ME


def referral_start(now: datetime = NOW) -> ReferralStart:
    """From Ma'anshan to Shanghai."""
    rules, today = referral_rules(), local_day(now)
    terms = ReferralTerms(
        answer_days=rules.answer.days, proposal_days=rules.proposal.days, forgotten_days=rules.forgotten.days
    )
    return ReferralStart(
        no=matter_number(MatterKind.REFERRAL, "340503", today, next(_serial)),
        referring=HERE.department,
        receiving=THERE.department,
        insured=HOME,
        first=today,
        last=rules.validity.after(today),
        asked_by=HERE,
        filing=matter_number(MatterKind.FILING, HOME, today, next(_serial)),
        terms=terms,
    )


def days(count: float) -> timedelta:
    return timedelta(days=count)
