"""The platforms of insurance and e-bills as programs, and a running product between them, one set for this folder."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
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
from catalogue.medical import treatment_terms
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
PLUGINS = [plugin(KeyRing("test", {"test": bytes(32)}), sandbox=False)]
BIN = Path(sys.executable).parent
ROLES = ["core", "province:310000", "province:340000"]


class Parts:
    """What every product of this folder is made of."""

    def __init__(self, database: Database, secrets: Secrets, closed_port: int, town: Town, ebills: Program) -> None:
        self.database, self.secrets, self.town, self.ebills = database, secrets, town, ebills
        self.urls = dict.fromkeys(names.PROVINCES, f"http://127.0.0.1:{closed_port}")

    @asynccontextmanager
    async def at_work(self, temporal: WorkflowEnvironment, folder: Path) -> AsyncIterator[Ward]:
        """The API, and workers for everything."""
        database, ebills = self.database, self.ebills.ours
        async with AsyncExitStack() as stack:
            office = await stack.enter_async_context(
                open_office(database, self.secrets, temporal.client, folder, self.urls, ebills=ebills)
            )
            provinces = open_provinces(folder / "provinces.json")
            stack.push_async_callback(provinces.aclose)
            work = Work(
                record=RecordActivities(database),
                province=ProvinceActivities(database, provinces, 1),
                matters=MatterActivities(database),
                insurance=InsuranceActivities(database, self.town.gate),
                bills=BillActivities(database, ebills, treatment_terms().lock_days),
            )
            for worker in build_workers(temporal.client, ROLES, work, 8):
                await stack.enter_async_context(worker)
            yield Ward(office, self.town, self.ebills, temporal)


@pytest_asyncio.fixture(scope="session")
async def parts(cluster: Cluster, secrets_: Secrets, closed_port: int, shared_town: Town) -> AsyncIterator[Parts]:
    """One new database; each test brings people of its own."""
    database = Database(cluster.url(await cluster.create()), 20)
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as books:
        ebills = Program(Path(books))
        yield Parts(database, secrets_, closed_port, shared_town, ebills)
        await ebills.stop()
    await database.aclose()


@pytest_asyncio.fixture(scope="session")
async def product(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ward]:
    """Over a Temporal like the real thing, of its own."""
    temporal = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(BIN / "temporal"), dev_server_log_level="error", plugins=PLUGINS
    )
    async with temporal, parts.at_work(temporal, tmp_path_factory.mktemp("ward")) as made:
        yield made


@pytest_asyncio.fixture
async def ward(product: Ward, town: Town) -> Ward:
    """With no fault left from another test."""
    await product.ebills.controls.delete("/sim/faults")
    return product


@pytest_asyncio.fixture
async def patient_ward(parts: Parts, town: Town, tmp_path: Path) -> AsyncIterator[Ward]:
    """The same over a Temporal whose days pass as they are told to."""
    temporal = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(BIN / "temporal-test-server"), plugins=PLUGINS
    )
    async with temporal, parts.at_work(temporal, tmp_path) as made:
        yield made
