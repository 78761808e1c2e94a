"""After the end: papers that anybody can verify, a rating with its follow-up, a case taken up again by two persons."""

from __future__ import annotations

from typing import Any

from tests.api.test_problems import is_problem
from tests.fixtures.houses import Caller
from tests.fixtures.running import Town

REASON = {"reason": "住所证明不符。", "legal_basis": "市场主体登记管理条例第十九条"}


async def refused(town: Town, citizen: Caller) -> str:
    """A case that was not accepted."""
    no = await citizen.submit()
    assert (await town.decide(town.market(), no, "accept", "refuse", **REASON)).status_code == 200
    await town.until(citizen, no, lambda case: case["closed_at"])
    return no


async def notices(who: Caller, no: str) -> dict[str, dict[str, Any]]:
    found = (await who.get(f"/v1/cases/{no}/notices")).json()["notices"]
    return {notice["kind"]: notice for notice in found}


async def test_receipt_and_non_acceptance_are_dated_papers_that_anybody_can_verify(town: Town) -> None:
    citizen = town.citizen()
    no = await refused(town, citizen)
    papers = await notices(citizen, no)
    assert list(papers) == ["receipt", "non_acceptance"]
    paper = papers["non_acceptance"]
    assert "不予受理" in paper["text"][0]["zh"]
    assert REASON["reason"] in paper["text"][0]["zh"]
    assert REASON["legal_basis"] in paper["text"][0]["zh"]
    assert "行政复议" in paper["text"][1]["zh"]
    assert paper["number"].startswith(f"{no}-BS-")
    stranger = town.caller()
    verified = (await stranger.get(f"/v1/verify/{paper['number']}")).json()
    assert (verified["valid"], verified["title"]["en"], verified["issuer"]["region"]) == (
        True,
        "Notice of non-acceptance",
        "320500",
    )
    assert "合肥" not in str(verified)
    picture = await stranger.get(f"/v1/verify/{paper['number']}/qr.svg")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert picture.text.startswith("<svg")
    forged = paper["number"][:-1] + ("0" if paper["number"][-1] != "0" else "1")
    is_problem(await stranger.get(f"/v1/verify/{forged}"), 404, "not_found")
    is_problem(await stranger.get(f"/v1/verify/{forged}/qr.svg"), 404, "not_found")
    is_problem(await town.login("caseworker", "340100", "tax").get(f"/v1/cases/{no}/notices"), 404, "not_found")


async def test_acceptance_supplement_and_decision_have_theirs(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no = await citizen.submit()
    await town.accept_evidence(citizen, no)
    task = await town.task(clerk, no, "accept")
    items = [{"material": "resolution", "kind": "incomplete", "reason": "缺股东签字"}]
    await clerk.post(f"/v1/cases/{no}/supplements", json={"task": task["id"], "items": items})
    supplement = (await citizen.get(f"/v1/cases/{no}/supplements")).json()["supplements"][0]
    await citizen.post(
        f"/v1/cases/{no}/supplements/{supplement['id']}/reply",
        json={"items": {"i1": {"documents": [await citizen.upload(name="signed.pdf")]}}},
    )
    assert (await town.decide(clerk, no, "accept", "accept")).status_code == 200
    await town.task(clerk, no, "decide")
    assert (await town.decide(clerk, no, "decide", "grant")).status_code == 200
    await town.until(citizen, no, lambda case: case["closed_at"])
    papers = await notices(citizen, no)
    assert list(papers) == ["receipt", "supplement", "acceptance", "granted"]
    assert papers["supplement"]["items"][0]["reason"] == "缺股东签字"
    assert papers["supplement"]["items"][0]["title"]["en"] == "Resolution and amended articles"
    results = (await citizen.get(f"/v1/cases/{no}/results")).json()
    licence = results["results"][0]
    assert (await town.caller().get(f"/v1/verify/{licence['licence']}/qr.svg")).status_code == 200
    assert licence["qr"].endswith("/qr.svg")


async def test_a_case_is_rated_once_after_its_end_and_voluntarily(town: Town) -> None:
    citizen = town.citizen()
    no = await citizen.submit()
    path = f"/v1/cases/{no}/rating"
    is_problem(await citizen.post(path, json={"stars": 5}), 409, "not_closed")
    assert (await town.decide(town.market(), no, "accept", "refuse", **REASON)).status_code == 200
    await town.until(citizen, no, lambda case: case["closed_at"])
    view = (await citizen.get(path)).json()
    assert (view["possible"], [level["zh"] for level in view["levels"]][-1]) == (True, "非常满意")
    for bad in ({"stars": 0}, {"stars": 6}, {"stars": 3, "aspects": ["moon"]}):
        is_problem(await citizen.post(path, json=bad), 422, "field_invalid")
    is_problem(await town.citizen().post(path, json={"stars": 5}), 404, "not_found")
    is_problem(await town.market().post(path, json={"stars": 5}), 404, "not_found")
    rated = await citizen.post(path, json={"stars": 4, "aspects": ["efficiency"], "text": "还行"})
    assert rated.status_code == 201, rated.text
    assert rated.json()["rating"]["level"]["en"] == "satisfied"
    assert rated.json()["rating"]["follow_up"] is None
    is_problem(await citizen.post(path, json={"stars": 1}), 409, "already_rated")


async def test_a_bad_rating_opens_a_follow_up_with_its_clock(town: Town) -> None:
    citizen, supervisor = town.citizen(), town.market(role="supervisor")
    no = await refused(town, citizen)
    rated = (await citizen.post(f"/v1/cases/{no}/rating", json={"stars": 1, "text": "太慢"})).json()
    assert rated["rating"]["follow_up"]["state"] == "open"
    assert rated["rating"]["follow_up"]["due_at"]
    task = await town.task(supervisor, no, "follow_up")
    assert task["outcomes"] == ["rectified", "explained", "excluded"]
    is_problem(await town.decide(supervisor, no, "follow_up", "rectified"), 422, "reason_required")
    done = await town.decide(supervisor, no, "follow_up", "rectified", reason="已回访并致歉")
    assert done.status_code == 200, done.text
    shown = (await citizen.get(f"/v1/cases/{no}/rating")).json()["rating"]["follow_up"]
    assert (shown["state"], shown["outcome"]) == ("done", "rectified")


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
