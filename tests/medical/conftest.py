"""The platforms of insurance and e-bills as programs, and a running product between them, one set for this folder."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from activities.bills import BillActivities
from activities.insurance import InsuranceActivities
from activities.matters import MatterActivities
from activities.province import ProvinceActivities
from activities.record import RecordActivities
from adapters.registry import open_provinces
from domain import names
from models.database import Database
from tests.bills.conftest import IN_MEMORY
from tests.bills.places import Program
from tests.fixtures.databases import Cluster
from tests.fixtures.houses import open_office
from tests.insurance.conftest import shared_town, somebody, town
from tests.insurance.places import Town
from tests.medical.ward import Ward
from tongban.stack.keys import Secrets
from tongban.temporal import KeyRing, plugin
from tongban.worker import Work, build_workers

__all__ = ["shared_town", "somebody", "town"]


@pytest_asyncio.fixture(scope="session")
async def product(
    cluster: Cluster, secrets_: Secrets, closed_port: int, shared_town: Town, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ward]:
    """Over one new database and a Temporal of its own; each test brings people of its own."""
    folder, database = tmp_path_factory.mktemp("ward"), Database(cluster.url(await cluster.create()), 20)
    urls = dict.fromkeys(names.PROVINCES, f"http://127.0.0.1:{closed_port}")
    async with AsyncExitStack() as stack:
        temporal = await stack.enter_async_context(
            await WorkflowEnvironment.start_local(
                dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
                dev_server_log_level="error",
                plugins=[plugin(KeyRing("test", {"test": bytes(32)}), sandbox=False)],
            )
        )
        books = stack.enter_context(tempfile.TemporaryDirectory(dir=IN_MEMORY))
        ebills = Program(Path(books))
        office = await stack.enter_async_context(
            open_office(database, secrets_, temporal.client, folder, urls, ebills=ebills.ours)
        )
        provinces = open_provinces(folder / "provinces.json")
        work = Work(
            record=RecordActivities(database),
            province=ProvinceActivities(database, provinces, 1),
            matters=MatterActivities(database),
            insurance=InsuranceActivities(database, shared_town.gate),
            bills=BillActivities(database, ebills.ours, office.house.library.ebills.lock.days),
        )
        roles = ["core", "province:310000", "province:340000"]
        for worker in build_workers(temporal.client, roles, work, 8):
            await stack.enter_async_context(worker)
        yield Ward(office, shared_town, ebills)
        await provinces.aclose()
        await ebills.stop()
    await database.aclose()


@pytest_asyncio.fixture
async def ward(product: Ward, town: Town) -> Ward:
    """With no fault left from another test."""
    await product.ebills.controls.delete("/sim/faults")
    return product
