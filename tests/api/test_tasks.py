"""The worklist: taken by one, decided once, on what was read, with reasons when it goes against somebody."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.test_problems import fields, is_problem
from tests.fixtures.houses import Caller
from tests.fixtures.running import Town, eventually

LAW = {"reason": "材料不齐全。", "legal_basis": "行政许可法第三十二条"}


async def accept_task(town: Town) -> tuple[Caller, str, dict[str, Any]]:
    citizen = town.citizen()
    no = await citizen.submit()
    return citizen, no, await town.task(town.market(), no, "accept")


async def put(caller: Caller, task: dict[str, Any], outcome: str = "accept", **more: str) -> httpx.Response:
    tag = more.pop("tag", f'"{task["revision"]}"')
    headers = {"If-Match": tag} if tag else {}
    return await caller.put(f"/v1/tasks/{task['id']}/decision", json={"outcome": outcome} | more, headers=headers)


async def events(town: Town, caller: Caller, no: str, kind: str) -> int:
    rows = (await caller.get(f"/v1/cases/{no}/events", params={"limit": 1000})).json()["events"]
    return sum(row["type"] == kind for row in rows)


async def test_of_two_who_reach_for_a_task_one_gets_it(town: Town) -> None:
    _, no, task = await accept_task(town)
    workers = [town.market() for _ in range(6)]
    answers = await asyncio.gather(*(worker.post(f"/v1/tasks/{task['id']}/claim") for worker in workers))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    for worker, answer in zip(workers, answers, strict=True):
        shown = (await worker.get(f"/v1/tasks/{task['id']}")).json()["claimed"]
        assert shown == ("me" if answer.status_code == 200 else "other")
        if answer.status_code == 409:
            is_problem(answer, 409, "task_claimed")
    winner = workers[[answer.status_code for answer in answers].index(200)]
    assert await events(town, winner, no, "task:accept:claimed") == 1
    mine = (await winner.get("/v1/tasks", params={"mine": "true"})).json()["tasks"]
    assert [row["id"] for row in mine] == [task["id"]]


async def test_claiming_twice_changes_nothing_and_a_released_task_is_free(town: Town) -> None:
    _, no, task = await accept_task(town)
    one, other = town.market(), town.market()
    first = await one.post(f"/v1/tasks/{task['id']}/claim")
    again = await one.post(f"/v1/tasks/{task['id']}/claim")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.headers["etag"] == again.headers["etag"] == f'"{task["revision"] + 1}"'
    is_problem(await other.post(f"/v1/tasks/{task['id']}/release"), 409, "task_claimed")
    assert (await one.post(f"/v1/tasks/{task['id']}/release")).json()["claimed"] == ""
    assert (await one.post(f"/v1/tasks/{task['id']}/release")).status_code == 200
    assert (await other.post(f"/v1/tasks/{task['id']}/claim")).json()["claimed"] == "me"
    assert await events(town, one, no, "task:accept:claimed") == 2
    assert await events(town, one, no, "task:accept:released") == 1


async def test_only_who_may_decide_may_hold_and_a_supervisor_frees_what_somebody_holds(town: Town) -> None:
    _, no, task = await accept_task(town)
    holder, supervisor, colleague = town.market(), town.market(role="supervisor"), town.market()
    is_problem(await supervisor.post(f"/v1/tasks/{task['id']}/claim"), 403, "forbidden")
    assert (await holder.post(f"/v1/tasks/{task['id']}/claim")).status_code == 200
    is_problem(await colleague.post(f"/v1/tasks/{task['id']}/release"), 409, "task_claimed")
    assert (await supervisor.post(f"/v1/tasks/{task['id']}/release")).json()["claimed"] == ""
    assert (await colleague.post(f"/v1/tasks/{task['id']}/claim")).json()["claimed"] == "me"
    assert await events(town, supervisor, no, "task:accept:released") == 1


async def test_a_decision_needs_the_version_that_was_read(town: Town) -> None:
    citizen, no, task = await accept_task(town)
    worker = town.market()
    is_problem(await put(worker, task, tag=""), 428, "precondition_required")
    for tag in ('"99"', f'"{task["revision"] - 1}"', "*", "1", '"x"', 'W/"', '"' + "9" * 40 + '"'):
        is_problem(await put(worker, task, tag=tag), 412, "version_conflict")
    await worker.post(f"/v1/tasks/{task['id']}/claim")
    is_problem(await put(worker, task), 412, "version_conflict")  # the claim moved it on
    assert (await town.case(citizen, no))["status"] == "received"
    read = await worker.get(f"/v1/tasks/{task['id']}")
    assert (await put(worker, task, tag=f"W/{read.headers['etag']}")).status_code == 200


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ({}, {"/reason": "reason_required", "/legal_basis": "legal_basis_required"}),
        ({"reason": "x"}, {"/legal_basis": "legal_basis_required"}),
        ({"legal_basis": "x", "reason": " \n"}, {"/reason": "reason_required"}),
    ],
)
async def test_a_refusal_without_reason_or_law_is_refused(
    town: Town, words: dict[str, str], missing: dict[str, str]
) -> None:
    citizen, no, task = await accept_task(town)
    answer = await put(town.market(), task, "refuse", **words)
    is_problem(answer, 422)
    assert fields(answer) == missing
    assert (await town.case(citizen, no))["status"] == "received"


@pytest.mark.parametrize("outcome", ["grant", "", "ACCEPT", "accept ", "a\0b"])
async def test_an_outcome_the_task_does_not_have_is_refused(town: Town, outcome: str) -> None:
    _, _, task = await accept_task(town)
    answer = await put(town.market(), task, outcome)
    is_problem(answer, 422, "outcome_unknown")


@pytest.mark.parametrize("word", ["a\\u0000b", "\\ud800"])
async def test_words_that_no_database_keeps_are_refused_as_such(town: Town, word: str) -> None:
    _, _, task = await accept_task(town)
    headers = {"If-Match": f'"{task["revision"]}"', "Content-Type": "application/json"}
    body = f'{{"outcome":"refuse","reason":"{word}","legal_basis":"x"}}'
    answer = await town.market().put(f"/v1/tasks/{task['id']}/decision", content=body.encode(), headers=headers)
    assert answer.status_code in {400, 422}, answer.text
    is_problem(answer, answer.status_code)


async def test_a_colleague_does_not_decide_what_somebody_has_claimed(town: Town) -> None:
    _, _, task = await accept_task(town)
    holder, colleague = town.market(), town.market()
    await holder.post(f"/v1/tasks/{task['id']}/claim")
    held = (await colleague.get(f"/v1/tasks/{task['id']}")).json()
    is_problem(await put(colleague, held), 409, "task_claimed")
    assert (await put(holder, held)).status_code == 200


async def test_the_same_decision_again_gets_the_same_answer_and_is_made_once(town: Town) -> None:
    citizen, no, task = await accept_task(town)
    worker = town.market()
    answers = await asyncio.gather(*(put(worker, task) for _ in range(4)))
    answers.append(await put(worker, task))
    assert [answer.status_code for answer in answers] == [200] * 5, [answer.text for answer in answers]
    assert len({answer.text for answer in answers}) == 1
    assert await events(town, citizen, no, "task:accept:decided") == 1
    assert (await town.ledger(no)).get(("tax", "submit"), 0) <= 1


async def test_a_second_decision_that_contradicts_the_first_is_refused(town: Town) -> None:
    citizen, no, task = await accept_task(town)
    worker = town.market()
    assert (await put(worker, task)).status_code == 200
    is_problem(await put(worker, task, "refuse", **LAW), 409, "decision_final")
    is_problem(await put(town.market(), task), 409, "decision_final")
    assert (await town.case(citizen, no))["status"] in {"accepted", "under_review"}


async def test_of_two_contradicting_decisions_at_once_one_stands(town: Town) -> None:
    citizen, no, task = await accept_task(town)
    grant, refuse = await asyncio.gather(put(town.market(), task), put(town.market(), task, "refuse", **LAW))
    assert sorted((grant.status_code, refuse.status_code)) == [200, 409], (grant.text, refuse.text)
    case = await town.case(citizen, no)
    assert (case["status"] == "not_accepted") == (refuse.status_code == 200)


async def test_refusing_to_accept_ends_the_case_with_the_words_of_the_caseworker(town: Town) -> None:
    citizen, no, task = await accept_task(town)
    assert (await put(town.market(), task, "refuse", **LAW)).status_code == 200
    case = await town.until(citizen, no, lambda c: c["closed_at"])
    assert case["status"] == "not_accepted"
    decision = (await citizen.get(f"/v1/cases/{no}/results")).json()["decision"]
    assert {name: decision[name] for name in ("outcome", "reason", "legal_basis", "region", "department")} == {
        "outcome": "refuse",
        "region": "320500",
        "department": "market_regulation",
    } | LAW
    assert await town.ledger(no) == {}


async def test_a_refused_decision_undoes_what_took_effect(town: Town) -> None:
    citizen = town.citizen()
    no = await town.to_decision(citizen)
    assert (await town.decide(town.market(), no, "decide", "refuse", **LAW)).status_code == 200
    case = await town.until(citizen, no, lambda c: c["closed_at"])
    assert case["status"] == "decided_refused"
    rows = await town.rows(no)
    assert sum(row["delta"] for row in rows if row["verb"] != "fetch") == 0
    assert (await town.ledger(no))[("tax", "reverse")] == 1
    assert (await citizen.get(f"/v1/cases/{no}/results")).json()["results"] == []


async def test_the_worklist_turns_pages_without_gaps(town: Town) -> None:
    citizen, worker = town.citizen(), town.market()
    numbers = {await citizen.submit() for _ in range(5)}

    async def open_cases() -> set[str]:
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            page = (await worker.get("/v1/tasks", params={"limit": 2, "cursor": cursor})).json()
            seen += [task["id"] + task["case_no"] for task in page["tasks"]]
            cursor = page["next"]
        assert len(seen) == len(set(seen))
        return {item[26:] for item in seen}

    assert await eventually(open_cases, lambda found: numbers <= found)


@pytest.mark.parametrize("role", ["citizen", "agent", "auditor", "integrator", "operator"])
async def test_only_those_who_handle_cases_have_a_worklist(town: Town, role: str) -> None:
    caller = town.login(role)
    for answer in (await caller.get("/v1/tasks"), await caller.post("/v1/tasks/x/claim")):
        is_problem(answer, 403, "forbidden")


async def test_a_supervisor_gives_a_task_to_somebody_and_takes_it_from_somebody_else(town: Town) -> None:
    citizen, no, task = await accept_task(town)
    supervisor, holder, other = town.market(role="supervisor"), town.market("clerk-a"), town.market("clerk-b")
    path = f"/v1/tasks/{task['id']}/assign"
    assert (await holder.post(f"/v1/tasks/{task['id']}/claim")).status_code == 200
    is_problem(await holder.post(path, json={"to": "clerk-b"}), 403, "forbidden")
    for stranger in (town.market(role="supervisor", region="330100"), town.login("supervisor", "320500", "tax")):
        is_problem(await stranger.post(path, json={"to": "clerk-b"}), 404, "not_found")
    is_problem(await supervisor.post(path, json={"to": "two words"}), 422, "field_invalid")
    for _ in range(2):
        assert (await supervisor.post(path, json={"to": "clerk-b"})).status_code == 200
    assert (await other.get(f"/v1/tasks/{task['id']}")).json()["claimed"] == "me"
    is_problem(await town.decide(holder, no, "accept", "accept"), 409, "task_claimed")
    assert await events(town, supervisor, no, "task:accept:assigned") == 1
    told = (await citizen.get(f"/v1/cases/{no}/events")).text
    assert "clerk-b" not in told
    assert (await town.decide(other, no, "accept", "refuse", reason="x", legal_basis="y")).status_code == 200
    is_problem(await supervisor.post(path, json={"to": "clerk-a"}), 409, "task_not_open")


async def test_nobody_is_given_his_own_case(town: Town) -> None:
    citizen = town.citizen("clerk-who-applies")
    no = await citizen.submit()
    task = await town.task(town.market(), no, "accept")
    answer = await town.market(role="supervisor").post(
        f"/v1/tasks/{task['id']}/assign", json={"to": "clerk-who-applies"}
    )
    is_problem(answer, 409, "own_case")
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})
