"""What a stay or visit remembers, shows and sends. What may be done with it: domain.medical.treatment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel

from domain.medical.access import AGENCY
from domain.medical.interface_words import MESSAGES, Messages
from domain.medical.matter import BillOrder, BillWork, Course, Exchange, Limit, MatterKind
from domain.medical.treatment_words import (
    TRANSITIONS,
    AnyTreatmentAct,
    BillRef,
    SettledOnce,
    StartTreatment,
    TreatmentStatus,
    TreatmentView,
)
from domain.messages import SYSTEM, Actor
from domain.record import Waiting, Who

S = TreatmentStatus
MONEY = frozenset({"settle", "undo"})  # whose end is awaited by whoever pays in full
HOSPITAL = "hospital"  # the department that a waiting institution is shown as


class TreatmentState(BaseModel):
    """All that is remembered."""

    view: TreatmentView
    tries: int = 0
    use_account: bool = True
    undo_reason: str = ""  # a code
    undo_part: str = ""
    pay_reason: str = ""
    discharge_part: str = ""
    discharge_way: str = "1"
    left: bool = False  # the platform knows of the discharge
    bed_refused: bool = False
    informed: bool = False  # of a visit: the platform has its description
    cancelling: str = ""  # the upload that is being taken down; empty: all
    billed: bool = False  # the bill of who has paid in full was answered
    leaving_since: datetime | None = None
    charged_at: datetime  # of a visit: when something was last charged or tried
    since: datetime


class TreatmentBase(Course[AnyTreatmentAct]):
    """The state of one stay or visit, what goes out of it, and who has the ball."""

    def __init__(self, start: StartTreatment, now: datetime) -> None:
        super().__init__(start.no, now)
        self.kind = start.kind
        self.start = start
        self.messages: Messages = MESSAGES[start.kind]
        self.state = TreatmentState(view=TreatmentView(status=S.OPENING), charged_at=now, since=now)

    # state

    @property
    def status(self) -> str:
        return self.state.view.status.value

    def view(self) -> TreatmentView:
        return self.state.view

    def _set(self, **changes: object) -> None:
        self.state.view = self.state.view.model_copy(update=changes)

    def _move(self, status: TreatmentStatus, now: datetime, *, actor: Actor = SYSTEM, **data: str) -> None:
        before = self.state.view.status
        if status not in TRANSITIONS[before]:
            raise RuntimeError(f"{self.no} cannot go from {before} to {status}")
        self._set(status=status)
        self.state.since = now
        self.note(status, now, actor=actor, data=data)

    @property
    def current(self) -> SettledOnce | None:
        """The settlement that stands."""
        standing = [s for s in self.state.view.settlements if not s.undoes and not s.undone_by]
        return standing[-1] if standing else None

    def waiting(self) -> tuple[Waiting, ...]:
        view, start = self.state.view, self.start
        if view.running:
            at = start.place if view.running in {"fees", "cancel_fees", "info", "discharge", "bed"} else start.insured
            return (self._waits(Who.PROVINCE, at, AGENCY, "insurance_asked", None),)
        why = {
            S.OPEN: "treatment",
            S.DISCHARGED: "settlement",
            S.SETTLED: "settled",
            S.UNCOVERED: "uncovered",
        }.get(view.status, "processing")
        due = min((limit.due for limit in self.limits()), default=None)
        return (self._waits(Who.DEPARTMENT, start.place, HOSPITAL, why, due),)

    def _waits(self, who: Who, region: str, department: str, why: str, until: datetime | None) -> Waiting:
        return Waiting(who=who, region=region, department=department, why=why, since=self.state.since, until=until)

    # time

    def limits(self) -> tuple[Limit, ...]:
        view, times = self.state.view, self.start.times
        if view.leaving and view.status is not S.SELF_PAID and view.running and view.running not in MONEY:
            since = self.state.leaving_since or self.state.since
            return (Limit(name="go_without", due=since + timedelta(seconds=times.leave_after_s)),)
        if view.running or view.leaving:
            return ()
        if self.kind is MatterKind.VISIT and view.status in {S.OPEN, S.UNCOVERED}:
            return (Limit(name="unsettled", due=self.state.charged_at + timedelta(days=times.unsettled_days)),)
        if view.status is S.DISCHARGED or (view.status is S.UNCOVERED and view.discharged_at is not None):
            return (Limit(name="unsettled", due=self.state.since + timedelta(days=times.unsettled_days)),)
        if view.status is S.SETTLED:
            return (Limit(name="reversal", due=self.state.since + timedelta(days=times.reversal_days)),)
        return ()

    # what goes out

    def _ask(self, purpose: str, infno: str, body: Mapping[str, object], parts: tuple[str, ...], now: datetime) -> None:
        """A message goes out; until its end is known no other one does."""
        start, view = self.start, self.state.view
        own = {"psn_no": view.person} if view.person else {}
        self._set(running=purpose, trouble=None)
        self.state.since = now
        self.errands.append(
            Exchange(
                no=self.no,
                number=self.next_errand(),
                infno=infno,
                purpose=purpose,
                place=start.place,
                insured=start.insured,
                institution=start.institution,
                institution_name=start.institution_name,
                person=view.person,
                body=json.dumps(own | dict(body)),
                parts=parts,
            )
        )

    def _order_bill(self, purpose: str, about: str, total: int, amounts: Mapping[str, int]) -> None:
        self.errands.append(
            BillOrder(
                no=self.no,
                number=self.next_errand(),
                purpose=purpose,
                work=BillWork.ISSUE,
                institution=self.start.institution,
                institution_name=self.start.institution_name,
                unit=self.start.institution_uscc,
                about=about,
                total=total,
                parts=tuple(self._taken("")),
                fund_pay=amounts.get("fund_pay_sumamt", 0),
                acct_pay=amounts.get("acct_pay", 0) + amounts.get("acct_mulaid_pay", 0),
            )
        )

    def _red_letter(self, setl_id: str, bill: BillRef) -> None:
        self.errands.append(
            BillOrder(
                no=self.no,
                number=self.next_errand(),
                purpose="red_letter",
                work=BillWork.RED_LETTER,
                institution=self.start.institution,
                institution_name=self.start.institution_name,
                unit=self.start.institution_uscc,
                about=setl_id,
                total=0,
                code=bill.code,
                bill_number=bill.number,
            )
        )

    # small changes

    def _replace(self, setl_id: str, **changes: object) -> None:
        self._set(
            settlements=tuple(
                s.model_copy(update=changes) if s.setl_id == setl_id else s for s in self.state.view.settlements
            )
        )

    def _taken(self, part: str, *statuses: str) -> list[str]:
        """The uploads that are there: all, or this one."""
        wanted = statuses or ("accepted", "kept")
        return [u.part for u in self.state.view.uploads if u.status in wanted and part in {"", u.part}]

    def _taken_down(self, part: str) -> None:
        """All of them, or this one, are no longer charged for."""
        for each in self._taken(part):
            self._uploaded(each, "cancelled")

    def _uploaded(self, part: str, status: str, code: str = "") -> None:
        uploads = tuple(
            u.model_copy(update={"status": status, "code": code}) if u.part == part else u
            for u in self.state.view.uploads
        )
        total = sum(u.total for u in uploads if u.status in {"accepted", "kept"})
        self._set(uploads=uploads, total=total, preview=None)
