"""Taking a case up again: on a ground, approved by a second person; the old case stays as it ended."""

from __future__ import annotations

import asyncio

from catalogue.library import HERE
from catalogue.scenario import read_scenario
from tests.api.closed import REASON, refused
from tests.api.test_problems import is_problem
from tests.fixtures.running import Town


async def test_a_refused_case_is_taken_up_again_on_a_ground_by_a_second_person(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no = await refused(town, citizen)
    path, body = f"/v1/cases/{no}/reopen", {"ground": "new_facts", "reason": "补充了法院调解书"}
    is_problem(await citizen.post(path, json={"ground": "mood", "reason": "x"}), 422, "field_invalid")
    is_problem(await town.citizen().post(path, json=body), 404, "not_found")
    is_problem(await town.login("caseworker", "340100", "tax").post(path, json=body), 404, "not_found")
    asked = await clerk.post(path, json=body)
    assert asked.status_code == 202, asked.text
    is_problem(await clerk.post(path, json=body), 409, "reopen_open")
    supervisor = town.market(role="supervisor")
    approved = await town.decide(supervisor, no, "reopen", "approve", reason="理由成立")
    assert approved.status_code == 200, approved.text
    again = await supervisor.put(
        f"/v1/tasks/{asked.json()['task']}/decision",
        json={"outcome": "approve", "reason": "理由成立"},
        headers={"If-Match": '"1"'},
    )
    assert again.json() == approved.json()
    old = await town.case(citizen, no)
    new = await town.until(citizen, old["reopened_as"], lambda case: case["status"] != "submitted")
    assert (old["status"], new["reopens"], new["form"]) == ("not_accepted", no, old["form"])
    await town.task(clerk, new["no"], "accept")
    is_problem(await clerk.post(path, json=body), 409, "reopen_open")
    await citizen.post(f"/v1/cases/{new['no']}/withdraw", json={})
    await town.until(citizen, new["no"], lambda case: case["closed_at"])
    is_problem(
        await citizen.post(f"/v1/cases/{new['no']}/reopen", json=body), 409, "reopen_not_possible"
    )  # who has withdrawn applies anew


async def test_who_asked_does_not_approve_and_a_denied_one_can_be_asked_again(town: Town) -> None:
    citizen, supervisor = town.citizen(), town.market("boss", role="supervisor")
    no = await refused(town, citizen)
    body = {"ground": "own_error", "reason": "错误适用依据"}
    asked = await supervisor.post(f"/v1/cases/{no}/reopen", json=body)
    assert asked.status_code == 202
    is_problem(await town.decide(supervisor, no, "reopen", "approve"), 409, "same_person")
    other = town.market(role="supervisor")
    is_problem(await town.decide(other, no, "reopen", "deny"), 422, "reason_required")
    assert (await town.decide(other, no, "reopen", "deny", reason="理由不成立")).status_code == 200
    assert (await town.case(citizen, no))["reopened_as"] == ""
    assert (await supervisor.post(f"/v1/cases/{no}/reopen", json=body)).status_code == 202


async def test_two_who_approve_at_the_same_moment_take_it_up_once(town: Town) -> None:
    citizen, one, two = town.citizen(), town.market(role="supervisor"), town.market(role="supervisor")
    no = await refused(town, citizen)
    await citizen.post(f"/v1/cases/{no}/reopen", json={"ground": "new_facts", "reason": "补充了调解书"})
    task = await town.task(one, no, "reopen")
    path, body = f"/v1/tasks/{task['id']}/decision", {"outcome": "approve", "reason": "理由成立"}
    answers = await asyncio.gather(*(who.put(path, json=body, headers={"If-Match": '"1"'}) for who in (one, two) * 2))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409]  # the same decision again is one
    assert len({answer.json()["reopened_as"] for answer in answers if answer.status_code == 200}) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"decision_final"}
    new = (await town.case(citizen, no))["reopened_as"]
    await citizen.post(f"/v1/cases/{new}/withdraw", json={})


ASKED = {"ground": "own_error", "reason": "错误适用依据"}


async def test_it_is_taken_up_where_it_lay_with_what_was_handed_in_since(town: Town) -> None:
    citizen, first, then = town.citizen(), town.market(), town.market(region="320100")
    no = await citizen.submit()
    task = await town.task(first, no, "accept")
    items = [{"material": "resolution", "kind": "incomplete", "reason": "缺签字"}]
    items.append({"field": "new_address", "kind": "incorrect", "reason": "缺证明"})
    await first.post(f"/v1/cases/{no}/supplements", json={"task": task["id"], "items": items})
    supplement = (await citizen.get(f"/v1/cases/{no}/supplements")).json()["supplements"][0]["id"]
    answers = {i: {"documents": [await citizen.upload(name=f"{i}.pdf")]} for i in ("i1", "i2")}
    replied = await citizen.post(f"/v1/cases/{no}/supplements/{supplement}/reply", json={"items": answers})
    assert replied.status_code == 200, replied.text
    await first.post(f"/v1/cases/{no}/transfer", json={"region": "320100", "reason": "住所地"})
    assert (await town.decide(then, no, "transfer", "agree")).status_code == 200
    assert (await town.decide(then, no, "accept", "refuse", **REASON)).status_code == 200
    await town.until(citizen, no, lambda case: case["closed_at"])
    assert (await then.post(f"/v1/cases/{no}/reopen", json=ASKED)).status_code == 202
    supervisor = town.market(role="supervisor", region="320100")
    assert (await town.decide(supervisor, no, "reopen", "approve", reason="理由成立")).status_code == 200
    new = (await town.case(citizen, no))["reopened_as"]
    assert new.startswith("320100")
    await town.task(then, new, "accept")
    documents = (await town.case(citizen, new))["documents"]
    assert [document["name"] for document in documents["resolution"]] == ["resolution.pdf", "i1.pdf"]
    assert [document["name"] for document in documents[""]] == ["i2.pdf"]
    await citizen.post(f"/v1/cases/{new}/withdraw", json={})


async def test_what_was_promised_is_still_owed_when_it_is_taken_up_again(town: Town) -> None:
    citizen, clerk = town.citizen(), town.login("caseworker", "320500", "traffic_police")
    form = dict(read_scenario(HERE / "scenarios" / "YRD-VEH" / "completed.yaml").form)
    documents = {"application": [await citizen.upload(name="application.pdf")]}
    owed = "registration_certificate"
    body = {"service": "YRD-VEH", "form": form, "documents": documents, "promised": [owed]}
    no = (await citizen.post("/v1/cases", json=body)).json()["no"]
    assert (await town.decide(clerk, no, "accept", "refuse", **REASON)).status_code == 200
    await town.until(citizen, no, lambda case: case["closed_at"])
    await citizen.post(f"/v1/cases/{no}/reopen", json=ASKED)
    supervisor = town.login("supervisor", "320500", "traffic_police")
    assert (await town.decide(supervisor, no, "reopen", "approve", reason="理由成立")).status_code == 200
    new = (await town.case(citizen, no))["reopened_as"]
    await town.task(clerk, new, "accept")
    handed_in = {"documents": [await citizen.upload(name="certificate.pdf")]}
    kept = await citizen.post(f"/v1/cases/{new}/promises/{owed}", json=handed_in)
    assert kept.status_code == 200, kept.text
    await citizen.post(f"/v1/cases/{new}/withdraw", json={})
