"""What a target offers for tests under ``/sim``: its ledger, its faults, its clock. Absent at a real province."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import date
from urllib.parse import urlsplit

import httpx

from adapters.conformance.model import Control
from adapters.exchange import json_object

_PROBES = {Control.LEDGER: "/sim/ledger?case_no=none", Control.FAULTS: "/sim/faults", Control.CLOCK: "/sim/clock"}


class Controls:
    """A client of ``/sim``. ``offered``: what is there, once ``look`` has been called."""

    PATIENCE_S = 10.0

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._client = httpx.AsyncClient(
            base_url=f"{parts.scheme}://{parts.netloc}", trust_env=False, timeout=self.PATIENCE_S
        )
        self.offered: frozenset[Control] = frozenset()

    async def look(self) -> None:
        """Asks what there is."""
        found = set()
        for control, path in _PROBES.items():
            try:
                reply = await self._client.get(path)
            except httpx.HTTPError:
                continue
            if reply.status_code == 200 and reply.headers.get("content-type", "").startswith("application/json"):
                found.add(control)
        if Control.CLOCK in found:
            found.add(Control.RESULTS)
        self.offered = frozenset(found)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def ledger(self, case_no: str) -> list[dict[str, object]]:
        """What the receiver has booked for a case."""
        reply = await self._client.get("/sim/ledger", params={"case_no": case_no})
        rows = json_object(reply.content).get("rows")
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    @asynccontextmanager
    async def fault(self, kind: str, operation: str = "*", **more: object) -> AsyncIterator[None]:
        """While open, the target misbehaves so."""
        body = {"kind": kind, "operation": operation, "times": 1} | more
        (await self._client.post("/sim/faults", json=body)).raise_for_status()
        try:
            yield
        finally:
            (await self._client.delete("/sim/faults")).raise_for_status()

    @asynccontextmanager
    async def later(self, seconds: float) -> AsyncIterator[None]:
        """While open, the target's clock is ahead."""
        (await self._client.post("/sim/clock", json={"offset_s": seconds})).raise_for_status()
        try:
            yield
        finally:
            (await self._client.post("/sim/clock", json={"offset_s": 0})).raise_for_status()

    async def tamper(self, day: date, how: Mapping[str, object]) -> bool:
        """Spoils the nightly file of a day; False if the target cannot. Nothing of it makes the file whole again."""
        reply = await self._client.post(f"/sim/results/{day:%Y%m%d}/tamper", json=dict(how))
        return reply.is_success

    @asynccontextmanager
    async def calling_back(self, url: str) -> AsyncIterator[None]:
        """While open, the target sends its callbacks there, if it can be told to."""
        told = await self._tell_address(url)
        try:
            yield
        finally:
            if told:
                with suppress(httpx.HTTPError):  # it is gone: the report must not go with it
                    await self._client.delete("/sim/callback")

    async def _tell_address(self, url: str) -> bool:
        """Whether the target can be told another address."""
        try:
            return (await self._client.post("/sim/callback", json={"url": url})).is_success
        except httpx.HTTPError:
            return False
