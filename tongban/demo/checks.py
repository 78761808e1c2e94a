"""What has to be true at the end of a course: each point with what was found. Pure: facts in, points out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from api.schemas import EventOut
from domain.identifiers import parse_licence_id
from domain.messages import Text
from tongban.demo.course import Attempt, Steps
from tongban.demo.facts import Denial, Facts
from tongban.demo.ledger import check, expected, net, released, standing
from tongban.demo.words import CASE, DENIED, PROVINCE, event_text, step_titles, t

SETTLED = {"done", "reversed", "cancelled"}
NOT_THERE = "not_found"


@dataclass(frozen=True)
class Point:
    """One thing that had to be true. ``found``: what was found instead."""

    what: Text
    holds: bool
    found: str = ""


@dataclass(frozen=True)
class Milestone:
    """A moment of a step or of the case, with who brought it about."""

    at: datetime
    step: str
    what: Text
    actor: dict[str, str]


def _is_milestone(event: EventOut) -> bool:
    kind, subject, action = (*event.type.split(":"), "", "")[:3]
    return (
        (kind == "task" and action == "decided")
        or (kind == "effect" and action == "accepted" and subject != "offer")
        or kind == "evidence"
        or event.type in {"case:status:submitted", "case:withdrawal:asked"}
    )


def milestones(facts: Facts) -> list[Milestone]:
    """The line of every step, when it was done or undone and by whom, with the start and the end of the case."""
    chosen = [event for event in facts.events if _is_milestone(event)]
    chosen += [event for event in facts.events[-1:] if event not in chosen]
    return [Milestone(event.at, event.step, event_text(event), event.actor) for event in chosen]


def points(facts: Facts) -> list[Point]:
    """Everything that had to hold for this course."""
    parts = (_ending, _steps, _order, _denials, _licence, _undone, _books, _ledgers)
    return [point for part in parts for point in part(facts)]


def _ending(facts: Facts) -> list[Point]:
    case, ends = facts.case, facts.course.ends
    end = CASE.get(ends, ("", t(ends, ends)))[1]
    return [
        Point(t(f"办件以“{end.zh}”结束", f"the case ended as: {end.en}"), case.status == ends, case.status),
        Point(
            t("事件流完整、有序", "the event stream was complete and in order"),
            facts.heard_all and bool(facts.events) and facts.events[-1].type == f"case:status:{ends}",
            f"{len(facts.events)} events",
        ),
    ]


def _steps(facts: Facts) -> list[Point]:
    """No step is open; each has its moment and somebody of its own place who brought it about."""
    lines = milestones(facts)
    steps = [step for leg in facts.case.legs for step in leg.steps]
    places = {step.id: leg.place for leg in facts.case.legs for step in leg.steps}
    unnamed = [
        step.id
        for step in steps
        if step.status in {"done", "reversed"} and not any(m.step == step.id and m.actor.get("role") for m in lines)
    ]
    astray = [
        line.step
        for line in lines
        if line.step in places
        and line.actor.get("region")
        and (line.actor["region"], line.actor.get("department"))
        != (places[line.step].region, places[line.step].department)
    ]
    open_ones = [f"{step.id} {step.status}" for step in steps if step.status not in SETTLED]
    return [
        Point(t("没有悬而未决的环节", "no step is left open"), not open_ones, ", ".join(open_ones)),
        Point(t("每个环节有时间和经办者", "every step has its time and its actor"), not unnamed, ", ".join(unnamed)),
        Point(t("每个环节由其所在地办理", "every step was done by its own place"), not astray, ", ".join(astray)),
    ]


def _order(facts: Facts) -> list[Point]:
    """What had to come first came first: by the case's events, and by the provinces' books where both are in one."""
    titles = step_titles(facts.case)
    result = []
    for first, then in facts.course.order:
        over = [event.seq for event in facts.events if event.step == first and _is_milestone(event)]
        begun = [event.seq for event in facts.events if event.step == then]
        holds = bool(over) and bool(begun) and over[-1] < begun[0]
        booked = _booked(facts, first), _booked(facts, then)
        if booked[0] and booked[1]:
            holds = holds and booked[0] <= booked[1]
        a, b = titles.get(first, t(first, first)), titles.get(then, t(then, then))
        result.append(
            Point(t(f"先“{a.zh}”，后“{b.zh}”", f"first “{a.en}”, then “{b.en}”"), holds, f"{over} {begun} {booked}")
        )
    return result


def _booked(facts: Facts, step: str) -> datetime | None:
    """When a step's effect was written into the book of its province."""
    rows = [row for rows in facts.ledgers.values() for row in rows if row.step == step and row.delta > 0]
    return datetime.fromisoformat(rows[0].at) if rows else None


