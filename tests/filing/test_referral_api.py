"""Referral through the API: two hospitals, the patient, the filing it becomes, and nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from domain.calendar import local_day
from models.inspection import check_matters
from tests.api.test_problems import is_problem
from tests.filing.hall import Hall
from tests.filing.people import days
from tests.fixtures.houses import Caller

pytestmark = pytest.mark.xdist_group("temporal")
REFERRALS = "/v1/medical/referrals"
HOME, AWAY, THIRD = "H34050300001", "H31010400001", "H32010000001"


async def refer(hall: Hall, **changes: Any) -> str:
    answer = await hall.hospital(HOME).post(REFERRALS, json=hall.referral(**changes))
    assert answer.status_code == 201, answer.text
    no = str(answer.json()["no"])
    await hall.until(hall.hospital(HOME), "referrals", no, lambda r: r["status"] == "referred")
    return no


async def act(who: Caller, no: str, what: str, **body: Any) -> Any:
    return await who.post(f"{REFERRALS}/{no}/{what}", json=body or None)


async def ok(who: Caller, no: str, what: str, **body: Any) -> str:
    answer = await act(who, no, what, **body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["status"])


async def listed(who: Caller) -> list[str]:
    return [r["no"] for r in (await who.get(REFERRALS)).json()["referrals"]]


async def test_a_referral_is_filed_by_itself_and_comes_back_with_its_outcome(hall: Hall) -> None:
    home, away, me = hall.hospital(HOME), hall.hospital(AWAY), hall.person()
    no, today = await refer(hall), local_day(datetime.now(UTC))
    waiting = await hall.read(me, "referrals", no)
    assert (waiting["waiting_on"]["why"], waiting["waiting_on"]["department"]) == ("referral_referred", AWAY)
    assert await ok(away, no, "accept") == "accepted"
    shown = await hall.until(home, "referrals", no, lambda r: r["filing"])
    filed = await hall.until(me, "filings", shown["filing"], lambda f: f["status"] == "effective")
    assert (filed["category"], filed["benefit"], filed["referral"]) == ("TMP_REFERRAL", "referral", no)
    infno, told = hall.sent[-1]
    assert (infno, told["diag_code"], told["reflin_medins_no"]) == ("2501", "I25.103", AWAY)
    assert (told["psn_no"], told["tel"], told["mdtrtarea_admdvs"]) == (
        hall.people["me"].psn_no,
        "13900000000",
        "310104",
    )
    async with hall.office.house.database.begin() as session:
        start = await session.scalar(text("SELECT start FROM matter WHERE no = :no"), {"no": filed["no"]})
    assert "I25" not in str(start), "health data does not go through the workflow"
    check = {"insured": "340500", "destination": "310104"}
    covered = (await me.post("/v1/medical/filings/check", json=check)).json()
    assert (covered["category"], covered["filing"]) == ("referral", filed["no"])

    assert await ok(away, no, "schedule", day=(today + days(2)).isoformat()) == "scheduled"
    assert await ok(away, no, "admit", day=today.isoformat()) == "admitted"
    is_problem(await act(home, no, "cancel", reason="patient_wish"), 409, "referral_state")
    tomorrow = (today + days(1)).isoformat()
    is_problem(await act(away, no, "outcome", outcome="improved", day=tomorrow), 422, "referral_day")
    is_problem(await act(away, no, "outcome", outcome="other", day=today.isoformat()), 422, "reason_required")
    done = await ok(away, no, "outcome", outcome="improved", day=today.isoformat(), summary="术后恢复良好")
    assert done == "outcome"
    back = await hall.read(home, "referrals", no)
    assert (back["outcome_text"]["zh"], back["summary"], back["waiting_on"]) == ("好转", "术后恢复良好", None)
    is_problem(await act(away, no, "no-show"), 409, "matter_closed")
    assert (await hall.read(me, "filings", filed["no"]))["applies"]
    database = hall.office.house.database
    assert [fault async for fault in check_matters(database, datetime.now(UTC))] == []


async def test_another_institution_is_proposed_and_agreed_to(hall: Hall) -> None:
    home, away, third = hall.hospital(HOME), hall.hospital(AWAY), hall.hospital(THIRD)
    no = await refer(hall)
    unable = await act(away, no, "propose", institution="H32010000011", reason="sooner")
    is_problem(unable, 422, "institution_not_capable")
    is_problem(await act(away, no, "propose", institution=AWAY, reason="sooner"), 422, "referral_asked_before")
    is_problem(await act(away, no, "propose", institution=THIRD, reason="because"), 422, "field_invalid")
    assert await ok(away, no, "propose", institution=THIRD, reason="other", reason_text="设备检修") == "proposed"
    shown = await hall.read(home, "referrals", no)
    assert (shown["proposed"]["code"], shown["answer_words"]) == (THIRD, "设备检修")
    is_problem(await third.get(f"{REFERRALS}/{no}"), 404, "not_found")
    assert await ok(home, no, "accept") == "referred"
    is_problem(await away.get(f"{REFERRALS}/{no}"), 404, "not_found")
    assert no not in await listed(away)
    assert no in await listed(third)
    assert await ok(third, no, "accept") == "accepted"


async def test_a_refusal_says_why(hall: Hall) -> None:
    away, no = hall.hospital(AWAY), await refer(hall)
    is_problem(await act(away, no, "decline", reason="other"), 422, "reason_required")
    assert await ok(away, no, "decline", reason="no_bed") == "declined"
    shown = await hall.read(hall.person(), "referrals", no)
    assert (shown["answer_text"]["zh"], shown["ended_by"], shown["filing"]) == ("无床位", "receiving", "")


async def test_the_patient_cancels_and_what_was_filed_is_taken_back(hall: Hall) -> None:
    away, me, no = hall.hospital(AWAY), hall.person(), await refer(hall)
    await ok(away, no, "accept")
    filed = (await hall.until(me, "referrals", no, lambda r: r["filing"]))["filing"]
    await hall.until(me, "filings", filed, lambda f: f["status"] == "effective")
    assert await ok(me, no, "cancel", reason="patient_wish") == "cancelled"
    shown = await hall.until(me, "filings", filed, lambda f: f["closed_at"])
    assert (shown["status"], shown["reason"]) == ("cancelled", "referral_over")
    assert [infno for infno, _ in hall.sent] == ["1101", "2501", "X512"]


async def test_where_a_long_term_filing_covers_the_place_none_is_added(hall: Hall) -> None:
    me = hall.person()
    await hall.file(me, category="LT_RESIDENT", committed=["residence_proof"])
    no = await refer(hall)
    await ok(hall.hospital(AWAY), no, "accept")
    shown = await hall.until(me, "referrals", no, lambda r: r["filing_refused"])
    assert (shown["filing_refused"], shown["status"]) == (["filing_overlap"], "accepted")
    assert len((await me.get("/v1/medical/filings")).json()["filings"]) == 1


async def test_a_referral_that_may_not_be_is_refused_with_every_reason(hall: Hall) -> None:
    home = hall.hospital(HOME)

    async def codes(who: Caller, **changes: Any) -> list[str]:
        answer = await who.post(REFERRALS, json=hall.referral(**changes))
        return [e["code"] for e in answer.json().get("errors", [])] or [answer.json()["code"]]

    assert await codes(home, assessor_title="resident", capability="rehabilitation") == [
        "referral_assessor",
        "institution_not_capable",
    ]
    assert await codes(hall.hospital("H34050300002")) == ["referral_level"]
    assert await codes(hall.hospital("H34110000002")) == ["institution_closed"]
    assert await codes(home, institution="H31019900001") == ["institution_unknown"]
    assert await codes(home, institution="H34010000001") == ["filing_same_province"]
    assert await codes(home, reason="other") == ["reason_required"]
    assert await codes(home, first="2020-01-01") == ["institution_closed", "institution_unknown", "filing_day"]
    assert await codes(home, insutype="999") == ["field_invalid"]
    assert await codes(hall.person()) == ["forbidden"]
    bad = hall.referral()["patient"] | {"id_number": hall.number("me")[:-1] + "1"}
    assert await codes(home, patient=bad) == ["resident_id_invalid"]


async def test_a_referral_is_for_its_two_sides_the_patient_and_the_insured_place(hall: Hall) -> None:
    no = await refer(hall)
    strangers = (
        hall.hospital(THIRD),
        hall.hospital("H34050000001"),
        hall.person("other"),
        hall.person("nobody"),
        hall.clerk("340200"),
        hall.office.market(),
    )
    for stranger in strangers:
        is_problem(await stranger.get(f"{REFERRALS}/{no}"), 404, "not_found")
        is_problem(await act(stranger, no, "accept"), 404, "not_found")
    is_problem(await act(hall.person(), no, "accept"), 409, "referral_not_yours")
    is_problem(await act(hall.hospital(HOME), no, "decline", reason="no_bed"), 409, "referral_not_yours")
    assert no in await listed(hall.clerk())
    assert await listed(hall.person()) == [no]
    is_problem(await hall.person("nobody").get(REFERRALS), 403, "identity_not_verified")
    is_problem(await hall.office.market().get(REFERRALS), 403, "forbidden")
    assert (await hall.person().post("/v1/medical/filings", json=hall.filing())).status_code == 201


async def test_the_patient_sees_who_has_read_his_referral_and_filing(hall: Hall) -> None:
    me, no = hall.person(), await refer(hall)
    await hall.read(hall.hospital(AWAY), "referrals", no)
    await hall.read(hall.clerk(), "referrals", no)
    await hall.read(me, "referrals", no)
    filed = await hall.file(me, destination="320100")
    await hall.read(hall.clerk(), "filings", filed)
    reads = (await me.get("/v1/medical/access-log")).json()["reads"]
    seen = [(row["what"], row["basis"], row["by"]["department"]) for row in reads]
    assert seen[0] == ("filing", "legal_duty", "health_insurance")
    assert seen[1:3] == [("referral", "legal_duty", "health_insurance"), ("referral", "treatment", AWAY)]
    assert {row["role"] for row in reads} == {"caseworker", "institution"}, "his own readings are no news"


async def test_the_same_request_again_is_the_same_act(hall: Hall) -> None:
    away, no = hall.hospital(AWAY), await refer(hall)
    key = {"Idempotency-Key": f"accept-{no}"}
    answers = [await away.post(f"{REFERRALS}/{no}/accept", headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"


async def test_institutions_are_found_and_paged_by_anybody(hall: Hall) -> None:
    anyone, path = hall.office.caller(), "/v1/medical/institutions"
    page = (await anyone.get(f"{path}?region=310000&level=3&limit=2&day=2026-11-26")).json()
    assert [item["code"] for item in page["institutions"]] == ["H31010100001", "H31010400001"]
    assert (page["total"], page["next"]) == (4, "H31010400001")
    rest = (await anyone.get(f"{path}?region=310000&level=3&limit=2&day=2026-11-26&cursor={page['next']}")).json()
    assert ([item["code"] for item in rest["institutions"]], rest["next"]) == (["H31010400011", "H31011000001"], None)
    opened = (await anyone.get(f"{path}?region=340500&disease=M07800&networked=chronic")).json()
    assert {item["code"] for item in opened["institutions"]} == {"H34050000001", "H34050300001"}
    one = (await anyone.get(f"{path}/H34050300001")).json()
    assert (one["region_name"]["zh"], one["synthetic"], one["diseases"]["M07800"]["zh"]) == (
        "马鞍山市",
        True,
        "尿毒症透析",
    )
    is_problem(await anyone.get(f"{path}/H34059900001"), 404, "not_found")
    is_problem(await anyone.get(f"{path}?region=11"), 422, "field_invalid")


async def test_words_of_an_act_that_was_refused_are_nobodys(hall: Hall) -> None:
    home, away, me = hall.hospital(HOME), hall.hospital(AWAY), hall.person()
    no, today = await refer(hall), local_day(datetime.now(UTC)).isoformat()
    answer = await act(me, no, "outcome", outcome="improved", day=today, summary="病人自己写的小结")
    assert answer.status_code >= 400
    assert (await away.get(f"/v1/medical/referrals/{no}")).json()["summary"] == ""
    assert (await home.get(f"/v1/medical/referrals/{no}")).json()["summary"] == ""
