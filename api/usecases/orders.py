"""Orders to a running case: decide a task, answer evidence, withdraw. Words are stored, then the order is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from api.access import acting_in, own_case, visible_task
from api.auth import need
from api.gateway import NotRunning
from api.house import House
from api.schemas import CommandOut, Decision, EvidenceAnswer
from api.usecases import afterwards, decisions
from domain import names
from domain.case import CaseStatus
from domain.errors import Refusal
from domain.messages import Actor, Role
from domain.process import AnyOrder, CommandResult, DecideCommand, EvidenceCommand, WithdrawCommand
from domain.record import AFTER_THE_END, TaskKind
from models import commands
from models.cases import Case, read_case
from models.commands import Command
from models.database import Session
from models.documents import read_documents
from models.evidence import read_evidence

_ANY_ORDER: TypeAdapter[AnyOrder] = TypeAdapter(AnyOrder)


async def decide(house: House, actor: Actor, task_id: str, decision: Decision, if_match: int | None) -> CommandOut:
    """A decision on a task of the actor's own worklist. The same decision again gets the same answer."""
    need(actor, Role.CASEWORKER, Role.SUPERVISOR, Role.COORDINATOR)
    command = decisions.order_id(actor, task_id, decision)
    async with house.database.begin() as session:
        task = await visible_task(session, actor, task_id)
        if TaskKind(task.kind) in AFTER_THE_END:
            return await afterwards.decide(session, house, actor, task, decision, if_match)
        order: AnyOrder = DecideCommand(
            id=command,
            actor=actor,
            task=task_id,
            outcome=decision.outcome,
            ticked=tuple(decision.checklist),
            reference=decision.reference,
        )
        known = await commands.read_command(session, command)
        if known is None or known.effective_at is None:
            decisions.check(actor, task, decision, if_match)
            case = await read_case(session, task.case_no)
            if case is None:
                raise Refusal("not_found")
            if case.concerns(actor.subject):
                raise Refusal("own_case")
            order = await store(session, case, task_id, order, decision.model_dump())
    return await send(house, task.case_no, order)


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
        order = EvidenceCommand(
            id=command, actor=actor, evidence=evidence_id, accept=accept, replaced=bool(body["replaced"])
        )
        stored = await store(session, case, evidence_id, order, body)
    return await send(house, no, stored)


async def withdraw(house: House, actor: Actor, no: str, reason: str) -> CommandOut:
    """The applicant withdraws; what took effect is undone before the case ends."""
    command = names.command_id(actor.subject, "withdraw", no, "")
    async with house.database.begin() as session:
        case = await own_case(session, actor, no)
        known = await commands.read_command(session, command)
        if case.closed_at is not None and known is None:
            raise Refusal("case_closed")
        order = WithdrawCommand(id=command, actor=actor)
        stored = await store(session, case, no, order, {"reason": reason})
    return await send(house, no, stored)


async def store(session: Session, case: Case, target: str, order: AnyOrder, words: Mapping[str, Any]) -> AnyOrder:
    """Writes an order with its words before it is sent; the same id again is the same order.

    Returns it as it is to be sent: whoever acts for another is told apart from him.
    """
    order = order.model_copy(update={"actor": acting_in(case, order.actor)})
    spelled = order.model_dump(mode="json", exclude={"id", "actor", "verb"})
    body = dict(words) | {"order": spelled}
    await commands.insert_command(session, order.id, order.verb, case.no, target, order.actor, body, datetime.now(UTC))
    return order


def order_of(row: Command) -> AnyOrder:
    """The order a row stands for."""
    return _ANY_ORDER.validate_python(row.body["order"] | {"verb": row.kind, "id": row.id, "actor": row.actor()})


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
