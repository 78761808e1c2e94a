"""The platform as a program: its books outlive it, its keys mean one thing, and it believes nobody it cannot check."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.credentials import GivenCredentials
from adapters.ebills import Ebills, open_ebills
from adapters.ebills.words import REFUSALS, STATUSES
from adapters.entries import ConfigurationError
from adapters.errors import Ambiguous, ContractBroken, Misconfigured, ProvinceError, Unavailable
from adapters.port import AdapterSettings
from domain.bills import (
    BillRef,
    BillStatus,
    Feedback,
    Lock,
    LockState,
    Purpose,
    Standing,
    ask_red_letter,
    expire,
    feed_back,
    release,
    take_lock,
    write_red_letter,
)
from domain.errors import Refusal
from provinces.clock import Clock
from provinces.ebills.desk import Desk
from provinces.ebills.store import BillStore
from tests.bills import places
from tests.bills.places import EMPLOYER, HOSPITAL, INSURER, InProcess, Program, content, issue, lock, new_key, paid
from tests.bills.test_lifecycle import bill as a_bill
from tests.bills.test_lifecycle import red_of


async def test_what_was_confirmed_survives_kill_9(program: Program) -> None:
    bill = await program.issued()
    mine = await program.locked(bill.ref, 100_000)
    other = await program.issued()
    theirs = await program.locked(other.ref, 100_000)
    pay = paid(theirs, 40_000, tx_no="T1")
    await program.ours.send(pay)
    before, events = await program.books(), await program.ours.events(0)
    await program.kill()
    program.start()
    assert await program.books() == before
    assert await program.ours.events(0) == events
    assert (await program.others.send(lock(bill.ref, 1))).refused == "bill_locked"
    again = await program.ours.send(pay)
    assert again.state is not None
    assert again.state.reimbursed == 40_000
    assert await program.books() == before
    assert not (await program.ours.send(places.release(mine))).refused


async def test_killed_at_any_moment_an_order_is_done_once_or_not_at_all(program: Program) -> None:
    bill = await program.issued()
    for turn in range(6):
        order = lock(bill.ref, 100_000)
        sending = asyncio.create_task(program.ours.send(order))
        await asyncio.sleep(0.002 * turn)
        await program.kill()
        with contextlib.suppress(ProvinceError):  # or it was quicker than the kill
            await sending
        program.start()
        done = await program.ours.find(order) or await program.ours.send(order)
        assert done.lock is not None
        assert await program.ours.send(order) == done
        live = [each for each in (await program.books())["locks"] if each["state"] == "OPEN"]
        assert [each["lock_id"] for each in live] == [done.lock.lock.lock_id]
        await program.ours.send(places.release(done.lock.lock.lock_id))


LINE = {
    "lost_answer": Ambiguous,
    "timeout": Ambiguous,
    "truncated": Ambiguous,
    "reset_mid_body": Ambiguous,
    "drip": Ambiguous,
    "oversize": Ambiguous,
    "wrong_charset": ContractBroken,
    "deep": ContractBroken,
    "garbage": Ambiguous,
    "forged_answer": ContractBroken,
    "wrong_key": ContractBroken,
    "wrong_types": Ambiguous,
    "unknown_enum": ContractBroken,
    "reset": Ambiguous,
    "error_500": Ambiguous,
    "down": Unavailable,
    "maintenance": Unavailable,
    "refuse_429": Unavailable,
}
BEFORE = {"reset", "error_500", "down", "maintenance", "refuse_429"}


async def test_every_fault_of_the_line_is_named_for_what_it_is_and_find_tells_what_was_done(program: Program) -> None:
    bill, hasty = await program.issued(), places.caller(program.url, timeout_s=0.4)
    for kind, error in LINE.items():
        order = lock(bill.ref, 100_000)
        await program.fault(kind, operation="lock", seconds=3.0)
        with pytest.raises(error):
            await hasty.send(order)
        found = await program.ours.find(order)
        assert (found is None) == (kind in BEFORE), kind
        done = await program.ours.send(order)
        assert done.lock is not None
        assert found is None or found == done
        await program.ours.send(places.release(done.lock.lock.lock_id))
    await hasty.aclose()
    held = (await program.books())["locks"]
    assert len(held) == len(LINE), "one lock per order, however often it was sent"
    await program.fault("slow", operation="lock", seconds=0.1)
    assert (await program.ours.send(lock(bill.ref, 1))).lock is not None


async def test_a_key_means_one_order_and_the_number_of_a_payment_one_payment(platform: InProcess) -> None:
    bill = await platform.issued()
    key = new_key()
    first = await platform.ours.send(lock(bill.ref, 100, key=key))
    assert await platform.ours.send(lock(bill.ref, 100, key=key)) == first
    with pytest.raises(ContractBroken, match="key_used_otherwise"):
        await platform.ours.send(lock(bill.ref, 101, key=key))
    with pytest.raises(ContractBroken, match="key_used_otherwise"):
        await platform.ours.send(issue(key=key))
    assert (await platform.others.send(lock(bill.ref, 1, key=key))).refused == "bill_locked", "keys are a client's own"
    assert first.lock is not None
    pay = paid(first.lock.lock.lock_id, 100, tx_no="T1")
    done = await platform.ours.send(pay)
    assert await platform.ours.send(pay) == done
    assert pay.feedback is not None
    for change in ({"reimb_amount": 99}, {"reimb_time": places.NOW + timedelta(seconds=1)}, {"lock_id": "0" * 32}):
        other = pay.model_copy(update={"feedback": pay.feedback.model_copy(update=change)})
        assert (await platform.ours.send(other)).refused == "bill_tx_reused"
    assert (await platform.others.send(pay)).refused == "bill_tx_reused"
    assert await platform.others.find(pay) is None
    refused = lock(bill.ref, 10**9)
    assert (await platform.ours.send(refused)).refused == "bill_amount_exceeds"
    assert (await platform.ours.send(refused)).refused == "bill_amount_exceeds"


async def test_a_lock_that_was_refused_stays_refused_under_its_key_and_a_new_key_is_a_new_try(
    platform: InProcess,
) -> None:
    bill = await platform.issued()
    mine = await platform.locked(bill.ref, 1)
    wish = lock(bill.ref, 1)
    assert (await platform.others.send(wish)).refused == "bill_locked"
    await platform.ours.send(places.release(mine))
    assert (await platform.others.send(wish)).refused == "bill_locked"
    assert (await platform.others.send(lock(bill.ref, 1))).lock is not None


def _caller(platform: InProcess, access_key: str, secret: str, clock: float = 0.0) -> Ebills:
    credentials = GivenCredentials({"access_key": access_key, "secrets": [secret]})
    transport = httpx.ASGITransport(platform.controls._transport.app)  # type: ignore[attr-defined]
    return Ebills(
        AdapterSettings(
            region="100000", url="http://platform", credentials=credentials, private_network=True, transport=transport,
            clock=lambda: datetime.now(UTC).timestamp() + clock,
        )
    )  # fmt: skip


async def test_nobody_is_believed_without_the_right_secret_the_right_name_and_a_clock_that_goes_right(
    platform: InProcess,
) -> None:
    secret = places.KEYS["tongban-test"][0]
    await _caller(platform, "tongban-test", secret).health()
    for name, key, clock in (
        ("tongban-test", "x" * 32, 0.0),
        ("elsewhere-test", secret, 0.0),
        ("nobody", secret, 0.0),
        ("tongban-test", secret, 400.0),
        ("tongban-test", secret, -400.0),
    ):
        with pytest.raises(Misconfigured, match="signature_wrong"):
            await _caller(platform, name, key, clock).send(issue())
    await platform.fault("clock_skew", operation="issue", seconds=600.0)
    with pytest.raises(Misconfigured):
        await platform.ours.send(issue())


async def test_a_request_that_was_overheard_is_not_taken_twice(platform: InProcess) -> None:
    heard: list[httpx.Request] = []
    inner = platform.ours.settings.transport

    class Ear(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            heard.append(request)
            assert inner is not None
            return await inner.handle_async_request(request)

    credentials = GivenCredentials({"access_key": "tongban-test", "secrets": list(places.KEYS["tongban-test"])})
    caller = Ebills(
        AdapterSettings(
            region="100000", url="http://platform", credentials=credentials, private_network=True, transport=Ear()
        )
    )  # fmt: skip
    await caller.send(issue())
    again = await platform.controls.post("/api/bills", content=heard[0].content, headers=dict(heard[0].headers))
    assert (again.status_code, again.json()["error"]) == (401, "auth_replayed")


async def test_the_lengths_of_the_numbers_are_data_of_the_platform_too(tmp_path: Path) -> None:
    form = json.loads((places.ROOT / "provinces" / "ebill_numbers.json").read_text())
    file = tmp_path / "numbers.json"
    file.write_text(json.dumps(form | {"code_length": 10, "number_length": 12, "check_length": 8}))
    platform = InProcess(tmp_path, file)
    bill = await platform.issued()
    assert (len(bill.code), len(bill.number), len(bill.check_code)) == (10, 12, 8)
    await platform.aclose()


@pytest.mark.parametrize(
    "change",
    [
        {"total": 99_999},
        {"total": -100_000},
        {"payee": content().payee.model_copy(update={"uscc": EMPLOYER})},
        {"items": ()},
    ],
)
async def test_a_bill_that_does_not_add_up_or_is_another_units_is_no_order(
    platform: InProcess, change: dict[str, object]
) -> None:
    with pytest.raises(ContractBroken, match="malformed"):
        await platform.ours.send(issue(content().model_copy(update=change)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Invalid JSON"),
        ('{"url": "http://127.0.0.1:1"}', "field credentials"),
        ('{"url": "ftp://x", "credentials": "c.json"}', "field url"),
        ('{"url": "http://127.0.0.1:1", "credentials": "none.json"}', "cannot be read"),
        ('{"url": "http://127.0.0.1:1", "credentials": "c.json", "port": 1}', "field port"),
        ('{"url": "http://127.0.0.1:1", "credentials": "c.json"}', "credential_missing"),
    ],
)
def test_a_mistake_in_the_ebills_file_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "c.json").write_text('{"secrets": ["0123456789abcdef"]}')
    file = tmp_path / "ebills.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        open_ebills(file)


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lock", "release", "pay", "refund", "red", "wait"]), st.integers(-1, 800), st.integers(0, 4)
    ),
    max_size=25,
)


class Pair:
    """The same order given to the rules of the house and to the platform."""

    def __init__(self) -> None:
        self.store = BillStore(Path(":memory:"))
        self.clock = Clock(self.store)
        self.desk = Desk(self.store, self.clock)
        wire: dict[str, Any] = {
            "region": "310104", "kind": "ZY", "payer": {}, "payee": {}, "total": 1000, "items": [],
            "insurance": {"fund": 300, "account": 0, "cash": 700, "settled": ""},
        }  # fmt: skip
        issued = self.desk.order("c", new_key(), {}, lambda: self.desk.issue("c", HOSPITAL, wire))["bill"]
        self.ref = BillRef(code=issued["code"], number=issued["number"])
        self.standing = Standing(bill=a_bill(1000, fund=300))
        self.ids: list[tuple[str, str]] = []  # ours, theirs
        self.payments: list[tuple[str, int, int]] = []

    def now(self) -> datetime:
        return self.clock.now()

    def both(self, ours: Any, theirs: Any) -> None:
        """Does it twice and compares what is said."""
        try:
            self.standing, said = ours(), ""
        except Refusal as refusal:
            said = refusal.code
        if self.standing.red_due:
            self.standing = write_red_letter(self.standing, red_of(self.standing.bill))
        answer = theirs()
        assert REFUSALS.get(answer.get("refused", ""), "") == said
        self.same()

    def same(self) -> None:
        self.standing = expire(self.standing, self.now())
        if self.standing.red_due:
            self.standing = write_red_letter(self.standing, red_of(self.standing.bill))
        state = self.desk.look(self.ref.code, self.ref.number)
        assert state is not None
        assert STATUSES[state["state"]] is self.standing.bill.status
        assert state["paid"] == self.standing.reimbursed
        assert state["red_waiting"] == self.standing.red_waiting
        if self.standing.bill.status is not BillStatus.RED_LETTERED:
            assert state["left"] == self.standing.left

    def lock(self, amount: int, days: int) -> None:
        name, now = f"L{len(self.ids)}", self.now()
        wanted = Lock(
            lock_id=name, owner_unit=INSURER, purpose=Purpose.EMPLOYER, amount=amount, locked_at=now,
            expires_at=now + timedelta(days=days + 1),
        )  # fmt: skip
        told: dict[str, Any] = {}

        def theirs() -> dict[str, Any]:
            told.update(
                self.desk.order(
                    "c", new_key(), {}, lambda: self.desk.lock("c", INSURER, *self.pair, "DW", amount, days + 1, "")
                )
            )
            return told

        self.both(lambda: take_lock(self.standing, wanted), theirs)
        if "lock" in told:
            self.ids.append((name, told["lock"]["lock_id"]))

    @property
    def pair(self) -> tuple[str, str]:
        return self.ref.code, self.ref.number

    def release(self, pick: int) -> None:
        if not self.ids:
            return
        ours, theirs = self.ids[-1 - pick % len(self.ids)]
        self.both(
            lambda: release(self.standing, ours, INSURER, self.now()),
            lambda: self.desk.order("c", new_key(), {}, lambda: self.desk.release("c", INSURER, theirs)),
        )

    def pay(self, amount: int, pick: int, refunds: str = "") -> None:
        if not self.ids:
            return
        at = pick % len(self.ids)
        ours, theirs = self.ids[at]
        tx = new_key()[:16]
        told = Feedback(lock_id=ours, reimb_time=places.NOW, reimb_amount=amount, tx_no=tx, refunds=refunds)
        known = len([held for held in self.standing.locks if held.state is LockState.SETTLED])
        self.both(
            lambda: feed_back(self.standing, told, INSURER, self.now()),
            lambda: self.desk.pay("c", INSURER, theirs, tx, "", amount, refunds),
        )
        if len([held for held in self.standing.locks if held.state is LockState.SETTLED]) > known:
            self.payments.append((tx, amount, at))

    def refund(self, pick: int) -> None:
        if self.payments:
            tx, amount, at = self.payments[pick % len(self.payments)]
            self.pay(-amount, at, tx)

    def red(self) -> None:
        self.both(
            lambda: ask_red_letter(self.standing, self.now()),
            lambda: self.desk.order("c", new_key(), {}, lambda: self.desk.red_letter("c", HOSPITAL, *self.pair)),
        )


@settings(max_examples=120, deadline=None)
@given(STEPS)
def test_the_platform_and_the_rules_of_the_house_say_the_same_of_every_life(steps: list[Step]) -> None:
    pair = Pair()
    for kind, amount, pick in steps:
        match kind:
            case "lock":
                pair.lock(amount, pick)
            case "release":
                pair.release(pick)
            case "pay":
                pair.pay(amount, pick)
            case "refund":
                pair.refund(pick)
            case "red":
                pair.red()
            case _:
                pair.clock.move(pair.clock.offset_s + pick * 86400)
                pair.same()
    pair.store.close()
