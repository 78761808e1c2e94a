"""Many tasks at once: tried first, each row by itself, nothing done in a dry run. Statistics name nobody."""

from __future__ import annotations

from tests.api.closed import refused
from tests.api.test_problems import is_problem
from tests.fixtures.running import Town


async def test_a_dry_run_says_what_would_come_and_the_run_does_it(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    numbers = [await citizen.submit() for _ in range(3)]
    tasks = [await town.task(clerk, no, "accept") for no in numbers]
    task = tasks[2]
    items = [{"material": "resolution", "kind": "incomplete", "reason": "缺签字"}]
    await clerk.post(f"/v1/cases/{numbers[2]}/supplements", json={"task": task["id"], "items": items})
    rows = [{"id": t["id"], "revision": t["revision"]} for t in tasks] + [
        {"id": "t" + "0" * 25, "revision": 1},
        {"id": tasks[0]["id"], "revision": 1},
    ]
    body = {"action": "decide", "tasks": rows, "decision": {"outcome": "accept"}, "dry_run": True}
    tried = (await clerk.post("/v1/tasks/bulk", json=body)).json()
    codes = [row["error"]["code"] if row["error"] else "" for row in tried["results"]]
    assert codes == ["", "", "supplement_open", "not_found", "field_invalid"]
    assert (tried["done"], tried["failed"], tried["dry_run"]) == (2, 3, True)
    assert (await clerk.get(f"/v1/tasks/{tasks[0]['id']}")).json()["state"] == "open"
    done = (await clerk.post("/v1/tasks/bulk", json=body | {"dry_run": False})).json()
    assert [row["ok"] for row in done["results"]] == [row["ok"] for row in tried["results"]]
    assert (await clerk.get(f"/v1/tasks/{tasks[0]['id']}")).json()["state"] == "done"
    for dry in (True, False):
        again = (await clerk.post("/v1/tasks/bulk", json=body | {"dry_run": dry})).json()
        assert [row["ok"] for row in again["results"]][:2] == [True, True]  # the same decision is the same decision
    for no in numbers:
        await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_a_supervisor_gives_many_tasks_to_somebody(town: Town) -> None:
    citizen, clerk, supervisor = town.citizen(), town.market("bulk-clerk"), town.market(role="supervisor")
    no = await citizen.submit()
    task = await town.task(clerk, no, "accept")
    body = {"action": "assign", "tasks": [{"id": task["id"]}], "to": "bulk-clerk"}
    is_problem(await supervisor.post("/v1/tasks/bulk", json=body | {"to": ""}), 422, "field_missing")
    is_problem(await supervisor.post("/v1/tasks/bulk", json=body | {"action": "decide"}), 422, "field_missing")
    tried = (await supervisor.post("/v1/tasks/bulk", json=body | {"dry_run": True})).json()
    assert tried["results"][0]["status"] == "claimed"
    assert (await clerk.get(f"/v1/tasks/{task['id']}")).json()["claimed"] == ""
    assert (await supervisor.post("/v1/tasks/bulk", json=body)).json()["done"] == 1
    assert (await clerk.get(f"/v1/tasks/{task['id']}")).json()["claimed"] == "me"
    told = (await clerk.post("/v1/tasks/bulk", json=body)).json()["results"][0]
    assert told["error"]["code"] == "forbidden"
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_a_dry_run_knows_that_who_asked_does_not_approve(town: Town) -> None:
    citizen, supervisor = town.citizen(), town.market(role="supervisor")
    no = await refused(town, citizen)
    await supervisor.post(f"/v1/cases/{no}/reopen", json={"ground": "own_error", "reason": "错误适用依据"})
    task = await town.task(supervisor, no, "reopen")
    rows = [{"id": task["id"], "revision": task["revision"]}]
    body = {"action": "decide", "tasks": rows, "decision": {"outcome": "approve"}}
    for dry in (True, False):
        row = (await supervisor.post("/v1/tasks/bulk", json=body | {"dry_run": dry})).json()["results"][0]
        assert row["error"]["code"] == "same_person"


async def test_statistics_count_and_name_nobody(town: Town) -> None:
    citizen = town.citizen()
    no, waiting = await refused(town, citizen), await citizen.submit()
    await citizen.post(f"/v1/cases/{no}/rating", json={"stars": 1})
    await town.offered(citizen, waiting)  # it waits for the applicant, who has no place
    coordinator = town.login("coordinator")
    all_of_it = await coordinator.get("/v1/statistics", params={"service": "YRD-ENT-MOVE"})
    assert all_of_it.status_code == 200, all_of_it.text
    found = all_of_it.json()
    ended = next(row for row in found["cases"] if row["status"] == "not_accepted")
    assert ended["cases"] >= 1
    assert ended["p50"] >= 0
    assert found["ratings"][0]["bad"] >= 1
    assert found["burden"][0]["handed_in"] >= 2
    await citizen.post(f"/v1/cases/{waiting}/withdraw", json={})
    for canary in ("合肥", no, "340199", citizen.headers["authorization"][-20:]):
        assert canary not in all_of_it.text
    supervisor = town.login("supervisor", "330000", "housing_fund")
    assert (await supervisor.get("/v1/statistics")).json()["cases"] == []
    own = (await town.market(role="supervisor").get("/v1/statistics")).json()
    assert any(row["status"] == "not_accepted" for row in own["cases"])
    above = town.market(role="supervisor", region="320000")
    assert (await above.get("/v1/statistics", params={"region": "320500"})).json()["cases"]
    assert (await above.get("/v1/statistics", params={"region": "320900"})).json()["cases"] == []
    is_problem(await above.get("/v1/statistics", params={"region": "340000"}), 403, "forbidden")
    assert all(row["province"] in {"", "310000", "320000", "330000", "340000"} for row in found["waiting"])
    for role in ("citizen", "agent", "integrator", "operator"):
        is_problem(await town.login(role).get("/v1/statistics"), 403, "forbidden")
    is_problem(await town.market().get("/v1/statistics"), 403, "forbidden")
    is_problem(
        await coordinator.get("/v1/statistics", params={"since": "2026-01-02", "until": "2026-01-01"}),
        422,
        "date_invalid",
    )
