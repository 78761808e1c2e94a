"""Acting for another: actor, principal and basis stay apart on every event, and both sides see the case."""

from __future__ import annotations

from typing import Any

from catalogue.library import HERE
from catalogue.scenario import read_scenario
from domain import names
from tests.api.test_problems import is_problem
from tests.fixtures.houses import Caller, Office
from tests.fixtures.running import Town
from tests.fixtures.samples import SERVICE, library

CODE = "YRD-RE-MORT"
PLAN, SCENARIO = library().service(CODE), read_scenario(HERE / "scenarios" / CODE / "completed.yaml")


async def acting(caller: Caller, basis: str = "mandate", **fields: str) -> dict[str, Any]:
    """An application for somebody else, with its mandate."""
    body: dict[str, Any] = await caller.application()
    body["acting"] = {"basis": basis, "document": await caller.upload(name="mandate.pdf")} | fields
    return body


async def test_the_basis_must_be_one_the_service_knows_with_its_proof(office: Office) -> None:
    agent = office.login("agent")
    is_problem(await agent.post("/v1/cases", json=await acting(agent, "guardian")), 422, "acting_not_allowed")
    is_problem(await agent.post("/v1/cases", json=await acting(agent, document="")), 422, "field_missing")
    is_problem(await agent.post("/v1/cases", json=await acting(agent, document="dnope")), 422, "document_unknown")
    selfish = await acting(agent, principal="me")
    is_problem(
        await office.login("agent", subject="me").post("/v1/cases", json=selfish | {"documents": {}}),
        422,
        "acting_for_oneself",
    )
    is_problem(await agent.post("/v1/cases", json=await acting(agent, "clerk")), 403, "forbidden")


async def test_every_event_of_the_agent_names_the_principal_and_those_of_the_principal_do_not(town: Town) -> None:
    principal = town.citizen("principal-1")
    agent = town.login("agent", subject="agent-1")
    answer = await agent.post("/v1/cases", json=await acting(agent, principal="principal-1"))
    assert answer.status_code == 201, answer.text
    no = answer.json()["no"]
    assert [case["no"] for case in (await principal.get("/v1/cases")).json()["cases"]] == [no]
    case = await town.case(principal, no)
    assert case["acting"] == "mandate"
    assert case["form"]["company_name"]
    assert case["documents"]["acting:proof"][0]["name"] == "mandate.pdf"
    assert (await agent.post(f"/v1/cases/{no}/messages", json={"text": "您好"})).status_code == 201
    assert (await principal.post(f"/v1/cases/{no}/messages", json={"text": "我是本人"})).status_code == 201
    assert (await principal.post(f"/v1/cases/{no}/withdraw", json={})).status_code == 200
    events = (await agent.get(f"/v1/cases/{no}/events")).json()["events"]
    by_agent = [e for e in events if e["actor"]["role"] == "agent"]
    by_principal = [e for e in events if e["actor"]["role"] == "citizen"]
    assert [e["type"] for e in by_agent] == ["case:status:submitted", "message:sent"]
    shown = {"basis": "mandate", "principal": names.holder_digest(no, "principal-1")}
    assert all(shown.items() <= e["actor"].items() for e in by_agent)
    assert {e["type"] for e in by_principal} == {"message:sent", "case:withdrawal:asked"}
    assert all("basis" not in e["actor"] for e in by_principal)
    assert "principal-1" not in str(events)


async def test_an_order_of_the_agent_keeps_its_principal_on_its_way_through_the_case(town: Town) -> None:
    agent = town.login("agent")
    no = (await agent.post("/v1/cases", json=await acting(agent))).json()["no"]  # for somebody without a login
    await town.accept_evidence(agent, no)
    events = (await agent.get(f"/v1/cases/{no}/events?limit=1000")).json()["events"]
    accepted = [e for e in events if e["type"].startswith("evidence:") and e["actor"]["role"] == "agent"]
    assert len(accepted) == 2
    assert all(e["actor"]["basis"] == "mandate" and e["actor"]["principal"] for e in accepted)
    await agent.post(f"/v1/cases/{no}/withdraw", json={})


