"""Bills over the API: who may do what, what is kept, and what happens when the platform is not well."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from activities.billing import advance, carry_out
from api.app import create_app
from api.usecases import bill_feed
from domain import names
from domain.bills import LockState
from domain.errors import Refusal
from domain.messages import Actor, Role
from models import bills
from models.bills import BillLock
from tests.bills.halls import CODE, NUMBER, Hall, address, body, payment, wish
from tests.bills.places import HOSPITAL, issue, lock
from tests.bills.places import paid as paid_under
from tests.fixtures.houses import Caller
from tests.fixtures.samples import library


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("code", ""))


async def test_an_issued_bill_is_seen_by_its_payer_its_issuer_and_the_desk_where_he_is_insured(hall: Hall) -> None:
    bill = await hall.issue()
    assert (bill["status"], bill["left"], bill["reimbursed"]) == ("issued", 100_000, 0)
    for who in (hall.patient, hall.desk, hall.office.login("caseworker", "340000", "health_insurance")):
        assert (await hall.seen(who, bill))["number"] == bill["number"]
    assert (await hall.seen(hall.desk, bill))["check_code"] == ""
    assert (await hall.seen(hall.patient, bill))["check_code"] == bill["check_code"] != ""
    assert "340199194910010042" not in str(await hall.seen(hall.desk, bill))


async def test_to_everybody_else_a_bill_looks_as_if_it_were_not_there(hall: Hall) -> None:
    bill = await hall.issue()
    missing = bill | {"number": "9" * len(bill["number"])}
    strangers = [
        hall.office.citizen(),
        hall.other_desk,
        hall.office.login("institution", "310104", "H31010400002"),
        hall.office.login("caseworker", "340500", "civil_affairs"),
        hall.office.login("auditor"),
        hall.office.login("coordinator"),
        hall.office.login("operator"),
    ]
    for who in strangers:
        answer, absent = await who.get(address(bill)), await who.get(address(missing))
        assert code_of(answer) == code_of(absent) == (404, "not_found")
        assert set(answer.json()) == set(absent.json())
        for what, content in (
            ("lock", wish(1)),
            ("release", {"lock_id": "0" * 32}),
            ("reimbursements", payment({"lock_id": "0" * 32}, 1, "T1")),
            ("red-letter", {"reason": "x"}),
        ):
            there, nowhere = await hall.act(who, bill, what, content), await hall.act(who, missing, what, content)
            assert code_of(there) == code_of(nowhere)
            assert there.status_code in {403, 404}, there.text


async def test_a_patient_finds_his_bills_by_the_number_that_his_login_has_verified(hall: Hall) -> None:
    number = "31019919850615002X"
    payer = {"name": "测试·乙", "id_type": "01", "id_no": number}
    bills_ = [await hall.issue(payer=payer) for _ in range(3)]
    patient, other = hall.verified(number), hall.verified("310199199001010018")
    pages, cursor = [], ""
    for _ in range(2):
        page = (await patient.get("/v1/medical/bills", params={"limit": 2, "cursor": cursor})).json()
        pages.append([bill["number"] for bill in page["bills"]])
        cursor = page["next"] or ""
    newest_first = [bill["number"] for bill in reversed(bills_)]
    assert (pages, cursor) == ([newest_first[:2], newest_first[2:]], "")
    assert (await hall.seen(patient, bills_[0]))["check_code"] == bills_[0]["check_code"]
    assert code_of(await other.get(address(bills_[0]))) == (404, "not_found")
    assert (await other.get("/v1/medical/bills")).json() == {"bills": [], "next": None}
    assert (await hall.office.citizen("nobody").get("/v1/medical/bills")).json()["bills"] == []
    for who in (hall.hospital, hall.desk):
        assert code_of(await who.get("/v1/medical/bills")) == (403, "forbidden")
    assert code_of(await patient.get("/v1/medical/bills?cursor=x")) == (422, "cursor_invalid")


async def test_who_has_looked_at_a_bill_stands_in_the_payers_list(hall: Hall) -> None:
    number = "310199197001010027"
    bill = await hall.issue(payer={"name": "测试·丁", "id_type": "01", "id_no": number})
    patient, elsewhere = hall.verified(number), hall.office.login("institution", "320500", "H32050000001")
    await hall.seen(patient, bill)
    assert (await patient.get("/v1/medical/access-log")).json()["reads"] == [], "neither his own nor the issuing"
    await hall.seen(hall.hospital, bill)
    await hall.seen(hall.desk, bill)
    await hall.lock(bill, 10, hall.other_desk, check_code=bill["check_code"])
    await hall.seen(hall.other_desk, bill)
    assert code_of(await elsewhere.get(address(bill))) == (404, "not_found")
    version = (await patient.get("/v1/medical/consents")).json()["texts"]["records"]["version"]
    consent = {"scope": ["bill"], "institutions": ["H32050000001"], "version": version}
    assert (await patient.post("/v1/medical/consents", json=consent)).status_code == 201
    assert (await hall.seen(elsewhere, bill))["check_code"] == ""
    reads = (await patient.get("/v1/medical/access-log")).json()["reads"]
    assert [(row["basis"], row["by"]["region"]) for row in reads] == [
        ("consent", "320500"),
        ("legal_duty", "320500"),
        ("legal_duty", "340500"),
        ("treatment", "310104"),
    ]
    assert {(row["what"], row["matter"]) for row in reads} == {("bill", f"{bill['code']}-{bill['number']}")}


async def test_only_an_institution_or_a_desk_issues_and_the_payer_locks_nothing(hall: Hall) -> None:
    assert (await hall.patient.post("/v1/medical/bills", json=body())).status_code == 403
    assert (await hall.desk.post("/v1/medical/bills", json=body())).status_code == 201
    bill = await hall.issue()
    for who in (hall.patient, hall.hospital):
        assert (await hall.act(who, bill, "lock", wish(1))).status_code == 403


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"total": 100_001}, "bill_wrong_sum"),
        ({"items": [{"name": "床位费", "amount": 1}]}, "bill_wrong_sum"),
        ({"insurance": {"fund_pay": 1, "acct_pay": 0, "cash_pay": 100_000}}, "bill_wrong_sum"),
        ({"payee": {"uscc": "12330000XXXX0006XX", "name": "示例医院"}}, "uscc_invalid"),
        ({"total": 0}, "field_invalid"),
        ({"status": "issued"}, "field_unknown"),
    ],
)
async def test_a_bill_that_does_not_add_up_is_not_issued(hall: Hall, change: dict[str, Any], code: str) -> None:
    answer = await hall.hospital.post("/v1/medical/bills", json=body(about=await hall.stay()) | change)
    assert code_of(answer) == (422, code)


async def test_an_institution_issues_in_its_own_name_for_a_stay_of_its_own(hall: Hall) -> None:
    good = body(about=await hall.stay())
    elsewhere = hall.office.login("institution", "310118", "H31011800003")
    for change, field in (
        ({"payee": {"uscc": HOSPITAL, "name": "示例医院"}}, "/payee/uscc"),
        ({"owner": "somebody-else"}, "/owner"),
        ({"insurance": good["insurance"] | {"setl_id": "S1"}}, "/insurance/setl_id"),
        ({"about": ""}, "/about"),
        ({"payer": good["payer"] | {"id_no": "31019919850615002X"}}, "/payer/id_no"),
    ):
        answer = await hall.hospital.post("/v1/medical/bills", json=good | change)
        assert code_of(answer) == (422, "field_invalid"), change
        assert [fault["field"] for fault in answer.json()["errors"]] == [field]
    assert (await elsewhere.post("/v1/medical/bills", json=good)).status_code == 422
    assert (await hall.hospital.post("/v1/medical/bills", json=good)).status_code == 201


async def test_a_stay_has_one_bill_and_none_beside_a_settlement_that_stands(hall: Hall) -> None:
    good = body(about=await hall.stay())
    answers = await asyncio.gather(*(hall.hospital.post("/v1/medical/bills", json=good) for _ in range(4)))
    refused = [code_of(answer) for answer in answers if answer.status_code != 201]
    assert refused == [(409, "bill_exists")] * 3
    (bill,) = (answer.json() for answer in answers if answer.status_code == 201)
    await hall.act(hall.hospital, bill, "red-letter", {"reason": "开具有误"})
    assert (await hall.hospital.post("/v1/medical/bills", json=good)).status_code == 201
    undone = {"undoes": "", "undone_by": "S2"}, {"undoes": "S1", "undone_by": ""}
    for settlements, status in ((({"undoes": "", "undone_by": ""},), 409), (undone, 201)):
        wish_ = body(about=await hall.stay(settlements=settlements))
        assert (await hall.hospital.post("/v1/medical/bills", json=wish_)).status_code == status


async def test_a_wrong_check_code_is_a_verdict_and_no_error_page(hall: Hall) -> None:
    bill = await hall.issue()
    stranger = hall.office.citizen()
    right = await hall.act(stranger, bill, "verify", {"check_code": bill["check_code"]})
    assert (right.json()["verdict"], right.json()["status"], right.json()["total"]) == ("AUTHENTIC", "issued", 100_000)
    wrong = await hall.act(stranger, bill, "verify", {"check_code": "000000"})
    missing = await hall.act(stranger, bill | {"number": "1"}, "verify", {"check_code": bill["check_code"]})
    for answer in (wrong, missing):
        assert (answer.status_code, answer.json()["verdict"]) == (200, "NOT_AUTHENTIC")
        assert [value for value in answer.json().values() if value] == ["NOT_AUTHENTIC"]


async def test_the_whole_way_lock_pay_lock_the_rest_pay_and_no_more(hall: Hall) -> None:
    bill = await hall.issue(fund=0)
    first = await hall.lock(bill, 60_000, claim="C-1")
    assert (first["state"], first["amount"], first["claim"]) == ("open", 60_000, "C-1")
    assert (await hall.seen(hall.patient, bill))["locked_for"] == "medical_insurance"
    done = await hall.act(hall.desk, bill, "reimbursements", payment(first, 50_000, "T1"))
    assert (done.status_code, done.json()["state"], done.json()["reimb_amount"]) == (200, "settled", 50_000)
    shown = await hall.seen(hall.patient, bill)
    assert (shown["status"], shown["reimbursed"], shown["left"]) == ("partly_reimbursed", 50_000, 50_000)
    too_much = await hall.act(hall.desk, bill, "lock", wish(50_001, purpose="employer"))
    assert code_of(too_much) == (409, "bill_amount_exceeds")
    second = await hall.lock(bill, 50_000, purpose="commercial")
    await hall.act(hall.desk, bill, "reimbursements", payment(second, 50_000, "T2"))
    assert (await hall.seen(hall.patient, bill))["status"] == "reimbursed"
    assert await hall.trail(bill) == [
        "bill:issue:done",
        "bill:lock:done",
        "bill:feedback:done",
        "bill:lock:refused",
        "bill:lock:done",
        "bill:feedback:done",
    ]
    assert await hall.breaches() == []


async def test_the_same_transaction_number_is_the_same_payment_and_never_another(hall: Hall) -> None:
    bill = await hall.issue()
    held = await hall.lock(bill, 60_000)
    for key in ("k1", "k1", "k2", ""):
        again = await hall.act(hall.desk, bill, "reimbursements", payment(held, 50_000, "T1"), key)
        assert (again.status_code, again.json()["reimb_amount"]) == (200, 50_000)
    other = await hall.act(hall.desk, bill, "reimbursements", payment(held, 50_001, "T1"))
    assert code_of(other) == (409, "bill_tx_reused")
    paid = [each for each in (await hall.platform.books())["payments"] if each["lock_id"] == held["lock_id"]]
    assert [each["amount"] for each in paid] == [50_000]
    assert (await hall.row(bill))[0].reimbursed == 50_000


async def test_a_refund_frees_the_bill_again(hall: Hall) -> None:
    bill = await hall.issue()
    held = await hall.lock(bill, 60_000)
    await hall.act(hall.desk, bill, "reimbursements", payment(held, 50_000, "T1"))
    back = await hall.act(hall.desk, bill, "reimbursements", payment(held, -50_000, "T2", refunds="T1"))
    assert (back.status_code, back.json()["state"]) == (200, "refunded")
    assert (await hall.seen(hall.patient, bill))["status"] == "issued"
    assert await hall.breaches() == []


async def test_a_bill_settled_directly_is_refused_for_manual_reimbursement_before_anything_is_sent(hall: Hall) -> None:
    bill, before = await hall.issue(fund=60_000, setl_id="S1"), await hall.platform.books()
    assert code_of(await hall.act(hall.desk, bill, "lock", wish(100))) == (409, "bill_settled_directly")
    assert await hall.platform.books() == before
    assert (await hall.lock(bill, 40_000, purpose="commercial"))["state"] == "open"


async def test_a_bill_handed_in_at_another_desk_is_locked_with_its_check_code_and_shows_the_purpose_only(
    hall: Hall,
) -> None:
    bill = await hall.issue()
    without = await hall.act(hall.other_desk, bill, "lock", wish(10))
    assert code_of(without) == (404, "not_found")
    wrong = await hall.act(hall.other_desk, bill, "lock", wish(10, check_code="000000"))
    assert code_of(wrong) == (404, "not_found")
    held = await hall.lock(bill, 10, hall.other_desk, check_code=bill["check_code"])
    refused = await hall.act(hall.desk, bill, "lock", wish(10))
    assert code_of(refused) == (409, "bill_locked")
    assert "medical insurance" in refused.text
    for hidden in ("320500", held["lock_id"], held["owner_unit"]):
        assert hidden not in refused.text
    assert (await hall.seen(hall.desk, bill))["locks"] == []
    stranger = await hall.act(hall.desk, bill, "release", {"lock_id": held["lock_id"]})
    assert code_of(stranger) == (404, "not_found")
    assert (await hall.act(hall.other_desk, bill, "release", {"lock_id": held["lock_id"]})).status_code == 200


async def test_a_bill_issued_elsewhere_comes_into_the_books_when_it_is_handed_in(hall: Hall) -> None:
    outcome = await hall.platform.others.send(issue())
    assert outcome.bill is not None
    bill = {"code": outcome.bill.code, "number": outcome.bill.number}
    assert (await hall.desk.get(address(bill))).status_code == 404
    held = await hall.lock(bill, 100, check_code=outcome.bill.check_code)
    assert held["state"] == "open"
    assert (await hall.seen(hall.desk, bill))["total"] == 100_000
    assert code_of(await hall.act(hall.desk, bill, "red-letter", {"reason": "x"})) == (404, "not_found")


async def test_two_desks_at_once_and_one_lock(hall: Hall) -> None:
    bill = await hall.issue()
    for _ in range(20):
        answers = await asyncio.gather(
            hall.act(hall.desk, bill, "lock", wish(100)),
            hall.act(hall.other_desk, bill, "lock", wish(100, check_code=bill["check_code"])),
        )
        assert sorted(code_of(answer) for answer in answers) == [(201, ""), (409, "bill_locked")]
        winner = hall.desk if answers[0].status_code == 201 else hall.other_desk
        lock_id = next(a for a in answers if a.status_code == 201).json()["lock_id"]
        assert (await hall.act(winner, bill, "release", {"lock_id": lock_id})).status_code == 200
    assert await hall.breaches() == []


async def test_a_repeated_key_is_the_same_order_and_another_body_is_refused(hall: Hall) -> None:
    about = await hall.stay()
    first = await hall.hospital.post("/v1/medical/bills", json=body(about=about), headers={"Idempotency-Key": "one"})
    second = await hall.hospital.post("/v1/medical/bills", json=body(about=about), headers={"Idempotency-Key": "one"})
    assert (first.json(), second.headers["Idempotent-Replayed"]) == (second.json(), "true")
    other = await hall.hospital.post(
        "/v1/medical/bills", json=body(200, about=about), headers={"Idempotency-Key": "one"}
    )
    assert code_of(other) == (409, "idempotency_conflict")


async def test_a_double_click_is_one_order_whichever_button_it_was(hall: Hall) -> None:
    def click(path: str, content: dict[str, Any], who: Caller) -> Any:
        return who.post(path, json=content, headers={"Idempotency-Key": path.replace("/", "_")})

    content = body(about=await hall.stay())
    issued = await asyncio.gather(*(click("/v1/medical/bills", content, hall.hospital) for _ in range(6)))
    assert {answer.status_code for answer in issued} == {201}
    (number,) = {answer.json()["number"] for answer in issued}
    bill = issued[0].json()
    locked = await asyncio.gather(*(click(f"{address(bill)}/lock", wish(100), hall.desk) for _ in range(6)))
    (lock_id,) = {answer.json()["lock_id"] for answer in locked}
    paid = payment({"lock_id": lock_id}, 100, "T1")
    told = await asyncio.gather(*(click(f"{address(bill)}/reimbursements", paid, hall.desk) for _ in range(6)))
    assert {(answer.status_code, answer.json()["state"]) for answer in told} == {(200, "settled")}
    there = [each for each in (await hall.platform.books())["locks"] if each["number"] == number]
    assert len(there) == 1
    assert (await hall.trail(bill)).count("bill:feedback:done") == 1


async def test_a_workflow_orders_in_the_same_way_and_what_it_repeats_is_done_once(hall: Hall) -> None:
    platform, workflow = hall.platform.ours, Actor(subject="tongban", role=Role.SYSTEM, region="340500", department="x")
    place = {"owner": names.person_digest(NUMBER), "institution": CODE, "insured": "340500"}
    new = issue()
    done = [await carry_out(hall.database, platform, workflow, new, place) for _ in range(3)]
    assert done[0].bill is not None
    assert done == [done[0]] * 3
    bill = {"code": done[0].bill.code, "number": done[0].bill.number}
    assert (await hall.seen(hall.patient, bill))["status"] == "issued"
    assert (await hall.seen(hall.hospital, bill))["check_code"] == done[0].bill.check_code
    wanted = lock(done[0].bill.ref, 60_000)
    held = [await carry_out(hall.database, platform, workflow, wanted) for _ in range(2)][1]
    assert held.lock is not None
    again = lock(done[0].bill.ref, 1)
    with pytest.raises(Refusal, match="bill_locked"):
        await carry_out(hall.database, platform, workflow, again)
    await hall.platform.fault("garbage", operation="reimburse")
    nameless = paid_under(held.lock.lock.lock_id, 60_000)
    with pytest.raises(Refusal, match="not_found"):
        await carry_out(hall.database, platform, workflow, nameless)
    pay = nameless.model_copy(update={"bill": done[0].bill.ref})
    with pytest.raises(Refusal, match="ebills_unknown_outcome"):
        await carry_out(hall.database, platform, workflow, pay)
    assert not (await carry_out(hall.database, platform, workflow, pay)).refused
    assert (await hall.seen(hall.desk, bill))["reimbursed"] == 60_000
    assert await hall.breaches() == []


async def test_a_desk_issues_only_for_those_who_are_insured_with_it(hall: Hall) -> None:
    answer = await hall.other_desk.post("/v1/medical/bills", json=body())
    assert code_of(answer) == (422, "field_invalid")


UNUSABLE = ("garbage", "wrong_types", "unknown_enum", "wrong_key", "forged_answer", "error_500")


@pytest.mark.parametrize("operation", ["issue", "lock", "release", "reimburse", "red_letter"])
async def test_an_answer_nobody_can_use_leaves_the_order_open_and_the_repetition_finds_it(
    hall: Hall, operation: str
) -> None:
    for kind in UNUSABLE:
        bill = await hall.issue()
        held = await hall.lock(bill, 60_000) if operation in {"release", "reimburse"} else {"lock_id": ""}
        what, who, content = {
            "issue": ("", hall.hospital, body(about=await hall.stay())),
            "lock": ("/lock", hall.desk, wish(60_000)),
            "release": ("/release", hall.desk, {"lock_id": held["lock_id"]}),
            "reimburse": ("/reimbursements", hall.desk, payment(held, 100, f"T-{kind}")),
            "red_letter": ("/red-letter", hall.hospital, {"reason": "开具有误"}),
        }[operation]
        path = (address(bill) + what) if what else "/v1/medical/bills"
        await hall.platform.fault(kind, operation=operation)
        unknown = await who.post(path, json=content, headers={"Idempotency-Key": kind})
        assert code_of(unknown) == (503, "ebills_unknown_outcome"), kind
        before = await hall.platform.books()
        done = await who.post(path, json=content, headers={"Idempotency-Key": kind})
        assert done.status_code in {200, 201}, done.text
        if kind != "error_500":  # of these only that one comes before the work
            assert await hall.platform.books() == before, "it was found, not done again"
    async with hall.database.begin() as session:
        assert await bills.unanswered(session) == []
    assert await hall.breaches() == []


async def test_after_an_unknown_outcome_it_is_looked_for_and_nothing_is_sent_while_that_cannot_be_done(
    hall: Hall,
) -> None:
    bill = await hall.issue()
    await hall.platform.fault("error_500", operation="lock")
    assert code_of(await hall.act(hall.desk, bill, "lock", wish(100), "k")) == (503, "ebills_unknown_outcome")
    await hall.platform.fault("down", operation="lookup")
    assert code_of(await hall.act(hall.desk, bill, "lock", wish(100), "k")) == (503, "temporarily_down")
    assert [each for each in (await hall.platform.books())["locks"] if each["number"] == bill["number"]] == []
    assert [held.state for held in (await hall.row(bill))[1]] == ["asked"], "an order that was sent is not forgotten"
    assert (await hall.act(hall.desk, bill, "lock", wish(100), "k")).status_code == 201


async def test_a_lock_whose_time_is_over_is_in_nobodys_way_even_before_the_feed_has_said_so(hall: Hall) -> None:
    bill = await hall.issue()
    await hall.lock(bill, 100)
    await hall.platform.pass_days(31)
    async with hall.database.begin() as session:
        statement = "UPDATE bill_lock SET expires_at = now() - interval '1 second' WHERE number = :number"
        await session.execute(text(statement), {"number": bill["number"]})
    assert (await hall.lock(bill, 200))["state"] == "open"
    assert [held.state for held in (await hall.row(bill))[1]] == ["expired", "open"]


ENDS = (LockState.RELEASED, LockState.EXPIRED, LockState.SETTLED, LockState.REFUNDED)


@pytest.mark.parametrize("end", ENDS)
def test_what_is_told_late_never_opens_a_lock_again(end: LockState) -> None:
    lock = BillLock(state=end)  # type: ignore[call-arg]
    for late in (LockState.OPEN, LockState.SUSPENDED):
        assert not advance(lock, late)
        assert lock.state == end
    assert advance(BillLock(state=bills.ASKED), end)  # type: ignore[call-arg]


async def test_what_the_client_never_repeats_the_relay_brings_to_its_end(hall: Hall) -> None:
    bill = await hall.issue()
    await hall.platform.fault("garbage", operation="lock")
    assert (await hall.act(hall.desk, bill, "lock", wish(100))).status_code == 503
    _, (held,) = await hall.row(bill)
    assert (held.state, held.lock_id) == ("asked", None)
    assert code_of(await hall.act(hall.other_desk, bill, "lock", wish(1, check_code=bill["check_code"]))) == (
        409,
        "bill_locked",
    )
    assert hall.office.house.ebills is not None
    assert await bill_feed.settle_left(hall.office.house, hall.office.house.ebills, older_s=0) == 1
    _, (held,) = await hall.row(bill)
    assert held.state == "open"
    there = [each for each in (await hall.platform.books())["locks"] if each["number"] == bill["number"]]
    assert [each["lock_id"] for each in there] == [held.lock_id]


async def test_what_never_got_there_leaves_nothing_behind(hall: Hall) -> None:
    bill = await hall.issue()
    await hall.platform.fault("down", operation="lock")
    assert code_of(await hall.act(hall.desk, bill, "lock", wish(100), "k")) == (503, "temporarily_down")
    assert (await hall.row(bill))[1] == []
    assert (await hall.act(hall.desk, bill, "lock", wish(100), "k")).status_code == 201


async def test_without_a_platform_the_books_are_read_and_everything_else_says_so(hall: Hall) -> None:
    bill = await hall.issue()
    lonely = dataclasses.replace(hall.office.house, ebills=None)
    app = create_app(lonely)
    for caller in (hall.desk, hall.hospital, hall.patient):
        async with Caller(
            transport=httpx.ASGITransport(app), base_url="http://api.test", headers=caller.headers
        ) as alone:
            assert (await alone.get(address(bill))).status_code == 200
            answer = await alone.post(f"{address(bill)}/verify", json={"check_code": bill["check_code"]})
            assert code_of(answer) == (503, "ebills_not_connected")
            if caller is hall.desk:
                assert code_of(await alone.post(f"{address(bill)}/lock", json=wish(1))) == (
                    503,
                    "ebills_not_connected",
                )
    assert await bill_feed.run_due(lonely) == 0


async def test_a_malformed_number_is_simply_not_there_and_a_lock_cannot_be_asked_for_longer_than_the_most(
    hall: Hall,
) -> None:
    for code, number in (("12", "34"), ("1" * 8, "2" * 9), ("1" * 9, "2" * 10)):
        assert code_of(await hall.desk.get(f"/v1/medical/bills/{code}/{number}")) == (404, "not_found")
    bill = await hall.issue()
    most = library().ebills.lock.most
    assert code_of(await hall.act(hall.desk, bill, "lock", wish(1, days=most + 1))) == (422, "days_out_of_range")
    assert (await hall.act(hall.desk, bill, "lock", wish(1, days=most))).status_code == 201
    assert (await hall.row(bill))[0].institution == CODE
