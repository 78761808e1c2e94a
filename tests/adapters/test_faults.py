"""Every fault of the switchboard against a real province, and what of it stays in the province's books."""

from __future__ import annotations

import asyncio
import time

import pytest

from adapters.errors import Ambiguous, CallbackRefused, ContractBroken, Misconfigured, ProvinceError, Unavailable
from adapters.signed_json import SignedJson
from domain.effects import AnswerStatus, Verb
from provinces.app import Settings, build_app
from provinces.faults import KINDS
from tests.adapters.places import REGION, SECRET, Desk, Mailbox, Process, call, handover, new_key


@pytest.mark.parametrize(
    ("kind", "error", "code", "effects"),
    [
        ("down", Unavailable, "http_503", 0),
        ("refuse_429", Unavailable, "http_429", 0),
        ("error_500", Ambiguous, "http_500", 0),
        ("reset", Ambiguous, "connection_lost", 0),
        ("lost_answer", Ambiguous, "connection_lost", 1),
        ("garbage", Ambiguous, "unreadable_answer", 1),
        ("oversize", Ambiguous, "unreadable_answer", 1),
        ("wrong_types", Ambiguous, "unreadable_answer", 1),
        ("wrong_key", ContractBroken, "wrong_key_echoed", 1),
        ("bad_licence", ContractBroken, "invalid_licence_identifier", 1),
    ],
)
async def test_each_fault_has_its_error_and_its_trace_and_find_tells_the_truth(
    province: Process, kind: str, error: type[ProvinceError], code: str, effects: int
) -> None:
    sent = call(operation="business_licence_issue", department="market_regulation")
    await province.fault(kind, retry_after="17") if error is Unavailable else await province.fault(kind)
    with pytest.raises(error) as caught:
        await province.adapter.call(sent)
    assert caught.value.code == code
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after == 17.0
    assert len(await province.ledger(sent.key)) == effects
    found = await province.adapter.find(sent)
    assert (found is not None) == (effects == 1)
    # the fault struck once: the resend under the same key is answered, and there is one effect in all
    answer = await province.adapter.call(sent)
    assert answer.status is AnswerStatus.ACCEPTED
    assert found in (None, answer)
    assert len(await province.ledger(sent.key)) == 1


@pytest.mark.parametrize(("kind", "effects"), [("slow", 1), ("delayed", 0)])
async def test_a_province_slower_than_the_deadline_leaves_the_outcome_open(
    province: Process, kind: str, effects: int
) -> None:
    hasty = SignedJson(region=REGION, url=province.url, secret=SECRET, timeout_s=0.2)
    sent = call()
    await province.fault(kind, seconds=0.6)
    with pytest.raises(Ambiguous, match="timeout"):
        await hasty.call(sent)
    assert len(await province.ledger(sent.key)) == effects
    # sent again before the delayed one comes through, it is still one effect when both are done
    assert (await hasty.call(sent)).status is AnswerStatus.ACCEPTED
    await asyncio.sleep(0.6)
    assert len(await province.ledger(sent.key)) == 1
    await hasty.aclose()


async def test_nobody_listening_means_nothing_was_done() -> None:
    adapter = SignedJson(region=REGION, url="http://127.0.0.1:1", secret=SECRET)
    for ask in (adapter.call(call()), adapter.find(call()), adapter.health()):
        with pytest.raises(Unavailable, match="connection_refused"):
            await ask
    await adapter.aclose()


async def test_a_house_that_is_down_answers_neither_lookup_nor_health(desk: Desk) -> None:
    await desk.fault("down", times=None)
    for ask in (desk.adapter.call(call()), desk.adapter.find(call()), desk.adapter.health()):
        with pytest.raises(Unavailable):
            await ask
    await desk.clear()
    await desk.adapter.health()


async def test_other_faults_for_all_services_leave_lookup_alone_unless_named(desk: Desk) -> None:
    await desk.fault("error_500", times=None)
    assert await desk.adapter.find(call()) is None
    await desk.fault("error_500", operation="lookup")
    with pytest.raises(Ambiguous):
        await desk.adapter.find(call())


