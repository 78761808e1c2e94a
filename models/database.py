"""The connection to PostgreSQL and the unit of work. ``begin()`` commits at its end or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Row, TextClause, event, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

DATABASE_DOWN = (OperationalError, InterfaceError, PoolTimeout, ConnectionError, TimeoutError, OSError)
DatabaseError = DBAPIError  # every failure of a statement
Session = AsyncSession  # the type that repositories take; other rooms name it from here
LOCK_TIMEOUT = "55P03"
NOT_NOW = frozenset({"57P01", "57P02", "57P03", "53300"})  # shutting down, crashed, starting up, too many connections


def database_url(url: str, password_file: Path | None = None) -> URL:
    """The asyncpg address; the password comes from a file so that it never stands in an environment listing."""
    parsed = make_url(url).set(drivername="postgresql+asyncpg")
    if password_file is not None:
        parsed = parsed.set(password=password_file.read_text().strip())
    return parsed


def is_lock_timeout(error: DBAPIError) -> bool:
    """Whether a statement gave up waiting for somebody else's lock."""
    return getattr(error.orig, "sqlstate", "") == LOCK_TIMEOUT


class Database:
    """One pool per process."""

    def __init__(self, url: URL, pool: int = 8) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=False,
            pool_use_lifo=True,
            hide_parameters=True,  # they may be personal, and errors are logged
            connect_args={"timeout": 5, "command_timeout": 15, "server_settings": {"timezone": "UTC"}},
        )
        self._single = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(self.engine.sync_engine, "handle_error", _drop_broken)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A transaction: committed when the block ends well, rolled back when it raises."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    async def once(self, statement: TextClause, parameters: Mapping[str, object]) -> Sequence[Row[Any]]:
        """One statement that stands or falls by itself: no BEGIN and COMMIT around it, one round trip."""
        async with self._single.connect() as connection:
            result = await connection.execute(statement, dict(parameters))
            return result.all() if result.returns_rows else ()

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        async with self.begin() as session:
            await session.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        """Closes the pool."""
        await self.engine.dispose()


def _drop_broken(context: ExceptionContext) -> None:
    """After a restart of the server every pooled connection is dead: drop them all at the first sign.

    A server that ends, starts, or takes nobody in just now is down like one that does not answer: its words for that
    are no error of ours, and whoever asked may ask again.
    """
    original = context.original_exception
    if isinstance(original, (ConnectionError, OSError)):
        context.is_disconnect = True
    if getattr(original, "sqlstate", "") in NOT_NOW:
        raise OperationalError(None, None, original) from original
