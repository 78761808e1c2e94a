"""Faults of the switchboard against real provinces, and what of each stays in the province's books."""

from __future__ import annotations

import asyncio
import time

import pytest

from adapters.errors import Ambiguous, CallbackRefused, ContractBroken, Misconfigured, ProvinceError, Unavailable
from domain.effects import AnswerStatus, ProvinceCall, Verb
from tests.adapters.places import Desk, Mailbox, Process, adapter_for, handover
from tests.adapters.wires import ANHUI, JIANGSU, SHANGHAI, ZHEJIANG, Wire, call

LICENCE = {"operation": "business_licence_issue", "department": "market_regulation"}


@pytest.mark.parametrize(
    ("kind", "error", "code", "effects"),
    [
        ("down", Unavailable, "http_503", 0),
        ("refuse_429", Unavailable, "", 0),
        ("maintenance", Unavailable, "", 0),
        ("error_500", Ambiguous, "", 0),
        ("reset", Ambiguous, "connection_lost", 0),
        ("lost_answer", Ambiguous, "connection_lost", 1),
        ("truncated", Ambiguous, "connection_lost", 1),
        ("reset_mid_body", Ambiguous, "connection_lost", 1),
        ("garbage", Ambiguous, "unreadable_answer", 1),
        ("oversize", Ambiguous, "unreadable_answer", 1),
        ("wrong_charset", Ambiguous, "unreadable_answer", 1),
        ("deep", Ambiguous, "unreadable_answer", 1),
        ("wrong_types", Ambiguous, "unreadable_answer", 1),
        ("unknown_enum", ContractBroken, "unknown_result_code", 1),
        ("wrong_key", ContractBroken, "wrong_key_echoed", 1),
    ],
)
async def test_each_fault_has_its_error_and_its_trace_and_find_tells_the_truth(
    province: Process, kind: str, error: type[ProvinceError], code: str, effects: int
) -> None:
    sent = call()
    await province.fault(kind, retry_after="17")
    with pytest.raises(ProvinceError) as caught:
        await province.adapter.call(sent)
    assert type(caught.value) is error, caught.value
    assert code in ("", caught.value.code)
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after == 17.0
    found = await ended(province, sent)
    assert len(await province.ledger(sent)) == effects
    assert (found is not None) == (effects == 1)
    if province.wire is ANHUI:
        return  # nothing is sent there again while a search finds it
    # the fault struck once: the resend under the same key is answered, and there is one effect in all
    await province.adapter.call(sent)
    answer = await ended(province, sent)
    assert answer is not None
    assert len(await province.ledger(sent)) == 1


async def ended(province: Process, sent: ProvinceCall) -> object:
    """What the province holds in the end, or nothing."""
    until = time.monotonic() + 5
    while (found := await province.adapter.find(sent)) is not None and found.status is AnswerStatus.PENDING:
        assert time.monotonic() < until, found
        await asyncio.sleep(0.05)
    return found


async def test_a_forged_answer_is_not_believed(province: Process) -> None:
    if province.wire is not JIANGSU:
        pytest.skip("signs no answers")
    await province.fault("forged_answer")
    with pytest.raises(ContractBroken, match="forged_answer"):
        await province.adapter.call(call())


async def test_a_licence_number_that_cannot_be_right_is_not_taken(province: Process) -> None:
    sent = call(**LICENCE)  # type: ignore[arg-type]
    if province.wire is JIANGSU:
        await province.adapter.call(sent)
        await ended(province, sent)
        await province.fault("bad_licence", operation="lookup")
    else:
        await province.fault("bad_licence")
    with pytest.raises(ContractBroken, match="invalid_licence_identifier"):
        await (province.adapter.find(sent) if province.wire is JIANGSU else province.adapter.call(sent))


@pytest.mark.parametrize(("kind", "effects"), [("slow", 1), ("delayed", 0), ("half_open", 0), ("drip", 1)])
async def test_a_province_slower_than_the_deadline_leaves_the_outcome_open(
    province: Process, kind: str, effects: int
) -> None:
    hasty = adapter_for(province.wire, province.url, timeout_s=0.2, connect_timeout_s=0.1)
    sent = call()
    await hasty.health()  # a token is there, where one is needed
    await province.fault(kind, operation="tax_clearance", seconds=0.8)
    with pytest.raises(Ambiguous, match="timeout"):
        await hasty.call(sent)
    if province.wire is not JIANGSU:  # it takes a moment there in any case
        assert len(await province.ledger(sent)) == effects
    if kind == "delayed":  # the request is under way yet: a search proves nothing before it has settled
        await asyncio.sleep(0.9)
    await ended(province, sent)
    assert len(await province.ledger(sent)) == (0 if kind == "half_open" else 1)
    await hasty.aclose()


async def test_a_clock_that_is_off_is_told_from_a_wrong_key(province: Process) -> None:
    await province.fault("clock_skew", operation="tax_clearance", seconds=900)
    with pytest.raises(Misconfigured, match="clock_or_key"):
        await province.adapter.call(call())


async def test_nobody_listening_means_nothing_was_done(wire: Wire) -> None:
    adapter = adapter_for(wire, "http://127.0.0.1:1")
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


