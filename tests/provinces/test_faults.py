"""The switchboard at every face: each kind once, and what of it stays in the books."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from provinces.faults import KINDS, Where
from tests.provinces.callers import CALLERS, Anhui, Caller, Jiangsu, Reply, Shanghai, Zhejiang, new_key
from tests.provinces.places import COMPANY, Desk, Mailbox, Program

PLAIN = {"uscc": COMPANY}
BUSY = {Shanghai: "urn:sh:too-many-requests", Jiangsu: "9001", Zhejiang: "42901", Anhui: "too_many"}
BROKEN = {Shanghai: "urn:sh:internal", Jiangsu: "9999", Zhejiang: "50001", Anhui: "internal"}
STALE = {Shanghai: "urn:sh:signature-stale", Jiangsu: "3002", Zhejiang: "40102", Anhui: "auth_stale"}


@pytest_asyncio.fixture(scope="module", params=[caller.region for caller in CALLERS])
async def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    """Each province as a program, for all tests here."""
    data = tmp_path_factory.mktemp(str(request.param))
    place = Program(str(request.param), data, "--pending-seconds", "0.05", "--slow-seconds", "0")
    yield place
    assert await place.stop() == 0


@pytest_asyncio.fixture
async def place(shared: Program) -> AsyncIterator[Program]:
    await shared.clear()
    yield shared
    await shared.clear()


def hasty(place: Program) -> Caller:
    """A caller who does not wait."""
    caller = type(place.caller)(httpx.AsyncClient(base_url=place.url, trust_env=False, timeout=0.5))
    if isinstance(caller, Shanghai) and isinstance(place.caller, Shanghai):
        caller.token = place.caller.token
    return caller


async def known(place: Program, key: str) -> Reply | None:
    """What became of a key, once it has had time to end."""
    await asyncio.sleep(0.1)
    sent = Reply(httpx.Response(200), sent_as=f"CASE-1-{key[:16]}" if isinstance(place.caller, Anhui) else key)
    return await place.caller.find(sent)


async def apply(caller: Caller, key: str) -> Reply:
    return await caller.send("apply", "market_regulation", "business_licence_issue", PLAIN, key=key)


@pytest.mark.parametrize(
    ("kind", "done"),
    [
        ("reset", False),
        ("half_open", False),
        ("lost_answer", True),
        ("timeout", True),
        ("truncated", True),
        ("reset_mid_body", True),
        ("slow", True),
    ],
)
async def test_when_the_line_fails_only_the_books_know_what_was_done(place: Program, kind: str, done: bool) -> None:
    await place.caller.health()  # a token first, where there is one
    impatient, key = hasty(place), new_key()
    await place.fault(kind, operation="business_licence_issue", seconds=1.2)
    with pytest.raises(httpx.TransportError):
        await apply(impatient, key)
    await impatient.client.aclose()
    found = await known(place, key)
    assert (found is not None) == done
    if found is not None:
        assert found.state == "done"


@pytest.mark.parametrize(
    "kind", ["garbage", "oversize", "wrong_charset", "wrong_types", "unknown_enum", "deep", "wrong_key", "bad_licence"]
)
async def test_an_answer_nobody_should_believe_is_about_something_that_was_done(place: Program, kind: str) -> None:
    key = new_key()
    await place.caller.health()
    plain = await place.caller.send("preview", "big_data", "compulsory_insurance", {"holder_id": "1"})
    await place.fault(kind, operation="business_licence_issue")
    try:
        odd = await apply(place.caller, key)
    except (AssertionError, ValueError, LookupError, SyntaxError, TypeError, RecursionError, AttributeError):
        odd = None  # its reader stumbled, as it should
    if kind in ("wrong_key", "garbage"):
        assert odd is not None
        assert odd.key != odd.sent_as
    assert plain.state == "refused"
    found = await known(place, key)
    assert found is not None
    assert found.state == "done"


async def test_a_dripping_answer_comes_whole_in_the_end(place: Program) -> None:
    await place.caller.health()
    await place.fault("drip", operation="business_licence_issue", seconds=0.6)
    started = time.monotonic()
    assert (await apply(place.caller, new_key())).problem == ""
    assert time.monotonic() - started >= 0.6


async def test_too_many_maintenance_and_errors_come_in_the_words_of_the_face(place: Program) -> None:
    await place.caller.health()
    key = new_key()
    for kind, problem in (("refuse_429", BUSY), ("error_500", BROKEN)):
        await place.fault(kind, operation="business_licence_issue", retry_after="7")
        assert (await apply(place.caller, key)).problem == problem[type(place.caller)]
        assert await known(place, key) is None


@pytest.mark.parametrize("said", ["7", "-1", "soon", formatdate(2e9, usegmt=True), ""])
async def test_a_house_that_is_down_may_say_anything_about_when_it_is_back(place: Program, said: str) -> None:
    await place.caller.health()
    await place.fault("down", retry_after=said, times=3)
    answers = [(await apply(place.caller, new_key())).raw, await place.caller.health()]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].headers.get("retry-after", "") == said


@pytest.mark.parametrize("status", [302, 400, 403, 404, 408, 418, 425, 502, 504])
async def test_any_status_can_come_from_in_front_of_the_house(place: Program, status: int) -> None:
    await place.caller.health()
    await place.fault("http_status", status=status, operation="business_licence_issue")
    assert (await apply(place.caller, new_key())).raw.status_code == status


async def test_when_nobody_listens_connections_are_refused_until_somebody_does(place: Program) -> None:
    await place.caller.health()
    await place.fault("refused", seconds=0.4)
    fresh = hasty(place)
    with pytest.raises(httpx.ConnectError):
        await apply(fresh, new_key())
    await asyncio.sleep(0.6)
    assert (await apply(fresh, new_key())).problem == ""
    await fresh.client.aclose()


@pytest.mark.parametrize("seconds", [-400, 400])
async def test_a_skewed_clock_takes_fresh_signatures_for_stale(place: Program, seconds: float) -> None:
    await place.caller.health()
    await place.fault("clock_skew", seconds=seconds, operation="business_licence_issue")
    assert (await apply(place.caller, new_key())).problem == STALE[type(place.caller)]
    assert (await apply(place.caller, new_key())).problem == ""


async def test_delayed_is_done_late(place: Program) -> None:
    await place.caller.health()
    await place.fault("delayed", seconds=0.3, operation="business_licence_issue")
    started = time.monotonic()
    assert (await apply(place.caller, new_key())).problem == ""
    assert time.monotonic() - started >= 0.3


async def test_lookups_are_spared_unless_they_are_meant(place: Program) -> None:
    done = await apply(place.caller, new_key())
    await place.fault("error_500", times=None)
    assert await place.caller.find(done) is not None
    await place.clear()
    await place.fault("http_status", operation="lookup", status=502)
    try:
        answer = await place.caller.find(done)
        assert answer is not None
        assert answer.raw.status_code == 502
    except ValueError:
        pass  # no JSON in it


async def test_dice_fall_the_same_for_the_same_seed(place: Program) -> None:
    await place.caller.health()

    async def course() -> list[bool]:
        await place.clear()
        await place.fault("refuse_429", probability=0.5, seed=7, times=None)
        return [bool((await apply(place.caller, new_key())).problem) for _ in range(12)]

    first = await course()
    assert first == await course()
    assert 1 < sum(first) < 11


@pytest.mark.parametrize("region", ["310000", "330000"])
@pytest.mark.parametrize(
    ("kind", "letters"),
    [("callback_lost", 0), ("callback_duplicate", 2), ("callback_unknown", 2), ("callback_forged", 2),
     ("callback_late", 1), ("callback_early", 1), ("clock_skew", 1)],
)  # fmt: skip
async def test_callbacks_go_wrong_in_every_way(
    tmp_path: Path, box: Mailbox, region: str, kind: str, letters: int
) -> None:
    place = Program(region, tmp_path, "--callback-url", box.url, "--pending-seconds", "0.1")
    await place.caller.health()
    strikes = {"operation": "callback", "times": None} if kind == "clock_skew" else {}
    await place.fault(kind, **({"seconds": 0.5} | strikes))
    sent = await place.caller.send("apply", "market_regulation", "archive_handover", PLAIN)
    taken = 1 if region == "330000" else 0
    await box.total(letters + taken)
    await asyncio.sleep(0.3)
    assert len(box.letters) == letters + taken
    about = [letter for letter in box.letters if sent.sent_as.encode() in letter.body]
    assert len(about) == letters + taken - (1 if kind == "callback_unknown" else 0)
    assert isinstance(place.caller, Shanghai | Zhejiang)
    believed = [place.caller.believes(letter.path, letter.headers, letter.body) for letter in box.letters]
    assert believed.count(False) == (1 if kind == "callback_forged" else 0)
    assert await place.stop() == 0


async def test_an_unknown_fault_is_refused(tmp_path: Path) -> None:
    desk = Desk("330000", tmp_path)
    odd: list[object] = [
        {"kind": "earthquake"}, {"kind": "down", "status": 700}, {"kind": "slow", "seconds": -1}, {"kind": []},
        {"kind": "down", "retry_after": "1\r\nX: y"}, {"kind": "down", "probability": 2}, {"kind": "down", "more": 1},
    ]  # fmt: skip
    for body in odd:
        assert (await desk.client.post("/sim/faults", json=body)).status_code == 422
    for kind in KINDS:
        await desk.fault(kind)
    listed = (await desk.client.get("/sim/faults")).json()["faults"]
    assert [fault["kind"] for fault in listed] == list(KINDS)
    assert {kind.where for kind in KINDS.values()} == set(Where)
    await desk.aclose()
