"""The courses a case can take, one for each way it can end: what is recorded, and replayed ever after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from domain import names
from domain.case import CaseStatus, StepStatus
from domain.effects import Verb
from domain.process import OutcomeStatus
from tests.unit.plans import moving, step
from tests.unit.receiver import ACCEPTED, PENDING, REJECTED
from tests.unit.successors import between, order
from tests.workflow.house import Case, fails, says

Course = Callable[[Case], Awaitable[None]]


async def granted(case: Case) -> None:
    """The archive is handed over later and reported by callback; the tax authority has to be asked twice."""
    await case.decide("accept", "accept")
    await case.until_step("archive", StepStatus.PENDING)
    entry = case.receiver.pending()[0]
    case.receiver.complete(entry, ACCEPTED)
    await case.handle.signal(names.CALLBACK_SIGNAL, entry.callback("ev-1"))
    await case.evidence("representative")
    await case.until(lambda: case.step("shareholder") is StepStatus.PREVIEW)
    await case.evidence("shareholder", accept=False)
    await case.decide("decide", "grant")


async def refused_at_accept(case: Case) -> None:
    await case.decide("accept", "refuse")


async def refused_at_decide(case: Case) -> None:
    """A reversal is refused at first, tried again, taken in, and found done by asking."""
    await case.to_decision()
    await case.decide("decide", "refuse")
    await case.decide("tax", "retry")
    await case.until(lambda: bool(case.receiver.pending()))
    case.receiver.complete(case.receiver.pending()[0], ACCEPTED)


async def withdrawn(case: Case) -> None:
    await case.decide("accept", "accept")
    await case.until(lambda: {case.step("tax"), case.step("archive")} == {StepStatus.DONE})
    await case.withdraw()


async def terminated(case: Case) -> None:
    await case.decide("accept", "accept")


async def resolved(case: Case) -> None:
    """The licence is refused, a person has it tried again."""
    await case.to_decision()
    await case.decide("decide", "grant")
    await case.decide("licence", "retry")


async def migrated(case: Case) -> None:
    """Moved to a version with one province more while the first two are at work, and it is that version that ends."""
    await case.decide("accept", "accept")
    await case.until(lambda: {case.step("tax"), case.step("archive")} == {StepStatus.DONE})
    audit = step("audit", needs=("accept",)).model_copy(update={"leg": "origin_tax"})
    moved = order(moving(), between(moving(), audit, "decide"))
    await case.order(names.ORDER_UPDATE, moved, moved.id)
    await case.until_step("audit", StepStatus.DONE)
    await case.evidence("representative")
    await case.evidence("shareholder")
    await case.decide("decide", "grant")


def prepare(name: str, case: Case) -> None:
    """What the provinces will do in that course."""
    if name == "granted":
        case.meets("archive_handover", says(PENDING, after_s=3600))
        case.meets("tax_clearance", fails(OutcomeStatus.UNKNOWN, acts=True))
    elif name == "refused_at_decide":
        case.meets("tax", says(REJECTED), says(PENDING, after_s=1), verb=Verb.REVERSE)
    elif name == "terminated":
        case.meets("archive_handover", says(REJECTED))
    elif name == "resolved":
        case.meets("business_licence_issue", says(REJECTED))


COURSES: dict[str, tuple[Course, CaseStatus]] = {
    "granted": (granted, CaseStatus.COMPLETED),
    "refused_at_accept": (refused_at_accept, CaseStatus.NOT_ACCEPTED),
    "refused_at_decide": (refused_at_decide, CaseStatus.DECIDED_REFUSED),
    "withdrawn": (withdrawn, CaseStatus.WITHDRAWN),
    "terminated": (terminated, CaseStatus.TERMINATED),
    "resolved": (resolved, CaseStatus.COMPLETED),
    "migrated": (migrated, CaseStatus.COMPLETED),
}
