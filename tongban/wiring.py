"""The composition root: from settings to the parts that processes are made of."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from activities.clearing import ClearingActivities
from activities.reconciliation import NoBooks, ReconciliationActivities
from adapters.books import JsonBooks, PlatformBooks
from adapters.ebills import Ebills, open_ebills
from adapters.files import DocumentStore
from adapters.insurance import InsuranceGate, open_insurance
from adapters.oidc import DiscoveredKeys, FileKeys, UrlKeys
from adapters.registry import Provinces, open_provinces
from api.gateway import Gateway
from api.house import House, Login
from catalogue.library import Library
from domain.reconciliation import Books
from models.calendars import Calendars
from models.database import Database, database_url
from tongban.settings import Settings
from tongban.temporal import KeyRing, connect


@dataclass(frozen=True)
class ClearingWork:
    """The activities of clearing and of reconciliation."""

    clearing: ClearingActivities
    reconciliation: ReconciliationActivities

    def activities(self) -> list[Callable[..., Any]]:
        """As a worker registers them."""
        c = self.clearing
        return [
            c.clearing_terms,
            c.propose_clearing,
            c.answer_clearing,
            c.clear_month,
            c.note_overdue_payment,
            self.reconciliation.reconcile_book,
        ]


def configure_logging(level: str) -> None:
    """JSON lines on standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)


def open_database(settings: Settings) -> Database:
    """The pool of this process."""
    return Database(database_url(settings.database_url, settings.database_password_file), settings.database_pool)


def key_source(settings: Settings) -> FileKeys | UrlKeys:
    """Where the login issuer's keys come from."""
    if not settings.oidc_keys:
        return DiscoveredKeys(settings.oidc_issuer)
    if settings.oidc_keys.startswith(("http://", "https://")):
        return UrlKeys(settings.oidc_keys)
    return FileKeys(Path(settings.oidc_keys))


def open_books(settings: Settings, insurance: InsuranceGate | None) -> Books:
    """Where outside books come from: files of a folder, else the insurance platforms, else nowhere."""
    if settings.books_dir:
        return JsonBooks(settings.books_dir)
    return NoBooks() if insurance is None else PlatformBooks(insurance)


def clearing_activities(
    settings: Settings, database: Database, library: Library, insurance: InsuranceGate | None
) -> ClearingWork:
    """What a core worker does of clearing and reconciliation."""
    calendars = Calendars(lambda: library.calendar)
    return ClearingWork(
        ClearingActivities(database, lambda: library.clearing, calendars),
        ReconciliationActivities(database, open_books(settings, insurance)),
    )


def read_provinces(settings: Settings) -> Provinces:
    """The adapters of the provinces file; a mistake in it stops the process with a sentence."""
    return open_provinces(settings.provinces_file)


def read_insurance(settings: Settings) -> InsuranceGate | None:
    """The way to the insurance platforms; None where no insurance file is named."""
    return open_insurance(settings.insurance_file) if settings.insurance_file else None


def read_ebills(settings: Settings) -> Ebills | None:
    """The client of the e-bill platform, if there is one; a mistake in its file stops the process with a sentence."""
    return open_ebills(settings.ebills_file) if settings.ebills_file else None


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """What the API and the relay stand on. Temporal need not be up: the connection is made when first used."""
    database, provinces, keys = open_database(settings), read_provinces(settings), key_source(settings)
    ebills = read_ebills(settings)
    client = await connect(KeyRing.read(settings.payload_keys_file), sandbox=settings.sandbox, lazy=True)
    library = Library(more=settings.services_dir)
    _ = library.services, library.calendar, library.divisions  # a broken definition stops the process now
    try:
        yield House(
            database=database,
            gateway=Gateway(client),
            library=library,
            provinces=provinces,
            files=DocumentStore(settings.files_location()),
            login=Login(settings.oidc_issuer, settings.oidc_audience, settings.oidc_algorithms, keys),
            public_url=settings.public_url,
            max_upload_bytes=settings.max_upload_bytes,
            local_first=settings.local_first,
            requests_per_s=settings.requests_per_s,
            requests_burst=settings.requests_burst,
            ebills=ebills,
        )
    finally:
        await keys.aclose()
        if ebills is not None:
            await ebills.aclose()
        await provinces.aclose()
        await database.aclose()
