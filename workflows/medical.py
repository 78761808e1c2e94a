"""The workflows of medical matters, as a core worker registers them."""

from __future__ import annotations

from workflows.claim import ClaimWorkflow
from workflows.filing import FilingWorkflow
from workflows.recognition import RecognitionWorkflow
from workflows.referral import ReferralWorkflow
from workflows.treatment import StayWorkflow, VisitWorkflow

MATTER_WORKFLOWS: tuple[type, ...] = (
    StayWorkflow,
    VisitWorkflow,
    ClaimWorkflow,
    RecognitionWorkflow,
    FilingWorkflow,
    ReferralWorkflow,
)
