"""330000: envelopes, signed lines, pages, callbacks in any order."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.provinces.callers import Zhejiang, new_key
from tests.provinces.places import COMPANY, Desk, Mailbox, Program


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk("330000", tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
def caller(desk: Desk) -> Zhejiang:
    assert isinstance(desk.caller, Zhejiang)
    return desk.caller


async def test_a_signature_is_right_fresh_and_new(caller: Zhejiang) -> None:
    async def code(**changes: str) -> str:
        answer = await caller.ask("GET", "/api/health", **changes)
        assert answer.status_code == 200
        return str(answer.json()["code"])

    now = int(time.time() * 1000)
    assert await code() == "200"
    assert await code(sign="x") == "40101"
    assert await code(nonce="short") == "40101"
    assert await code(at=str(now - 310_000)) == "40102"
    assert await code(at=str(now + 310_000)) == "40102"
    assert await code(nonce="n" * 20) == "200"
    assert await code(nonce="n" * 20) == "40103"
    assert (await caller.ask("GET", "/api/nowhere")).json()["code"] == "40402"
    assert (await caller.ask("POST", "/api/tax/tax_clearance/explode", b"{}")).json()["code"] == "40402"


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{", b"\xff", b"[" * 100_000, b'{"outBizNo": 7}', b'{"outBizNo": "short"}', b'{"formData": {"a": 1}}',
     b'{"formData": {"amount_fen": "1.00"}}', b'{"formData": {"amount_fen": 1}}', b'{"caseNo": "a", "caseNo": "b"}'],
)  # fmt: skip
async def test_what_is_no_order_is_malformed(desk: Desk, caller: Zhejiang, body: bytes) -> None:
    assert (await caller.ask("POST", "/api/tax/tax_clearance/apply", body)).json()["code"] == "40001"
    assert await desk.ledger() == []


async def test_the_matters_of_a_case_come_in_pages_in_the_order_received(caller: Zhejiang) -> None:
    keys = [new_key() for _ in range(7)]
    for key in keys:
        await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY}, key=key, case="CASE-7")
    await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY}, case="CASE-8")
    first, second, third = [await caller.page("CASE-7", number) for number in (1, 2, 3)]
    assert (first["total"], first["pageNo"], first["pageSize"]) == (7, 1, 5)
    listed = [matter["outBizNo"] for page in (first, second) for matter in page["list"]]  # type: ignore[attr-defined]
    assert listed == keys
    assert third["list"] == []


@pytest.mark.parametrize(
    "query", ["", "?caseNo=", "?caseNo=a&pageSize=6", "?caseNo=a&pageSize=0", "?caseNo=a&pageNo=0", "?caseNo=a&x=1"]
)
async def test_a_page_that_cannot_be_asked_for(caller: Zhejiang, query: str) -> None:
    assert (await caller.ask("GET", f"/api/requests{query}")).json()["code"] == "40001"


@pytest.mark.parametrize(("said", "told"), [("17", 17), ("soon", "soon"), ("", None)])
async def test_being_busy_says_when_to_come_again_or_not(desk: Desk, caller: Zhejiang, said: str, told: object) -> None:
    await desk.fault("maintenance", retry_after=said)
    busy = (await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})).raw
    assert (busy.json()["code"], busy.json()["data"]) == ("50301", {"retryAfter": told})


async def test_what_is_in_progress_is_told_twice_and_signed(tmp_path: Path, box: Mailbox) -> None:
    place = Program("330000", tmp_path, "--callback-url", box.url, "--pending-seconds", "0.2")
    caller = place.caller
    assert isinstance(caller, Zhejiang)
    taken = await caller.send("apply", "market_regulation", "archive_handover", {"uscc": COMPANY})
    for letter, seq, status in zip(await box.total(2), (1, 2), ("DOING", "DONE"), strict=True):
        assert caller.believes(letter.path, letter.headers, letter.body)
        content = json.loads(letter.body)
        assert set(content) == {"code", "msg", "data", "traceId"}
        assert (content["data"]["seq"], content["data"]["matter"]["status"]) == (seq, status)
        assert content["data"]["matter"]["outBizNo"] == taken.sent_as
    await place.fault("callback_reordered")
    await caller.send("apply", "market_regulation", "archive_handover", {"uscc": COMPANY})
    assert [letter.content["data"]["seq"] for letter in (await box.total(4))[2:]] == [2, 1]
    await place.fault("callback_contradictory", seconds=0.1)
    await caller.send("apply", "market_regulation", "archive_handover", {"uscc": COMPANY})
    ends = [letter.content["data"] for letter in (await box.total(7))[4:]]
    assert [(end["seq"], end["matter"]["status"]) for end in ends] == [(1, "DOING"), (2, "DONE"), (2, "REFUSED")]  # type: ignore[index]
    await place.fault("callback_forged")
    await caller.send("apply", "market_regulation", "archive_handover", {"uscc": COMPANY})
    letters = (await box.total(10))[7:]
    believed = [caller.believes(letter.path, letter.headers, letter.body) for letter in letters]
    assert sorted(believed) == [False, True, True]
    assert await place.stop() == 0
