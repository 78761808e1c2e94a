"""The tables as the migrations make them are the tables that the models describe."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlmodel import SQLModel

from models.database import Database
from tests.fixtures.databases import Cluster
from tests.fixtures.samples import add_case
from tongban.cli import alembic_config

TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
REST = "SELECT (SELECT count(*) FROM pg_proc WHERE proname = 'refuse_change') + (SELECT count(*) FROM pg_sequences)"


async def count(cluster: Cluster, name: str, question: str) -> int:
    connection = await cluster.connect(name)
    try:
        return int(await connection.fetchval(question))
    finally:
        await connection.close()


async def test_up_down_and_up_again_leaves_the_same_tables(cluster: Cluster, database_name: str) -> None:
    config = alembic_config(cluster.settings(database_name))
    before = await count(cluster, database_name, TABLES)
    await asyncio.to_thread(command.downgrade, config, "base")
    assert await count(cluster, database_name, TABLES) == 0
    assert await count(cluster, database_name, REST) == 0
    await asyncio.to_thread(command.upgrade, config, "head")
    assert await count(cluster, database_name, TABLES) == before > 10


async def test_the_models_and_the_migrations_agree(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize("table", ["event", "seal"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET hash = hash",
        "UPDATE {table} SET hash = hash WHERE false",
        "DELETE FROM {table}",
        "TRUNCATE {table}",
        "TRUNCATE {table} CASCADE",
    ],
)
async def test_what_was_written_to_the_trail_stays(
    cluster: Cluster, database_name: str, database: Database, table: str, statement: str
) -> None:
    await add_case(database)
    connection = await cluster.connect(database_name)
    try:
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute(statement.format(table=table))
        assert await connection.fetchval("SELECT count(*) FROM event") == 1
    finally:
        await connection.close()


async def test_a_case_cannot_be_removed_from_under_its_trail(
    cluster: Cluster, database_name: str, database: Database
) -> None:
    no = await add_case(database)
    connection = await cluster.connect(database_name)
    try:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute("DELETE FROM cases WHERE no = $1", no)
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute("TRUNCATE cases CASCADE")
    finally:
        await connection.close()
