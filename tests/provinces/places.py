"""Provinces to try: one in this process without sockets, one as a program, and a mailbox for events."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from provinces.app import Province, Settings, build_app
from tests.provinces.callers import CALLERS, Caller, Reply

COMPANY = "91340100XXXX00043E"
BY_REGION = {caller.region: caller for caller in CALLERS}


class Controls:
    """The switchboard and the books, whichever way they are reached."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def fault(self, kind: str, **fields: object) -> None:
        answer = await self.client.post("/sim/faults", json={"kind": kind, "times": 1} | fields)
        assert answer.status_code == 201, answer.text

    async def clear(self) -> None:
        assert (await self.client.delete("/sim/faults")).status_code == 204

    async def ledger(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = (await self.client.get("/sim/ledger")).json()["rows"]
        return rows

    async def net(self) -> int:
        return sum(int(str(row["delta"])) for row in await self.ledger())


class Desk(Controls):
    """A province in this process; pending work ends when ``finish`` says so."""

    def __init__(self, region: str, data: Path, **settings: object) -> None:
        given = {"pending_s": 60.0, "controls": True, "slow_s": 0.0} | settings
        app = build_app(Settings(region, data, b"gateway-secret-for-tests", **given))  # type: ignore[arg-type]
        self.province: Province = app.state.province
        super().__init__(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://province"))
        self.caller = BY_REGION.get(region, CALLERS[0])(self.client)

    def finish(self) -> None:
        """Everything that is due within a year ends."""
        self.province.office.complete_due(self.province.clock.time() + 366 * 86400)

    async def outcome(
        self, action: str, department: str, service: str, fields: Mapping[str, object] | None = None, *,
        key: str | None = None, original: Reply | None = None, case: str = "CASE-1",
    ) -> Reply:  # fmt: skip
        """What an order comes to in the end, for a province that never says so at once too."""
        reply = await self.caller.send(action, department, service, fields, key=key, original=original, case=case)
        if self.caller.asynchronous and reply.state == "in_progress" and not reply.wants:
            self.finish()
            return await self.caller.find(reply) or reply
        return reply

    async def aclose(self) -> None:
        await self.client.aclose()
        self.province.store.close()


class Program(Controls):
    """A province as it really runs."""

    def __init__(self, region: str, data: Path, *options: str) -> None:
        self.region = region
        self.data = data
        self.options = options
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "provinces", "--region", self.region, "--port", "0", "--data", str(self.data)]
        self.process = subprocess.Popen([*command, *self.options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), line
        self.url = "http://" + line.split()[-1]
        super().__init__(httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=5))
        self.caller: Caller = BY_REGION[self.region](self.client)

    async def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        await self._gone()

    async def stop(self) -> int:
        self.process.terminate()
        return await self._gone()

    async def _gone(self) -> int:
        code = await asyncio.to_thread(self.process.wait, 10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        await self.client.aclose()
        return code


class Letter:
    """One event as it came."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body
        self.content: dict[str, dict[str, object]] = json.loads(body)


class Mailbox:
    """Where a province sends events."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._receive, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/callbacks"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def total(self, count: int, within_s: float = 5.0) -> list[Letter]:
        """Waits until so many have come in all."""
        async with asyncio.timeout(within_s):
            while len(self.letters) < count:
                self._news.clear()
                await self._news.wait()
        return self.letters

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        self.letters.append(Letter(first.split()[1], headers, await reader.readexactly(int(headers["content-length"]))))
        self._news.set()
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
