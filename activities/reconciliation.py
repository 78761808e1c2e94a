"""One outside book of one day is read, kept, and compared with ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta

from temporalio import activity

from domain import names
from domain.calendar import local_day
from domain.clearing import Reconciled, ReconcileDay
from domain.reconciliation import HUB, BookRow, Books, Unreadable
from models import reconciliation
from models.database import Database

PIECE = 1000
PLACES = (*names.PROVINCES, HUB)


class NoBooks:
    """No source of outside books is configured: every one is unread, and says so."""

    async def day(self, place: str, day: date) -> AsyncIterator[BookRow]:
        """Never a line."""
        for row in tuple[BookRow, ...]():
            yield row
        raise Unreadable("no source of outside books is configured (TONGBAN_BOOKS_DIR, TONGBAN_INSURANCE_FILE)")


async def reconcile_book(
    database: Database, books: Books, place: str, day: date, told: Callable[[int], None] = lambda _: None
) -> Reconciled:
    """Reads a book and compares it. ``told``: how many lines were read so far. A book that cannot be read is noted.

    What was in doubt on earlier days is looked at again: by now it is known, or it is a difference.
    """
    try:
        await _read(database, books, place, day, told)
    except Unreadable as why:
        async with database.begin() as session:
            return await reconciliation.unread(session, day, place, str(why))
    async with database.begin() as session:
        done = await reconciliation.compare(session, day, place)
        for earlier, book in await reconciliation.doubts_before(session, day):
            if book == place:
                await reconciliation.compare(session, earlier, book, doubts=False)
    return done


async def _read(database: Database, books: Books, place: str, day: date, told: Callable[[int], None]) -> None:
    async with database.begin() as session:
        await reconciliation.forget_lines(session, day, place)
    count, piece = 0, list[BookRow]()
    async for row in books.day(place, day):
        piece.append(row)
        if len(piece) == PIECE:
            await _keep(database, place, day, count, piece)
            count += len(piece)
            piece = []
            told(count)
    await _keep(database, place, day, count, piece)


async def _keep(database: Database, place: str, day: date, first: int, piece: list[BookRow]) -> None:
    async with database.begin() as session:
        await reconciliation.add_lines(session, day, place, first, piece)


def day_of(text: str, now: datetime) -> date:
    """The day that is meant: as written, or yesterday in Shanghai."""
    return date.fromisoformat(text) if text else local_day(now) - timedelta(days=1)


class ReconciliationActivities:
    """``books``: where outside books come from."""

    def __init__(self, database: Database, books: Books) -> None:
        self._database = database
        self._books = books

    @activity.defn(name=names.RECONCILE_ACTIVITY)
    async def reconcile_book(self, order: ReconcileDay) -> Reconciled:
        """One book. Done again it finds the same."""
        day = day_of(order.day, datetime.now(UTC))
        return await reconcile_book(self._database, self._books, order.book, day, activity.heartbeat)
