"""What a filing is started with, what can be done in it, how it is shown; its states as a table (note 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.medical.filing_decision import FilingDecision, FilingRequest, KnownFiling, RuleLine
from domain.medical.filing_rules import Benefit, Category
from domain.medical.matter import Act
from domain.messages import Actor, Message, Place


class FilingStatus(StrEnum):
    """Where a filing stands."""

    SUBMITTED = "submitted"
    AUTO_APPROVED = "auto_approved"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    PENDING_PROOF = "pending_proof"
    EFFECTIVE = "effective"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


S = FilingStatus
IN_FORCE = frozenset({S.PENDING_PROOF, S.EFFECTIVE})
OVER = frozenset({S.REJECTED, S.CHANGED, S.CANCELLED, S.EXPIRED})
BEFORE = frozenset({S.SUBMITTED, S.IN_REVIEW, S.AUTO_APPROVED, S.APPROVED})
HELD = IN_FORCE | {S.CHANGED, S.CANCELLED, S.EXPIRED}  # it may have covered days; which, its first and last day say
TRANSITIONS: Mapping[FilingStatus, frozenset[FilingStatus]] = {
    S.SUBMITTED: frozenset({S.AUTO_APPROVED, S.IN_REVIEW}),
    S.IN_REVIEW: frozenset({S.APPROVED, S.REJECTED, S.CANCELLED}),
    # rejected, cancelled: the platform has refused it for good, or the applicant takes it back before it is in force
    S.AUTO_APPROVED: frozenset({S.EFFECTIVE, S.PENDING_PROOF, S.REJECTED, S.CANCELLED}),
    S.APPROVED: frozenset({S.EFFECTIVE, S.PENDING_PROOF, S.REJECTED, S.CANCELLED}),
    S.PENDING_PROOF: frozenset({S.EFFECTIVE, S.CHANGED, S.CANCELLED, S.EXPIRED}),
    S.EFFECTIVE: frozenset({S.CHANGED, S.CANCELLED, S.EXPIRED}),
    S.REJECTED: frozenset(),
    S.CHANGED: frozenset(),
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
}


class FilingStart(Message):
    """What the workflow is started with: codes and references only. Who it is about stands in the form.

    owners: logins whose filing it is. proof_days, proof_ends: the term of a commitment and what follows. interval_from:
    from when it may be changed or cancelled. review_due: the last day for the caseworker. refusals: codes he may use.
    referral_fields: of a filing that follows a referral, the input of 2501 beside what is personal, JSON text.
    """

    no: str
    request: FilingRequest
    decision: FilingDecision
    asked_by: Actor
    owners: tuple[str, ...]
    office: Place
    interval_from: date
    proof_days: int = 0
    proof_ends: bool = False
    review_due: date | None = None
    refusals: tuple[str, ...] = ()
    referral_fields: str = ""


class Trouble(Message):
    """A message that the platform did not take, and what for."""

    purpose: str
    code: str
    since: datetime


class FilingView(Message):
    """The projection that people read. ``last`` is the last day it holds, also when it was ended before its time."""

    status: FilingStatus
    category: Category
    benefit: Benefit
    insured: str
    destination: str
    first: date
    last: date | None
    by_commitment: bool
    proof_due: date | None = None
    missed_proof: date | None = None
    documents: tuple[str, ...] = ()
    interval_from: date
    changeable: bool = True
    registered: str = ""  # trt_dcla_detl_sn
    held: bool = False  # the platform has known it
    reason: str = ""
    decided_by: str = ""  # rules | caseworker
    replaced_by: str = ""
    review_due: date | None = None
    overdue: bool = False
    trouble: Trouble | None = None
    trace: tuple[RuleLine, ...]
    rules: str

    def known(self, no: str) -> KnownFiling | None:
        """As rules read it; None if it never held, or was taken back for all days."""
        if self.status is S.REJECTED or (self.status in HELD and not self.held):
            return None
        if self.last is not None and self.last < self.first:
            return None
        return KnownFiling(
            no=no,
            insured=self.insured,
            destination=self.destination,
            category=self.category,
            first=self.first,
            last=self.last,
            registered=self.held,
            missed_proof=self.missed_proof,
        )


# what can be done


class DecideFiling(Act):
    """By a caseworker of the insured place. retry, by_hand: of a message that the platform did not take."""

    act: Literal["decide"] = "decide"
    outcome: Literal["approve", "reject", "retry", "by_hand"]
    reason: str = ""  # code of the refusal
    reference: str = ""  # by_hand: the number under which it was entered there


class HandInProof(Act):
    """The proof that a commitment stood in for. ``documents``: their ids."""

    act: Literal["proof"] = "proof"
    documents: tuple[str, ...]


class CancelFiling(Act):
    """It is not wanted any more; holds to the end of this day if it was in force. ``reason``: a code of the house."""

    act: Literal["cancel"] = "cancel"
    reason: str = ""


class ReplaceFiling(Act):
    """By the house: another filing has taken its place from a day on."""

    act: Literal["replace"] = "replace"
    by: str
    first: date


AnyFilingAct = Annotated[DecideFiling | HandInProof | CancelFiling | ReplaceFiling, Field(discriminator="act")]
