"""Outside books over the wire: four platforms and the hub as programs, asked with 3202."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
import pytest_asyncio

from activities.reconciliation import PLACES, reconcile_book
from adapters.books import PlatformBooks
from domain.ledger import Reversal, SettledAmounts, SettledRow
from domain.medical.interface import SetlInfo
from domain.reconciliation import HUB
from models import reconciliation
from models.database import Database
from models.ledger import post_reversal
from tests.clearing.months import enter
from tests.insurance.places import HEFEI, MAANSHAN, SHANGHAI, Person, Town, hospital, setlinfo

AH, SH = "340000", "310000"


@pytest_asyncio.fixture(scope="module")
async def platforms(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    made = Town(tmp_path_factory.mktemp("platforms"))
    yield made
    await made.close()


async def settle(town: Town, person: Person) -> tuple[SetlInfo, SettledRow]:
    """A stay in Shanghai from admission to settlement; what was settled, and as our books have it."""
    await town.file(person, "long_term")
    visit = await town.stay(person)
    message = town.message("2304", town.to_settle(person, visit), person)
    info = setlinfo(await town.gate.send(message))
    row = SettledRow(
        setl_id=info.setl_id,
        msgid=message.msgid,
        stay=visit,
        person="digest",
        insured=person.area,
        treatment=SHANGHAI,
        institution=hospital(),
        med_type="21",
        clr_type=info.clr_type,
        day=date.fromisoformat(info.setl_time[:10]),
        amounts=SettledAmounts.model_validate({name: getattr(info, name) for name in SettledAmounts.model_fields}),
    )
    return info, row


async def undo(town: Town, person: Person, row: SettledRow) -> Reversal:
    message = town.message("2305", {"mdtrt_id": row.stay, "setl_id": row.setl_id}, person)
    info = setlinfo(await town.gate.send(message))
    day = date.fromisoformat(info.setl_time[:10])
    return Reversal(setl_id=info.setl_id, msgid=message.msgid, original=row.setl_id, day=day)


async def test_all_five_books_agree_with_ours_and_what_is_planted_there_is_found(
    platforms: Town, database: Database
) -> None:
    _, kept = await settle(platforms, Person(MAANSHAN, "employee"))
    _, wrong = await settle(platforms, Person(HEFEI, "employee"))
    leaver = Person("341200", "employee")
    _, undone = await settle(platforms, leaver)
    _, unsent = await settle(platforms, Person("341100", "employee"))
    await enter(database, kept, wrong, undone)
    reversal = await undo(platforms, leaver, undone)
    async with database.begin() as session:
        await post_reversal(session, reversal)
    books, day = PlatformBooks(platforms.gate), kept.day
    assert await differences(database, books, day) == {
        (book, "missing_here", unsent.setl_id) for book in (SH, AH, HUB)
    }, "only the one that we were not told of"
    await enter(database, unsent)
    assert await differences(database, books, day) == set()
    for place, side, kind, row, more in (
        (SH, "treatment", "missing", kept, {}),
        (AH, "insured", "amount", wrong, {"by": "0.01"}),
        (HUB, "hub", "duplicate", kept, {}),
        (HUB, "hub", "extra", wrong, {"as": "EXTRA1"}),
    ):
        planted = {"side": side, "kind": kind, "setl_id": row.setl_id} | more
        answer = await platforms.controls[place].post("/sim/books/differences", json=planted)
        assert answer.status_code < 300, answer.text
    assert await differences(database, books, day) == {
        (SH, "missing_there", kept.setl_id),
        (AH, "amount", wrong.setl_id),
        (HUB, "duplicate", kept.setl_id),
        (HUB, "duplicate", "EXTRA1"),  # under the message that has another number with us
    }


async def differences(database: Database, books: PlatformBooks, day: date) -> set[tuple[str, str, str]]:
    for place in PLACES:
        done = await reconcile_book(database, books, place, day)
        assert done.read, done.why
    async with database.begin() as session:
        rows = await reconciliation.differences(session, state="open")
    return {(row.book, row.kind, row.setl_id) for row in rows}


async def test_a_platform_that_does_not_answer_is_unread(platforms: Town, database: Database) -> None:
    await platforms.fault("320000", "error_500", "3202")
    done = await reconcile_book(database, PlatformBooks(platforms.gate), "320000", date(2026, 10, 12))
    assert not done.read
    assert done.why.startswith("3202: ")
