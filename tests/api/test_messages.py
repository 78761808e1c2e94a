"""Messages go between the applicant and an authority of his case."""

from __future__ import annotations

import asyncio

from tests.api.test_problems import is_problem
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


async def test_whoever_writes_at_the_same_moment_is_heard(office: Office) -> None:
    citizen, clerk = office.citizen(), office.market()
    no = await citizen.submit()
    path = f"/v1/cases/{no}/messages"
    answers = await asyncio.gather(*(who.post(path, json={"text": "同时"}) for who in (citizen, clerk) * 4))
    assert [answer.status_code for answer in answers] == [201] * 8
    events = (await citizen.get(f"/v1/cases/{no}/events")).json()["events"]
    assert [event["seq"] for event in events] == list(range(1, 10))
