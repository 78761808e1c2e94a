"""Cross-province medical insurance: matters that are not applications for a service, each with a course of its own.

    matter.py    what all of them share: numbers, acts, limits, batches for the record

A matter is an application for filing (备案), a referral (转诊), a stay or visit (就医), a recognition (互认), a claim
for manual reimbursement (手工报销). Each has a module of rules here and a workflow by its name.
"""

from domain.medical.matter import (
    Act,
    BillOrder,
    BillWork,
    Chore,
    Course,
    Errand,
    Exchange,
    ExchangeEnd,
    ExchangeOutcome,
    Limit,
    MatterBatch,
    MatterDone,
    MatterKind,
    Opening,
    Tell,
    agency_code,
    day_over,
    matter_number,
)

__all__ = [
    "Act",
    "BillOrder",
    "BillWork",
    "Chore",
    "Course",
    "Errand",
    "Exchange",
    "ExchangeEnd",
    "ExchangeOutcome",
    "Limit",
    "MatterBatch",
    "MatterDone",
    "MatterKind",
    "Opening",
    "Tell",
    "agency_code",
    "day_over",
    "matter_number",
]
