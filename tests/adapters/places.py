"""What the tests of this folder work with: a province as a process, one in this process, and a caller's mailbox."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from adapters.credentials import GivenCredentials
from adapters.port import AdapterSettings
from adapters.signed_json import SignedJson
from domain.effects import CallbackNotice, ProvinceCall, Verb
from provinces.app import Settings, build_app

SECRET = b"a-secret-for-tests-only-0123456789"
REGION = "340000"
CALLBACK_PATH = "/callbacks/340000"
CLEAN = "91340100XXXX00043E"


def adapter_for(url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> SignedJson:
    """The adapter, with the secret the province has."""
    return SignedJson(
        AdapterSettings(
            region=REGION,
            url=url,
            credentials=GivenCredentials({"secrets": [SECRET.decode()]}),
            timeout_s=2.0,
            connect_timeout_s=1.0,
            private_network=True,
            transport=transport,
        )
    )


def new_key() -> str:
    """A key as a workflow makes it."""
    return secrets.token_hex(32)


def call(
    verb: Verb = Verb.SUBMIT,
    operation: str = "tax_clearance",
    department: str = "tax",
    *,
    key: str | None = None,
    original: str = "",
    case_no: str = "CASE-1",
    payload: Mapping[str, str] | None = None,
) -> ProvinceCall:
    """One call; a clean company and a fresh key unless told otherwise."""
    return ProvinceCall(
        verb=verb,
        region=REGION,
        department=department,
        operation=operation,
        key=new_key() if key is None else key,
        original=original,
        case_no=case_no,
        leg="leg",
        step="step",
        payload={"uscc": CLEAN} if payload is None else payload,
    )


def handover(**fields: str) -> ProvinceCall:
    """The service that takes its time."""
    return call(operation="archive_handover", department="market_regulation", payload={"uscc": CLEAN} | fields)


class Controls:
    """The switchboard and the books of a province, whichever way it is reached."""

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

    async def ledger(self, key: str | None = None) -> list[dict[str, object]]:
        """The ledger, or what it says about one key and its reversals."""
        rows: list[dict[str, object]] = (await self.client.get("/sim/ledger")).json()["rows"]
        return [row for row in rows if key is None or key in (row["request_no"], row["original"])]

    async def events(self, key: str) -> list[dict[str, object]]:
        """The outgoing events about one key."""
        rows: list[dict[str, object]] = (await self.client.get(f"/sim/callbacks?request_no={key}")).json()["rows"]
        return rows


class Desk(Controls):
    """A province inside this process, without sockets."""

    def __init__(self, data: Path, pending_s: float = 60.0, *, auto_pay: bool = True) -> None:
        app = build_app(Settings(REGION, data, SECRET, pending_s=pending_s, controls=True, auto_pay=auto_pay))
        self.gateway = app.state.gateway
        self.transport = httpx.ASGITransport(app)
        super().__init__(httpx.AsyncClient(transport=self.transport, base_url="http://province"))
        self.adapter = adapter_for("http://province", transport=self.transport)

    async def aclose(self) -> None:
        """Closes its database too."""
        await self.client.aclose()
        await self.adapter.aclose()
        self.gateway.store.close()


class Process(Controls):
    """A province as it really runs; ``kill`` is kill -9, and ``start`` opens the same books again."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.secret_file = data / "shared-secret"
        self.secret_file.write_bytes(SECRET + b"\n")
        self.options = options
        self.start()

    def start(self) -> None:
        """Starts and waits until it listens."""
        command = [sys.executable, "-m", "provinces", "--region", REGION, "--port", "0", "--data", str(self.data)]
        command += ["--secret-file", str(self.secret_file), "--controls", *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on 127.0.0.1:"), line
        self.url = "http://" + line.split()[-1]
        self.adapter = adapter_for(self.url)
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

    def read(self, adapter: SignedJson) -> CallbackNotice:
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
