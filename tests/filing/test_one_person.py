"""One person is one digest, in whichever matter and whoever has begun it; and his referral leaves the house as FHIR."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from domain import names
from tests.api.test_problems import is_problem
from tests.filing.hall import Hall, Wire
from tests.fixtures.houses import Caller, Office
from tests.insurance.places import Town
from tests.recognition.conftest import asked

pytestmark = pytest.mark.xdist_group("temporal")
HOME, AWAY = "H34050300001", "H31010400001"
BEGIN = "2026-11-25T09:00:00+08:00"


def treatment(hall: Hall, **more: Any) -> dict[str, Any]:
    """A stay or a visit as it is sent."""
    return {
        "patient": {"id_number": hall.number("me"), "name": "赵测"},
        "insured": "340500",
        "insutype": "310",
        "begin": BEGIN,
        "department": "心内科",
        "diagnosis": {"code": "I25.103", "name": "冠心病"},
    } | more


async def new(who: Caller, what: str, body: dict[str, Any]) -> str:
    answer = await who.post(f"/v1/medical/{what}", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["no"])


async def test_every_matter_of_a_person_carries_the_digest_of_his_number(office: Office, town: Town) -> None:
    hall = Hall(office, Wire(town))
    me, person = hall.person(), hall.people["me"]
    bill = {"code": "31060226", "number": "0000000001", "check_code": "a1b2c3"}
    claim = {
        "insured": "340500",
        "insutype": "310",
        "med_type": "21",
        "treatment": "310104",
        "total": 100,
        "bill": bill,
    }
    begun = {
        "filing": await new(me, "filings", hall.filing(destination="320100")),
        "referral": await new(hall.hospital(HOME), "referrals", hall.referral()),
        "stay": await new(hall.hospital(AWAY), "stays", treatment(hall)),
        "visit": await new(hall.hospital(AWAY), "visits", treatment(hall, med_type="11")),
        "recognition": await new(hall.hospital(AWAY), "recognitions", asked(person)),
        "claim": await new(me, "claims", claim),
    }
    async with office.house.database.begin() as session:
        rows = (await session.execute(text("SELECT no, kind, person FROM matter"))).all()
    assert {kind: no for no, kind, _ in rows} == begun
    assert {digest for _, _, digest in rows} == {names.person_digest(person.certno)}
    spelled = hall.person(subject="again", id_number=person.certno.lower())
    for kind in begun:
        shown = (await spelled.get(f"/v1/medical/{kind}s")).json()
        assert [row["no"] for row in next(iter(shown.values()))] == [begun[kind]], kind
    company = hall.person(subject="company", id_number="91310000XXXX00019C")
    assert (await company.get("/v1/medical/stays")).json()["treatments"] == []
    is_problem(await company.get("/v1/medical/recognitions"), 403, "identity_not_verified")


async def test_a_referral_is_read_as_fhir_by_whoever_may_read_it_and_that_is_logged(hall: Hall) -> None:
    me, away = hall.person(), hall.hospital(AWAY)
    no = await new(hall.hospital(HOME), "referrals", hall.referral())
    await hall.until(away, "referrals", no, lambda r: r["status"] == "referred")
    request = (await away.get(f"/v1/medical/fhir/ServiceRequest/{no}")).json()
    assert request["reasonCode"][0]["coding"][0]["code"] == "I25.103"
    assert (request["status"], request["performer"][0]["identifier"]["value"]) == ("active", AWAY)
    assert request["requester"]["identifier"]["value"] == HOME
    assert request["subject"]["identifier"]["value"] == names.person_digest(hall.number("me"))
    assert hall.number("me") not in str(request)
    asked_ = (await me.get(f"/v1/medical/fhir/Task/{no}")).json()
    assert (asked_["status"], asked_["focus"]["reference"]) == ("requested", f"ServiceRequest/{no}")
    answer = await away.post(f"/v1/medical/referrals/{no}/decline", json={"reason": "other", "reason_text": "设备检修"})
    assert answer.status_code == 200, answer.text
    told = (await hall.hospital(HOME).get(f"/v1/medical/fhir/Task/{no}")).json()
    assert told["status"] == "rejected"
    assert "设备检修" in told["statusReason"]["text"]
    log = (await me.get("/v1/medical/access-log")).json()["reads"]
    lines = [(line["what"], line["basis"], line["by"]["department"]) for line in log if line["matter"] == no]
    assert lines == [("referral", "treatment", HOME), ("referral", "treatment", AWAY)], "each has read once"
    for stranger in (hall.hospital("H32010000001"), hall.person("other"), hall.office.market()):
        is_problem(await stranger.get(f"/v1/medical/fhir/Task/{no}"), 404, "not_found")


async def test_an_accepted_referral_says_that_it_is_filed(hall: Hall) -> None:
    me, away = hall.person(), hall.hospital(AWAY)
    no = await new(hall.hospital(HOME), "referrals", hall.referral())
    await hall.until(away, "referrals", no, lambda r: r["status"] == "referred")
    assert (await away.post(f"/v1/medical/referrals/{no}/accept")).status_code == 200
    await hall.until(me, "referrals", no, lambda r: r["filing"])
    told = (await me.get(f"/v1/medical/fhir/Task/{no}")).json()
    assert (told["status"], told["businessStatus"]["coding"][0]["code"]) == ("accepted", "filed")
