"""A virtual window on a running product: from the queue to a decided step, with its trail in the case."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from api.delivery import Delivery
from api.gateway import Down
from api.usecases import orders
from catalogue.library import HERE, Library
from catalogue.scenario import read_scenario
from tests.api.test_acting import acting
from tests.api.test_problems import is_problem
from tests.fixtures.houses import Caller
from tests.fixtures.running import Town
from tongban.relay import relay_once

CODE = "YRD-RE-MORT"
PLAN = Library().services[CODE]
SCENARIO = read_scenario(HERE / "scenarios" / CODE / "completed.yaml")
DIGEST = "c" * 64


class Meeting:
    """A mortgage that waits for its session, and everybody who takes part in it."""

    def __init__(self, town: Town) -> None:
        form = SCENARIO.form
        self.town = town
        self.owner, self.bank = town.citizen(), town.citizen()
        self.near = town.login("caseworker", str(form["hall_city"]), "natural_resources")
        self.far = town.login("caseworker", str(form["property_city"]), "natural_resources")
        self.no = self.window = ""

    async def begin(self) -> None:
        signer = "bank-of-" + (await self.owner.upload(name="x.pdf"))
        self.bank = self.town.citizen(signer)
        documents = {
            m.id: [await self.owner.upload(name=f"{m.id}.pdf")] for m in PLAN.materials if m.source.value == "upload"
        }
        body = {"service": CODE, "form": dict(SCENARIO.form), "documents": documents, "cosigners": [signer]}
        answer = await self.owner.post("/v1/cases", json=body)
        assert answer.status_code == 201, answer.text
        self.no = answer.json()["no"]
        await self.town.until(self.owner, self.no, lambda case: case["waiting_on"]["why"] == "signature")
        await self.bank.post(f"/v1/cases/{self.no}/cosign", json={"agree": True})
        await self.town.task(self.near, self.no, "window")
        asked = await self.owner.post("/v1/windows", json={"case_no": self.no}, headers={"Idempotency-Key": "ask"})
        assert asked.status_code == 201, asked.text
        self.window = asked.json()["id"]

    async def act(self, who: Caller, **body: Any) -> Any:
        return await who.post(f"/v1/windows/{self.window}/acts", json=body)

    async def ok(self, who: Caller, **body: Any) -> None:
        answer = await self.act(who, **body)
        assert answer.status_code == 200, answer.text

    async def shown(self, who: Caller) -> dict[str, Any]:
        answer = await who.get(f"/v1/windows/{self.window}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def to_service(self) -> None:
        await self.ok(self.far, act="pick_up", window_no="12")
        await self.ok(self.near, act="join", party="hall", window_no="3")
        await self.ok(self.owner, act="join", party="applicant")
        await self.ok(self.far, act="identity", method="face", passed=True, score=98)
        await self.ok(self.owner, act="consent", version=(await self.shown(self.owner))["consent"]["version"])
        await self.ok(self.far, act="begin")


async def test_a_session_decides_its_step_and_brings_its_documents_into_the_case(town: Town) -> None:
    meeting = Meeting(town)
    await meeting.begin()
    queued = await town.until_window(meeting.owner, meeting.window, "queued")
    assert (queued["position"], queued["waits_for"], queued["step"]) == (1, "handling", "window")
    assert [w["id"] for w in (await meeting.far.get("/v1/windows")).json()["windows"]] == [meeting.window]
    await meeting.to_service()
    photo = await meeting.near.upload(name="contract.pdf")
    await meeting.ok(meeting.near, act="capture", document=photo, material="loan_contract")
    unknown = await meeting.act(meeting.near, act="capture", document=photo, material="contract")
    is_problem(unknown, 422, "material_unknown")
    foreign = await meeting.act(
        meeting.near, act="capture", document=await meeting.owner.upload(), material="loan_contract"
    )
    is_problem(foreign, 422, "document_unknown")
    await meeting.ok(meeting.far, act="ask_sign", digest=DIGEST)
    await meeting.ok(meeting.owner, act="signed", digest="d" * 64)
    end = {"act": "close", "outcome": "completed", "recording": {"reference": "hall/7", "digest": DIGEST}}
    is_problem(await meeting.act(meeting.far, **end), 422, "checklist_incomplete")
    await meeting.ok(meeting.far, **end, checklist=["face", "recorded"])
    closed = await meeting.shown(meeting.owner)
    assert (closed["status"], closed["outcome"], closed["clerks"]) == (
        "closed",
        "completed",
        {"handling": "other", "hall": "other"},
    )
    assert closed["recording"]["digest"] == DIGEST
    is_problem(await meeting.act(meeting.far, act="begin"), 409, "window_closed")

    case = await town.until(meeting.owner, meeting.no, lambda c: "window" not in str(_open_steps(c)))
    assert [d["digest"] for d in case["documents"]["loan_contract"]][-1] == closed["captured"][0]["digest"]
    events = (await meeting.owner.get(f"/v1/cases/{meeting.no}/events?limit=1000")).json()["events"]
    types = [event["type"] for event in events]
    for kind in ("queued", "connecting", "identity_passed", "consented", "in_service", "captured", "signing", "closed"):
        assert f"window:{kind}" in types
    decided = next(event for event in events if event["type"] == "task:window:decided")
    assert decided["data"]["outcome"] == "completed"
    assert decided["actor"]["region"] == str(SCENARIO.form["hall_city"])
    assert (await meeting.near.get(f"/v1/cases/{meeting.no}/documents/{photo}")).status_code in {200, 404}
    assert (await meeting.owner.get(f"/v1/cases/{meeting.no}/documents/{photo}")).status_code == 200
    await meeting.owner.post(f"/v1/cases/{meeting.no}/withdraw", json={})


def _open_steps(case: dict[str, Any]) -> list[str]:
    return [step["id"] for leg in case["legs"] for step in leg["steps"] if step["status"] == "task"]


async def test_a_session_is_nobody_elses_and_one_at_a_time(town: Town) -> None:
    meeting = Meeting(town)
    await meeting.begin()
    again = await meeting.owner.post("/v1/windows", json={"case_no": meeting.no})
    is_problem(again, 409, "window_open")
    for stranger in (town.citizen(), town.market(), town.login("caseworker", "330100", "natural_resources")):
        is_problem(await stranger.get(f"/v1/windows/{meeting.window}"), 404, "not_found")
        is_problem(await meeting.act(stranger, act="pick_up"), 404, "not_found")
        is_problem(await stranger.post("/v1/windows", json={"case_no": meeting.no}), 404, "not_found")
    await town.until_window(meeting.owner, meeting.window, "queued")
    is_problem(await meeting.act(meeting.near, act="pick_up"), 409, "window_not_yours")
    is_problem(await meeting.act(meeting.owner, act="call_back"), 409, "window_state")
    is_problem(await meeting.act(meeting.owner, act="dance"), 422, "field_invalid")
    is_problem(await meeting.act(meeting.owner, act="close", outcome="completed"), 409, "window_not_yours")
    await meeting.ok(meeting.owner, act="close", outcome="abandoned")
    third = await meeting.owner.post("/v1/windows", json={"case_no": meeting.no})
    assert third.status_code == 201
    meeting.window = third.json()["id"]
    await town.until_window(meeting.owner, meeting.window, "queued")
    await meeting.ok(meeting.owner, act="close", outcome="abandoned")
    await meeting.owner.post(f"/v1/cases/{meeting.no}/withdraw", json={})


async def test_a_case_without_a_window_step_meets_at_a_hall_that_is_named(town: Town) -> None:
    citizen = town.citizen()
    no = await citizen.submit()
    await town.task(town.market(), no, "accept")
    is_problem(await citizen.post("/v1/windows", json={"case_no": no}), 422, "no_window_step")
    bad = {"case_no": no, "hall": {"region": "319999", "department": "service_hall"}}
    is_problem(await citizen.post("/v1/windows", json=bad), 422, "region_unknown")
    good = {"case_no": no, "hall": {"region": "340100", "department": "service_hall"}}
    near = town.login("caseworker", "340100", "service_hall")
    answer = await citizen.post("/v1/windows", json=good)
    assert answer.status_code == 201, answer.text
    window = answer.json()
    assert (window["hall"]["region"], window["handling"]["region"], window["step"]) == ("340100", "320500", "")
    await town.until_window(citizen, window["id"], "queued")
    assert [w["id"] for w in (await near.get("/v1/windows")).json()["windows"]] == [window["id"]]
    left = await near.post(f"/v1/windows/{window['id']}/acts", json={"act": "close", "outcome": "referred"})
    assert left.status_code == 200, left.text
    await citizen.post(f"/v1/cases/{no}/withdraw", json={})


async def test_nobody_decides_his_own_case_through_a_session(town: Town) -> None:
    meeting = Meeting(town)
    meeting.owner = town.citizen("both-sides")
    await meeting.begin()
    await town.until_window(meeting.owner, meeting.window, "queued")
    await meeting.ok(meeting.far, act="pick_up")
    for place in ("hall_city", "property_city"):
        clerk = town.login("caseworker", str(SCENARIO.form[place]), "natural_resources", subject="both-sides")
        is_problem(await meeting.act(clerk, act="join", party="hall"), 409, "own_case")
        is_problem(await meeting.act(clerk, act="identity", method="official", passed=True), 409, "own_case")
    is_problem(await meeting.act(meeting.far, act="hand_over", to="both-sides"), 409, "own_case")
    await meeting.ok(meeting.owner, act="close", outcome="abandoned")
    await meeting.owner.post(f"/v1/cases/{meeting.no}/withdraw", json={})


class HallMeeting(Meeting):
    """A session of a case that has no step at a window: at a hall that takes no other part in it."""

    def __init__(self, town: Town) -> None:
        super().__init__(town)
        self.near, self.far = town.login("caseworker", "340100", "service_hall"), town.market()

    async def begin(self) -> None:
        self.owner = self.town.login("agent")
        self.no = (await self.owner.post("/v1/cases", json=await acting(self.owner))).json()["no"]
        await self.town.task(self.far, self.no, "accept")
        hall = {"region": "340100", "department": "service_hall"}
        self.window = (await self.owner.post("/v1/windows", json={"case_no": self.no, "hall": hall})).json()["id"]
        await self.town.until_window(self.owner, self.window, "queued")
        await self.to_service()

    async def names(self) -> list[str]:
        case = await self.town.case(self.owner, self.no)
        return [document["name"] for document in case["documents"]["resolution"]]


async def test_either_clerk_of_a_session_brings_documents_into_the_case(town: Town) -> None:
    meeting = HallMeeting(town)
    await meeting.begin()
    for clerk, name in ((meeting.near, "near.pdf"), (meeting.far, "far.pdf")):
        document = await clerk.upload(name=name)
        await meeting.ok(clerk, act="capture", document=document, material="resolution")
        assert (await meeting.owner.get(f"/v1/cases/{meeting.no}/documents/{document}")).status_code == 200
    assert await meeting.names() == ["resolution.pdf", "near.pdf", "far.pdf"]
    assert [window["id"] for window in (await meeting.owner.get("/v1/windows")).json()["windows"]] == [meeting.window]
    assert (await town.citizen().get("/v1/windows")).json()["windows"] == []
    await meeting.ok(meeting.far, act="close", outcome="referred")
    await meeting.owner.post(f"/v1/cases/{meeting.no}/withdraw", json={})


async def test_what_a_session_has_taken_in_reaches_the_case_though_the_api_dies(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = HallMeeting(town)
    await meeting.begin()
    document = await meeting.near.upload(name="kept.pdf")

    async def dies(*_: object) -> None:
        raise Down

    with monkeypatch.context() as patch:
        patch.setattr(orders, "send", dies)
        lost = await meeting.act(meeting.near, act="capture", document=document, material="resolution")
    is_problem(lost, 503, "temporarily_down")
    assert [item["document"] for item in (await meeting.shown(meeting.owner))["captured"]] == [document]
    assert await meeting.names() == ["resolution.pdf"]
    async with town.database.begin() as session:
        await session.execute(text("UPDATE outbox SET due_at = now() WHERE kind = 'order'"))
    house = town.house
    await relay_once(house, Delivery(house.database, house.gateway, house.calendars, local_first=True))
    assert await meeting.names() == ["resolution.pdf", "kept.pdf"]
    await meeting.ok(meeting.far, act="close", outcome="referred")
    await meeting.owner.post(f"/v1/cases/{meeting.no}/withdraw", json={})


async def test_a_window_step_is_not_moved_to_another_hall(town: Town) -> None:
    meeting = Meeting(town)
    await meeting.begin()
    await meeting.ok(meeting.owner, act="close", outcome="abandoned")
    elsewhere = {"case_no": meeting.no, "hall": {"region": "330100", "department": "service_hall"}}
    is_problem(await meeting.owner.post("/v1/windows", json=elsewhere), 422, "window_elsewhere")
    await meeting.owner.post(f"/v1/cases/{meeting.no}/withdraw", json={})
