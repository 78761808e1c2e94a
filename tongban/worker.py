"""``python -m tongban worker``: roles core (interprets cases, writes the record) and province:NNNNNN (its queue)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.bills import BillActivities
from activities.insurance import InsuranceActivities
from activities.matters import MatterActivities
from activities.province import ProvinceActivities
from activities.record import RecordActivities
from adapters.entries import ConfigurationError
from catalogue.library import Library
from catalogue.medical import treatment_terms
from domain import names
from tongban.settings import Settings
from tongban.temporal import KeyRing, connect
from tongban.wiring import (
    ClearingWork,
    clearing_activities,
    configure_logging,
    open_database,
    read_ebills,
    read_insurance,
    read_provinces,
)
from workflows.case import CaseWorkflow
from workflows.clearing import CLEARING_WORKFLOWS
from workflows.medical import MATTER_WORKFLOWS
from workflows.window import WindowWorkflow

GRACE = timedelta(seconds=5)
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Work:
    """What a process can do. clearing, insurance: None where a process of a test has no need of it."""

    record: RecordActivities
    province: ProvinceActivities
    matters: MatterActivities
    clearing: ClearingWork | None = None
    insurance: InsuranceActivities | None = None
    bills: BillActivities | None = None


def build_workers(client: Client, roles: Sequence[str], work: Work, slots: int) -> list[Worker]:
    """One Temporal worker per role. A province's slots bound what it can take of this process."""
    workers = []
    for role in dict.fromkeys(roles):
        if role == "core":
            workers.append(
                Worker(
                    client,
                    task_queue=names.CORE_QUEUE,
                    workflows=[
                        CaseWorkflow,
                        WindowWorkflow,
                        *MATTER_WORKFLOWS,
                        *(CLEARING_WORKFLOWS if work.clearing else ()),
                    ],
                    activities=[
                        work.record.record,
                        work.record.record_window,
                        work.province.try_province,
                        work.matters.record_matter,
                        work.matters.run_chore,
                        *((work.bills.order_bill,) if work.bills else ()),
                        *(work.clearing.activities() if work.clearing else ()),
                    ],
                    max_cached_workflows=2000,
                    max_concurrent_workflow_tasks=100,
                    max_concurrent_local_activities=100,
                    max_concurrent_workflow_task_polls=4,
                    graceful_shutdown_timeout=GRACE,
                )
            )
        else:
            region = role.removeprefix("province:")
            queues: list[tuple[str, Callable[..., object]]] = [
                (names.province_queue(region), work.province.call_province)
            ]
            if work.insurance is not None:
                queues.append((names.insurance_queue(region), work.insurance.insurance_exchange))
            workers += [
                Worker(
                    client,
                    task_queue=queue,
                    activities=[activity],
                    max_concurrent_activities=slots,
                    max_concurrent_activity_task_polls=2,
                    graceful_shutdown_timeout=GRACE,
                )
                for queue, activity in queues
            ]
    return workers


async def run(settings: Settings, roles: Sequence[str]) -> None:
    """Works until SIGTERM or SIGINT, then lets activities under way end."""
    configure_logging(settings.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    database, provinces = open_database(settings), read_provinces(settings)
    insurance, ebills = read_insurance(settings), read_ebills(settings)
    try:
        for role in roles:
            if role != "core" and role.removeprefix("province:") not in provinces.regions:
                raise ConfigurationError(f"{settings.provinces_file}: --role {role}: no such province in the file")
        client = await _connect(settings, stop)
        if client is None:
            return
        library = Library(more=settings.services_dir)
        work = Work(
            record=RecordActivities(database),
            province=ProvinceActivities(database, provinces, settings.province_slots),
            matters=MatterActivities(database),
            clearing=clearing_activities(settings, database, library, insurance),
            insurance=InsuranceActivities(database, insurance),
            bills=BillActivities(database, ebills, treatment_terms().lock_days),
        )
        workers = build_workers(client, roles, work, settings.province_slots)
        log.info("working", roles=list(roles))
        async with asyncio.TaskGroup() as group:
            group.create_task(work.province.desks.keep_telling(database, stop))
            for worker in workers:
                group.create_task(worker.run())
            await stop.wait()
            for worker in workers:
                group.create_task(worker.shutdown())
    finally:
        for platform in (insurance, ebills):
            if platform is not None:
                await platform.aclose()
        await provinces.aclose()
        await database.aclose()


async def _connect(settings: Settings, stop: asyncio.Event) -> Client | None:
    """Waits for Temporal: a worker that starts first is no error."""
    keys = KeyRing.read(settings.payload_keys_file)
    pause = 0.2
    while not stop.is_set():
        try:
            return await connect(keys, sandbox=settings.sandbox)
        except (RPCError, RuntimeError) as error:
            log.info("waiting_for_temporal", error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)
    return None
