"""An order that only the record knows - worker and Temporal died in one moment - reaches its workflow after all."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text

from domain.messages import Actor, Role
from models import commands
from tests.fixtures.running import Town
from tongban.relay import confirm_once

CLERK = Actor(subject="clerk-7", role=Role.CASEWORKER, region="320500", department="market_regulation")


async def on_record_only(town: Town, no: str, task: str, outcome: str, name: str) -> None:
    """As the record leaves it: carried out a minute ago, confirmed by nobody."""
    async with town.database.begin() as session:
        body = {"outcome": outcome, "reason": "", "legal_basis": "", "order": {"task": task, "outcome": outcome}}
        await commands.insert_command(session, name, "decide", no, task, CLERK, body, datetime.now(UTC))
        late = "UPDATE command SET effective_at = now() - interval '1 minute' WHERE id = :id"
        await session.execute(text(late), {"id": name})


async def settled(town: Town, name: str) -> bool:
    async with town.database.begin() as session:
        row = await commands.read_command(session, name)
    assert row is not None
    return row.settled_at is not None


async def test_an_order_that_only_the_record_knows_is_carried_out(town: Town) -> None:
    citizen = town.citizen()
    no = await citizen.submit()
    await town.accept_evidence(citizen, no)
    task = await town.task(town.market(), no, "accept")
    await on_record_only(town, no, task["id"], "accept", f"lost-{no}")
    assert await confirm_once(town.house) >= 1
    case = await town.until(citizen, no, lambda case: case["status"] == "under_review")
    assert case["closed_at"] is None
    assert await settled(town, f"lost-{no}")
    await town.task(town.market(), no, "decide")


async def test_an_order_that_came_too_late_is_settled_and_not_sent_for_ever(town: Town) -> None:
    citizen = town.citizen()
    no = await town.to_decision(citizen)
    task = await town.task(town.market(), no, "decide")
    await on_record_only(town, no, "t" + "0" * 25, "accept", f"stray-{no}")
    await confirm_once(town.house)
    assert await settled(town, f"stray-{no}")
    assert (await town.task(town.market(), no, "decide"))["id"] == task["id"]


async def test_an_order_that_was_answered_is_settled_at_once(town: Town) -> None:
    no = await town.complete(town.citizen())
    async with town.database.begin() as session:
        rows = await commands.read_commands(session, no)
    assert len(rows) == 4
    assert all(row.settled_at is not None for row in rows)
