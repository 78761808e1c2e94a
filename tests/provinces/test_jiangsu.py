"""320000: envelopes, canonical strings, what XML can do to a reader."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.provinces.callers import Jiangsu, hmac_sm3
from tests.provinces.places import COMPANY, Desk


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk("320000", tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
def caller(desk: Desk) -> Jiangsu:
    assert isinstance(desk.caller, Jiangsu)
    return desk.caller


def at(seconds: float) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600 + seconds))


async def test_everything_is_in_progress_first_and_stays_so_for_who_sends_it_again(desk: Desk, caller: Jiangsu) -> None:
    first = await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    assert (first.state, first.after) == ("in_progress", 1)
    desk.finish()
    again = await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY}, key=first.sent_as)
    assert (again.state, again.number) == ("in_progress", first.number)
    by_key, by_number = await caller.find(first), await caller.find_number(first.number)
    assert by_key is not None
    assert (by_key.state, by_number.state) == ("done", "done")
    assert (await caller.find_number("32-nobody")).problem == "2404"


async def test_every_answer_is_signed(caller: Jiangsu) -> None:
    for answer in (
        await caller.health(),
        (await caller.send("apply", "tax", "tax_clearance", {"amount_fen": 7, "uscc": "a\\b\nc"})).raw,
        (await caller.send("preview", "notary", "notarial_certificate", {"holder_id": "310199199001010018"})).raw,
        await caller.ask("CX01", AppId="somebody"),
        await caller.post(b"<"),
    ):
        assert caller.believes(answer)


async def test_the_signature_is_upper_case_and_of_the_message(caller: Jiangsu) -> None:
    assert hmac_sm3("k" * 10, "x") == hmac_sm3("k" * 10, "x").upper()

    async def code(**changes: str) -> str:  # fmt: skip
        return caller.read(await caller.ask("XT01", **changes)).problem

    assert await code(Sign="0" * 64) == "3001"
    assert await code(AppId="somebody") == "3001"
    assert await code(SendTime=at(-310)) == "3002"
    assert await code(SendTime=at(310)) == "3002"
    assert await code(SendTime="2026112509300") == "3400"
    assert await code(MsgId="xyz") == "3400"
    body = caller.envelope("XT01", ET.Element("Body"))
    assert caller.read(await caller.post(body)).problem == ""
    assert caller.read(await caller.post(body)).problem == "3003"
    assert caller.read(await caller.ask("XX99")).problem == "3404"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a>",
        b"\xff\xff",
        b"<Envelope/>",
        b'<!DOCTYPE Envelope [<!ENTITY a "aaaa">]><Envelope>&a;</Envelope>',
        b'<!DOCTYPE Envelope SYSTEM "file:///etc/passwd"><Envelope/>',
        b"<Envelope>&nbsp;</Envelope>",
        b"<Envelope><?php x ?></Envelope>",
        b"<a>" * 50_000 + b"</a>" * 50_000,
        "<Envelope>税</Envelope>".encode("utf-16"),
    ],
)
async def test_what_is_no_envelope_is_malformed(desk: Desk, caller: Jiangsu, content: bytes) -> None:
    answer = await caller.post(content)
    assert caller.read(answer).problem == "3400"
    assert await desk.ledger() == []


@pytest.mark.parametrize("text", ["1", "1.0", "1.000", "1,00", "+1.00", "１.００", "", "1.00 "])
async def test_money_has_two_decimals_and_a_unit(caller: Jiangsu, text: str) -> None:
    body = ET.Element("Body")
    for name, value in {"MsgNo": "ab" * 32, "Dept": "tax", "Service": "invoice_lock"}.items():
        ET.SubElement(body, name).text = value
    one = ET.SubElement(ET.SubElement(body, "Fields"), "Field", name="amount_fen", unit="yuan")
    one.text = text
    assert caller.read(await caller.ask("SQ01", body)).problem == "3400"
    one.text = "1.00"
    del one.attrib["unit"]
    assert caller.read(await caller.ask("SQ01", body)).problem == "3400"
    one.set("unit", "yuan")
    assert caller.read(await caller.ask("SQ01", body)).state == "in_progress"


async def test_what_came_with_a_carriage_return_goes_back_with_it(desk: Desk, caller: Jiangsu) -> None:
    fields = {"company_name": "a\r\nb", "uscc": COMPANY}
    sent = await caller.send("apply", "market_regulation", "business_licence_issue", fields)
    desk.finish()
    found = await caller.find(sent)
    assert found is not None
    assert found.result["holder_name"] == "a\r\nb"
    assert b"&#13;" in found.raw.content
    assert caller.believes(found.raw)


async def test_a_bill_says_where_it_is_paid_while_it_waits(desk: Desk, caller: Jiangsu) -> None:
    bill = await caller.send("apply", "traffic_police", "fee_order", {"amount_fen": 8000, "uscc": COMPANY})
    assert bill.result == {"payment_url": f"http://province/pay/{bill.number}"}
    assert "¥80.00" in (await desk.client.get(f"/pay/{bill.number}")).text
    assert (await desk.client.post(f"/pay/{bill.number}")).json()["paid"] is True
    paid = await caller.find(bill)
    assert paid is not None
    assert (paid.state, paid.result["amount_fen"]) == ("done", "8000")


async def test_being_busy_says_when_to_come_again(desk: Desk, caller: Jiangsu) -> None:
    await desk.fault("refuse_429", retry_after="17")
    busy = await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    assert (busy.problem, caller.parse(busy.raw).findtext("Body/RetryAfter")) == ("9001", "17")
    await desk.fault("forged_answer")
    forged = await caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    assert not caller.believes(forged.raw)
