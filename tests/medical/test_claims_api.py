"""Manual reimbursement: it opens by itself where nobody settles directly, and is paid once, through the API alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from catalogue.medical import treatment_terms
from tests.fixtures.houses import ISSUER, Caller
from tests.fixtures.running import eventually
from tests.insurance.places import A, C, Person
from tests.medical.test_stays_api import computed
from tests.medical.ward import COMMUNITY, STRICT, Bedside, Row, Ward, fen
from tongban.stack.keys import AUDIENCE, sign_token

BILL: tuple[Row, ...] = ((A, "5000.00"), (C, "300.00"))
ACCOUNT = {"account": "6222 0000 0000 0000 000"}
APPROVE = {
    "outcome": "approve",
    "category": "other",
    "hospital_level": 3,
    "discharged": "2026-10-12",
    "fees": [{"class": "A", "amount": 500_000}, {"class": "C", "amount": 30_000}],
}
REJECT = {"outcome": "reject", "reason": "papers_unclear", "text": "材料不清"}


class Claimant:
    """Somebody whom nobody has settled directly, with his claim."""

    def __init__(self, ward: Ward, person: Person, stay: Bedside, no: str) -> None:
        self.ward, self.person, self.stay, self.no = ward, person, stay, no
        self.patient, self.desk = ward.patient(person), ward.desk(STRICT)

    async def post(self, who: Caller, what: str, body: dict[str, Any] | None = None, key: str = "") -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return await who.post(f"/v1/medical/claims/{self.no}/{what}", json=body, headers=headers)

    async def until(self, status: str) -> dict[str, Any]:
        return await self.ward.until_claim(
            self.patient, self.no, lambda shown: shown["status"] == status and not shown["running"]
        )

    async def submitted(self) -> dict[str, Any]:
        answer = await self.post(self.patient, "submission", ACCOUNT)
        assert answer.status_code in (200, 202), answer.text
        return await self.until("in_review")

    async def bill(self, who: Caller | None = None) -> dict[str, Any]:
        bill = (await self.ward.claim(self.patient, self.no))["bill"]
        answer = await (who or self.patient).get(f"/v1/medical/bills/{bill['code']}/{bill['number']}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
async def claimant(ward: Ward) -> Claimant:
    """Nobody has filed for him, his place asks for it; he has paid."""
    person = ward.somebody("employee", STRICT)
    stay, no = await ward.self_paid(person, BILL)
    return Claimant(ward, person, stay, no)


async def test_what_nobody_settles_directly_is_reimbursed_by_the_pack_once(claimant: Claimant) -> None:
    ward, patient, desk = claimant.ward, claimant.patient, claimant.desk
    opened = await ward.claim(patient, claimant.no)
    assert (opened["status"], opened["total"], opened["about"]) == ("opened", 530_000, claimant.stay.no)
    assert opened["waiting_on"][0]["who"] == "applicant"
    bill = await claimant.bill()
    assert (bill["total"], bill["insurance"]["fund_pay"], bill["insurance"]["cash_pay"]) == (530_000, 0, 530_000)
    assert (await claimant.post(desk, "decision", APPROVE)).json()["code"] == "claim_state"

    shown = await claimant.submitted()
    assert (shown["locked"], shown["waiting_on"][0]["department"]) == (True, "health_insurance")
    assert (await claimant.bill())["locked_for"] == "medical_insurance"

    expected = computed(
        [{"class": "A", "amount": "5000.00"}, {"class": "C", "amount": "300.00"}],
        category="other",
        account_balance="0.00",
    )
    answer = await claimant.post(desk, "decision", APPROVE, key="decide-it")
    assert (answer.status_code, answer.json()["status"]) == (200, "approved"), answer.text
    again = await claimant.post(desk, "decision", APPROVE, key="decide-it")
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (answer.json(), "true")
    other = await claimant.post(desk, "decision", REJECT, key="decide-it")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")

    paying = {"tx_no": f"T{claimant.no}"}
    paid = await claimant.post(desk, "payment", paying, key="pay-it")
    assert paid.status_code in (200, 202), paid.text
    shown = await claimant.until("paid")
    assert shown["amount"] == fen(expected["fund_pay_sumamt"]) == 294_000
    assert (shown["computed"]["fund_pay_sumamt"], shown["computed"]["pack"]) == ("2940.00", "TEST-EMP")
    assert shown["closed_at"]
    bill = await claimant.bill()
    assert (bill["reimbursed"], bill["status"]) == (294_000, "partly_reimbursed")
    twice = await claimant.post(desk, "payment", paying | {"tx_no": "T-2"})
    assert (twice.status_code, twice.json()["code"]) == (409, "matter_closed")
    rows = [row for row in (await ward.ebills.books())["payments"] if row["tx_no"] == paying["tx_no"]]
    assert [row["amount"] for row in rows] == [294_000]


async def test_a_claim_is_decided_by_one_of_two_who_decide_at_once(claimant: Claimant) -> None:
    await claimant.submitted()
    colleague = claimant.ward.desk(STRICT, "desk-2")
    answers = await asyncio.gather(
        claimant.post(claimant.desk, "decision", APPROVE), claimant.post(colleague, "decision", REJECT)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    shown = await claimant.ward.claim(claimant.patient, claimant.no)
    assert shown["status"] in ("approved", "rejected")


async def test_the_computation_shown_is_the_one_decided(claimant: Claimant) -> None:
    await claimant.submitted()
    answer = await claimant.post(claimant.desk, "decision", APPROVE)
    assert answer.status_code == 200, answer.text
    for n in range(5):  # a colleague's decisions, too late, each refused
        fees = [{"class": "A", "amount": 400_000 + n}, {"class": "C", "amount": 130_000 - n}]
        answer = await claimant.post(claimant.desk, "decision", APPROVE | {"text": f"late {n}", "fees": fees})
        assert answer.json()["code"] == "claim_state"
    shown = await claimant.ward.claim(claimant.patient, claimant.no)
    assert shown["computed"]["fund_pay_sumamt"] == f"{shown['amount'] / 100:.2f}"


async def test_nobody_decides_about_his_own_claim_or_pays_it(claimant: Claimant) -> None:
    await claimant.submitted()
    place = {"role": "caseworker", "region": STRICT, "department": "health_insurance", "name": ""}
    token = sign_token(
        claimant.ward.office.logins.secrets.signing_key, issuer=ISSUER, audience=AUDIENCE, subject="desk-self", hours=1,
        claims=place | {"id_number": claimant.person.certno},
    )  # fmt: skip
    himself = claimant.ward.office.caller(token)
    answer = await claimant.post(himself, "decision", APPROVE)
    assert (answer.status_code, answer.json()["code"]) == (409, "own_case"), answer.text
    assert (await claimant.post(claimant.desk, "decision", APPROVE)).status_code == 200
    answer = await claimant.post(himself, "payment", {"tx_no": "T1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "own_case"), answer.text


async def test_the_agency_reads_where_the_money_goes_and_nobody_else_but_the_patient_does(claimant: Claimant) -> None:
    mine = await claimant.patient.upload()
    await claimant.post(claimant.patient, "submission", ACCOUNT | {"documents": [mine]})
    await claimant.until("in_review")
    ward = claimant.ward
    for who in (claimant.desk, claimant.patient, ward.desk(STRICT, "boss-1", "supervisor")):
        shown = await ward.claim(who, claimant.no)
        assert (shown["account"], [file["id"] for file in shown["documents"]]) == (ACCOUNT["account"], [mine])
    for who in (claimant.stay.doctor, ward.desk("310104", "desk-4")):
        shown = await ward.claim(who, claimant.no)
        assert (shown["account"], shown["documents"]) == ("", [])


async def test_a_claim_takes_the_discharge_over_and_is_decided_by_that_day(claimant: Claimant) -> None:
    (found,) = await claimant.ward.rows("SELECT form FROM matter WHERE no = :no", claimant.no)
    assert found[0]["discharge"]["endtime"].startswith("2026-10-12")
    assert (await claimant.ward.claim(claimant.patient, claimant.no))["discharged"] == "2026-10-12"


async def test_a_lock_that_runs_out_is_taken_again_before_the_claim_is_paid(claimant: Claimant) -> None:
    ward = claimant.ward
    await claimant.submitted()
    assert (await claimant.post(claimant.desk, "decision", APPROVE)).status_code == 200
    try:
        await ward.ebills.pass_days(treatment_terms().lock_days + 1)
        locks = "SELECT state FROM bill_lock WHERE claim = :no ORDER BY asked_at"

        async def states() -> list[str]:
            await ward.relay()
            return [row[0] for row in await ward.rows(locks, claimant.no)]

        assert await eventually(states, lambda found: found == ["expired", "open"], 20)
        await claimant.until("approved")
        paid = await claimant.post(claimant.desk, "payment", {"tx_no": f"T{claimant.no}"})
        assert paid.status_code in (200, 202), paid.text
        await claimant.until("paid")
    finally:
        await ward.ebills.controls.delete("/sim/clock")


async def test_what_was_approved_can_be_revoked_until_it_is_paid(claimant: Claimant) -> None:
    await claimant.submitted()
    assert (await claimant.post(claimant.desk, "decision", APPROVE)).status_code == 200
    answer = await claimant.post(claimant.desk, "decision", REJECT)
    assert (answer.status_code, answer.json()["code"]) == (409, "claim_state")
    answer = await claimant.post(claimant.desk, "decision", REJECT | {"outcome": "revoke"})
    assert answer.status_code in (200, 202), answer.text
    shown = await claimant.until("rejected")
    assert (shown["amount"], shown["computed"], shown["locked"]) == (0, None, False)


async def test_a_double_click_submits_once(claimant: Claimant) -> None:
    answers = await asyncio.gather(
        *(claimant.post(claimant.patient, "submission", ACCOUNT, key="click") for _ in range(3))
    )
    assert {answer.status_code for answer in answers} <= {200, 202}
    await claimant.until("in_review")
    bill = await claimant.bill(claimant.desk)
    assert len(bill["locks"]) == 1


async def test_a_rejected_claim_gives_its_bill_back(claimant: Claimant) -> None:
    await claimant.submitted()
    answer = await claimant.post(claimant.desk, "decision", {"outcome": "reject"})
    assert (answer.status_code, answer.json()["code"]) == (422, "reason_required")
    assert (await claimant.post(claimant.desk, "decision", REJECT)).status_code in (200, 202)
    shown = await claimant.until("rejected")
    assert (shown["reason"], shown["locked"], shown["amount"]) == ("papers_unclear", False, 0)
    assert (await claimant.bill())["locked_for"] is None


async def test_a_withdrawn_claim_gives_its_bill_back(claimant: Claimant) -> None:
    await claimant.submitted()
    assert (await claimant.post(claimant.patient, "withdrawal")).status_code in (200, 202)
    assert (await claimant.until("withdrawn"))["locked"] is False
    assert (await claimant.bill())["locked_for"] is None


async def test_a_bill_taken_back_while_it_is_locked_suspends_the_claim(claimant: Claimant) -> None:
    await claimant.submitted()
    bill = await claimant.bill()
    path = f"/v1/medical/bills/{bill['code']}/{bill['number']}/red-letter"
    answer = await claimant.stay.doctor.post(path, json={"reason": "开具有误"})
    assert (answer.status_code, answer.json()["red_waiting"]) == (200, True), answer.text
    shown = await claimant.until("suspended")
    assert (shown["bill"]["red_lettered"], shown["locked"]) == (True, False)
    await claimant.ward.until_claim(claimant.patient, claimant.no, lambda _: True)
    assert (await claimant.bill())["status"] == "red_lettered"
    answer = await claimant.post(claimant.desk, "decision", APPROVE)
    assert answer.json()["code"] == "claim_state"
    answer = await claimant.post(claimant.patient, "submission", ACCOUNT)
    assert (answer.status_code, answer.json()["code"]) == (409, "bill_red_lettered")
    shown = await claimant.ward.claim(claimant.patient, claimant.no)
    assert shown["waiting_on"][0]["who"] == "applicant"

    payer = {"name": bill["payer"]["name"], "id_type": "01", "id_no": claimant.person.certno}
    body = {name: bill[name] for name in ("region", "kind", "payee", "total", "items", "insurance")}
    body |= {"payer": payer, "about": claimant.stay.no}
    answer = await claimant.stay.doctor.post("/v1/medical/bills", json=body)
    assert answer.status_code == 201, answer.text
    another = {name: answer.json()[name] for name in ("code", "number", "check_code")}
    answer = await claimant.post(claimant.patient, "submission", ACCOUNT | {"bill": another})
    assert answer.status_code in (200, 202), answer.text
    shown = await claimant.until("in_review")
    assert (shown["bill"]["number"], shown["locked"]) == (another["number"], True)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"fees": [{"class": "A", "amount": 500_000}]}, "bill_wrong_sum", "/fees"),
        ({"category": "nonsense"}, "claim_wrong", "/category"),
        ({"discharged": "2026-10-11"}, "claim_wrong", "/discharged"),
        ({"fees": [{"class": "B", "amount": 530_000}]}, "claim_wrong", "/fees/0/preselfpay"),
    ],
)
async def test_a_bill_that_is_classified_wrongly_is_not_paid(
    claimant: Claimant, changes: dict[str, Any], code: str, field: str
) -> None:
    await claimant.submitted()
    answer = await claimant.post(claimant.desk, "decision", APPROVE | changes)
    said = answer.json()
    assert answer.status_code == 422, said
    assert (code, field) in {(said["code"], said.get("field", ""))} | {
        (each["code"], each["field"]) for each in said.get("errors", ())
    }, said
    assert (await claimant.ward.claim(claimant.patient, claimant.no))["status"] == "in_review"


async def test_what_lies_below_the_deductible_can_only_be_rejected(claimant: Claimant) -> None:
    await claimant.submitted()
    all_own = APPROVE | {"fees": [{"class": "C", "amount": 530_000}]}
    answer = await claimant.post(claimant.desk, "decision", all_own)
    assert (answer.status_code, answer.json()["code"]) == (422, "nothing_payable")


async def test_documents_go_with_a_claim_and_only_ones_own(claimant: Claimant) -> None:
    mine, others = await claimant.patient.upload(), await claimant.ward.patient("").upload()
    answer = await claimant.post(claimant.patient, "submission", ACCOUNT | {"documents": [others]})
    assert answer.status_code == 422, answer.text
    assert (await claimant.ward.claim(claimant.patient, claimant.no))["status"] == "opened"
    answer = await claimant.post(claimant.patient, "submission", ACCOUNT | {"documents": [mine]})
    assert answer.status_code in (200, 202), answer.text
    await claimant.until("in_review")
    listed = await claimant.desk.get("/v1/medical/claims", params={"status": "in_review"})
    assert claimant.no in [claim["no"] for claim in listed.json()["claims"]]
    listed = await claimant.desk.get("/v1/medical/claims", params={"status": "opened"})
    assert claimant.no not in [claim["no"] for claim in listed.json()["claims"]]


async def test_a_claim_is_nobodys_business_but_the_patients_and_his_agencys(claimant: Claimant) -> None:
    ward, no = claimant.ward, claimant.no
    stranger = ward.patient(ward.somebody("resident"))
    elsewhere, boss = ward.desk("340500", "desk-3"), ward.desk(STRICT, "boss-1", "supervisor")
    for who in (stranger, elsewhere, ward.doctor("H32050000001"), ward.office.login("operator")):
        assert (await who.get(f"/v1/medical/claims/{no}")).status_code == 404
    for who in (ward.desk("310104", "desk-4"), boss, claimant.stay.doctor):
        assert (await who.get(f"/v1/medical/claims/{no}")).status_code == 200
    for who, status in ((stranger, 404), (elsewhere, 403), (claimant.stay.doctor, 403)):
        assert (await claimant.post(who, "submission", ACCOUNT)).status_code == status
    for who, status in ((claimant.patient, 403), (elsewhere, 404), (boss, 403), (claimant.stay.doctor, 403)):
        assert (await claimant.post(who, "decision", APPROVE)).status_code == status
        assert (await claimant.post(who, "payment", {"tx_no": "T1"})).status_code == status
    mine = (await claimant.patient.get("/v1/medical/claims")).json()["claims"]
    assert [claim["no"] for claim in mine] == [no]
    assert no in [c["no"] for c in (await boss.get("/v1/medical/claims")).json()["claims"]]
    assert (await stranger.get("/v1/medical/claims")).json()["claims"] == []
    assert (await ward.doctor().get("/v1/medical/claims")).status_code == 403
    reads = (await claimant.patient.get("/v1/medical/access-log")).json()["reads"]
    assert {r["basis"] for r in reads if r["matter"] == no} == {"legal_duty", "treatment"}


async def test_a_hospital_issues_bills_in_its_own_name_and_one_for_a_stay(claimant: Claimant) -> None:
    bill = await claimant.bill()
    body = {name: bill[name] for name in ("region", "kind", "payee", "total", "items", "insurance")}
    body |= {"payer": {"name": "某", "id_type": "01", "id_no": claimant.person.certno}, "about": claimant.stay.no}
    answer = await claimant.ward.doctor(COMMUNITY).post("/v1/medical/bills", json=body)
    assert answer.status_code == 422, answer.text
    answer = await claimant.stay.doctor.post("/v1/medical/bills", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "bill_exists"), answer.text


async def test_a_stay_that_was_settled_directly_is_not_billed_and_claimed_again(ward: Ward) -> None:
    person = ward.somebody("employee")
    stay = await ward.stay(person, BILL)
    done = await stay.settle()
    bill = (await ward.patient(person).get(f"/v1/medical/bills/{done['bill']['code']}/{done['bill']['number']}")).json()
    body = {name: bill[name] for name in ("region", "kind", "payee", "total", "items")}
    body |= {
        "payer": {"name": bill["payer"]["name"], "id_type": "01", "id_no": person.certno},
        "about": stay.no,
        "insurance": {"fund_pay": 0, "acct_pay": 0, "cash_pay": bill["total"], "setl_id": ""},
    }
    answer = await stay.doctor.post("/v1/medical/bills", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "bill_exists"), answer.text


# with a bill in hand


async def in_hand(who: Caller, bill: dict[str, Any], person: Person, total: int) -> Any:
    body = {
        "insured": person.area,
        "insutype": person.insutype,
        "med_type": "21",
        "treatment": "310104",
        "total": total,
        "bill": {name: bill[name] for name in ("code", "number", "check_code")},
    }
    answer = await who.post("/v1/medical/claims", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["no"]


async def test_a_bill_that_was_settled_directly_is_not_reimbursed_as_well(ward: Ward) -> None:
    person = ward.somebody("employee")
    patient = ward.patient(person)
    done = await (await ward.stay(person, BILL)).settle()
    bill = (await patient.get(f"/v1/medical/bills/{done['bill']['code']}/{done['bill']['number']}")).json()
    no = await in_hand(patient, bill, person, 530_000)
    answer = await patient.post(f"/v1/medical/claims/{no}/submission", json=ACCOUNT)
    assert (answer.status_code, answer.json()["code"]) == (409, "bill_settled_directly")
    assert (await ward.claim(patient, no))["status"] == "opened"
    answer = await patient.post(f"/v1/medical/claims/{no}/withdrawal")
    assert answer.json()["status"] == "withdrawn"


async def test_a_bill_in_hand_has_to_be_genuine_and_ones_own(claimant: Claimant) -> None:
    ward, bill = claimant.ward, await claimant.bill()
    other = ward.somebody("resident")
    for who, person, changes, code in (
        (ward.patient(other), other, {}, "bill_not_authentic"),
        (claimant.patient, claimant.person, {"check_code": "ffffff"}, "bill_not_authentic"),
        (claimant.patient, claimant.person, {"number": "9999999999"}, "bill_not_authentic"),
    ):
        no = await in_hand(who, bill | changes, person, 530_000)
        answer = await who.post(f"/v1/medical/claims/{no}/submission", json=ACCOUNT)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    more = await in_hand(claimant.patient, bill, claimant.person, 530_001)
    answer = await claimant.patient.post(f"/v1/medical/claims/{more}/submission", json=ACCOUNT)
    assert (answer.status_code, answer.json()["code"]) == (409, "bill_amount_exceeds"), answer.text


async def test_of_two_claims_with_one_bill_one_gets_it(claimant: Claimant) -> None:
    no = await in_hand(claimant.patient, await claimant.bill(), claimant.person, 530_000)
    await claimant.submitted()
    answer = await claimant.patient.post(f"/v1/medical/claims/{no}/submission", json=ACCOUNT)
    if answer.status_code in (200, 202):
        shown = await claimant.ward.until_claim(claimant.patient, no, lambda shown: not shown["running"])
        assert (shown["status"], shown["trouble"]["code"]) == ("opened", "bill_locked")
    else:
        assert (answer.status_code, answer.json()["code"]) == (409, "bill_locked")
