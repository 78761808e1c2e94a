"""The API with its workflows over a real Temporal and PostgreSQL, and the simulated insurance platforms as programs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.worker import Worker

from activities.insurance import InsuranceActivities
from activities.matters import MatterActivities
from domain import names
from domain.medical.interface import InsuranceAnswer, InsuranceMessage
from models.database import Database
from models.matters import read_matter
from tests.fixtures.databases import Cluster
from tests.fixtures.houses import ISSUER, Caller, Office, open_office
from tests.fixtures.running import eventually
from tests.insurance.places import Person, Town, hospital
from tests.recognition.sick import HOSPITAL, PLACE, row
from tongban.stack.keys import AUDIENCE, sign_token
from tongban.stack.stack import Stack
from tongban.temporal import KeyRing, plugin
from workflows.recognition import RecognitionWorkflow

_AREAS = [f"34{n:02}00" for n in (*range(1, 9), 10, 11, 12, 13, 15, 16, 17, 18)]
_people = (Person(area, who) for who in ("employee", "retired", "resident") for area in _AREAS)
_reports = itertools.count(1)


class Gate:
    """The way to the platforms, with a barrier on it; ``sent``: what has passed."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.open = asyncio.Event()
        self.sent: list[InsuranceMessage] = []

    async def send(self, message: InsuranceMessage) -> InsuranceAnswer:
        await self.open.wait()
        self.sent.append(message)
        return await self.town.gate.send(message)


class Clinic(Office):
    """Hospitals, patients, and the platforms of the places that hold the reports."""

    database: Database
    gate: Gate

    async def somebody(self, *more: dict[str, Any]) -> Person:
        """A person nobody has treated yet, with a CT and a blood test at home, and ``more`` reports."""
        person = next(_people)
        await self.report(person, "CT-CHEST", days=3)
        await self.report(person, "LAB-HBA1C", days=5)
        for changes in more:
            await self.report(person, **changes)
        return person

    async def report(self, person: Person, item: str, *, days: int = 2, **changes: str) -> None:
        """The hospital at home uploads a report, with its conclusion."""
        listed = row(f"{person.area}-{next(_reports)}", item, days=days, now=datetime.now(UTC))
        year = listed["exam_time"][:4]  # a certificate that holds on the day, whenever the test runs
        listed |= {"qc_begndate": f"{year}-01-01", "qc_enddate": f"{year}-12-31"} | changes
        body = {k: v for k, v in listed.items() if k not in {"rpt_type", "fixmedins_code", "fixmedins_name"}}
        body |= {"result": "影像号 1001", "conclusion": "SECRET"}
        body.setdefault("certno", person.certno)
        code = hospital(person.area)
        await self.gate.town.ask("4501", body, person, place=person.area, institution=code)

    def doctor(self, subject: str = "doctor-1", institution: str = HOSPITAL) -> Caller:
        """A user of an institution."""
        return self.login("institution", PLACE, institution, subject)

    def patient(self, person: Person | str) -> Caller:
        """A citizen whose number the login has verified."""
        number = person if isinstance(person, str) else person.certno
        token = sign_token(
            self.logins.secrets.signing_key,
            issuer=ISSUER,
            audience=AUDIENCE,
            subject=f"login-{names.person_digest(number)[2:14]}",
            hours=1,
            claims={"role": "citizen", "id_number": number},
        )
        return self.caller(token)

    async def ask(self, doctor: Caller, person: Person, *items: str, **more: Any) -> str:
        """A recognition; its number."""
        self.gate.sent.clear()
        answer = await doctor.post("/v1/medical/recognitions", json=asked(person, *items) | more)
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


def asked(person: Person, *items: str, **more: Any) -> dict[str, Any]:
    """What a doctor asks for."""
    return {
        "patient": {"certificate_no": person.certno, "psn_no": person.psn_no},
        "insured": person.area,
        "insutype": person.insutype,
        "sources": [person.area],
        "items": list(items) or ["CT-CHEST", "LAB-HBA1C"],
        "institution_name": "上海示例医院",
    } | more


@pytest.fixture(scope="session")
def temporal(folders: Callable[[str], Path]) -> Iterator[Stack]:
    """Temporal alone."""
    with Stack(folders("clinic"), parts={"temporal"}, usual_ports=False, say=lambda _line: None) as stack:
        yield stack


@pytest_asyncio.fixture(scope="session")
async def platforms(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """The four insurance platforms and the hub."""
    made = Town(tmp_path_factory.mktemp("platforms"))
    yield made
    assert await made.close() == [0] * 5


@pytest_asyncio.fixture(scope="session")
async def clinic_for_all(
    temporal: Stack, cluster: Cluster, platforms: Town, closed_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Clinic]:
    client = await Client.connect(
        temporal.temporal_address, plugins=[plugin(KeyRing.read(temporal.secrets.payload_keys), sandbox=True)]
    )
    folder, database = tmp_path_factory.mktemp("clinic"), Database(cluster.url(await cluster.create()), 12)
    urls = dict.fromkeys(("310000", "320000", "330000", "340000"), f"http://127.0.0.1:{closed_port}")
    async with open_office(database, temporal.secrets, client, folder, urls) as office:
        made = Clinic(office.house, office.logins, office._transport, "http://api.test")
        made.database, made.gate = database, Gate(platforms)
        insurance = InsuranceActivities(database, made.gate)
        worker = Worker(
            client,
            task_queue=names.CORE_QUEUE,
            workflows=[RecognitionWorkflow],
            activities=[MatterActivities(database).record_matter],
        )
        queue = names.insurance_queue(PLACE)
        counter = Worker(client, task_queue=queue, activities=[insurance.insurance_exchange])
        async with worker, counter:
            yield made
            made.gate.open.set()
        await made.aclose()
    await database.aclose()


@pytest.fixture
def clinic(clinic_for_all: Clinic) -> Clinic:
    """With the way to the platforms open."""
    clinic_for_all.gate.open.set()
    return clinic_for_all
