"""What a referral to another province needs (domain note 3.1, [S50]). Its numbers stand in catalogue/referral.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pydantic import Field

from domain.errors import Refusal
from domain.medical.filing_rules import Span, Value, other_province
from domain.medical.institution import CareKind, Institution
from domain.messages import Message, Text


class Coded(Message):
    """A code that may be given, in words. ``text_required``: it says nothing without a text beside it."""

    title: Text
    text_required: bool = False


class Days(Value):
    """Calendar days."""

    days: int = Field(ge=1, le=366)


class Assessment(Value):
    """Who may say that care in another province is needed: titles of the assessor, levels of the referring hospital."""

    titles: Mapping[str, Text]
    levels: tuple[int, ...]


class ReferralRules(Message):
    """``answer``, ``proposal``: how long the two sides have; ``forgotten``: how long after the last day it is closed.

    ``care``: for what the receiving side must settle directly.
    """

    version: str
    assessment: Assessment
    care: CareKind
    validity: Span
    answer: Days
    proposal: Days
    forgotten: Days
    reasons: Mapping[str, Coded]
    declines: Mapping[str, Coded]
    proposals: Mapping[str, Coded]
    cancellations: Mapping[str, Coded]
    outcomes: Mapping[str, Coded]


class ReferralRequest(Message):
    """What rules need of a referral. ``capability``: what the receiving side must be able to do."""

    insured: str
    reason: str
    reason_text: str = ""
    assessor_title: str
    capability: str
    first: date


def faults_of(
    rules: ReferralRules, request: ReferralRequest, referring: Institution | None, receiving: Institution | None
) -> list[Refusal]:
    """Everything that does not allow this referral."""
    faults = []
    if referring is None or not referring.is_open(request.first):
        faults.append(Refusal("institution_closed", "/"))
    elif referring.level not in rules.assessment.levels:
        faults.append(Refusal("referral_level", "/"))
    if request.assessor_title not in rules.assessment.titles:
        faults.append(Refusal("referral_assessor", "/assessor_title"))
    faults += code_faults(rules.reasons, request.reason, request.reason_text, "/reason")
    return faults + receiving_faults(rules, request, receiving)


def receiving_faults(rules: ReferralRules, request: ReferralRequest, receiving: Institution | None) -> list[Refusal]:
    """Why this institution cannot be asked."""
    where = "/institution"
    if receiving is None or not receiving.is_open(request.first):
        return [Refusal("institution_unknown", where)]
    faults = []
    if not receiving.settles(rules.care, request.first):
        faults.append(Refusal("institution_not_networked", where))
    if request.capability not in receiving.capabilities:
        faults.append(Refusal("institution_not_capable", where))
    if not other_province(request.insured, receiving.region):
        faults.append(Refusal("filing_same_province", where))
    return faults


def code_faults(known: Mapping[str, Coded], code: str, text: str, where: str) -> list[Refusal]:
    """A code that is not on the list, or says nothing without a text."""
    if code not in known:
        return [Refusal("field_invalid", where)]
    return [Refusal("reason_required", f"{where}_text")] if known[code].text_required and not text.strip() else []
