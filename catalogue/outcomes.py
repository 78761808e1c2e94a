"""In which ways the cases of a service can end, computed from its definition: what its scenarios have to show.

Only what the definition itself distinguishes. That a back office answers what nobody can use, and a person then gives
up, can happen at every call of every service; it is not counted here.
"""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.simulation.course import Course
from domain.case import CaseStatus
from domain.messages import Message
from domain.plan import (
    OUTCOMES,
    Fee,
    MaterialSource,
    OnBroken,
    OnExpiry,
    OnRejected,
    Plan,
    Policy,
    RolePlan,
    StepKind,
    StepPlan,
    Tolerance,
    Way,
)
from domain.process.supplements import ASKED_AT
from domain.reasons import REASONS

S = CaseStatus
_ASKED_AT = {kind.value for kind in ASKED_AT}
_DEEMED = {
    OnExpiry.DEEMED_ACCEPTED: "case:deemed_accepted",
    OnExpiry.DEEMED_GRANTED: "case:deemed_granted",
    OnExpiry.DEEMED_REFUSED: "case:deemed_refused",
}


class Outcome(Message):
    """How a case ends. ``reason``: a row of ``domain.reasons``, without the step it names."""

    status: CaseStatus
    reason: str = ""


class Turn(Message):
    """What may happen on the way: an event of the audit trail (of a decision, with its outcome), and what it is about,
    a step or a material.
    """

    event: str
    about: str


def family(reason: str) -> str:
    """A case's reason as a row of ``domain.reasons``: rejected_at_tax -> rejected_at."""
    return reason if reason in REASONS or not reason else reason.split("_at_", 1)[0] + "_at"


def outcomes(plan: Plan) -> frozenset[Outcome]:
    """Every way in which a case of this service can end."""
    return frozenset(_Ways(plan).outcomes())


def turns(plan: Plan) -> frozenset[Turn]:
    """A no at every step, time limits that decide, promises kept or broken, effects undone after they stood."""
    return frozenset(_Ways(plan).turns())


def shown_turns(plan: Plan, course: Course) -> frozenset[Turn]:
    """What happens in a course, spelled as ``turns`` spells it."""
    return frozenset(_shown(plan, course))


def _shown(plan: Plan, course: Course) -> Iterator[Turn]:
    ids = {step.id for step in plan.steps} | {f"fee-{fee.id}" for fee in plan.fees}
    for line in course.lines:
        told = dict(part.partition("=")[::2] for part in line.detail.split(", "))
        step = line.step if line.step in ids else line.step.rpartition("-")[0]  # of a role that lies in several places
        yield Turn(event=line.what, about=step or told.get("material", ""))
        if outcome := told.get("outcome"):
            yield Turn(event=f"{line.what}:{outcome}", about=step)