def _denials(facts: Facts) -> list[Point]:
    """What had to be refused was refused, with its reason."""
    strangers = [denial for denial in facts.denials if denial.wanted == NOT_THERE]
    result = [_denied(NOT_THERE, 404, strangers)]
    for act in facts.course.acts:
        if isinstance(act, Attempt):
            mine = [d for d in facts.denials if (d.step, d.wanted) == (act.step, act.code)]
            result.append(_denied(act.code, mine[0].status if mine else 0, mine))
    return result


def _denied(code: str, status: int, denials: list[Denial]) -> Point:
    what = DENIED.get(code, t(code, code))
    good = bool(denials) and status >= 400 and all((d.status, d.code) == (status, code) for d in denials)
    found = ", ".join(f"{d.call}: {d.status} {d.code}" for d in denials)
    return Point(t(f"{what.zh}（{status}）", f"{what.en} ({status})"), good, found or "not tried")


def _licence(facts: Facts) -> list[Point]:
    """Exactly the licences of the course, each of its type, found valid by anyone, with what is public on it."""
    licences, course = facts.results.results, facts.course
    if not course.licences:
        return [Point(t("没有颁发证照", "no licence was issued"), not licences, f"{len(licences)} licences")]
    wanted = sorted(str(result["licence_type"]) for result in facts.service.results if result["id"] in course.licences)
    public = {str(facts.form[name]) for name in course.shows}
    types = []
    for licence in licences:
        number, (status, shown) = parse_licence_id(licence.licence), facts.verified.get(licence.verify, (0, None))
        valid = status == 200 and shown is not None and shown.valid and shown.licence == licence.licence
        if number and valid and shown and public <= {str(item.get("value")) for item in shown.shows}:
            types.append(number.type)
    good = len(licences) == len(wanted) == len(course.licences) and sorted(types) == wanted
    found = ", ".join(f"{url}: {status}" for url, (status, _) in facts.verified.items()) or "no licence"
    if len(wanted) == 1:
        return [Point(t("一张证照，免登录验真有效", "one licence, found valid without a login"), good, found)]
    count = len(wanted)
    return [Point(t(f"{count} 张证照，免登录验真有效", f"{count} licences, found valid without a login"), good, found)]


def _undone(facts: Facts) -> list[Point]:
    if not facts.course.undoes:
        return []
    now = {step.id: step.status for leg in facts.case.legs for step in leg.steps}
    left = [step for step in facts.took_effect if now[step] != "reversed"]
    good = bool(facts.took_effect) and not left
    found = ", ".join(f"{step} {now[step]}" for step in left) or "nothing had taken effect"
    total = sum(net(rows) for rows in facts.ledgers.values())
    return [
        Point(t("已生效的事项逐一撤销", "each effect was undone"), good, found),
        Point(t("各省账目净额为零", "the ledgers come to zero"), total == 0, f"{total:+}"),
    ]


def _books(facts: Facts) -> list[Point]:
    """What stands in the books is what the course says beforehand, whatever the record of the case says."""
    course = facts.course
    effects, evidence = standing(facts.ledgers), released(facts.ledgers)
    count, looks = len(_once(course.in_effect)), len(_once(course.released))
    in_effect = "1 effect stands" if count == 1 else f"{count} effects stand"
    handed_out = "1 piece of evidence was" if looks == 1 else f"{looks} pieces of evidence were"
    return [
        Point(
            t(f"账上生效 {count} 项，正是应生效的", f"{in_effect} in the books, those that should"),
            effects == _once(course.in_effect),
            _told(effects),
        ),
        Point(
            t(f"账上调取证照 {looks} 项，均经同意", f"{handed_out} released, those consented to"),
            evidence == _once(course.released),
            _told(evidence),
        ),
    ]


def _once(steps: Steps) -> dict[tuple[str, str], int]:
    return {(province, step): 1 for province, names in steps.items() for step in names}


def _told(counts: dict[tuple[str, str], int]) -> str:
    return ", ".join(f"{province} {step} {count:+}" for (province, step), count in counts.items()) or "nothing"


def _ledgers(facts: Facts) -> list[Point]:
    findings = check(facts.case.no, expected(facts.case, facts.service), facts.ledgers)
    same = facts.case.plan_digest == facts.service.digest
    what = t("账目按本办件的方案核对", "the ledgers are checked against the plan of this case")
    result = [Point(what, same, "another version")]
    for province, name in PROVINCE.items():
        mine = [finding for finding in findings if finding.province == province]
        count = len(facts.ledgers.get(province, ()))
        rows = "1 ledger row" if count == 1 else f"{count} ledger rows"
        result.append(
            Point(
                t(f"{name.zh}账目：{count} 条，不多不少", f"{name.en}: {rows}, none missing or too many"),
                province in facts.ledgers and not mine,
                "; ".join(f"{f.fault}: {f.step}: {f.text}" for f in mine) or "not asked",
            )
        )
    return result
