"""At the end of a course every promise is checked, and a broken one is found and listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from api.schemas import EventOut, PlaceOut, ResultList, ResultOut, VerificationOut
from domain.identifiers import make_licence_id
from domain.messages import Text
from domain.plan import StepKind, Way
from tests.unit import demo_world as world
from tests.unit.demo_world import AT, FORMS, case, ledgers, service
from tests.unit.test_demo_ledger import REFUSED, undone
from tongban.demo.checks import points
from tongban.demo.closing import Part, show, verdict
from tongban.demo.course import Attempt, Course, Intrude
from tongban.demo.courses import HUKOU, MOVE, REFUSE, WASTE
from tongban.demo.facts import Denial, Facts
from tongban.demo.words import Lang

URL = "http://127.0.0.1/v1/verify/X"
STATUS = {"same_person": 409, "checklist_incomplete": 422}


def events_of(course: Course) -> list[EventOut]:
    """A begin and an end for every step, in the order of the definition, by somebody of its place."""
    found: list[EventOut] = []
    for step in world.case_plan(course).steps:
        system = step.way is Way.SYSTEM
        verb = "fetch" if step.kind is StepKind.EVIDENCE else "submit"
        types = (
            (f"effect:{verb}:asked", f"effect:{verb}:accepted")
            if system
            else (f"task:{step.kind}:opened", f"task:{step.kind}:decided")
        )
        by = {"role": "system" if system else "caseworker", **step.place.model_dump()}
        for kind in types:
            seq = len(found) + 1
            found.append(EventOut(seq=seq, type=kind, at=AT, actor=by, leg=step.leg, step=step.id, data={}, hash=""))
    end = {"seq": len(found) + 1, "type": f"case:status:{course.ends}", "step": "", "actor": {"role": "system"}}
    return [*found, found[0].model_copy(update=end)]


def denials_of(course: Course) -> list[Denial]:
    found = []
    for act in course.acts:
        if isinstance(act, Intrude):
            found += [Denial(act.step, f"{verb} /v1/tasks/t", "not_found", 404, "not_found") for verb in ("GET", "PUT")]
        elif isinstance(act, Attempt):
            found.append(Denial(act.step, "PUT /v1/tasks/t", act.code, STATUS[act.code], act.code))
    return found


def kept(course: Course) -> Facts:
    """A course that kept its promises."""
    form = FORMS[course.service]
    (result,) = service(course).results
    number = make_licence_id(str(result["licence_type"]), "11320000XXXX000514", "2026000000000001")
    issuer = PlaceOut(region="320500", department="market_regulation")
    title = Text(zh="证照", en="Licence")
    issued = ResultOut(licence=number, title=title, issuer=issuer, issued_at=AT, verify=URL, state="valid")
    shows = [{"title": {"zh": "项", "en": "Item"}, "value": str(form[name])} for name in course.shows]
    public = VerificationOut(
        licence=number, valid=True, state="valid", title=title, issuer=issuer, issued_at=AT, shows=shows
    )
    return Facts(
        course=course,
        case=case(world.done(course), course=course).model_copy(update={"status": course.ends}),
        service=service(course),
        events=events_of(course),
        heard_all=True,
        results=ResultList(status=course.ends, reason="", decision=None, results=[issued]),
        verified={URL: (200, public)},
        ledgers=ledgers(course),
        denials=denials_of(course),
        took_effect=[],
        form=form,
    )


def broken(facts: Facts) -> list[str]:
    return [point.what.en for point in points(facts) if not point.holds]


@pytest.mark.parametrize("course", [MOVE, HUKOU, WASTE], ids=lambda course: course.service)
def test_a_course_that_kept_its_promises_passes_and_is_shown(course: Course) -> None:
    facts = kept(course)
    assert broken(facts) == []
    out = StringIO()
    show(facts, Console(file=out, width=200), Lang.BOTH)
    for leg in facts.case.legs:
        assert all(step.title.zh in out.getvalue() for step in leg.steps)


def _without_results(facts: Facts) -> None:
    facts.results = facts.results.model_copy(update={"results": []})


def _another_type(facts: Facts) -> None:
    (licence,) = facts.results.results
    wrong = make_licence_id("11100000XXXX000786999", "11320000XXXX000514", "2026000000000001")
    facts.results = facts.results.model_copy(update={"results": [licence.model_copy(update={"licence": wrong})]})


def _shows_less(facts: Facts) -> None:
    status, shown = facts.verified[URL]
    assert shown is not None
    facts.verified = {URL: (status, shown.model_copy(update={"shows": shown.shows[1:]}))}


def _revoked(facts: Facts) -> None:
    status, shown = facts.verified[URL]
    assert shown is not None
    facts.verified = {URL: (status, shown.model_copy(update={"valid": False}))}


def _still_pending(facts: Facts) -> None:
    facts.case.legs[0].steps[-1].status = "pending"


def _by_a_stranger(facts: Facts) -> None:
    place = {"role": "caseworker", "region": "110000", "department": "tax"}
    facts.events[1] = facts.events[1].model_copy(update={"actor": place})


def _evidence_twice(facts: Facts) -> None:
    row = next(row for rows in facts.ledgers.values() for row in rows if row.verb == "fetch")
    facts.ledgers["310000"].append(row.model_copy(update={"seq": 99, "request_no": "again"}))


BREAKING: dict[str, Callable[[Facts], object]] = {
    "no stranger was tried": lambda f: f.denials.clear(),
    "a stranger may": lambda f: f.denials.__setitem__(0, replace(f.denials[0], status=200, code="")),
    "another reason": lambda f: f.denials.__setitem__(-1, replace(f.denials[-1], code="version_conflict")),
    "not verified": lambda f: f.verified.clear(),
    "no licence": _without_results,
    "another licence": _another_type,
    "less on it": _shows_less,
    "revoked": _revoked,
    "stream cut": lambda f: setattr(f, "heard_all", False),
    "no events": lambda f: f.events.clear(),
    "no ledgers": lambda f: setattr(f, "ledgers", {}),
    "another end": lambda f: setattr(f, "case", f.case.model_copy(update={"status": "terminated"})),
    "a step is open": _still_pending,
    "a stranger did it": _by_a_stranger,
    "evidence twice": _evidence_twice,
    "another plan": lambda f: setattr(f, "case", f.case.model_copy(update={"plan_digest": "0"})),
}


@pytest.mark.parametrize("course", [MOVE, HUKOU, WASTE], ids=lambda course: course.service)
@pytest.mark.parametrize("how", BREAKING)
def test_a_broken_promise_is_found_and_listed(course: Course, how: str) -> None:
    facts = kept(course)
    BREAKING[how](facts)
    assert broken(facts)
    out = StringIO()
    assert verdict([Part("the course", points(facts))], Console(file=out, width=200), Lang.EN) is False
    assert "What does not hold" in out.getvalue()
    assert "✗ the course: " in out.getvalue()


def test_a_registration_before_the_cancellation_is_found_by_events_and_by_the_books() -> None:
    what = "first “The old registration is cancelled”, then “The new registration takes effect”"
    facts = kept(HUKOU)
    steps = [event.step for event in facts.events]
    first, then = steps.index("cancel_out"), steps.index("register_in")
    moved = facts.events[first + 1].model_copy(update={"seq": facts.events[then].seq + 1})
    facts.events[first + 1] = moved
    assert broken(facts) == [what]
    facts = kept(HUKOU)
    facts.ledgers["340000"][-1] = facts.ledgers["340000"][-1].model_copy(update={"at": "2026-11-24T02:00:00.000+00:00"})
    assert broken(facts) == [what]


def test_a_refusal_that_undid_nothing_is_no_proof_of_undoing() -> None:
    facts = kept(MOVE)
    facts.course, facts.ledgers = REFUSE, undone()
    facts.case = case(REFUSED).model_copy(update={"status": "decided_refused"})
    facts.results = ResultList(status="decided_refused", reason="", decision=None, results=[])
    facts.events = [e for e in events_of(MOVE) if e.step not in {"register", "licence"}]
    facts.events[-1] = facts.events[-1].model_copy(update={"type": "case:status:decided_refused"})
    assert broken(facts) == ["each effect was undone"]
    facts.took_effect = ["tax", "archive"]
    assert broken(facts) == []


def test_the_verdict_counts_what_holds_under_the_name_of_each_course() -> None:
    out = StringIO()
    parts = [Part(course.service, points(kept(course))) for course in (MOVE, HUKOU)]
    assert verdict(parts, Console(file=out, width=200), Lang.EN) is True
    assert f"all {sum(len(part.points) for part in parts)} points hold" in out.getvalue()
    assert [line for line in out.getvalue().splitlines() if line.startswith("YRD")] == ["YRD-ENT-MOVE", "YRD-HUKOU"]
