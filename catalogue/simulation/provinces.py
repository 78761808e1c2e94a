"""Back offices that answer as the scenario says; what it does not say goes well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import count

from catalogue.scenario import Part
from catalogue.simulation.stage import Stage
from domain.effects import AnswerStatus, Verb
from domain.identifiers import make_licence_id
from domain.process import Call, Callback, CallOutcome, OutcomeStatus

NEVER_S = 10**8
ISSUER = "11310000XXXX000510"  # synthetic


class Provinces:
    """``delay``: how long a back office takes for an answer of which the scenario does not say when it comes."""

    def __init__(self, stage: Stage, delay: str) -> None:
        self.stage = stage
        self.delay = delay
        self._out: dict[str, AnswerStatus] = {}  # what has been reported, by key
        self._count = count(1)
        self._under_way: dict[int, tuple[Call, datetime]] = {}  # and since when

    def take(self, call: Call) -> None:
        """Arranges how a call ends, and when."""
        part, number = self.stage.part(call.step), next(self._count)
        self._under_way[number] = call, self.stage.now
        if call.verb is Verb.REVERSE:
            self._end(number, part.reversal, "" if part.reversal != "down" else part.after or "1d")
        elif call.patient and self.stage.process.state.closing is not None:
            self._later("0h", partial(self._give_up, number))
        elif call.verb is Verb.FIND:
            self._later(self.delay, lambda: self._answer(number, self._out.get(call.key, AnswerStatus.PENDING)))
        elif call.verb is Verb.OFFER:
            self._end(number, "rejected" if part.answer == "missing" else part.answer, part.after)
        elif part.answer == "pending_forever":
            self._outcome(number, self.delay, AnswerStatus.PENDING)
        elif part.after and part.answer != "down":
            status = AnswerStatus.REJECTED if part.answer == "rejected" else AnswerStatus.ACCEPTED
            self._outcome(number, self.delay, AnswerStatus.PENDING)
            self._later(part.after, lambda: self._call_back(call, status, part))
        else:
            self._end(number, part.answer, part.after)

    def call_off(self) -> None:
        """The case begins to end: what is tried until it is answered is not sent any more."""
        for number, (call, _) in list(self._under_way.items()):
            if call.patient:
                self._give_up(number)

    def _later(self, duration: str, do: Callable[[], None]) -> None:
        self.stage.after(duration, do, by_person=False)

    def _end(self, number: int, answer: str, after: str) -> None:
        call, _ = self._under_way[number]
        if answer == "down" and not call.patient:
            outcome = CallOutcome(status=OutcomeStatus.UNAVAILABLE, code="down")
            self._later(self.delay, lambda: self._tell(number, outcome))
        else:
            status = AnswerStatus.REJECTED if answer == "rejected" else AnswerStatus.ACCEPTED
            self._outcome(number, after or self.delay, status)

    def _outcome(self, number: int, after: str, status: AnswerStatus) -> None:
        self._later(after, lambda: self._answer(number, status))

    def _answer(self, number: int, status: AnswerStatus) -> None:
        if number not in self._under_way:
            return  # called off
        call, _ = self._under_way[number]
        reference, licence = self._result(call)
        outcome = CallOutcome(
            status=OutcomeStatus.ANSWERED,
            answer=status,
            reference=reference,
            reasons=self.stage.part(call.step).reasons if status is AnswerStatus.REJECTED else (),
            poll_after_s=NEVER_S,
            licence=licence if status is AnswerStatus.ACCEPTED else "",
        )
        self._tell(number, outcome)

    def _give_up(self, number: int) -> None:
        self._tell(number, CallOutcome(status=OutcomeStatus.UNUSABLE, code="gave_up"))

    def _tell(self, number: int, outcome: CallOutcome) -> None:
        call, asked = self._under_way.pop(number)
        self.stage.answer(call, asked, outcome)

    def _call_back(self, call: Call, status: AnswerStatus, part: Part) -> None:
        self._out[call.key] = status
        reference, licence = self._result(call)
        message = Callback(
            event_id=f"event-{self.stage.number()}",
            key=call.key,
            answer=status,
            reference=reference,
            reasons=part.reasons if status is AnswerStatus.REJECTED else (),
            licence=licence,
        )
        self.stage.report(message)

    def _result(self, call: Call) -> tuple[str, str]:
        step, number = self.stage.process.steps[call.step], self.stage.number()
        licence = make_licence_id(step.licence_type, ISSUER, f"{number:016d}") if step.licence_type else ""
        return f"{call.place.region[:2]}-{number:06d}", licence
