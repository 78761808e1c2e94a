"""Virtual time, the case in it, and what everybody has arranged to do: one thing after another."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

from catalogue.scenario import Part, Scenario, later
from catalogue.simulation.course import Answer, Input, Line
from domain.calendar import SHANGHAI
from domain.process import AnyOrder, Call, Callback, CallOutcome, Process
from domain.record import Event

NIGHT_ENDS, MORNING = 8, 9


class Stage:
    """Where provinces and people meet the case. All that the case takes in passes here, and is kept."""

    def __init__(self, process: Process, scenario: Scenario) -> None:
        self.process = process
        self.scenario = scenario
        self.now = scenario.start
        self.lines: list[Line] = []
        self.events: list[str] = []
        self.inputs: list[Input] = []
        self.answers: list[Answer] = []
        self._agenda: list[tuple[datetime, bool, int, Callable[[], None]]] = []
        self._number = count(1)

    def number(self) -> int:
        """A number that is nobody else's."""
        return next(self._number)

    def part(self, step: str) -> Part:
        """What the scenario says of a step."""
        return self.scenario.steps.get(step, Part())

    # time

    def after(self, duration: str, do: Callable[[], None], *, by_person: bool = True) -> None:
        """Arranges something for later; people do nothing at night."""
        moment = later(self.now, duration, self.process.calendar)
        self.on(_by_day(moment) if by_person else moment, do, by_person=by_person)

    def on(self, moment: datetime, do: Callable[[], None], *, by_person: bool = True) -> None:
        """Arranges something for a moment. In one and the same, back offices are quicker than people."""
        heapq.heappush(self._agenda, (moment, by_person, self.number(), do))

    def pass_time(self) -> bool:
        """On to the next thing that happens, by arrangement or by time itself. False if there is none."""
        first = self._agenda[0][0] if self._agenda else None
        moments = [m for m in (self.process.next_wake(), first) if m is not None]
        if not moments:
            return False
        self.now = max(self.now, min(moments))
        if first is not None and first <= self.now:
            heapq.heappop(self._agenda)[-1]()
        else:
            self.process.take_time(self.now)
        return True

    # what the case takes in

    def order(self, order: AnyOrder) -> str | None:
        """Somebody asks for something; the code of the refusal if it may not be."""
        refusal = self.process.check(order)
        if refusal is None:
            self.inputs.append(Input(at=self.now, events=len(self.events), order=order))
            self.process.carry_out(order, self.now)
        else:
            what, detail = f"refused:{order.verb}", f"code={refusal}"
            self.lines.append(Line(at=self.now, place=None, step="", what=what, detail=detail))
        return refusal

    def report(self, message: Callback) -> None:
        """A province reports an end."""
        self.inputs.append(Input(at=self.now, events=len(self.events), callback=message))
        self.process.take_callback(message, self.now)

    def answer(self, call: Call, asked_at: datetime, outcome: CallOutcome) -> None:
        """A call has ended."""
        self.answers.append(Answer(asked_at=asked_at, at=self.now, call=call, outcome=outcome))
        self.process.take_outcome(call, outcome, self.now)

    # what the case writes

    def write(self, event: Event) -> None:
        """A line of the audit trail."""
        self.events.append(event.type)
        step = self.process.steps.get(event.step)
        detail = ", ".join(f"{k}={v}" for k, v in event.data.items() if v and k not in {"task", "command"})
        place = step.place if step else None
        self.lines.append(Line(at=event.at, place=place, step=event.step, what=event.type, detail=detail))


def _by_day(moment: datetime) -> datetime:
    """What the law does at midnight is answered in the morning."""
    here = moment.astimezone(SHANGHAI)
    return here.replace(hour=MORNING, minute=0) if here.hour < NIGHT_ENDS else moment
