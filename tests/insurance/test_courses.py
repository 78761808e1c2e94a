"""What the platforms do with a stay, a visit, a filing: the rules, one sentence each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adapters.errors import ContractBroken, Misconfigured, Rejected
from domain.medical.interface import InsuranceMessage
from tests.insurance.places import B10, G1, SHANGHAI, A, C, Person, Town, bill, hospital, line, setlinfo

New = Callable[[str], Person]


async def refused(town: Town, message: InsuranceMessage) -> str:
    with pytest.raises(Rejected) as no:
        await town.gate.send(message)
    assert no.value.text is not None
    return no.value.reasons[0]


def told(town: Town, infno: str, body: dict[str, Any], person: Person, **more: Any) -> InsuranceMessage:
    return town.message(infno, body, person, **more)


def who_is(town: Town, certno: str, area: str, **more: str) -> InsuranceMessage:
    return town.message("1101", {"mdtrt_cert_type": "02", "mdtrt_cert_no": certno} | more, insured=area)


# persons


async def test_a_person_is_found_by_certificate_at_the_insured_place(town: Town) -> None:
    person = Person("340500", "resident")
    found = await town.ask("1101", {"mdtrt_cert_type": "02", "mdtrt_cert_no": person.certno}, person)
    assert found["baseinfo"] | {"brdy": "", "gend": ""} == {
        "psn_no": person.psn_no, "certno": person.certno, "psn_cert_type": "01", "psn_name": "孙测", "brdy": "",
        "gend": "",
    }  # fmt: skip
    assert found["insuinfo"] == [
        {"insutype": "390", "psn_type": "15", "psn_insu_stas": "1", "insuplc_admdvs": "340500", "balc": "0.00"}
    ]


async def test_a_small_x_in_a_number_is_a_large_one(town: Town) -> None:
    certno = Person("330100", "child").certno
    assert certno == "33019920120229003X"
    for written in (certno, certno.lower()):
        found = await town.gate.send(who_is(town, written, "330100"))
        assert f'"certno": "{certno}"' in found.body


async def test_somebody_in_no_register_and_somebody_elsewhere_are_not_insured(town: Town) -> None:
    assert await refused(town, who_is(town, Person("340500", "unknown").certno, "340500")) == "not_insured"
    assert await refused(town, who_is(town, Person("340500", "resident").certno, "340100")) == "not_insured"


async def test_a_name_that_is_not_the_persons_is_the_wrong_person(town: Town) -> None:
    certno = Person("340500", "resident").certno
    assert await refused(town, who_is(town, certno, "340500", psn_name="李四")) == "wrong_person"


async def test_whoever_is_in_arrears_is_known_but_not_entitled(town: Town, somebody: New) -> None:
    person = somebody("arrears")
    body = {"insutype": "310", "med_type": "21", "mdtrt_date": "2026-10-08"}
    checked = await town.ask("2001", body, person)
    assert (checked["trt_chk_rslt"], checked["reason"]) == ("0", "not_entitled")
    assert await refused(town, told(town, "2401", town.admission(person), person)) == "not_entitled"


# institutions


async def test_an_institution_out_of_the_network_settles_nothing(town: Town, somebody: New) -> None:
    person = somebody("resident")
    closed = told(town, "2401", town.admission(person), person, institution=f"H{SHANGHAI}00009")
    assert await refused(town, closed) == "institution_closed"
    nobody = told(town, "2401", town.admission(person), person, institution=f"H{SHANGHAI}00077")
    assert await refused(town, nobody) == "institution_unknown"
    here = {"fixmedins_code": f"H{SHANGHAI}00009"}
    found = (await town.ask("1201", here))["medinsinfo"]
    assert (found["hosp_lv"], found["medins_stas"]) == ("2", "0")


# filings


async def test_the_filing_in_force_on_the_day_of_admission_counts(town: Town, somebody: New) -> None:
    person = somebody("employee")
    number = await town.file(person, "referral", begins="2026-10-01", ends="2026-10-31")
    for day, category in (("2026-09-30", "other"), ("2026-10-01", "referral"), ("2026-11-01", "other")):
        checked = await town.ask("2001", {"insutype": "310", "med_type": "21", "mdtrt_date": day}, person)
        assert checked["category"] == category
    visit = await town.stay(person, day="2026-10-31", leaves="2026-11-05")
    info = await town.settle(person, visit)
    assert (info.category, info.filing) == ("referral", number)


async def test_a_filing_for_another_city_does_not_count(town: Town, somebody: New) -> None:
    person = somebody("employee")
    await town.file(person, "long_term", dest="320100")
    info = await town.settle(person, await town.stay(person))
    assert (info.category, info.filing, info.hifp_pay) == ("other", "", 1_918_000)


async def test_a_filing_made_after_admission_and_before_settlement_counts(town: Town, somebody: New) -> None:
    person = somebody("employee")
    visit = await town.stay(person)
    assert (await town.settle(person, visit, infno="2303")).category == "other"
    await town.file(person, "long_term", begins="2026-10-08")
    assert (await town.settle(person, visit)).category == "long_term"


async def test_a_cancelled_filing_counts_no_more_or_to_its_last_day(town: Town, somebody: New) -> None:
    person = somebody("employee")
    number = await town.file(person, "long_term")
    agency = {"place": person.area, "institution": f"A{person.area}00001"}
    check = {"insutype": "310", "med_type": "21", "mdtrt_date": "2026-10-08"}
    await town.ask("X512", {"trt_dcla_detl_sn": number, "enddate": "2026-10-08"}, person, **agency)
    assert (await town.ask("2001", check, person))["category"] == "long_term"
    await town.ask("X512", {"trt_dcla_detl_sn": number}, person, **agency)
    assert (await town.ask("2001", check, person))["category"] == "other"
    again = told(town, "X512", {"trt_dcla_detl_sn": number}, person, **agency)
    assert await refused(town, again) == "filing_unknown"


async def test_a_second_long_term_filing_is_refused(town: Town, somebody: New) -> None:
    person = somebody("employee")
    await town.file(person, "long_term")
    with pytest.raises(Rejected) as no:
        await town.file(person, "long_term", dest="320100")
    assert no.value.reasons == ("filing_overlap",)
    await town.file(person, "referral", dest="320100")  # temporary ones may stand beside it


async def test_an_emergency_is_deemed_filed_even_where_a_filing_is_needed(town: Town) -> None:
    person = Person("341800", "employee")
    body = {"insutype": "310", "med_type": "21", "mdtrt_date": "2026-10-08"}
    checked = await town.ask("2001", body, person)
    assert (checked["trt_chk_rslt"], checked["reason"]) == ("0", "no_direct_settlement")
    visit = await town.stay(person)
    settle = told(town, "2304", town.to_settle(person, visit), person)
    assert await refused(town, settle) == "no_direct_settlement"
    await town.ask("2302", {"mdtrt_id": visit, "feedetl_sn": []}, person)
    emergency = await town.stay(Person("341800", "retired"), med_type="24")
    assert (await town.settle(Person("341800", "retired"), emergency)).category == "emergency"


async def test_a_referral_filed_by_the_national_message_counts_as_referral(town: Town, somebody: New) -> None:
    person = somebody("employee")
    body = {
        "insutype": "310", "mdtrtarea_admdvs": "310000", "diag_code": "I25.100", "diag_name": "冠心病",
        "begndate": "2026-10-01", "enddate": "2027-03-31", "refl_type": "1", "refl_rea": "需进一步诊治",
    }  # fmt: skip
    made = await town.ask("2501", body, person, place=person.area, institution=hospital(person.area))
    info = await town.settle(person, await town.stay(person))
    assert (info.category, info.filing) == ("referral", made["trt_dcla_detl_sn"])


async def test_in_the_demonstration_zone_outpatients_need_no_filing(town: Town) -> None:
    check = {"insutype": "390", "med_type": "11", "mdtrt_date": "2026-10-08"}
    suzhou = Person("320500", "resident")
    assert (await town.ask("2001", check, suzhou, place="310118"))["category"] == "long_term"
    assert (await town.ask("2001", check, suzhou, place="310104"))["category"] == "other"
    assert (await town.ask("2001", check | {"med_type": "21"}, suzhou, place="310118"))["category"] == "other"


# stays


async def test_the_catalogue_is_that_of_the_treatment_place(town: Town, somebody: New) -> None:
    lines = bill((B10, "1000.00"))
    shares = {}
    for place in (SHANGHAI, "320500"):
        person = somebody("child") if place == SHANGHAI else Person("340500", "child")
        visit = await town.admit(person, place=place)
        output = await town.ask("2301", {"mdtrt_id": visit, "feedetail": lines}, person, place=place)
        shares[place] = output["result"][0]["preselfpay_amt"]
    assert shares == {SHANGHAI: "100.00", "320500": "50.00"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"med_list_codg": "XX000000000000000000099"}, "item_unknown"),
        ({"det_item_fee_sumamt": "9.99"}, "detail_refused"),
        ({"cnt": "0", "det_item_fee_sumamt": "0.00"}, "detail_refused"),
    ],
)
async def test_a_fee_line_that_cannot_be_is_refused_with_all_others(
    town: Town, somebody: New, changes: dict[str, str], reason: str
) -> None:
    person = somebody("minor")
    visit = await town.admit(person)
    body = {"mdtrt_id": visit, "feedetail": [line(1, A, "5.00"), line(2, A, "10.00") | changes]}
    assert await refused(town, told(town, "2301", body, person)) == reason
    first = {"mdtrt_id": visit, "feedetail": [line(1, A, "5.00")]}
    await town.ask("2301", first, person)  # the good one was not kept
    assert await refused(town, told(town, "2301", first, person)) == "detail_refused"


async def test_cancelled_lines_count_no_more(town: Town, somebody: New) -> None:
    person = somebody("resident")
    visit = await town.stay(person, bill((A, "2000.00"), (C, "300.00")))
    await town.ask("2302", {"mdtrt_id": visit, "feedetl_sn": ["F2"]}, person)
    assert await refused(
        town, told(town, "2304", town.to_settle(person, visit, bill((A, "2300.00"))), person)
    ) == "amount_mismatch"  # fmt: skip
    assert (await town.settle(person, visit, bill((A, "2000.00")))).medfee_sumamt == 200_000


async def test_nobody_lies_in_two_beds(town: Town, somebody: New) -> None:
    person = somebody("resident")
    visit = await town.admit(person)
    second = told(town, "2401", town.admission(person), person, place="320500")
    assert await refused(town, second) == "in_hospital_elsewhere"
    (bed,) = (await town.ask("5303", {}, person))["data"]
    assert (bed["mdtrt_id"], bed["mdtrtarea_admvs"]) == (visit, SHANGHAI)
    await town.ask("2404", {"mdtrt_id": visit}, person)
    assert (await town.ask("5303", {}, person))["data"] == []
    await town.gate.send(told(town, "2401", town.admission(person), person, place="320500"))


async def test_an_admission_with_fees_cannot_be_cancelled(town: Town, somebody: New) -> None:
    person = somebody("resident")
    visit = await town.admit(person)
    await town.ask("2301", {"mdtrt_id": visit, "feedetail": G1}, person)
    assert await refused(town, told(town, "2404", {"mdtrt_id": visit}, person)) == "visit_state"


async def test_nobody_is_settled_before_discharge_and_a_discharge_can_be_taken_back(town: Town, somebody: New) -> None:
    person = somebody("resident")
    visit = await town.stay(person)
    await town.ask("2405", {"mdtrt_id": visit}, person)
    assert await refused(town, told(town, "2304", town.to_settle(person, visit), person)) == "visit_state"
    assert (await town.settle(person, visit, infno="2303")).medfee_sumamt == 3_200_000  # but he may ask


async def test_whoever_has_died_is_settled_as_everybody_is(town: Town, somebody: New) -> None:
    person = somebody("resident")
    visit = await town.admit(person)
    await town.ask("2301", {"mdtrt_id": visit, "feedetail": G1}, person)
    died = {"mdtrt_id": visit, "endtime": "2026-10-10 03:00:00", "dscg_way": "5"}
    await town.ask("2402", died, person)
    assert (await town.settle(person, visit)).medfee_sumamt == 3_200_000


async def test_a_stay_across_the_year_is_one_claim_of_the_year_of_discharge(town: Town, somebody: New) -> None:
    person = somebody("employee")
    visit = await town.stay(person, day="2026-12-28", leaves="2027-01-03")
    info = await town.settle(person, visit)
    assert (info.setl_year, info.medfee_sumamt) == ("2027", 3_200_000)
    assert ((await town.year(person))["stays"], (await town.year(person, "2027"))["stays"]) == (0, 1)


async def test_the_visit_of_one_is_not_the_visit_of_another(town: Town, somebody: New) -> None:
    mine, other = somebody("resident"), somebody("resident")
    visit = await town.stay(mine)
    assert await refused(town, told(town, "2304", town.to_settle(other, visit), other)) == "wrong_person"
    nowhere = {"mdtrt_id": "M31999999999999", "endtime": "2026-10-12 10:00:00", "dscg_way": "1"}
    assert await refused(town, told(town, "2402", nowhere, mine)) == "visit_unknown"


# money


async def test_settled_once_until_it_is_undone_and_the_year_goes_back(town: Town, somebody: New) -> None:
    person = somebody("employee")
    await town.file(person, "long_term")
    visit = await town.stay(person)
    first = await town.settle(person, visit)
    assert await refused(town, told(town, "2304", town.to_settle(person, visit), person)) == "already_settled"
    more = {"mdtrt_id": visit, "feedetail": [line(9, A, "1.00")]}
    assert await refused(town, told(town, "2301", more, person)) == "already_settled"
    after = await town.year(person)
    assert (after["stays"], after["pool"]) == (1, "24660.00")
    undo = {"mdtrt_id": visit, "setl_id": first.setl_id}
    undone = setlinfo(await town.gate.send(told(town, "2305", undo, person)))
    assert undone.orig_setl_id == first.setl_id
    amounts = [name for name, value in first.model_dump().items() if name.endswith(("_pay", "_sumamt", "_amt"))]
    for name in (*amounts, "overlmt_selfpay", "act_pay_dedc"):
        assert getattr(undone, name) == -getattr(first, name), name
    assert undone.balc == 300_000  # the account has its money back
    assert (await town.year(person))["pool"] == "0.00"
    assert await refused(town, told(town, "2305", undo, person)) == "not_settled"
    again = await town.settle(person, visit)
    assert (again.psn_part_amt, again.act_pay_dedc) == (first.psn_part_amt, first.act_pay_dedc)
    rows = await town.ledger(person.area[:2] + "0000", mdtrt_id=visit)
    assert [row["delta"] for row in rows if row["setl_id"]] == [1, -1, 1]


async def test_the_account_is_left_alone_if_the_patient_says_so(town: Town, somebody: New) -> None:
    person = somebody("employee")
    visit = await town.stay(person)
    body = town.to_settle(person, visit) | {"acct_used_flag": "0"}
    info = setlinfo(await town.gate.send(told(town, "2304", body, person)))
    assert (info.acct_pay, info.balc, info.psn_cash_pay) == (0, 300_000, info.psn_part_amt)


# outpatients


async def test_the_whole_course_of_an_outpatient(town: Town, somebody: New) -> None:
    person, lines = somebody("employee"), bill((A, "200.00"), (C, "30.00"))
    opening = town.admission(person, med_type="11")
    visit = (await town.ask("2201", opening, person))["mdtrt_id"]
    described = {"mdtrt_id": visit, "med_type": "11", "begntime": opening["begntime"], "diag_code": "J06.900"}
    await town.ask("2203", described, person)
    await town.ask("2204", {"mdtrt_id": visit, "feedetail": lines}, person)
    await town.ask("2205", {"mdtrt_id": visit, "feedetl_sn": ["F2"]}, person)
    await town.ask("2204", {"mdtrt_id": visit, "feedetail": lines[1:]}, person)
    preview = await town.settle(person, visit, lines, "2206")
    info = await town.settle(person, visit, lines, "2207")
    assert (info.clr_type, info.fund_pay_sumamt, preview.fund_pay_sumamt) == ("11", 8_000, 8_000)  # .60 less 20 points
    assert (await town.year(person))["stays"] == 0
    undone = await town.ask("2208", {"mdtrt_id": visit, "setl_id": info.setl_id}, person)
    assert undone["setlinfo"]["fund_pay_sumamt"] == "-80.00"
    await town.ask("2205", {"mdtrt_id": visit, "feedetl_sn": []}, person)
    await town.ask("2202", {"mdtrt_id": visit}, person)


async def test_a_chronic_disease_needs_its_certificate_and_an_institution_opened_for_it(
    town: Town, somebody: New
) -> None:
    person, lines = somebody("resident"), bill((A, "400.00"))
    low = {"institution": hospital(SHANGHAI, 1)}

    async def visit_for(disease: str, **more: Any) -> InsuranceMessage:
        opening = town.admission(person, med_type="14") | {"dise_codg": disease}
        visit = (await town.ask("2201", opening, person, **more))["mdtrt_id"]
        await town.ask("2204", {"mdtrt_id": visit, "feedetail": lines}, person, **more)
        return told(town, "2207", town.to_settle(person, visit, lines), person, **more)

    assert await refused(town, await visit_for("M07800")) == "certificate_missing"
    days = {"begndate": "2026-01-01", "enddate": "2026-12-31"}
    agency = {"place": person.area, "institution": f"A{person.area}00001"}
    certify = {"insutype": "390", "dise_codg": "M07800"} | days
    made = await town.ask("2503", certify, person, **agency)
    assert await refused(town, await visit_for("M07800", **low)) == "institution_not_opened"
    assert setlinfo(await town.gate.send(await visit_for("M07800"))).fund_pay_sumamt > 0
    await town.ask("2505", {"dise_codg": "M07800", "fixmedins_code": "H31010100001"} | days, person, **agency)
    assert await refused(town, await visit_for("M07800")) == "institution_not_opened"
    await town.ask("2504", {"trt_dcla_detl_sn": made["trt_dcla_detl_sn"]}, person, **agency)
    assert await refused(town, await visit_for("M07800")) == "certificate_missing"


# within one province


async def test_within_a_province_no_hub_is_needed(town: Town) -> None:
    person = Person("340500", "dibao")
    await town.fault("hub", "down", "*", times=50)
    here: dict[str, Any] = {"place": "340100"}
    visit = await town.stay(person, **here)
    assert (await town.settle(person, visit, **here)).category == "other"
    assert await town.ledger("hub", "hub", mdtrt_id=visit) == []


# what is sent wrongly


async def test_what_cannot_be_sent_is_said_before_it_is_sent(town: Town) -> None:
    person = Person("340500", "retired")
    body = town.to_settle(person, "M1")
    for odd in (3200000, "1.234", "1e3", "", "12,00"):
        with pytest.raises(ContractBroken, match="medfee_sumamt"):
            await town.gate.send(told(town, "2304", body | {"medfee_sumamt": odd}, person))
    with pytest.raises(Misconfigured, match="unknown_platform"):
        await town.gate.send(town.message("1201", {}, place="110000", institution="H11000000001"))
    with pytest.raises(ContractBroken, match="malformed"):
        await town.gate.send(told(town, "2401", town.admission(person) | {"begntime": "gestern"}, person))
    with pytest.raises(Misconfigured, match="no_such_message"):
        await town.gate.send(told(town, "2101", {}, person))
