"""The verbs of the law through the API, on a running product: words are kept, and only the right people read them."""

from __future__ import annotations

from typing import Any

from catalogue.library import HERE
from catalogue.scenario import read_scenario
from tests.api.test_problems import is_problem
from tests.fixtures.houses import Caller
from tests.fixtures.running import Town
from tests.fixtures.samples import library

NOTICE = {
    "items": [
        {"material": "resolution", "kind": "incomplete", "reason": "缺股东签字", "example": "见样例"},
        {"field": "new_address", "kind": "incorrect", "reason": "门牌号不存在"},
    ]
}


async def asked(town: Town, citizen: Caller, clerk: Caller) -> tuple[str, dict[str, Any]]:
    """A case with an open notice."""
    no = await citizen.submit()
    task = await town.task(clerk, no, "accept")
    answer = await clerk.post(f"/v1/cases/{no}/supplements", json=NOTICE | {"task": task["id"]})
    assert answer.status_code == 200, answer.text
    return no, (await citizen.get(f"/v1/cases/{no}/supplements")).json()["supplements"][0]


async def test_a_notice_is_read_answered_in_parts_and_holds_the_decision(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no, notice = await asked(town, citizen, clerk)
    assert [item["title"]["en"] for item in notice["items"]] == ["Resolution and amended articles", "New address"]
    assert [item["reason"] for item in notice["items"]] == ["缺股东签字", "门牌号不存在"]
    results = await citizen.get(f"/v1/cases/{no}/results")
    assert (results.status_code, results.json()["decision"]) == (200, None)  # a notice decides nothing
    case = (await citizen.get(f"/v1/cases/{no}")).json()
    assert ("applicant", "supplement") in {(w["who"], w["why"]) for w in case["waiting"]}
    is_problem(await town.decide(clerk, no, "accept", "accept"), 409, "supplement_open")

    document = await citizen.upload(name="signed.pdf")
    path = f"/v1/cases/{no}/supplements/{notice['id']}/reply"
    stranger = town.citizen()
    body = {"items": {"i1": {"documents": [document]}}}
    is_problem(await stranger.post(path, json=body), 404, "not_found")
    foreign = {"items": {"i1": {"documents": [await stranger.upload(name="other.pdf")]}}}
    is_problem(await citizen.post(path, json=foreign), 422, "document_unknown")
    is_problem(await citizen.post(path, json={"items": {"i1": {}}}), 422, "field_missing")
    is_problem(await citizen.post(path, json={"items": {"i9": {"text": "x"}}}), 422, "supplement_item_unknown")
    first = await citizen.post(path, json=body, headers={"Idempotency-Key": "reply-1"})
    assert first.status_code == 200
    again = await citizen.post(path, json=body, headers={"Idempotency-Key": "reply-1"})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await citizen.post(path, json={"items": {"i2": {"value": "苏州市示例路2号"}}})).status_code == 200
    shown = (await clerk.get(f"/v1/cases/{no}/supplements")).json()["supplements"][0]
    assert shown["status"] == "answered"
    assert shown["items"][1]["answer"]["value"] == "苏州市示例路2号"
    case = (await clerk.get(f"/v1/cases/{no}")).json()
    assert case["form"]["new_address"] == "苏州市示例路2号"  # what has been mended is what is decided on and goes out
    assert (await citizen.get(f"/v1/cases/{no}/corrections")).json()["corrections"] == []  # nobody did it for him
    assert shown["items"][0]["answer"]["files"][0]["id"] == document
    assert (await town.decide(clerk, no, "accept", "accept")).status_code == 200
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_an_answer_that_cannot_be_kept_is_refused(town: Town) -> None:
    citizen = town.citizen()
    no, notice = await asked(town, citizen, town.market())
    path = f"/v1/cases/{no}/supplements/{notice['id']}/reply"
    for value in (b'"\\u0000"', b'{"a": ["\\u0000"]}', b'"\\ud800"', b"NaN", b"1e999"):
        body = b'{"items": {"i2": {"value": %s}}}' % value
        answer = await citizen.post(path, content=body, headers={"Content-Type": "application/json"})
        is_problem(answer, 422, "field_invalid")
    assert (await citizen.post(path, json={"items": {"i2": {"value": "\\u0000 𠀀·"}}})).status_code == 200
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_a_mended_field_has_to_pass_as_the_form_had_to(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no = await citizen.submit()
    task = await town.task(clerk, no, "accept")
    fields = ("new_address", "destination_city", "shareholder_uscc", "shareholder_name")
    items = [{"field": field, "kind": "incorrect", "reason": "请核对"} for field in fields]
    assert (
        await clerk.post(f"/v1/cases/{no}/supplements", json={"task": task["id"], "items": items})
    ).status_code == 200
    notice = (await citizen.get(f"/v1/cases/{no}/supplements")).json()["supplements"][0]
    before = (await citizen.get(f"/v1/cases/{no}")).json()["form"]
    path = f"/v1/cases/{no}/supplements/{notice['id']}/reply"

    async def refused(item: str, value: object, code: str) -> None:
        answer = await citizen.post(path, json={"items": {item: {"value": value}}})
        is_problem(answer, 422, code)
        assert answer.json()["errors"][0]["field"] == f"/items/{item}/value"

    await refused("i1", 5, "field_invalid")
    await refused("i2", "320100", "place_not_correctable")
    await refused("i3", "91330100XXXX000350", "uscc_invalid")
    same = {"i2": {"value": before["destination_city"], "text": "无误"}, "i1": {"value": "苏州市示例路2号"}}
    assert (await citizen.post(path, json={"items": same})).status_code == 200
    rest = {"i3": {"text": "无误"}, "i4": {"value": "杭州另一家云计算有限公司"}}
    assert (await citizen.post(path, json={"items": rest})).status_code == 200
    shown = (await citizen.get(f"/v1/cases/{no}")).json()
    assert {k for k, v in shown["form"].items() if v != before[k]} <= {"new_address", "shareholder_name"}
    assert shown["form"]["new_address"] == "苏州市示例路2号"
    lines = (await citizen.get(f"/v1/cases/{no}/events")).json()["events"]
    assert [e["data"].get("fields") for e in lines if e["type"] == "supplement:partly_answered"] == ["new_address"]
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_a_notice_names_what_the_service_has(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no = await citizen.submit()
    task = (await town.task(clerk, no, "accept"))["id"]
    path = f"/v1/cases/{no}/supplements"
    wrong = {"task": task, "items": [{"material": "moon", "kind": "incomplete", "reason": "x"}]}
    is_problem(await clerk.post(path, json=wrong), 422, "material_unknown")
    both = {"task": task, "items": [{"material": "resolution", "field": "uscc", "kind": "incomplete", "reason": "x"}]}
    is_problem(await clerk.post(path, json=both), 422, "field_invalid")
    is_problem(await citizen.post(path, json=NOTICE | {"task": task}), 403, "forbidden")
    elsewhere = town.market(region="330100")
    is_problem(await elsewhere.post(path, json=NOTICE | {"task": task}), 404, "not_found")
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_a_notice_taken_back_lets_the_decision_go_on(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no, notice = await asked(town, citizen, clerk)
    path = f"/v1/cases/{no}/supplements/{notice['id']}/cancel"
    is_problem(await town.market().post(path, json={"reason": "x"}), 404, "not_found")
    assert (await town.market(role="supervisor").post(path, json={"reason": "已由部门共享取得"})).status_code == 200
    assert (await town.decide(clerk, no, "accept", "refuse", reason="x", legal_basis="y")).status_code == 200


async def test_deadlines_are_told_in_words_and_a_pause_is_one_of_them(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no, _ = await asked(town, citizen, clerk)
    told = (await citizen.get(f"/v1/cases/{no}/deadlines")).json()
    (clock,) = [d for d in told["deadlines"] if d["clock"] == "acceptance"]
    assert clock["paused"]
    assert clock["light"] in {"green", "yellow"}
    assert clock["pauses"][0]["text"]["en"] == "waiting for you to supplement"
    assert any("行政许可法第三十二条" in line["zh"] for line in clock["explanation"])
    assert told["expected_on"] >= clock["legal_due"]
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_the_consequences_of_withdrawing_are_shown_before_and_proved_after(town: Town) -> None:
    citizen = town.citizen()
    no = await town.to_decision(citizen)
    before = (await citizen.get(f"/v1/cases/{no}/consequences")).json()
    assert before["possible"]
    said = {item["step"]: item["what"] for item in before["consequences"]}
    assert said == {"tax": "undone", "archive": "undone", "register": "not_begun", "licence": "not_begun"}
    assert (await citizen.post(f"/v1/cases/{no}/withdraw", json={})).status_code == 200
    await town.until(citizen, no, lambda case: case["closed_at"])
    after = (await citizen.get(f"/v1/cases/{no}/consequences")).json()
    assert not after["possible"]
    assert {proof["step"] for proof in after["proofs"]} == {"tax", "archive"}
    assert all(proof["reference"] and proof["at"] for proof in after["proofs"])


async def test_an_extension_is_asked_for_approved_by_another_and_explained(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no = await town.to_decision(citizen)
    body = {"clock": "registration", "reason": "案情复杂"}
    assert (await clerk.post(f"/v1/cases/{no}/extension", json=body)).status_code == 200
    is_problem(await town.market().post(f"/v1/cases/{no}/extension", json=body), 409, "extension_used")
    supervisor = town.market(role="supervisor")
    assert (await town.decide(supervisor, no, "extension", "approve")).status_code == 200
    told = (await citizen.get(f"/v1/cases/{no}/deadlines")).json()["deadlines"]
    (clock,) = [d for d in told if d["clock"] == "registration"]
    assert clock["extension"] == "granted"
    assert any("Extended by 3" in line["en"] for line in clock["explanation"])
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_a_correction_is_shown_before_and_after_and_is_what_goes_out(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no = await citizen.submit()
    await town.task(clerk, no, "accept")
    path = f"/v1/cases/{no}/corrections"
    is_problem(await clerk.post(path, json={"fields": {"origin_city": "340200"}, "reason": "x"}), 422)
    is_problem(await clerk.post(path, json={"fields": {"hobby": "x"}, "reason": "x"}), 422, "field_unknown")
    fields = {"new_address": "苏州市工业园区示例路88号"}
    assert (await clerk.post(path, json={"fields": fields, "reason": "电话更正"})).status_code == 200
    shown = (await citizen.get(path)).json()["corrections"][0]
    assert shown["fields"]["new_address"]["after"] == fields["new_address"]
    assert (await citizen.get(f"/v1/cases/{no}")).json()["form"]["new_address"] == fields["new_address"]
    objection = f"{path}/{shown['id']}/objection"
    assert (await citizen.post(objection, json={"reason": "不同意"})).status_code == 200
    is_problem(await town.decide(clerk, no, "objection", "objection_upheld", reason="x"), 409, "same_person")
    assert (await town.decide(town.market(), no, "objection", "objection_upheld", reason="x")).status_code == 200
    assert (await citizen.get(f"/v1/cases/{no}")).json()["form"]["new_address"] != fields["new_address"]
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_a_correction_changes_neither_who_may_have_it_nor_what_is_done(town: Town) -> None:
    citizen, plan = town.citizen(), library().service("YRD-HUKOU")
    form = dict(read_scenario(HERE / "scenarios" / "YRD-HUKOU" / "completed.yaml").form)
    documents = {m.id: [await citizen.upload()] for m in plan.materials if m.source.value == "upload"}
    body = {"service": plan.code, "form": form, "documents": documents}
    no = (await citizen.post("/v1/cases", json=body)).json()["no"]
    clerk = town.login("caseworker", str(form["destination_city"]), "public_security")
    await town.task(clerk, no, "accept")
    path = f"/v1/cases/{no}/corrections"
    other = {"fields": {"reason": "graduation"}, "reason": "电话更正"}
    is_problem(await clerk.post(path, json=other), 422, "course_not_correctable")
    mail = {"fields": {"delivery": "mail"}, "reason": "电话更正"}
    is_problem(await clerk.post(path, json=mail), 422, "not_eligible")
    name = {"fields": {"new_address": "上海市青浦区示例路3号"}, "reason": "电话更正"}
    assert (await clerk.post(path, json=name)).status_code == 200
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_a_case_that_moves_is_visible_where_it_moved_to(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no = await citizen.submit()
    await town.task(clerk, no, "accept")
    other = town.market(region="320100")
    assert (await other.get(f"/v1/cases/{no}")).status_code == 404
    body = {"region": "320100", "reason": "住所地属南京市"}
    assert (await clerk.post(f"/v1/cases/{no}/transfer", json=body)).status_code == 200
    assert (await town.decide(other, no, "transfer", "agree")).status_code == 200
    assert (await town.decide(other, no, "accept", "refuse", reason="x", legal_basis="y")).status_code == 200


async def test_a_dispute_about_the_place_is_the_coordinators_to_decide(town: Town) -> None:
    citizen, clerk, coordinator = town.citizen(), town.market(), town.login("coordinator")
    no = await citizen.submit()
    accept = await town.task(clerk, no, "accept")
    other = town.market(region="320100")
    body = {"region": "320100", "reason": "住所地属南京市"}
    assert (await clerk.post(f"/v1/cases/{no}/transfer", json=body)).status_code == 200
    assert (await town.decide(other, no, "transfer", "dispute", reason="住所地在苏州")).status_code == 200
    is_problem(await coordinator.get(f"/v1/tasks/{accept['id']}"), 404, "not_found")  # only disputes are his
    kinds = {task["kind"] for task in (await coordinator.get("/v1/tasks")).json()["tasks"]}
    assert kinds == {"arbitrate"}
    answer = await town.decide(coordinator, no, "arbitrate", "stay", reason="登记住所在苏州市")
    assert answer.status_code == 200, answer.text
    assert (await town.decide(clerk, no, "accept", "refuse", reason="x", legal_basis="y")).status_code == 200


async def test_another_bodys_opinion_is_asked_for_and_given(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no = await citizen.submit()
    await town.task(clerk, no, "accept")
    body = {"region": "330000", "department": "ecology", "question": "是否有环保限制？"}
    assert (await clerk.post(f"/v1/cases/{no}/opinions", json=body)).status_code == 200
    ecology = town.login("caseworker", "330000", "ecology")
    assert (await town.decide(ecology, no, "opinion", "no_opinion")).status_code == 200
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})
