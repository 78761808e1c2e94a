"""A virtual window on a running product: from the queue to a decided step, with its trail in the case."""

from __future__ import annotations

from typing import Any

from catalogue.library import HERE, Library
from catalogue.scenario import read_scenario
from tests.api.test_problems import is_problem
from tests.fixtures.houses import Caller
from tests.fixtures.running import Town

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
    await meeting.ok(meeting.near, act="capture", document=photo, material="contract")
    foreign = await meeting.act(meeting.near, act="capture", document=await meeting.owner.upload(), material="contract")
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
    assert [d["digest"] for d in case["documents"]["contract"]][-1] == closed["captured"][0]["digest"]
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
