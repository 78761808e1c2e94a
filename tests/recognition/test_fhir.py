"""The façade says in FHIR what is stored here, no more: checked by fhir.resources, without conclusions."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from api.fhir import checked
from api.fhir.coverage import InsuredRelation, coverage
from api.fhir.readers import READERS, REFERRALS
from api.fhir.referral import TASK, ReferralFacts, ReferralState, service_request, task
from api.fhir.report import ReportFacts, diagnostic_report
from api.fhir.settlement import CATEGORIES, SettlementFacts, claim, claim_response
from api.fhir.words import money
from domain.medical.interface_words import amounts_of
from domain.medical.referral import ReferralStatus
from domain.medical.treatment_words import SettledOnce, TreatmentStatus, TreatmentView
from domain.messages import Text
from domain.settlement import AMOUNTS, Settlement, YearTotals, reverse
from tests.api.test_problems import is_problem
from tests.recognition.conftest import Clinic
from tests.recognition.sick import HOSPITAL, PSN_NO
from tests.recognition.test_api import a_stay

NOW = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)
NOTHING = YearTotals()


def read(resource: dict[str, Any]) -> dict[str, Any]:
    """As it goes out, amounts as they are written."""
    return dict(json.loads(checked.checked(resource), parse_float=Decimal))


def settled(**changes: int) -> Settlement:
    amounts = dict.fromkeys(AMOUNTS, 0) | changes
    return Settlement(claim="c", pack="p", version="1", counted=NOTHING, year_to_date=NOTHING, **amounts)


G1 = settled(
    medfee_sumamt=3_200_000,
    fulamt_ownpay_amt=150_000,
    overlmt_selfpay=30_000,
    preselfpay_amt=200_000,
    inscp_scp_amt=2_820_000,
    act_pay_dedc=80_000,
    hifp_pay=2_466_000,
    fund_pay_sumamt=2_466_000,
    psn_part_amt=734_000,
    acct_pay=300_000,
    psn_cash_pay=434_000,
)


def facts(settlement: Settlement = G1, **changes: Any) -> SettlementFacts:
    content: dict[str, Any] = {
        "id": "S1",
        "person": "p:1",
        "coverage": "C1",
        "institution": HOSPITAL,
        "institution_name": "上海示例医院",
        "insured": "340500",
        "at": NOW,
        "message": "M1",
    }
    return SettlementFacts(amounts=settlement.amounts(), **content | changes)


def by_category(response: dict[str, Any]) -> dict[str, Decimal]:
    return {total["category"]["coding"][0]["code"]: total["amount"]["value"] for total in response["total"]}


def test_who_pays_what_is_told_to_the_fen() -> None:
    request, response = read(claim(facts())), read(claim_response(facts()))
    assert (request["use"], request["status"]) == ("claim", "active")
    assert '"total":{"value":32000.00,"currency":"CNY"}' in checked.checked(claim(facts()))
    paid = by_category(response)
    named = [int(paid[name]) for name in ("submitted", "benefit", "deductible", "copay")]
    assert named == [32000, 24660, 800, 7340]
    assert paid["fund-pay-sum"] + paid["copay"] == paid["submitted"]
    assert paid["acct-pay"] + paid["acct-mulaid-pay"] + paid["psn-cash-pay"] == paid["copay"]
    assert "disposition" not in response


def test_every_amount_of_a_settlement_has_a_category_of_its_own() -> None:
    assert set(CATEGORIES) == (set(AMOUNTS) | set(amounts_of({}))) - {"balc"}  # what is left on an account pays nothing
    assert len(set(CATEGORIES.values())) == len(CATEGORIES)


def test_a_preview_is_a_predetermination_and_says_that_it_binds_nobody() -> None:
    response = read(claim_response(facts(preview=True)))
    assert response["use"] == "predetermination"
    assert "no assurance" in response["disposition"]


def test_a_reversal_is_a_cancelled_claim_about_the_one_it_undoes() -> None:
    undone = facts(reverse(G1), original="S0")
    request = read(claim(undone))
    assert (request["status"], request["related"][0]["claim"]["reference"]) == ("cancelled", "Claim/S0")
    was, now = by_category(read(claim_response(facts()))), by_category(read(claim_response(undone)))
    assert {was[name] + now[name] for name in was} == {0}


@given(st.integers(-(10**13), 10**13))
def test_money_is_yuan_with_two_decimals(fen: int) -> None:
    value = money(fen)["value"]
    assert (value * 100, value.as_tuple().exponent) == (fen, -2)


def referral(state: ReferralState, **changes: Any) -> ReferralFacts:
    content: dict[str, Any] = {
        "id": "R1",
        "person": "p:1",
        "diag_code": "I25.100",
        "diag_name": "冠心病",
        "reason": "需要介入治疗",
        "from_institution": "H34050000001",
        "from_name": "马鞍山示例医院",
        "to_institution": HOSPITAL,
        "to_name": "上海示例医院",
        "asked_at": NOW,
        "begin": date(2026, 11, 27),
    }
    return ReferralFacts(state=state, **content | changes)


@pytest.mark.parametrize("state", list(ReferralState))
def test_a_referral_asks_for_a_service_and_a_task_tells_where_it_stands(state: ReferralState) -> None:
    request, told = read(service_request(referral(state))), read(task(referral(state, business="admitted")))
    assert request["reasonCode"][0]["coding"][0]["code"] == "I25.100"
    assert request["occurrencePeriod"] == {"start": "2026-11-27"}
    assert request["note"] == [{"text": "需要介入治疗"}]
    assert told["status"] == TASK[state]
    assert told["focus"] == {"reference": "ServiceRequest/R1"}
    ended = state in {"declined", "completed", "cancelled", "no_show"}
    assert (told["status"] in {"completed", "rejected", "cancelled", "failed"}) == ended
    assert (request["status"] == "active") == (not ended)


def test_every_state_of_a_referral_is_one_that_fhir_tells() -> None:
    assert set(REFERRALS) == set(ReferralStatus)
    assert set(REFERRALS.values()) == set(ReferralState)


def test_an_insured_relation_is_a_coverage() -> None:
    relation = InsuredRelation("C1", "p:1", PSN_NO, "310", "340500", "马鞍山市", date(2020, 1, 1), None)
    shown = read(coverage(relation))
    assert (shown["subscriberId"], shown["payor"][0]["identifier"]["value"]) == (PSN_NO, "340500")
    assert shown["type"]["coding"][0]["code"] == "310"
    assert read(coverage(InsuredRelation("C1", "p", "1", "390", "340500", active=False)))["status"] == "cancelled"


@given(
    result=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30),
    scope=st.sampled_from(["", "national"]),
    decision=st.sampled_from(["", "open", "recognised", "re_examined"]),
    known=st.booleans(),
)
def test_a_report_is_shown_with_its_mark_and_without_a_conclusion(
    result: str, scope: str, decision: str, known: bool
) -> None:
    moment = NOW if known else None
    name, said = Text(zh="胸部CT", en="CT"), result.strip()
    of = ReportFacts("D1", "1", "p:1", "CT-CHEST", name, moment, HOSPITAL, "", said, scope, "QC", decision)
    shown = read(diagnostic_report(of))
    assert not [key for key in shown if key.startswith("conclusion")]
    assert ("effectiveDateTime" in shown) == known
    assert len(shown.get("extension", [])) == bool(scope) + bool(decision)
    assert [o["valueString"] for o in shown.get("contained", [])] == [said] * bool(said)


def test_what_is_not_fhir_does_not_go_out() -> None:
    with pytest.raises(ValueError):
        checked.checked({"resourceType": "Claim", "id": "1"})
    with pytest.raises(ValueError):
        checked.checked({"resourceType": "Patient", "id": "1"})
    assert set(READERS) <= set(checked.RESOURCES)


async def test_reports_and_coverage_of_a_recognition_are_read_on_its_basis_and_logged(clinic: Clinic) -> None:
    doctor, person = clinic.doctor(), await clinic.somebody()
    patient, no = clinic.patient(person), await clinic.ask(doctor, person)
    path = f"/v1/medical/fhir/DiagnosticReport/{no}-r1"
    is_problem(await doctor.get(path), 403, "health_consent_required")
    await clinic.agree(patient, no)
    await clinic.decide(doctor, no, "r1", "recognise")
    reads = len((await patient.get("/v1/medical/access-log")).json()["reads"])
    answer = await doctor.get(path)
    assert answer.headers["content-type"] == "application/fhir+json"
    shown = answer.json()
    assert (shown["id"], shown["code"]["coding"][0]["code"]) == (f"{no}-r1", "CT-CHEST")
    assert shown["contained"][0]["valueString"] == "影像号 1001"
    assert "SECRET" not in answer.text
    covered = (await patient.get(f"/v1/medical/fhir/Coverage/{no}")).json()
    assert (covered["subscriberId"], covered["type"]["coding"][0]["code"]) == (person.psn_no, "310")
    assert len((await patient.get("/v1/medical/access-log")).json()["reads"]) == reads + 1
    for path in (
        f"DiagnosticReport/{no}-r9",
        f"Claim/{no}",
        f"Task/{no}",
        f"ServiceRequest/{no}",
        f"Patient/{no}",
        "Coverage/1",
    ):
        is_problem(await patient.get(f"/v1/medical/fhir/{path}"), 404, "not_found")
    is_problem(await clinic.citizen().get(f"/v1/medical/fhir/Coverage/{no}"), 404, "not_found")


async def test_a_settlement_and_its_undoing_are_read_by_who_treats_and_who_was_treated(clinic: Clinic) -> None:
    person = await clinic.somebody()
    no = await a_stay(clinic, await clinic.ask(clinic.doctor(), person))
    once = SettledOnce(setl_id="S1", at=NOW, amounts=G1.amounts(), undone_by="S2")
    undone = SettledOnce(setl_id="S2", at=NOW, amounts=reverse(G1).amounts(), undoes="S1")
    view = TreatmentView(status=TreatmentStatus.DISCHARGED, person=person.psn_no, settlements=(once, undone))
    async with clinic.database.begin() as session:
        change = text("UPDATE matter SET progress = :view, start = :start WHERE no = :no")
        begun = {"insutype": person.insutype, "institution_name": "上海示例医院"}
        await session.execute(change, {"view": view.model_dump_json(), "start": json.dumps(begun), "no": no})
    patient, doctor = clinic.patient(person), clinic.doctor()
    paid = json.loads((await patient.get(f"/v1/medical/fhir/ClaimResponse/{no}-S1")).text, parse_float=Decimal)
    assert by_category(paid)["benefit"] == Decimal("24660.00")
    second = (await doctor.get(f"/v1/medical/fhir/Claim/{no}-S2")).json()
    assert (second["status"], second["related"][0]["claim"]["reference"]) == ("cancelled", f"Claim/{no}-S1")
    insured = (await doctor.get(f"/v1/medical/fhir/{second['insurance'][0]['coverage']['reference']}")).json()
    assert (insured["subscriberId"], insured["payor"][0]["identifier"]["value"]) == (person.psn_no, person.area)
    log = (await patient.get("/v1/medical/access-log")).json()["reads"]
    assert [(line["what"], line["basis"]) for line in log] == [("stay", "treatment")], "one reader, one reading"
    for stranger in (clinic.doctor("x", "H31010400002"), clinic.patient("310199199001010018"), clinic.market()):
        is_problem(await stranger.get(f"/v1/medical/fhir/Claim/{no}-S1"), 404, "not_found")
    for gone in (f"{no}-S9", no, "S1"):
        is_problem(await patient.get(f"/v1/medical/fhir/Claim/{gone}"), 404, "not_found")


async def test_without_the_extra_it_is_told_that_there_is_none(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routers.fhir.installed", lambda: False)
    answer = await clinic.patient("310199199001010018").get("/v1/medical/fhir/Coverage/1")
    is_problem(answer, 501, "fhir_not_installed")


def test_the_api_needs_the_extra_only_when_a_resource_goes_out() -> None:
    code = "import sys, api.app; sys.exit(any(name.startswith('fhir') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
