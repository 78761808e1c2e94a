"""异地就医备案: the course of one filing, from the application to its last day (domain note 3.2).

    SUBMITTED -> AUTO_APPROVED | IN_REVIEW -> APPROVED | REJECTED -> EFFECTIVE -> CHANGED | CANCELLED | EXPIRED
                                       PENDING_PROOF: in force by a commitment whose proof is still to come

It is in force once the insured place's platform has registered it: only then a hospital can settle by it. What that
platform refuses is put before a caseworker of the insured place; so is everything that the rules leave to a person.
"""

from __future__ import annotations

import json
from datetime import date, datetime

from domain.calendar import ONE_DAY, WorkCalendar, local_day
from domain.medical.filing_decision import (
    FilingDecision,
    FilingRequest,
    Outcome,
    changeable_from,
)
from domain.medical.filing_messages import (
    BEFORE,
    IN_FORCE,
    OVER,
    TRANSITIONS,
    AnyFilingAct,
    CancelFiling,
    DecideFiling,
    FilingStart,
    FilingStatus,
    FilingView,
    HandInProof,
    ReplaceFiling,
    Trouble,
)
from domain.medical.filing_rules import FilingRules, pool_of
from domain.medical.matter import (
    Course,
    Errand,
    Exchange,
    ExchangeEnd,
    ExchangeOutcome,
    Limit,
    MatterKind,
    Tell,
    agency_code,
    day_over,
)
from domain.messages import SYSTEM, Actor, Place, Role
from domain.record import Waiting, Who

S = FilingStatus
AGENCY = "医保经办机构"


