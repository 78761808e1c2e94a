"""The insured relation (1101) as Coverage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from api.fhir.words import PERSON, REGION, SYSTEM, Resource, coding, filled, logical, period
from domain.messages import Text

INSUTYPES = {
    "310": Text(zh="职工基本医疗保险", en="basic medical insurance of employees"),
    "390": Text(zh="城乡居民基本医疗保险", en="basic medical insurance of residents"),
}


@dataclass(frozen=True)
class InsuredRelation:
    """``id``: of the resource; ``person``: digest; ``insured``: six digits of the pooling area."""

    id: str
    person: str
    psn_no: str
    insutype: str
    insured: str
    insured_name: str = ""
    begin: date | None = None
    end: date | None = None
    active: bool = True


def coverage(relation: InsuredRelation) -> Resource:
    """insutype -> type, psn_no -> subscriberId, insuplc_admdvs -> payor, begin and end -> period."""
    return filled(
        (
            ("resourceType", "Coverage"),
            ("id", relation.id),
            ("status", "active" if relation.active else "cancelled"),
            ("type", coding(SYSTEM + "insutype", relation.insutype, INSUTYPES.get(relation.insutype))),
            ("subscriberId", relation.psn_no),
            ("beneficiary", logical(PERSON, relation.person)),
            ("payor", [logical(REGION, relation.insured, relation.insured_name)]),
            ("period", period(relation.begin, relation.end)),
        )
    )
