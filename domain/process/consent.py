"""Evidence: the applicant has seen what a register holds and consents to its use, or hands in a document instead."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from domain import names
from domain.case import StepStatus
from domain.effects import Verb
from domain.process import answers, steps
from domain.process.orders import EvidenceCommand
from domain.record import EvidenceState

if TYPE_CHECKING:
    from domain.process.engine import Process


def check(process: Process, command: EvidenceCommand) -> str | None:
    """Whether the applicant may answer this evidence now."""
    step_id = process.evidence_step(command.evidence)
    if step_id is None:
        return "not_found"
    state = process.state.steps[step_id]
    asking = state.status in {StepStatus.CALLING, StepStatus.BLOCKED} and state.calling is Verb.OFFER
    if state.status is not StepStatus.PREVIEW and not (asking and not command.accept):
        return "evidence_settled"
    if (command.accept and not state.available) or (not command.accept and not command.replaced):
        return "replacement_required"
    return None


def carry_out(process: Process, command: EvidenceCommand, now: datetime) -> None:
    """Consent leads to release by the register, a decline to the own document."""
    step_id = process.evidence_step(command.evidence)
    if step_id is None:
        raise KeyError(command.evidence)
    state = process.state.steps[step_id]
    state.command = command.id
    accepted = EvidenceState.ACCEPTED if command.accept else EvidenceState.REPLACED
    process.note(f"evidence:{step_id}:{accepted}", now, actor=command.actor, step=step_id, data={"command": command.id})
    process.evidence(step_id, accepted)
    if command.accept:
        state.key = names.effect_key(process.case_no, process.steps[step_id].leg, step_id, Verb.FETCH, state.generation)
        answers.start(process, step_id, Verb.FETCH, now)
    else:
        if state.status is not StepStatus.PREVIEW:
            process.move(step_id, StepStatus.PREVIEW, now)
        steps.done(process, step_id, now)
