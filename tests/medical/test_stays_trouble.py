"""A stay that is not covered, or whose messages get lost: nobody waits for ever, and nothing is done twice."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from activities.bills import content_of
from domain.medical import BillOrder, BillWork
from models.matters import read_matter
from tests.fixtures.running import eventually
from tests.insurance.places import A, C, Person
from tests.medical.test_stays_api import G1, SMALL, fact, net
from tests.medical.ward import DIAGNOSIS, NAMES, STRICT, Ward, lines, standing


async def test_whoever_is_unknown_or_in_arrears_is_not_settled_directly(ward: Ward) -> None:
    for person, code in ((Person("340500", "unknown"), "not_insured"), (ward.somebody("arrears"), "not_entitled")):
        stay = await ward.admit(person, status="uncovered")
        shown = await stay.see()
        assert (shown["trouble"]["code"], shown["waiting_on"][0]["why"]) == (code, "uncovered")
        assert await stay.refused("settlement", {}) == (409, "treatment_state")


async def test_a_filing_made_in_hospital_opens_the_way_to_direct_settlement(ward: Ward) -> None:
    person = ward.somebody("employee", STRICT)
    stay = await ward.admit(person, status="uncovered")
    assert (await stay.see())["trouble"]["code"] == "no_direct_settlement"
    await stay.add(lines(*SMALL))
    shown = await stay.did("recheck")
    assert (shown["status"], shown["uploads"][0]["status"]) == ("uncovered", "kept")  # nothing has changed yet
    body = {
        "person": {"name": NAMES[person.who], "id_number": person.certno, "phone": "13900000000"},
        "insured": person.area,
        "insutype": person.insutype,
        "destination": "310104",
        "category": "TMP_OTHER",
        "admitted": "2026-10-08",
    }
    patient = ward.patient(person)
    answer = await patient.post("/v1/medical/filings", json=body)
    assert answer.status_code == 201, answer.text
    filing = f"/v1/medical/filings/{answer.json()['no']}"

    async def state() -> str:
        return str((await patient.get(filing)).json()["status"])

    await eventually(state, lambda now: now == "effective")
    await stay.did("recheck", status="open")
    shown = await stay.until(lambda shown: shown["uploads"][0]["status"] == "accepted" and not shown["running"])
    assert shown["category"] == "other"
    await stay.discharge()
    done = await stay.settle()
    assert done["amounts"]["medfee_sumamt"] == 210_000
    assert (await fact(patient, done["settlement"]))["agrees"] is True


async def test_what_was_kept_while_there_was_no_cover_can_be_mended_before_it_goes_up(ward: Ward) -> None:
    person = ward.somebody("employee", STRICT)
    stay = await ward.admit(person, status="uncovered")
    await stay.add(lines(("XX99", "1.00")))  # in no catalogue
    await stay.add(lines(*SMALL))
    await stay.discharge()
    await ward.town.file(person, "referral")
    shown = await stay.did("recheck", status="open")
    shown = await stay.until(lambda shown: not shown["running"] and shown["uploads"][1]["status"] == "accepted")
    assert [(u["status"], u["code"]) for u in shown["uploads"]] == [("refused", "item_unknown"), ("accepted", "")]
    assert (shown["discharged_at"], shown["total"]) == (None, 210_000)
    await stay.add(lines((A, "1.00")))
    await stay.discharge()
    assert (await stay.settle())["amounts"]["medfee_sumamt"] == 210_100


async def test_what_was_kept_by_mistake_is_taken_out_of_the_bill_before_it_is_paid(ward: Ward) -> None:
    person = ward.somebody("employee", STRICT)
    stay = await ward.admit(person, status="uncovered")
    wrong = await stay.add(lines((C, "999.00")))
    await stay.add(lines(*SMALL))
    shown = await stay.did("fees/cancel", {"upload": wrong})
    assert ([u["status"] for u in shown["uploads"]], shown["total"]) == (["cancelled", "kept"], 210_000)
    await stay.discharge()
    await stay.did("payment-in-full", {"reason": "not filed"})
    shown = await stay.until(lambda shown: shown["claim"])
    bill = await ward.patient(person).get(f"/v1/medical/bills/{shown['bill']['code']}/{shown['bill']['number']}")
    assert (bill.json()["total"], bill.json()["insurance"]["cash_pay"]) == (210_000, 210_000)


async def test_a_bill_whose_answer_was_lost_is_issued_once(ward: Ward) -> None:
    person = ward.somebody("resident")
    stay = await ward.stay(person, SMALL)
    await ward.ebills.fault("lost_answer", operation="issue")
    done = await stay.settle()
    next_one = await (await ward.stay(ward.somebody("resident"), SMALL)).settle()
    assert int(next_one["bill"]["number"]) == int(done["bill"]["number"]) + 1


async def test_a_lost_answer_is_awaited_and_nothing_is_done_twice(ward: Ward) -> None:
    person = ward.somebody("employee")
    stay = await ward.stay(person, G1)
    await ward.town.fault("310000", "lost_answer", "tongban:2304")
    await ward.town.fault("310000", "down", "tongban:5203", times=3)  # nor can anybody be asked for a while
    answer = await stay.post("settlement", {}, key="settle-once")
    assert (answer.status_code, answer.json()["pending"]) == (202, True)
    assert (await stay.see())["running"] == "settle"
    assert await stay.refused("preview") == (409, "message_running")
    replayed = await stay.post("settlement", {}, key="settle-once")
    assert (replayed.status_code, replayed.headers["Idempotent-Replayed"]) == (202, "true")
    shown = await stay.until(lambda shown: shown["status"] == "settled" and standing(shown)["bill"])
    assert await stay.refused("settlement", {}) == (409, "settled_already")
    assert [row.medfee_sumamt for row in await ward.booked(stay.no)] == [3_200_000]
    assert await ward.standing(person) == 3_200_000
    assert len(shown["settlements"]) == 1
    told = await fact(ward.patient(person), standing(shown)["settlement"])
    assert (told["agrees"], len(told["lines"])) == (True, 5)
    ledger = await ward.town.ledger("340000", psn_no=person.psn_no)
    assert len([row for row in ledger if row["setl_id"]]) == 1


async def test_nobody_is_left_waiting_when_the_line_is_down_at_admission(ward: Ward) -> None:
    await ward.town.fault("310000", "down", "tongban:1101", times=3)
    person = ward.somebody("employee")
    stay = await ward.admit(person, status="uncovered")
    assert (await stay.see())["trouble"]["code"] == "link_down"
    await stay.did("recheck", status="open")


async def test_a_patient_who_pays_in_full_while_a_settlement_is_in_doubt_pays_once(ward: Ward) -> None:
    person = ward.somebody("employee")
    stay = await ward.stay(person, SMALL)
    await ward.town.fault("310000", "lost_answer", "tongban:2304")
    await ward.town.fault("310000", "down", "tongban:5203", times=1)
    settling = asyncio.create_task(stay.post("settlement", {}))
    await stay.until(lambda shown: shown["running"] == "settle")
    answer = await stay.post("payment-in-full", {"reason": "the line is down"})
    assert answer.status_code in (200, 202), answer.text
    assert (await settling).status_code in (200, 202)
    shown = await stay.until(lambda shown: shown["claim"])
    assert (shown["status"], [s["amounts"]["medfee_sumamt"] for s in shown["settlements"]]) == (
        "self_paid",
        [210_000, -210_000],
    )
    assert await ward.standing(person) == 0
    assert not any((await net(ward, stay.no)).values())


async def test_a_discharge_without_settlement_becomes_a_claim_when_its_term_is_over(patient_ward: Ward) -> None:
    ward, person = patient_ward, patient_ward.somebody("employee")
    stay = await ward.stay(person, SMALL)
    settled = await ward.stay(ward.somebody("resident"), SMALL)
    await settled.settle()
    await ward.days_go_by(14)
    assert (await stay.see())["status"] == "discharged"
    await ward.days_go_by(2)
    shown = await stay.until(lambda shown: shown["claim"])
    assert (shown["status"], shown["settlements"], await ward.standing(person)) == ("self_paid", [], 0)
    claim = await ward.claim(ward.patient(person), shown["claim"])
    assert (claim["status"], claim["total"], claim["bill"]) == ("opened", 210_000, shown["bill"])
    assert (await settled.see())["closed_at"] is None
    await ward.days_go_by(170)
    await settled.until(lambda shown: shown["closed_at"])
    late = await settled.reverse(standing(await settled.see())["settlement"])
    assert (late.status_code, late.json()["code"]) == (409, "matter_closed")


@pytest.mark.parametrize("infno", ["2301", "2402", "5206"])
async def test_an_answer_about_somebody_else_is_not_believed_and_the_right_one_is_awaited(
    ward: Ward, infno: str
) -> None:
    person = ward.somebody("resident")
    await ward.town.fault("310000", "wrong_person", f"tongban:{infno}")
    stay = await ward.admit(person)
    upload = await stay.add(lines((C, "30.00")))
    await stay.did("fees/cancel", {"upload": upload})
    await stay.add(lines(*SMALL))
    await stay.discharge()
    done = await stay.settle()
    assert (done["amounts"]["medfee_sumamt"], await ward.standing(person)) == (210_000, 210_000)
    told = await fact(ward.patient(person), done["settlement"])
    assert told["agrees"] is (None if infno == "5206" else True)  # the year before was not told by anybody


async def test_a_line_that_stays_down_does_not_keep_the_patient_in_the_hall(ward: Ward) -> None:
    person = ward.somebody("employee")
    stay = await ward.stay(person, SMALL)
    await ward.town.fault("310000", "down", "tongban:2304", times=None)
    settling = asyncio.create_task(stay.post("settlement", {}))
    await stay.until(lambda shown: shown["running"] == "settle")
    answer = await stay.post("payment-in-full", {"reason": "the line is down"})
    assert answer.status_code in (200, 202), answer.text
    assert (await settling).status_code in (200, 202)
    shown = await stay.until(lambda shown: shown["claim"])
    assert (shown["status"], shown["settlements"], await ward.standing(person)) == ("self_paid", [], 0)
    claim = await ward.claim(ward.patient(person), shown["claim"])
    assert (claim["bill"], claim["total"], claim["status"]) == (shown["bill"], 210_000, "opened")
    assert await stay.refused("settlement", {}) == (409, "matter_closed")


async def test_a_line_that_goes_down_after_the_admission_does_not_keep_the_patient_either(ward: Ward) -> None:
    person = ward.somebody("employee")
    stay = await ward.admit(person)
    await stay.add(lines(*SMALL))
    await ward.town.fault("310000", "down", "*", times=None)
    body = {"at": "2026-10-12T10:00:00+08:00", "way": "2", "diagnosis": DIAGNOSIS}
    leaving = asyncio.create_task(stay.post("discharge", body))
    await stay.until(lambda shown: shown["running"] == "discharge")
    answer = await stay.post("payment-in-full", {"reason": "the line is down"})
    assert answer.status_code in (200, 202), answer.text
    assert (await leaving).status_code in (200, 202)
    shown = await stay.until(lambda shown: shown["claim"])
    assert (shown["status"], shown["running"], shown["closed_at"]) == ("self_paid", "bed", None)
    await asyncio.to_thread(httpx.delete, f"{ward.town.urls['310000']}/sim/faults", trust_env=False)
    await stay.until(lambda shown: shown["closed_at"], 90)
    assert (await ward.town.ask("5303", {}, person))["data"] == [], "the bed is free"


async def test_a_line_that_goes_down_at_the_upload_leaves_what_was_charged_here(ward: Ward) -> None:
    stay = await ward.admit(ward.somebody("employee"))
    await ward.town.fault("310000", "down", "tongban:2301", times=3)
    await stay.did("fees", {"lines": lines(*SMALL)}, "uncovered")
    shown = await stay.see()
    assert ([u["status"] for u in shown["uploads"]], shown["trouble"]["code"]) == (["kept"], "link_down")
    await stay.did("recheck", status="open")
    await stay.until(lambda shown: shown["uploads"][0]["status"] == "accepted" and not shown["running"])
    await stay.discharge()
    assert (await stay.settle())["amounts"]["medfee_sumamt"] == 210_000


async def test_a_bill_is_about_what_was_charged_then_whatever_is_taken_down_later(ward: Ward) -> None:
    stay = await ward.stay(ward.somebody("employee"), SMALL)
    done = await stay.settle()
    part = (await stay.see())["uploads"][0]["upload"]
    await stay.undo()
    await stay.did("fees/cancel", {"upload": ""})
    async with ward.database.begin() as session:
        matter = await read_matter(session, stay.no)
    assert matter is not None
    order = BillOrder(
        no=stay.no, number=99, purpose="bill", work=BillWork.ISSUE, institution="H31010400001", institution_name="x",
        about=done["settlement"], total=210_000, parts=(part,),
    )  # fmt: skip
    content = content_of(order, matter)
    assert (content.total, sum(item.amount for item in content.items)) == (210_000, 210_000)


async def test_words_of_why_stay_in_the_form_and_are_shown_to_those_who_may_read_the_stay(ward: Ward) -> None:
    stay = await ward.stay(ward.somebody("employee"), SMALL)
    await stay.settle()
    words = "患者张三（340502199001011234）要求退费"
    shown = await stay.undo(words)
    assert [s["reason"] for s in shown["settlements"]] == ["", words]
    trail = await ward.rows("SELECT type, data::text FROM event WHERE case_no = :no", stay.no)
    assert any(row[0] == "stay:undoing" for row in trail)
    assert not any("张三" in row[1] for row in trail)
    (view,) = await ward.rows("SELECT progress::text FROM matter WHERE no = :no", stay.no)
    assert "张三" not in view[0]
