"""Back offices that answer as the scenario says; what it does not say goes well."""

from __future__ import annotations

from datetime import datetime

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

    def take(self, call: Call) -> None:
        """Arranges how a call ends, and when."""
        part = self.stage.part(call.step)
        if call.verb is Verb.REVERSE:
            self._end(call, part.reversal, "" if part.reversal != "down" else part.after or "1d")
        elif call.verb is Verb.FIND:
            asked = self.stage.now
            self.stage.after(
                self.delay, lambda: self._answer(call, asked, self._out.get(call.key, AnswerStatus.PENDING))
            )
        elif call.verb is Verb.OFFER:
            self._end(call, "rejected" if part.answer == "missing" else part.answer, part.after)
        elif part.answer == "pending_forever":
            self._outcome(call, self.delay, AnswerStatus.PENDING)
        elif part.after and part.answer != "down":
            status = AnswerStatus.REJECTED if part.answer == "rejected" else AnswerStatus.ACCEPTED
            self._outcome(call, self.delay, AnswerStatus.PENDING)
            self.stage.after(part.after, lambda: self._call_back(call, status, part))
        else:
            self._end(call, part.answer, part.after)

    def _end(self, call: Call, answer: str, after: str) -> None:
        if answer == "down" and not call.patient:
            asked, outcome = self.stage.now, CallOutcome(status=OutcomeStatus.UNAVAILABLE, code="down")
            self.stage.after(self.delay, lambda: self.stage.answer(call, asked, outcome))
        else:
            status = AnswerStatus.REJECTED if answer == "rejected" else AnswerStatus.ACCEPTED
            self._outcome(call, after or self.delay, status)

    def _outcome(self, call: Call, after: str, status: AnswerStatus) -> None:
        asked = self.stage.now
        self.stage.after(after, lambda: self._answer(call, asked, status))

    def _answer(self, call: Call, asked: datetime, status: AnswerStatus) -> None:
        reference, licence = self._result(call)
        outcome = CallOutcome(
            status=OutcomeStatus.ANSWERED,
            answer=status,
            reference=reference,
            reasons=self.stage.part(call.step).reasons if status is AnswerStatus.REJECTED else (),
            poll_after_s=NEVER_S,
            licence=licence if status is AnswerStatus.ACCEPTED else "",
        )
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
