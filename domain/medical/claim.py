"""A claim for manual reimbursement (手工报销): the patient has paid in full, the insured place pays its part back.

    opened -> submitted (the bill is locked for it) -> in review -> approved -> paid (the platform is told)
                                                     \\-> rejected (the lock is given back)
    suspended: the bill was cancelled while it was locked, or could not be locked again; goes on with a bill, or ends

Money that was sent is a fact: from then on the claim ends as paid, whatever becomes of its bill and of the report.
It opens by itself where direct settlement was refused or could not be reached, and from then on waits for the patient
or for the insured place, never for nobody. The bill's lock is what keeps it from being reimbursed twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.medical.access import AGENCY, INSURANCE
from domain.medical.matter import (
    Act,
    BillOrder,
    BillWork,
    Course,
    Errand,
    ExchangeEnd,
    ExchangeOutcome,
    Limit,
    MatterKind,
)
from domain.medical.treatment_words import BillRef, Trouble
from domain.messages import SYSTEM, Actor, Message, Role
from domain.record import Waiting, Who

DISCHARGE = "discharge"  # the part of the form with which the institution has discharged the patient


class ClaimStatus(StrEnum):
    """Where a claim stands."""

    OPENED = "opened"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    SUSPENDED = "suspended"
    APPROVED = "approved"
    PAID = "paid"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


S = ClaimStatus
TRANSITIONS: Mapping[ClaimStatus, frozenset[ClaimStatus]] = {
    S.OPENED: frozenset({S.SUBMITTED, S.WITHDRAWN}),
    S.SUBMITTED: frozenset({S.IN_REVIEW, S.OPENED, S.SUSPENDED, S.WITHDRAWN}),
    S.IN_REVIEW: frozenset({S.APPROVED, S.REJECTED, S.SUSPENDED, S.WITHDRAWN}),
    S.SUSPENDED: frozenset({S.OPENED, S.REJECTED, S.WITHDRAWN, S.PAID}),
    S.APPROVED: frozenset({S.PAID, S.SUSPENDED, S.REJECTED, S.WITHDRAWN}),
    S.PAID: frozenset(),
    S.REJECTED: frozenset(),
    S.WITHDRAWN: frozenset(),
}


class StartClaim(Message):
    """What a claim is started with. total: the bill, in fen. about: the stay or visit. agency: 统一社会信用代码 of the
    unit that locks the bill.
    """

    no: str
    insured: str
    insutype: str
    med_type: str
    treatment: str
    institution: str
    total: int
    about: str = ""
    bill: BillRef | None = None
    agency: str = ""
    review_days: int = 30
    opened_by: Actor


class SubmitClaim(Act):
    """The patient asks for it. ``part``: of the form, with account and documents; bill: where it is another one."""

    act: Literal["submit"] = "submit"
    part: str
    bill: BillRef | None = None


class DecideClaim(Act):
    """The insured place decides. amount: what the funds pay, in fen, as its pack gives; ``part``: the computation.

    revoke: rejected after it was approved and before it is paid; a word of its own, so that of two who decide at once
    the later one does not undo what the other has decided.
    """

    act: Literal["decide"] = "decide"
    outcome: Literal["approve", "reject", "revoke"]
    amount: int = Field(default=0, ge=0)
    reason: str = ""
    part: str = ""


class ClaimPaid(Act):
    """The money was sent. tx_no: of the payment."""

    act: Literal["paid"] = "paid"
    tx_no: str


class BillReversed(Act):
    """The bill was cancelled by a red-letter bill, while it was locked for this claim."""

    act: Literal["bill_reversed"] = "bill_reversed"
    code: str
    number: str


class LockExpired(Act):
    """The platform has let a lock run out that was held for this claim."""

    act: Literal["lock_expired"] = "lock_expired"
    lock: str


class WithdrawClaim(Act):
    act: Literal["withdraw"] = "withdraw"


AnyClaimAct = Annotated[
    SubmitClaim | DecideClaim | ClaimPaid | BillReversed | LockExpired | WithdrawClaim, Field(discriminator="act")
]


WANTED: Mapping[str, frozenset[ClaimStatus]] = {
    "submit": frozenset({S.OPENED, S.SUSPENDED}),
    "withdraw": frozenset({S.OPENED, S.IN_REVIEW, S.SUSPENDED, S.APPROVED}),
    "approve": frozenset({S.IN_REVIEW}),
    "reject": frozenset({S.IN_REVIEW, S.SUSPENDED}),
    "revoke": frozenset({S.APPROVED}),
    "paid": frozenset({S.APPROVED}),
}
"""In which states each act, and each outcome of a decision, has its place."""


class ClaimView(Message):
    """The projection; amounts in fen. submitted, decided: parts of the form, those that the claim goes by."""

    status: ClaimStatus
    about: str
    total: int
    amount: int = 0
    reason: str = ""
    bill: BillRef | None = None
    lock: str = ""
    running: str = ""
    trouble: Trouble | None = None
    tx_no: str = ""
    due: datetime | None = None
    submitted: str = ""
    decided: str = ""


class Claim(Course[AnyClaimAct]):
    """The course of one claim."""

    kind = MatterKind.CLAIM

    def __init__(self, start: StartClaim, now: datetime) -> None:
        super().__init__(start.no, now)
        self.start = start
        self._since = now
        self._overdue_told = False
        self._view = ClaimView(status=S.OPENED, about=start.about, total=start.total, bill=start.bill)

    @property
    def status(self) -> str:
        return self._view.status.value

    def view(self) -> ClaimView:
        return self._view

    def _set(self, **changes: object) -> None:
        self._view = self._view.model_copy(update=changes)

    def _move(self, status: ClaimStatus, now: datetime, *, actor: Actor = SYSTEM, **data: str) -> None:
        if status not in TRANSITIONS[self._view.status]:
            raise RuntimeError(f"{self.no} cannot go from {self._view.status} to {status}")
        self._set(status=status)
        self._since = now
        self.note(status, now, actor=actor, data=data)

    def waiting(self) -> tuple[Waiting, ...]:
        view = self._view
        if view.running:
            why, who, region, department = "bills_asked", Who.SYSTEM, "", ""
        elif view.status in {S.OPENED, S.SUSPENDED}:
            cancelled = view.bill is not None and view.bill.red_lettered
            why = "bill_cancelled" if cancelled else "claim_wanted"
            who, region, department = Who.APPLICANT, "", ""
        else:
            why = "claim_payment" if view.status is S.APPROVED else "claim_review"
            who, region, department = Who.DEPARTMENT, self.start.insured, AGENCY
        return (
            Waiting(who=who, region=region, department=department, why=why, since=self._since, until=self._view.due),
        )

    def limits(self) -> tuple[Limit, ...]:
        due = self._view.due
        if due is None or self._overdue_told or self._view.status is not S.IN_REVIEW:
            return ()
        return (Limit(name="review", due=due),)

    def take_limit(self, name: str, now: datetime) -> None:
        self._overdue_told = True  # late is shown and goes on; nobody loses money by a clock
        self.note("overdue", now)

    # acts

    def refusal(self, act: AnyClaimAct) -> str | None:
        view, role = self._view, act.actor.role
        match act:
            case BillReversed() | LockExpired():
                return None if role is Role.SYSTEM else "forbidden"
            case SubmitClaim() | WithdrawClaim():
                if role not in {Role.CITIZEN, Role.AGENT, Role.CASEWORKER}:
                    return "forbidden"
            case _:
                if role is not Role.CASEWORKER or act.actor.department not in INSURANCE:
                    return "forbidden"
        if view.tx_no and not (isinstance(act, ClaimPaid) and act.tx_no == view.tx_no):
            return "claim_state"  # the money was sent
        if isinstance(act, ClaimPaid) and view.status is S.APPROVED and not view.lock:
            return "bill_lock_over"
        if view.running:
            return "message_running"
        if view.status not in WANTED[act.outcome if isinstance(act, DecideClaim) else act.act]:
            return "claim_state"
        if isinstance(act, SubmitClaim):
            bill = act.bill or view.bill
            if bill is None or bill.red_lettered:
                return "bill_missing" if bill is None else "bill_red_lettered"
        if isinstance(act, DecideClaim) and act.outcome == "approve" and not 0 < act.amount <= view.total:
            return "amount_wrong"
        if isinstance(act, DecideClaim) and act.outcome != "approve" and not act.reason:
            return "reason_required"
        return None

    def apply(self, act: AnyClaimAct, now: datetime) -> None:
        view = self._view
        match act:
            case SubmitClaim():
                if view.status is S.SUSPENDED:
                    self._move(S.OPENED, now, actor=act.actor)
                self._set(bill=act.bill or view.bill, submitted=act.part, trouble=None)
                self._move(S.SUBMITTED, now, actor=act.actor)
                self._order(BillWork.LOCK, now)
            case DecideClaim() if act.outcome == "approve":
                self._set(amount=act.amount, decided=act.part, due=None)
                self._move(S.APPROVED, now, actor=act.actor, amount=str(act.amount))
            case DecideClaim():
                self._set(amount=0, reason=act.reason, decided=act.part, due=None)
                self._move(S.REJECTED, now, actor=act.actor, reason=act.reason)
                self._give_back(now)
            case ClaimPaid():
                self._set(tx_no=act.tx_no, trouble=None)
                self.note("paying", now, actor=act.actor, data={"tx": act.tx_no})
                self._order(BillWork.REIMBURSED, now)
            case WithdrawClaim():
                self._set(due=None)
                self._move(S.WITHDRAWN, now, actor=act.actor)
                self._give_back(now)
            case BillReversed():
                self._reversed(act, now)
            case LockExpired():
                self._expired(act, now)

    def _reversed(self, act: BillReversed, now: datetime) -> None:
        """Nothing more is paid on this bill; the lock that the red letter waits for is given up."""
        view, bill = self._view, self._view.bill
        if bill is None or (bill.code, bill.number) != (act.code, act.number) or bill.red_lettered:
            return
        self._set(bill=bill.model_copy(update={"red_lettered": True}))
        if view.tx_no or S.SUSPENDED not in TRANSITIONS[view.status]:
            self.note("bill_reversed", now)  # what is paid under a suspended lock is still taken
        else:
            self._suspend(now, act.code)
        if view.lock and not view.running and not view.tx_no:
            self._order(BillWork.RELEASE, now)

    def _suspend(self, now: datetime, code: str) -> None:
        """What was approved is not payable any more."""
        self._set(amount=0, due=None)
        self._move(S.SUSPENDED, now, code=code)

    def _expired(self, act: LockExpired, now: datetime) -> None:
        """Without a lock nothing is decided and nothing paid: it is taken again before the claim goes on."""
        view = self._view
        if act.lock != view.lock:
            return
        self._set(lock="")
        self.note("lock_expired", now, data={"lock": act.lock})
        if view.status in {S.IN_REVIEW, S.APPROVED} and not view.running:
            self._order(BillWork.LOCK, now)

    def _give_back(self, now: datetime) -> None:
        if self._view.lock:
            self._order(BillWork.RELEASE, now)
        else:
            self.close(now)

    def _order(self, work: BillWork, now: datetime) -> None:
        view, start = self._view, self.start
        bill = view.bill
        if bill is None:
            raise RuntimeError(f"{self.no}: no bill")
        self._set(running=work.value)
        self._since = now
        self.errands.append(
            BillOrder(
                no=self.no,
                number=self.next_errand(),
                purpose=work.value,
                work=work,
                institution=start.institution,
                institution_name="",
                about=self.no,
                total=view.amount if view.status is S.APPROVED else view.total,
                code=bill.code,
                bill_number=bill.number,
                unit=start.agency,
                lock=view.lock,
                tx_no=view.tx_no,
            )
        )

    def take_outcome(self, errand: Errand, outcome: ExchangeOutcome, now: datetime) -> None:
        self._set(running="")
        self.note(f"bill:{errand.purpose}:{outcome.end}", now, data={"code": outcome.code})
        done = outcome.end is ExchangeEnd.DONE
        if not done:
            self._set(trouble=Trouble(purpose=errand.purpose, code=outcome.code, text=outcome.text))
        match errand.purpose:
            case BillWork.LOCK:
                self._locked(outcome, now)
            case BillWork.REIMBURSED if done:
                self._set(lock="")
                self._paid(now)
            case BillWork.REIMBURSED:
                self._not_reported(outcome, now)
            case BillWork.RELEASE:
                self._set(lock="")
                if self._view.status is not S.SUSPENDED:
                    self.close(now)

    def _paid(self, now: datetime) -> None:
        self._move(S.PAID, now, tx=self._view.tx_no)
        self._give_back(now)

    def _not_reported(self, outcome: ExchangeOutcome, now: datetime) -> None:
        """The money was sent, and the platform does not take the report."""
        if outcome.code == "bill_tx_reused":
            self._set(tx_no="")  # the number is that of another payment: it has to be named rightly
            view = self._view
            if view.bill is not None and view.bill.red_lettered:
                self._suspend(now, outcome.code)
                if view.lock:
                    self._order(BillWork.RELEASE, now)
            elif not view.lock:
                self._order(BillWork.LOCK, now)
        elif outcome.code == "bill_lock_over":
            self._set(lock="")
            self._order(BillWork.LOCK, now)  # and then once more
        else:
            self.note("unreported", now, data={"tx": self._view.tx_no, "code": outcome.code})
            self._paid(now)

    def _locked(self, outcome: ExchangeOutcome, now: datetime) -> None:
        """Locked: it can be reviewed. Refused (locked or reimbursed elsewhere, settled directly): back to him."""
        view, done = self._view, outcome.end is ExchangeEnd.DONE
        lock = str(json.loads(outcome.body)["lock_id"]) if done else ""
        if view.status is S.SUSPENDED and done:
            self._set(lock=lock)
            self._order(BillWork.RELEASE, now)  # the bill was cancelled while it was being locked
        elif view.status is S.SUBMITTED and done:
            self._set(lock=lock, due=now + timedelta(days=self.start.review_days))
            self._move(S.IN_REVIEW, now)
        elif view.status is S.SUBMITTED:
            self._move(S.OPENED, now, code=outcome.code)
        elif view.status in {S.IN_REVIEW, S.APPROVED}:
            self._locked_again(lock, outcome.code, now)

    def _locked_again(self, lock: str, code: str, now: datetime) -> None:
        """The lock had run out; it is there again, or the bill is somebody else's by now."""
        self._set(lock=lock)
        self._since = now
        if self._view.tx_no and lock:
            self._order(BillWork.REIMBURSED, now)
        elif self._view.tx_no:
            self.note("unreported", now, data={"tx": self._view.tx_no, "code": code})
            self._paid(now)
        elif not lock:
            self._suspend(now, code)
