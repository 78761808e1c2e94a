"""Process: the rules of one case. Every method takes the time it happens at and leaves changes to be recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain import names
from domain.calendar import WorkCalendar
from domain.case import CASE_TRANSITIONS, WITHDRAWABLE, CaseStatus, StepStatus
from domain.effects import AnswerStatus, Verb
from domain.identifiers import parse_licence_id
from domain.messages import Actor, Role
from domain.plan import CaseStep, OnRejected, StepKind
from domain.process import clocks, closing
from domain.process.book import Book
from domain.process.state import (
    Call,
    Callback,
    CallOutcome,
    CommandResult,
    DecideCommand,
    EvidenceCommand,
    OpenTask,
    OutcomeStatus,
    Undo,
    UndoStatus,
    WithdrawCommand,
)
from domain.record import (
    EvidenceState,
    LicenceIssued,
    TaskKind,
    TaskState,
)
from domain.regions import covers

LONGEST_POLL = timedelta(hours=1)
OUTCOMES = {TaskKind.ACCEPT: ("accept", "refuse"), TaskKind.DECIDE: ("grant", "refuse")}


class Process(Book):
    """One case. ``calls`` collects what is to be asked of provinces; ``batch`` what is to be written down."""

    # what happens

    def begin(self, now: datetime) -> None:
        """The workflow has taken the case up: it is received, and the steps that need nothing open."""
        self.set_status(CaseStatus.RECEIVED, now)
        clocks.mark(self, "received", now)
        self.advance(now)

    def advance(self, now: datetime) -> None:
        """Opens every step whose needs are met; ends the case when nothing is left to do."""
        if self.state.closed_at is not None:
            return
        if self.state.closing is not None:
            closing.advance(self, now)
            return
        for step in self.plan.steps:
            if self.state.steps[step.id].status is StepStatus.WAITING and self._needs_met(step):
                self._open(step, now)
        if all(s.status is StepStatus.DONE for s in self.state.steps.values()):
            self.close(CaseStatus.COMPLETED, now)

    def take_outcome(self, call: Call, outcome: CallOutcome, now: datetime) -> None:
        """A call to a province has ended."""
        if call.verb is Verb.REVERSE or self._undo_by_key(call.key):
            closing.take_outcome(self, call, outcome, now)
        elif call.verb is Verb.FIND:
            self._take_poll(call, outcome, now)
        else:
            self._take_answer(call, outcome, now)
        self.advance(now)

    def take_callback(self, message: Callback, now: datetime) -> bool:
        """A province reports an end. False if it changes nothing (late, duplicate, not ours)."""
        if message.answer is AnswerStatus.PENDING:
            return False
        if undo := self._undo_by_key(message.key):
            if undo.status is not UndoStatus.PENDING:
                return False
            closing.settle(self, undo, _reported(message), now)
            self.advance(now)
            return True
        for step_id, state in self.state.steps.items():
            if state.key != message.key:
                continue
            if state.status is StepStatus.PENDING:
                self._settle(step_id, _reported(message), now)
                self.advance(now)
                return True
            if state.status in {StepStatus.CALLING, StepStatus.BLOCKED}:
                self.state.early[message.key] = message
            return False
        return False

    def take_time(self, now: datetime) -> None:
        """A timer fired: limits may have run out, results may be asked for."""
        clocks.expire(self, now)
        if self.state.closing is None:
            for step_id, state in self.state.steps.items():
                if state.status is StepStatus.PENDING and state.poll_at is not None and state.poll_at <= now:
                    state.poll_at, state.calling = None, Verb.FIND
                    self.calls.append(self._call(step_id, Verb.FIND, state.key))
        closing.poll(self, now)

    # what people ask for; each check_* gives the code of the refusal or None

    def check_decide(self, command: DecideCommand) -> str | None:
        """Whether this decision may be made now, by this person."""
        if command.id in self.state.commands:
            return None
        if self.state.closed_at is not None:
            return "case_closed"
        task = self.state.tasks.get(command.task)
        if task is None:
            return "task_not_open"
        if command.outcome not in task.outcomes:
            return "outcome_unknown"
        at_place = (command.actor.region, command.actor.department) == (task.place.region, task.place.department)
        above = command.actor.department == task.place.department and covers(command.actor.region, task.place.region)
        if task.kind is TaskKind.SUPERVISE:
            return None if command.actor.role is Role.SUPERVISOR and above else "not_found"
        return None if command.actor.role is Role.CASEWORKER and at_place else "not_found"

    def decide(self, command: DecideCommand, now: datetime) -> CommandResult:
        """Carries a checked decision out."""
        if known := self.state.commands.get(command.id):
            return known
        task = self.state.tasks[command.task]
        self.close_task(command.task, TaskState.DONE, now, outcome=command.outcome)
        self.note(
            f"task:{task.kind}:decided",
            now,
            actor=command.actor,
            step=task.step,
            data={"task": command.task, "outcome": command.outcome, "command": command.id},
        )
        if task.kind is TaskKind.RESOLVE:
            self._resolve(task, command.outcome, now)
        elif task.kind is not TaskKind.SUPERVISE:
            if command.outcome == "refuse":
                refused = CaseStatus.NOT_ACCEPTED if task.kind is TaskKind.ACCEPT else CaseStatus.DECIDED_REFUSED
                self.move(task.step, StepStatus.DONE, now)
                closing.begin(self, refused, f"refused_at_{task.kind}", now)
            else:
                self._done(task.step, now)
        self.advance(now)
        return self._remember(command.id, now)

    def check_evidence(self, command: EvidenceCommand) -> str | None:
        """Whether the applicant may answer this evidence now."""
        if command.id in self.state.commands:
            return None
        if self.state.closed_at is not None or self.state.closing is not None:
            return "case_closed"
        step_id = self._evidence_step(command.evidence)
        if step_id is None:
            return "not_found"
        state = self.state.steps[step_id]
        asking = state.status in {StepStatus.CALLING, StepStatus.BLOCKED} and state.calling is Verb.OFFER
        if state.status is not StepStatus.PREVIEW and not (asking and not command.accept):
            return "evidence_settled"
        if (command.accept and not state.available) or (not command.accept and not command.replaced):
            return "replacement_required"
        return None

    def answer_evidence(self, command: EvidenceCommand, now: datetime) -> CommandResult:
        """Carries a checked answer out: consent leads to release by the register, a decline to the own document."""
        if known := self.state.commands.get(command.id):
            return known
        step_id = self._evidence_step(command.evidence)
        if step_id is None:
            raise KeyError(command.evidence)
        state = self.state.steps[step_id]
        state.command = command.id
        accepted = EvidenceState.ACCEPTED if command.accept else EvidenceState.REPLACED
        self.note(
            f"evidence:{step_id}:{accepted}", now, actor=command.actor, step=step_id, data={"command": command.id}
        )
        self.evidence(step_id, accepted)
        if command.accept:
            state.key = names.effect_key(self.case_no, self.steps[step_id].leg, step_id, Verb.FETCH, state.generation)
            self._start_call(step_id, Verb.FETCH, now)
        else:
            if state.status is not StepStatus.PREVIEW:
                self.move(step_id, StepStatus.PREVIEW, now)
            self._done(step_id, now)
        self.advance(now)
        return self._remember(command.id, now)

    def check_withdraw(self, command: WithdrawCommand) -> str | None:
        """Withdrawal is possible until a decision has been made (domain note 2.4)."""
        if command.id in self.state.commands:
            return None
        if self.state.closed_at is not None or self.state.closing is not None:
            return "case_closed"
        return None if self.state.status in WITHDRAWABLE else "too_late_to_withdraw"

    def withdraw(self, command: WithdrawCommand, now: datetime) -> CommandResult:
        """Stops opening steps; what took effect is undone before the case ends as withdrawn."""
        if known := self.state.commands.get(command.id):
            return known
        self.note("case:withdrawal:asked", now, actor=command.actor, data={"command": command.id})
        closing.begin(self, CaseStatus.WITHDRAWN, "withdrawn", now)
        self.advance(now)
        return self._remember(command.id, now)

    def recalendar(self, calendar: WorkCalendar, now: datetime) -> None:
        """A holiday notice was published: running clocks are computed again with it."""
        if len(calendar.years) < len(self.calendar.years):
            return  # an older one that came late
        self.calendar = calendar
        clocks.recompute(self, now)

    # the inside

    def _needs_met(self, step: CaseStep) -> bool:
        return all(self.state.steps[need].status is StepStatus.DONE for need in step.needs)

    def _open(self, step: CaseStep, now: datetime) -> None:
        clocks.mark(self, f"{step.id}.started", now)
        if self.state.status is CaseStatus.ACCEPTED and step.kind is not StepKind.EVIDENCE:
            self.set_status(CaseStatus.UNDER_REVIEW, now)
        if step.kind in {StepKind.ACCEPT, StepKind.DECIDE}:
            kind = TaskKind(step.kind.value)
            self.move(step.id, StepStatus.TASK, now)
            self.state.steps[step.id].task = self.open_task(step.id, kind, step.place, OUTCOMES[kind], now)
            return
        if step.kind is StepKind.CERTIFICATE and CaseStatus.CERTIFICATE_MAKING in CASE_TRANSITIONS[self.state.status]:
            self.set_status(CaseStatus.CERTIFICATE_MAKING, now)
        if step.kind is StepKind.EVIDENCE:
            self.evidence(step.id, EvidenceState.REQUESTED)
            self._start_call(step.id, Verb.OFFER, now)
        else:
            self._submit(step, now)

    def _submit(self, step: CaseStep, now: datetime) -> None:
        """Registers the compensation first, then asks for the effect: no crash can leave an effect nobody undoes."""
        state = self.state.steps[step.id]
        state.key = names.effect_key(self.case_no, step.leg, step.id, Verb.SUBMIT, state.generation)
        if step.compensate_with:
            self.state.undo.append(Undo(step=step.id, key=state.key, operation=step.compensate_with, place=step.place))
        self._start_call(step.id, Verb.SUBMIT, now)

    def _start_call(self, step_id: str, verb: Verb, now: datetime, *, again: bool = False) -> None:
        state = self.state.steps[step_id]
        self.move(step_id, StepStatus.CALLING, now)
        state.calling, state.trouble = verb, ""
        self.calls.append(self._call(step_id, verb, "" if verb is Verb.OFFER else state.key, again=again))
        self.note(f"effect:{verb}:asked", now, step=step_id)

    def _call(self, step_id: str, verb: Verb, key: str, *, patient: bool = False, again: bool = False) -> Call:
        step = self.steps[step_id]
        return Call(
            step=step_id,
            verb=verb,
            place=step.place,
            operation=step.operation,
            key=key,
            send=step.send,
            command=self.state.steps[step_id].command,
            patient=patient,
            again=again,
        )

    def _take_answer(self, call: Call, outcome: CallOutcome, now: datetime) -> None:
        state = self.state.steps[call.step]
        if state.status not in {StepStatus.CALLING, StepStatus.BLOCKED} or state.calling is not call.verb:
            return  # the applicant has handed in a document meanwhile
        answered = outcome.status is OutcomeStatus.ANSWERED
        senseless = outcome.answer is None or (call.verb is Verb.OFFER and outcome.answer is AnswerStatus.PENDING)
        if (
            outcome.status is OutcomeStatus.UNUSABLE
            or (answered and senseless)
            or (not answered and (call.patient or self.state.closing is not None))
        ):
            # once the case is ending nothing is sent again: what may have been done is undone by its key
            state.trouble = outcome.code
            self.note(f"effect:{call.verb}:unusable", now, step=call.step, data={"code": outcome.code})
            self._needs_a_person(call.step, now)
        elif answered:
            self._settle(call.step, outcome, now)
        else:
            state.trouble = outcome.status.value
            if state.status is StepStatus.CALLING:
                self.move(call.step, StepStatus.BLOCKED, now)
            self.note(
                f"effect:{call.verb}:blocked",
                now,
                step=call.step,
                data={"trouble": outcome.status, "code": outcome.code},
            )
            self.calls.append(self._call(call.step, call.verb, call.key, patient=True, again=call.again))

    def _take_poll(self, call: Call, outcome: CallOutcome, now: datetime) -> None:
        state = self.state.steps[call.step]
        if state.status is not StepStatus.PENDING or state.calling is not Verb.FIND:
            return
        state.calling = None
        if outcome.status is OutcomeStatus.ANSWERED and outcome.answer not in {None, AnswerStatus.PENDING}:
            self._settle(call.step, outcome, now)
        elif self.state.closing is not None:
            return  # it is undone in its turn
        elif outcome.status is OutcomeStatus.NOT_FOUND:
            # it said pending and has forgotten: the same key again can do no harm
            verb = Verb.FETCH if self.steps[call.step].kind is StepKind.EVIDENCE else Verb.SUBMIT
            self.move(call.step, StepStatus.BLOCKED, now)
            state.trouble, state.calling = "forgotten", verb
            self.note("effect:find:forgotten", now, step=call.step)
            self.calls.append(self._call(call.step, verb, state.key, patient=True))
        else:
            state.trouble = "" if outcome.status is OutcomeStatus.ANSWERED else outcome.status.value
            state.polls += 1
            pause = min(timedelta(seconds=state.poll_after_s) * 2 ** min(state.polls, 12), LONGEST_POLL)
            state.poll_at = now + pause
            self.note("effect:find:pending", now, step=call.step, data={"trouble": state.trouble})

    def _settle(self, step_id: str, outcome: CallOutcome, now: datetime) -> None:
        """An answer that can be used, however it came."""
        state, step = self.state.steps[step_id], self.steps[step_id]
        verb = Verb.FETCH if step.kind is StepKind.EVIDENCE else Verb.SUBMIT
        if state.calling is Verb.OFFER:
            verb = Verb.OFFER
        state.trouble, state.reasons, state.poll_at, state.calling = "", outcome.reasons, None, None
        state.reference = outcome.reference or state.reference
        by = Actor(subject="province", role=Role.SYSTEM, region=step.place.region, department=step.place.department)
        data = {"reference": outcome.reference, "reasons": ",".join(outcome.reasons), "by": outcome.code or "answer"}
        self.note(f"effect:{verb}:{outcome.answer}", now, actor=by, step=step_id, data=data)
        if verb is Verb.OFFER or (verb is Verb.FETCH and outcome.answer is AnswerStatus.REJECTED):
            state.available = outcome.answer is AnswerStatus.ACCEPTED
            self.move(step_id, StepStatus.PREVIEW, now)
            self.evidence(step_id, EvidenceState.OFFERED if state.available else EvidenceState.UNAVAILABLE)
        elif outcome.answer is AnswerStatus.ACCEPTED:
            if verb is Verb.FETCH:
                self.evidence(step_id, EvidenceState.USED)
            if step.licence_type and not self._licensed(step, outcome, now):
                return
            self._done(step_id, now)
        elif outcome.answer is AnswerStatus.PENDING:
            self.move(step_id, StepStatus.PENDING, now)
            state.poll_after_s = max(1, outcome.poll_after_s)
            if self.state.closing is None:  # else it is undone in its turn, not waited for
                state.poll_at = now + timedelta(seconds=state.poll_after_s)
            if early := self.state.early.pop(state.key, None):
                self._settle(step_id, _reported(early), now)
        else:
            self._rejected(step_id, now)

    def _licensed(self, step: CaseStep, outcome: CallOutcome, now: datetime) -> bool:
        """A licence counts only if its number is well formed, of the type asked for, and no other case's."""
        licence = parse_licence_id(outcome.licence)
        if licence is None:
            code = "licence_number_invalid"
        elif licence.type != step.licence_type:
            code = "licence_type_wrong"
        elif outcome.licence_taken:
            code = "licence_number_taken"
        else:
            issued = LicenceIssued(identifier=outcome.licence, step=step.id, place=step.place, at=now)
            self._licences.append(issued)
            return True
        self.state.steps[step.id].trouble = code
        self.note("effect:submit:unusable", now, step=step.id, data={"code": code})
        self._needs_a_person(step.id, now)
        return False

    def _rejected(self, step_id: str, now: datetime) -> None:
        state, step = self.state.steps[step_id], self.steps[step_id]
        self.move(step_id, StepStatus.REJECTED, now)
        state.refused = True
        self.state.undo = [undo for undo in self.state.undo if undo.key != state.key]
        if self.state.closing is not None:
            return
        if step.on_rejected is OnRejected.TERMINATE:
            closing.begin(self, CaseStatus.TERMINATED, f"rejected_at_{step_id}", now)
        else:
            self._needs_a_person(step_id, now)

    def _needs_a_person(self, step_id: str, now: datetime) -> None:
        self.move(step_id, StepStatus.RESOLVE, now)
        if self.state.closing is None:
            outcomes = ("retry", "terminate")
            self.state.steps[step_id].task = self.open_task(
                step_id, TaskKind.RESOLVE, self.steps[step_id].place, outcomes, now
            )

    def _resolve(self, task: OpenTask, outcome: str, now: datetime) -> None:
        if task.undo:
            closing.resolve(self, task.step, outcome, now)
        elif outcome == "terminate":
            closing.begin(self, CaseStatus.TERMINATED, f"given_up_at_{task.step}", now)
        else:
            state, step = self.state.steps[task.step], self.steps[task.step]
            verb = state.calling or Verb.SUBMIT
            if state.refused:  # only a new key can be answered otherwise
                state.generation += 1
                state.refused, state.reasons = False, ()
                self._submit(step, now)
            else:
                self._start_call(task.step, verb, now, again=True)

    def _done(self, step_id: str, now: datetime) -> None:
        step = self.steps[step_id]
        self.move(step_id, StepStatus.DONE, now)
        clocks.mark(self, f"{step_id}.done", now)
        if self.state.closing is not None:
            return
        if step.kind is StepKind.ACCEPT and CaseStatus.ACCEPTED in CASE_TRANSITIONS[self.state.status]:
            self.set_status(CaseStatus.ACCEPTED, now)
            clocks.mark(self, "accepted", now)
        decisions = [s.id for s in self.plan.steps if s.kind is StepKind.DECIDE]
        decided = all(self.state.steps[i].status is StepStatus.DONE for i in decisions)
        if step.kind is StepKind.DECIDE and decided:
            self.set_status(CaseStatus.DECIDED_GRANTED, now)
            clocks.mark(self, "decided", now)

    def _undo_by_key(self, key: str) -> Undo | None:
        return next((u for u in self.state.undo if key and u.undo_key == key), None)

    def _evidence_step(self, evidence_id: str) -> str | None:
        for step in self.plan.steps:
            if step.kind is StepKind.EVIDENCE and names.evidence_id(self.case_no, step.id) == evidence_id:
                return step.id
        return None

    def _remember(self, command_id: str, now: datetime) -> CommandResult:
        result = CommandResult(status=self.state.status, at=now)
        self.state.commands[command_id] = result
        self._commands.append(command_id)
        return result


def _reported(message: Callback) -> CallOutcome:
    return CallOutcome(
        status=OutcomeStatus.ANSWERED,
        answer=message.answer,
        code="callback",
        reference=message.reference,
        reasons=message.reasons,
        licence=message.licence,
        licence_taken=message.licence_taken,
    )
