"""What an act of a scenario asks of the case, as the case stands then."""

from __future__ import annotations

from collections.abc import Callable

from catalogue.scenario import Act, Deed, Item
from domain import names
from domain.messages import Actor, Place, Role
from domain.process import (
    AnyOrder,
    AskExtensionCommand,
    BeginProcedureCommand,
    CancelSupplementCommand,
    CosignCommand,
    EndProcedureCommand,
    EvidenceCommand,
    HandInCommand,
    ItemKind,
    ObjectCommand,
    OriginalCommand,
    Process,
    ReplySupplementCommand,
    RequestSupplementCommand,
    Stage,
    SupplementItem,
    TransferCommand,
    WithdrawCommand,
)
from domain.process.state import SupplementStatus

APPLICANT = Actor(subject="applicant", role=Role.CITIZEN)


def order_of(process: Process, act: Act, name: str) -> AnyOrder | None:
    """The order that an act stands for, under that id; None if there is nothing to do it to."""
    return _ORDERS[act.does](process, act, name)


def person(role: Role, place: Place, name: str) -> Actor:
    """Somebody at a place; another name is another person, as four eyes want it."""
    if role is Role.COORDINATOR:
        return Actor(subject="coordinator", role=role)
    return Actor(subject=f"{role}-{place.region}-{name}", role=role, region=place.region, department=place.department)


def _withdraw(_process: Process, _act: Act, name: str) -> WithdrawCommand:
    return WithdrawCommand(id=name, actor=APPLICANT)


def _decline_evidence(process: Process, act: Act, name: str) -> EvidenceCommand:
    item = names.evidence_id(process.case_no, act.step)
    return EvidenceCommand(id=name, evidence=item, accept=False, replaced=True, actor=APPLICANT)


def _request_supplement(process: Process, act: Act, name: str) -> RequestSupplementCommand | None:
    tasks = process.state.tasks
    found = next((i for i, t in tasks.items() if t.step == act.step or not act.step), None)
    if found is None or act.items == "all":
        return None
    items = tuple(
        SupplementItem(
            id=f"i{n}",
            about=f"material:{item.material}" if item.material else f"form:{item.field}",
            kind=ItemKind(item.kind),
        )
        for n, item in enumerate(act.items, 1)
        if isinstance(item, Item)
    )
    actor = person(Role.CASEWORKER, tasks[found].place, "supplement")
    return RequestSupplementCommand(id=name, task=found, items=items, about_new=act.about_new, actor=actor)


def _reply_supplement(process: Process, act: Act, name: str) -> ReplySupplementCommand | None:
    found = _open_supplement(process)
    if found is None:
        return None
    wanted = process.state.supplements[found].items
    if act.items != "all":
        named = {i if isinstance(i, str) else i.material or i.field for i in act.items}
        wanted = tuple(i for i in wanted if i.about.partition(":")[2] in named)
    return ReplySupplementCommand(id=name, supplement=found, items=tuple(i.id for i in wanted), actor=APPLICANT)


def _cancel_supplement(process: Process, _act: Act, name: str) -> CancelSupplementCommand | None:
    found = _open_supplement(process)
    if found is None:
        return None
    return CancelSupplementCommand(id=name, supplement=found, actor=process.state.supplements[found].by)


def _open_supplement(process: Process) -> str | None:
    return next((i for i, s in process.state.supplements.items() if s.status is SupplementStatus.OPEN), None)


def _ask_extension(process: Process, act: Act, name: str) -> AskExtensionCommand:
    clock = next(c for c in process.plan.clocks if c.id == act.clock)
    step = process.steps.get(clock.stop.removesuffix(".done"))
    actor = person(Role.CASEWORKER, step.place if step else process.accepting, "extension")
    return AskExtensionCommand(id=name, clock=act.clock, actor=actor)


def _begin_procedure(process: Process, act: Act, name: str) -> BeginProcedureCommand:
    days = int(act.planned.rstrip("dwh") or 0)
    actor = _somebody_with_a_task(process)
    return BeginProcedureCommand(id=name, procedure=act.procedure, planned_days=days, actor=actor)


def _end_procedure(process: Process, act: Act, name: str) -> EndProcedureCommand:
    return EndProcedureCommand(id=name, procedure=act.procedure, actor=_somebody_with_a_task(process))


def _somebody_with_a_task(process: Process) -> Actor:
    task = next(iter(process.state.tasks.values()), None)
    return person(Role.CASEWORKER, task.place if task else process.accepting, "procedure")


def _hand_in(_process: Process, act: Act, name: str) -> HandInCommand:
    return HandInCommand(id=name, material=act.material, actor=APPLICANT)


def _cosign(process: Process, act: Act, name: str) -> CosignCommand | None:
    left = [signer for signer, at in process.state.signatures.items() if at is None]
    return signature(left[0], name, agree=act.agree) if left else None


def signature(signer: str, name: str, *, agree: bool) -> CosignCommand:
    """A co-signer's yes or no."""
    return CosignCommand(id=name, actor=Actor(subject=signer, role=Role.CITIZEN), agree=agree)


def _object(_process: Process, act: Act, name: str) -> ObjectCommand:
    return ObjectCommand(id=name, step=act.step, actor=APPLICANT)


def _original(process: Process, act: Act, name: str) -> OriginalCommand:
    stage, collecting = Stage(act.stage), process.plan.collecting
    place = collecting if stage in {Stage.SEALED, Stage.SHIPPED} and collecting else process.accepting
    return OriginalCommand(id=name, material=act.material, stage=stage, actor=person(Role.CASEWORKER, place, "post"))


def _transfer(process: Process, act: Act, name: str) -> TransferCommand:
    actor = person(Role.CASEWORKER, process.accepting, "acts")
    return TransferCommand(id=name, region=act.region, actor=actor)


_ORDERS: dict[Deed, Callable[[Process, Act, str], AnyOrder | None]] = {
    "withdraw": _withdraw,
    "decline_evidence": _decline_evidence,
    "request_supplement": _request_supplement,
    "reply_supplement": _reply_supplement,
    "cancel_supplement": _cancel_supplement,
    "ask_extension": _ask_extension,
    "begin_procedure": _begin_procedure,
    "end_procedure": _end_procedure,
    "hand_in": _hand_in,
    "cosign": _cosign,
    "object": _object,
    "original": _original,
    "transfer": _transfer,
}
