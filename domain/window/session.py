"""The rules of a session: who may do what when, what time does, and what is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, Field

from domain.messages import SYSTEM, Actor, Place, Role
from domain.record import Event
from domain.window import acts
from domain.window.messages import (
    TRANSITIONS,
    AnyAct,
    Captured,
    Identity,
    Loss,
    Party,
    Recording,
    WindowBatch,
    WindowDone,
    WindowEnd,
    WindowResult,
    WindowStart,
    WindowStatus,
    WindowView,
)

S = WindowStatus
CONNECTED = frozenset({S.IDENTITY_CHECK, S.CONSENTED, S.IN_SERVICE, S.ON_HOLD, S.SIGNING})


class SessionState(BaseModel):
    """All that is remembered of a session."""

    status: WindowStatus = WindowStatus.REQUESTED
    since: datetime
    queued_at: datetime | None = None
    outcome: WindowEnd | None = None
    reason: str = ""
    offered: bool = False
    call_back: bool = False
    call_back_at: datetime | None = None
    clerks: dict[str, Actor] = Field(default_factory=dict)
    counters: dict[str, str] = Field(default_factory=dict)
    joined: list[Party] = Field(default_factory=list)
    identity: list[Identity] = Field(default_factory=list)
    consent_version: str = ""
    consented_at: datetime | None = None
    connected_at: datetime | None = None
    captured: list[Captured] = Field(default_factory=list)
    to_sign: str = ""
    signed: str = ""
    losses: list[Loss] = Field(default_factory=list)
    held_by_loss: bool = False
    recording: Recording | None = None
    ticked: tuple[str, ...] = ()
    closed_at: datetime | None = None
    acts: dict[str, WindowDone] = Field(default_factory=dict)
    recorded: int = 0


class Session:
    """One session. ``batch`` takes what has to be written down."""

    def __init__(self, start: WindowStart, now: datetime) -> None:
        self.start = start
        self.state = SessionState(since=now)
        self._events: list[Event] = []

    # what happens

    def begin(self, now: datetime) -> None:
        """It waits in the queue of the handling place."""
        self.state.queued_at = now
        self.move(S.QUEUED, now, actor=self.start.asked_by)

    def check(self, act: AnyAct) -> str | None:
        """The code of the refusal, or None if this may be done now, by this person."""
        if act.id in self.state.acts:
            return None
        if self.state.status is S.CLOSED:
            return "window_closed"
        return acts.check(self, act)

    def carry_out(self, act: AnyAct, now: datetime) -> WindowDone:
        """Carries a checked act out; the same act again gets what it led to the first time."""
        if known := self.state.acts.get(act.id):
            return known
        acts.carry_out(self, act, now)
        done = self.state.acts[act.id] = WindowDone(status=self.state.status, at=now)
        return done

    def take_time(self, now: datetime) -> None:
        """A timer fired."""
        while (due := self.next_wake()) is not None and due <= now:
            self._take_moment(now)
            if self.next_wake() == due:
                raise RuntimeError(f"what was due at {due.isoformat()} is still due")

    def _take_moment(self, now: datetime) -> None:
        for due, end, reason in self._limits():
            if due > now:
                continue
            if end is None:
                self.state.offered = True
                self.note("call_back_offered", now)
            else:
                self.end(end, reason, now)
                return

    def _limits(self) -> list[tuple[datetime, WindowEnd | None, str]]:
        """What time will do next: when, the end it leads to (None: a call back is offered), why."""
        state, times = self.state, self.start.times
        found: list[tuple[datetime, WindowEnd | None, str]] = []
        if state.status is S.QUEUED and state.queued_at is not None:
            if not state.offered:
                found.append((state.queued_at + timedelta(minutes=times.queue_minutes), None, ""))
            longest = state.queued_at + timedelta(minutes=times.longest_wait_minutes)
            found.append((longest, WindowEnd.ABANDONED, "nobody_came"))
        if state.status is S.CONNECTING:
            connect = state.since + timedelta(minutes=times.connect_minutes)
            found.append((connect, WindowEnd.ABANDONED, "applicant_did_not_come"))
        if state.status in CONNECTED and state.connected_at is not None:
            hard = state.connected_at + timedelta(minutes=times.hard_stop_minutes)
            found.append((hard, WindowEnd.REFERRED, "hard_stop"))
        for loss in state.losses if state.status is not S.CLOSED else ():
            if loss.back is None:
                grace = loss.at + timedelta(minutes=times.grace_minutes)
                found.append((grace, WindowEnd.FAILED_TECH, "connection_lost"))
        return found

    def next_wake(self) -> datetime | None:
        """When time itself will next matter."""
        return min((due for due, _, _ in self._limits()), default=None)

    # what is left to others

    @property
    def dirty(self) -> bool:
        """Whether anything happened since the last batch."""
        return bool(self._events)

    def batch(self, now: datetime, epoch: int = 0) -> WindowBatch:
        """Everything since the last one, numbered."""
        self.state.recorded += 1
        events, self._events = tuple(self._events), []
        return WindowBatch(
            id=self.start.id,
            case_no=self.start.case_no,
            number=self.state.recorded,
            epoch=epoch,
            at=now,
            view=self.view(),
            events=events,
        )

    def result(self) -> WindowResult | None:
        """What the case has to be told, once the session is over."""
        decides = self.start.decides
        if self.state.outcome is not WindowEnd.COMPLETED or not self.start.step or decides is None:
            return None
        clerk = self.decider()
        if clerk is None:
            raise RuntimeError("completed without a clerk who may decide")
        return WindowResult(session=self.start.id, step=self.start.step, clerk=clerk, ticked=self.state.ticked)

    def view(self) -> WindowView:
        """The projection."""
        state = self.state
        return WindowView(
            status=state.status,
            since=state.since,
            outcome=state.outcome,
            reason=state.reason,
            waits_for=self._waits_for(),
            until=min((due for due, end, _ in self._limits() if end is not None), default=None),
            next_wake=self.next_wake(),
            call_back_offered=state.offered,
            call_back=state.call_back,
            call_back_at=state.call_back_at,
            clerks={party: clerk.subject for party, clerk in state.clerks.items()},
            counters=dict(state.counters),
            joined=tuple(state.joined),
            identity=tuple(state.identity),
            consent_version=state.consent_version,
            consented_at=state.consented_at,
            connected_at=state.connected_at,
            captured=tuple(state.captured),
            to_sign=state.to_sign,
            signed=state.signed,
            losses=tuple(state.losses),
            recording=state.recording,
            closed_at=state.closed_at,
        )

    def _waits_for(self) -> Party | None:
        checks = self.state.identity
        if self.state.status is S.IDENTITY_CHECK and checks and checks[-1].passed:
            return Party.APPLICANT  # his consent is all that is missing
        return _WAITS.get(self.state.status)

    def note(self, what: str, now: datetime, *, actor: Actor = SYSTEM, data: Mapping[str, str] | None = None) -> None:
        """A line for the audit trail of the case."""
        named = {"session": self.start.id} | dict(data or {})
        self._events.append(Event(type=f"window:{what}", at=now, actor=actor, step=self.start.step, data=named))

    # who is who

    def parties(self, actor: Actor) -> set[Party]:
        """The sides this person can stand on."""
        if actor.role in {Role.CITIZEN, Role.AGENT}:
            return {Party.APPLICANT}
        if actor.role is not Role.CASEWORKER:
            return set()
        places = {Party.HALL: self.start.hall, Party.HANDLING: self.start.handling}
        return {party for party, place in places.items() if _at(actor, place)}

    def is_side(self, actor: Actor, *parties: Party) -> bool:
        """Whether this person stands on one of these sides: as a clerk, the very one who has the session there."""
        for party in parties:
            if party is Party.APPLICANT and Party.APPLICANT in self.parties(actor):
                return True
            held = self.state.clerks.get(party)
            if held is not None and held.subject == actor.subject:
                return True
        return False

    def decider(self) -> Actor | None:
        decides = self.start.decides
        clerks = [self.state.clerks[party] for party in acts.CLERKS if party in self.state.clerks]
        return next((c for c in clerks if decides is not None and _at(c, decides)), None)

    def move(self, status: WindowStatus, now: datetime, *, actor: Actor = SYSTEM, **data: str) -> None:
        if status not in TRANSITIONS[self.state.status]:
            raise RuntimeError(f"session cannot go from {self.state.status} to {status}")
        self.state.status, self.state.since = status, now
        self.note(status, now, actor=actor, data=data)

    def end(self, outcome: WindowEnd, reason: str, now: datetime, *, actor: Actor = SYSTEM) -> None:
        self.state.outcome, self.state.reason, self.state.closed_at = outcome, reason, now
        self.move(S.CLOSED, now, actor=actor, outcome=outcome, reason=reason)


def _at(actor: Actor, place: Place) -> bool:
    return (actor.region, actor.department) == (place.region, place.department)


_WAITS = {
    S.REQUESTED: Party.HANDLING,
    S.QUEUED: Party.HANDLING,
    S.CONNECTING: Party.APPLICANT,
    S.IDENTITY_CHECK: Party.HANDLING,
    S.CONSENTED: Party.HANDLING,
    S.IN_SERVICE: Party.HANDLING,
    S.ON_HOLD: Party.HANDLING,
    S.SIGNING: Party.APPLICANT,
}