async def test_a_token_place_in_trouble_means_nothing_was_done(province: Process) -> None:
    if province.wire is not SHANGHAI:
        pytest.skip("gives no tokens")
    for kind in ("error_500", "reset", "lost_answer", "garbage", "truncated", "down"):
        fresh = adapter_for(province.wire, province.url)
        await province.fault(kind, operation="token")
        sent = call()
        with pytest.raises(Unavailable):
            await fresh.call(sent)
        assert await province.ledger(sent) == []
        await province.clear()
        assert (await fresh.call(sent)).status is AnswerStatus.ACCEPTED
        await fresh.aclose()


@pytest.mark.parametrize("change", ["secret", "name"])
async def test_a_stranger_cannot_reach_the_books(desk: Desk, change: str) -> None:
    names = {SHANGHAI: ("client_secret", "client_id"), ZHEJIANG: ("secrets", "access_key")}
    secret, name = names.get(desk.wire, ("secrets", "app_id"))
    values: dict[str, object] = {secret: ["another-secret-0123456789"]} if change == "secret" else {name: "stranger"}
    if desk.wire is SHANGHAI and change == "secret":
        values = {secret: "another-secret-0123456789"}
    known = desk.adapter.settings.credentials
    others = type(known)({**known._values, **values})  # type: ignore[attr-defined, call-arg]
    stranger = adapter_for(desk.wire, "http://province", transport=desk.transport, credentials=others)
    for ask in (stranger.call(call()), stranger.find(call()), stranger.health()):
        with pytest.raises((Misconfigured, ContractBroken)):
            await ask
    desk.ends()
    assert await desk.ledger() == []


async def test_a_body_over_a_mebibyte_is_not_read_by_the_province(desk: Desk) -> None:
    with pytest.raises(ContractBroken):
        await desk.adapter.call(call(payload={"uscc": "x" * (1 << 20)}))


# --- callbacks


async def test_pending_work_ends_with_a_callback_that_is_believed(caller: Process, mailbox: Mailbox) -> None:
    sent = handover()
    taken = await caller.adapter.call(sent)
    letters = await mailbox.about(sent.key, count=ENDS_WITH[caller.wire])
    notices = [letter.read(caller.adapter) for letter in letters]
    assert taken.status is AnswerStatus.PENDING
    assert {notice.key for notice in notices} == {sent.key}
    (last,) = [notice.answer for notice in notices if notice.answer.status is AnswerStatus.ACCEPTED]
    assert last == await caller.adapter.find(sent)
    assert [row["delta"] for row in await caller.ledger(sent)] == [1]


ENDS_WITH = {SHANGHAI: 1, ZHEJIANG: 2}  # events about what is in progress: its end; its beginning and its end


async def test_a_lost_callback_is_never_sent_but_a_poll_finds_the_end(caller: Process, mailbox: Mailbox) -> None:
    await caller.fault("callback_lost")
    lost = handover()
    await caller.adapter.call(lost)
    found = await ended(caller, lost)
    await asyncio.sleep(0.3)
    told = [letter.read(caller.adapter).answer.status for letter in mailbox.arrived(lost.key)]
    assert AnswerStatus.ACCEPTED not in told  # its end; that it has begun is told beside it
    assert found is not None


async def test_a_duplicate_callback_comes_twice_with_one_event_id(caller: Process, mailbox: Mailbox) -> None:
    await caller.fault("callback_duplicate")
    sent = handover()
    await caller.adapter.call(sent)
    letters = await mailbox.about(sent.key, count=ENDS_WITH[caller.wire] + 1)
    assert len({letter.read(caller.adapter).event_id for letter in letters}) == ENDS_WITH[caller.wire]


async def test_a_forged_callback_is_refused_and_the_true_one_believed(caller: Process, mailbox: Mailbox) -> None:
    await caller.fault("callback_forged", times=1)
    sent = handover()
    await caller.adapter.call(sent)
    believed, refused = [], []
    for letter in await mailbox.about(sent.key, count=ENDS_WITH[caller.wire] + 1):
        try:
            believed.append(letter.read(caller.adapter).answer.status)
        except CallbackRefused as why:
            refused.append(why.code)
    assert AnswerStatus.ACCEPTED in believed
    assert refused == ["bad_signature"]


async def test_an_early_callback_is_there_before_the_answer_of_the_call(caller: Process, mailbox: Mailbox) -> None:
    await caller.fault("callback_early")
    sent = handover()
    answer = await caller.adapter.call(sent)
    statuses = [letter.read(caller.adapter).answer.status for letter in mailbox.arrived(sent.key)]
    assert answer.status is AnswerStatus.PENDING
    assert AnswerStatus.ACCEPTED in statuses


async def test_a_callback_is_repeated_until_it_is_taken(caller: Process, mailbox: Mailbox) -> None:
    mailbox.statuses[:] = [500, 503]
    sent = handover()
    await caller.adapter.call(sent)
    letters = await mailbox.about(sent.key, count=ENDS_WITH[caller.wire] + 2)
    assert len({letter.read(caller.adapter).event_id for letter in letters}) == ENDS_WITH[caller.wire]


async def test_what_is_called_off_is_over_for_callbacks_too(caller: Process, mailbox: Mailbox) -> None:
    cancelled = handover(uscc="91320500XXXX00932R")
    await caller.adapter.call(cancelled)
    undo = call(Verb.REVERSE, "archive_return", "market_regulation", original=cancelled.key)
    assert (await caller.adapter.call(undo)).data["outcome"] == "cancelled"
    await asyncio.sleep(1.2)
    statuses = [letter.read(caller.adapter).answer.status for letter in mailbox.arrived(cancelled.key)]
    assert AnswerStatus.ACCEPTED not in statuses
