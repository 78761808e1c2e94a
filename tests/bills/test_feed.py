"""What the platform tells by itself: red letters, expiry; taken once, in order, whoever dies in between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from api.usecases import bill_feed
from domain.bills import BillRef, BillReversed, BillStatus, Purpose, takes_back
from domain.messages import SYSTEM
from models import bills
from models.database import Session
from tests.bills.halls import Hall, payment, wish
from tests.bills.places import content, issue, lock

REASON = {"reason": "开具有误"}


async def test_case_d_in_the_house_the_lock_is_suspended_and_the_claim_is_told_then_the_red_letter_is_written(
    hall: Hall,
) -> None:
    bill = await hall.issue()
    held = await hall.lock(bill, 60_000, claim="C-1")
    waiting = (await hall.act(hall.hospital, bill, "red-letter", REASON)).json()
    assert (waiting["status"], waiting["red_waiting"], waiting["related"]) == ("locked", True, None)
    await hall.read_feed()
    (told,) = hall.recorder.told
    ref = BillRef(code=bill["code"], number=bill["number"])
    assert told == BillReversed(
        ref=ref,
        lock_id=held["lock_id"],
        claim="C-1",
        purpose=Purpose.MEDICAL_INSURANCE,
        amount=60_000,
        written=False,
    )
    (mine,) = (await hall.seen(hall.desk, bill))["locks"]
    assert mine["state"] == "suspended"
    assert (await hall.act(hall.desk, bill, "release", {"lock_id": held["lock_id"]})).status_code == 200
    await hall.read_feed()
    shown = await hall.seen(hall.patient, bill)
    assert (shown["status"], shown["red_waiting"], shown["left"]) == ("red_lettered", False, 0)
    again = hall.recorder.told[-1]
    assert len(hall.recorder.told) == 2
    assert (again.written, again.red) == (True, BillRef.model_validate(shown["related"]))
    original, _ = await hall.row(bill)
    red, _ = await hall.row(shown["related"])
    assert takes_back(red.bill(), original.bill())
    assert red.total == -100_000
    assert (await hall.seen(hall.patient, shown["related"]))["status"] == "red"
    assert await hall.breaches() == []
    assert (await hall.trail(bill))[-3:] == ["bill:lock:suspended", "bill:release:done", "bill:red_lettered"]


async def test_a_free_bill_is_taken_back_at_once_and_a_reimbursed_one_not_before_the_refund(hall: Hall) -> None:
    bill = await hall.issue()
    done = (await hall.act(hall.hospital, bill, "red-letter", REASON)).json()
    assert (done["status"], done["red_waiting"]) == ("red_lettered", False)
    assert await hall.breaches() == []
    await hall.read_feed()
    assert hall.recorder.told == [], "no lock of ours was touched"
    paid = await hall.issue()
    held = await hall.lock(paid, 60_000)
    await hall.act(hall.desk, paid, "reimbursements", payment(held, 60_000, "T1"))
    refused = await hall.act(hall.hospital, paid, "red-letter", REASON)
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_reimbursed")
    await hall.act(hall.desk, paid, "reimbursements", payment(held, -60_000, "T2", refunds="T1"))
    assert (await hall.act(hall.hospital, paid, "red-letter", REASON)).json()["status"] == "red_lettered"
    assert await hall.breaches() == []


async def test_case_e_in_the_house_an_expired_lock_is_expired_in_our_books_once_the_feed_is_read(hall: Hall) -> None:
    bill = await hall.issue()
    await hall.lock(bill, 60_000, days=1)
    await hall.platform.pass_days(1.1)
    await hall.read_feed()
    (mine,) = (await hall.seen(hall.desk, bill))["locks"]
    assert mine["state"] == "expired"
    assert (await hall.seen(hall.desk, bill))["status"] == "issued"
    assert (await hall.lock(bill, 60_000))["state"] == "open"


async def test_what_others_do_at_the_platform_shows_here(hall: Hall) -> None:
    bill = await hall.issue()
    ref = BillRef(code=bill["code"], number=bill["number"])
    await hall.platform.others.send(lock(ref, 100, Purpose.COMMERCIAL))
    await hall.read_feed()
    shown = await hall.seen(hall.patient, bill)
    assert (shown["status"], shown["locked_for"], shown["locks"]) == ("locked", "commercial", [])
    refused = await hall.act(hall.desk, bill, "lock", wish(100))
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_locked")
    assert "commercial insurance" in refused.text


async def test_an_entry_is_taken_once_by_however_many_relays_and_never_before_its_cursor(hall: Hall) -> None:
    bill = await hall.issue()
    held = await hall.lock(bill, 60_000)
    await hall.act(hall.hospital, bill, "red-letter", REASON)
    await asyncio.gather(*(hall.read_feed() for _ in range(4)))
    assert len(hall.recorder.told) == 1
    assert await hall.read_feed() == 0
    await hall.act(hall.desk, bill, "release", {"lock_id": held["lock_id"]})
    await asyncio.gather(*(hall.read_feed() for _ in range(4)))
    assert [told.written for told in hall.recorder.told] == [False, True]


async def test_a_subscriber_that_fails_takes_the_entry_with_it_and_hears_of_it_again(hall: Hall) -> None:
    bill = await hall.issue()
    await hall.lock(bill, 60_000)
    await hall.act(hall.hospital, bill, "red-letter", REASON)

    async def fails(session: Session, told: BillReversed) -> None:
        raise RuntimeError("its own database is down")

    with pytest.raises(RuntimeError):
        await bill_feed.read_feed(hall.office.house, [fails])
    assert (await hall.row(bill))[1][0].state == "open", "nothing of the entry stands"
    await hall.read_feed()
    assert (await hall.row(bill))[1][0].state == "suspended"
    assert len(hall.recorder.told) == 1


async def test_an_entry_about_a_lock_whose_answer_was_lost_finds_the_lock_first(hall: Hall) -> None:
    bill = await hall.issue()
    await hall.platform.fault("garbage", operation="lock")
    assert (await hall.act(hall.desk, bill, "lock", wish(60_000, claim="C-9"))).status_code == 503
    await hall.act(hall.hospital, bill, "red-letter", REASON)
    await hall.read_feed()
    (told,) = hall.recorder.told
    assert (told.claim, told.written) == ("C-9", False)
    assert (await hall.row(bill))[1][0].state == "suspended"


async def test_what_is_told_late_does_not_overwrite_what_is_newer(hall: Hall) -> None:
    bill = await hall.issue()
    await hall.lock(bill, 60_000)
    newest = (await hall.row(bill))[0].version
    await hall.read_feed()
    row, _ = await hall.row(bill)
    assert (row.version, row.status) == (newest, "locked")
    old = await hall.platform.ours.state(row.ref)
    assert old is not None
    async with hall.database.begin() as session:
        late = old.model_copy(update={"version": 1, "status": BillStatus.ISSUED})
        assert not await bills.take_state(session, late, row.updated_at)
    assert (await hall.row(bill))[0].status == "locked"


async def test_a_platform_that_is_down_is_asked_again_later(hall: Hall) -> None:
    bill = await hall.issue()
    await hall.lock(bill, 60_000)
    await hall.act(hall.hospital, bill, "red-letter", REASON)
    for kind in ("down", "garbage", "forged_answer", "wrong_types"):
        await hall.platform.fault(kind, operation="events")
        assert await bill_feed.run_due(hall.office.house, [hall.recorder.on_bill_reversed]) == 0
    assert await bill_feed.run_due(hall.office.house, [hall.recorder.on_bill_reversed]) > 0
    assert len(hall.recorder.told) == 1


async def test_an_order_that_can_never_be_answered_keeps_nothing_else_waiting(hall: Hall) -> None:
    bill = await hall.issue()
    poison = issue(content().model_copy(update={"total": 1}))  # the platform cannot even read it
    async with hall.database.begin() as session:
        await bills.put_order(session, poison, SYSTEM, {}, datetime.now(UTC) - timedelta(hours=1))
    await hall.platform.fault("garbage", operation="lock")
    assert (await hall.act(hall.desk, bill, "lock", wish(100))).status_code == 503
    platform = hall.office.house.ebills
    assert platform is not None
    assert await bill_feed.settle_left(hall.office.house, platform, older_s=0) == 1
    await hall.act(hall.hospital, bill, "red-letter", REASON)
    assert await bill_feed.run_due(hall.office.house, [hall.recorder.on_bill_reversed]) > 0
    assert len(hall.recorder.told) == 1
