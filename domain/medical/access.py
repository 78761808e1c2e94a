"""Who may read health data, and on what basis: consent, an emergency, a legal duty, or a treatment.

Health data are sensitive (PIPL 28): a specific purpose, separate consent where consent is the basis (29), within powers
where it is a duty (34). Withdrawal stops future reads only. Each reading by anybody but the person himself is logged.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from domain.errors import Refusal
from domain.messages import Actor, Message, Role
from domain.regions import covers

AGENCY = "health_insurance"  # 医疗保障: who runs medical insurance at a place
INSURANCE = frozenset({AGENCY, "medical_insurance"})  # and its name where it takes part in a one-stop service
SHORTEST_REASON = 4


class DataKind(StrEnum):
    """What kind of health data."""

    FILING = "filing"
    REFERRAL = "referral"
    STAY = "stay"
    VISIT = "visit"
    RECOGNITION = "recognition"
    CLAIM = "claim"
    BILL = "bill"


class Purpose(StrEnum):
    """What a consent is for."""

    RECOGNITION = "recognition"  # reports are fetched and looked at, in one recognition
    RECORDS = "records"  # records on this platform are looked at


class Basis(StrEnum):
    """By what right somebody reads."""

    OWN = "own"  # the person himself, or who has filed it for him; not logged
    CONSENT = "consent"
    EMERGENCY = "emergency"
    LEGAL_DUTY = "legal_duty"
    TREATMENT = "treatment"


class Consent(Message):
    """scope: the kinds of data; institutions: who may read; provinces: whose data; matter: the only one it is for."""

    id: str
    person: str
    purpose: Purpose
    scope: tuple[DataKind, ...]
    institutions: tuple[str, ...]
    provinces: tuple[str, ...] = ()
    matter: str = ""
    text_version: str
    granted_at: datetime
    withdrawn_at: datetime | None = None


class Subject(Message):
    """Whose data, in which matter (of a bill its code and number). institutions: those that take part in it.
    regions: its insured and its treatment place. closed: it is over.
    """

    matter: str
    kind: DataKind
    person: str
    owner: str
    institutions: tuple[str, ...]
    regions: tuple[str, ...]
    closed: bool = False


class Ground(Message):
    """The basis found, and the consent if that is it."""

    basis: Basis
    consent: str = ""


def consent_for(actor: Actor, subject: Subject, consents: Iterable[Consent]) -> Consent | None:
    """The newest consent in force under which this institution may read this."""
    wanted = [
        consent
        for consent in consents
        if consent.withdrawn_at is None
        and consent.person == subject.person
        and subject.kind in consent.scope
        and actor.department in consent.institutions
        and consent.matter in {"", subject.matter}
        and (not consent.provinces or any(covers(p, r) for p in consent.provinces for r in subject.regions if r))
    ]
    return max(wanted, key=lambda consent: consent.granted_at, default=None)


def ground_for(
    actor: Actor, subject: Subject, consents: Iterable[Consent], *, own: str = "", emergency_reason: str = ""
) -> Ground:
    """On what basis this actor may read this; Refusal if on none.

    own: digest of the number that the actor's login has verified. not_found: for whoever has no part in it;
    health_consent_required: for whoever treats the person but may read this with consent only.
    """
    if actor.role in {Role.CITIZEN, Role.AGENT}:
        if (own and own == subject.person) or actor.subject == subject.owner:
            return Ground(basis=Basis.OWN)
        raise Refusal("not_found")
    if actor.role in {Role.CASEWORKER, Role.SUPERVISOR}:
        within = any(covers(actor.region, region) for region in subject.regions if region)
        if actor.department in INSURANCE and within:
            return Ground(basis=Basis.LEGAL_DUTY)
        raise Refusal("not_found")
    if actor.role is not Role.INSTITUTION:
        raise Refusal("not_found")
    takes_part = actor.department in subject.institutions
    if (consent := consent_for(actor, subject, consents)) is not None:
        return Ground(basis=Basis.CONSENT, consent=consent.id)
    if takes_part and subject.kind is not DataKind.RECOGNITION:
        return Ground(basis=Basis.TREATMENT)
    if emergency_reason:
        if len(emergency_reason.strip()) < SHORTEST_REASON:
            raise Refusal("reason_required", "/emergency_reason")
        return Ground(basis=Basis.EMERGENCY)
    raise Refusal("health_consent_required" if takes_part else "not_found")
