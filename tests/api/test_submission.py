"""An application is checked whole and kept whole, once per key, whether or not anything else is up."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import text

from api.app import create_app
from api.delivery import Delivery
from domain.effects import AnswerStatus
from domain.identifiers import is_case_number
from domain.process import Callback
from models import outbox
from tests.api.test_problems import fields, is_problem
from tests.fixtures.houses import Office
from tests.fixtures.running import Town, eventually
from tests.fixtures.samples import FORM, SERVICE, pdf
from tongban.relay import relay_once

TABLES = ("cases", "application", "event", "outbox", "idempotency")


async def counts(office: Office) -> dict[str, int]:
    async with office.house.database.begin() as session:
        return {name: int(await session.scalar(text(f"SELECT count(*) FROM {name}")) or 0) for name in TABLES}


async def test_every_field_that_is_wrong_is_told_at_once_and_nothing_is_kept(office: Office) -> None:
    wrong = {
        "company_name": "一",
        "uscc": "91340100XXXX00043F",
        "origin_city": "110000",
        "new_address": "苏州\u202e市示例路1号",
        "legal_representative_id": "310199199001010017",
        "shareholder_name": 7,
        "hobby": "x",
    }
    body = {"service": SERVICE, "form": wrong, "documents": {}}
    answer = await office.citizen().post("/v1/cases", json=body, headers={"Idempotency-Key": "k"})
    is_problem(answer, 422)
    assert fields(answer) == {
        "/form/company_name": "field_invalid",
        "/form/uscc": "uscc_invalid",
        "/form/origin_city": "region_unknown",
        "/form/new_address": "text_unreadable",
        "/form/legal_representative_id": "resident_id_invalid",
        "/form/shareholder_name": "field_invalid",
        "/form/hobby": "field_unknown",
        "/form/destination_city": "field_missing",
        "/form/legal_representative_name": "field_missing",
        "/form/shareholder_uscc": "field_missing",
    }
    assert "310199199001010017" not in answer.text
    assert set((await counts(office)).values()) == {0}


async def test_every_document_that_is_missing_or_strange_is_told_at_once(office: Office) -> None:
    citizen, other = office.citizen(), office.citizen()
    foreign = await other.upload()
    documents = {"address_proof": [foreign, "d" + "0" * 26], "selfie": [foreign]}
    answer = await citizen.post("/v1/cases", json={"service": SERVICE, "form": FORM, "documents": documents})
    is_problem(answer, 422)
    assert fields(answer) == {
        "/documents/selfie": "material_unknown",
        "/documents/resolution": "material_missing",
        "/documents/address_proof/0": "document_unknown",
        "/documents/address_proof/1": "document_unknown",
    }
    assert set((await counts(office)).values()) == {0}


async def test_a_document_number_no_database_knows_is_refused_as_such(office: Office) -> None:
    documents = {"resolution": ["a\0b"], "address_proof": ["\ud7ff"]}
    answer = await office.citizen().post("/v1/cases", json={"service": SERVICE, "form": FORM, "documents": documents})
    is_problem(answer, 422)


@pytest.mark.parametrize(
    ("form", "field"),
    [({"destination_city": "340200"}, "destination_city"), ({"shareholder_uscc": FORM["uscc"]}, "shareholder_uscc")],
)
async def test_whoever_does_not_meet_the_conditions_learns_which_and_the_law(
    office: Office, form: dict[str, str], field: str
) -> None:
    answer = await office.citizen().post("/v1/cases", json={"service": SERVICE, "form": FORM | form})
    is_problem(answer, 422, "not_eligible")
    assert fields(answer) == {f"/form/{field}": "not_eligible"}


async def test_input_methods_may_write_full_width_digits_and_small_letters(office: Office) -> None:
    citizen = office.citizen()
    no = await citizen.submit(uscc="91340100xxxx00043e", legal_representative_id="３１０１９９１９９００１０１００１８")
    form = (await citizen.get(f"/v1/cases/{no}")).json()["form"]
    assert (form["uscc"], form["legal_representative_id"]) == (FORM["uscc"], FORM["legal_representative_id"])


@pytest.mark.parametrize("name", ["𠮷田·阿卜杜热西提", "一", "买" * 40, "㐂𪚥𫝆"])
async def test_rare_long_and_short_names_are_kept_as_they_are(office: Office, name: str) -> None:
    citizen = office.citizen()
    no = await citizen.submit(legal_representative_name=name)
    assert (await citizen.get(f"/v1/cases/{no}")).json()["form"]["legal_representative_name"] == name


async def test_with_temporal_down_the_receipt_is_given_and_vouches_for_what_is_kept(office: Office) -> None:
    citizen = office.citizen()
    body = await citizen.application()
    async with asyncio.timeout(5):
        answer = await citizen.post("/v1/cases", json=body)
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert is_case_number(receipt["no"])
    assert answer.headers["location"] == f"/v1/cases/{receipt['no']}"
    assert {f["material"]: f["digest"] for f in receipt["files"]} == {
        name: hashlib.sha256(pdf(f"{name}.pdf")).hexdigest() for name in ("resolution", "address_proof")
    }
    case = (await citizen.get(f"/v1/cases/{receipt['no']}")).json()
    kept = {"form": case["form"], "documents": case["documents"], "plan": case["plan_digest"]}
    spelled = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert receipt["digest"] == hashlib.sha256(spelled.encode()).hexdigest()
    assert (case["status"], case["waiting_on"]["why"]) == ("submitted", "starting")


async def test_a_file_that_is_gone_from_the_store_gets_no_receipt(office: Office) -> None:
    citizen = office.citizen()
    body = await citizen.application()
    digest = hashlib.sha256(pdf("resolution.pdf")).hexdigest()
    store = office.house.files
    assert store._folder is not None
    (store._folder / digest).unlink()
    is_problem(await citizen.post("/v1/cases", json=body), 503, "storage_down")
    assert set((await counts(office)).values()) == {0}


async def test_the_relay_starts_what_the_api_could_not(office: Office, town: Town) -> None:
    """The same database, first behind an API that cannot reach Temporal, then before a relay that can."""
    import dataclasses

    house = dataclasses.replace(town.house, gateway=office.house.gateway)
    lame = Office(house, town.logins, httpx.ASGITransport(create_app(house)), "http://api.test")
    citizen = lame.citizen("patient")
    no = await citizen.submit()
    assert (await citizen.get(f"/v1/cases/{no}")).json()["status"] == "submitted"
    answer = await citizen.post(f"/v1/cases/{no}/withdraw", json={})
    is_problem(answer, 503, "temporarily_down")
    async with town.house.database.begin() as session:
        await session.execute(text("UPDATE outbox SET due_at = now() WHERE done_at IS NULL"))
    delivery = Delivery(town.house.database, town.house.gateway, town.house.calendars, local_first=True)
    assert await relay_once(town.house, delivery) >= 1
    assert await relay_once(town.house, delivery) == 0
    same = town.citizen("patient")
    await town.until(same, no, lambda c: c["status"] == "received")


async def test_a_message_nobody_can_read_does_not_stop_the_others(town: Town) -> None:
    citizen = town.citizen()
    no = await citizen.submit()
    await town.until(citizen, no, lambda c: c["status"] != "submitted")
    async with town.house.database.begin() as session:
        nonsense = {"nonsense": 1}
        posted = await outbox.post(session, outbox.OutboxKind.CALLBACK, no, nonsense, datetime(2020, 1, 1, tzinfo=UTC))
        stray = Callback(event_id="stray", key="f" * 64, answer=AnswerStatus.ACCEPTED).model_dump(mode="json")
        after = await outbox.post(session, outbox.OutboxKind.CALLBACK, no, stray, datetime(2020, 1, 2, tzinfo=UTC))
    delivery = Delivery(town.house.database, town.house.gateway, town.house.calendars, local_first=True)
    await relay_once(town.house, delivery)
    async with town.house.database.begin() as session:
        found = await session.execute(
            text("SELECT id, error, done_at FROM outbox WHERE id IN (:a, :b)"), {"a": posted, "b": after}
        )
        kept = {row.id: row for row in found}
        assert (kept[posted].error, kept[posted].done_at) == ("ValidationError", None)
        assert kept[after].done_at is not None
        await outbox.done(session, posted)


async def test_the_same_key_gets_the_same_answer_again(office: Office) -> None:
    citizen = office.citizen()
    body, headers = await citizen.application(), {"Idempotency-Key": "once"}
    first = await citizen.post("/v1/cases", json=body, headers=headers)
    again = await citizen.post("/v1/cases", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert (await counts(office))["cases"] == 1


async def test_the_same_key_for_something_else_is_a_conflict(office: Office) -> None:
    citizen = office.citizen()
    body, headers = await citizen.application(), {"Idempotency-Key": "once"}
    assert (await citizen.post("/v1/cases", json=body, headers=headers)).status_code == 201
    other = body | {"channel": "app"}
    is_problem(await citizen.post("/v1/cases", json=other, headers=headers), 409, "idempotency_conflict")
    upload = await citizen.post("/v1/documents", files={"file": ("a.pdf", pdf(), "application/pdf")}, headers=headers)
    is_problem(upload, 409, "idempotency_conflict")
    assert (await counts(office))["cases"] == 1


async def test_a_refused_application_does_not_use_its_key_up(office: Office) -> None:
    citizen, headers = office.citizen(), {"Idempotency-Key": "again"}
    bad = await citizen.post("/v1/cases", json={"service": SERVICE, "form": {}}, headers=headers)
    assert bad.status_code == 422
    good = await citizen.post("/v1/cases", json=await citizen.application(), headers=headers)
    assert good.status_code == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "a/b", "é", "键", "x" * 256, "a,b", "'"])
async def test_a_malformed_key_is_refused(office: Office, key: str) -> None:
    citizen = office.citizen()
    body = await citizen.application()
    answer = await citizen.post("/v1/cases", json=body, headers=[(b"idempotency-key", key.encode())])
    is_problem(answer, 422, "idempotency_key_invalid")


async def test_the_longest_key_is_taken(office: Office) -> None:
    assert await office.citizen().submit(key="aZ09_-" * 42 + "xyz")


async def test_fifty_clicks_are_one_case_and_one_start(office: Office) -> None:
    citizen = office.citizen()
    body, headers = await citizen.application(), {"Idempotency-Key": "double-click"}
    answers = await asyncio.gather(
        *(citizen.post("/v1/cases", json=body, headers=headers, timeout=60) for _ in range(50))
    )
    assert {answer.status_code for answer in answers} <= {201, 409, 503}
    made = {answer.json()["no"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"in_flight"}
    found = await counts(office)
    assert (found["cases"], found["outbox"], found["event"]) == (1, 1, 1)


async def test_two_people_with_the_same_key_have_two_cases(office: Office) -> None:
    one, other = office.citizen(), office.citizen()
    assert await one.submit(key="same") != await other.submit(key="same")


@pytest.mark.parametrize("role", ["coordinator", "auditor", "integrator", "operator"])
async def test_only_applicants_submit(office: Office, role: str) -> None:
    answer = await office.login(role).post("/v1/cases", json={"service": SERVICE, "form": FORM})
    is_problem(answer, 403, "forbidden")
    is_problem(await office.market().post("/v1/cases", json={"service": SERVICE, "form": FORM}), 403, "forbidden")


async def test_a_precheck_tells_everything_and_stores_nothing(office: Office) -> None:
    nobody = office.caller()
    good = await nobody.post(f"/v1/services/{SERVICE}/precheck", json={"form": FORM})
    assert good.json() == {
        "eligible": True,
        "errors": [],
        "upload": ["resolution", "address_proof"],
        "fetched": ["representative", "shareholder"],
    }
    bad = (await nobody.post(f"/v1/services/{SERVICE}/precheck", json={"form": {"uscc": "1"}})).json()
    assert bad["eligible"] is False
    assert {item["field"] for item in bad["errors"]} >= {"/form/uscc", "/form/company_name"}
    is_problem(await nobody.post("/v1/services/NONE/precheck", json={"form": {}}), 404, "not_found")
    assert set((await counts(office)).values()) == {0}


async def test_every_number_on_a_receipt_leads_to_a_running_case(town: Town) -> None:
    citizen = town.citizen()
    numbers = await asyncio.gather(*(citizen.submit() for _ in range(5)))

    async def open_numbers() -> set[str]:
        cases = (await citizen.get("/v1/cases")).json()["cases"]
        return {case["no"] for case in cases if case["status"] == "received"}

    assert await eventually(open_numbers, lambda found: found == set(numbers)) == set(numbers)
