"""Daily reconciliation: what is planted in an outside book is found, and nothing else is."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from activities.reconciliation import PLACES, NoBooks, reconcile_book
from adapters.books import JsonBooks
from domain.errors import Refusal
from domain.ledger import EntryKind, Reversal, SettledRow
from domain.messages import Actor, Role
from domain.reconciliation import HUB, BookRow, Books, ResolutionReason, Unreadable
from models import reconciliation
from models.database import Database
from models.ledger import end_doubt, find_settlement, open_doubt, post_reversal
from models.reconciliation import ReconciliationDifference
from tests.clearing.months import enter, worker
from tests.clearing.samples import AH, CITY, JS, SH, ZJ, settled

DAY = date(2026, 10, 12)
NOW = datetime(2026, 10, 13, 3, tzinfo=UTC)


def line(row: SettledRow, **other: object) -> BookRow:
    values: dict[str, object] = {
        "setl_id": row.setl_id,
        "msgid": row.msgid,
        "kind": EntryKind.REVERSAL if row.original else EntryKind.SETTLEMENT,
        "medfee_sumamt": row.amounts.medfee_sumamt,
        "fund_pay_sumamt": row.amounts.fund_pay_sumamt,
        "acct_pay": row.amounts.acct_pay,
    }
    return BookRow.model_validate(values | other)


class Held:
    """Outside books in memory."""

    def __init__(self, rows: Sequence[SettledRow] = ()) -> None:
        self.lines: dict[str, list[BookRow]] = {place: [] for place in PLACES}
        for row in rows:
            for place in {row.payer, row.payee, HUB} if row.payer != row.payee else set():
                self.lines[place].append(line(row))

    async def day(self, place: str, day: date) -> AsyncIterator[BookRow]:
        if place not in self.lines:
            raise Unreadable("closed today")
        for row in self.lines[place]:
            yield row


async def found(database: Database, books: Books, day: date = DAY) -> list[tuple[str, str, str, str]]:
    """(book, side, kind, number) of what is open, after all books were compared."""
    for place in PLACES:
        await reconcile_book(database, books, place, day)
    return await open_ones(database)


async def open_ones(database: Database, state: str = "open") -> list[tuple[str, str, str, str]]:
    async with database.begin() as session:
        rows = await reconciliation.differences(session, state=state)
    return sorted((row.book, row.side, row.kind, row.setl_id) for row in rows)


def many(count: int = 60) -> list[SettledRow]:
    provinces = list(CITY)
    return [settled(provinces[n % 4], provinces[(n + 1 + n % 3) % 4], 1000 + n, DAY) for n in range(count)]


async def test_books_that_agree_have_no_difference(database: Database) -> None:
    rows = many()
    await enter(database, *rows, settled(SH, SH, day=DAY))
    async with database.begin() as session:
        await post_reversal(session, Reversal(setl_id="R1", msgid="RM1", original=rows[0].setl_id, day=DAY))
        undone = await find_settlement(session, "R1")
    assert undone is not None
    assert await found(database, Held([*rows, undone])) == []
    async with database.begin() as session:
        runs = {run.book: run for run in await reconciliation.runs(session, DAY)}
    assert set(runs) == set(PLACES)
    assert (runs[HUB].rows, runs[HUB].agreed, runs[HUB].differences) == (61, 61, 0)


@pytest.mark.parametrize("seed", range(4))
async def test_planted_differences_of_all_four_kinds_are_found_and_no_false_ones(database: Database, seed: int) -> None:
    dice = random.Random(seed)
    rows = many()
    await enter(database, *rows)
    books, planted = Held(rows), []
    for place in PLACES:
        own = [row for row in rows if place in {row.payer, row.payee, HUB}]
        absent, wrong, twice, resent = dice.sample(own, 4)
        side = {place: "hub"} if place == HUB else {}

        def seen(row: SettledRow, place: str = place, side: dict[str, str] = side) -> str:
            return side.get(place, "treatment" if row.payee == place else "insured")

        lines = [each for each in books.lines[place] if each.setl_id not in {absent.setl_id, wrong.setl_id}]
        lines.append(line(wrong, fund_pay_sumamt=wrong.amounts.fund_pay_sumamt + 1))
        lines.append(line(twice))
        lines.append(line(resent, setl_id=f"AGAIN-{place}"))  # one message settled twice over there
        stranger = settled(AH, SH, 5, DAY)
        lines.append(line(stranger))
        dice.shuffle(lines)
        books.lines[place] = lines
        planted += [
            (place, seen(absent), "missing_there", absent.setl_id),
            (place, seen(wrong), "amount", wrong.setl_id),
            (place, seen(twice), "duplicate", twice.setl_id),
            (place, "hub" if place == HUB else "", "duplicate", f"AGAIN-{place}"),
            (place, "hub" if place == HUB else "", "missing_here", stranger.setl_id),
        ]
    assert await found(database, books) == sorted(planted)
    assert await found(database, books) == sorted(planted), "the same again finds the same"


@pytest.mark.parametrize("name", ["medfee_sumamt", "fund_pay_sumamt", "acct_pay", "kind"])
async def test_one_fen_in_any_amount_is_a_difference(database: Database, name: str) -> None:
    row = settled(AH, SH, day=DAY)
    await enter(database, row)
    books = Held([row])
    other = EntryKind.REVERSAL if name == "kind" else getattr(line(row), name) - 1
    books.lines[SH] = [line(row, **{name: other})]
    assert await found(database, books) == [(SH, "treatment", "amount", row.setl_id)]
    async with database.begin() as session:
        (difference,) = await reconciliation.differences(session)
    assert difference.ours is not None
    assert difference.theirs is not None
    assert difference.ours[name] != difference.theirs[name]
    assert difference.region == SH


async def test_an_unknown_outcome_is_in_doubt_until_the_next_day(database: Database) -> None:
    known, late = settled(AH, SH, day=DAY), settled(AH, SH, day=DAY)
    await enter(database, known)
    async with database.begin() as session:
        await open_doubt(session, late.msgid, DAY)
    books = Held([known, late])
    assert await found(database, books) == []
    doubted = [(AH, "", "missing_here", late.setl_id), (SH, "", "missing_here", late.setl_id)]
    assert await open_ones(database, "in_doubt") == [*sorted(doubted), (HUB, "hub", "missing_here", late.setl_id)]
    tomorrow = DAY + timedelta(days=1)
    assert len(await found(database, Held(), tomorrow)) == 3, "nobody has found out"
    assert await open_ones(database, "in_doubt") == []


async def test_what_turned_out_to_be_settled_in_the_meantime_is_no_difference(database: Database) -> None:
    late = settled(AH, SH, day=DAY)
    async with database.begin() as session:
        await open_doubt(session, late.msgid, DAY)
    books = Held([late])
    assert await found(database, books) == []
    await enter(database, late)
    assert await found(database, Held(), DAY + timedelta(days=1)) == []
    assert len(await open_ones(database, "gone")) == 3


async def test_what_was_known_not_to_be_done_is_a_difference_at_once_if_they_have_it(database: Database) -> None:
    late = settled(AH, SH, day=DAY)
    async with database.begin() as session:
        await open_doubt(session, late.msgid, DAY)
        await end_doubt(session, late.msgid)
    assert len(await found(database, Held([late]))) == 3


async def test_a_book_that_cannot_be_had_stops_no_other(database: Database) -> None:
    row = settled(AH, SH, day=DAY)
    await enter(database, row)
    books = Held([row])
    del books.lines[HUB]
    assert await found(database, books) == []
    async with database.begin() as session:
        runs = {run.book: (run.read, run.why) for run in await reconciliation.runs(session, DAY)}
    assert runs[HUB] == (False, "closed today")
    assert runs[SH] == (True, "")
    done = await reconcile_book(database, NoBooks(), HUB, DAY)
    assert (done.read, "TONGBAN_BOOKS_DIR" in done.why) == (False, True)


async def test_what_they_have_put_right_is_gone_with_the_next_reading(database: Database) -> None:
    row = settled(AH, SH, day=DAY)
    await enter(database, row)
    books = Held()
    assert len(await found(database, books)) == 3
    assert await found(database, Held([row])) == []
    assert len(await open_ones(database, "gone")) == 3
    assert len(await found(database, books)) == 3, "and open again if it is missing again"


async def one(database: Database) -> ReconciliationDifference:
    row = settled(AH, SH, day=DAY)
    await enter(database, row)
    books = Held([row])
    books.lines[SH] = []
    await found(database, books)
    async with database.begin() as session:
        (difference,) = await reconciliation.differences(session, region=SH)
        assert list(await reconciliation.differences(session, region=ZJ)) == []
    return difference


async def test_a_difference_is_claimed_and_resolved_with_reason_and_history(database: Database) -> None:
    difference, me, colleague = await one(database), worker(SH), Actor(subject="b", role=Role.CASEWORKER, region=SH)
    async with database.begin() as session:
        await reconciliation.claim(session, difference.id, me, NOW)
    with pytest.raises(Refusal, match="task_claimed"):
        async with database.begin() as session:
            await reconciliation.claim(session, difference.id, colleague, NOW)
    async with database.begin() as session:
        await reconciliation.resolve(
            session, difference.id, me, NOW, reason=ResolutionReason.CORRECTED_THERE, note="对方已补录"
        )
    with pytest.raises(Refusal, match="task_not_open"):
        async with database.begin() as session:
            await reconciliation.claim(session, difference.id, me, NOW)
    async with database.begin() as session:
        events = [
            (e.type, e.actor_subject, e.reason, e.note) for e in await reconciliation.history(session, difference.id)
        ]
    assert events == [
        ("open", "tongban", "", ""),
        ("claimed", me.subject, "", ""),
        ("resolved", me.subject, "corrected_there", "对方已补录"),
    ]


async def test_what_a_person_has_resolved_stays_resolved(database: Database) -> None:
    difference = await one(database)
    async with database.begin() as session:
        await reconciliation.resolve(
            session, difference.id, worker(SH), NOW, reason=ResolutionReason.ACCEPTED, note="双方同意"
        )
    books = Held((await the_row(database),))
    books.lines[SH] = []
    assert await found(database, books) == []


async def the_row(database: Database) -> SettledRow:
    async with database.begin() as session:
        (difference,) = await reconciliation.differences(session)
        row = await find_settlement(session, difference.setl_id)
    assert row is not None
    return row


def written(folder: Path, place: str, *lines: str) -> JsonBooks:
    (folder / f"{place}-{DAY}.jsonl").write_text("\n".join(lines), "utf-8")
    return JsonBooks(folder)


async def read(books: JsonBooks, place: str = HUB) -> list[BookRow]:
    return [row async for row in books.day(place, DAY)]


async def test_a_book_is_read_from_a_file_line_by_line(tmp_path: Path) -> None:
    rows = [line(row) for row in many(1200)]
    books = written(tmp_path, HUB, *(row.model_dump_json() for row in rows))
    assert await read(books) == rows


GOOD = {"setl_id": "S", "msgid": "M", "medfee_sumamt": 5, "fund_pay_sumamt": 3}


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        json.dumps(GOOD | {"medfee_sumamt": 0.5}),
        json.dumps(GOOD | {"medfee_sumamt": 10**17}),
        json.dumps(GOOD | {"setl_id": "a b"}),
        json.dumps(GOOD | {"setl_id": "x" * 65}),
        json.dumps(GOOD | {"kind": "gift"}),
        json.dumps({"setl_id": "S"}),
        " " * 5000,
    ],
)
async def test_a_line_that_is_none_makes_the_book_unreadable(tmp_path: Path, bad: str) -> None:
    books = written(tmp_path, HUB, json.dumps(GOOD), bad)
    with pytest.raises(Unreadable) as told:
        await read(books)
    assert "setl_id" not in str(told.value), "nothing of what it says"


async def test_no_file_no_place_no_utf8(tmp_path: Path) -> None:
    (tmp_path / f"{JS}-{DAY}.jsonl").write_bytes(b"\xff\xfe")
    for place in (SH, "../hub", "999", JS):
        with pytest.raises(Unreadable):
            await read(JsonBooks(tmp_path), place)
