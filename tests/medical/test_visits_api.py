"""Outpatient care with direct settlement, also for a certified chronic disease, through the API alone."""

from __future__ import annotations

from typing import Any

from tests.insurance.places import A, C, Person
from tests.medical.ward import COMMUNITY, HOSPITAL, STRICT, Bedside, Row, Ward, lines

CARE: tuple[Row, ...] = ((A, "200.00"), (C, "30.00"))
DIABETES, DIALYSIS = "M01600", "M07800"
DAYS = {"begndate": "2026-01-01", "enddate": "2026-12-31"}


async def certify(ward: Ward, person: Person, disease: str) -> None:
    """The insured place certifies a chronic disease."""
    agency: dict[str, Any] = {"place": person.area, "institution": f"A{person.area}00001"}
    await ward.town.ask("2503", {"insutype": person.insutype, "dise_codg": disease} | DAYS, person, **agency)


async def choose(ward: Ward, person: Person, disease: str, institution: str) -> None:
    """The patient has chosen where he is treated for it."""
    agency: dict[str, Any] = {"place": person.area, "institution": f"A{person.area}00001"}
    body = {"dise_codg": disease, "fixmedins_code": institution} | DAYS
    await ward.town.ask("2505", body, person, **agency)


async def chronic(ward: Ward, person: Person, disease: str, code: str = HOSPITAL, status: str = "open") -> Bedside:
    return await ward.register(person, med_type="14", disease=disease, code=code, status=status)


async def test_a_visit_is_settled_undone_and_settled_again(ward: Ward) -> None:
    person = ward.somebody("employee")
    visit = await ward.register(person)
    assert await visit.refused("settlement", {}) == (409, "no_fees")
    await visit.add(lines(*CARE))
    shown = await visit.did("preview")
    assert shown["preview"]["fund_pay_sumamt"] == 8_000  # .60 less 20 points of what is in scope
    first = await visit.settle()
    assert (first["amounts"]["fund_pay_sumamt"], first["amounts"]["medfee_sumamt"]) == (8_000, 23_000)
    bill = await ward.patient(person).get(f"/v1/medical/bills/{first['bill']['code']}/{first['bill']['number']}")
    assert (bill.json()["kind"], bill.json()["insurance"]["fund_pay"]) == ("outpatient", 8_000)
    fact = await ward.patient(person).get(f"/v1/medical/settlements/{first['settlement']}")
    assert fact.status_code == 200
    assert [line["chrgitm_lv"] for line in fact.json()["lines"]] == ["01", "03"]
    assert fact.json()["agrees"] is None  # the national query tells no totals of outpatient care
    shown = await visit.undo()
    assert (shown["status"], await ward.standing(person)) == ("open", 0)
    await visit.add(lines((A, "100.00")))
    second = await visit.settle()
    assert (second["amounts"]["medfee_sumamt"], await ward.standing(person)) == (33_000, 33_000)
    assert (await ward.town.year(person))["stays"] == 0


async def test_a_visit_has_no_discharge_and_may_be_cancelled_without_fees(ward: Ward) -> None:
    visit = await ward.register(ward.somebody("resident"))
    body = {"at": "2026-10-12T10:00:00+08:00", "diagnosis": {"code": "J06.900", "name": "上呼吸道感染"}}
    assert (await visit.post("discharge", body)).status_code == 404
    upload = await visit.add(lines(*CARE))
    assert await visit.refused("cancel") == (409, "has_fees")
    assert await visit.refused("fees/cancel", {"upload": "fees:0"}) == (409, "upload_unknown")
    await visit.did("fees/cancel", {"upload": upload})
    assert (await visit.did("cancel"))["status"] == "cancelled"


async def test_chronic_care_is_not_settled_without_a_certificate_and_is_with_one(ward: Ward) -> None:
    person = ward.somebody("resident")
    visit = await chronic(ward, person, DIALYSIS, status="uncovered")
    assert (await visit.see())["trouble"]["code"] == "certificate_missing"
    await certify(ward, person, DIALYSIS)
    await visit.did("recheck", status="open")
    await visit.add(lines((A, "400.00")))
    done = await visit.settle()
    assert done["amounts"]["fund_pay_sumamt"] == 12_000  # .50 less 20 points
    assert (await visit.see())["disease"] == DIALYSIS


async def test_a_certificate_for_one_disease_is_none_for_another(ward: Ward) -> None:
    person = ward.somebody("resident")
    await certify(ward, person, DIABETES)
    visit = await chronic(ward, person, DIALYSIS, status="uncovered")
    assert (await visit.see())["trouble"]["code"] == "certificate_missing"


async def test_chronic_care_is_settled_where_it_was_opened_and_chosen(ward: Ward) -> None:
    person = ward.somebody("resident")
    await certify(ward, person, DIALYSIS)
    small = await chronic(ward, person, DIALYSIS, COMMUNITY)  # it is not opened for dialysis
    await small.add(lines((A, "400.00")))
    shown = await small.did("settlement", {}, "uncovered")
    assert (shown["trouble"]["code"], await ward.standing(person)) == ("institution_not_opened", 0)
    await small.did("payment-in-full", {"reason": "not opened here"})
    shown = await small.until(lambda shown: shown["claim"])
    assert shown["bill"]
    await choose(ward, person, DIALYSIS, "H31011800002")
    elsewhere = await chronic(ward, person, DIALYSIS, status="uncovered")
    assert (await elsewhere.see())["trouble"]["code"] == "institution_not_opened"


async def test_a_chronic_visit_names_its_disease_and_others_name_none(ward: Ward) -> None:
    person, doctor = ward.somebody("resident"), ward.doctor()
    for changes in ({"med_type": "14"}, {"med_type": "11", "disease": DIABETES}):
        answer = await doctor.post("/v1/medical/visits", json=ward.opening(person, **changes))
        assert (answer.status_code, answer.json()["code"]) == (422, "disease_wrong")


async def test_an_emergency_is_settled_without_a_filing(ward: Ward) -> None:
    person = ward.somebody("resident", STRICT)
    visit = await ward.register(person, status="uncovered")
    assert (await visit.see())["trouble"]["code"] == "no_direct_settlement"
    emergency = await ward.register(person, emergency=True)
    await emergency.add(lines((A, "400.00")))
    done = await emergency.settle()
    assert done["amounts"]["fund_pay_sumamt"] == 16_000  # .50 less 10 points
    assert (await emergency.see())["category"] == "emergency"


async def test_a_visit_of_somebody_not_covered_becomes_a_claim_by_the_outpatient_pack(ward: Ward) -> None:
    person = ward.somebody("employee", STRICT)
    visit = await ward.register(person, status="uncovered")
    await visit.add(lines(*CARE))
    await visit.did("payment-in-full", {"reason": "not filed"})
    no = (await visit.until(lambda shown: shown["claim"]))["claim"]
    patient, desk = ward.patient(person), ward.desk(STRICT)
    answer = await patient.post(f"/v1/medical/claims/{no}/submission", json={"account": "6222 0000 0000"})
    assert answer.status_code in (200, 202), answer.text
    await ward.until_claim(patient, no, lambda shown: shown["status"] == "in_review")
    decision = {
        "outcome": "approve",
        "category": "other",
        "discharged": "2026-10-08",
        "fees": [{"class": "A", "amount": 20_000}, {"class": "C", "amount": 3_000}],
    }
    answer = await desk.post(f"/v1/medical/claims/{no}/decision", json=decision)
    assert answer.status_code == 200, answer.text
    shown = await ward.claim(patient, no)
    assert (shown["amount"], shown["computed"]["pack"]) == (8_000, "TEST-EMP-OUT")
