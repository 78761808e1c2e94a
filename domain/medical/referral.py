"""转诊, a closed loop: from the referral to what became of the patient (domain note 3.1, 9: IHE 360X).

    REFERRED -> ACCEPTED -> SCHEDULED -> ADMITTED -> OUTCOME        the four ends: OUTCOME, DECLINED, CANCELLED, NO_SHOW
         |  -> DECLINED                       every other state has a limit of time that leads to one of them
         '-> PROPOSED -> REFERRED (elsewhere) | CANCELLED

An accepted referral is itself the filing TMP_REFERRAL: the house files it, once, and takes it back if the referral
comes to nothing. Hospitals act as users of their institution; the patient sees it and may cancel.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.calendar import local_day
from domain.medical.filing_messages import CancelFiling
from domain.medical.matter import Act, Chore, Course, Limit, MatterKind, Tell, day_over
from domain.messages import SYSTEM, Actor, Message, Role
from domain.record import Waiting, Who


class ReferralStatus(StrEnum):
    """Where a referral stands."""

    REFERRED = "referred"
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    ADMITTED = "admitted"
    OUTCOME = "outcome"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


S = ReferralStatus
ENDS = frozenset({S.OUTCOME, S.DECLINED, S.CANCELLED, S.NO_SHOW})
AGREED = frozenset({S.ACCEPTED, S.SCHEDULED})
TRANSITIONS: Mapping[ReferralStatus, frozenset[ReferralStatus]] = {
    S.REFERRED: frozenset({S.ACCEPTED, S.DECLINED, S.PROPOSED, S.CANCELLED}),
    S.PROPOSED: frozenset({S.REFERRED, S.CANCELLED}),
    S.ACCEPTED: frozenset({S.SCHEDULED, S.ADMITTED, S.CANCELLED, S.NO_SHOW}),
    S.SCHEDULED: frozenset({S.SCHEDULED, S.ADMITTED, S.CANCELLED, S.NO_SHOW}),
    S.ADMITTED: frozenset({S.OUTCOME}),
    **{end: frozenset() for end in ENDS},
}


class ReferralTerms(Message):
    """The limits that one referral runs by, in days."""

    answer_days: int
    proposal_days: int
    forgotten_days: int


class ReferralStart(Message):
    """Codes and references only. ``receiving``: the institution that is asked first; ``filing``: the number kept for
    the filing that it becomes.
    """

    no: str
    referring: str
    receiving: str
    insured: str
    first: date
    last: date
    asked_by: Actor
    filing: str
    terms: ReferralTerms


class ReferralView(Message):
    """The projection that people read. ``filed``: the filing is there; ``asked``: every institution asked so far."""

    status: ReferralStatus
    referring: str
    receiving: str
    proposed: str = ""
    asked: tuple[str, ...]
    first: date
    last: date
    accepted_by: str = ""
    appointment: date | None = None
    admitted: date | None = None
    reason: str = ""
    ended_by: str = ""  # a side, or time
    outcome: str = ""
    discharged: date | None = None
    filing: str = ""
    filed: bool = False
    filing_refused: tuple[str, ...] = ()


# what can be done; texts (a finding, a reason in words) stay in the record


class AcceptReferral(Act):
    """By the receiving side: the patient may come."""

    act: Literal["accept"] = "accept"


class DeclineReferral(Act):
    """By the receiving side; ``reason``: a code."""

    act: Literal["decline"] = "decline"
    reason: str


class ProposeReferral(Act):
    """By the receiving side: another institution that would be better."""

    act: Literal["propose"] = "propose"
    institution: str
    reason: str = ""


class AgreeReferral(Act):
    """By the referring side: the institution that was proposed is asked."""

    act: Literal["agree"] = "agree"


class ScheduleReferral(Act):
    """By the receiving side: the day to come; again, when it is moved."""

    act: Literal["schedule"] = "schedule"
    day: date


class AdmitReferral(Act):
    """By the receiving side: the patient is there."""

    act: Literal["admit"] = "admit"
    day: date


class OutcomeReferral(Act):
    """By the receiving side, back to the referring one."""

    act: Literal["outcome"] = "outcome"
    outcome: str
    day: date


class CancelReferral(Act):
    """By the referring side or the patient."""

    act: Literal["cancel"] = "cancel"
    reason: str = ""


class NoShowReferral(Act):
    """By the receiving side: the patient did not come."""

    act: Literal["no_show"] = "no_show"


AnyReferralAct = Annotated[
    AcceptReferral
    | DeclineReferral
    | ProposeReferral
    | AgreeReferral
    | ScheduleReferral
    | AdmitReferral
    | OutcomeReferral
    | CancelReferral
    | NoShowReferral,
    Field(discriminator="act"),
]
_SIDE = {"agree": "referring", "cancel": "referring"}  # all else is for the receiving side
_FROM: Mapping[str, frozenset[ReferralStatus]] = {
    "accept": frozenset({S.REFERRED}),
    "decline": frozenset({S.REFERRED}),
    "propose": frozenset({S.REFERRED}),
    "agree": frozenset({S.PROPOSED}),
    "schedule": AGREED,
    "admit": AGREED,
    "no_show": AGREED,
    "outcome": frozenset({S.ADMITTED}),
    "cancel": frozenset({S.REFERRED, S.PROPOSED}) | AGREED,
}


class ReferralCourse(Course[AnyReferralAct]):
    """One referral."""

    kind = MatterKind.REFERRAL

    def __init__(self, start: ReferralStart, now: datetime) -> None:
        super().__init__(start.no, now)
        self.start = start
        self._status = S.REFERRED
        self.since = now
        self.receiving = start.receiving
        self.asked = [start.receiving]
        self.proposed = self.accepted_by = self.reason = self.ended_by = self.outcome = ""
        self.appointment: date | None = None
        self.admitted: date | None = None
        self.discharged: date | None = None
        self.filed = False
        self.filing_refused: tuple[str, ...] = ()
        self.note(S.REFERRED, now, actor=start.asked_by, data={"to": start.receiving})

    @property
    def status(self) -> ReferralStatus:
        """Where it stands."""
        return self._status

    def refusal(self, act: AnyReferralAct) -> str | None:
        """The code, or None."""
        sides = self._sides(act.actor)
        if not sides:
            return "not_found"
        may = {_SIDE.get(act.act, "receiving")} | ({"patient"} if act.act == "cancel" else set())
        if not sides & may:
            return "referral_not_yours"
        if self._status not in _FROM[act.act]:
            return "referral_state"
        if isinstance(act, ProposeReferral) and act.institution in {*self.asked, self.start.referring}:
            return "referral_asked_before"
        if isinstance(act, OutcomeReferral) and self.admitted is not None and act.day < self.admitted:
            return "referral_day"
        if isinstance(act, ScheduleReferral) and not self.start.first <= act.day <= self.start.last:
            return "referral_day"
        return None

    def _sides(self, actor: Actor) -> set[str]:
        if actor.role is Role.INSTITUTION:
            sides = {"receiving": self.receiving, "referring": self.start.referring}
            return {side for side, code in sides.items() if code == actor.department}
        return {"patient"} if actor.role in {Role.CITIZEN, Role.AGENT} else set()  # whose it is, the record knows

    def apply(self, act: AnyReferralAct, now: datetime) -> None:
        """Carries it out."""
        if isinstance(act, AcceptReferral):
            self.accepted_by = self.receiving
            self._move(S.ACCEPTED, now, act.actor)
            body = {"filing": self.start.filing, "receiving": self.receiving}
            self.chores.append(Chore(no=self.no, purpose="file_referral", body=json.dumps(body)))
        elif isinstance(act, ProposeReferral):
            self.proposed, self.reason = act.institution, act.reason
            self._move(S.PROPOSED, now, act.actor, institution=act.institution, reason=act.reason)
        elif isinstance(act, AgreeReferral):
            self.receiving, self.proposed, self.reason = self.proposed, "", ""
            self.asked.append(self.receiving)
            self._move(S.REFERRED, now, act.actor, to=self.receiving)
        elif isinstance(act, ScheduleReferral):
            self.appointment = act.day
            self._move(S.SCHEDULED, now, act.actor, day=act.day.isoformat())
        elif isinstance(act, AdmitReferral):
            self.admitted = act.day
            self._move(S.ADMITTED, now, act.actor, day=act.day.isoformat())
        elif isinstance(act, OutcomeReferral):
            self.outcome, self.discharged = act.outcome, act.day
            self._end(S.OUTCOME, "receiving", now, act.actor, outcome=act.outcome)
        elif isinstance(act, DeclineReferral):
            self.reason = act.reason
            self._end(S.DECLINED, "receiving", now, act.actor, reason=act.reason)
        elif isinstance(act, CancelReferral):
            self.reason = act.reason
            side = "referring" if act.actor.role is Role.INSTITUTION else "patient"
            self._end(S.CANCELLED, side, now, act.actor, reason=act.reason)
        else:
            self._end(S.NO_SHOW, "receiving", now, act.actor)

    def take_chore(self, chore: Chore, found: str, now: datetime) -> None:
        """It was filed, or the rules of the insured place want none, or do not allow it; the referral stands."""
        answer = json.loads(found)
        self.filed, self.filing_refused = bool(answer["filed"]), tuple(answer["codes"])
        self.note("filed" if self.filed else "not_filed", now, data={"codes": ",".join(self.filing_refused)})
        if self.filed and self._status in {S.CANCELLED, S.NO_SHOW}:
            self._take_back()

    def _take_back(self) -> None:
        act = CancelFiling(id=f"referral-over-{self.no}", actor=SYSTEM, reason="referral_over")
        self.tells.append(Tell(no=self.start.filing, act=act.model_dump_json()))

    def limits(self) -> tuple[Limit, ...]:
        """One for every state but the ends. The last day of a referral has passed long before it is forgotten."""
        terms = self.start.terms
        if self._status is S.REFERRED:
            return (Limit(name=f"answer-{len(self.asked)}", due=day_over(self._days_on(terms.answer_days))),)
        if self._status is S.PROPOSED:
            return (Limit(name="proposal", due=day_over(self._days_on(terms.proposal_days))),)
        if self._status in ENDS:
            return ()
        forgotten = max(self.start.last, local_day(self.since)) + timedelta(days=terms.forgotten_days)
        return (Limit(name="forgotten", due=day_over(forgotten)),)

    def _days_on(self, days: int) -> date:
        return local_day(self.since) + timedelta(days=days)

    def take_limit(self, name: str, now: datetime) -> None:
        """Nobody has said how it ended: time does."""
        if self._status is S.ADMITTED:
            self.outcome = "not_reported"
            self._end(S.OUTCOME, "time", now, SYSTEM, outcome=self.outcome)
        elif self._status in AGREED:
            self.reason = "forgotten"
            self._end(S.NO_SHOW, "time", now, SYSTEM, reason=self.reason)
        else:
            self.reason = "not_answered"
            self._end(S.CANCELLED, "time", now, SYSTEM, reason=self.reason)

    def _move(self, status: ReferralStatus, now: datetime, actor: Actor, **data: str) -> None:
        if status not in TRANSITIONS[self._status]:
            raise RuntimeError(f"{self.no} cannot go from {self._status} to {status}")
        self._status, self.since = status, now
        self.note(status, now, actor=actor, data=data)

    def _end(self, status: ReferralStatus, by: str, now: datetime, actor: Actor, **data: str) -> None:
        self.ended_by = by
        self._move(status, now, actor, by=by, **data)
        self.close(now)
        if self.filed and status is not S.OUTCOME:
            self._take_back()

    def view(self) -> ReferralView:
        """The projection."""
        return ReferralView(
            status=self._status,
            referring=self.start.referring,
            receiving=self.receiving,
            proposed=self.proposed,
            asked=tuple(self.asked),
            first=self.start.first,
            last=self.start.last,
            accepted_by=self.accepted_by,
            appointment=self.appointment,
            admitted=self.admitted,
            reason=self.reason,
            ended_by=self.ended_by,
            outcome=self.outcome,
            discharged=self.discharged,
            filing=self.start.filing if self.filed else "",
            filed=self.filed,
            filing_refused=self.filing_refused,
        )

    def waiting(self) -> tuple[Waiting, ...]:
        """The institution that has the ball, and until when."""
        code = self.start.referring if self._status is S.PROPOSED else self.receiving
        until = min((limit.due for limit in self.limits()), default=None)
        why = f"referral_{self._status}"
        region = code[1:7]
        return (Waiting(who=Who.DEPARTMENT, region=region, department=code, why=why, since=self.since, until=until),)
