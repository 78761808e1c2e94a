"""Drafts: saved incomplete and wrong, resumed anywhere, never overwritten in silence, handed in once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from models.drafts import remove_expired
from tests.api.test_problems import is_problem
from tests.fixtures.houses import Office
from tests.fixtures.samples import FORM, SERVICE


async def test_a_draft_is_kept_whatever_is_missing_or_wrong_and_says_what(office: Office) -> None:
    citizen = office.citizen()
    body = {"service": SERVICE, "form": {"company_name": "合肥示例", "uscc": "123", "unknown": "x"}}
    made = await citizen.post("/v1/drafts", json=body, headers={"Idempotency-Key": "one"})
    assert made.status_code == 201, made.text
    again = await citizen.post("/v1/drafts", json=body, headers={"Idempotency-Key": "one"})
    assert again.json()["id"] == made.json()["id"]
    codes = {(error["code"], error["field"]) for error in made.json()["errors"]}
    assert {("uscc_invalid", "/form/uscc"), ("field_unknown", "/form/unknown")} <= codes
    assert any(code == "field_missing" for code, _ in codes)
    read = await citizen.get(f"/v1/drafts/{made.json()['id']}")
    assert read.json()["body"]["form"] == body["form"]
    assert read.headers["ETag"] == '"1"'
    assert [draft["id"] for draft in (await citizen.get("/v1/drafts")).json()["drafts"]] == [made.json()["id"]]


async def test_saving_needs_the_version_that_was_read(office: Office) -> None:
    citizen = office.citizen()
    draft = (await citizen.post("/v1/drafts", json={"service": SERVICE})).json()
    path = f"/v1/drafts/{draft['id']}"
    is_problem(await citizen.put(path, json={"form": FORM}), 428, "precondition_required")
    saved = await citizen.put(path, json={"form": FORM}, headers={"If-Match": '"1"'})
    assert (saved.status_code, saved.headers["ETag"]) == (200, '"2"')
    assert {error["code"] for error in saved.json()["errors"]} == {"material_missing"}
    is_problem(await citizen.put(path, json={"form": {}}, headers={"If-Match": '"1"'}), 412, "version_conflict")
    assert (await citizen.get(path)).json()["body"]["form"] == FORM


async def test_a_draft_is_nobody_elses(office: Office) -> None:
    citizen, other = office.citizen(), office.citizen()
    draft = (await citizen.post("/v1/drafts", json={"service": SERVICE, "form": FORM})).json()
    path = f"/v1/drafts/{draft['id']}"
    for answer in (
        await other.get(path),
        await other.put(path, json={}, headers={"If-Match": '"1"'}),
        await other.delete(path, headers={"If-Match": '"1"'}),
        await other.post(f"{path}/submit"),
    ):
        is_problem(answer, 404, "not_found")
    is_problem(await office.login("operator").post("/v1/drafts", json={"service": SERVICE}), 403, "forbidden")
    is_problem(await citizen.post("/v1/drafts", json={"service": "YRD-NONE"}), 404, "not_found")


async def test_a_complete_draft_becomes_one_case_however_often_it_is_handed_in(office: Office) -> None:
    citizen = office.citizen()
    whole = await citizen.application()
    draft = (await citizen.post("/v1/drafts", json={"service": SERVICE, "form": FORM})).json()
    path = f"/v1/drafts/{draft['id']}"
    is_problem(await citizen.post(f"{path}/submit"), 422, "material_missing")
    body = {"form": FORM, "documents": whole["documents"]}
    saved = await citizen.put(path, json=body, headers={"If-Match": '"1"'})
    assert saved.json()["errors"] == []
    answers = await asyncio.gather(*(citizen.post(f"{path}/submit") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["no"] for answer in answers}) == 1
    assert len((await citizen.get("/v1/cases")).json()["cases"]) == 1
    shown = (await citizen.get(path)).json()
    assert shown["case_no"] == answers[0].json()["no"]
    is_problem(await citizen.put(path, json=body, headers={"If-Match": '"2"'}), 409, "draft_submitted")
    assert (await citizen.get("/v1/drafts")).json()["drafts"] == []


async def test_a_draft_is_thrown_away_by_hand_or_after_a_season(office: Office) -> None:
    citizen = office.citizen()
    one, two = [(await citizen.post("/v1/drafts", json={"service": SERVICE})).json()["id"] for _ in range(2)]
    gone = await citizen.delete(f"/v1/drafts/{one}", headers={"If-Match": '"1"'})
    assert gone.status_code == 204
    is_problem(await citizen.get(f"/v1/drafts/{one}"), 404, "not_found")
    assert await remove_expired(office.house.database) == 0
    async with office.house.database.begin() as session:
        past = datetime.now(UTC) - timedelta(days=1)
        await session.execute(text("UPDATE draft SET expires_at = :past"), {"past": past})
    assert await remove_expired(office.house.database) == 1
    is_problem(await citizen.get(f"/v1/drafts/{two}"), 404, "not_found")


async def test_what_cannot_be_stored_is_refused_and_there_is_a_limit(office: Office) -> None:
    citizen = office.citizen()
    for hostile in ("\x00", "\ud800"):
        raw = b'{"service": "YRD-ENT-MOVE", "form": {"company_name": "%s"}}' % (
            b"\\u0000" if hostile == "\x00" else b"\\ud800"
        )
        answer = await citizen.post("/v1/drafts", content=raw, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, answer.text
    for _ in range(48):
        assert (await citizen.post("/v1/drafts", json={"service": SERVICE})).status_code == 201
    made = await asyncio.gather(*(citizen.post("/v1/drafts", json={"service": SERVICE}) for _ in range(6)))
    assert [answer.status_code for answer in made].count(201) == 2
    is_problem(await citizen.post("/v1/drafts", json={"service": SERVICE}), 409, "too_many_drafts")
