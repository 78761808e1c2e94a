"""A referral (2501) as ServiceRequest, and where it stands as Task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from api.fhir.words import INSTITUTION, MATTER, PERSON, SYSTEM, Resource, coding, filled, identifier, logical, period


class ReferralState(StrEnum):
    """Where a referral stands, as far as FHIR tells it apart."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SCHEDULED = "scheduled"
    ADMITTED = "admitted"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


S = ReferralState
TASK = {
    S.REQUESTED: "requested",
    S.ACCEPTED: "accepted",
    S.DECLINED: "rejected",
    S.SCHEDULED: "accepted",
    S.ADMITTED: "in-progress",
    S.COMPLETED: "completed",
    S.CANCELLED: "cancelled",
    S.NO_SHOW: "failed",
}
REQUEST = {
    S.DECLINED: "revoked",
    S.CANCELLED: "revoked",
    S.NO_SHOW: "revoked",
    S.COMPLETED: "completed",
}  # all others are active


@dataclass(frozen=True)
class ReferralFacts:
    """``id``: the number of the matter. ``business``: filed 已备案, admitted 已入院, or empty."""

    id: str
    person: str
    state: ReferralState
    diag_code: str
    diag_name: str
    reason: str
    from_institution: str
    from_name: str
    to_institution: str
    to_name: str
    asked_at: datetime
    begin: date | None = None
    end: date | None = None
    changed_at: datetime | None = None
    business: str = ""
    declined_because: str = ""


def service_request(facts: ReferralFacts) -> Resource:
    """diag_code -> reasonCode, refl_rea -> note, reflin_medins_no -> performer, begndate and enddate -> occurrence."""
    why = coding(SYSTEM + "diag-code", facts.diag_code) | {"text": facts.diag_name or facts.diag_code}
    return filled(
        (
            ("resourceType", "ServiceRequest"),
            ("id", facts.id),
            ("identifier", [identifier(MATTER, facts.id)]),
            ("status", REQUEST.get(facts.state, "active")),
            ("intent", "order"),
            ("code", {"text": "转诊 / referral"}),
            ("subject", logical(PERSON, facts.person)),
            ("authoredOn", facts.asked_at.isoformat()),
            ("occurrencePeriod", period(facts.begin, facts.end)),
            ("requester", logical(INSTITUTION, facts.from_institution, facts.from_name)),
            ("performer", [logical(INSTITUTION, facts.to_institution, facts.to_name)] if facts.to_institution else []),
            ("reasonCode", [why]),
            ("note", [{"text": facts.reason}] if facts.reason else []),
        )
    )


def task(facts: ReferralFacts) -> Resource:
    """Every referral ends: completed, rejected, cancelled or failed (nobody came)."""
    return filled(
        (
            ("resourceType", "Task"),
            ("id", facts.id),
            ("identifier", [identifier(MATTER, facts.id)]),
            ("basedOn", [{"reference": f"ServiceRequest/{facts.id}"}]),
            ("status", TASK[facts.state]),
            ("statusReason", {"text": facts.declined_because} if facts.declined_because else {}),
            ("businessStatus", coding(SYSTEM + "referral-business", facts.business) if facts.business else {}),
            ("intent", "order"),
            ("focus", {"reference": f"ServiceRequest/{facts.id}"}),
            ("for", logical(PERSON, facts.person)),
            ("authoredOn", facts.asked_at.isoformat()),
            ("lastModified", facts.changed_at.isoformat() if facts.changed_at else ""),
            ("requester", logical(INSTITUTION, facts.from_institution, facts.from_name)),
            ("owner", logical(INSTITUTION, facts.to_institution, facts.to_name) if facts.to_institution else {}),
        )
    )
