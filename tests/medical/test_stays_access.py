"""Who may do and see what of a stay, what is done once however often it is sent, and what is not taken at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.insurance.places import A, C
from tests.medical.recognising import asked_for
from tests.medical.ward import HOSPITAL, Bedside, Ward, fen, lines

ACTS: dict[str, dict[str, Any] | None] = {
    "fees": {"lines": lines((A, "1.00"))},
    "fees/cancel": {"upload": ""},
    "discharge": {"at": "2026-10-12T10:00:00+08:00", "diagnosis": {"code": "I25.103", "name": "冠心病"}},
    "preview": None,
    "settlement": {},
    "cancel": None,
    "recheck": None,
    "payment-in-full": {"reason": "no line"},
}


# who


async def test_nobody_but_the_hospital_leads_a_stay(ward: Ward) -> None:
    person = ward.somebody("employee")
    stay = await ward.stay(person, ((A, "2000.00"),))
    done = await stay.settle()
    before = await stay.see()
    reversal = {"no": stay.no, "settlement": done["settlement"], "reason": "x"}
    others = {
        ward.doctor("H32050000001"): 404,
        ward.doctor("H31010400011"): 404,
        ward.patient(person): 403,
        ward.desk(): 403,
    }
    for who, status in others.items():
        for what, body in ACTS.items():
            assert (await stay.post(what, body, who=who)).status_code == status, what
        assert (await who.post("/v1/medical/reversals", json=reversal)).status_code == status
    for who in (ward.patient(person), ward.desk(), ward.office.login("operator")):
        assert (await who.post("/v1/medical/stays", json=ward.opening(person))).status_code == 403
    assert (await ward.office.caller().get(stay.path)).status_code == 401
    assert await stay.see() | {"updated_at": ""} == before | {"updated_at": ""}
    nobody = ward.office.login("institution", "310104", "H31010400099")
    answer = await nobody.post("/v1/medical/stays", json=ward.opening(person))
    assert (answer.status_code, answer.json()["code"]) == (422, "institution_unknown")


async def test_a_stay_is_read_by_the_patient_his_hospital_and_the_agencies_and_he_sees_by_whom(ward: Ward) -> None:
    person = ward.somebody("employee")
    patient, stranger = ward.patient(person), ward.patient(ward.somebody("resident"))
    stay = await ward.stay(person, ((A, "2000.00"),))
    done = await stay.settle()
    fact = f"/v1/medical/settlements/{done['settlement']}"
    hidden = (
        stranger,
        ward.doctor("H32050000001"),
        ward.desk("320500", "far-1"),
        ward.office.login("caseworker", "340500", "market_regulation"),
        ward.patient(""),
    )
    for who in hidden:
        assert (await who.get(stay.path)).status_code == 404
        assert (await who.get(fact)).status_code == 404
    for who in (patient, ward.desk(), ward.desk("340000", "near-1", "supervisor"), ward.doctor(subject="clerk-2")):
        assert (await who.get(stay.path)).status_code == 200
        assert (await who.get(fact)).status_code == 200
    assert [t["no"] for t in (await patient.get("/v1/medical/stays")).json()["treatments"]] == [stay.no]
    assert (await stranger.get("/v1/medical/stays")).json()["treatments"] == []
    assert (await ward.office.login("operator").get("/v1/medical/stays")).status_code == 403
    reads = [r for r in (await patient.get("/v1/medical/access-log")).json()["reads"] if r["matter"] == stay.no]
    assert {(r["basis"], r["by"]["region"], r["by"]["department"]) for r in reads} == {
        ("treatment", "310104", HOSPITAL),
        ("legal_duty", "340500", "health_insurance"),
        ("legal_duty", "340000", "health_insurance"),
    }
    assert {r["what"] for r in reads} == {"stay"}
    assert (await ward.patient(person).get(f"/v1/medical/visits/{stay.no}")).status_code == 404


async def test_lists_go_on_by_cursor(ward: Ward) -> None:
    person = ward.somebody("resident")
    doctor = ward.doctor()
    wanted = []
    for _ in range(3):
        visit = await ward.register(person)
        wanted.append(visit.no)
    patient, found, after = ward.patient(person), [], ""
    while True:
        page = (await patient.get("/v1/medical/visits", params={"limit": 2, "after": after})).json()
        found += [t["no"] for t in page["treatments"]]
        after = page["next"]
        if not after:
            break
    assert found == wanted[::-1]
    mine = (await doctor.get("/v1/medical/visits", params={"limit": 3})).json()["treatments"]
    assert [t["no"] for t in mine] == wanted[::-1]


# once


async def test_every_post_with_the_same_key_is_done_once(ward: Ward) -> None:
    person, doctor = ward.somebody("employee"), ward.doctor()
    opening, headers = ward.opening(person), {"Idempotency-Key": "admit-1"}
    first = await doctor.post("/v1/medical/stays", json=opening, headers=headers)
    again = await doctor.post("/v1/medical/stays", json=opening, headers=headers)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, first.json(), "true")
    other = await doctor.post("/v1/medical/stays", json=opening | {"emergency": True}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    stay = Bedside(ward, doctor, "stays", first.json()["no"])
    await stay.until(lambda shown: shown["status"] == "open" and not shown["running"])

    async def twice(what: str, body: dict[str, Any] | None, changed: dict[str, Any] | None) -> None:
        key = f"key-{what.replace('/', '-')}"
        done = await stay.post(what, body, key=key)
        assert done.status_code in (200, 202), done.text
        shown = await stay.until(lambda shown: not shown["running"])
        replay = await stay.post(what, body, key=key)
        assert (replay.status_code, replay.json()) == (done.status_code, done.json())
        assert replay.headers["Idempotent-Replayed"] == "true"
        if changed is not None:
            conflict = await stay.post(what, changed, key=key)
            assert (conflict.status_code, conflict.json()["code"]) == (409, "idempotency_conflict")
        assert (await stay.see())["updated_at"] == shown["updated_at"]

    fees = {"lines": lines((A, "2000.00"))}
    await twice("fees", fees, {"lines": lines((A, "1.00"))})
    await twice("fees/cancel", {"upload": ""}, {"upload": "fees:1"})
    more = {"lines": lines((A, "3000.00"))}
    assert (await stay.post("fees", more, key="more")).status_code == 200
    discharge = ACTS["discharge"] or {}
    await twice("discharge", discharge, discharge | {"way": "2"})
    await twice("preview", None, None)
    await twice("settlement", {"use_account": True}, {"use_account": False})
    shown = await stay.until(lambda shown: shown["settlements"] and shown["settlements"][0]["bill"])
    setl_id = shown["settlements"][0]["settlement"]
    undone = await stay.reverse(setl_id, key="undo")
    await stay.until(lambda shown: len(shown["settlements"]) == 2 and not shown["running"])
    replay = await stay.reverse(setl_id, key="undo")
    assert (replay.status_code, replay.json()) == (undone.status_code, undone.json())
    assert (await stay.reverse(setl_id, "other", key="undo")).json()["code"] == "idempotency_conflict"
    await twice("payment-in-full", {"reason": "as he likes"}, {"reason": "another"})
    assert [row.medfee_sumamt for row in await ward.booked(stay.no)] == [300_000, -300_000]


async def test_double_clicks_at_the_same_moment_are_one(ward: Ward) -> None:
    person, doctor = ward.somebody("employee"), ward.doctor()
    opening = ward.opening(person)
    answers = await asyncio.gather(
        *(doctor.post("/v1/medical/stays", json=opening, headers={"Idempotency-Key": "both"}) for _ in range(3))
    )
    numbers = {answer.json()["no"] for answer in answers if answer.status_code == 201}
    assert len(numbers) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    stay = Bedside(ward, doctor, "stays", numbers.pop())
    await stay.until(lambda shown: shown["status"] == "open" and not shown["running"])
    fees = {"lines": lines((A, "2000.00"))}
    assert {a.status_code for a in await stay.together("fees", [fees] * 3, key="fees")} <= {200, 202, 409}
    shown = await stay.until(lambda shown: not shown["running"])
    assert ([u["status"] for u in shown["uploads"]], shown["total"]) == (["accepted"], 200_000)
    await stay.discharge()
    answers = await stay.together("settlement", [{}] * 4)  # without a key
    assert 200 in {answer.status_code for answer in answers}
    assert {a.json().get("code", "") for a in answers} <= {"", "message_running", "settled_already"}
    await stay.until(lambda shown: shown["status"] == "settled")
    assert [row.medfee_sumamt for row in await ward.booked(stay.no)] == [200_000]
    assert await ward.standing(person) == 200_000


async def test_two_users_of_one_hospital_do_not_undo_each_others_work(ward: Ward) -> None:
    person, colleague = ward.somebody("employee"), ward.doctor(subject="clerk-2")
    stay = await ward.admit(person)
    mine, others = {"lines": lines((A, "2000.00"))}, {"lines": lines((C, "100.00"))}
    answers = await asyncio.gather(stay.post("fees", mine, key="k"), stay.post("fees", others, key="k", who=colleague))
    codes = [answer.json().get("code", "") for answer in answers]
    assert set(codes) <= {"", "message_running"}
    shown = await stay.until(lambda shown: not shown["running"])
    assert len(shown["uploads"]) == codes.count("")
    if "message_running" in codes:  # the one who was told to wait sends it again
        who, body = ((stay.doctor, mine), (colleague, others))[codes.index("message_running")]
        assert (await stay.post("fees", body, key="k", who=who)).status_code == 200
    shown = await stay.until(lambda shown: not shown["running"])
    assert shown["total"] == 210_000
    await stay.discharge()
    both = await asyncio.gather(stay.post("settlement", {}), stay.post("settlement", {}, who=colleague))
    assert sorted(answer.status_code for answer in both)[0] == 200
    await stay.until(lambda shown: shown["status"] == "settled")
    assert len(await ward.booked(stay.no)) == 1


# what


async def test_a_bill_of_five_hundred_lines_is_settled_and_one_more_is_refused(ward: Ward) -> None:
    person = ward.somebody("retired")
    stay = await ward.admit(person)
    many = lines(*(((A, "12.34"),) * 500))
    answer = await stay.post("fees", {"lines": [*many, *lines((A, "1.00"))]})
    assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid"), answer.text
    await stay.add(many)
    await stay.discharge()
    done = await stay.settle()
    assert done["amounts"]["medfee_sumamt"] == 617_000
    fact = (await ward.patient(person).get(f"/v1/medical/settlements/{done['settlement']}")).json()
    assert (len(fact["lines"]), fact["agrees"]) == (500, True)


async def faults(stay: Bedside, *fees: dict[str, Any]) -> set[tuple[str, str]]:
    """Code and place of everything that is wrong with these lines, of which none is taken."""
    answer = await stay.post("fees", {"lines": list(fees)})
    assert answer.status_code == 422, answer.text
    said = answer.json()
    assert (await stay.see())["uploads"] == []
    return {(each["code"], each["field"]) for each in said.get("errors") or [said]}


async def test_lines_that_cannot_be_are_refused_with_their_place(ward: Ward) -> None:
    stay = await ward.admit(ward.somebody("resident"))
    good, other = lines((A, "10.00", "3"), (C, "5.00"))
    assert await faults(stay, good, other | {"serial": good["serial"]}) == {("serial_used", "/lines/1/serial")}
    assert await faults(stay, good | {"amount": 3001}) == {("amount_wrong", "/lines/0/amount")}
    assert await faults(stay, good, other | {"price": 0, "amount": 0}) == {("amount_wrong", "/lines/1/amount")}
    assert await faults(stay, good | {"amount": 1}, other | {"amount": 2}) == {
        ("amount_wrong", "/lines/0/amount"),
        ("amount_wrong", "/lines/1/amount"),
    }
    for wrong in ({"count": "-1"}, {"count": "1e9"}, {"count": "0.00001"}, {"amount": -500}, {"price": 10**13}):
        ((_, field),) = await faults(stay, good | wrong)
        assert field.startswith("/lines/0/"), field
    for wrong in ({"serial": "F 1"}, {"item": "'; --"}, {"at": "2026-10-09T08:00:00"}, {"name": "a\x00b"}):
        ((_, field),) = await faults(stay, good | wrong)
        assert field == f"/lines/0/{next(iter(wrong))}"
    await stay.add([good])
    again = await stay.post("fees", {"lines": [other | {"serial": good["serial"]}]})
    assert (again.status_code, again.json()["code"], again.json()["errors"][0]["field"] if "errors" in again.json()
            else again.json()["field"]) == (422, "serial_used", "/lines/0/serial")  # fmt: skip


async def test_parts_of_a_unit_are_rounded_half_up_to_the_fen(ward: Ward) -> None:
    stay = await ward.admit(ward.somebody("resident"))
    (half,) = lines((A, "0.05"), count="0.5", amount=3)  # 2.5 fen
    assert await faults(stay, half | {"amount": 2}) == {("amount_wrong", "/lines/0/amount")}
    await stay.add([half])
    assert (await stay.see())["total"] == 3


async def test_the_largest_amounts_are_exact(ward: Ward) -> None:
    person = ward.somebody("employee")
    stay = await ward.admit(person)
    await stay.add(lines((A, "999999.99"), (C, "9999999.99")))
    await stay.discharge()
    done = await stay.settle()
    assert done["amounts"]["medfee_sumamt"] == fen("10999999.98")
    parts = ("fund_pay_sumamt", "psn_part_amt", "hosp_part_amt")
    assert sum(done["amounts"][name] for name in parts) == done["amounts"]["medfee_sumamt"]
    fact = (await ward.patient(person).get(f"/v1/medical/settlements/{done['settlement']}")).json()
    assert fact["agrees"] is True


async def test_rare_characters_stand_on_the_bill_as_they_were_written(ward: Ward) -> None:
    person = ward.somebody("employee")
    stay = await ward.admit(person, department="𠮷·内科", diagnosis={"code": "I25.103", "name": "𬭊𫟹病·一型"})
    await stay.add(lines((A, "10.00"), name="𠮷𬭊片·复方"))
    await stay.discharge()
    done = await stay.settle()
    bill = await ward.patient(person).get(f"/v1/medical/bills/{done['bill']['code']}/{done['bill']['number']}")
    assert [item["name"] for item in bill.json()["items"]] == ["𠮷𬭊片·复方"]


async def test_what_was_recognised_is_not_charged_again(ward: Ward) -> None:
    person = ward.somebody("employee")
    await ward.report(person, "CT-CHEST")
    stay = await ward.admit(person)
    path, _, reports = await asked_for(ward, stay, person, "CT-CHEST")
    decided = {"report": reports[0]["id"], "decision": "recognise"}
    assert (await stay.doctor.post(f"{path}/decisions", json=decided)).status_code == 200
    charged = lines((A, "10.00"), ("CTXB00000000001", "240.00"))
    answer = await stay.post("fees", {"lines": charged})
    assert (answer.status_code, answer.json()["code"]) == (422, "recognised_item_charged")
    (fault,) = answer.json()["errors"]
    assert fault["field"] == "/lines/1/item"
    assert "胸部CT平扫" in fault["zh"]
    await stay.add(charged[:1])


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"patient": {"id_number": "340599199001010014", "name": "赵测"}}, "resident_id_invalid", "/patient/id_number"),
        ({"patient": {"id_number": "340599900101001", "name": "赵测"}}, "resident_id_invalid", "/patient/id_number"),
        ({"insured": "310999"}, "region_unknown", "/insured"),
        ({"med_type": "22"}, "third_party_word_missing", "/no_third_party"),
    ],
)
async def test_an_admission_that_cannot_be_is_refused_before_anything_is_asked(
    ward: Ward, changes: dict[str, Any], code: str, field: str
) -> None:
    answer = await ward.doctor().post("/v1/medical/stays", json=ward.opening(ward.somebody(), **changes))
    said = answer.json()
    first = (said.get("errors") or [said])[0]
    assert (answer.status_code, first["code"], first["field"]) == (422, code, field), said
