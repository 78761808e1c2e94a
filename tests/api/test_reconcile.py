"""The nightly file when a department cannot be asked about a row, and when an adapter breaks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.anhui import Anhui
from adapters.errors import ContractBroken
from adapters.port import ResultRow, ResultsFile
from api.delivery import Delivery
from api.usecases import reconcile
from domain.calendar import local_day
from domain.effects import Answer, AnswerStatus, ProvinceCall
from models import effects, results
from models.effects import Intent
from tests.db.test_effects import LONG, intent
from tests.fixtures.houses import Office
from tests.fixtures.samples import add_case

ANHUI = "340000"
DONE = Answer(status=AnswerStatus.ACCEPTED, reference="34-1")


async def pending(office: Office) -> Intent:
    what = intent(await add_case(office.house.database)).model_copy(update={"region": "340100"})
    await effects.prepare(office.house.database, what, LONG)
    await effects.receipt(office.house.database, what.key, Answer(status=AnswerStatus.PENDING))
    return what


def delivery(office: Office) -> Delivery:
    return Delivery(office.house.database, office.house.gateway, office.house.calendars, local_first=True)


async def test_a_row_that_cannot_be_asked_about_keeps_no_other_waiting(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = await pending(office), await pending(office)
    number = office.house.provinces.get(ANHUI).business_number
    rows = tuple(ResultRow(number(e.case_no, e.key), e.department, e.operation, DONE) for e in (bad, good))

    async def file(_self: object, day: date) -> ResultsFile:
        return ResultsFile(day=day, digest="d" * 64, rows=rows)

    async def find(_self: object, call: ProvinceCall) -> Answer:
        if call.key == bad.key:
            raise ContractBroken("done_twice")
        return DONE

    monkeypatch.setattr(Anhui, "results", file)
    monkeypatch.setattr(Anhui, "find", find)
    day = local_day(datetime.now(UTC)) - timedelta(days=1)
    read = await reconcile.run(office.house, delivery(office), ANHUI, day)
    assert read is not None
    assert (read.rows, read.taken, read.known) == (2, 1, 0)
    async with office.house.database.begin() as session:
        left = await effects.read_effect(session, bad.key)
        assert not await results.differences_of(session, ANHUI, day)
    assert left is not None
    assert left.answer is not None
    assert left.answer["status"] == "pending"


async def test_an_adapter_that_breaks_does_not_stop_the_relay(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_self: object, day: date) -> ResultsFile:
        raise KeyError("results")

    monkeypatch.setattr(Anhui, "results", broken)
    assert await reconcile.run_due(office.house, delivery(office), datetime.now(UTC)) == 0
