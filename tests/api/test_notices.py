"""The papers the law wants: dated, numbered, and verifiable by anybody (行政许可法第三十二条)."""

from __future__ import annotations

from typing import Any

from tests.api.closed import REASON, refused
from tests.api.test_problems import is_problem
from tests.fixtures.houses import Caller
from tests.fixtures.running import Town


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


async def test_a_paper_names_who_issued_it_though_another_place_has_taken_over_since(town: Town) -> None:
    citizen, first, then = town.citizen(), town.market(), town.market(region="320100")
    no = await citizen.submit()
    await town.task(first, no, "accept")
    await first.post(f"/v1/cases/{no}/transfer", json={"region": "320100", "reason": "住所地"})
    assert (await town.decide(then, no, "transfer", "agree")).status_code == 200
    assert (await town.decide(then, no, "accept", "refuse", **REASON)).status_code == 200
    await town.until(citizen, no, lambda case: case["closed_at"])
    papers = await notices(citizen, no)
    assert [paper["place"]["region"] for paper in papers.values()] == ["320500", "320100"]
    assert papers["receipt"]["text"][0]["zh"].startswith("苏州市")
    assert "market_regulation" not in papers["non_acceptance"]["text"][0]["zh"]


async def test_a_paper_names_the_company_as_it_was_called_when_it_was_issued(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no = await citizen.submit()
    await town.task(clerk, no, "accept")
    mended = {"fields": {"company_name": "合肥更名有限公司"}, "reason": "电话更正"}
    assert (await clerk.post(f"/v1/cases/{no}/corrections", json=mended)).status_code == 200
    assert (await town.decide(clerk, no, "accept", "refuse", **REASON)).status_code == 200
    await town.until(citizen, no, lambda case: case["closed_at"])
    papers = await notices(citizen, no)
    assert "合肥示例新材料有限公司" in papers["receipt"]["text"][0]["zh"]
    assert "合肥更名有限公司" in papers["non_acceptance"]["text"][0]["zh"]


async def test_a_notice_that_was_taken_back_was_issued_and_is_not_valid(town: Town) -> None:
    citizen, clerk = town.citizen(), town.market()
    no = await citizen.submit()
    task = await town.task(clerk, no, "accept")
    items = [{"material": "resolution", "kind": "incomplete", "reason": "缺签字"}]
    await clerk.post(f"/v1/cases/{no}/supplements", json={"task": task["id"], "items": items})
    paper = (await notices(citizen, no))["supplement"]
    assert paper["title"]["en"] == "Notice to supplement (once, for everything)"
    path = f"/v1/verify/{paper['number']}"
    assert (await town.caller().get(path)).json()["valid"] is True
    supplement = (await citizen.get(f"/v1/cases/{no}/supplements")).json()["supplements"][0]["id"]
    await clerk.post(f"/v1/cases/{no}/supplements/{supplement}/cancel", json={"reason": "已共享取得"})
    verified = (await town.caller().get(path)).json()
    assert (verified["valid"], verified["state"]) == (False, "cancelled")
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})
