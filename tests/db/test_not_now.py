"""A database that is starting up is down, not broken: whoever asks is told to ask again."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from models.database import DATABASE_DOWN, Database, database_url

STATES = {"57P03": "the database system is starting up", "57P01": "terminating", "53300": "too many clients already"}


@pytest_asyncio.fixture(params=STATES)
async def refusing(request: pytest.FixtureRequest) -> AsyncIterator[int]:
    """The port of a server that says only this to everybody."""
    said = f"SFATAL\0C{request.param}\0M{STATES[request.param]}\0\0".encode()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = struct.unpack("!ii", await reader.readexactly(8))
        if asked == (8, 80877103):  # may it be TLS? no
            writer.write(b"N")
            asked = struct.unpack("!ii", await reader.readexactly(8))
        await reader.readexactly(asked[0] - 8)
        writer.write(b"E" + struct.pack("!i", 4 + len(said)) + said)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])
    await asyncio.sleep(0.05)  # whoever was still being refused hangs up before another test is blamed for it


async def test_a_server_that_takes_nobody_in_just_now_is_down(refusing: int) -> None:
    database = Database(database_url(f"postgresql://x@127.0.0.1:{refusing}/x"), 1)
    try:
        with pytest.raises(DATABASE_DOWN):
            await database.ping()
    finally:
        await database.aclose()