class _Ways:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.before = {step.id: step.needs_closure(plan) for step in plan.steps}
        self.partial = plan.partial.policy is not Policy.ALL_OR_NOTHING
        accepts = any(step.kind is StepKind.ACCEPT for step in plan.steps)
        self.promises = [m for m in plan.materials if accepts and _may_be_promised(plan, m.id)]

    # how it ends

    def outcomes(self) -> Iterator[Outcome]:
        yield Outcome(status=S.COMPLETED)
        for step in self.plan.steps:
            yield from self._ends_at(step)
        yield from (Outcome(status=S.TERMINATED, reason="given_up_at") for fee in self.plan.fees if self._ends_all(fee))
        if any(self._may_withdraw_at(step) for step in self.plan.steps):
            yield Outcome(status=S.WITHDRAWN, reason="withdrawn")
        if self.plan.cosigners:
            yield Outcome(status=S.TERMINATED, reason="cosigner_declined")
        if self.promises:
            yield Outcome(status=S.TERMINATED, reason="promise_broken")
        yield from self._parts()

    def _ends_at(self, step: StepPlan) -> Iterator[Outcome]:
        """How the case can end while this step is open."""
        if step.kind is StepKind.ACCEPT:
            yield Outcome(status=S.NOT_ACCEPTED, reason="refused_at_accept")
        elif step.kind is StepKind.DECIDE:
            yield Outcome(status=S.DECIDED_REFUSED, reason="refused_at_decide")
        elif _may_be_refused(step) and step.on_rejected is OnRejected.REFUSE:
            yield Outcome(status=S.DECIDED_REFUSED, reason="rejected_at")
        elif _may_fail(step) and not self._goes_on_without(step.leg):
            given_up = step.on_rejected is OnRejected.RESOLVE
            yield Outcome(status=S.TERMINATED, reason="given_up_at" if given_up else "rejected_at")
        if self.plan.supplement and step.way is Way.PERSON and step.kind.value in _ASKED_AT:
            yield Outcome(status=S.TERMINATED, reason="not_supplemented")
        for clock in self.plan.clocks:
            if clock.on_expiry is OnExpiry.DEEMED_REFUSED and clock.stop == f"{step.id}.done":
                yield Outcome(status=S.DECIDED_REFUSED, reason="deemed_refused_at")

    def _ends_all(self, fee: Fee) -> bool:
        return not self._goes_on_without(self.plan.step(fee.before).leg)

    def _may_withdraw_at(self, step: StepPlan, after: str = "") -> bool:
        """Whether the applicant can still withdraw while this step is open, once ``after`` is done."""
        decisions = {s.id for s in self.plan.steps if s.kind is StepKind.DECIDE}
        certificates = {s.id for s in self.plan.steps if s.kind is StepKind.CERTIFICATE}
        past = self.before[step.id] | self.before.get(after, set()) | ({after} if after else set())
        decided = bool(decisions) and decisions <= past
        return not decided and not certificates & (past | {step.id})

    # when a part fails and the rest goes on

    def _goes_on_without(self, leg: str) -> bool:
        return self.partial and leg not in self.plan.partial.essential

    def _parts(self) -> Iterator[Outcome]:
        """partly_done, quorum_missed, nothing_done."""
        failing = [step for step in self.plan.steps if _may_fail(step) and self._goes_on_without(step.leg)]
        legs, partial = {leg.id for leg in self.plan.legs}, self.plan.partial
        lost = [self._lost_with(step) for step in failing]
        many = any(self.plan.form_fields().get(r.region_field, {}).get("type") == "array" for r in self._roles())
        wanted = partial.quorum if partial.policy is Policy.QUORUM else 0
        for some in lost:
            if not some & set(partial.essential) and (many or len(legs - some) >= max(wanted, 1)):
                yield Outcome(status=S.COMPLETED, reason="partly_done")
            if some & set(partial.essential):
                yield Outcome(status=S.TERMINATED, reason="quorum_missed")
        all_lost = {leg for some in lost for leg in some}
        if len(legs - all_lost) < wanted:
            yield Outcome(status=S.TERMINATED, reason="quorum_missed")
        elif legs and legs == all_lost:
            yield Outcome(status=S.TERMINATED, reason="nothing_done")

    def _roles(self) -> list[RolePlan]:
        return [self.plan.roles[leg.role] for leg in self.plan.legs]

    def _lost_with(self, failed: StepPlan) -> set[str]:
        """The legs that are not done once this step has failed."""
        lost = {s.id for s in self.plan.steps if failed.id in self.before[s.id]} | {failed.id}
        if self.plan.partial.policy is Policy.ORDERED:
            order = [leg.id for leg in self.plan.legs]
            later = order[order.index(failed.leg) + 1 :]
            lost |= {s.id for s in self.plan.steps if s.leg in later}
        return {step.leg for step in self.plan.steps if step.id in lost}

    # what happens on the way

    def turns(self) -> Iterator[Turn]:
        for step in self.plan.steps:
            if _may_be_refused(step):
                yield Turn(event=_no_to(step), about=step.id)
        for clock in self.plan.clocks:
            if clock.on_expiry in _DEEMED:
                yield Turn(event=_DEEMED[clock.on_expiry], about=clock.stop.removesuffix(".done"))
        for material in self.promises:
            yield Turn(event="promise:kept", about=material.id)
            yield Turn(event="promise:broken", about=material.id)
            if material.on_broken is OnBroken.TASK:
                yield Turn(event="promise:excused", about=material.id)
        for step in self.plan.steps:
            if step.compensate_with and self._ends_after(step):
                yield Turn(event="effect:reverse:accepted", about=step.id)
        for fee in self.plan.fees:
            if {S(ending.value) for ending in fee.refund_on} & self._ends_after(self.plan.step(fee.before), fee=True):
                yield Turn(event="effect:reverse:accepted", about=f"fee-{fee.id}")

    def _ends_after(self, done: StepPlan, *, fee: bool = False) -> set[CaseStatus]:
        """In what a case can end once this step, or the fee that is paid before it, is done; with it, it is undone."""
        found = {S.TERMINATED} if self.promises else set()
        settled = self.before[done.id] | (set() if fee else {done.id})
        for step in self.plan.steps:
            if step.id in settled:
                continue
            found |= {outcome.status for outcome in self._ends_at(step)}
            if self._may_withdraw_at(step, after="" if fee else done.id):
                found.add(S.WITHDRAWN)
            if _may_fail(step) and self._goes_on_without(step.leg) and self._undoes(step, done):
                found.add(S.TERMINATED)
        return found

    def _undoes(self, failed: StepPlan, done: StepPlan) -> bool:
        """Whether this failure, after which the rest goes on, takes that effect with it."""
        whole = Outcome(status=S.TERMINATED, reason="quorum_missed") in set(self._parts())
        return whole or done.leg in self._lost_with(failed)


def _may_be_refused(step: StepPlan) -> bool:
    """Whether a no to this step is the end of it; a register without an entry is answered by an own document."""
    return step.kind is not StepKind.EVIDENCE


def _no_to(step: StepPlan) -> str:
    """The event of the no that ``on_rejected`` is about."""
    if step.way is Way.SYSTEM:
        return "effect:submit:rejected"
    kind = "objection" if step.way is Way.TIME else step.kind.value
    return f"task:{kind}:decided:{OUTCOMES[step.kind][1]}"


def _may_fail(step: StepPlan) -> bool:
    if step.kind in {StepKind.ACCEPT, StepKind.DECIDE}:
        return False  # a no to them is the case's, whatever ``on_rejected`` says
    return _may_be_refused(step) and step.on_rejected in {OnRejected.TERMINATE, OnRejected.RESOLVE}


def _may_be_promised(plan: Plan, name: str) -> bool:
    material = next(m for m in plan.materials if m.id == name)
    changes = [overlay.materials[name].tolerance for overlay in plan.overlays if name in overlay.materials]
    tolerances = {material.tolerance, *(tolerance for tolerance in changes if tolerance is not None)}
    return material.source is MaterialSource.UPLOAD and bool(tolerances - {Tolerance.CORE})