async def test_nobody_decides_a_case_filed_for_him_or_by_him(town: Town) -> None:
    agent = town.login("agent")
    no = (await agent.post("/v1/cases", json=await acting(agent, principal="clerk-principal"))).json()["no"]
    clerk = town.market("clerk-principal")
    await town.task(town.market(), no, "accept")
    is_problem(await town.decide(clerk, no, "accept", "accept"), 409, "own_case")
    is_problem(await clerk.get(f"/v1/cases/{no}/notes"), 409, "own_case")
    await agent.post(f"/v1/cases/{no}/withdraw", json={})


async def test_nobody_handles_a_case_in_office_that_was_filed_for_him(town: Town) -> None:
    agent = town.login("agent")
    no = (await agent.post("/v1/cases", json=await acting(agent, principal="clerk-two"))).json()["no"]
    clerk, boss = town.market("clerk-two"), town.market("clerk-two", role="supervisor")
    elsewhere = town.login("caseworker", "330100", "tax", subject="clerk-two")
    task = await town.task(town.market(), no, "accept")
    opinion = {"region": "340000", "department": "ecology", "question": "是否同意？"}
    asked = {"task": task["id"], "items": [{"material": "resolution", "kind": "incomplete", "reason": "缺签字"}]}
    orders: dict[str, dict[str, Any]] = {
        "opinions": opinion,
        "supplements": asked,
        "transfer": {"region": "320100", "reason": "住所地"},
        "corrections": {"fields": {"new_address": "江苏省苏州市示例路二号"}, "reason": "电话更正"},
        "procedures": {"procedure": "x", "reason": "评审"},
        "extension": {"clock": "acceptance", "reason": "复杂"},
    }
    for verb, body in orders.items():
        is_problem(await clerk.post(f"/v1/cases/{no}/{verb}", json=body), 409, "own_case")
    is_problem(await clerk.post(f"/v1/tasks/{task['id']}/claim"), 409, "own_case")
    assert (await town.market().post(f"/v1/cases/{no}/opinions", json=opinion)).status_code == 200
    for reader in (clerk, boss, elsewhere):
        is_problem(await reader.get(f"/v1/cases/{no}/opinions"), 409, "own_case")
    await agent.post(f"/v1/cases/{no}/withdraw", json={})


async def test_a_cosigner_is_another_person_with_a_login(office: Office) -> None:
    agent = office.login("agent")
    documents = {m.id: [await agent.upload()] for m in PLAN.materials if m.source.value == "upload"}
    mandate = {"basis": "mandate", "principal": "owner-1", "document": await agent.upload(name="mandate.pdf")}
    body = {"service": CODE, "form": dict(SCENARIO.form), "documents": documents, "acting": mandate}
    for wrong in ([], ["a", "b"], ["owner-1"]):
        is_problem(await agent.post("/v1/cases", json=body | {"cosigners": wrong}), 422, "cosigners_wrong")
    for nobody in ("银行", "bank 1", "bank\u200b", " "):
        is_problem(await agent.post("/v1/cases", json=body | {"cosigners": [nobody]}), 422, "field_invalid")
    assert (await agent.post("/v1/cases", json=body | {"cosigners": ["bank-1"]})).status_code == 201


async def test_one_who_is_neither_still_sees_nothing(town: Town) -> None:
    agent = town.login("agent")
    no = (await agent.post("/v1/cases", json=await acting(agent, principal="p-9"))).json()["no"]
    is_problem(await town.citizen("p-8").get(f"/v1/cases/{no}"), 404, "not_found")
    assert SERVICE in (await town.citizen("p-9").get(f"/v1/cases/{no}")).text
    await agent.post(f"/v1/cases/{no}/withdraw", json={})


async def test_a_second_application_about_the_same_is_shown_and_not_dropped(office: Office) -> None:
    citizen, other = office.citizen(), office.citizen()
    first = await citizen.submit()
    answer = await citizen.post("/v1/cases", json=await citizen.application())
    assert answer.status_code == 201
    assert [case["no"] for case in answer.json()["duplicates"]] == [first]
    second = answer.json()["no"]
    shown = (await citizen.get(f"/v1/cases/{first}")).json()
    assert [case["no"] for case in shown["duplicates"]] == [second]
    foreign = await other.post("/v1/cases", json=await other.application())
    assert foreign.json()["duplicates"] == []  # another person's case is not told
    clerk = office.market()
    assert len((await clerk.get(f"/v1/cases/{first}")).json()["duplicates"]) == 2
    different = await citizen.submit(uscc="91340100XXXX00107C", company_name="合肥另一家")
    assert (await citizen.get(f"/v1/cases/{different}")).json()["duplicates"] == []
