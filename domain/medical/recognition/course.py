"""The course of a recognition: consent, index, reports, the physician's decisions, what is explained to the patient.

    consent --5461, 5401, 5402--> reading --> deciding --> explaining --> completed

Each source is authorised and indexed by itself; one that refuses does not hold the others up. Reports of items that
were not asked for are never fetched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.calendar import local_day
from domain.medical.matter import Course, Errand, Exchange, ExchangeEnd, ExchangeOutcome, Limit, MatterKind
from domain.medical.recognition import reports
from domain.medical.recognition.messages import (
    ENDS,
    TRANSITIONS,
    AcknowledgeAct,
    CancelAct,
    ConsentAct,
    DecideAct,
    Decision,
    Facts,
    ListedItem,
    Reason,
    RecognitionAct,
    RecognitionStart,
    RecognitionStatus,
    RecognitionView,
    ReportEntry,
    ReportState,
    ReportView,
    WithdrawAct,
)
from domain.medical.recognition.reports import AUTHORISE, INDEX, REPORT
from domain.medical.recognition.rules import forbidden, judge, valid_until
from domain.messages import SYSTEM, Actor, Role, Text
from domain.record import Waiting, Who

S, R = RecognitionStatus, ReportState
PATIENTS = frozenset({Role.CITIZEN, Role.AGENT})
TRIES = 3  # of a message that was certainly not carried out
PERSON = "person"  # the part of the form that holds psn_no, which is put into every message
REFUSED = frozenset({R.BARRED, R.RE_EXAMINED})


@dataclass
class _Sent:
    """A message on its way. ``body``: as it is sent once more, if it certainly had no effect."""

    infno: str
    source: str
    report: str = ""
    body: str = ""
    tries: int = 1
    number: int = 0


class RecognitionCourse(Course[RecognitionAct]):
    """One recognition."""

    kind = MatterKind.RECOGNITION

    def __init__(self, start: RecognitionStart, now: datetime) -> None:
        super().__init__(start.no, now)
        self.start = start
        self.state = S.CONSENT
        self.since = now
        self.reason = ""
        self.sources: dict[str, str] = dict.fromkeys(start.sources, "asked")
        self.reports: dict[str, ReportView] = {}
        self.consent = ""
        self.consented_at: datetime | None = None
        self.withdrawn_at: datetime | None = None
        self._auth: dict[str, str] = {}
        self._sent: dict[str, _Sent] = {}
        self._facts: dict[str, Facts] = {}
        self._end = S.COMPLETED
        self._end_reason = ""

    def begin(self, now: datetime) -> None:
        """The patient is asked; in an emergency reading begins at once and he is told."""
        if self.start.emergency:
            self.note("emergency", now, actor=self.start.asked_by)
            self._read(now, self.start.asked_by)
        else:
            self.note("consent_asked", now, actor=self.start.asked_by)

    # what may be done

    @property
    def status(self) -> str:
        return self.state.value

    def refusal(self, act: RecognitionAct) -> str | None:
        mine = act.actor.role is Role.INSTITUTION and act.actor.department == self.start.institution
        if not (act.actor.role in PATIENTS if isinstance(act, _BY_PATIENT) else mine):
            return "not_found"
        if isinstance(act, DecideAct):
            return self._may_decide(act)
        if isinstance(act, AcknowledgeAct):
            return None if self._unread() else "recognition_state"
        if isinstance(act, WithdrawAct):
            return None if self.consent and self.withdrawn_at is None else "recognition_state"
        return None if self.state in _STATES[type(act)] else "recognition_state"

    def _may_decide(self, act: DecideAct) -> str | None:
        if (report := self.reports.get(act.report)) is None:
            return "recognition_report_unknown"
        if self.state is not S.DECIDING:
            return "recognition_state"
        if act.decision is Decision.RECOGNISE and report.state is R.BARRED:
            return "recognition_forbidden"
        if report.state is not R.OPEN:
            return "recognition_decided"
        if act.decision is Decision.RECOGNISE:
            return "recognition_reason" if act.reason is not None else None
        if act.reason is None:
            return "recognition_reason"
        return "reason_required" if act.reason is Reason.R6_OTHER and not act.words else None

    def apply(self, act: RecognitionAct, now: datetime) -> None:
        _DO[type(act)](self, act, now)

    def _consent(self, act: ConsentAct, now: datetime) -> None:
        if not act.granted:
            self._move(S.DECLINED, now, actor=act.actor)
            return
        self.consent, self.consented_at = act.consent, now
        self._read(now, act.actor)

    def _withdraw(self, act: WithdrawAct, now: datetime) -> None:
        """Stops what would still be read. What was decided stands, and is explained."""
        self.withdrawn_at = now
        self.note("consent_withdrawn", now, actor=act.actor)
        if self.state in {S.READING, S.DECIDING}:
            self._lapse(S.WITHDRAWN, "", now, act.actor)

    def _decide(self, act: DecideAct, now: datetime) -> None:
        report = self.reports[act.report]
        changes: dict[str, Any] = {"decided_at": now, "decided_by": act.actor.subject, "reason": act.reason}
        data = {"report": act.report, "item": report.entry.item_code}
        if act.decision is Decision.RECOGNISE:
            item = self._item(report.entry.item_code)
            changes |= {"state": R.RECOGNISED, "saved": item.price if item else 0}
            self.note("recognised", now, actor=act.actor, data=data)
        else:
            changes |= {"state": R.RE_EXAMINED, "words": act.words}
            self.note("re_examined", now, actor=act.actor, data=data | {"reason": str(act.reason)})
        self.reports[act.report] = report.model_copy(update=changes)
        self._go_on(now)

    def _acknowledge(self, act: AcknowledgeAct, now: datetime) -> None:
        for report in self._unread():
            self.reports[report.id] = report.model_copy(update={"acknowledged_at": now})
        self.note("acknowledged", now, actor=act.actor)
        self._go_on(now)

    def _cancel(self, act: CancelAct, now: datetime) -> None:
        self._lapse(S.CANCELLED, "", now, act.actor)

    # reading

    def _read(self, now: datetime, actor: Actor) -> None:
        self._move(S.READING, now, actor=actor)
        end = local_day(now)
        for source in self.sources:
            body = {
                "begndate": str(end),
                "enddate": str(local_day(now + timedelta(hours=self.start.terms.reading_hours))),
                "auth_doc_no": self.consent or self.no,
            }
            self._send(_Sent(AUTHORISE, source, body=json.dumps(body)))

    def _lookback(self) -> int:
        """No further than a report could still be recognised."""
        days = [item.validity_days for item in self.start.items]
        unlisted = len(days) < len(self.start.wanted)
        return max([*days, *([self.start.terms.lookback_days] if unlisted else [])])

    def _send(self, sent: _Sent) -> None:
        purpose = f"{sent.infno}:{sent.source}:{sent.report}"
        self._sent[purpose] = sent
        sent.number = self.next_errand()
        self.errands.append(
            Exchange(
                no=self.no,
                number=sent.number,
                infno=sent.infno,
                purpose=purpose,
                place=self.start.place,
                insured=sent.source,
                institution=self.start.institution,
                institution_name=self.start.institution_name,
                body=sent.body,
                parts=(PERSON,),
            )
        )

    def take_outcome(self, errand: Errand, outcome: ExchangeOutcome, now: datetime) -> None:
        sent = self._sent.pop(errand.purpose, None)
        if sent is None or self.state is not S.READING:
            return  # it is over, or he has taken his consent back: what comes now is not read
        if outcome.end is ExchangeEnd.VOIDED and sent.tries < TRIES:
            self._send(_Sent(sent.infno, sent.source, sent.report, sent.body, sent.tries + 1))
            return
        code = "" if outcome.end is ExchangeEnd.DONE else outcome.code or outcome.end.value
        try:
            _TAKE[sent.infno](self, sent, outcome.body, code, now)
        except reports.Unusable as error:
            self._failed(sent, f"unusable_{error}", now)
        if not self._sent:
            self._judge(now)

    def _failed(self, sent: _Sent, code: str, now: datetime) -> None:
        if sent.report:
            return  # it stays unretrieved, which its conditions say
        self.sources[sent.source] = code
        self.note("source_refused", now, data={"source": sent.source, "code": code})

    def _take_authorisation(self, sent: _Sent, body: str, code: str, now: datetime) -> None:
        if code:
            self._failed(sent, code, now)
            return
        self._auth[sent.source] = reports.read_authorisation(body, self.start.psn)
        self.sources[sent.source] = "authorised"
        today = local_day(now)
        ask = {
            "auth_no": self._auth[sent.source],
            "begndate": str(today - timedelta(days=self._lookback())),
            "enddate": str(today),
        }
        self._send(_Sent(INDEX, sent.source, body=json.dumps(ask)))

    def _take_index(self, sent: _Sent, body: str, code: str, now: datetime) -> None:
        if code:
            self._failed(sent, code, now)
            return
        rows, unreadable = reports.read_index(body, self.start.psn)
        wanted = [row for row in rows if row.item_code in self.start.wanted]
        wanted.sort(key=lambda row: row.exam_time, reverse=True)
        taken = wanted[: max(0, self.start.terms.most_reports - len(self.reports))]
        self.sources[sent.source] = "indexed"
        counts = {"rows": len(rows), "wanted": len(wanted), "taken": len(taken), "unreadable": unreadable}
        self.note("indexed", now, data={"source": sent.source} | {k: str(v) for k, v in counts.items()})
        for entry in taken:
            id_ = f"r{len(self.reports) + 1}"
            self.reports[id_] = self._seen(id_, sent.source, entry)
            self._facts[id_] = Facts(entry=entry, retrieved=False, intact=False, same_person=True)
            ask = {"auth_no": self._auth[sent.source], "rpt_no": entry.rpt_no}
            self._send(_Sent(REPORT, sent.source, id_, json.dumps(ask)))

    def _seen(self, id_: str, source: str, entry: ReportEntry) -> ReportView:
        item = self._item(entry.item_code)
        return ReportView(
            id=id_,
            entry=entry,
            source=source,
            name=item.name if item else Text(zh=entry.item_name, en=entry.item_name),
            kind=item.kind if item else None,
            state=R.OPEN,
            findings=(),
            valid_until=valid_until(entry, item),
            charges=item.charges if item else (),
            readings=item.readings if item else (),
        )

    def _take_report(self, sent: _Sent, body: str, code: str, now: datetime) -> None:
        if code:
            return
        report = self.reports[sent.report]
        facts, digest = reports.read_report(body, self.start.psn, self.start.holder, report.entry)
        self._facts[sent.report] = facts
        changes = {"message": sent.number, "digest": digest, "same_person": facts.same_person}
        self.reports[sent.report] = report.model_copy(update=changes)

    # judging

    def _judge(self, now: datetime) -> None:
        """All that could be read is there."""
        if not self.reports:
            reached = "indexed" in self.sources.values()
            self._move(S.NOTHING_FOUND if reached else S.UNAVAILABLE, now)
            return
        for id_ in list(self.reports):
            self._judge_one(id_, now)
        self._move(S.DECIDING if self._open() else S.EXPLAINING, now)

    def _judge_one(self, id_: str, now: datetime) -> None:
        report = self.reports[id_]
        findings = judge(self._facts[id_], self._item(report.entry.item_code), self.start.place, now)
        codes = forbidden(findings)
        changes: dict[str, Any] = {"findings": findings}
        if codes:
            changes |= {"state": R.BARRED}
        self.reports[id_] = report.model_copy(update=changes)
        self.note("judged", now, data={"report": id_, "item": report.entry.item_code, "codes": ",".join(codes)})

    def _item(self, code: str) -> ListedItem | None:
        return next((item for item in self.start.items if item.code == code), None)

    def _open(self) -> list[ReportView]:
        return [r for r in self.reports.values() if r.state is R.OPEN]

    def _drop_open(self) -> None:
        """What nobody has decided about is not kept."""
        for report in self._open():
            self.reports[report.id] = report.model_copy(update={"state": R.LAPSED})

    def _unread(self) -> list[ReportView]:
        """Refusals that the patient has not acknowledged."""
        if self.state not in {S.DECIDING, S.EXPLAINING}:
            return []
        return [r for r in self.reports.values() if r.state in REFUSED and r.acknowledged_at is None]

    def _go_on(self, now: datetime) -> None:
        if self.state is S.DECIDING and not self._open():
            self._move(S.EXPLAINING if self._unread() else self._end, now)
        elif self.state is S.EXPLAINING and not self._unread():
            self._move(self._end, now)

    def _lapse(self, end: RecognitionStatus, why: str, now: datetime, actor: Actor = SYSTEM) -> None:
        """Nobody decides any more. What was refused before is still explained."""
        self._end, self._end_reason = end, why
        if self.state is not S.DECIDING:
            self._move(end, now, actor=actor)
            return
        self._drop_open()
        self.note("lapsed", now, actor=actor, data={"end": end.value})
        self._go_on(now)

    def _move(self, status: RecognitionStatus, now: datetime, *, actor: Actor = SYSTEM) -> None:
        if status not in TRANSITIONS[self.state]:
            raise RuntimeError(f"a recognition cannot go from {self.state} to {status}")
        self.state, self.since = status, now
        if status in ENDS:
            self.reason = self._end_reason
            self.errands.clear()
            self._sent.clear()
            self._drop_open()
            self.close(now)
        self.note(status, now, actor=actor)

    # time

    def limits(self) -> tuple[Limit, ...]:
        terms = self.start.terms
        spans = {
            S.CONSENT: timedelta(hours=terms.consent_hours),
            S.READING: timedelta(hours=terms.reading_hours),
            S.DECIDING: timedelta(hours=terms.decide_hours),
            S.EXPLAINING: timedelta(days=terms.acknowledge_days),
        }
        if self.state in ENDS:
            return ()
        found = [Limit(name=self.state.value, due=self.since + spans[self.state])]
        if self.state is S.DECIDING:
            found += [Limit(name=f"valid:{r.id}", due=r.valid_until) for r in self._open() if r.valid_until]
        return tuple(found)

    def take_limit(self, name: str, now: datetime) -> None:
        if name.startswith("valid:"):
            self._judge_one(name.removeprefix("valid:"), now)
            self._go_on(now)
        elif name == S.CONSENT:
            self._lapse(S.EXPIRED, "no_consent", now)
        elif name == S.READING:
            self._reading_over(now)
        elif name == S.DECIDING:
            self._lapse(S.EXPIRED, "nobody_decided", now)
        else:
            self.note("not_acknowledged", now)
            self._move(self._end, now)

    def _reading_over(self, now: datetime) -> None:
        """What has not come by now is done without."""
        for sent in self._sent.values():
            self._failed(sent, "no_answer", now)
        self.errands.clear()
        self._sent.clear()
        self._judge(now)

    # what people read

    def view(self) -> RecognitionView:
        return RecognitionView(
            status=self.state,
            reason=self.reason,
            since=self.since,
            place=self.start.place,
            institution=self.start.institution,
            list_version=self.start.list_version,
            sources=dict(self.sources),
            reports=tuple(self.reports.values()),
            consent=self.consent,
            consented_at=self.consented_at,
            withdrawn_at=self.withdrawn_at,
            emergency=self.start.emergency,
        )

    def waiting(self) -> tuple[Waiting, ...]:
        until = next((limit.due for limit in self.limits()), None)
        place = {"region": self.start.place, "department": self.start.institution}
        if self.state is S.READING:
            open_ = sorted({sent.source for sent in self._sent.values()})
            return tuple(
                Waiting(who=Who.PROVINCE, region=s, why="recognition_reading", since=self.since, until=until)
                for s in open_ or self.start.sources
            )
        if self.state is S.DECIDING:
            why = "recognition_decision"
            return (Waiting(who=Who.DEPARTMENT, why=why, since=self.since, until=until, **place),)
        why = "recognition_consent" if self.state is S.CONSENT else "recognition_explained"
        return (Waiting(who=Who.APPLICANT, why=why, since=self.since, until=until),)


_BY_PATIENT = (ConsentAct, WithdrawAct, AcknowledgeAct)
_STATES: Mapping[type, frozenset[RecognitionStatus]] = {
    ConsentAct: frozenset({S.CONSENT}),
    CancelAct: frozenset({S.CONSENT, S.READING, S.DECIDING}),
}
_DO: Mapping[type, Callable[[RecognitionCourse, Any, datetime], None]] = {
    ConsentAct: RecognitionCourse._consent,
    WithdrawAct: RecognitionCourse._withdraw,
    DecideAct: RecognitionCourse._decide,
    AcknowledgeAct: RecognitionCourse._acknowledge,
    CancelAct: RecognitionCourse._cancel,
}
_TAKE: Mapping[str, Callable[[RecognitionCourse, _Sent, str, str, datetime], None]] = {
    AUTHORISE: RecognitionCourse._take_authorisation,
    INDEX: RecognitionCourse._take_index,
    REPORT: RecognitionCourse._take_report,
}
