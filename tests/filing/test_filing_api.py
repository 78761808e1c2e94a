"""Filing through the API: who may, what is decided at once, what waits for whom, and what nobody else learns."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from domain.medical import day_over
from tests.api.test_problems import is_problem
from tests.filing.hall import Hall, Wire
from tests.fixtures.houses import Caller, Office
from tests.insurance.places import Town

pytestmark = pytest.mark.xdist_group("temporal")
FILINGS = "/v1/medical/filings"


async def fault(who: Caller, code: str, status: int, body: dict[str, Any], path: str = FILINGS) -> dict[str, Any]:
    answer = await who.post(path, json=body)
    is_problem(answer, status, code)
    return dict(answer.json())


async def test_most_are_decided_at_once_and_registered_at_the_insured_place(hall: Hall) -> None:
    me = hall.person()
    answer = await me.post(FILINGS, json=hall.filing(), headers={"Idempotency-Key": "one"})
    assert answer.status_code == 201, answer.text
    again = await me.post(FILINGS, json=hall.filing(), headers={"Idempotency-Key": "one"})
    assert (again.json()["no"], again.headers["Idempotent-Replayed"]) == (answer.json()["no"], "true")
    no = answer.json()["no"]
    assert answer.headers["Location"] == f"{FILINGS}/{no}"
    shown = await hall.until(me, "filings", no, lambda f: f["status"] == "effective")
    assert (shown["applies"], shown["benefit"], shown["decided_by"]) == (True, "other", "rules")
    assert shown["waiting_on"]["why"] == "filing_in_force"
    assert shown["waiting_on"]["until"] == day_over(date.fromisoformat(shown["last"])).isoformat()
    assert {line["rule"] for line in shown["trace"]} >= {"another_province", "overlap", "material:identity"}
    assert all(line["text"]["zh"] and line["text"]["en"] and line["tag"] for line in shown["trace"])
    (person, sent), (register, told) = hall.sent
    assert (person, sent["mdtrt_cert_no"], register) == ("1101", hall.number("me"), "X511")
    assert (told["psn_no"], told["filing_no"], told["dest_admdvs"]) == (hall.people["me"].psn_no, no, "310000")


async def test_an_id_number_stays_in_the_form(hall: Hall) -> None:
    no = await hall.file(hall.person())
    async with hall.office.house.database.begin() as session:
        query = text("SELECT start, progress, waiting, person FROM matter WHERE no = :no")
        row = (await session.execute(query, {"no": no})).one()
        events = (await session.execute(text("SELECT * FROM event"))).all()
        outbox = (await session.execute(text("SELECT * FROM outbox"))).all()
    for told in (row, events, outbox):
        assert hall.number("me") not in str(told)
        assert "赵测" not in str(told)
    assert row[3].startswith("p:")


async def test_for_oneself_only_by_the_number_that_was_verified(hall: Hall) -> None:
    await fault(hall.person("nobody"), "identity_not_verified", 403, hall.filing())
    told = await fault(hall.person("other"), "person_not_you", 422, hall.filing())
    assert told["errors"][0]["field"] == "/person/id_number"
    await fault(hall.person(), "resident_id_invalid", 422, hall.filing(person={"name": "x", "id_number": "1" * 18}))
    await fault(hall.hospital("H34050300001"), "forbidden", 403, hall.filing())
    await fault(hall.person(role="agent"), "forbidden", 403, hall.filing())
    is_problem(await hall.office.caller().post(FILINGS, json=hall.filing()), 401, "unauthenticated")


async def test_what_cannot_be_filed_is_told_with_every_reason_and_nothing_is_kept(hall: Hall) -> None:
    me = hall.person()
    told = await fault(me, "filing_same_province", 422, hall.filing(category="LT_RESIDENT", destination="340200"))
    assert [(e["code"], e["field"]) for e in told["errors"]] == [
        ("filing_same_province", "/destination"),
        ("material_missing", "/documents/residence_proof"),
    ]
    await fault(me, "filing_not_needed", 422, hall.filing(category="TMP_EMERGENCY"))
    await fault(me, "region_unknown", 422, hall.filing(destination="319900"))
    await fault(me, "filing_after_discharge", 409, hall.filing(discharged=True))
    await fault(me, "filing_day", 422, hall.filing(first="2020-01-01"))
    await fault(me, "field_invalid", 422, hall.filing(insutype="999"))
    await fault(me, "document_unknown", 422, hall.filing(documents={"residence_proof": ["dnone"]}))
    assert (await me.get(FILINGS)).json()["filings"] == []


async def test_two_at_once_for_one_person_cannot_both_be_the_only_one(hall: Hall) -> None:
    answers = await asyncio.gather(*(hall.person().post(FILINGS, json=hall.filing()) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    is_problem(next(a for a in answers if a.status_code == 409), 409, "filing_overlap")


async def test_acting_for_another_needs_a_basis_and_its_proof(hall: Hall) -> None:
    me = hall.person("other", subject="daughter")
    mandate = {"basis": "mandate", "principal": f"father-nobody-{hall.round}"}
    await fault(me, "field_missing", 422, hall.filing(acting=mandate))
    document = await me.upload(name="mandate.pdf")
    mandate["document"] = document
    await fault(me, "material_missing", 422, hall.filing(acting=mandate))
    identity = {"identity": [await me.upload(name="card.pdf")]}
    no = await hall.file(me, acting=mandate, documents=identity)
    assert (await hall.read(me, "filings", no))["documents"].keys() == {"identity", "acting:proof"}
    assert (await hall.read(hall.person("nobody", subject="father"), "filings", no))["no"] == no
    assert (await hall.read(hall.person("me", subject="x"), "filings", no))["no"] == no, "whom it is about"
    await fault(hall.person(), "acting_for_oneself", 422, hall.filing(acting=mandate))


async def test_a_child_is_filed_by_the_guardian(hall: Hall) -> None:
    mother = hall.person("other", subject="mother")
    documents = {"identity": [await mother.upload(name="book.pdf")]}
    acting = {"basis": "mandate", "document": await mother.upload(name="x.pdf")}
    await fault(mother, "guardian_required", 422, hall.filing("child", acting=acting, documents=documents))
    no = await hall.file(mother, **hall.filing("child", acting=acting | {"basis": "guardian"}, documents=documents))
    assert (await hall.read(mother, "filings", no))["status"] == "effective"


async def test_a_caseworker_files_at_the_counter_and_another_decides(hall: Hall) -> None:
    counter = hall.clerk(subject="clerk-1")
    proof = {"residence_proof": [await counter.upload(name="work.pdf")]}
    body = hall.filing(category="LT_WORK", acting={"basis": "clerk"}, documents=proof)
    answer = await counter.post(FILINGS, json=body)
    assert answer.status_code == 201, answer.text
    no = answer.json()["no"]
    office = hall.clerk()
    waiting = await hall.until(office, "filings", no, lambda f: f["status"] == "in_review")
    assert (waiting["waiting_on"]["why"], waiting["waiting_on"]["department"]) == ("filing_review", "health_insurance")
    listed = (await office.get(f"{FILINGS}?waiting=true")).json()["filings"]
    assert [item["no"] for item in listed] == [no]
    is_problem(await hall.decide(counter, no, "approve"), 409, "own_case")
    is_problem(await hall.decide(hall.clerk("340200"), no, "approve"), 404, "not_found")
    is_problem(await hall.decide(hall.clerk(role="supervisor"), no, "approve"), 403, "forbidden")
    is_problem(await hall.decide(office, no, "reject", reason="no"), 422, "reason_required")
    bare = await office.put(f"{FILINGS}/{no}/decision", json={"outcome": "approve"})
    is_problem(bare, 428, "precondition_required")
    old = await office.put(f"{FILINGS}/{no}/decision", json={"outcome": "approve"}, headers={"If-Match": '"0"'})
    is_problem(old, 412, "version_conflict")
    assert (await hall.decide(office, no, "approve")).status_code == 200
    shown = await hall.until(counter, "filings", no, lambda f: f["status"] == "effective")
    assert shown["decided_by"] == "caseworker"
    assert (await office.get(f"{FILINGS}?waiting=true")).json()["filings"] == []
    assert [f["no"] for f in (await hall.person().get(FILINGS)).json()["filings"]] == [no]


async def test_a_refusal_by_a_caseworker_is_told_with_its_words(hall: Hall) -> None:
    me, office = hall.person(), hall.clerk()
    proof = {"residence_proof": [await me.upload(name="work.pdf")]}
    no = (await me.post(FILINGS, json=hall.filing(category="LT_WORK", documents=proof))).json()["no"]
    await hall.until(me, "filings", no, lambda f: f["status"] == "in_review")
    assert (await hall.decide(office, no, "reject", reason="papers_unclear")).status_code == 200
    shown = await hall.read(me, "filings", no)
    assert (shown["status"], shown["applies"], shown["waiting_on"]) == ("rejected", False, None)
    assert shown["reason_text"]["zh"] == "材料不清晰、不完整"
    assert shown["closed_at"]
    is_problem(await hall.decide(office, no, "approve"), 409, "matter_closed")
    is_problem(await me.post(f"{FILINGS}/{no}/cancel", json={}), 409, "matter_closed")


async def test_a_commitment_and_its_proof(hall: Hall) -> None:
    me = hall.person()
    no = await hall.file(me, category="LT_RESIDENT", committed=["residence_proof"])
    shown = await hall.read(me, "filings", no)
    assert (shown["status"], shown["by_commitment"], shown["waiting_on"]["who"]) == ("pending_proof", True, "applicant")
    assert shown["proof_due"]
    document = await me.upload(name="lease.pdf")
    is_problem(await me.post(f"{FILINGS}/{no}/proof", json={"documents": {"x": [document]}}), 422, "material_missing")
    both = {"documents": {"residence_proof": [document], "identity": [document]}}
    is_problem(await me.post(f"{FILINGS}/{no}/proof", json=both), 422, "material_unknown")
    good = {"documents": {"residence_proof": [document]}}
    assert (await me.post(f"{FILINGS}/{no}/proof", json=good)).json()["status"] == "effective"
    shown = await hall.read(me, "filings", no)
    assert [file["id"] for file in shown["documents"]["residence_proof"]] == [document]
    is_problem(await me.post(f"{FILINGS}/{no}/proof", json=good), 409, "filing_state")
    is_problem(await me.post(f"{FILINGS}/{no}/cancel", json={}), 409, "filing_interval")
    changed = {"destination": "320100", "category": "LT_RESIDENT", "committed": ["residence_proof"]}
    is_problem(await me.post(f"{FILINGS}/{no}/change", json=changed), 409, "filing_interval")


async def test_changed_the_old_one_holds_until_the_new_one_does(hall: Hall) -> None:
    me = hall.person()
    old = await hall.file(me)
    body = {"destination": "320100", "category": "TMP_OTHER"}
    is_problem(await hall.person("other").post(f"{FILINGS}/{old}/change", json=body), 404, "not_found")
    is_problem(await hall.clerk().post(f"{FILINGS}/{old}/change", json=body), 403, "forbidden")
    answer = await me.post(f"{FILINGS}/{old}/change", json=body)
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert (new["replaces"], new["person_name"]) == (old, "赵测")
    shown = await hall.until(me, "filings", old, lambda f: f["status"] == "changed" and f["closed_at"])
    assert (shown["replaced_by"], shown["applies"]) == (new["no"], False)
    assert [infno for infno, _ in hall.sent] == ["1101", "X511", "1101", "X511", "X512"]
    again = await me.post(f"{FILINGS}/{old}/change", json=body)
    is_problem(again, 409, "matter_closed")


async def test_cancelled_it_holds_to_the_end_of_the_day(hall: Hall) -> None:
    me = hall.person()
    no = await hall.file(me)
    is_problem(await hall.person("other").post(f"{FILINGS}/{no}/cancel", json={}), 404, "not_found")
    done = await me.post(f"{FILINGS}/{no}/cancel", json={"reason": "not_needed"}, headers={"Idempotency-Key": "c"})
    assert done.json()["status"] == "cancelled"
    shown = await hall.until(me, "filings", no, lambda f: f["closed_at"])
    assert (shown["applies"], shown["last"]) == (True, shown["first"])
    infno, told = hall.sent[-1]
    assert (infno, told["enddate"], told["trt_dcla_detl_sn"]) == ("X512", shown["last"], shown["registered"])


async def test_what_the_platform_does_not_take_waits_for_the_office(hall: Hall) -> None:
    me, office = hall.person(), hall.clerk()
    wrong = hall.filing() | {"person": hall.filing()["person"] | {"name": "钱测"}}
    no = (await me.post(FILINGS, json=wrong)).json()["no"]
    shown = await hall.until(me, "filings", no, lambda f: f["trouble"])
    assert (shown["trouble"], shown["applies"], shown["waiting_on"]["why"]) == (
        "person wrong_person",
        False,
        "platform_refused",
    )
    assert (await hall.decide(office, no, "retry")).status_code == 200
    assert (await hall.read(me, "filings", no))["trouble"] == "person wrong_person"
    is_problem(await hall.decide(office, no, "by_hand"), 422, "number_required")
    number = hall.people["me"].psn_no
    assert (await hall.decide(office, no, "by_hand", reference=number)).status_code == 200
    assert (await hall.read(me, "filings", no))["status"] == "effective"


async def test_a_platform_that_does_not_answer_is_asked_until_it_does_and_registers_once(hall: Hall) -> None:
    me = hall.person()
    await hall.wire.town.fault("340000", "lost_answer", "X511")
    no = await hall.file(me)
    mine = hall.people["me"].psn_no
    sent = [message for message in hall.wire.sent if (message.infno, message.person) == ("X511", mine)]
    assert len(sent) >= 2
    assert len({message.msgid for message in sent}) == 1, "the same message, however often"
    shown = await hall.read(me, "filings", no)
    check = {"insutype": "310", "med_type": "21", "mdtrt_date": shown["first"]}
    told = await hall.wire.town.ask("2001", check, hall.people["me"], place="310104")
    assert (told["trt_chk_rslt"], told["category"], told["trt_dcla_detl_sn"]) == ("1", "other", shown["registered"])


async def test_would_i_be_covered_there(hall: Hall) -> None:
    me = hall.person()
    asked = {"insured": "340500", "destination": "310101", "category": "TMP_OTHER"}
    before = (await me.post(f"{FILINGS}/check", json=asked)).json()
    assert (before["covered"], before["why"], before["if_filed"]["outcome"]) == (False, "not_filed", "approved")
    emergency = (await me.post(f"{FILINGS}/check", json=asked | {"emergency": True})).json()
    assert (emergency["covered"], emergency["category"]) == (True, "emergency")
    no = await hall.file(me)
    after = (await me.post(f"{FILINGS}/check", json=asked)).json()
    assert (after["covered"], after["category"], after["filing"]) == (True, "other", no)
    assert after["if_filed"]["outcome"] == "refused"
    office = hall.clerk()
    named = asked | {"id_number": hall.number("me")}
    assert (await office.post(f"{FILINGS}/check", json=named)).json()["filing"] == no
    is_problem(await hall.clerk("340200").post(f"{FILINGS}/check", json=named), 403, "forbidden")
    is_problem(await hall.person("other").post(f"{FILINGS}/check", json=named), 422, "person_not_you")
    is_problem(await hall.person("nobody").post(f"{FILINGS}/check", json=asked), 403, "identity_not_verified")
    assert len((await me.get(FILINGS)).json()["filings"]) == 1, "nothing was kept of it"


async def test_a_filing_is_nobody_elses(hall: Hall) -> None:
    me = hall.person()
    no = await hall.file(me)
    for stranger in (
        hall.person("other"),
        hall.person("nobody"),
        hall.clerk("340200"),
        hall.office.market(region="340500"),
        hall.hospital("H31010400001"),
    ):
        is_problem(await stranger.get(f"{FILINGS}/{no}"), 404, "not_found")
    assert (await hall.person("other").get(FILINGS)).json()["filings"] == []
    assert (await hall.read(hall.clerk("340000", role="supervisor"), "filings", no))["no"] == no
    is_problem(await me.get(f"{FILINGS}/{no[:-1]}A"), 404, "not_found")


async def test_pages_of_a_list_and_the_rules_of_a_place(hall: Hall) -> None:
    me = hall.person()
    for place in ("310104", "320100", "330100"):
        await hall.file(me, destination=place)
    first = (await me.get(f"{FILINGS}?limit=2")).json()
    rest = (await me.get(f"{FILINGS}?limit=2&cursor={first['next']}")).json()
    assert [len(first["filings"]), len(rest["filings"]), rest["next"]] == [2, 1, None]
    assert (await me.get(f"{FILINGS}?status=expired")).json()["filings"] == []
    rules = (await me.get("/v1/medical/filing-rules/330421")).json()
    assert (rules["insured"], rules["interval_months"]) == ("330400", 3)
    assert "demonstration_zone" in rules["waivers"]
    is_problem(await me.get("/v1/medical/filing-rules/319900"), 422, "region_unknown")


async def test_when_temporal_is_down_a_filing_is_taken_in_and_begins_later(office: Office, town: Town) -> None:
    hall = Hall(office, Wire(town))
    me = hall.person()
    answer = await me.post(FILINGS, json=hall.filing())
    assert answer.status_code == 201, answer.text
    shown = await hall.read(me, "filings", answer.json()["no"])
    assert (shown["status"], shown["waiting_on"]["why"]) == ("submitted", "starting")
    is_problem(await me.post(f"{FILINGS}/{shown['no']}/cancel", json={}), 503, "temporarily_down")