async def test_a_fault_strikes_the_named_operation_only_and_only_so_often(desk: Desk) -> None:
    await desk.fault("down", operation="move_registration", times=2)
    move = call(operation="move_registration", department="market_regulation")
    await desk.adapter.call(call())
    for _ in range(2):
        with pytest.raises(Unavailable):
            await desk.adapter.call(move)
    assert (await desk.adapter.call(move)).status is AnswerStatus.ACCEPTED
    assert (await desk.client.get("/sim/faults")).json()["faults"] == []


async def test_a_fault_with_a_probability_strikes_the_same_way_for_the_same_seed(desk: Desk) -> None:
    async def course() -> list[bool]:
        await desk.clear()
        await desk.fault("down", operation="tax_clearance", times=None, probability=0.5, seed=7)
        struck = []
        for _ in range(20):
            try:
                await desk.adapter.call(call())
                struck.append(False)
            except Unavailable:
                struck.append(True)
        return struck

    first = await course()
    assert first == await course()
    assert 3 < sum(first) < 17


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "earthquake"},
        {},
        [],
        {"kind": "down", "when": "now"},
        {"kind": "down", "times": 0},
        {"kind": "down", "times": "1"},
        {"kind": "down", "times": True},
        {"kind": "down", "probability": 2},
        {"kind": "slow", "seconds": -1},
        {"kind": "down", "operation": 5},
        {"kind": "down", "retry_after": "1\r\nX: y"},
    ],
)
async def test_the_switchboard_refuses_what_it_does_not_know(desk: Desk, body: object) -> None:
    assert (await desk.client.post("/sim/faults", json=body)).status_code == 422
    assert (await desk.client.get("/sim/faults")).json()["faults"] == []


async def test_every_kind_of_fault_can_be_switched_on(desk: Desk) -> None:
    for kind in KINDS:
        await desk.fault(kind)
    assert [fault["kind"] for fault in (await desk.client.get("/sim/faults")).json()["faults"]] == list(KINDS)


# --- callbacks


async def test_pending_work_ends_with_a_callback_that_is_believed(province: Process, mailbox: Mailbox) -> None:
    sent = handover()
    taken = await province.adapter.call(sent)
    (letter,) = await mailbox.about(sent.key)
    notice = letter.read(province.adapter)
    assert taken.status is AnswerStatus.PENDING
    assert (notice.key, notice.answer.status) == (sent.key, AnswerStatus.ACCEPTED)
    assert notice.answer == await province.adapter.find(sent)
    assert [row["delta"] for row in await province.ledger(sent.key)] == [1]


async def test_a_lost_callback_is_never_sent_but_a_poll_finds_the_end(province: Process, mailbox: Mailbox) -> None:
    await province.fault("callback_lost")
    lost, after = handover(), handover()
    await province.adapter.call(lost)
    await _completed(province, lost.key)
    await province.adapter.call(after)
    await mailbox.about(after.key)
    assert mailbox.arrived(lost.key) == []
    found = await province.adapter.find(lost)
    assert found is not None
    assert found.status is AnswerStatus.ACCEPTED


async def test_a_duplicate_callback_comes_twice_with_one_event_id(province: Process, mailbox: Mailbox) -> None:
    await province.fault("callback_duplicate")
    sent = handover()
    await province.adapter.call(sent)
    letters = await mailbox.about(sent.key, count=2)
    assert len({letter.read(province.adapter).event_id for letter in letters}) == 1


async def test_a_late_callback_comes_late(province: Process, mailbox: Mailbox) -> None:
    await province.fault("callback_late", seconds=0.7)
    sent = handover()
    started = time.monotonic()
    await province.adapter.call(sent)
    await mailbox.about(sent.key)
    assert time.monotonic() - started > 0.75


async def test_a_forged_callback_is_refused_and_the_true_one_believed(province: Process, mailbox: Mailbox) -> None:
    await province.fault("callback_forged")
    sent = handover()
    await province.adapter.call(sent)
    believed, refused = [], []
    for letter in await mailbox.about(sent.key, count=2):
        try:
            believed.append(letter.read(province.adapter).answer.status)
        except CallbackRefused as why:
            refused.append(why.code)
    assert (believed, refused) == ([AnswerStatus.ACCEPTED], ["bad_signature"])