class FilingCourse(Course[AnyFilingAct]):
    """One filing."""

    kind = MatterKind.FILING

    def __init__(self, start: FilingStart, now: datetime) -> None:
        super().__init__(start.no, now)
        self.start = start
        self._status = S.SUBMITTED
        self.since = now
        self.first, self.last = start.decision.first, start.decision.last
        self.registered = ""
        self.held = False
        self.psn_no = ""
        self.proof_due: date | None = None
        self.missed_proof: date | None = None
        self.documents: tuple[str, ...] = ()
        self.reason = self.decided_by = self.replaced_by = ""
        self.overdue = False
        self.trouble: Trouble | None = None
        self.asked = ""  # purpose of the message that is under way
        self.unwanted = False
        self.changeable = not start.request.category.long_term

    @property
    def status(self) -> FilingStatus:
        """Where it stands."""
        return self._status

    def begin(self, now: datetime) -> None:
        """The rules have decided when it was handed in; a person looks at the rest."""
        outcome = self.start.decision.outcome
        if outcome is Outcome.APPROVED:
            self.decided_by = "rules"
            self._move(S.AUTO_APPROVED, now)
            self._send("person")
        else:
            self._move(S.IN_REVIEW, now)

    # acts

    def refusal(self, act: AnyFilingAct) -> str | None:
        """The code, or None."""
        if isinstance(act, DecideFiling):
            return self._refuse_decision(act)
        if isinstance(act, HandInProof):
            if not self._is_own(act.actor) and not self._is_office(act.actor):
                return "not_found"
            return None if self._status is S.PENDING_PROOF else "filing_state"
        if isinstance(act, ReplaceFiling):
            return None if act.actor.role is Role.SYSTEM and self._status in IN_FORCE else "filing_state"
        return self._refuse_cancel(act)

    def _refuse_decision(self, act: DecideFiling) -> str | None:
        if not self._is_office(act.actor):
            return "not_found"
        if self._is_own(act.actor):
            return "own_case"
        if act.outcome in {"retry", "by_hand"}:
            return "filing_state" if self.trouble is None else _without(act.outcome == "by_hand", act.reference)
        open_ = self._status is S.IN_REVIEW or (self.trouble is not None and self._status in BEFORE)
        if not open_ or (act.outcome == "approve" and self._status is not S.IN_REVIEW):
            return "filing_state"
        return _reason(act, self.start.refusals)

    def _refuse_cancel(self, act: CancelFiling) -> str | None:
        system = act.actor.role is Role.SYSTEM
        if not (system or self._is_own(act.actor) or self._is_office(act.actor)):
            return "not_found"
        if self._status in OVER or self.unwanted:
            return "filing_state"
        early = self._status in IN_FORCE and not self.changeable
        return "filing_interval" if early and not system else None

    def apply(self, act: AnyFilingAct, now: datetime) -> None:
        """Carries it out."""
        if isinstance(act, DecideFiling):
            self._decide(act, now)
        elif isinstance(act, HandInProof):
            self.documents = act.documents
            self.note("proof_handed_in", now, actor=act.actor, data={"documents": ",".join(act.documents)})
            self.proof_due = None
            self._move(S.EFFECTIVE, now, actor=act.actor)
        elif isinstance(act, ReplaceFiling):
            self.replaced_by = act.by
            self._end(S.CHANGED, act.first - ONE_DAY, now, actor=act.actor, by=act.by)
        elif self.asked and self._status in BEFORE:
            self.reason, self.unwanted = act.reason, True  # ended as soon as it is known what the platform did
            self.note("unwanted", now, actor=act.actor, data={"reason": act.reason})
        else:
            self.reason = act.reason
            self._cancel(now, act.actor)

    def _cancel(self, now: datetime, actor: Actor = SYSTEM) -> None:
        self._end(S.CANCELLED, local_day(now), now, actor=actor, reason=self.reason)

    def _decide(self, act: DecideFiling, now: datetime) -> None:
        if act.outcome == "approve":
            self.decided_by = "caseworker"
            self._move(S.APPROVED, now, actor=act.actor)
            self._send("person")
        elif act.outcome == "reject":
            self.decided_by, self.reason, self.trouble = "caseworker", act.reason, None
            self._move(S.REJECTED, now, actor=act.actor, reason=act.reason)
            self.close(now)
        elif self.trouble is not None:
            purpose, self.trouble = self.trouble.purpose, None
            self.note(f"{purpose}_{act.outcome}", now, actor=act.actor, data={"reference": act.reference})
            if act.outcome == "by_hand":
                self._took(purpose, act.reference, now)
            else:
                self._send(purpose)

    # the insured place's platform

    def _send(self, purpose: str) -> None:
        """person: whose number there it is. register, remove: the filing itself."""
        request, self.asked = self.start.request, purpose
        referred, body = bool(self.start.referral_fields), dict[str, str]()
        parts: tuple[str, ...] = ()
        if purpose == "person":
            infno, body, parts = "1101", {"mdtrt_cert_type": "02"}, ("identity",)
        elif purpose == "register" and referred:
            infno, body = "2501", json.loads(self.start.referral_fields) | self._days() | self._who()
            parts = ("contact", "diagnosis")
        elif purpose == "register":
            infno, body = "X511", self._days() | self._who()
            body |= {"category": self.start.decision.benefit, "dest_admdvs": pool_of(request.destination)}
            body |= {"filing_no": self.no}
        else:
            holds = self.last is not None and self.last >= self.first
            infno = "2502" if referred and not holds else "X512"  # the national message knows no last day
            body = {"psn_no": self.psn_no, "trt_dcla_detl_sn": self.registered}
            if holds and self.last is not None:
                body |= {"enddate": self.last.isoformat()}
        exchange = Exchange(
            no=self.no,
            number=self.next_errand(),
            infno=infno,
            purpose=purpose,
            place=request.insured,
            insured=request.insured,
            institution=agency_code(request.insured),
            institution_name=AGENCY,
            person=self.psn_no,
            body=json.dumps(body, ensure_ascii=False),
            parts=parts,
        )
        self.errands.append(exchange)

    def _days(self) -> dict[str, str]:
        return {"begndate": self.first.isoformat(), "enddate": self.last.isoformat() if self.last else ""}

    def _who(self) -> dict[str, str]:
        return {"psn_no": self.psn_no, "insutype": self.start.request.insutype}

    def take_outcome(self, errand: Errand, outcome: ExchangeOutcome, now: datetime) -> None:
        """What the platform has said."""
        self.asked = ""
        if outcome.end is not ExchangeEnd.DONE:
            self._failed(errand.purpose, outcome.code or outcome.end, now)
            return
        found = json.loads(outcome.body or "{}")
        if errand.purpose != "person":
            self._took(errand.purpose, str(found.get("trt_dcla_detl_sn", "")), now)
            return
        entitled = [entry.get("insutype") for entry in found.get("insuinfo", [])]
        number = str(found.get("psn_no", ""))
        if number and self.start.request.insutype in entitled:
            self._took("person", number, now)
        else:
            self._failed("person", "not_insured", now)

    def _failed(self, purpose: str, code: str, now: datetime) -> None:
        self.note(f"{purpose}_refused", now, data={"code": code})
        if self.unwanted and self._status in BEFORE:
            self._cancel(now)
            return
        self.trouble = Trouble(purpose=purpose, code=code, since=now)

    def _took(self, purpose: str, reference: str, now: datetime) -> None:
        """A message was carried out, by the platform or by a person's hand."""
        if purpose == "person":
            self.psn_no = reference
            if self.unwanted:
                self._cancel(now)
            else:
                self._send("register")
        elif purpose == "register":
            self.registered, self.held = reference, True
            self.note("registered", now, data={"reference": reference})
            self._in_force(now)
            if self.unwanted:
                self._cancel(now)
        else:
            self.note("removed", now)
            self.close(now)

    def _in_force(self, now: datetime) -> None:
        start = self.start
        if start.decision.by_commitment:
            self.proof_due = local_day(now) + start.proof_days * ONE_DAY
            self._move(S.PENDING_PROOF, now)
        else:
            self._move(S.EFFECTIVE, now)
        if start.request.replaces:
            told = ReplaceFiling(id=f"replaced-by-{self.no}", actor=SYSTEM, by=self.no, first=self.first)
            self.tells.append(Tell(no=start.request.replaces, act=told.model_dump_json()))

    def _end(self, status: FilingStatus, last: date, now: datetime, *, actor: Actor = SYSTEM, **data: str) -> None:
        """Over before its time: what the platform has registered is ended there, too."""
        self.last = last if self.last is None else min(self.last, last)
        self._move(status, now, actor=actor, **data)
        self.trouble = None
        if self.held:
            self._send("remove")
        else:
            self.close(now)

    # time

    def limits(self) -> tuple[Limit, ...]:
        """The caseworker's term, the proof's, the interval between changes, the last day."""
        found = []
        if self._status is S.IN_REVIEW and self.start.review_due is not None and not self.overdue:
            found.append(Limit(name="review", due=day_over(self.start.review_due)))
        if self._status is S.PENDING_PROOF and self.proof_due is not None:
            found.append(Limit(name="proof", due=day_over(self.proof_due)))
        if self._status in IN_FORCE and not self.changeable:
            found.append(Limit(name="interval", due=day_over(self.start.interval_from - ONE_DAY)))
        if self._status in IN_FORCE and self.last is not None:
            found.append(Limit(name="expiry", due=day_over(self.last)))
        return tuple(found)

    def take_limit(self, name: str, now: datetime) -> None:
        """What time does."""
        if name == "review":
            self.overdue = True
            self.note("review_overdue", now)
        elif name == "interval":
            self.changeable = True
            self.note("interval_over", now)
        elif name == "proof":
            self.missed_proof, self.proof_due = self.proof_due, None
            self.note("proof_missed", now)
            if self.start.proof_ends:
                self.reason = "proof_missed"
                self._end(S.CANCELLED, local_day(now) - ONE_DAY, now, reason=self.reason)
            else:
                self._move(S.EFFECTIVE, now)
        else:
            self._move(S.EXPIRED, now)
            self.close(now)

    # what people read

    def view(self) -> FilingView:
        """The projection."""
        decision = self.start.decision
        return FilingView(
            status=self._status,
            category=self.start.request.category,
            benefit=decision.benefit,
            insured=self.start.request.insured,
            destination=self.start.request.destination,
            first=self.first,
            last=self.last,
            by_commitment=decision.by_commitment,
            proof_due=self.proof_due,
            missed_proof=self.missed_proof,
            documents=self.documents,
            interval_from=self.start.interval_from,
            changeable=self.changeable,
            registered=self.registered,
            held=self.held,
            reason=self.reason,
            decided_by=self.decided_by,
            replaced_by=self.replaced_by,
            review_due=self.start.review_due,
            overdue=self.overdue,
            trouble=self.trouble,
            trace=decision.trace,
            rules=decision.rules,
        )

    def waiting(self) -> tuple[Waiting, ...]:
        """Who has the ball."""
        office = {"region": self.start.office.region, "department": self.start.office.department}
        if self.trouble is not None:
            return (Waiting(who=Who.DEPARTMENT, why="platform_refused", since=self.trouble.since, **office),)
        if self._status is S.IN_REVIEW:
            until = day_over(self.start.review_due) if self.start.review_due else None
            return (Waiting(who=Who.DEPARTMENT, why="filing_review", since=self.since, until=until, **office),)
        if self._status is S.PENDING_PROOF and self.proof_due is not None:
            return (Waiting(who=Who.APPLICANT, why="promise", since=self.since, until=day_over(self.proof_due)),)
        if self._status in IN_FORCE:
            until = day_over(self.last) if self.last else None
            return (Waiting(who=Who.SYSTEM, why="filing_in_force", since=self.since, until=until),)
        return (Waiting(who=Who.PROVINCE, why="platform_asked", since=self.since, region=office["region"]),)

    def _move(self, status: FilingStatus, now: datetime, *, actor: Actor = SYSTEM, **data: str) -> None:
        if status not in TRANSITIONS[self._status]:
            raise RuntimeError(f"{self.no} cannot go from {self._status} to {status}")
        self._status, self.since = status, now
        self.note(status, now, actor=actor, data=data)

    def _is_own(self, actor: Actor) -> bool:
        """Who has filed it, or whom it is about: that one the record knows by his verified number."""
        return actor.subject in self.start.owners or actor.role in {Role.CITIZEN, Role.AGENT}

    def _is_office(self, actor: Actor) -> bool:
        place = (self.start.office.region, self.start.office.department)
        return actor.role is Role.CASEWORKER and (actor.region, actor.department) == place


