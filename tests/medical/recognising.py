"""A recognition that belongs to a stay, up to where the doctor decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.fixtures.running import eventually
from tests.insurance.places import Person
from tests.medical.ward import Bedside, Ward

Shown = Callable[[], Awaitable[dict[str, Any]]]


async def asked_for(ward: Ward, stay: Bedside, person: Person, item: str) -> tuple[str, Shown, list[dict[str, Any]]]:
    """Asked by the hospital, agreed to by the patient: the address, what it shows now, and the reports found."""
    patient = ward.patient(person)
    asked = {
        "patient": {"certificate_no": person.certno, "psn_no": person.psn_no},
        "insured": person.area,
        "insutype": person.insutype,
        "sources": [person.area],
        "items": [item],
        "institution_name": "示例徐汇综合医院",
        "about": stay.no,
    }
    made = await stay.doctor.post("/v1/medical/recognitions", json=asked)
    assert made.status_code == 201, made.text
    path = f"/v1/medical/recognitions/{made.json()['no']}"

    async def shown() -> dict[str, Any]:
        return dict((await patient.get(path)).json())

    text = (await eventually(shown, lambda now: now.get("consent_text")))["consent_text"]
    agreed = await eventually(
        lambda: patient.post(f"{path}/consent", json={"granted": True, "version": text["version"]}),
        lambda answer: answer.status_code == 200,
    )
    assert agreed.status_code == 200
    return path, shown, (await eventually(shown, lambda now: now["status"] == "deciding"))["reports"]
