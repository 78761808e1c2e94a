"""Orders to a running case: decide a task, answer evidence, withdraw. Words are stored, then the order is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from api.access import own_case, visible_task
from api.auth import need
from api.gateway import NotRunning
from api.house import House
from api.schemas import CommandOut, Decision, EvidenceAnswer
from domain import names
from domain.case import CaseStatus
from domain.errors import Refusal, Refusals
from domain.messages import Actor, Role
from domain.process import AnyOrder, CommandResult, DecideCommand, EvidenceCommand, WithdrawCommand
from domain.record import TaskState
from models import commands
from models.cases import read_case
from models.commands import Command
from models.database import Session
from models.documents import read_documents
from models.evidence import read_evidence
from models.tasks import Task

ADVERSE = {"refuse", "terminate"}


async def decide(house: House, actor: Actor, task_id: str, decision: Decision, if_match: int | None) -> CommandOut:
    """A decision on a task of the actor's own worklist. The same decision again gets the same answer."""
    need(actor, Role.CASEWORKER, Role.SUPERVISOR)
    body = decision.model_dump()
    command = names.command_id(
        actor.subject, "decide", task_id, "\x1f".join(f"{k}={v}" for k, v in sorted(body.items()))
    )
    async with house.database.begin() as session:
        task = await visible_task(session, actor, task_id)
        known = await commands.read_command(session, command)
        if known is None or known.effective_at is None:
            _check_decision(actor, task, decision, if_match)
            await _store(session, command, "decide", task.case_no, task_id, actor, body)
    return await send(house, task.case_no, _decision(command, task_id, body, actor))


def _check_decision(actor: Actor, task: Task, decision: Decision, if_match: int | None) -> None:
    if task.state != TaskState.OPEN:
        raise Refusal("decision_final" if task.state == TaskState.DONE else "task_not_open")
    if if_match is None:
        raise Refusal("precondition_required", "/If-Match")
    if if_match != task.revision:
        raise Refusal("version_conflict", "/If-Match")
    if task.claimed_by and task.claimed_by != actor.subject:
        raise Refusal("task_claimed")
    faults = []
    if decision.outcome not in task.outcomes:
        faults.append(Refusal("outcome_unknown", "/outcome"))
    if decision.outcome in ADVERSE and not decision.reason.strip():
        faults.append(Refusal("reason_required", "/reason"))
    if decision.outcome in ADVERSE and not decision.legal_basis.strip():
        faults.append(Refusal("legal_basis_required", "/legal_basis"))
    if faults:
        raise Refusals(faults)


async def answer_evidence(
    house: House, actor: Actor, no: str, evidence_id: str, answer: EvidenceAnswer | None, key: str
) -> CommandOut:
    """The applicant's consent (``answer`` None) or decline with an own document."""
    accept = answer is None
    own = answer.document_id if answer is not None else ""
    command = names.command_id(actor.subject, "evidence", evidence_id, key or f"accept={accept} {own}".rstrip())
    async with house.database.begin() as session:
        case = await own_case(session, actor, no)
        item = await read_evidence(session, evidence_id) if evidence_id.isalnum() else None
        if item is None or item.case_no != case.no:
            raise Refusal("not_found")
        body: dict[str, Any] = {"accept": accept, "replaced": False}
        if answer is not None:
            body |= {"reason": answer.reason, "document_id": answer.document_id, "replaced": bool(answer.document_id)}
            if not answer.document_id:
                raise Refusal("replacement_required", "/document_id")
            if answer.document_id not in await read_documents(session, actor.subject, [answer.document_id]):
                raise Refusal("document_unknown", "/document_id")
        await _store(session, command, "evidence", no, evidence_id, actor, body)
    return await send(house, no, _evidence(command, evidence_id, body, actor))


async def withdraw(house: House, actor: Actor, no: str, reason: str) -> CommandOut:
    """The applicant withdraws; what took effect is undone before the case ends."""
    command = names.command_id(actor.subject, "withdraw", no, "")
    async with house.database.begin() as session:
        case = await own_case(session, actor, no)
        known = await commands.read_command(session, command)
        if case.closed_at is not None and known is None:
            raise Refusal("case_closed")
        await _store(session, command, "withdraw", no, no, actor, {"reason": reason})
    return await send(house, no, WithdrawCommand(id=command, actor=actor))


async def _store(
    session: Session, command: str, kind: str, no: str, target: str, actor: Actor, body: Mapping[str, Any]
) -> None:
    await commands.insert_command(session, command, kind, no, target, actor, body, datetime.now(UTC))


def order_of(row: Command) -> AnyOrder:
    """The order a row stands for."""
    actor = Actor(
        subject=row.actor_subject,
        role=Role(row.actor_role),
        region=row.actor_region,
        department=row.actor_department,
    )
    if row.kind == "decide":
        return _decision(row.id, row.target, row.body, actor)
    if row.kind == "evidence":
        return _evidence(row.id, row.target, row.body, actor)
    return WithdrawCommand(id=row.id, actor=actor)


def _decision(command: str, task: str, body: Mapping[str, Any], actor: Actor) -> DecideCommand:
    return DecideCommand(id=command, task=task, outcome=body["outcome"], actor=actor)


def _evidence(command: str, item: str, body: Mapping[str, Any], actor: Actor) -> EvidenceCommand:
    accept, replaced = bool(body["accept"]), bool(body["replaced"])
    return EvidenceCommand(id=command, evidence=item, accept=accept, replaced=replaced, actor=actor)


async def send(house: House, no: str, order: AnyOrder) -> CommandOut:
    """Sends the order. A case that has ended answers with what this very order led to, if it did."""
    try:
        result = await house.gateway.order(no, order)
    except NotRunning:
        async with house.database.begin() as session:
            case = await read_case(session, no)
            known = await commands.read_command(session, order.id)
        if case is None or case.closed_at is None:
            raise  # its workflow has not been started yet
        if known is None or known.effective_at is None:
            raise Refusal("case_closed") from None
        result = CommandResult(status=CaseStatus(case.status), at=known.effective_at)
    await commands.settle(house.database, order.id)
    return CommandOut(no=no, status=result.status, at=result.at)
