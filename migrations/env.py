"""How Alembic reaches the database: ``python -m tongban db`` hands in the settings. One transaction per upgrade."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from models import (
    bills,
    calendars,
    cases,
    clearing,
    commands,
    correspondence,
    documents,
    drafts,
    effects,
    events,
    evidence,
    health_access,
    idempotency,
    inbox,
    insurance,
    ledger,
    licences,
    matters,
    moves,
    outbox,
    ratings,
    reconciliation,
    results,
    seals,
    tasks,
    windows,
)
from models.database import database_url

_TABLES = (
    bills,
    calendars,
    cases,
    clearing,
    commands,
    correspondence,
    documents,
    drafts,
    effects,
    events,
    evidence,
    health_access,
    idempotency,
    inbox,
    insurance,
    ledger,
    licences,
    matters,
    moves,
    outbox,
    ratings,
    reconciliation,
    results,
    seals,
    tasks,
    windows,
)
UPGRADE_LOCK = 7266826  # one upgrade at a time, whoever starts it


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_server_default=False)
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        context.run_migrations()


async def _main() -> None:
    settings = context.config.attributes["settings"]
    engine = create_async_engine(database_url(settings.database_url, settings.database_password_file))
    async with engine.connect() as connection:
        await connection.run_sync(_run)
    await engine.dispose()


asyncio.run(_main())
