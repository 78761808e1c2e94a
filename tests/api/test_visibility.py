"""Who sees which case: what is not yours is not there, to the byte."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from domain.names import evidence_id
from tests.fixtures.houses import Caller
from tests.fixtures.running import Town

MISSING = "32050020261123PENTMOV002N9CH"


class Scene:
    """A case of one citizen that waits for acceptance in Suzhou, and everybody who may or may not see it."""

    def __init__(self, town: Town, no: str, owner: Caller) -> None:
        self.no = no
        self.owner = owner
        self.evidence = evidence_id(no, "representative")
        self.task = ""
        self.readers = {
            "a caseworker of the accepting department": town.market(),
            "a caseworker of the tax authority at the origin": town.login("caseworker", "340100", "tax"),
            "a supervisor of the accepting department": town.market(role="supervisor"),
            "a supervisor of the province above": town.market(role="supervisor", region="320000"),
            "the coordinator": town.login("coordinator"),
            "an auditor": town.login("auditor"),
        }
        self.strangers = {
            "another citizen": town.citizen(),
            "an agent": town.login("agent"),
            "a citizen with the name of a department": town.citizen("market_regulation"),
            "the same department of another city": town.market(region="320100"),
            "the same department of the province": town.market(region="320000"),
            "another department of the same city": town.login("caseworker", "320500", "tax"),
            "a supervisor of another province": town.market(role="supervisor", region="310000"),
            "a supervisor of another department above": town.login("supervisor", "320000", "civil_affairs"),
            "an integrator": town.login("integrator", "320500", "market_regulation"),
            "an operator": town.login("operator", "320500", "market_regulation"),
        }


@pytest_asyncio.fixture(scope="module")
async def scene(town: Town) -> AsyncIterator[Scene]:
    owner = town.citizen()
    made = Scene(town, await owner.submit(company_name="隐身示例有限公司"), owner)
    await town.offered(owner, made.no)
    made.task = (await town.task(town.market(), made.no, "accept"))["id"]
    yield made


def reads(no: str) -> list[tuple[str, str]]:
    return [("GET", f"/v1/cases/{no}{rest}") for rest in ("", "/events", "/results")]


def orders(no: str, evidence: str) -> list[tuple[str, str]]:
    return [
        ("POST", f"/v1/cases/{no}/evidence/{evidence}/accept"),
        ("POST", f"/v1/cases/{no}/evidence/{evidence}/decline"),
        ("POST", f"/v1/cases/{no}/withdraw"),
    ]


def task_routes(task: str) -> list[tuple[str, str]]:
    return [
        ("GET", f"/v1/tasks/{task}"),
        ("POST", f"/v1/tasks/{task}/claim"),
        ("POST", f"/v1/tasks/{task}/release"),
        ("PUT", f"/v1/tasks/{task}/decision"),
    ]


async def knock(caller: Caller, method: str, path: str) -> httpx.Response:
    body = {"outcome": "accept"} if method == "PUT" else {} if method == "POST" else None
    return await caller.request(
        method, path, json=body, headers={"If-Match": '"1"', "Idempotency-Key": secrets.token_hex(8)}
    )


def without_id(answer: httpx.Response) -> bytes:
    return answer.content.replace(answer.json()["request_id"].encode(), b"")


async def test_to_a_stranger_a_case_looks_as_if_it_did_not_exist(scene: Scene) -> None:
    there = [*reads(scene.no), ("GET", f"/v1/cases/{scene.no}/stream"), *orders(scene.no, scene.evidence)]
    nowhere = [*reads(MISSING), ("GET", f"/v1/cases/{MISSING}/stream"), *orders(MISSING, scene.evidence)]
    for who, caller in scene.strangers.items():
        for (method, path), (_, other) in zip(there, nowhere, strict=True):
            answer, missing = await knock(caller, method, path), await knock(caller, method, other)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (who, path, answer.text)
            assert without_id(answer) == without_id(missing), (who, path)
            assert set(answer.headers) == set(missing.headers), (who, path)


async def test_no_list_of_a_stranger_names_the_case(scene: Scene) -> None:
    for who, caller in scene.strangers.items():
        for query in ({}, {"text": scene.no}, {"text": "隐身示例"}, {"region": "320500"}, {"overdue": "false"}):
            answer = await caller.get("/v1/cases", params={"limit": "200"} | query)
            assert answer.status_code in {200, 403}, who
            assert scene.no not in answer.text, (who, query)
            assert "隐身示例" not in answer.text, (who, query)


async def test_whoever_takes_part_or_oversees_reads_the_case_and_finds_it_in_the_list(scene: Scene) -> None:
    for who, caller in {**scene.readers, "the applicant": scene.owner}.items():
        for method, path in reads(scene.no):
            assert (await knock(caller, method, path)).status_code == 200, (who, path)
        found = await caller.get("/v1/cases", params={"text": scene.no})
        assert [case["no"] for case in found.json()["cases"]] == [scene.no], who


async def test_only_the_applicant_gives_orders_to_his_case(scene: Scene) -> None:
    for who, caller in {**scene.readers, **scene.strangers}.items():
        for method, path in orders(scene.no, scene.evidence):
            answer = await knock(caller, method, path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (who, path, answer.text)


async def test_a_task_is_there_for_its_department_and_for_nobody_else(town: Town, scene: Scene) -> None:
    missing = "t" + "0" * 25
    others = {**scene.strangers, **scene.readers, "the applicant": scene.owner}
    for who in ("a caseworker of the accepting department", "a supervisor of the accepting department"):
        others.pop(who)
    others.pop("a supervisor of the province above")
    for who, caller in others.items():
        for (method, path), (_, nowhere) in zip(task_routes(scene.task), task_routes(missing), strict=True):
            answer, absent = await knock(caller, method, path), await knock(caller, method, nowhere)
            assert answer.status_code in {403, 404}, (who, path, answer.text)
            assert without_id(answer) == without_id(absent), (who, path)
        listed = await caller.get("/v1/tasks", params={"limit": 200})
        assert scene.task not in listed.text, who


async def test_the_supervisor_above_sees_the_task_and_the_caseworker_above_does_not(town: Town, scene: Scene) -> None:
    above = town.market(role="supervisor", region="320000")
    assert (await above.get(f"/v1/tasks/{scene.task}")).status_code == 200
    assert scene.task in (await above.get("/v1/tasks", params={"limit": 200})).text
    same_level = town.market(region="320000")
    assert (await same_level.get(f"/v1/tasks/{scene.task}")).status_code == 404


async def test_evidence_of_another_case_cannot_be_answered_through_ones_own(town: Town, scene: Scene) -> None:
    other = town.citizen()
    own = await other.submit()
    await town.offered(other, own)
    for method, path in orders(own, scene.evidence)[:2]:
        answer = await knock(other, method, path)
        assert answer.status_code in {404, 422}, answer.text
    case = await town.case(scene.owner, scene.no)
    assert [item["state"] for item in case["evidence"]] == ["offered", "offered"]


async def test_the_form_is_for_those_who_work_with_it(scene: Scene) -> None:
    for who in ("the coordinator", "an auditor"):
        case = (await scene.readers[who].get(f"/v1/cases/{scene.no}")).json()
        assert case["form"] is None, who
        assert case["documents"] == {}, who
        assert "310199199001010018" not in str(case), who
    caseworker = scene.readers["a caseworker of the accepting department"]
    assert (await caseworker.get(f"/v1/cases/{scene.no}")).json()["form"]["company_name"] == "隐身示例有限公司"


async def test_no_trail_names_the_person_behind_a_line(scene: Scene) -> None:
    for who, caller in {**scene.readers, "the applicant": scene.owner}.items():
        events = (await caller.get(f"/v1/cases/{scene.no}/events")).json()["events"]
        assert events, who
        assert all(set(event["actor"]) == {"role", "region", "department"} for event in events), who
