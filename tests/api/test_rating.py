"""好差评: five levels, once, voluntary, after the end; a bad one is followed up with a clock of its own."""

from __future__ import annotations

import asyncio

from catalogue.library import HERE
from catalogue.scenario import read_scenario
from tests.api.closed import REASON, refused
from tests.api.test_problems import is_problem
from tests.fixtures.running import Town
from tests.fixtures.samples import library


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


async def test_a_bad_rating_that_is_sent_twice_counts_once(town: Town) -> None:
    citizen = town.citizen()
    no = await refused(town, citizen)
    path = f"/v1/cases/{no}/rating"
    answers = await asyncio.gather(*(citizen.post(path, json={"stars": 1}) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    is_problem(await citizen.post(path, json={"stars": 2}), 409, "already_rated")


async def test_who_filed_it_at_the_counter_does_not_rate_it(town: Town) -> None:
    form = dict(read_scenario(HERE / "scenarios" / "YRD-HUKOU" / "completed.yaml").form)
    clerk = town.login("caseworker", "340100", "service_hall")
    plan = library().service("YRD-HUKOU")
    documents = {m.id: [await clerk.upload()] for m in plan.materials if m.source.value == "upload"}
    acting = {"basis": "clerk", "principal": "who-came"}
    body = {"service": plan.code, "form": form, "documents": documents, "acting": acting, "channel": "hall"}
    answer = await clerk.post("/v1/cases", json=body)
    assert answer.status_code == 201, answer.text
    no = answer.json()["no"]
    person = town.citizen("who-came")
    await town.until(person, no, lambda case: case["status"] != "submitted")
    accepting = town.login("caseworker", no[:6], "public_security")
    assert (await town.decide(accepting, no, "accept", "refuse", **REASON)).status_code == 200
    await town.until(person, no, lambda case: case["closed_at"])
    path = f"/v1/cases/{no}/rating"
    assert (await clerk.get(path)).json()["possible"] is False
    is_problem(await clerk.post(path, json={"stars": 5}), 403, "forbidden")
    assert (await person.get(path)).json()["possible"] is True
    assert (await person.post(path, json={"stars": 3})).status_code == 201
