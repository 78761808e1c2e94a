"""A settlement (2303, 2304, 2305 and their outpatient kin) as Claim and ClaimResponse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from api.fhir.words import (
    ADJUDICATION,
    CLAIM_TYPES,
    INSTITUTION,
    PERSON,
    PRIORITIES,
    REGION,
    SYSTEM,
    Resource,
    coding,
    filled,
    identifier,
    logical,
    money,
)

OURS = SYSTEM + "setlinfo"
CATEGORIES: Mapping[str, tuple[str, str]] = {
    "medfee_sumamt": (ADJUDICATION, "submitted"),
    "fulamt_ownpay_amt": (OURS, "noncovered"),
    "overlmt_selfpay": (OURS, "overlmt-selfpay"),
    "preselfpay_amt": (OURS, "preselfpay"),
    "inscp_scp_amt": (ADJUDICATION, "eligible"),
    "act_pay_dedc": (ADJUDICATION, "deductible"),
    "hifp_pay": (ADJUDICATION, "benefit"),
    "hifob_pay": (OURS, "hifob"),
    "hifmi_pay": (OURS, "hifmi"),
    "maf_pay": (OURS, "maf"),
    "cvlserv_pay": (OURS, "cvlserv"),
    "hifes_pay": (OURS, "hifes"),
    "oth_pay": (OURS, "oth"),
    "hosp_part_amt": (OURS, "hosp-part"),
    "fund_pay_sumamt": (OURS, "fund-pay-sum"),
    "psn_part_amt": (ADJUDICATION, "copay"),
    "acct_pay": (OURS, "acct-pay"),
    "acct_mulaid_pay": (OURS, "acct-mulaid-pay"),
    "psn_cash_pay": (OURS, "psn-cash-pay"),
}


@dataclass(frozen=True)
class SettlementFacts:
    """``id``: of the settlement; ``coverage``: id of its Coverage; ``amounts``: fen by field of setlinfo, negative
    in an undoing. ``preview``: a pre-settlement, which binds nobody. ``message``: its msgid; ``original``: id of the
    settlement it undoes; ``inpatient``: a stay, else a visit.
    """

    id: str
    person: str
    coverage: str
    institution: str
    institution_name: str
    insured: str
    at: datetime
    amounts: Mapping[str, int]
    message: str = ""
    preview: bool = False
    original: str = ""
    inpatient: bool = True


def claim(facts: SettlementFacts) -> Resource:
    """A reversal is a cancelled claim that is related to the one it undoes."""
    return filled(
        (
            ("resourceType", "Claim"),
            ("id", facts.id),
            ("identifier", [identifier(SYSTEM + "msgid", facts.message)] if facts.message else []),
            *_common(facts),
            ("provider", logical(INSTITUTION, facts.institution, facts.institution_name)),
            ("priority", coding(PRIORITIES, "normal")),
            ("related", [{"claim": {"reference": f"Claim/{facts.original}"}}] if facts.original else []),
            ("insurance", [{"sequence": 1, "focal": True, "coverage": {"reference": f"Coverage/{facts.coverage}"}}]),
            ("total", money(facts.amounts["medfee_sumamt"])),
        )
    )


def claim_response(facts: SettlementFacts) -> Resource:
    """Every amount of setlinfo that somebody pays, by its category; ours where FHIR has none."""
    totals = [
        {"category": coding(*CATEGORIES[name]), "amount": money(fen)}
        for name, fen in facts.amounts.items()
        if name in CATEGORIES
    ]
    note = "预结算，不作为最终结算依据 / predetermination, no assurance that the later claim matches"
    return filled(
        (
            ("resourceType", "ClaimResponse"),
            ("id", facts.id),
            *_common(facts),
            ("insurer", logical(REGION, facts.insured)),
            ("request", {"reference": f"Claim/{facts.id}"}),
            ("outcome", "complete"),
            ("disposition", note if facts.preview else ""),
            ("total", totals),
        )
    )


def _common(facts: SettlementFacts) -> tuple[tuple[str, object], ...]:
    return (
        ("status", "cancelled" if facts.original else "active"),
        ("type", coding(CLAIM_TYPES, "institutional" if facts.inpatient else "professional")),
        ("use", "predetermination" if facts.preview else "claim"),
        ("patient", logical(PERSON, facts.person)),
        ("created", facts.at.isoformat()),
    )
