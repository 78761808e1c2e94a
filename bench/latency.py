"""API latency: submit, status and the list with every filter, while the database holds many cases."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from sqlalchemy import text

from bench.ours import CITIZEN, CLERK, ThroughApi, upload
from bench.throughput import _login
from domain.identifiers import case_number
from domain.messages import Actor, Role
from models.cases import grams
from tongban.settings import Settings
from tongban.stack import parts
from tongban.stack.stack import Stack
from tongban.wiring import open_house

COORDINATOR = Actor(subject="bench-coordinator", role=Role.COORDINATOR)
BATCH = 2000
SHARE_OF_CLERK = 10  # every tenth case lies in Suzhou
STATUSES = ("received", "under_review", "completed", "decided_refused", "certificate_making")
WAITERS = (("applicant", ""), ("department", "320500"), ("province", "340100"), ("department", "330100"), ("", ""))


def run(stored: int, out: Console, data_dir: Path) -> dict[str, Any]:
    """Fills the database, then asks one question at a time, then twenty at a time."""
    wanted = parts.ALL
    with Stack(data_dir, usual_ports=False, parts=wanted) as stack:
        import os

        os.environ.update(stack.settings)
        return asyncio.run(_measure(stack, stored, out))


async def _measure(stack: Stack, stored: int, out: Console) -> dict[str, Any]:
    async with open_house(Settings()) as house:
        documents = await upload(house)
        async with httpx.AsyncClient(base_url=stack.api_url, timeout=60) as client:
            api = ThroughApi(client, _login(stack, CITIZEN), _login(stack, CLERK), documents)
            template = await api.submit()
            await asyncio.sleep(2)
            await _fill(house.database, template, stored, out)
            questions = _questions(client, stack, api, template)
            result: dict[str, Any] = {"stored_cases": stored, "ms": {}}
            for name, (ask, times) in questions.items():
                await ask()
                result["ms"][name] = await _percentiles(ask, times)
                out.print(f"{name}: {result['ms'][name]}", highlight=False)
            return result


def _questions(
    client: httpx.AsyncClient, stack: Stack, api: ThroughApi, template: str
) -> dict[str, tuple[Callable[[], Awaitable[Any]], int]]:
    clerk, citizen, all_of_it = api.clerk, api.citizen, _login(stack, COORDINATOR)

    def get(path: str, headers: dict[str, str]) -> Callable[[], Awaitable[Any]]:
        async def ask() -> None:
            (await client.get(path, headers=headers)).raise_for_status()

        return ask

    questions: dict[str, tuple[Callable[[], Awaitable[Any]], int]] = {
        "submit": (api.submit, 100),
        "status": (get(f"/v1/cases/{template}", citizen), 200),
        "events": (get(f"/v1/cases/{template}/events", citizen), 200),
        "tasks": (get("/v1/tasks", clerk), 200),
    }
    filters = {
        "none": "",
        "service": "service=YRD-ENT-MOVE",
        "status": "status=under_review",
        "status_rare": "status=not_accepted",
        "region": "region=330100",
        "waiting_on": "waiting_on=applicant",
        "waiting_on_region": "waiting_on=province:340000",
        "overdue": "overdue=true",
        "not_overdue": "overdue=false",
        "text": "text=%E7%A4%BA%E4%BE%8B99",
        "text_number": f"text={template[-6:]}",
        "text_none": "text=%E4%B8%8D%E5%AD%98%E5%9C%A8%E7%9A%84",
        "everything": "service=YRD-ENT-MOVE&status=under_review&waiting_on=department&overdue=true"
        "&text=%E7%A4%BA%E4%BE%8B",
    }
    for who, headers in (("clerk", clerk), ("citizen", citizen), ("coordinator", all_of_it)):
        for name, query in filters.items():
            questions[f"list {who} {name}"] = (get(f"/v1/cases?{query}", headers), 40)
    return questions


async def _percentiles(ask: Callable[[], Awaitable[Any]], times: int) -> dict[str, float]:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        await ask()
        found.append((time.perf_counter() - started) * 1000)
    found.sort()
    return {f"p{p}": round(found[min(len(found) - 1, len(found) * p // 100)], 2) for p in (50, 95, 99)}


async def _fill(database: Any, template: str, stored: int, out: Console) -> None:
    """Copies of one real case under numbers, owners, places, states and dates of their own."""
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    for first in range(0, stored, BATCH):
        rows = []
        for i in range(first, min(first + BATCH, stored)):
            region = "320500" if i % SHARE_OF_CLERK == 0 else ("330100", "340100", "310115", "320100")[i % 4]
            who, where = WAITERS[i % len(WAITERS)]
            status = STATUSES[i % len(STATUSES)]
            at = now - timedelta(minutes=i + 1)
            no = case_number(region, at.date(), "pc", "ENTMOV", 1_000_000 + i)
            subject = f"合肥示例{i}新材料有限公司"
            rows.append(
                {
                    "no": no,
                    "region": region,
                    "owner": CITIZEN.subject if i % 100 == 0 else hashlib.sha256(str(i).encode()).hexdigest()[:20],
                    "subject": subject,
                    "status": status,
                    "who": who,
                    "where": where,
                    "at": at,
                    "due": at + timedelta(days=5) if status != "completed" else None,
                    "closed": at if status in {"completed", "decided_refused"} else None,
                    "grams": grams(subject, no),
                }
            )
        async with database.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO cases (no, service, version, plan_digest, owner, channel, subject, status, reason, "
                    "waiting_who, waiting_region, waiting_department, progress, due_at, created_at, updated_at, "
                    "closed_at, recorded, events, head) SELECT :no, service, version, plan_digest, :owner, channel, "
                    ":subject, :status, '', :who, :where, '', progress, :due, :at, :at, :closed, recorded, events, "
                    "head "
                    "FROM cases WHERE no = '" + template + "'"
                ),
                rows,
            )
            await session.execute(
                text(
                    "INSERT INTO application SELECT :no, form, documents, digest, case_plan, :grams "
                    "FROM application WHERE case_no = '" + template + "'"
                ),
                rows,
            )
            await session.execute(
                text(
                    "INSERT INTO case_party "
                    "VALUES (:region, 'market_regulation', :at, :no), ('340100', 'tax', :at, :no)"
                ),
                rows,
            )
        if first % (BATCH * 10) == 0:
            out.print(f"  {first + len(rows)} of {stored} cases stored", highlight=False)
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