def _without(wanted: bool, value: str) -> str | None:
    return "number_required" if wanted and not value else None


def _reason(act: DecideFiling, known: tuple[str, ...]) -> str | None:
    if act.outcome != "reject":
        return None
    return None if act.reason in known else "reason_required"


def start_of(
    rules: FilingRules,
    no: str,
    request: FilingRequest,
    decision: FilingDecision,
    *,
    asked_by: Actor,
    owners: tuple[str, ...],
    working_days: WorkCalendar,
    referral_fields: str = "",
) -> FilingStart:
    """What the workflow of a filing is started with. ``owners``: logins beside the one who asks."""
    promised = decision.by_commitment
    review = decision.outcome is Outcome.REVIEW
    return FilingStart(
        no=no,
        request=request,
        decision=decision,
        asked_by=asked_by,
        owners=tuple(dict.fromkeys((asked_by.subject, *filter(None, owners)))),
        office=Place(region=rules.insured, department=rules.office.department),
        interval_from=changeable_from(rules, request.category, decision.first),
        proof_days=(rules.commitment.term.after(decision.at) - decision.at).days if promised else 0,
        proof_ends=rules.commitment.ends_filing,
        review_due=working_days.due(decision.at, rules.office.working_days).day if review else None,
        refusals=tuple(rules.refusals),
        referral_fields=referral_fields,
    )
