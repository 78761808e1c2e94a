"""What can be read: the chained trail, the stream, results, certificates, and how the service itself is doing."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url
from stdnum.iso7064 import mod_37_36

from domain.audit import GENESIS, event_hash
from domain.identifiers import parse_licence_id
from domain.messages import Actor, Role
from domain.record import Event
from models.database import Database
from models.events import events_of
from tests.api.test_problems import is_problem
from tests.fixtures.houses import Caller, Logins, Office, open_office
from tests.fixtures.running import Town
from tests.fixtures.samples import FORM

_PARTS = ("11100000XXXX000786001", "11320000XXXX000000", "2026000000000001", "001")
LICENCE = ".".join(("1.2.156.3005.2", *_PARTS, str(mod_37_36.calc_check_digit("".join(_PARTS)))))


async def trail(caller: Caller, no: str, **query: int) -> list[dict[str, object]]:
    answer = await caller.get(f"/v1/cases/{no}/events", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["events"])


async def test_the_chain_of_a_finished_case_can_be_checked_by_whoever_knows_who_acted(town: Town) -> None:
    citizen = town.citizen()
    no = await town.complete(citizen)
    shown = await trail(citizen, no, limit=1000)
    async with town.house.database.begin() as session:
        kept = await events_of(session, no)
    head = GENESIS
    for row, event in zip(kept, shown, strict=True):
        actor = Actor(subject=row.actor_subject, **event["actor"])  # type: ignore[arg-type]
        told = Event.model_validate({**event, "actor": actor})
        head = event_hash(head, no, int(str(event["seq"])), told)
        assert head == event["hash"] == row.hash
    assert [event["seq"] for event in shown] == list(range(1, len(shown) + 1))
    assert actor_roles(shown) >= {Role.CITIZEN, Role.CASEWORKER, Role.SYSTEM}
    text = json.dumps(shown, ensure_ascii=False)
    assert not [value for value in FORM.values() if str(value) in text and len(str(value)) > 6]


def actor_roles(events: list[dict[str, object]]) -> set[object]:
    return {event["actor"]["role"] for event in events}  # type: ignore[index]


async def test_events_come_in_pages_without_gaps(town: Town) -> None:
    citizen = town.citizen()
    no = await town.complete(citizen)
    whole = await trail(citizen, no, limit=1000)
    seen: list[dict[str, object]] = []
    after: int | None = 0
    while after is not None:
        page = (await citizen.get(f"/v1/cases/{no}/events", params={"after": after, "limit": 7})).json()
        seen += page["events"]
        after = page["next"]
    assert seen == whole


async def stream(caller: Caller, no: str, last: str = "") -> list[tuple[str, str]]:
    """(id, event) as they come, to the end."""
    headers = [(b"last-event-id", last.encode("latin-1"))] if last else []
    found: list[tuple[str, str]] = []
    async with asyncio.timeout(20), caller.stream("GET", f"/v1/cases/{no}/stream", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        number = ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                number = value
            elif name == "event":
                found.append((number, value))
    return found


async def test_the_stream_tells_everything_as_it_happens_and_ends_with_the_case(town: Town) -> None:
    citizen = town.citizen()
    no = await citizen.submit()
    watching = asyncio.create_task(stream(citizen, no))
    await town.offered(citizen, no)
    assert not watching.done()
    assert (await citizen.post(f"/v1/cases/{no}/withdraw", json={})).status_code == 200
    told = await watching
    assert told[-1][1] == "end"
    assert [(int(number), kind) for number, kind in told[:-1]] == [
        (event["seq"], event["type"]) for event in await trail(citizen, no, limit=1000)
    ]


async def test_the_stream_goes_on_after_the_last_event_that_was_seen(town: Town) -> None:
    citizen = town.citizen()
    no = await town.complete(citizen)
    whole = await stream(citizen, no)
    assert await stream(citizen, no, "5") == whole[5:]
    assert [kind for _, kind in await stream(citizen, no, str(len(whole) - 1))] == ["end"]
    for odd in ("x", "-1", "²", "9" * 30, "1.5"):
        assert await stream(citizen, no, odd) == whole


async def test_a_certificate_is_verified_by_anybody_and_shows_only_what_it_certifies(town: Town) -> None:
    citizen = town.citizen()
    no = await town.complete(citizen)
    results = (await citizen.get(f"/v1/cases/{no}/results")).json()
    assert (results["status"], results["decision"]["outcome"]) == ("completed", "grant")
    (result,) = results["results"]
    assert result["verify"] == f"{town.house.public_url}/v1/verify/{result['licence']}"
    nobody = town.caller()
    shown = (await nobody.get(f"/v1/verify/{result['licence']}")).json()
    assert (shown["valid"], shown["state"], shown["issuer"]["region"]) == (True, "valid", "320500")
    assert {item["value"] for item in shown["shows"]} == {FORM["company_name"], FORM["uscc"], FORM["new_address"]}
    assert str(FORM["legal_representative_id"]) not in str(shown)
    wrong = result["licence"][:-1] + ("0" if result["licence"][-1] != "0" else "1")
    for number in (wrong, LICENCE, "x", "1.2.156.3005.2", "%00", "1." * 150, result["licence"].lower() + " "):
        is_problem(await nobody.get(f"/v1/verify/{number}"), 404, "not_found")


async def test_a_case_without_end_has_no_results_yet(town: Town) -> None:
    citizen = town.citizen()
    no = await citizen.submit()
    results = (await citizen.get(f"/v1/cases/{no}/results")).json()
    assert (results["decision"], results["results"]) == (None, [])


async def test_ready_names_the_part_that_is_down(office: Office, town: Town) -> None:
    assert (await town.caller().get("/readyz")).json() == {
        "status": "ok",
        "parts": {"database": "ok", "temporal": "ok", "workers": "ok"},
    }
    answer = await office.caller().get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "degraded", "parts": {"database": "ok", "temporal": "down", "workers": "unknown"}},
    )


async def test_without_a_database_it_is_alive_but_not_ready_and_says_so(
    logins: Logins, unreachable: object, closed_port: int, tmp_path: Path
) -> None:
    database = Database(make_url(f"postgresql+asyncpg://nobody@127.0.0.1:{closed_port}/none"), 2)
    async with open_office(database, logins.secrets, unreachable, tmp_path, {}) as office:  # type: ignore[arg-type]
        nobody, citizen = office.caller(), office.citizen()
        assert (await nobody.get("/healthz")).json() == {"status": "ok"}
        ready = await nobody.get("/readyz")
        assert (ready.status_code, ready.json()["parts"]["database"]) == (503, "down")
        assert parse_licence_id(LICENCE)
        for answer in (
            await citizen.get("/v1/cases"),
            await citizen.get("/v1/cases/32050020261123PENTMOV002N9CH"),
            await nobody.get(f"/v1/verify/{LICENCE}"),
        ):
            is_problem(answer, 503, "temporarily_down")
            assert answer.headers["retry-after"]
        assert (await nobody.get("/v1/services")).status_code == 200
        assert "tongban_outbox" in (await nobody.get("/metrics")).text
    await database.aclose()


async def test_metrics_name_routes_and_no_person_number_or_path(town: Town) -> None:
    citizen = town.citizen("canary-subject")
    no = await citizen.submit(company_name="金丝雀示例有限公司")
    await citizen.get(f"/v1/cases/{no}")
    await citizen.get("/v1/canary-path?text=canary-query")
    await citizen.request("CANARY", "/v1/cases")
    answer = await town.caller().get("/metrics")
    assert answer.status_code == 200
    assert no not in answer.text
    assert "canary" not in answer.text.lower()
    assert "金丝雀" not in answer.text
    assert re.search(r'route="/v1/cases/\{no\}"', answer.text)


async def test_services_can_be_read_without_login(office: Office) -> None:
    nobody = office.caller()
    listed = (await nobody.get("/v1/services")).json()["services"]
    assert "YRD-ENT-MOVE" in [service["code"] for service in listed]
    service: httpx.Response = await nobody.get("/v1/services/YRD-ENT-MOVE")
    content = service.json()
    assert {leg["id"] for leg in content["legs"]} >= {"destination", "origin_tax", "origin_market"}
    assert content["cannot_be_undone"][0]["zh"]
    assert {clock["id"] for clock in content["clocks"]} == {"acceptance", "registration", "archive", "certificate"}
    assert all(
        step["undone_by"] for leg in content["legs"] for step in leg["steps"] if step["id"] in {"tax", "archive"}
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/v1/services", "/openapi.json", "/docs"])
async def test_what_needs_no_login_carries_the_safe_headers_too(office: Office, path: str) -> None:
    answer = await office.caller().get(path)
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
