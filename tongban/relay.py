"""``python -m tongban relay``: sends what the API could not, has orders confirmed, seals the audit trail, tidies up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import traceback
from datetime import UTC, datetime
from pathlib import Path

import structlog

from api.delivery import Delivery
from api.gateway import Down, NotRunning
from api.house import House
from api.usecases import bill_feed, orders, reconcile
from api.usecases.provinces import QueueLimits, tell_local_days
from domain.errors import Refusal
from models import commands, outbox, seals
from models.database import DATABASE_DOWN, DatabaseError
from models.drafts import remove_expired
from tongban.settings import Settings
from tongban.wiring import configure_logging, open_house

SEAL_EVERY_S = 5.0
BILLS_EVERY_S = 3.0
TIDY_EVERY_S = 3600.0
log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Any number of relays may run: rows are locked, the sealer is one at a time."""
    configure_logging(settings.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with open_house(settings) as house:
        delivery = Delivery(house.database, house.gateway, house.calendars, local_first=house.local_first)
        sealed, tidied, limits, days_told, scheduled = 0.0, 0.0, QueueLimits(), False, False
        reading: asyncio.Task[None] | None = None
        bills: asyncio.Task[None] | None = None
        asked = 0.0
        while not stop.is_set():
            try:
                sent = await relay_once(house, delivery)
                if loop.time() - sealed >= SEAL_EVERY_S:
                    sealed = loop.time()
                    await seal_once(house, settings.data_dir)
                    await confirm_once(house)
                    await limits.tell(house)
                    if not days_told:
                        await tell_local_days(house)
                        days_told = True
                    scheduled = scheduled or await schedule_once(house)
                if loop.time() - asked >= BILLS_EVERY_S and (bills is None or bills.done()):
                    asked = loop.time()
                    bills = asyncio.create_task(read_bills(house))
                if not tidied or loop.time() - tidied >= TIDY_EVERY_S:
                    tidied = loop.time()
                    if reading is None or reading.done():
                        reading = asyncio.create_task(read_results(house, delivery))
                    if gone := await remove_expired(house.database):
                        log.info("drafts_removed", count=gone)
            except (DatabaseError, *DATABASE_DOWN) as error:
                log.warning("database_down", error=type(error).__name__)
                sent = 0
            if not sent:
                await _pause(stop, settings.relay_pause_s)
        for beside in (reading, bills):
            if beside is not None:
                beside.cancel()
                await asyncio.wait([beside])


async def read_results(house: House, delivery: Delivery) -> None:
    """The nightly files that are due, beside everything else: a slow province keeps nothing waiting but its own."""
    try:
        if files := await reconcile.run_due(house, delivery, datetime.now(UTC)):
            log.info("results_read", files=files)
    except (DatabaseError, *DATABASE_DOWN) as error:
        log.warning("results_not_read", error=type(error).__name__)


async def schedule_once(house: House) -> bool:
    """The schedules of clearing and reconciliation are made or brought up to date; False while Temporal is down."""
    try:
        await house.gateway.keep_schedules(house.library.clearing)
    except Down as error:
        log.info("not_scheduled", error=str(error))
        return False
    return True


async def read_bills(house: House) -> None:
    """What the e-bill platform tells, and orders to it that were left without an answer, beside everything else."""
    try:
        if taken := await bill_feed.run_due(house):
            log.info("bills_read", count=taken)
    except (DatabaseError, *DATABASE_DOWN) as error:
        log.warning("bills_not_read", error=type(error).__name__)
    except Exception as error:  # noqa: BLE001  an entry nobody can take must not end the relay; it is tried again
        log.error("bills_failed", error=type(error).__name__, trace=traceback.format_tb(error.__traceback__))


async def relay_once(house: House, delivery: Delivery, most: int = 100) -> int:
    """Sends what is due, one message per transaction; returns how many arrived. What stops one stops all."""
    for sent in range(most):
        async with house.database.begin() as session:
            due = await outbox.take_due(session, limit=1)
            if not due:
                return sent
            try:
                await delivery.deliver(session, due[0])
            except ValueError as error:  # a message that cannot be read must not stop the others
                await outbox.failed(session, due[0], type(error).__name__)
                log.error("unreadable_message", id=due[0].id, case=due[0].case_no, error=type(error).__name__)
                continue
            except Down as error:
                await outbox.failed(session, due[0], str(error))
                log.info("not_sent", kind=due[0].kind, case=due[0].case_no, attempts=due[0].attempts + 1)
                return sent
            await outbox.done(session, due[0].id)
    return most


async def confirm_once(house: House) -> int:
    """Sends orders again that the record knows and the workflow has not confirmed; returns how many are settled.

    The same id is the same order: a workflow that knows it says what it said, one that lost it carries it out.
    """
    async with house.database.begin() as session:
        waiting = await commands.unsettled(session)
    for done, row in enumerate(waiting):
        try:
            await orders.send(house, row.case_no, orders.order_of(row))
        except Refusal as refusal:
            log.warning("order_not_confirmed", case=row.case_no, kind=row.kind, code=refusal.code)
            await commands.settle(house.database, row.id)
        except (Down, NotRunning):
            return done
    return len(waiting)


async def seal_once(house: House, data_dir: Path) -> None:
    """Seals new events, and notes the seal outside the database, where whoever can change the tables cannot reach."""
    async with house.database.begin() as session:
        seal = await seals.add_seal(session, datetime.now(UTC))
    if seal is not None:
        line = json.dumps({"no": seal.no, "below": seal.below, "count": seal.count, "hash": seal.hash})
        try:
            await asyncio.to_thread(append_line, data_dir / "seals.jsonl", line)
        except OSError as error:
            log.error("seal_not_noted", seal=seal.no, error=error.strerror)


def append_line(path: Path, line: str) -> None:
    """Adds a whole line and waits until the disk has it."""
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")  # a relay that was killed while writing left half a line
        file.write(line.encode("ascii") + b"\n")
        file.flush()
        os.fsync(file.fileno())


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
