"""What each kind of matter is started with; whoever starts a workflow from the record reads it by this."""

from __future__ import annotations

from collections.abc import Mapping

from domain.medical.claim import StartClaim
from domain.medical.filing_messages import FilingStart
from domain.medical.matter import MatterKind
from domain.medical.recognition import RecognitionStart
from domain.medical.referral import ReferralStart
from domain.medical.treatment_words import StartTreatment
from domain.messages import Message

STARTS: Mapping[MatterKind, type[Message]] = {
    MatterKind.STAY: StartTreatment,
    MatterKind.VISIT: StartTreatment,
    MatterKind.CLAIM: StartClaim,
    MatterKind.RECOGNITION: RecognitionStart,
    MatterKind.FILING: FilingStart,
    MatterKind.REFERRAL: ReferralStart,
}
