"""What a case workflow is started with, and carries on with after continue-as-new."""

from __future__ import annotations

from domain.calendar import WorkCalendar
from domain.messages import Message
from domain.plan import CasePlan
from domain.process.state import Call, Intake, ProcessState


class StartCase(Message):
    """Complete and without personal data: the workflow never reads the database.

    local_first: the first try of a call to a province is made beside the workflow (architecture, decision 3).
    state: set when the workflow continues as new.
    """

    case_no: str
    plan: CasePlan
    calendar: WorkCalendar
    local_first: bool
    intake: Intake = Intake()
    state: ProcessState | None = None


class CallProvince(Message):
    """Input of both province activities; ``case_no`` and ``call`` are all an activity needs to find the rest."""

    case_no: str
    leg: str
    call: Call
