"""An examination report as DiagnosticReport: data and mark, never a conclusion (国卫医发〔2022〕6号 第2条)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from api.fhir.words import INSTITUTION, PERSON, SYSTEM, Resource, coding, filled, identifier, logical
from domain.messages import Text

MARK = SYSTEM + "hr-mark"
DECISION = SYSTEM + "recognition-decision"


@dataclass(frozen=True)
class ReportFacts:
    """``examined_at``: None where it cannot be read. ``scope``, ``certificate``: of the mark HR. ``decision``: how the
    recognition has gone: open, barred, recognised, re_examined, lapsed; ``reason``: the code.
    """

    id: str
    number: str
    person: str
    item: str
    name: Text
    examined_at: datetime | None
    institution: str
    institution_name: str
    result: str
    scope: str = ""
    certificate: str = ""
    decision: str = ""
    reason: str = ""


def diagnostic_report(facts: ReportFacts) -> Resource:
    """The result stands in a contained Observation; mark and decision are extensions."""
    code = coding(SYSTEM + "recognition-item", facts.item, facts.name)
    performer = logical(INSTITUTION, facts.institution, facts.institution_name)
    moment = facts.examined_at.isoformat() if facts.examined_at else ""
    observation = filled(
        (
            ("resourceType", "Observation"),
            ("id", "result"),
            ("status", "final"),
            ("code", code),
            ("valueString", facts.result),
        )
    )
    return filled(
        (
            ("resourceType", "DiagnosticReport"),
            ("id", facts.id),
            ("contained", [observation] if facts.result else []),
            ("extension", [*_mark(facts), *_decision(facts)]),
            ("identifier", [identifier(f"{SYSTEM}report:{facts.institution}", facts.number)]),
            ("status", "final"),
            ("code", code),
            ("subject", logical(PERSON, facts.person)),
            ("effectiveDateTime", moment),
            ("performer", [performer] if facts.institution else []),
            ("result", [{"reference": "#result"}] if facts.result else []),
        )
    )


def _mark(facts: ReportFacts) -> list[Resource]:
    if not facts.scope:
        return []
    parts = [{"url": "scope", "valueString": facts.scope}]
    if facts.certificate:
        parts.append({"url": "certificate", "valueString": facts.certificate})
    return [{"url": MARK, "extension": parts}]


def _decision(facts: ReportFacts) -> list[Resource]:
    if not facts.decision:
        return []
    parts = [{"url": "state", "valueCode": facts.decision.replace("_", "-")}]
    if facts.reason:
        parts.append({"url": "reason", "valueCode": facts.reason})
    return [{"url": DECISION, "extension": parts}]
