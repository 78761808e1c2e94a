"""Caseworkers, the applicant and everybody else: who decides a task and when, and the acts of the scenario."""

from __future__ import annotations

from functools import partial

from catalogue.scenario import Act, ScenarioError
from catalogue.simulation.orders import APPLICANT, order_of, person, signature
from catalogue.simulation.stage import Stage
from domain import names
from domain.messages import Role
from domain.plan import StepKind
from domain.process import DecideCommand, EvidenceCommand
from domain.process.book import DECIDED_BY
from domain.process.state import OpenTask
from domain.record import TaskKind

_WAIT_AND_TRY_AGAIN = {"supplement_open", "originals_missing"}
_OF_STEPS = {kind.value for kind in StepKind}


class People:
    """Whoever has something to say in the case; what the scenario does not say is the good outcome, a day later."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def take(self, task_id: str, task: OpenTask) -> None:
        """Arranges when a task's person decides it, and how."""
        outcome, after = self._answer_to(task)
        if outcome not in task.outcomes:
            raise ScenarioError(f"steps.{task.step}: {outcome} is none of {', '.join(task.outcomes)}")
        self.stage.after(after, lambda: self._decide(task_id, task, outcome))

    def _answer_to(self, task: OpenTask) -> tuple[str, str]:
        part, outcome, after = self.stage.part(task.step), task.outcomes[0], "1wd"
        if task.kind is TaskKind.RESOLVE:
            outcome = part.resolve if not task.undo else "settled_by_hand"
        elif task.kind is TaskKind.OBJECTION:
            outcome = part.outcome or outcome
        elif task.kind is TaskKind.PROMISE:
            said = self.stage.part(f"promise-{task.about.split(':')[1]}")
            after = said.after or after
            if said.outcome in task.outcomes:
                outcome = said.outcome
            elif said.outcome in {"excused", "terminate"}:
                outcome = "broken"  # of a commitment: first it is found broken
        elif task.kind is TaskKind.EXTENSION:
            denied = any(a.does == "ask_extension" and not a.approve for a in self.stage.scenario.acts)
            outcome = "deny" if denied else "approve"
        elif task.kind.value in _OF_STEPS:
            outcome, after = part.outcome or outcome, part.after or after
        return outcome, after

    def _decide(self, task_id: str, task: OpenTask, outcome: str) -> None:
        if task_id not in self.stage.process.state.tasks:
            return  # the law, or the end of the case, was quicker
        step = self.stage.process.steps.get(task.step)
        command = DecideCommand(
            id=f"d{self.stage.number()}",
            task=task_id,
            outcome=outcome,
            ticked=tuple(item.id for item in step.checklist) if step else (),
            actor=person(DECIDED_BY.get(task.kind, Role.CASEWORKER), task.place, f"{task.kind}-{task.step}"),
        )
        if self.stage.order(command) in _WAIT_AND_TRY_AGAIN:
            self.stage.after("1wd", lambda: self._decide(task_id, task, outcome))

    def look_at_evidence(self, step_id: str, *, available: bool) -> None:
        """The applicant sees what a register holds, and accepts it unless the scenario lets her decline."""
        if not any(a.does == "decline_evidence" and a.step == step_id for a in self.stage.scenario.acts):
            self.stage.after("1h", lambda: self._evidence(step_id, accept=available))

    def _evidence(self, step_id: str, *, accept: bool) -> None:
        item, number = names.evidence_id(self.stage.process.case_no, step_id), f"e{self.stage.number()}"
        self.stage.order(EvidenceCommand(id=number, evidence=item, accept=accept, replaced=not accept, actor=APPLICANT))

    def sign(self, signers: tuple[str, ...]) -> None:
        """Co-signers sign within the hour, unless the scenario says that they never do of themselves."""
        if self.stage.scenario.cosigners != "never":
            for signer in signers:
                self.stage.after("1h", partial(self._sign, signer))

    def _sign(self, signer: str) -> None:
        self.stage.order(signature(signer, f"c{self.stage.number()}", agree=True))

    def do(self, act: Act) -> None:
        """An act of the scenario, if the case is still open."""
        if self.stage.process.state.closed_at is not None:
            return
        order = order_of(self.stage.process, act, f"a{self.stage.number()}")
        if order is None:
            raise ScenarioError(f"{act.does}: there is nothing to do this to at {self.stage.now:%Y-%m-%d}")
        self.stage.order(order)
