"""Names that several rooms must spell alike: workflow ids, queues, signals, updates, keys. Spelled here once."""

from __future__ import annotations

import hashlib

CORE_QUEUE = "core"
CASE_WORKFLOW = "Case"
CALLBACK_SIGNAL = "callback"
ORDER_UPDATE = "order"
CALENDAR_SIGNAL = "calendar_published"
CHECK_QUERY = "would_refuse"
WINDOW_WORKFLOW = "Window"
WINDOW_UPDATE = "act"
WINDOW_SIGNAL = "window_completed"
RECORD_ACTIVITY = "record"
RECORD_WINDOW_ACTIVITY = "record_window"
MATTER_WORKFLOW = {
    "filing": "Filing",
    "referral": "Referral",
    "stay": "Stay",
    "visit": "Visit",
    "recognition": "Recognition",
    "claim": "Claim",
}  # the workflow id of a matter is its number
MATTER_UPDATE = "act"
MATTER_SIGNAL = "told"
RECORD_MATTER_ACTIVITY = "record_matter"
CHORE_ACTIVITY = "run_chore"
INSURANCE_ACTIVITY = "insurance_exchange"
BILL_ACTIVITY = "order_bill"
CLEARING_WORKFLOW = "Clearing"
CLEARING_MONTHLY_WORKFLOW = "ClearingMonthly"
RECONCILIATION_WORKFLOW = "Reconciliation"
CLEARING_UPDATE = "answer"
CLEARING_QUERY = "progress"
CLEARING_TERMS_ACTIVITY = "clearing_terms"
CLEARING_PROPOSE_ACTIVITY = "propose_clearing"
CLEARING_ANSWER_ACTIVITY = "answer_clearing"
CLEARING_CLEAR_ACTIVITY = "clear_month"
CLEARING_OVERDUE_ACTIVITY = "note_overdue_payment"
RECONCILE_ACTIVITY = "reconcile_book"
CLEARING_SCHEDULE = "clearing-monthly"
RECONCILIATION_SCHEDULE = "reconciliation-daily"
PROVINCE_ACTIVITY = "call_province"
PROVINCE_ATTEMPT_ACTIVITY = "try_province"

PROVINCES = ("310000", "320000", "330000", "340000")


def province_queue(region: str) -> str:
    """The activity task queue of one province: 320500 and 320000 -> province-320000."""
    return f"province-{region[:2]}0000"


def insurance_queue(region: str) -> str:
    """The activity task queue of one province's insurance platform: 340500 -> insurance-340000."""
    return f"insurance-{region[:2]}0000"


def window_workflow(session: str) -> str:
    """The workflow of a session at the virtual window."""
    return f"window-{session}"


def clearing_workflow(month: str) -> str:
    """The workflow that clears a month, 2026-10."""
    return f"clearing-{month}"


def window_decision(session: str) -> str:
    """The decision that a completed session is."""
    return _digest("window", session)[:40]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def effect_key(case_no: str, leg: str, step: str, verb: str, generation: int) -> str:
    """The idempotency key at the receiver. Never holds the attempt number: a retry is the same effect."""
    return _digest("effect", case_no, leg, step, verb, str(generation))


def task_id(case_no: str, step: str, kind: str, round_: int) -> str:
    """A task's public id."""
    return "t" + _digest("task", case_no, step, kind, str(round_))[:25]


def evidence_id(case_no: str, step: str) -> str:
    """An evidence item's public id."""
    return "e" + _digest("evidence", case_no, step)[:25]


def supplement_id(case_no: str, command: str) -> str:
    """A supplement request's public id."""
    return "s" + _digest("supplement", case_no, command)[:25]


def correction_id(case_no: str, command: str) -> str:
    """A correction's public id."""
    return "k" + _digest("correction", case_no, command)[:25]


def identity_digest(service: str, identity: str) -> str:
    """Two applications of a service with the same digest are about the same."""
    return _digest("identity", service, identity)


def principal_digest(identity: str) -> str:
    """Stands for somebody who is acted for and has no login."""
    return "id:" + _digest("principal", identity)[:24]


def person_digest(number: str) -> str:
    """Stands for an insured person by the number of his certificate, wherever his health data are looked for."""
    return "p:" + _digest("person", number)[:32]


def opinion_about(command: str) -> str:
    """What sets the task of another body's opinion apart from the others of its case."""
    return f"opinion:{command[:24]}"


def holder_digest(case_no: str, subject: str) -> str:
    """Stands for a person in the audit trail of a case: who knows the person can check it, nobody else can tell."""
    return _digest("holder", case_no, subject)[:16]


def migration_id(run: str, case_no: str) -> str:
    """The id of the order that moves a case in a run: the same run again is the same order."""
    return _digest("migration", run, case_no)[:40]


def command_id(client: str, kind: str, target: str, key: str) -> str:
    """The id of a person's command: the same request again is the same command."""
    return _digest("command", client, kind, target, key)[:40]
