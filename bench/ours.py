"""Our cases, driven as people drive them: through the use cases behind the API, or through the API itself."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import httpx
from sqlalchemy import text

from api.delivery import Delivery
from api.house import House
from api.schemas import FORM_EXAMPLE, Decision, Submission
from api.usecases import orders, submit
from domain.messages import Actor, Role
from models.database import Database
from models.documents import Document

CITIZEN = Actor(subject="bench-citizen", role=Role.CITIZEN)
CLERK = Actor(subject="bench-clerk", role=Role.CASEWORKER, region="320500", department="market_regulation")
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer<<>>\n%%EOF\n"


class People(Protocol):
    """How a case is handed in and acted on."""

    async def submit(self) -> str: ...

    async def accept_evidence(self, no: str, evidence: str) -> None: ...

    async def decide(self, task: str, kind: str) -> None: ...


@dataclass
class ThroughUseCases:
    """The functions behind the routers: what the product does, without HTTP and login."""

    house: House
    delivery: Delivery
    documents: dict[str, list[str]] = field(default_factory=dict)

    async def submit(self) -> str:
        checked = submit.check(self.house, "YRD-ENT-MOVE", dict(FORM_EXAMPLE))
        async with self.house.database.begin() as session:
            body = Submission(service="YRD-ENT-MOVE", form=dict(FORM_EXAMPLE), documents=self.documents)
            receipt, intake = await submit.submit(session, self.house, CITIZEN, checked, body)
        await self.delivery.start_now(receipt.no, checked.case_plan, intake)
        return receipt.no

    async def accept_evidence(self, no: str, evidence: str) -> None:
        await orders.answer_evidence(self.house, CITIZEN, no, evidence, None, "")

    async def decide(self, task: str, kind: str) -> None:
        outcome = "accept" if kind == "accept" else "grant"
        await orders.decide(self.house, CLERK, task, Decision(outcome=outcome), 1)


@dataclass
class ThroughApi:
    """Real requests: HTTP, tokens, idempotency keys."""

    client: httpx.AsyncClient
    citizen: dict[str, str]
    clerk: dict[str, str]
    documents: dict[str, list[str]]
    number: int = 0

    async def submit(self) -> str:
        self.number += 1
        body = {"service": "YRD-ENT-MOVE", "form": FORM_EXAMPLE, "documents": self.documents}
        key = hashlib.sha256(f"{id(self)} {self.number}".encode()).hexdigest()
        answer = await self.client.post("/v1/cases", json=body, headers=self.citizen | {"Idempotency-Key": key})
        answer.raise_for_status()
        return str(answer.json()["no"])

    async def accept_evidence(self, no: str, evidence: str) -> None:
        (await self.client.post(f"/v1/cases/{no}/evidence/{evidence}/accept", headers=self.citizen)).raise_for_status()

    async def decide(self, task: str, kind: str) -> None:
        body = {"outcome": "accept" if kind == "accept" else "grant"}
        headers = self.clerk | {"If-Match": '"1"'}
        (await self.client.put(f"/v1/tasks/{task}/decision", json=body, headers=headers)).raise_for_status()


async def upload(house: House) -> dict[str, list[str]]:
    """The two documents that every case of the run refers to."""
    from datetime import UTC, datetime

    ids: dict[str, list[str]] = {}
    for name in ("resolution", "address_proof"):
        data = PDF + name.encode() + b"\n%%EOF\n"
        digest = hashlib.sha256(data).hexdigest()
        await house.files.put(digest, data)
        document = Document(
            id="d" + hashlib.sha256(f"{name}{datetime.now(UTC)}".encode()).hexdigest()[:26],
            owner=CITIZEN.subject,
            digest=digest,
            name=name + ".pdf",
            media_type="application/pdf",
            size=len(data),
            created_at=datetime.now(UTC),
        )
        async with house.database.begin() as session:
            session.add(document)
        ids[name] = [document.id]
    return ids


async def run_cases(people: People, database: Database, cases: int, concurrency: int) -> None:
    """Hands in ``cases`` cases, at most ``concurrency`` open at a time, and acts on whatever is waiting."""
    open_cases: set[str] = set()
    acted: set[str] = set()
    acts: set[asyncio.Task[None]] = set()
    left = cases

    async def one() -> None:
        open_cases.add(await people.submit())

    def act(key: str, job: Callable[[], Awaitable[None]]) -> None:
        if key not in acted:
            acted.add(key)
            task: asyncio.Task[None] = asyncio.ensure_future(job())
            acts.add(task)
            task.add_done_callback(acts.discard)

    while left or open_cases or acts:
        starting = min(left, concurrency - len(open_cases))
        if starting > 0:
            left -= starting
            await asyncio.gather(*(one() for _ in range(starting)))
        for item in await _waiting(database, open_cases):
            kind, key, no, what = item
            if kind == "closed":
                if what != "completed":
                    raise RuntimeError(f"case {no} ended as {what}")
                open_cases.discard(no)
            elif kind == "evidence":
                act(key, lambda no=no, key=key: people.accept_evidence(no, key))  # type: ignore[misc]
            else:
                act(key, lambda key=key, what=what: people.decide(key, what))  # type: ignore[misc]
        for task in [t for t in acts if t.done()]:
            task.result()
        await asyncio.sleep(0.02)


async def _waiting(database: Database, open_cases: set[str]) -> list[tuple[str, str, str, str]]:
    if not open_cases:
        return []
    async with database.begin() as session:
        rows = await session.execute(
            text(
                "SELECT 'evidence', id, case_no, '' FROM evidence WHERE case_no = ANY(:nos) AND state = 'offered' "
                "UNION ALL SELECT 'task', id, case_no, kind FROM task WHERE case_no = ANY(:nos) AND state = 'open' "
                "UNION ALL SELECT 'closed', no, no, status FROM cases WHERE no = ANY(:nos) AND closed_at IS NOT NULL"
            ),
            {"nos": list(open_cases)},
        )
        return [(a, b, str(c).strip(), d) for a, b, c, d in rows]
