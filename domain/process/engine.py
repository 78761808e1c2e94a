"""Process: the rules of one case. Every method takes the time it happens at and leaves changes to be recorded."""

from __future__ import annotations

from datetime import date, datetime

from domain import names
from domain.calendar import WorkCalendar, local_day
from domain.case import CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.plan import OUTCOMES, StepKind
from domain.process import answers, clocks, closing, hands, law, promises, steps
from domain.process.book import Book
from domain.process.orders import AnyOrder, CommandResult, DecideCommand
from domain.process.state import Call, Callback, CallOutcome, Intake, Undo, UndoStatus
from domain.window.messages import WindowResult


class Process(Book):
    """One case. ``calls`` collects what is to be asked of provinces; ``batch`` what is to be written down."""

    # what happens

    def begin(self, now: datetime, intake: Intake | None = None) -> None:
        """The workflow has taken the case up. It counts as received once everybody who has to has signed."""
        given = intake or Intake()
        law.begin(self, given)
        if given.signers:
            self.note("case:signatures:asked", now)
        else:
            self.receive(now)

    def receive(self, now: datetime) -> None:
        """收件: the submission counts from today, and the steps that need nothing open."""
        self.state.received_on = local_day(now)
        self.set_status(CaseStatus.RECEIVED, now)
        clocks.mark(self, "received", now)
        self.advance(now)

    def advance(self, now: datetime) -> None:
        """Opens every step whose needs are met; ends the case when nothing is left to do."""
        if self.state.closed_at is not None or (self.state.status is CaseStatus.SUBMITTED and not self.state.closing):
            return
        if self.state.closing is None:
            steps.advance(self, now)
        if self.state.closing is not None:
            closing.advance(self, now)

    def take_outcome(self, call: Call, outcome: CallOutcome, now: datetime) -> None:
        """A call to a province has ended."""
        if call.verb is Verb.REVERSE or self._undo_by_key(call.key):
            closing.take_outcome(self, call, outcome, now)
        elif call.verb is Verb.FIND:
            answers.take_poll(self, call, outcome, now)
        elif call.verb is Verb.SUPPLEMENT:
            hands.take_supplement(self, call, outcome, now)
        else:
            answers.take_answer(self, call, outcome, now)
        self.advance(now)

    def take_callback(self, message: Callback, now: datetime) -> bool:
        """A province reports an end. False if it changes nothing (late, duplicate, not ours)."""
        if message.answer is AnswerStatus.PENDING and not message.wanting:
            return False
        if undo := self._undo_by_key(message.key):
            if undo.status is not UndoStatus.PENDING or message.answer is AnswerStatus.FAILED:
                return False  # a reversal that broke down is asked for again by its poll
            closing.settle(self, undo, answers.reported(message), now)
            self.advance(now)
            return True
        for step_id, state in self.state.steps.items():
            if state.key != message.key:
                continue
            if message.answer is AnswerStatus.FAILED:
                return answers.broke_down(self, step_id, message, now)
            if state.status is StepStatus.PENDING:
                answers.settle(self, step_id, answers.reported(message), now)
                self.advance(now)
                return True
            if state.status in {StepStatus.CALLING, StepStatus.BLOCKED} and (
                message.answer is not AnswerStatus.PENDING or message.key not in self.state.early
            ):  # an end that overtook the answer is not forgotten for news that came later
                self.state.early[message.key] = message
            return False
        return False

    def take_time(self, now: datetime) -> None:
        """A timer fired: limits may have run out, results may be asked for; one may bring the next about at once."""
        while (due := self.next_wake()) is not None and due <= now:
            noted = len(self._events)
            self._take_moment(now)
            if self.next_wake() == due and len(self._events) == noted:
                raise RuntimeError(f"what was due at {due.isoformat()} is still due")

    def _take_moment(self, now: datetime) -> None:
        clocks.expire(self, now)
        if self.state.closing is None:
            law.expire(self, now)
        if self.state.closing is None:
            answers.poll(self, now)
        closing.poll(self, now)
        self.advance(now)

    def take_window(self, result: WindowResult, now: datetime) -> bool:
        """A session at the virtual window was completed: its clerk has decided the step. False if none waits for it."""
        state = self.state.steps.get(result.step)
        if state is None or state.status is not StepStatus.TASK:
            return False
        command = DecideCommand(
            id=names.window_decision(result.session),
            actor=result.clerk,
            task=state.task,
            outcome=OUTCOMES[StepKind.WINDOW][0],
            ticked=result.ticked,
            reference=result.session,
        )
        if (refusal := self.check(command)) is not None:
            data = {"session": result.session, "code": refusal}
            self.note("window:not_counted", now, step=result.step, data=data)
            return False
        self.carry_out(command, now)
        return True

    def recalendar(self, calendar: WorkCalendar, now: datetime) -> None:
        """A holiday notice was published: everything that counts days is computed again with it."""
        if len(calendar.years) < len(self.calendar.years):
            return  # an older one that came late
        self.calendar = calendar
        clocks.recompute(self, now)
        law.recompute(self, now)

    # what people ask for

    def check(self, order: AnyOrder) -> str | None:
        """The code of the refusal, or None if this order may be carried out now, by this person."""
        return None if order.id in self.state.commands else law.check(self, order)

    def carry_out(self, order: AnyOrder, now: datetime) -> CommandResult:
        """Carries a checked order out; the same order again gets what it led to the first time."""
        if known := self.state.commands.get(order.id):
            return known
        law.carry_out(self, order, now)
        self.advance(now)
        result = CommandResult(status=self.state.status, at=now)
        self.state.commands[order.id] = result
        self._commands.append(order.id)
        return result

    # what the rules say to each other

    def end(self, target: CaseStatus, reason: str, now: datetime) -> None:
        """From here on the case can only end in ``target``."""
        closing.begin(self, target, reason, now)

    def accepted(self, now: datetime, on: date) -> None:
        """受理: what was promised runs from here."""
        promises.accepted(self, now, on)

    def end_step(self, step_id: str, now: datetime) -> None:
        """Its person has decided, and the case ends by it."""
        self.move(step_id, StepStatus.DONE, now)

    def deem_done(self, step_id: str, now: datetime, *, on: date | None = None) -> None:
        """The law says that a person has decided well who has not decided in time."""
        steps.deem_done(self, step_id, now, on=on)

    def evidence_step(self, evidence_id: str) -> str | None:
        """The step an evidence item belongs to."""
        for step in self.plan.steps:
            if step.kind is StepKind.EVIDENCE and names.evidence_id(self.case_no, step.id) == evidence_id:
                return step.id
        return None

    def _undo_by_key(self, key: str) -> Undo | None:
        return next((u for u in self.state.undo if key and u.undo_key == key), None)