async def test_a_callback_for_a_key_nobody_has_comes_beside_the_true_one(province: Process, mailbox: Mailbox) -> None:
    await province.fault("callback_unknown")
    before = len(mailbox.letters)
    sent = handover()
    await province.adapter.call(sent)
    await mailbox.about(sent.key)
    await mailbox.total(before + 2)
    keys = {letter.read(province.adapter).key for letter in mailbox.letters[before:]}
    (unknown,) = keys - {sent.key}
    assert sent.key in keys
    assert await province.adapter.find(sent.model_copy(update={"key": unknown})) is None


async def test_an_early_callback_is_there_before_the_answer_of_the_call(province: Process, mailbox: Mailbox) -> None:
    await province.fault("callback_early")
    sent = handover()
    answer = await province.adapter.call(sent)
    letters = mailbox.arrived(sent.key)
    assert answer.status is AnswerStatus.PENDING
    assert [letter.read(province.adapter).answer.status for letter in letters] == [AnswerStatus.ACCEPTED]


@pytest.mark.parametrize("statuses", [[500, 503, 302], [422]])
async def test_a_callback_is_repeated_until_it_is_taken(
    province: Process, mailbox: Mailbox, statuses: list[int]
) -> None:
    mailbox.statuses[:] = statuses
    sent = handover()
    await province.adapter.call(sent)
    letters = await mailbox.about(sent.key, count=len(statuses) + 1)
    assert len({letter.read(province.adapter).event_id for letter in letters}) == 1
    await _settled(province, sent.key, "delivered")


@pytest.mark.parametrize("status", [404, 409, 410])
async def test_a_callback_nobody_wants_is_given_up(province: Process, mailbox: Mailbox, status: int) -> None:
    mailbox.statuses[:] = [status]
    sent = handover()
    await province.adapter.call(sent)
    (event,) = await _settled(province, sent.key, "stopped")
    assert (event["attempts"], event["last_status"]) == (1, status)


async def test_a_callback_that_is_not_believed_is_given_up_after_five_times(
    province: Process, mailbox: Mailbox
) -> None:
    mailbox.statuses[:] = [401] * 5
    sent = handover()
    await province.adapter.call(sent)
    (event,) = await _settled(province, sent.key, "stopped", within_s=8)
    assert (event["attempts"], event["last_status"]) == (5, 401)


async def test_a_cancelled_handover_sends_no_callback(province: Process, mailbox: Mailbox) -> None:
    cancelled, after = handover(), handover()
    await province.adapter.call(cancelled)
    undo = call(Verb.REVERSE, "archive_return", "market_regulation", original=cancelled.key)
    answer = await province.adapter.call(undo)
    assert answer.data["outcome"] == "cancelled"
    await province.adapter.call(after)
    await mailbox.about(after.key)
    assert mailbox.arrived(cancelled.key) == []
    assert await province.events(cancelled.key) == []


async def test_without_controls_there_is_no_switchboard_and_no_ledger(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = build_app(Settings(REGION, tmp_path_factory.mktemp("plain"), SECRET))
    paths = {getattr(route, "path", "") for route in app.routes}
    app.state.gateway.store.close()
    assert "/gateway/lookup" in paths
    assert not {path for path in paths if path.startswith("/sim")}


async def test_an_unknown_secret_cannot_reach_the_books(province: Process) -> None:
    stranger = SignedJson(region=REGION, url=province.url, secret=b"z" * 32)
    key = new_key()
    with pytest.raises(Misconfigured):
        await stranger.call(call(key=key))
    await stranger.aclose()
    assert await province.ledger(key) == []


async def _completed(province: Process, key: str) -> None:
    await _settled(province, key, "lost")


async def _settled(province: Process, key: str, state: str, within_s: float = 5.0) -> list[dict[str, object]]:
    until = time.monotonic() + within_s
    while True:
        events = await province.events(key)
        if events and all(event["state"] == state for event in events):
            return events
        assert time.monotonic() < until, events
