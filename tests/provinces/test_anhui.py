"""340000: no keys, exact yuan, the counter, and the nightly file."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.provinces.callers import CHINA, Anhui, new_key
from tests.provinces.places import COMPANY, Desk

TITLE = "/counter/natural_resources/mortgage_register"


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk("340000", tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
def caller(desk: Desk) -> Anhui:
    assert isinstance(desk.caller, Anhui)
    return desk.caller


async def test_what_comes_twice_is_done_twice_and_both_are_found(desk: Desk, caller: Anhui) -> None:
    key = new_key()
    first, second = [await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY}, key=key) for _ in "ab"]
    assert first.number != second.number
    assert [row.number for row in await caller.rows(f"wsbh={first.sent_as}")] == [first.number, second.number]
    assert [row.number for row in await caller.rows(f"ywlsh={second.number}")] == [second.number]
    rows = await desk.ledger()
    assert [(row["request_no"], row["delta"]) for row in rows] == [(first.sent_as, 1)] * 2


async def test_cancelling_what_is_cancelled_gives_the_same_answer_again(desk: Desk, caller: Anhui) -> None:
    done = await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    key = new_key()
    answers = [await caller.send("reverse", "tax", "tax_clearance_release", key=key, original=done) for _ in range(2)]
    assert answers[0].raw.content == answers[1].raw.content
    assert [row["delta"] for row in await desk.ledger()] == [1, -1]
    done.number = "34-nobody"
    unknown = await caller.send("reverse", "tax", "tax_clearance_release", original=done)
    assert (unknown.raw.status_code, unknown.problem) == (404, "no_such_matter")


async def test_a_signature_is_there_right_fresh_and_new(caller: Anhui) -> None:
    async def code(**changes: str) -> str:
        answer = await caller.ask("GET", "/rest/health", **changes)
        return str(answer.json().get("error", answer.status_code))

    now = int(time.time())
    assert await code() == "200"
    assert await code(sign="") == "auth_missing"
    assert await code(sign="0" * 64) == "auth_wrong"
    assert await code(date=str(now - 310)) == "auth_stale"
    assert await code(serial="s" * 20) == "200"
    assert await code(serial="s" * 20) == "auth_replayed"
    assert (await caller.ask("GET", "/rest/nowhere")).json() == {"error": "no_such_service"}


@pytest.mark.parametrize("number", ["1", "1.0", "1.000", '"1.00"', "true", "1e2", "null", "10000000000000.00"])
async def test_money_is_a_number_with_two_decimals(desk: Desk, caller: Anhui, number: str) -> None:
    body = f'{{"wsbh": "a", "ywlx": "sq", "sjx": {{"amount_fen": {number}}}}}'.encode()
    assert (await caller.ask("POST", "/rest/tax/invoice_lock", body)).json() == {"error": "malformed"}
    good = body.replace(number.encode(), b"1.10", 1)
    assert b'"amount_fen":1.10' in (await caller.ask("POST", "/rest/tax/invoice_lock", good)).content
    assert len(await desk.ledger()) == 1


async def test_it_is_slow(tmp_path: Path) -> None:
    desk = Desk("340000", tmp_path, slow_s=0.2)
    started = time.monotonic()
    await desk.caller.health()
    assert time.monotonic() - started >= 0.2
    await desk.aclose()


# the counter


async def test_departments_without_an_interface_have_a_counter(desk: Desk, caller: Anhui) -> None:
    refused = await caller.send("apply", "natural_resources", "mortgage_register", {"uscc": COMPANY})
    assert (refused.raw.status_code, refused.problem) == (404, "no_such_service")
    remark = "CASE-1-" + "0123456789abcdef"
    keyed = await desk.client.post(TITLE, json={"uscc": COMPANY, "_remark": remark, "_leg": "leg", "_step": "step"})
    assert (keyed.status_code, keyed.json()["state"]) == (201, "done")
    twice = await desk.client.post(TITLE, data={"uscc": COMPANY, "_remark": remark, "_leg": "leg", "_step": "step"})
    assert twice.status_code == 201
    rows = await desk.ledger()
    assert [(row["request_no"], row["case_no"], row["leg"], row["delta"]) for row in rows] == [
        (remark, "CASE-1", "leg", 1)
    ] * 2
    number = keyed.json()["number"]
    undo = {"_original": number}
    undone = await desk.client.post("/counter/natural_resources/mortgage_register_cancel", data=undo)
    assert undone.json()["result"] == {"outcome": "reversed"}
    assert [row.state for row in await caller.rows(f"ywlsh={number}")] == ["done"]
    assert await desk.net() == 1


async def test_the_counter_refuses_with_reasons_and_knows_its_departments(desk: Desk) -> None:
    refused = await desk.client.post(TITLE, json={"uscc": "91320500XXXX009164"})
    assert (refused.status_code, refused.json()["reasons"]) == (422, ["refused"])
    assert (await desk.client.post("/counter/tax/tax_clearance", json={})).status_code == 404
    assert (await desk.client.post(TITLE, content=b"{", headers={"content-type": "application/json"})).is_client_error
    assert (await desk.client.post(TITLE, json={"amount_fen": "1.5"})).status_code == 400
    gone = await desk.client.post("/counter/natural_resources/fee_refund", json={"_original": "34-nobody"})
    assert gone.status_code == 404


async def test_the_page_of_the_counter_shows_today_and_escapes(desk: Desk) -> None:
    await desk.client.post(TITLE, json={"uscc": COMPANY, "_remark": "<script>alert(1)</script>"})
    for lang, title in (("zh", "窗口录入"), ("en", "Counter")):
        shown = await desk.client.get(f"/counter?lang={lang}")
        assert title in shown.text
        assert "<script>" not in shown.text
        assert "&lt;script&gt;" in shown.text
    answer = await desk.client.post(TITLE, data={"uscc": COMPANY}, headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (201, "text/html; charset=utf-8")


# the nightly file


def today() -> str:
    return f"{datetime.now(CHINA):%Y%m%d}"


async def fetch(caller: Anhui, day: str) -> httpx.Response:
    return await caller.ask("GET", f"/rest/results/{day}")


def opened(answer: httpx.Response) -> tuple[list[dict[str, str]], dict[str, object], bytes]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["results.csv", "control.json"]
        sheet = archive.read("results.csv")
        control: dict[str, object] = json.loads(archive.read("control.json"))
    assert sheet.startswith(b"wsbh,ywlsh,bm,sx,zt,bjsj,je\r\n")
    return list(csv.DictReader(io.StringIO(sheet.decode("gb18030"), newline=""))), control, sheet


async def test_the_nightly_file_has_every_matter_that_ended(desk: Desk, caller: Anhui) -> None:
    paid = await caller.send("apply", "social_security", "funeral_grant_pay", {"amount_fen": 800010, "uscc": COMPANY})
    refused = await caller.send("apply", "tax", "tax_clearance", {"uscc": "91320500XXXX009164"})
    waiting = await caller.send("apply", "tax", "tax_clearance", {"uscc": "91340100XXXX0081X9"})
    await desk.client.post(TITLE, json={"uscc": COMPANY, "_remark": '遗嘱,"\U00020bb7"\n第二行'})
    assert (await fetch(caller, today())).json() == {"error": "no_such_day"}
    await desk.client.post("/sim/clock", json={"offset_s": 86400})
    rows, control, sheet = opened(await fetch(caller, today()))
    assert [row["ywlsh"] for row in rows] == sorted(row["ywlsh"] for row in rows)
    by_number = {row["ywlsh"]: row for row in rows}
    assert waiting.number not in by_number
    row = by_number[paid.number]
    assert (row["wsbh"], row["bm"], row["sx"]) == (paid.sent_as, "social_security", "funeral_grant_pay")
    assert (row["zt"], row["je"]) == ("bj", "8000.10")
    ended = datetime.fromisoformat(row["bjsj"])
    assert ended.utcoffset() == timedelta(hours=8)
    assert (by_number[refused.number]["zt"], by_number[refused.number]["je"]) == ("by", "")
    assert '遗嘱,"\U00020bb7"\n第二行' in {row["wsbh"] for row in rows}
    assert control == {
        "day": today(), "rows": 3, "amount": "8000.10", "sha256": hashlib.sha256(sheet).hexdigest(),
    }  # fmt: skip
    assert (await fetch(caller, today())).content == (await fetch(caller, today())).content
    for odd in ("20991231", "2026112", "20261301", "tomorrow"):
        assert (await fetch(caller, odd)).status_code == 404


async def test_the_nightly_file_can_be_damaged_and_mended(desk: Desk, caller: Anhui) -> None:
    for _ in range(3):
        await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    await desk.client.post("/sim/clock", json={"offset_s": 86400})
    tamper = f"/sim/results/{today()}/tamper"
    assert (await desk.client.post(tamper, json={"drop": 1, "add": 2, "digest": True})).status_code == 204
    rows, control, sheet = opened(await fetch(caller, today()))
    assert (len(rows), control["rows"]) == (4, 4)
    assert control["sha256"] != hashlib.sha256(sheet).hexdigest()
    assert (await desk.client.post(tamper, json={"drop": 1, "rows": True})).status_code == 204
    rows, control, sheet = opened(await fetch(caller, today()))
    assert (len(rows), control["rows"]) == (2, 3)
    assert control["sha256"] == hashlib.sha256(sheet).hexdigest()
    assert (await desk.client.post(tamper, json={})).status_code == 204
    assert len(opened(await fetch(caller, today()))[0]) == 3
    refused: list[object] = [{"drop": -1}, {"drop": True}, {"digest": 1}, {"other": 1}, []]
    for odd in refused:
        assert (await desk.client.post(tamper, json=odd)).status_code == 422
