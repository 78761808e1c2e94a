"""The clocks of a case under the plan it was moved to.

A running clock keeps its start and its pauses and is reckoned with the new limits. What has run out stays run out, on
the day it did, unless the new limit leaves time; what it led to stays in any case. A clock that should have started
already starts on the day its mark happened. Silence decides nothing by a move: a limit that people were not under
while it ran makes a supervisor look, never a case deemed accepted or granted.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from domain.calendar import ONE_DAY, local_day
from domain.plan import CasePlan, Clock, OnExpiry
from domain.process import clocks
from domain.process.state import ClockState, Pause, SupplementStatus
from domain.process.successor import happened
from domain.record import CaseView

if TYPE_CHECKING:
    from domain.process.engine import Process

Dues = tuple[date | None, date | None]


def carry(process: Process, old: CasePlan, shown: CaseView, new: CasePlan, now: datetime) -> None:
    """After the plan was changed: every clock as it has to be under ``new``. ``shown``: the case as it was before."""
    before, in_force = {c.id: c for c in old.clocks}, {c.id for c in new.clocks}
    for clock in process.plan.clocks:
        state = process.state.clocks.get(clock.id)
        if clock.id not in in_force:
            _drop(process, clock, now)
        elif state is None or state.dropped:
            if happened(old, shown, clock.start) and not happened(old, shown, clock.stop):
                _join(process, old, shown, clock, now)
        elif state.stopped_at is None:
            if clock.stop != before[clock.id].stop and happened(old, shown, clock.stop):
                clocks.end_pauses(state, now)
                state.stopped_at = now
                process.note("clock:ended", now, data={"clock": clock.id, "why": "over"})
            else:
                _reckon(process, clock, state, now)


def _drop(process: Process, clock: Clock, now: datetime) -> None:
    """It stands still and can be seen; a version that has it again takes it up where it stood."""
    state = process.state.clocks[clock.id]
    if state.stopped_at is None:
        clocks.end_pauses(state, now)
        state.stopped_at, state.dropped = now, True
        process.note("clock:ended", now, data={"clock": clock.id, "why": "removed"})


def _join(process: Process, old: CasePlan, shown: CaseView, clock: Clock, now: datetime) -> None:
    """A clock whose start lies behind the case runs from there."""
    known = process.state.clocks.get(clock.id)
    day = known.started_on if known else _day(process, old, shown, clock.start, now)
    pauses = [pause for pause in _pauses(process, clock) if pause.last is None or pause.last > day]
    state = ClockState(started_on=day, pauses=pauses)
    if known is not None:
        state.extension, state.legal_fired = known.extension, known.legal_fired
    process.state.clocks[clock.id] = state
    process.note("clock:joined", now, data={"clock": clock.id, "started_on": day.isoformat()})
    _reckon(process, clock, state, now)


def _day(process: Process, old: CasePlan, shown: CaseView, mark: str, now: datetime) -> date:
    """The day of a mark, from what remembers it; a case from before marks were kept may know of none: then today."""
    if (day := process.state.marks.get(mark)) is not None:
        return day
    if mark == "received" and shown.received_on is not None:
        return shown.received_on
    same = {c.id for c in old.clocks if c.start == mark}
    if started := [c.started_on for c in shown.clocks if c.id in same]:
        return started[0]
    ended = [local_day(s.since) for s in shown.steps if f"{s.id}.done" == mark]
    return ended[0] if ended else local_day(now)


def _pauses(process: Process, clock: Clock) -> list[Pause]:
    """What would have stopped it: as the other clocks remember it, and what goes on now."""
    found: dict[tuple[str, date], Pause] = {}
    under_way = _under_way(process)
    for state in process.state.clocks.values():
        for pause in state.pauses:
            known = found.get((pause.cause, pause.first))
            if pause.cause in clock.suspends and (known is None or _longer(pause, known)):
                found[pause.cause, pause.first] = pause.model_copy()
    for cause in sorted(set(under_way) & set(clock.suspends)):
        first = under_way[cause] + ONE_DAY
        planned = process.state.procedures[cause].planned if cause in process.state.procedures else None
        found[cause, first] = Pause(cause=cause, first=first, planned=planned if planned and planned >= first else None)
    return [found[key] for key in sorted(found, key=lambda key: (key[1], key[0]))]


def _longer(one: Pause, other: Pause) -> bool:
    """A clock that was stopped meanwhile has lost sight of how long it lasted."""
    return other.last is not None and (one.last is None or one.last > other.last)


def _under_way(process: Process) -> dict[str, date]:
    """What may stop clocks and goes on now -> the day it began on."""
    state = process.state
    active = clocks.active(process)
    began = {name: local_day(s.since) for name, s in state.steps.items() if name in active}
    began |= {name: p.begun_on for name, p in state.procedures.items() if name in active}
    asked = [s.since for s in state.supplements.values() if s.status is SupplementStatus.OPEN]
    return began | ({clocks.SUPPLEMENT: local_day(asked[0])} if asked else {})


def _reckon(process: Process, clock: Clock, state: ClockState, now: datetime) -> None:
    """Its dates under the new limits; a day that has led to something once does not do so again."""
    dues: Dues = (state.legal_due, state.promised_due)
    if state.legal_overdue and state.legal_due is not None and state.legal_due not in state.legal_fired:
        state.legal_fired.append(state.legal_due)
    clocks.compute(process, clock, state)
    legal, promised = state.legal_due, state.promised_due
    state.legal_overdue = legal is not None and legal in state.legal_fired
    state.promised_overdue = state.promised_overdue and promised == dues[1]
    if (legal, promised) != dues:
        moved = {"legal": (dues[0], legal), "promised": (dues[1], promised)}
        data = {
            f"{name}_{side}": day.isoformat()
            for name, pair in moved.items()
            if pair[0] != pair[1]
            for side, day in zip(("from", "to"), pair, strict=True)
            if day is not None
        }
        process.note("clock:limit:changed", now, data={"clock": clock.id} | data)
    if _ran_out_unseen(clock, state, now):
        state.legal_overdue = True
        state.legal_fired.append(legal)  # type: ignore[arg-type]
        process.note("clock:legal:overdue", now, data={"clock": clock.id})
        clocks.supervise(process, clock, state, now)


def _ran_out_unseen(clock: Clock, state: ClockState, now: datetime) -> bool:
    """Whether the new limit was over before the move, where silence would decide."""
    if clock.on_expiry is OnExpiry.ESCALATE or state.legal_due is None or state.legal_overdue:
        return False
    stood_still = [pause.first for pause in state.pauses if pause.last is None]
    return now >= clocks.end_of(state.legal_due) and all(state.legal_due < first for first in stood_still)
