"""Many tasks, one action: each row stands by itself, and no row that fails stops the others.

A dry run checks every row as the real run does, the state of the case included, and changes nothing.
"""

from __future__ import annotations

from api.access import visible_task
from api.gateway import Down, NotRunning
from api.house import House
from api.problems import item_of
from api.schemas import Decision
from api.schemas_bulk import BulkIn, BulkOut, BulkResult, BulkRow
from api.usecases import afterwards, decisions, orders, worklist
from domain.errors import Refusal, Refusals
from domain.messages import Actor
from domain.process import DecideCommand
from domain.record import AFTER_THE_END, TaskKind
from models import commands
from models.cases import read_case


async def run(house: House, actor: Actor, body: BulkIn) -> BulkOut:
    """Every row in the order given; the same task twice is told the second time."""
    if body.action == "decide" and body.decision is None:
        raise Refusal("field_missing", "/decision")
    if body.action == "assign" and not body.to:
        raise Refusal("field_missing", "/to")
    results: list[BulkResult] = []
    seen: set[str] = set()
    for row in body.tasks:
        results.append(await _row(house, actor, body, row, again=row.id in seen))
        seen.add(row.id)
    done = sum(result.ok for result in results)
    return BulkOut(dry_run=body.dry_run, done=done, failed=len(results) - done, results=results)


async def _row(house: House, actor: Actor, body: BulkIn, row: BulkRow, *, again: bool) -> BulkResult:
    case_no = ""
    try:
        if again:
            raise Refusal("field_invalid", "/tasks")
        async with house.database.begin() as session:
            case_no = (await visible_task(session, actor, row.id)).case_no
        status = await (_try if body.dry_run else _do)(house, actor, body, row)
    except Refusals as refusals:
        return _failed(row, case_no, refusals.items[0])
    except Refusal as refusal:
        return _failed(row, case_no, refusal)
    except (Down, NotRunning):
        return _failed(row, case_no, Refusal("temporarily_down"))
    return BulkResult(id=row.id, case_no=case_no, ok=True, status=status, error=None)


def _failed(row: BulkRow, case_no: str, refusal: Refusal) -> BulkResult:
    return BulkResult(id=row.id, case_no=case_no, ok=False, status="", error=item_of(refusal))


async def _do(house: House, actor: Actor, body: BulkIn, row: BulkRow) -> str:
    if body.decision is not None and body.action == "decide":
        done = await orders.decide(house, actor, row.id, body.decision, row.revision)
        return done.status
    async with house.database.begin() as session:
        if body.action == "assign":
            await worklist.assign(session, actor, row.id, body.to)
        else:
            await worklist.claim(session, actor, row.id, take=body.action == "claim")
        task = await visible_task(session, actor, row.id)
        return "claimed" if task.claimed_by else "free"


class _Undone(Exception):
    """Ends the transaction of a dry run."""


async def _try(house: House, actor: Actor, body: BulkIn, row: BulkRow) -> str:
    if body.decision is not None and body.action == "decide":
        return await _try_decision(house, actor, body.decision, row)
    status = ""
    try:
        async with house.database.begin() as session:
            if body.action == "assign":
                await worklist.assign(session, actor, row.id, body.to)
            else:
                await worklist.claim(session, actor, row.id, take=body.action == "claim")
            status = "claimed" if (await visible_task(session, actor, row.id)).claimed_by else "free"
            raise _Undone
    except _Undone:
        return status


async def _try_decision(house: House, actor: Actor, decision: Decision, row: BulkRow) -> str:
    command = decisions.order_id(actor, row.id, decision)
    async with house.database.begin() as session:
        task = await visible_task(session, actor, row.id)
        case = await read_case(session, task.case_no)
        known = await commands.read_command(session, command)
        if case is None:
            raise Refusal("not_found")
        if known is not None and known.effective_at is not None:
            return case.status  # the same decision again is the same
        decisions.check(actor, task, decision, row.revision)
        if case.concerns(actor.subject):
            raise Refusal("own_case")
        if TaskKind(task.kind) in AFTER_THE_END:
            await afterwards.may_decide(session, actor, case, task)
            return case.status
    order = DecideCommand(
        id=command,
        actor=actor,
        task=task.id,
        outcome=decision.outcome,
        ticked=tuple(decision.checklist),
        reference=decision.reference,
    )
    if (code := await house.gateway.would_refuse(case.no, order)) is not None:
        raise Refusal(code)
    return case.status
