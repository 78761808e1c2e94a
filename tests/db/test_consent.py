"""A register releases evidence only on the applicant's recorded consent to this very item."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from models import effects
from models.commands import insert_command
from models.database import Database
from models.effects import Intent, Prepared
from tests.db.test_effects import intent
from tests.fixtures.samples import APPLICANT, NOW, add_case

CONSENT, ELSEWHERE = "c" * 40, "d" * 40
ITEM = "e" + "0" * 25


async def prepare(database: Database, what: Intent, command: str = CONSENT) -> Prepared:
    prepared = await effects.prepare(database, what, timedelta(seconds=30), command=command, evidence=ITEM)
    assert prepared is not None
    return prepared


@pytest.mark.parametrize(
    ("kind", "target", "body"),
    [
        ("evidence", ITEM, {"accept": False}),
        ("evidence", ITEM, {}),
        ("evidence", ITEM, {"accept": "true"}),
        ("evidence", "e" + "1" * 25, {"accept": True}),
        ("withdraw", ITEM, {"accept": True}),
    ],
)
async def test_an_order_that_is_not_consent_to_this_item_releases_nothing(
    database: Database, kind: str, target: str, body: dict[str, object]
) -> None:
    no, other = await add_case(database), await add_case(database)
    what = intent(no)
    async with database.begin() as session:
        await insert_command(session, CONSENT, kind, no, target, APPLICANT, body, NOW)
        await insert_command(session, ELSEWHERE, "evidence", other, ITEM, APPLICANT, {"accept": True}, NOW)
    for command in (CONSENT, ELSEWHERE, ""):
        prepared = await prepare(database, what, command)
        assert (prepared.fresh, prepared.consented) == (False, False)
    async with database.begin() as session:
        assert await effects.read_effect(session, what.key) is None


async def test_with_consent_one_run_may_ask_for_it(database: Database) -> None:
    no = await add_case(database)
    async with database.begin() as session:
        await insert_command(session, CONSENT, "evidence", no, ITEM, APPLICANT, {"accept": True}, NOW)
    found = await asyncio.gather(*(prepare(database, intent(no)) for _ in range(10)))
    assert sum(prepared.fresh for prepared in found) == 1
    assert all(prepared.consented for prepared in found)
