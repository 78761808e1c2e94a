"""What has to be true at the end of a course: each point with what was found. Pure: facts in, points out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from api.schemas import EventOut
from domain.messages import Text
from tongban.demo.facts import Facts
from tongban.demo.ledger import check, expected, net
from tongban.demo.words import CASE, PROVINCE, event_text, t

SETTLED = {"done", "reversed", "cancelled"}


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
    case, scenario = facts.case, facts.scenario
    steps = [step for leg in case.legs for step in leg.steps]
    lines = milestones(facts)
    unnamed = [
        step.id
        for step in steps
        if step.status in {"done", "reversed"} and not any(m.step == step.id and m.actor.get("role") for m in lines)
    ]
    end = CASE.get(scenario.ends, ("", t(scenario.ends, scenario.ends)))[1]
    result = [
        Point(t(f"办件以“{end.zh}”结束", f"the case ended as: {end.en}"), case.status == scenario.ends, case.status),
        Point(
            t("没有悬而未决的环节", "no step is left open"),
            all(step.status in SETTLED for step in steps),
            ", ".join(f"{step.id} {step.status}" for step in steps if step.status not in SETTLED),
        ),
        Point(t("每个环节有时间和经办者", "every step has its time and its actor"), not unnamed, ", ".join(unnamed)),
        Point(
            t("事件流完整、有序", "the event stream was complete and in order"),
            facts.heard_all and bool(facts.events) and facts.events[-1].type == f"case:status:{scenario.ends}",
            f"{len(facts.events)} events",
        ),
        Point(
            t("他地经办人看不到、办不了该任务（404）", "to a caseworker of another place the task is not there (404)"),
            bool(facts.strangers) and all(status == 404 for _, status in facts.strangers),
            ", ".join(f"{what}: {status}" for what, status in facts.strangers),
        ),
    ]
    return result + _licence(facts) + _undone(facts) + _ledgers(facts)


def _licence(facts: Facts) -> list[Point]:
    licences = facts.results.results
    if facts.scenario.undoes:
        return [Point(t("没有颁发证照", "no licence was issued"), not licences, f"{len(licences)} licences")]
    valid = [
        shown
        for status, shown in facts.verified.values()
        if status == 200
        and shown is not None
        and shown.valid
        and any(item.get("value") == facts.form.get("uscc") for item in shown.shows)
    ]
    found = ", ".join(f"{url}: {status}" for url, (status, _) in facts.verified.items()) or "no licence"
    good = len(licences) == 1 and [shown.licence for shown in valid] == [licences[0].licence]
    return [Point(t("一张证照，免登录验真有效", "one licence, found valid without a login"), good, found)]


def _undone(facts: Facts) -> list[Point]:
    if not facts.scenario.undoes:
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


def _ledgers(facts: Facts) -> list[Point]:
    findings = check(facts.case.no, expected(facts.case, facts.service), facts.ledgers)
    result = []
    same = facts.case.plan_digest == facts.service.digest
    result.append(
        Point(
            t("账目按本办件的方案核对", "the ledgers are checked against the plan of this case"),
            same,
            "another version",
        )
    )
    for province, name in PROVINCE.items():
        mine = [finding for finding in findings if finding.province == province]
        count = len(facts.ledgers.get(province, ()))
        result.append(
            Point(
                t(f"{name.zh}账目：{count} 条，不多不少", f"{name.en}: {count} ledger rows, none missing or too many"),
                province in facts.ledgers and not mine,
                "; ".join(f"{f.fault}: {f.step}: {f.text}" for f in mine) or "not asked",
            )
        )
    return result
