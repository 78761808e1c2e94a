"""A fee at the payment platform: ordered once, paid by a person or not, given back; by the port and its own page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from domain.effects import AnswerStatus, ProvinceCall, Verb
from tests.adapters.places import Desk
from tests.adapters.wires import ANHUI, SHANGHAI, ZHEJIANG, Wire, call


@pytest_asyncio.fixture(params=[SHANGHAI, ZHEJIANG, ANHUI], ids=lambda wire: wire.name)
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """A platform at which bills wait for somebody who pays. (320000 tells no address while a bill is open.)"""
    assert isinstance(request.param, Wire)
    made = Desk(request.param, tmp_path, auto_pay=False)
    yield made
    await made.aclose()


def bill(**fields: str) -> ProvinceCall:
    return call(operation="fee_order", department="traffic_police", payload={"amount_fen": "8000"} | fields)


def find(order: ProvinceCall) -> ProvinceCall:
    return order.model_copy(update={"verb": Verb.FIND})


def back(order: ProvinceCall) -> ProvinceCall:
    return call(Verb.REVERSE, "fee_refund", "traffic_police", original=order.key, payload={})


async def number(desk: Desk, order: ProvinceCall) -> str:
    answer = await desk.adapter.call(order)
    assert answer.status is AnswerStatus.PENDING
    assert answer.data["payment_url"] == f"http://province/pay/{answer.reference}"
    return answer.reference


async def test_a_bill_waits_until_it_is_paid_and_is_paid_once(desk: Desk) -> None:
    order = bill()
    no = await number(desk, order)
    if desk.wire is not ANHUI:
        assert await number(desk, order) == no  # the same order again is the same bill
    page = await desk.client.get(f"/pay/{no}")
    assert "¥80.00" in page.text
    assert "<button>" in page.text
    assert (await desk.client.post(f"/pay/{no}")).json() == {"number": no, "paid": True}
    assert (await desk.client.post(f"/pay/{no}")).status_code == 409
    found = await desk.adapter.find(find(order))
    assert found is not None
    assert (found.status, found.reference) == (AnswerStatus.ACCEPTED, no)
    assert "<button>" not in (await desk.client.get(f"/pay/{no}")).text
    assert [row["delta"] for row in await desk.ledger(order)] == [1]


async def test_what_was_paid_is_given_back_and_an_unpaid_bill_is_cancelled(desk: Desk) -> None:
    paid, unpaid = bill(), bill()
    no, other = await number(desk, paid), await number(desk, unpaid)
    await desk.client.post(f"/pay/{no}")
    assert (await desk.adapter.call(back(paid))).data["outcome"] == "reversed"
    assert (await desk.adapter.call(back(unpaid))).data["outcome"] == "cancelled"
    assert (await desk.client.post(f"/pay/{other}")).status_code == 404  # a bill that was called off is no bill
    assert sum(int(str(row["delta"])) for row in await desk.ledger()) == 0


async def test_a_payment_that_does_not_succeed_refuses_the_order(desk: Desk) -> None:
    order = bill()
    no = await number(desk, order)
    tried = await desk.client.post(f"/pay/{no}", params={"result": "failed"})
    assert tried.json()["paid"] is False
    found = await desk.adapter.find(find(order))
    assert found is not None
    assert (found.status, found.reasons) == (AnswerStatus.REJECTED, ("payment_failed",))
    assert await desk.ledger(order) == []


@pytest.mark.parametrize("number_", ["0", "x" * 300, "'; DROP TABLE request; --"])
async def test_what_is_no_bill_is_not_there(desk: Desk, number_: str) -> None:
    assert (await desk.client.get(f"/pay/{number_}")).status_code == 404
    assert (await desk.client.post(f"/pay/{number_}")).status_code == 404
    other = await desk.adapter.call(call())
    assert (await desk.client.get(f"/pay/{other.reference}")).status_code == 404
