"""A recognition on a running product: who asks, who consents, who decides, who sees what, and what is counted."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.api.common.v1 import Payload

from domain.calendar import local_day
from domain.medical import MatterKind
from domain.medical.recognition import FeeLine, double_charged
from models.inspection import check_matters
from models.insurance import messages_of
from models.matters import insert_matter, read_matter
from models.recognitions import recognised_in
from tests.api.test_problems import is_problem
from tests.fixtures.houses import Office
from tests.fixtures.running import eventually
from tests.insurance.places import Person
from tests.recognition.conftest import Clinic, asked
from tests.recognition.sick import HOSPITAL, PLACE

ANYBODY = Person("340500", "employee")
OTHER = "310199199001010018"  # belongs to nobody


async def test_one_report_is_recognised_one_examined_again_with_a_reason_that_the_patient_reads(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    patient, no = clinic.patient(person), await clinic.ask(doctor, person)
    waiting = (await clinic.see(doctor, no))["waiting_on"]
    assert (waiting["who"], waiting["why"]) == ("applicant", "recognition_consent")
    assert clinic.gate.sent == []
    await clinic.agree(patient, no)
    shown = await clinic.see(doctor, no)
    assert [(r["item"], r["state"]) for r in shown["reports"]] == [("CT-CHEST", "open"), ("LAB-HBA1C", "open")]
    assert shown["sources"] == {person.area: "indexed"}
    assert [r["result"] for r in shown["reports"]] == ["影像号 1001"] * 2
    assert all(f["holds"] and f["text"]["zh"] for r in shown["reports"] for f in r["findings"])
    assert "SECRET" not in str(shown)
    assert (await clinic.decide(doctor, no, "r1", "recognise")).status_code == 200
    is_problem(await clinic.decide(doctor, no, "r1", "recognise", reason="R2_FAST"), 409, "recognition_decided")
    is_problem(await clinic.decide(doctor, no, "r2", "re_examine"), 422, "recognition_reason")
    is_problem(await clinic.decide(doctor, no, "r2", "re_examine", reason="R6_OTHER"), 422, "reason_required")
    again = await clinic.decide(doctor, no, "r2", "re_examine", reason="R1_CHANGED", words="近一周血糖波动明显")
    assert again.json()["status"] == "explaining"
    seen = (await clinic.see(patient, no))["reports"][1]
    assert "病情发生变化" in seen["explanation"]["zh"]
    assert "近一周血糖波动明显" in seen["explanation"]["zh"]
    assert "the disease has changed" in seen["explanation"]["en"]
    done = await patient.post(f"/v1/medical/recognitions/{no}/acknowledge")
    assert done.json()["status"] == "completed"
    closed = await clinic.see(patient, no)
    assert closed["reports"][1]["acknowledged_at"]
    assert closed["waiting_on"] is None
    is_problem(await patient.post(f"/v1/medical/recognitions/{no}/acknowledge"), 409, "matter_closed")
    trail = await types(clinic, no)
    assert trail[0] == "recognition:asked"
    for what in ("consent_asked", "reading", "indexed", "judged", "recognised", "re_examined", "acknowledged"):
        assert f"recognition:{what}" in trail
    assert [found async for found in check_matters(clinic.database, datetime.now(UTC))] == []


async def types(clinic: Clinic, no: str) -> list[str]:
    async with clinic.database.begin() as session:
        rows = await session.execute(text("SELECT type FROM event WHERE case_no = :no ORDER BY seq"), {"no": no})
    return [row[0] for row in rows]


async def test_no_name_number_or_word_goes_to_temporal_or_into_the_trail(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    patient, no = clinic.patient(person), await clinic.ask(doctor, person)
    await clinic.agree(patient, no)
    await clinic.decide(doctor, no, "r1", "re_examine", reason="R6_OTHER", words="只对您说的话")
    async with clinic.database.begin() as session:
        matter = await read_matter(session, no)
        lines = text("SELECT string_agg(data::text, '') FROM event WHERE case_no = :no")
        trail = await session.scalar(lines, {"no": no})
        kept = str([message.output for message in await messages_of(session, no)])
    assert matter is not None
    for secret in (person.psn_no, person.certno, "只对您说的话"):
        assert secret not in str(matter.start) + str(matter.progress) + str(trail)
        assert secret in str(matter.form)
    for secret in (person.psn_no, person.certno, "只对您说的话", "影像号", "SECRET"):
        assert secret not in await history(clinic, no)
    assert "影像号 1001" in kept
    assert "SECRET" not in kept


async def history(clinic: Clinic, no: str) -> str:
    """All that Temporal holds of a recognition, read with the keys."""
    client = clinic.house.gateway._client
    converter, found = client.data_converter, []
    async for event in client.get_workflow_handle(no).fetch_history_events():
        payloads: list[Any] = []
        _payloads(event, payloads)
        assert converter.payload_codec is not None
        found += [plain.data.decode("utf-8", "replace") for plain in await converter.payload_codec.decode(payloads)]
    assert len(found) > 5
    return "".join(found)


def _payloads(message: Any, found: list[Any]) -> None:
    if isinstance(message, Payload):
        found.append(message)
        return
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for inner in value if field.is_repeated else [value]:
            _payloads(inner, found)


async def test_a_recognition_is_nobody_elses(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    patient, no = clinic.patient(person), await clinic.ask(doctor, person)
    path = f"/v1/medical/recognitions/{no}"
    consent = {"granted": True, "version": "2026.11.1"}
    for stranger in (clinic.doctor("doctor-2", "H31010400002"), clinic.patient(OTHER), clinic.citizen()):
        is_problem(await stranger.get(path), 404, "not_found")
    is_problem(await clinic.patient(OTHER).post(f"{path}/consent", json=consent), 404, "not_found")
    is_problem(await clinic.citizen().post(f"{path}/consent", json=consent), 403, "identity_not_verified")
    is_problem(await doctor.post(f"{path}/consent", json=consent), 403, "forbidden")
    is_problem(await clinic.decide(patient, no, "r1", "recognise"), 403, "forbidden")
    is_problem(await patient.post("/v1/medical/recognitions", json=asked(person)), 403, "forbidden")
    is_problem(await clinic.decide(clinic.doctor("d", "H31010400002"), no, "r1", "recognise"), 404, "not_found")
    is_problem(await doctor.get("/v1/medical/recognitions/zzz"), 404, "not_found")
    mine = (await patient.get("/v1/medical/recognitions")).json()["recognitions"]
    assert no in [line["no"] for line in mine]
    assert (await clinic.patient(OTHER).get("/v1/medical/recognitions")).json()["recognitions"] == []
    is_problem(await clinic.citizen().get("/v1/medical/recognitions"), 403, "identity_not_verified")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"patient": {"certificate_no": "340199194910010043", "psn_no": "1"}}, "resident_id_invalid", ""),
        ({"insured": "319999"}, "region_unknown", "/insured"),
        ({"sources": ["340500", "319999"]}, "region_unknown", "/sources/1"),
        ({"sources": []}, "field_invalid", "/sources"),
        ({"items": []}, "field_invalid", "/items"),
        ({"about": "nothing"}, "about_unknown", "/about"),
        ({"emergency_reason": "  "}, "reason_required", "/emergency_reason"),
        ({"conclusion": "x"}, "field_unknown", "/conclusion"),
    ],
)
async def test_what_is_asked_for_is_checked(office: Office, changes: dict[str, Any], code: str, field: str) -> None:
    doctor = office.login("institution", PLACE, HOSPITAL)
    answer = await doctor.post("/v1/medical/recognitions", json=asked(ANYBODY) | changes)
    is_problem(answer, 422, code)
    assert answer.json()["errors"][0]["field"] == field if field else True


async def test_a_receipt_never_waits_for_temporal_and_the_same_key_is_the_same_recognition(office: Office) -> None:
    doctor = office.login("institution", PLACE, HOSPITAL, "doctor-1")
    first = await doctor.post("/v1/medical/recognitions", json=asked(ANYBODY), headers={"Idempotency-Key": "one"})
    again = await doctor.post("/v1/medical/recognitions", json=asked(ANYBODY), headers={"Idempotency-Key": "one"})
    assert first.status_code == again.status_code == 201
    assert first.json()["no"] == again.json()["no"]
    assert first.headers["location"].endswith(first.json()["no"])


async def test_decisions_sent_twice_are_one(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    patient, no = clinic.patient(person), await clinic.ask(doctor, person)
    await clinic.agree(patient, no)
    body = {"report": "r1", "decision": "recognise"}
    path, headers = f"/v1/medical/recognitions/{no}/decisions", {"Idempotency-Key": "k1"}
    answers = [await doctor.post(path, json=body, headers=headers) for _ in range(2)]
    assert [a.status_code for a in answers] == [200, 200]
    assert (await types(clinic, no)).count("recognition:recognised") == 1


async def test_the_patient_may_decline_and_then_nothing_is_asked(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    patient, no = clinic.patient(person), await clinic.ask(doctor, person)
    answer = await patient.post(f"/v1/medical/recognitions/{no}/consent", json={"granted": False})
    assert answer.json()["status"] == "declined"
    late = {"granted": True, "version": "2026.11.1"}
    is_problem(await patient.post(f"/v1/medical/recognitions/{no}/consent", json=late), 409, "matter_closed")
    assert clinic.gate.sent == []
    old = {"granted": True, "version": "1999.1.1"}
    other = await clinic.ask(doctor, person)
    is_problem(await patient.post(f"/v1/medical/recognitions/{other}/consent", json=old), 422, "consent_version")
    assert (await doctor.post(f"/v1/medical/recognitions/{other}/cancel")).json()["status"] == "cancelled"


async def test_withdrawal_while_reports_are_on_their_way_stops_reading_them(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    patient, no = clinic.patient(person), await clinic.ask(doctor, person)
    clinic.gate.open.clear()
    body = {"granted": True, "version": "2026.11.1"}
    taken = await patient.post(f"/v1/medical/recognitions/{no}/consent", json=body)
    assert taken.json()["pending"] is True
    (consent,) = [c for c in (await patient.get("/v1/medical/consents")).json()["consents"] if c["matter"] == no]
    withdrawn = await patient.post(f"/v1/medical/consents/{consent['id']}/withdraw")
    assert withdrawn.json()["withdrawn_at"]
    clinic.gate.open.set()
    shown = await eventually(lambda: clinic.see(patient, no), lambda seen: seen["status"] == "withdrawn")
    assert shown["reports"] == []
    await eventually(lambda: asyncio.sleep(0, clinic.gate.sent), bool)
    assert [message.infno for message in clinic.gate.sent] == ["5461"]  # on its way; its answer leads to nothing
    again = await patient.post(f"/v1/medical/consents/{consent['id']}/withdraw")
    assert again.json()["withdrawn_at"] == withdrawn.json()["withdrawn_at"]
    is_problem(await patient.post(f"/v1/medical/recognitions/{no}/consent", json=body), 409, "recognition_state")


async def test_what_was_recognised_is_not_charged_in_that_stay(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    patient, first = clinic.patient(person), await clinic.ask(doctor, person)
    stay = await a_stay(clinic, first)
    no = await clinic.ask(doctor, person, about=stay)
    await clinic.agree(patient, no)
    await clinic.decide(doctor, no, "r1", "recognise")
    async with clinic.database.begin() as session:
        recognised = await recognised_in(session, stay)
        assert await recognised_in(session, first) == ()
    lines = [FeeLine(feedetl_sn="1", med_list_codg="CTXB00000000001", det_item_fee_sumamt=24000)]
    assert [(f.line, f.recognition) for f in double_charged(recognised, lines)] == [("1", no)]
    other = asked(person) | {"about": stay, "patient": {"certificate_no": OTHER, "psn_no": "1"}}
    is_problem(await doctor.post("/v1/medical/recognitions", json=other), 422, "about_unknown")


async def a_stay(clinic: Clinic, like: str) -> str:
    """A stay of the same patient, as its row would be."""
    from domain.medical import matter_number
    from domain.messages import Actor, Role
    from domain.record import Event
    from models.cases import next_sequence

    now = datetime.now(UTC)
    async with clinic.database.begin() as session:
        matter = await read_matter(session, like)
        assert matter is not None
        no = matter_number(MatterKind.STAY, PLACE, local_day(now), await next_sequence(session))
        actor = Actor(subject="doctor-1", role=Role.INSTITUTION, region=PLACE, department=HOSPITAL)
        await insert_matter(
            session,
            no=no,
            kind=MatterKind.STAY,
            status="admitted",
            owner="doctor-1",
            person=matter.person,
            insured=matter.insured,
            treatment=PLACE,
            institution=HOSPITAL,
            start={},
            form={},
            view={"status": "open"},
            waiting=(),
            event=Event(type="stay:asked", at=now, actor=actor),
        )
        await session.execute(text("UPDATE outbox SET done_at = now() WHERE case_no = :no"), {"no": no})
        await session.execute(text("UPDATE matter SET closed_at = now() WHERE no = :no"), {"no": no})
    return no


async def test_the_rate_and_the_money_saved_are_counted_by_institution_item_and_month(clinic: Clinic) -> None:
    code = "H31010400002"
    doctor, person = clinic.doctor("doctor-2", code), await clinic.somebody({"item": "ECG-12", "hr_scope": ""})
    patient, now = clinic.patient(person), datetime.now(UTC)
    no = await clinic.ask(doctor, person, "CT-CHEST", "LAB-HBA1C", "ECG-12")
    await clinic.agree(patient, no)
    by_item = {r["item"]: r["id"] for r in (await clinic.see(doctor, no))["reports"]}
    await clinic.decide(doctor, no, by_item["CT-CHEST"], "recognise")
    await clinic.decide(doctor, no, by_item["LAB-HBA1C"], "re_examine", reason="R2_FAST")
    path = "/v1/medical/recognitions/statistics"
    found = (await doctor.get(path)).json()
    (total,) = found["total"]
    assert {k: total[k] for k in ("reports", "recognised", "re_examined", "barred", "saved", "rate")} == {
        "reports": 3,
        "recognised": 1,
        "re_examined": 1,
        "barred": 1,
        "saved": 24000,
        "rate": 0.5,
    }
    assert [line["institution"] for line in found["by_institution"]] == [code]
    saved = {line["item"]: line["saved"] for line in found["by_item"]}
    assert saved == {"CT-CHEST": 24000, "LAB-HBA1C": 0, "ECG-12": 0}
    assert [line["month"] for line in found["by_month"]] == [f"{local_day(now):%Y-%m}"]
    one = (await doctor.get(path, params={"item": "CT-CHEST"})).json()["total"][0]
    assert (one["reports"], one["rate"]) == (1, 1.0)
    everything = (await clinic.login("coordinator").get(path)).json()["by_institution"]
    assert code in [line["institution"] for line in everything]
    agency = clinic.login("supervisor", "310000", "medical_insurance")
    assert code in [line["institution"] for line in (await agency.get(path)).json()["by_institution"]]
    elsewhere = clinic.login("supervisor", "330000", "medical_insurance")
    assert (await elsewhere.get(path)).json()["by_institution"] == []
    for nobody in (patient, clinic.market(role="supervisor"), clinic.market()):
        is_problem(await nobody.get(path), 403, "forbidden")
    is_problem(await doctor.get(path, params={"since": "2027-01-01", "until": "2026-01-01"}), 422, "date_invalid")
