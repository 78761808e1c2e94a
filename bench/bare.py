"""The yardstick: a bare Temporal workflow with the same external effects and waits, and nothing else.

Eight HTTP effects through the provinces' queues (two offers, two releases, tax, file, registration, licence), each with
the questions for its end where that comes later, and four human messages as updates. No database, no audit, no
idempotency, no encryption, no deadlines.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel

    from adapters.registry import open_provinces
    from domain.effects import AnswerStatus, ProvinceCall, Verb

QUEUE = "bare-core"
TIMEOUT = timedelta(seconds=30)
ID_LENGTH = 16
HOLDER = {"holder_id": "310199199001010018", "holder_name": "测试·甲"}
SHAREHOLDER = {"holder_id": "91330100XXXX00035F", "holder_name": "杭州示例投资有限公司"}
COMPANY = {"uscc": "91340100XXXX00043E", "company_name": "合肥示例新材料有限公司", "destination": "320500"}
WITH_ADDRESS = {**COMPANY, "new_address": "苏州市工业园区示例路1号"}

EFFECTS: dict[str, tuple[Verb, str, str, str, dict[str, str]]] = {
    "offer_1": (Verb.OFFER, "310000", "big_data", "legal_representative_licence", HOLDER),
    "offer_2": (Verb.OFFER, "330000", "market_regulation", "business_licence", SHAREHOLDER),
    "fetch_1": (Verb.FETCH, "310000", "big_data", "legal_representative_licence", HOLDER),
    "fetch_2": (Verb.FETCH, "330000", "market_regulation", "business_licence", SHAREHOLDER),
    "tax": (Verb.SUBMIT, "340100", "tax", "tax_clearance", COMPANY),
    "archive": (Verb.SUBMIT, "340100", "market_regulation", "archive_handover", COMPANY),
    "register": (Verb.SUBMIT, "320500", "market_regulation", "move_registration", WITH_ADDRESS),
    "licence": (Verb.SUBMIT, "320500", "market_regulation", "business_licence_issue", WITH_ADDRESS),
}


def bare_queue(region: str) -> str:
    """A province's queue of the yardstick."""
    return f"bare-{region[:2]}0000"


def bare_key(workflow_id: str, effect: str) -> str:
    """A key for every effect; its beginning is what a province without keys is searched by, so it has to differ."""
    return hashlib.sha256(f"{workflow_id}/{effect}".encode()).hexdigest()


class Bare(BaseModel):
    """What an effect has come to: its number, or how long to wait before asking."""

    reference: str = ""
    wait_s: int = 0


@workflow.defn
class BareCase:
    def __init__(self) -> None:
        self._stage = 0
        self._told: set[str] = set()

    @workflow.run
    async def run(self) -> str:
        await asyncio.gather(self._effect("offer_1"), self._effect("offer_2"))
        self._stage = 1
        await asyncio.gather(self._evidence("1"), self._evidence("2"), self._acceptance())
        self._stage = 2
        await workflow.wait_condition(lambda: "decide" in self._told)
        await self._effect("register")
        number = await self._effect("licence")
        await workflow.wait_condition(workflow.all_handlers_finished)
        return number

    async def _evidence(self, which: str) -> None:
        await workflow.wait_condition(lambda: f"evidence_{which}" in self._told)
        await self._effect(f"fetch_{which}")

    async def _acceptance(self) -> None:
        await workflow.wait_condition(lambda: "accept" in self._told)
        await asyncio.gather(self._effect("tax"), self._effect("archive"))

    async def _effect(self, name: str) -> str:
        asked = False
        while True:
            answer: Bare = await workflow.execute_activity(
                "bare_effect",
                args=[workflow.info().workflow_id, name, asked],
                task_queue=bare_queue(EFFECTS[name][1]),
                result_type=Bare,
                start_to_close_timeout=TIMEOUT,
            )
            if not answer.wait_s:
                return answer.reference
            asked = True
            await asyncio.sleep(answer.wait_s)

    @workflow.update
    async def tell(self, what: str) -> str:
        """A person has acted; answered when the case is where the act counts."""
        stage = 2 if what == "decide" else 1
        await workflow.wait_condition(lambda: self._stage >= stage)
        self._told.add(what)
        return what


class BareEffects:
    def __init__(self, provinces_file: Path) -> None:
        self._provinces = open_provinces(provinces_file)

    @activity.defn(name="bare_effect")
    async def effect(self, workflow_id: str, name: str, asked: bool) -> Bare:
        """One HTTP exchange by the same adapter: the effect, or the question for its end where that comes later."""
        verb, region, department, operation, payload = EFFECTS[name]
        adapter = self._provinces.for_place(region)
        call = ProvinceCall(
            verb=verb,
            region=region,
            department=department,
            operation=operation,
            key="" if verb is Verb.OFFER else bare_key(workflow_id, name),
            case_no=workflow_id,
            leg="bare",
            step=name,
            payload=payload,
        )
        answer = await adapter.find(call) if asked else await adapter.call(call)
        if answer is None:
            raise RuntimeError(f"{name} is forgotten")
        if answer.status is AnswerStatus.PENDING:
            return Bare(wait_s=answer.poll_after_s)
        if answer.status is AnswerStatus.REJECTED:
            raise RuntimeError(f"{name} rejected: {answer.reasons}")
        return Bare(reference=answer.reference)


async def connect_bare() -> Client:
    """The same server, without codec."""
    return await Client.connect(**ClientConfig.load_client_connect_config(), data_converter=pydantic_data_converter)


async def work(role: str, provinces_file: Path) -> None:
    """The same processes as ours: one for workflows, one for all provinces."""
    client = await connect_bare()
    if role == "core":
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[BareCase],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=2000,
            max_concurrent_workflow_tasks=100,
            max_concurrent_workflow_task_polls=4,
        )
        await worker.run()
        return
    effects = BareEffects(provinces_file)
    workers = [
        Worker(
            client,
            task_queue=bare_queue(region),
            activities=[effects.effect],
            max_concurrent_activities=20,
            max_concurrent_activity_task_polls=2,
        )
        for region in ("310000", "320000", "330000", "340000")
    ]
    await asyncio.gather(*(worker.run() for worker in workers))


def main() -> None:
    """``python -m bench.bare core|provinces PROVINCES_FILE``"""
    asyncio.run(work(sys.argv[1], Path(sys.argv[2])))


def run_id() -> str:
    """A workflow id of hex digits: it is the beginning of its keys."""
    return os.urandom(ID_LENGTH // 2).hex()


if __name__ == "__main__":
    main()
