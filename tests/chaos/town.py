"""The stack as people and auditors see it: logins, the worklists, the counter, the switchboards, the ledgers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Sequence
from typing import Any

import httpx
from sqlalchemy import select
from sqlmodel import col

from adapters.files import DocumentStore
from adapters.registry import Provinces, open_provinces
from catalogue.library import Library
from domain.plan import CasePlan
from models.cases import read_application
from models.database import Database, database_url
from models.tasks import Task
from tests.chaos.faults import Switch
from tests.e2e.drive import Person
from tongban.stack.stack import Stack

LIBRARY = Library()


class Town:
    """Everybody who has to do with the cases of the runs."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        url = database_url(stack.database_url, stack.secrets.database_password)
        self.database = Database(url, 8)
        self.files = DocumentStore((stack.data_dir / "files").as_uri())
        self.provinces: Provinces = open_provinces(stack.data_dir / "provinces.json")
        self._http = httpx.AsyncClient(timeout=10, trust_env=False)
        self._people: dict[tuple[str, str, str, str], Person] = {}

    async def aclose(self) -> None:
        """Closes what was opened."""
        await self.dismiss()
        await self._http.aclose()
        await self.provinces.aclose()
        await self.database.aclose()

    async def dismiss(self) -> None:
        """Everybody logs out: a login holds for an hour, a long series of runs takes longer."""
        for person in self._people.values():
            await person.http.aclose()
        self._people.clear()

    def person(self, role: str, region: str = "", department: str = "", name: str = "") -> Person:
        """Somebody, the same person for the same words."""
        key = (role, region, department, name)
        if key not in self._people:
            self._people[key] = Person(self.stack, role, region, department)
        return self._people[key]

    def citizen(self) -> Person:
        """An applicant nobody has met yet."""
        return self.person("citizen", name=os.urandom(6).hex())

    # the record

    async def plan(self, no: str) -> CasePlan:
        """The plan that the case is pinned to."""
        async with self.database.begin() as session:
            application = await read_application(session, no)
        assert application is not None, no
        return CasePlan.model_validate(application.case_plan)

    async def tasks(self, no: str) -> Sequence[Task]:
        """What is open in all worklists about a case."""
        wanted = select(Task).where(col(Task.case_no) == no, col(Task.state) == "open").order_by(col(Task.id))
        async with self.database.begin() as session:
            return list((await session.execute(wanted)).scalars())

    async def missing(self, digests: Collection[str]) -> list[str]:
        """Which of these files the store has not."""
        return [digest for digest in digests if not await self.files.exists(digest)]

    # the provinces

    async def switch_on(self, switch: Switch) -> None:
        """A fault; one that strikes at once may take the answer with it."""
        region, body = switch
        answer = await self._ask("POST", region, "/sim/faults", json=body)
        assert answer.status_code == 201, answer.text

    async def calm(self) -> None:
        """Switches every fault off."""
        for region in self.stack.province_urls:
            assert (await self._ask("DELETE", region, "/sim/faults")).status_code == 204

    async def ledger(self, no: str) -> list[dict[str, Any]]:
        """What all provinces have written down about a case, oldest first in each."""
        rows: list[dict[str, Any]] = []
        for region in self.stack.province_urls:
            found = (await self._ask("GET", region, "/sim/ledger", params={"case_no": no})).json()["rows"]
            rows += [{"region": region} | row for row in found]
        return rows

    async def counter(self, region: str, department: str, service: str, form: dict[str, str]) -> httpx.Response:
        """A clerk keys something in. Sent once and never again: whoever keys in twice does it twice."""
        url = self.stack.province_urls[region[:2] + "0000"]
        return await self._http.post(f"{url}/counter/{department}/{service}", json=form)

    async def keyed_in(self, region: str, no: str, remark: str) -> dict[str, Any] | None:
        """What was keyed in at the counter under this remark: the clerk looks before keying in once more."""
        found = (await self._ask("GET", region[:2] + "0000", "/sim/requests", params={"case_no": no})).json()["rows"]
        return next((row for row in found if row["face"] == "counter" and row["label"] == remark), None)

    async def _ask(self, method: str, region: str, path: str, **more: Any) -> httpx.Response:
        """The controls of a province; it may be just starting again, or nobody may be listening on purpose."""
        last: httpx.TransportError | None = None
        for _ in range(150):
            try:
                return await self._http.request(method, f"{self.stack.province_urls[region]}{path}", **more)
            except httpx.TransportError as error:
                last = error
                await asyncio.sleep(0.1)
        raise AssertionError(f"{region} does not answer its controls: {last!r}")
