"""The API with its workflows over a real Temporal and PostgreSQL; the insurance platform answers in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from activities.matters import MatterActivities
from domain import names
from domain.medical import Exchange, ExchangeOutcome
from models.database import Database
from models.matters import read_matter
from tests.fixtures.databases import Cluster
from tests.fixtures.houses import ISSUER, Caller, Office, open_office
from tests.fixtures.running import eventually
from tests.recognition.sick import CERTIFICATE, HOME, HOSPITAL, PLACE, PSN_NO, Platform, row
from tongban.stack.keys import AUDIENCE, sign_token
from tongban.stack.stack import Stack
from tongban.temporal import KeyRing, plugin
from workflows.medical import MATTER_WORKFLOWS


class Clinic(Office):
    """Hospitals, patients, and the platform of the place that holds the reports."""

    database: Database
    platform: Platform
    gate: asyncio.Event

    @activity.defn(name=names.INSURANCE_ACTIVITY)
    async def insurance_exchange(self, exchange: Exchange) -> ExchangeOutcome:
        """As the adapter's: what is personal comes from the form of the matter."""
        await self.gate.wait()
        async with self.database.begin() as session:
            matter = await read_matter(session, exchange.no)
        assert matter is not None
        parts = {k: v for part in exchange.parts for k, v in matter.form[part].items()}
        return self.platform.answer(exchange, psn_no=parts["psn_no"])

    def doctor(self, subject: str = "doctor-1", institution: str = HOSPITAL) -> Caller:
        """A user of an institution."""
        return self.login("institution", PLACE, institution, subject)

    def patient(self, number: str = CERTIFICATE, subject: str = "patient-1") -> Caller:
        """A citizen whose number the login has verified."""
        token = sign_token(
            self.logins.secrets.signing_key,
            issuer=ISSUER,
            audience=AUDIENCE,
            subject=subject,
            hours=1,
            claims={"role": "citizen", "id_number": number},
        )
        return self.caller(token)

    async def ask(self, doctor: Caller, *items: str, **more: Any) -> str:
        """A recognition; its number."""
        answer = await doctor.post("/v1/medical/recognitions", json=asked(*items) | more)
        assert answer.status_code == 201, answer.text
        no = str(answer.json()["no"])
        await eventually(lambda: self._recorded(no), bool)
        return no

    async def _recorded(self, no: str) -> int:
        async with self.database.begin() as session:
            matter = await read_matter(session, no)
        return matter.recorded if matter else 0

    async def see(self, who: Caller, no: str) -> dict[str, Any]:
        """The recognition as this caller reads it."""
        answer = await who.get(f"/v1/medical/recognitions/{no}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def agree(self, patient: Caller, no: str, *, status: str = "deciding") -> None:
        """The patient consents, and the reports come."""
        version = (await self.see(patient, no))["consent_text"]["version"]
        body = {"granted": True, "version": version}
        answer = await patient.post(f"/v1/medical/recognitions/{no}/consent", json=body)
        assert answer.status_code == 200, answer.text
        await eventually(lambda: self.see(patient, no), lambda shown: shown["status"] == status)

    async def decide(self, doctor: Caller, no: str, report: str, decision: str, **more: str) -> Any:
        body = {"report": report, "decision": decision} | more
        return await doctor.post(f"/v1/medical/recognitions/{no}/decisions", json=body)


def asked(*items: str, **more: Any) -> dict[str, Any]:
    """What a doctor asks for."""
    return {
        "patient": {"certificate_no": CERTIFICATE, "psn_no": PSN_NO},
        "insured": HOME,
        "insutype": "310",
        "sources": [HOME],
        "items": list(items) or ["CT-CHEST", "LAB-HBA1C"],
        "institution_name": "上海示例医院",
    } | more


@pytest.fixture(scope="session")
def temporal(folders: Callable[[str], Path]) -> Iterator[Stack]:
    """Temporal alone."""
    with Stack(folders("clinic"), parts={"temporal"}, usual_ports=False, say=lambda _line: None) as stack:
        yield stack


@pytest_asyncio.fixture(scope="session")
async def clinic_for_all(
    temporal: Stack, cluster: Cluster, closed_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Clinic]:
    client = await Client.connect(
        temporal.temporal_address, plugins=[plugin(KeyRing.read(temporal.secrets.payload_keys), sandbox=True)]
    )
    folder, database = tmp_path_factory.mktemp("clinic"), Database(cluster.url(await cluster.create()), 12)
    urls = dict.fromkeys(("310000", "320000", "330000", "340000"), f"http://127.0.0.1:{closed_port}")
    async with open_office(database, temporal.secrets, client, folder, urls) as office:
        made = Clinic(office.house, office.logins, office._transport, "http://api.test")
        made.database, made.platform, made.gate = database, Platform(), asyncio.Event()
        worker = Worker(
            client,
            task_queue=names.CORE_QUEUE,
            workflows=list(MATTER_WORKFLOWS),
            activities=[MatterActivities(database).record_matter, made.insurance_exchange],
        )
        async with worker:
            yield made
            made.gate.set()
        await made.aclose()
    await database.aclose()


@pytest.fixture
def clinic(clinic_for_all: Clinic) -> Clinic:
    """With two reports that can be recognised, as of today."""
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    reports = [row("RPT-1", now=now), row("RPT-2", "LAB-HBA1C", days=5, now=now)]
    clinic_for_all.platform = Platform({HOME: [_this_year(report) for report in reports]})
    clinic_for_all.gate.set()
    return clinic_for_all


def _this_year(report: dict[str, Any]) -> dict[str, Any]:
    """Under a certificate that holds on the day, whenever the test runs."""
    year = report["exam_time"][:4]
    return report | {"qc_begndate": f"{year}-01-01", "qc_enddate": f"{year}-12-31"}
