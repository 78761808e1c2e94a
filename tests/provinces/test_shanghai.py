"""310000: tokens, signatures, statuses, events."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.provinces.callers import Shanghai, new_key
from tests.provinces.places import COMPANY, Desk, Mailbox, Program

HEALTH = "/api/v1/health"


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk("310000", tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
def caller(desk: Desk) -> Shanghai:
    assert isinstance(desk.caller, Shanghai)
    return desk.caller


async def test_a_token_is_given_to_who_knows_the_secret(caller: Shanghai) -> None:
    given = await caller.fetch_token()
    assert given.json() | {"access_token": ""} == {"access_token": "", "token_type": "Bearer", "expires_in": 300}
    wrong = await caller.client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("x", "y"))
    assert (wrong.status_code, wrong.json()) == (401, {"error": "invalid_client"})
    unasked = await caller.client.post("/oauth/token", data={"grant_type": "client_credentials"})
    assert unasked.status_code == 401
    caller.keys["caller"]
    me = caller.keys["caller"]
    other = await caller.client.post("/oauth/token", data={}, auth=(me["client_id"], me["client_secret"]))
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")


async def test_a_token_expires_by_the_clock_of_the_province(desk: Desk, caller: Shanghai) -> None:
    assert (await caller.health()).json() == {"status": "up", "region": "310000"}
    await desk.client.post("/sim/clock", json={"offset_s": 299})
    assert (await caller.health()).status_code == 200
    await desk.client.post("/sim/clock", json={"offset_s": 301})
    late = await caller.ask("GET", HEALTH, created=int(time.time()) + 301)
    assert (late.status_code, late.json()["type"]) == (401, "urn:sh:token-expired")
    assert late.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_signature_is_needed_right_fresh_and_new(caller: Shanghai) -> None:
    async def refused(**changes: object) -> str:
        answer = await caller.ask("POST", "/api/v1/departments/tax/services/tax_clearance/applications", b"{}",
                                  new_key(), **changes)  # fmt: skip
        return str(answer.json()["type"]).removeprefix("urn:sh:")

    now = int(time.time())
    assert await refused(without="@query") == "signature-missing"
    assert await refused(without="content-digest") == "signature-missing"
    assert await refused(without="idempotency-key") == "signature-missing"
    assert await refused(nonce="short") == "signature-missing"
    assert await refused(digest_of=b"{ }") == "signature-wrong"
    assert await refused(created=now - 310) == "signature-stale"
    assert await refused(created=now + 310) == "signature-stale"
    request = caller.signed("GET", HEALTH, b"")
    assert (await caller.client.send(request)).status_code == 200
    again = caller.client.build_request("GET", HEALTH, headers=request.headers)
    assert (await caller.client.send(again)).json()["type"] == "urn:sh:signature-replayed"
    other = caller.signed("GET", "/api/v1/applications/x", b"")
    moved = caller.client.build_request("GET", HEALTH, headers=other.headers)
    assert (await caller.client.send(moved)).json()["type"] == "urn:sh:signature-wrong"
    bare = await caller.client.get(HEALTH, headers={"authorization": f"Bearer {caller.token}"})
    assert bare.json()["type"] == "urn:sh:signature-missing"


async def test_the_query_is_part_of_what_is_signed(caller: Shanghai) -> None:
    assert (await caller.ask("GET", HEALTH + "?a=1&b=%20")).status_code == 200
    request = caller.signed("GET", HEALTH + "?a=1", b"")
    other = caller.client.build_request("GET", HEALTH + "?a=2", headers=request.headers)
    assert (await caller.client.send(other)).json()["type"] == "urn:sh:signature-wrong"


async def test_new_is_201_stored_is_200_refused_is_422_and_unknown_404(caller: Shanghai) -> None:
    first = await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    again = await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY}, key=first.sent_as)
    assert (first.raw.status_code, again.raw.status_code) == (201, 200)
    assert first.raw.json() == again.raw.json()
    refused = await caller.send("apply", "tax", "tax_clearance", {"uscc": "91320500XXXX009164"})
    assert refused.raw.headers["content-type"] == "application/problem+json"
    assert set(refused.raw.json()) == {"type", "status", "id", "number", "reasons", "text"}
    unknown = await caller.ask("GET", f"/api/v1/applications/{new_key()}")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:sh:no-such-application")
    nowhere = await caller.ask("GET", "/api/v1/nowhere")
    assert (nowhere.status_code, nowhere.json()["type"]) == (404, "urn:sh:no-such-service")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"case": {}, "case": {}}',
        b'{"case": []}',
        b'{"fields": {"amount_fen": "1"}}',
        b'{"fields": {"amount_fen": 1.0}}',
        b'{"fields": {"amount_fen": true}}',
        b'{"fields": {"name": 1}}',
        b'{"fields": {"Name": "x"}}',
        b'{"fields": {"a": NaN}}',
        b'{"fields": {"a": "\\ud800"}}',
        b'{"case": {"number": "\\udfff"}}',
    ],
)
async def test_what_is_no_order_is_malformed(desk: Desk, caller: Shanghai, body: bytes) -> None:
    path = "/api/v1/departments/tax/services/tax_clearance/applications"
    answer = await caller.ask("POST", path, body, new_key())
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:sh:malformed")
    assert (await caller.ask("POST", path, b"{}")).json()["type"] == "urn:sh:malformed"  # no key
    assert (await caller.ask("POST", path, b"{}", "short")).json()["type"] == "urn:sh:malformed"
    assert await desk.ledger() == []


async def test_ends_and_wants_are_told_as_signed_cloud_events(tmp_path: Path, box: Mailbox) -> None:
    place = Program("310000", tmp_path, "--callback-url", box.url, "--pending-seconds", "0.1")
    caller = place.caller
    assert isinstance(caller, Shanghai)
    waiting = await caller.send("apply", "tax", "tax_clearance", {"uscc": "91340100XXXX0081X9"})
    (wants,) = await box.total(1)
    await caller.send("supplement", "tax", "tax_clearance", {"more": "甲"}, original=waiting)
    letters = await box.total(2)
    for letter, kind, state in zip(letters, ("wants", "ended"), ("in_progress", "done"), strict=True):
        event = json.loads(letter.body)
        assert set(event) == {
            "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
        }  # fmt: skip
        assert (event["specversion"], event["source"]) == ("1.0", "/310000")
        assert (event["type"], event["subject"]) == (f"cn.sh.application.{kind}", waiting.sent_as)
        assert (event["data"]["id"], event["data"]["state"]) == (waiting.sent_as, state)
        assert letter.headers["content-type"] == "application/cloudevents+json"
        assert caller.believes(letter.path, letter.headers, letter.body)
        assert not caller.believes(letter.path, letter.headers, letter.body + b" ")
    refused = await caller.send("apply", "market_regulation", "archive_handover", {"uscc": "91320500XXXX00940L"})
    told = json.loads((await box.total(3))[2].body)
    assert told["data"]["state"] == "refused"
    assert set(told["data"]) == {"id", "number", "state", "reasons", "text"}
    assert told["subject"] == refused.sent_as
    assert wants is letters[0]
    assert await place.stop() == 0
