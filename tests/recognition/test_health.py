"""Health data are read with consent, by duty, in treatment or in an emergency; each reading is logged and told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.usecases.health import may_read_health
from domain.errors import Refusal
from domain.medical.access import Basis, Consent, DataKind, Purpose, Subject, ground_for
from domain.messages import Actor, Role
from domain.names import person_digest
from models.database import Database
from models.health_access import ONE_READING, note_read, reads_about
from models.matters import read_matter
from tests.api.test_problems import is_problem
from tests.fixtures.houses import Caller
from tests.fixtures.running import eventually
from tests.recognition.conftest import Clinic
from tests.recognition.sick import CERTIFICATE, DOCTOR, HOME, HOSPITAL, NOW, PATIENT, PLACE, STRANGER

ME = person_digest(CERTIFICATE)
AGENCY = Actor(subject="clerk", role=Role.CASEWORKER, region="340500", department="medical_insurance")


def subject(kind: str = "stay", **changes: Any) -> Subject:
    content = {
        "matter": "m1",
        "kind": kind,
        "person": ME,
        "owner": "doctor-1",
        "institutions": (HOSPITAL,),
        "regions": (HOME, PLACE),
    }
    return Subject.model_validate(content | changes)


def consent(**changes: Any) -> Consent:
    content = {
        "id": "c1",
        "person": ME,
        "purpose": Purpose.RECORDS,
        "scope": ("stay", "recognition"),
        "institutions": (STRANGER.department, HOSPITAL),
        "text_version": "1",
        "granted_at": NOW,
    }
    return Consent.model_validate(content | changes)


def basis(actor: Actor, about: Subject, *consents: Consent, **more: str) -> str:
    try:
        return ground_for(actor, about, consents, **more).basis.value
    except Refusal as refusal:
        return refusal.code


def test_a_person_reads_his_own_and_nobody_elses() -> None:
    assert basis(PATIENT, subject(), own=ME) == "own"
    assert basis(PATIENT, subject(owner="patient-1")) == "own"
    assert basis(PATIENT, subject(), own=person_digest("310199199001010018")) == "not_found"
    assert basis(PATIENT, subject()) == "not_found"


def test_the_institution_that_treats_reads_its_stay_but_recognitions_with_consent_alone() -> None:
    assert basis(DOCTOR, subject()) == "treatment"
    assert basis(DOCTOR, subject("recognition")) == "health_consent_required"
    assert basis(DOCTOR, subject("recognition"), consent()) == "consent"
    assert basis(DOCTOR, subject("recognition"), consent(withdrawn_at=NOW)) == "health_consent_required"


def test_another_institution_reads_with_consent_or_in_an_emergency() -> None:
    assert basis(STRANGER, subject()) == "not_found"
    assert basis(STRANGER, subject(), consent()) == "consent"
    for narrower in (
        {"scope": ("bill",)},
        {"institutions": (HOSPITAL,)},
        {"person": "p:other"},
        {"matter": "m2"},
        {"provinces": ("320000",)},
        {"withdrawn_at": NOW},
    ):
        assert basis(STRANGER, subject(), consent(**narrower)) == "not_found"
    assert basis(STRANGER, subject(), consent(provinces=("340000",), matter="m1")) == "consent"
    assert basis(STRANGER, subject(), emergency_reason="患者昏迷，抢救") == "emergency"
    assert basis(STRANGER, subject(), emergency_reason=" x ") == "reason_required"


def test_the_agency_reads_by_duty_where_it_answers_and_other_departments_do_not() -> None:
    assert basis(AGENCY, subject()) == "legal_duty"
    assert basis(AGENCY.model_copy(update={"region": "330100"}), subject()) == "not_found"
    assert basis(AGENCY.model_copy(update={"department": "market_regulation"}), subject()) == "not_found"
    for role in (Role.COORDINATOR, Role.AUDITOR, Role.OPERATOR, Role.INTEGRATOR):
        assert basis(Actor(subject="x", role=role), subject(), consent(), emergency_reason="紧急情况") == "not_found"


@given(
    st.sampled_from(list(Role)),
    st.sampled_from(["", HOSPITAL, STRANGER.department, "medical_insurance"]),
    st.sampled_from(list(DataKind)),
    st.lists(st.sampled_from([consent(withdrawn_at=NOW), consent(person="p:other"), consent(scope=())]), max_size=3),
)
def test_a_consent_that_is_withdrawn_or_anothers_opens_nothing(
    role: Role, department: str, kind: DataKind, useless: list[Consent]
) -> None:
    actor = Actor(subject="somebody", role=role, region="310104", department=department)
    assert basis(actor, subject(kind), *useless) == basis(actor, subject(kind))


async def log(who: Caller, **query: int) -> dict[str, Any]:
    answer = await who.get("/v1/medical/access-log", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_each_look_at_the_reports_is_logged_and_the_patient_sees_who_when_and_why(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    patient, no = clinic.patient(person), await clinic.ask(doctor, person)
    assert (await log(patient))["reads"] == []
    before = await clinic.see(doctor, no)  # nothing to read yet
    assert (before["reports"], before["reports_hidden"]) == ([], False)
    await clinic.agree(patient, no)
    assert len((await clinic.see(doctor, no))["reports"]) == 2
    await clinic.see(clinic.doctor("doctor-9"), no)
    reads = (await log(patient))["reads"]
    assert [(r["matter"], r["what"], r["basis"], r["by"]["department"]) for r in reads] == [
        (no, "recognition", "consent", HOSPITAL)
    ] * 2
    assert len({r["reader"] for r in reads}) == 2
    assert "doctor" not in str(reads)
    assert reads[0]["basis_text"]["zh"] == "依据您的同意"
    first = await log(patient, limit=1)
    assert (await log(patient, before=first["next"], limit=1))["reads"] == reads[1:]
    is_problem(await clinic.citizen().get("/v1/medical/access-log"), 403, "identity_not_verified")
    is_problem(await doctor.get("/v1/medical/access-log"), 403, "forbidden")


async def test_after_withdrawal_the_reports_are_hidden_and_an_emergency_opens_them_and_is_told(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    patient, no = clinic.patient(person), await clinic.ask(doctor, person)
    await clinic.agree(patient, no)
    await clinic.decide(doctor, no, "r1", "recognise")
    answer = await patient.post(f"/v1/medical/recognitions/{no}/consent", json={"granted": False})
    assert answer.json()["status"] == "withdrawn"
    hidden = await clinic.see(doctor, no)
    assert (hidden["reports"], hidden["reports_hidden"]) == ([], True)
    mine = (await clinic.see(patient, no))["reports"]
    assert [r["result"] for r in mine] == [
        "影像号 1001",
        "",
    ]  # nobody decided about the second, it is not shown any more
    told = len((await log(patient))["notices"])
    path = f"/v1/medical/recognitions/{no}/emergency"
    is_problem(await doctor.post(path, json={"reason": "急"}), 422, "reason_required")
    opened = await doctor.post(path, json={"reason": "患者昏迷，须了解检查史"})
    assert len(opened.json()["reports"]) == 2
    notices = (await log(patient))["notices"]
    assert len(notices) == told + 1
    newest = notices[0]
    assert (newest["seen_at"], newest["read"]["reason"]) == (None, "患者昏迷，须了解检查史")
    seen = f"/v1/medical/access-log/notices/{newest['id']}/seen"
    is_problem(await clinic.patient("310199199001010018").post(seen), 404, "not_found")
    assert (await patient.post(seen)).status_code == (await patient.post(seen)).status_code == 204
    assert (await log(patient))["notices"][0]["seen_at"]


async def test_a_recognition_in_an_emergency_reads_at_once_and_tells_the_patient(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    no = await clinic.ask(doctor, person, emergency_reason="急诊抢救，患者昏迷")
    patient = clinic.patient(person)
    await eventually(lambda: clinic.see(doctor, no), lambda shown: len(shown["reports"]) == 2)
    notices = (await log(patient))["notices"]
    assert {n["read"]["reason"] for n in notices} == {"急诊抢救，患者昏迷"}
    notice = notices[-1]
    assert (notice["read"]["basis"], notice["read"]["matter"]) == ("emergency", no)
    assert notice["read"]["basis_text"]["en"] == "in an emergency"


async def test_records_are_opened_to_an_institution_and_closed_again(clinic: Clinic) -> None:
    person = await clinic.somebody()
    patient, me = clinic.patient(person), person_digest(person.certno)
    texts = (await patient.get("/v1/medical/consents")).json()["texts"]
    assert texts["records"]["text"]["zh"]
    body = {"version": texts["records"]["version"], "scope": ["stay"], "institutions": [STRANGER.department]}
    headers = {"Idempotency-Key": "records"}
    given = await patient.post("/v1/medical/consents", json=body, headers=headers)
    assert given.status_code == 201
    assert (await patient.post("/v1/medical/consents", json=body, headers=headers)).json() == given.json()
    is_problem(await patient.post("/v1/medical/consents", json=body | {"version": "x"}), 422, "consent_version")
    no = await clinic.ask(clinic.doctor(), person)
    async with clinic.database.begin() as session:
        matter = await read_matter(session, no)
        assert matter is not None
        assert await may_read_health(session, STRANGER, me, DataKind.STAY, matter) is Basis.CONSENT
        (newest, *_) = await reads_about(session, me)
        assert (newest.consent, newest.department) == (given.json()["id"], STRANGER.department)
    path = f"/v1/medical/consents/{given.json()['id']}/withdraw"
    is_problem(await clinic.patient("310199199001010018").post(path), 404, "not_found")
    assert (await patient.post(path)).json()["withdrawn_at"]
    async with clinic.database.begin() as session:
        count = len(await reads_about(session, me))
        with pytest.raises(Refusal, match="not_found"):
            await may_read_health(session, STRANGER, me, DataKind.STAY, matter)
        assert len(await reads_about(session, me)) == count


async def test_a_reading_that_fails_afterwards_is_not_in_the_log(clinic: Clinic) -> None:
    person = await clinic.somebody()
    no, me = await clinic.ask(clinic.doctor(), person), person_digest(person.certno)
    agency = AGENCY.model_copy(update={"region": person.area})
    async with clinic.database.begin() as session:
        count = len(await reads_about(session, me))

    async def fails() -> None:
        async with clinic.database.begin() as session:
            matter = await read_matter(session, no)
            assert matter is not None
            assert await may_read_health(session, agency, me, DataKind.RECOGNITION, matter) is Basis.LEGAL_DUTY
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails()
    async with clinic.database.begin() as session:
        assert len(await reads_about(session, me)) == count


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE health_read SET reason = 'x'",
        "DELETE FROM health_read",
        "TRUNCATE health_read",
        "DELETE FROM health_consent",
        "DELETE FROM health_notice",
        "UPDATE health_consent SET scope = '{}'",
        "UPDATE health_consent SET withdrawn_at = now() WHERE withdrawn_at IS NOT NULL",
        "UPDATE health_consent SET withdrawn_at = now(), person = 'x'",
        "UPDATE health_notice SET person = 'x'",
    ],
)
async def test_nobody_changes_what_was_read_consented_to_or_told(database: Database, statement: str) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    consent_row = (
        "INSERT INTO health_consent VALUES (:id, 'p', 's', 'records', '{stay}', '{H}', '{}', '', '1', :at, :w)"
    )
    read_row = (
        "INSERT INTO health_read (at, person, matter, what, basis, consent, reason, reader, role, region, department)"
        " VALUES (now(), 'p', 'm', 'stay', 'consent', 'c1', '', 'r', 'institution', '310104', 'H')"
    )
    async with database.begin() as session:
        for id_, withdrawn in (("c1", None), ("c2", past)):
            await session.execute(text(consent_row), {"id": id_, "at": past, "w": withdrawn})
        await session.execute(text(read_row))
        await session.execute(text("INSERT INTO health_notice (person, read, at) VALUES ('p', 1, now())"))
    with pytest.raises(DBAPIError):
        async with database.begin() as session:
            await session.execute(text(statement))


async def test_who_looks_again_at_once_has_read_once_but_an_emergency_counts_each_time(database: Database) -> None:
    async def look(minutes: float, who: Actor = DOCTOR, on: Basis = Basis.TREATMENT) -> int:
        async with database.begin() as session:
            at = NOW + minutes * timedelta(minutes=1)
            await note_read(session, who, ME, DataKind.STAY, "m1", on, at, reason="unconscious")
            return len(await reads_about(session, ME))

    assert [await look(0), await look(1), await look(4.9)] == [1, 1, 1]
    assert await look(1, who=AGENCY, on=Basis.LEGAL_DUTY) == 2, "another reader"
    assert await look(ONE_READING / timedelta(minutes=1) + 0.1) == 3, "later it is another reading"
    assert [await look(0, on=Basis.EMERGENCY), await look(0, on=Basis.EMERGENCY)] == [4, 5]
