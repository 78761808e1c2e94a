"""What the tests of this folder work with: a province as a process, one in this process, and a caller's mailbox."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Self

import httpx

import provinces
from adapters.credentials import GivenCredentials
from adapters.port import Adapter
from domain.effects import CallbackNotice, ProvinceCall
from provinces.app import Settings, build_app
from tests.adapters.wires import CLEAN, Wire, call

CALLBACK_PATH = "/callbacks/province"
_KNOWN = json.loads((Path(provinces.__file__).parent / "credentials.json").read_text("utf-8"))


def adapter_for(wire: Wire, url: str, **more: object) -> Adapter:
    """The adapter of a dialect, with the well-known credentials of its simulated province."""
    known = _KNOWN[wire.region]
    settings: dict[str, object] = {"url": url, "credentials": GivenCredentials(known.get("caller", known))}
    return wire.adapter(**(settings | more))


def handover(**fields: str) -> ProvinceCall:
    """The service that takes its time."""
    return call(operation="archive_handover", department="market_regulation", payload={"uscc": CLEAN} | fields)


class Controls:
    """The switchboard and the books of a province, whichever way it is reached."""

    adapter: Adapter

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def fault(self, kind: str, operation: str = "*", times: int | None = 1, **fields: object) -> None:
        """Switches one fault on."""
        body = {"kind": kind, "operation": operation, "times": times} | fields
        response = await self.client.post("/sim/faults", json=body)
        assert response.status_code == 201, response.text

    async def clear(self) -> None:
        """Switches all faults off."""
        assert (await self.client.delete("/sim/faults")).status_code == 204

    async def ledger(self, sent: ProvinceCall | None = None) -> list[dict[str, object]]:
        """The ledger, or what it says about one call and its reversals."""
        rows: list[dict[str, object]] = (await self.client.get("/sim/ledger")).json()["rows"]
        name = sent and self.adapter.business_number(sent.case_no, sent.key)
        return [row for row in rows if name is None or name in (row["request_no"], row["original"])]

    async def later(self, seconds: float = 100_000.0) -> None:
        """Puts the province's clock forward, so that what is pending comes due."""
        assert (await self.client.put("/sim/clock", json={"offset_s": seconds})).status_code < 300


class Desk(Controls):
    """A province inside this process, without sockets."""

    def __init__(self, wire: Wire, data: Path, pending_s: float = 60.0, *, auto_pay: bool = True) -> None:
        settings = Settings(wire.region, data, pending_s=pending_s, controls=True, auto_pay=auto_pay, slow_s=0.0)
        app = build_app(settings)
        self.wire = wire
        self.province = app.state.province
        self.transport = httpx.ASGITransport(app)
        super().__init__(httpx.AsyncClient(transport=self.transport, base_url="http://province"))
        self.adapter = adapter_for(wire, "http://province", transport=self.transport)

    def ends(self) -> None:
        """Whatever is pending comes to its end."""
        self.province.office.complete_due(4e9)

    async def aclose(self) -> None:
        """Closes its database too."""
        await self.client.aclose()
        await self.adapter.aclose()
        self.province.store.close()


class Process(Controls):
    """A province as it really runs; ``kill`` is kill -9, and ``start`` opens the same books again."""

    def __init__(self, wire: Wire, data: Path, *options: str) -> None:
        self.wire = wire
        self.data = data
        self.options = options
        self.start()

    def start(self) -> None:
        """Starts and waits until it listens."""
        command = [sys.executable, "-m", "provinces", "--region", self.wire.region, "--port", "0"]
        command += ["--data", str(self.data), "--controls", "--slow-seconds", "0", *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on 127.0.0.1:"), line
        self.url = "http://" + line.split()[-1]
        self.adapter = adapter_for(self.wire, self.url)
        super().__init__(httpx.AsyncClient(base_url=self.url, trust_env=False))

    async def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        await self._gone()

    async def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        return await self._gone()

    async def _gone(self) -> int:
        code = await asyncio.to_thread(self.process.wait, 10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        await self.client.aclose()
        await self.adapter.aclose()
        return code


class Letter:
    """One callback as it arrived."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body

    def read(self, adapter: Adapter) -> CallbackNotice:
        """Believes it or raises CallbackRefused."""
        return adapter.read_callback(self.path, self.headers, self.body)


class Mailbox:
    """Where a province sends callbacks. ``statuses``: answers to give first, then 200."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.statuses: list[int] = []
        self._server: asyncio.Server | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._receive, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{CALLBACK_PATH}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def about(self, key: str, count: int = 1, within_s: float = 5.0) -> list[Letter]:
        """Waits for that many letters about a key."""
        async with asyncio.timeout(within_s):
            while len(found := self.arrived(key)) < count:
                self._news.clear()
                await self._news.wait()
        return found

    async def total(self, count: int, within_s: float = 5.0) -> None:
        """Waits until that many letters have come in all."""
        async with asyncio.timeout(within_s):
            while len(self.letters) < count:
                self._news.clear()
                await self._news.wait()

    def arrived(self, key: str) -> list[Letter]:
        """What is there about a key now."""
        return [letter for letter in self.letters if key.encode() in letter.body]

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.letters.append(Letter(first.split()[1], headers, body))
        self._news.set()
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
