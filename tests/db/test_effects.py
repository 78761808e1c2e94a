"""An effect is intended before it is sent, by one run at a time, and its end stands."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.effects import Answer, AnswerStatus
from domain.names import effect_key
from models import effects
from models.database import Database
from models.effects import Intent, Prepared
from tests.fixtures.samples import add_case

LONG, SHORT = timedelta(seconds=30), timedelta(milliseconds=50)
ACCEPTED = Answer(status=AnswerStatus.ACCEPTED, reference="34-1")
REJECTED = Answer(status=AnswerStatus.REJECTED, reasons=("tax_arrears",))
PENDING = Answer(status=AnswerStatus.PENDING, reference="34-0")


def intent(no: str, step: str = "tax", generation: int = 0) -> Intent:
    return Intent(
        key=effect_key(no, "origin_tax", step, "submit", generation),
        case_no=no,
        leg="origin_tax",
        step=step,
        verb="submit",
        region="340100",
        department="tax",
        operation="tax_clearance",
        original="",
        sent=("uscc",),
    )


async def intend(database: Database, what: Intent, lease: timedelta = LONG) -> Prepared:
    prepared = await effects.prepare(database, what, lease)
    assert prepared is not None
    return prepared


async def receive(database: Database, key: str, answer: Answer) -> None:
    async with database.begin() as session:
        await effects.receipt(session, key, answer)


async def answer_of(database: Database, key: str) -> Answer | None:
    async with database.begin() as session:
        row = await effects.read_effect(session, key)
    assert row is not None
    return None if row.answer is None else Answer.model_validate(row.answer)


async def test_of_twenty_runs_at_once_one_may_send(database: Database) -> None:
    what = intent(await add_case(database))
    standings = await asyncio.gather(*(intend(database, what) for _ in range(20)))
    assert sum(standing.fresh for standing in standings) == 1
    assert sum(standing.leased for standing in standings) == 19


async def test_there_is_no_intent_for_a_case_that_is_not_there(database: Database) -> None:
    no = await add_case(database)
    assert await effects.prepare(database, intent(no[:-1] + "?"), LONG) is None


async def test_evidence_without_recorded_consent_is_neither_intended_nor_ready_to_be_sent(database: Database) -> None:
    what = intent(await add_case(database))
    prepared = await effects.prepare(database, what, LONG, command="nobody-said-yes", evidence="e1")
    assert prepared is not None
    assert not prepared.consented
    assert not prepared.fresh
    async with database.begin() as session:
        assert await effects.read_effect(session, what.key) is None


async def test_when_the_lease_is_over_one_run_takes_it_up_and_knows_that_it_may_have_been_sent(
    database: Database,
) -> None:
    what = intent(await add_case(database))
    assert (await intend(database, what, SHORT)).fresh
    await asyncio.sleep(0.1)
    standings = await asyncio.gather(*(intend(database, what) for _ in range(10)))
    assert not any(standing.fresh for standing in standings)
    assert sum(not standing.leased for standing in standings) == 1
    async with database.begin() as session:
        row = await effects.read_effect(session, what.key)
    assert row is not None
    assert row.attempts == 2


async def test_a_try_that_failed_gives_its_lease_up(database: Database) -> None:
    what = intent(await add_case(database))
    await intend(database, what)
    await effects.trouble(database, what.key, "timeout", unknown=True)
    standing = await intend(database, what)
    assert (standing.fresh, standing.leased, standing.answer) == (False, False, None)


@pytest.mark.parametrize("end", [ACCEPTED, REJECTED])
async def test_nothing_replaces_an_end(database: Database, end: Answer) -> None:
    what = intent(await add_case(database))
    await intend(database, what)
    await receive(database, what.key, end)
    for later in (PENDING, ACCEPTED, REJECTED, end.model_copy(update={"reference": "another"})):
        await receive(database, what.key, later)
        assert await answer_of(database, what.key) == end
    await effects.trouble(database, what.key, "timeout", unknown=True)
    assert (await intend(database, what)).answer == end


async def test_a_pending_receipt_is_replaced_by_the_end(database: Database) -> None:
    what = intent(await add_case(database))
    await intend(database, what)
    await receive(database, what.key, PENDING)
    assert await answer_of(database, what.key) == PENDING
    await receive(database, what.key, ACCEPTED)
    assert await answer_of(database, what.key) == ACCEPTED


async def test_an_end_and_a_pending_answer_at_once_leave_the_end(database: Database) -> None:
    no = await add_case(database)
    for generation in range(8):
        what = intent(no, generation=generation)
        await intend(database, what)
        await asyncio.gather(*(receive(database, what.key, answer) for answer in (PENDING, ACCEPTED, PENDING)))
        assert await answer_of(database, what.key) == ACCEPTED


async def test_a_new_generation_is_a_new_effect(database: Database) -> None:
    no = await add_case(database)
    await intend(database, intent(no))
    await receive(database, intent(no).key, REJECTED)
    assert (await intend(database, intent(no, generation=1))).fresh


async def test_the_reference_a_later_step_sends_is_the_one_of_the_submission(database: Database) -> None:
    no = await add_case(database)
    reversal = intent(no).model_copy(update={"key": effect_key(no, "l", "tax", "reverse", 0), "verb": "reverse"})
    for what, answer in ((intent(no), ACCEPTED), (reversal, Answer(status=AnswerStatus.ACCEPTED, reference="undone"))):
        await intend(database, what)
        await receive(database, what.key, answer)
    prepared = await effects.prepare(database, intent(no, "register"), LONG, refers=True)
    assert prepared is not None
    assert prepared.references == {"tax": "34-1"}
