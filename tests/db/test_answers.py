"""A province's answer that no database can keep is a matter for a person, not something to try for ever."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.province import ProvinceActivities
from adapters.port import Capabilities, ProvinceAdapter
from domain.effects import Answer, AnswerStatus, ProvinceCall, Verb
from domain.messages import Place, Text
from domain.process import Call, CallOutcome, OutcomeStatus
from domain.record import LicenceIssued
from domain.start import CallProvince
from models import effects
from models.database import Database
from models.licences import insert_licence
from tests.db.test_effects import intent
from tests.fixtures.samples import add_case
from tests.unit.plans import LICENCE

EVERYTHING = Capabilities(verbs=frozenset(Verb))


class Province:
    """Answers everything alike; counts what it was asked to do."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.calls = 0

    capabilities = EVERYTHING

    def for_place(self, code: str, department: str = "") -> ProvinceAdapter:
        return self  # type: ignore[return-value]

    def rate(self, region: str) -> float | None:
        return None

    def allows_private(self, region: str) -> bool:
        return False

    async def call(self, call: ProvinceCall) -> Answer:
        self.calls += 1
        return self.answer

    async def find(self, call: ProvinceCall) -> Answer | None:
        return self.answer if self.calls else None


async def ask(
    database: Database, province: Province, verb: Verb, *, no: str = "", patient: bool = False, again: bool = False
) -> CallOutcome:
    no = no or await add_case(database)
    key = intent(no).key if verb is Verb.SUBMIT else ""
    place = Place(region="340100", department="tax")
    call = Call(step="tax", verb=verb, place=place, operation="tax_clearance", key=key, patient=patient, again=again)
    request = CallProvince(case_no=no, leg="origin_tax", call=call)
    desk = ProvinceActivities(database, province, 5)
    outcome: CallOutcome = await ActivityEnvironment().run(desk.call_province, request)
    return outcome


@pytest.mark.parametrize("verb", [Verb.SUBMIT, Verb.OFFER])
@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=AnswerStatus.ACCEPTED, reference="a\0b"),
        Answer(status=AnswerStatus.ACCEPTED, data={"name": "a\0"}),
        Answer(status=AnswerStatus.ACCEPTED, data={"a\0": "name"}),
        Answer(status=AnswerStatus.ACCEPTED, data={"name": "\ud800"}),
        Answer(status=AnswerStatus.REJECTED, text=Text(zh="\0", en="x")),
    ],
)
async def test_an_answer_that_cannot_be_kept_needs_a_person(database: Database, verb: Verb, answer: Answer) -> None:
    province = Province(answer)
    outcome = await ask(database, province, verb, patient=True)
    assert (outcome.status, outcome.code) == (OutcomeStatus.UNUSABLE, "unstorable_text")
    assert province.calls == 1


async def test_an_ordinary_answer_is_kept(database: Database) -> None:
    province = Province(Answer(status=AnswerStatus.ACCEPTED, reference="34-1", data={"企业": "𠮷\\u0001"}))
    assert (await ask(database, province, Verb.SUBMIT)).status is OutcomeStatus.ANSWERED
    async with database.begin() as session:
        assert await session.scalar(text("SELECT answer->'data'->>'企业' FROM effect")) == "𠮷\\u0001"
    assert effects.can_keep(province.answer)


def numbered(identifier: str) -> Answer:
    return Answer(status=AnswerStatus.ACCEPTED, reference="34-1", data={"licence_identifier": identifier})


async def test_an_answer_that_could_not_be_used_is_asked_for_again_and_the_better_one_kept(database: Database) -> None:
    province, no = Province(numbered("1.2.3")), await add_case(database)
    assert (await ask(database, province, Verb.SUBMIT, no=no)).licence == "1.2.3"
    province.answer = numbered(LICENCE)
    assert (await ask(database, province, Verb.SUBMIT, no=no)).licence == "1.2.3"  # known: nobody is asked
    assert (await ask(database, province, Verb.SUBMIT, no=no, again=True)).licence == LICENCE
    assert (await ask(database, province, Verb.SUBMIT, no=no)).licence == LICENCE
    assert province.calls == 1  # looked for, never done twice


async def test_what_is_done_is_not_undone_by_asking_again(database: Database) -> None:
    province, no = Province(numbered("1.2.3")), await add_case(database)
    await ask(database, province, Verb.SUBMIT, no=no)
    province.answer = Answer(status=AnswerStatus.REJECTED, reasons=("R1",))
    outcome = await ask(database, province, Verb.SUBMIT, no=no, again=True)
    assert (outcome.status, outcome.code) == (OutcomeStatus.UNUSABLE, "contradiction")
    async with database.begin() as session:
        assert await session.scalar(text("SELECT answer->>'status' FROM effect")) == "accepted"


async def test_a_licence_number_that_another_case_holds_is_told(database: Database) -> None:
    mine, other = await add_case(database), await add_case(database)
    place = Place(region="340100", department="tax")
    issued = LicenceIssued(identifier=LICENCE, step="licence", place=place, at=datetime.now(UTC))
    async with database.begin() as session:
        await insert_licence(session, other, issued, {"zh": "照", "en": "licence"}, [])
    assert (await ask(database, Province(numbered(LICENCE)), Verb.SUBMIT, no=mine)).licence_taken
    assert not (await ask(database, Province(numbered(LICENCE)), Verb.SUBMIT, no=other)).licence_taken
