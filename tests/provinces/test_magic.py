"""Numbers that choose an outcome, at every face; the table in provinces/README.md is read here too."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import httpx
import pytest

from provinces.identifiers import is_resident_id, is_uscc
from provinces.operations import OPERATIONS
from tests.provinces.callers import Anhui, Caller, Jiangsu, Reply
from tests.provinces.places import Desk, Mailbox, Program

TABLE = re.findall(
    r"^\| `(\d\d)` \| `(\w{18})` \| `(\w{18})` \|",
    (Path(__file__).parents[2] / "provinces" / "README.md").read_text("utf-8"),
    re.M,
)
EXAMPLE = {mark: company for mark, company, _ in TABLE}
PERSON = {mark: person for mark, _, person in TABLE}
BUSY = {"310000": "urn:sh:maintenance", "320000": "9001", "330000": "50301", "340000": "maintenance"}


def test_the_examples_of_the_readme_are_valid_and_carry_their_mark() -> None:
    assert list(EXAMPLE) == [str(mark) for mark in range(80, 89)]
    for mark, company, person in TABLE:
        assert is_uscc(company)
        assert is_resident_id(person)
        assert company[14:16] == person[14:16] == mark


def company(desk: Desk, mark: str) -> dict[str, object]:
    return {"uscc": EXAMPLE[mark]}


async def test_80_is_an_ordinary_outcome(desk: Desk) -> None:
    assert (await desk.outcome("apply", "tax", "tax_clearance", company(desk, "80"))).state == "done"


@pytest.mark.parametrize("number", [EXAMPLE["81"], PERSON["81"]])
async def test_81_wants_something_whatever_the_effect(desk: Desk, number: str) -> None:
    for department, service in (("tax", "invoice_lock"), ("market_regulation", "archive_handover")):
        assert (await desk.caller.send("apply", department, service, {"any": number})).wants


async def test_83_is_down_and_nothing_is_done(desk: Desk) -> None:
    down = await desk.caller.send("apply", "tax", "tax_clearance", company(desk, "83"))
    assert down.problem == BUSY[desk.caller.region]
    assert await desk.caller.find(down) is None
    assert await desk.ledger() == []


async def test_84_answers_garbage_but_it_is_done_and_found(desk: Desk) -> None:
    odd = await desk.caller.send("apply", "tax", "tax_clearance", company(desk, "84"))
    assert (odd.raw.status_code, odd.raw.headers["content-type"]) == (200, "text/html; charset=utf-8")
    desk.finish()
    found = await desk.caller.find(odd)
    assert found is not None
    assert found.state == "done"
    assert await desk.net() == 1


@pytest.mark.parametrize("holder", [EXAMPLE["88"], PERSON["88"]])
async def test_88_shows_the_evidence_of_another_person(tmp_path: Path, holder: str) -> None:
    desk = Desk("320000", tmp_path)
    for action in ("preview", "release"):
        shown = await desk.outcome(action, "big_data", "legal_representative_licence", {"holder_id": holder})
        assert shown.state == "done"
        assert shown.result["holder_id"] != holder
    await desk.aclose()


async def test_every_department_that_issues_or_keeps_something_is_there() -> None:
    wanted = (
        "market_regulation tax public_security human_resources social_security housing_fund civil_affairs health"
        " transport traffic_police ecology science natural_resources finance medical_insurance big_data"
        " development_reform notary"
    )
    assert {each.department for each in OPERATIONS} == set(wanted.split())


@pytest.fixture(params=["310000", "320000", "330000", "340000"])
def region(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_85_is_done_and_then_silent_but_only_the_first_time(tmp_path: Path, region: str) -> None:
    place = Program(region, tmp_path, "--slow-seconds", "0", "--pending-seconds", "0")
    impatient = type(place.caller)(httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=0.7))
    key = "cd" * 32
    with pytest.raises(httpx.ReadTimeout):
        await impatient.send("apply", "tax", "tax_clearance", {"uscc": EXAMPLE["85"]}, key=key)
    await impatient.client.aclose()
    sent = Reply(httpx.Response(200), sent_as=f"CASE-1-{key[:16]}" if region == "340000" else key)
    found = await place.caller.find(sent)
    assert found is not None
    again = await place.caller.send("apply", "tax", "tax_clearance", {"uscc": EXAMPLE["85"]}, key=key)
    assert again.state in ("done", "in_progress")
    await asyncio.sleep(0.1)
    # without keys the second one is a second effect: that is what makes 340000 worth fearing
    assert await place.net() == (2 if isinstance(place.caller, Anhui) else 1)
    assert await place.stop() == 0


async def test_82_answers_late_but_it_is_done_before(tmp_path: Path, region: str) -> None:
    place = Program(region, tmp_path, "--slow-seconds", "0", "--pending-seconds", "0")
    impatient: Caller = type(place.caller)(httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=0.7))
    with pytest.raises(httpx.ReadTimeout):
        await impatient.send("apply", "tax", "tax_clearance", {"uscc": EXAMPLE["82"]})
    await impatient.client.aclose()
    await asyncio.sleep(0.2 if isinstance(place.caller, Jiangsu) else 0)
    assert await place.net() == 1
    await place.kill()


@pytest.mark.parametrize("region", ["310000", "330000"])
@pytest.mark.parametrize("mark", ["86", "87"])
async def test_86_is_told_twice_and_87_contradicted(tmp_path: Path, box: Mailbox, region: str, mark: str) -> None:
    place = Program(region, tmp_path, "--callback-url", box.url, "--pending-seconds", "0")
    taken = await place.caller.send("apply", "tax", "tax_clearance", {"uscc": EXAMPLE[mark]})
    assert taken.state == "in_progress"
    events_before_the_end = 1 if region == "330000" else 0
    letters = await box.total((1 + events_before_the_end) * 2 if mark == "86" else 2 + events_before_the_end)
    told = [letter.content["data"] for letter in letters]
    ids = [letter.content["data"]["eventId"] if region == "330000" else letter.content["id"] for letter in letters]
    ends = [json.dumps(each) for each in told if each.get("seq", 2) == 2]
    if mark == "86":
        assert len(set(map(str, ids))) == len(ids) / 2
    else:
        assert len(set(map(str, ids))) == len(ids)
        assert [("contradiction" in each) for each in ends] == [False, True]
    assert await place.net() == 1
    assert await place.stop() == 0
