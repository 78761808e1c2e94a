"""Messages go between the applicant and an authority of his case; private notes never leave a department."""

from __future__ import annotations

import asyncpg
import pytest

from tests.api.test_problems import is_problem
from tests.fixtures.databases import Cluster
from tests.fixtures.houses import Office


async def test_both_sides_write_and_read_and_know_what_was_seen(office: Office) -> None:
    citizen, clerk = office.citizen(), office.market()
    no = await citizen.submit()
    path = f"/v1/cases/{no}/messages"
    document = await citizen.upload(name="question.pdf")
    sent = await citizen.post(path, json={"text": "请问何时受理？", "documents": [document]})
    assert sent.status_code == 201, sent.text
    got = (await clerk.get(path)).json()["messages"]
    assert [(m["text"], m["mine"], m["sender"], m["read_at"]) for m in got] == [("请问何时受理？", False, None, None)]
    assert (await clerk.get(f"/v1/cases/{no}/documents/{document}")).status_code == 200
    assert (await clerk.post(f"{path}/read")).status_code == 204
    assert (await citizen.get(path)).json()["messages"][0]["read_at"]
    back = await clerk.post(path, json={"text": "三个工作日内。"}, headers={"Idempotency-Key": "m"})
    assert (
        await clerk.post(path, json={"text": "三个工作日内。"}, headers={"Idempotency-Key": "m"})
    ).json() == back.json()
    assert [m["mine"] for m in (await citizen.get(path)).json()["messages"]] == [True, False]
    events = (await citizen.get(f"/v1/cases/{no}/events")).json()["events"]
    assert [e["type"] for e in events].count("message:sent") == 2
    assert "三个工作日" not in str(events)


async def test_a_message_reaches_only_the_place_it_is_for(office: Office) -> None:
    citizen = office.citizen()
    no = await citizen.submit()
    path = f"/v1/cases/{no}/messages"
    tax = {"region": "340100", "department": "tax"}
    assert (await citizen.post(path, json={"text": "税务", "to": tax})).status_code == 201
    stranger = {"region": "330100", "department": "tax"}
    is_problem(await citizen.post(path, json={"text": "x", "to": stranger}), 422, "recipient_unknown")
    assert (await office.market().get(path)).json()["messages"] == []
    taxman = office.login("caseworker", "340100", "tax")
    assert len((await taxman.get(path)).json()["messages"]) == 1
    is_problem(await taxman.post(path, json={"text": "x", "to": tax}), 422, "field_unknown")
    for role in ("coordinator", "auditor"):
        is_problem(await office.login(role).get(path), 404, "not_found")
    is_problem(await office.citizen().post(path, json={"text": "x"}), 404, "not_found")
    is_problem(await citizen.post(path, json={"text": ""}), 422, "field_invalid")


async def test_a_private_note_is_read_by_its_own_department_and_nobody_else(office: Office) -> None:
    citizen, clerk, colleague = office.citizen(), office.market(), office.market()
    no = await citizen.submit()
    path = f"/v1/cases/{no}/notes"
    canary = "与申请人电话核实：房东自用"
    assert (await clerk.post(path, json={"text": canary})).status_code == 201
    assert [(n["text"], n["mine"]) for n in (await colleague.get(path)).json()["notes"]] == [(canary, False)]
    assert (await office.login("caseworker", "340100", "tax").get(path)).json()["notes"] == []
    for other in (citizen, office.login("coordinator"), office.login("auditor")):
        is_problem(await other.get(path), 403, "forbidden")
        is_problem(await other.post(path, json={"text": "x"}), 403, "forbidden")
    for reader in (citizen, clerk):
        for place in ("", "/events", "/messages", "/notices", "/results"):
            assert canary not in (await reader.get(f"/v1/cases/{no}{place}")).text


async def test_a_note_is_never_changed(office: Office, cluster: Cluster, database_name: str) -> None:
    citizen, clerk = office.citizen(), office.market()
    no = await citizen.submit()
    await clerk.post(f"/v1/cases/{no}/notes", json={"text": "one"})
    connection = await cluster.connect(database_name)
    try:
        for statement in ("UPDATE note SET text = 'two'", "DELETE FROM note"):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute(statement)
    finally:
        await connection.close()
