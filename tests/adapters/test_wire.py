"""What goes over the wire and what the adapter makes of everything a province may send back."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate

import httpx
import pytest

from adapters.errors import Ambiguous, CallbackRefused, ContractBroken, Misconfigured, ProvinceError, Unavailable
from adapters.signed_json import SignedJson, retry_after
from domain.effects import Answer, AnswerStatus, Verb
from provinces.signing import signature
from tests.adapters.places import REGION, SECRET, Desk, call

PATH = "/gateway/tax/tax_clearance"
NONCE = "n" * 32


def province_that(answers: Callable[[httpx.Request], httpx.Response]) -> SignedJson:
    """An adapter in front of a scripted province."""
    return SignedJson(region=REGION, url="http://province", secret=SECRET, transport=httpx.MockTransport(answers))


def good(request: httpx.Request, **changes: object) -> dict[str, object]:
    """A good answer to a request, with changes."""
    body: dict[str, object] = {"requestNo": json.loads(request.content)["requestNo"], "resultCode": "00"}
    return body | {"businessNo": "34-1", "resultItems": {}, "reasons": [], "message": None, "checkAfter": 0} | changes


async def outcome(adapter: SignedJson) -> Answer | ProvinceError:
    """What a submission came to."""
    try:
        return await adapter.call(call())
    except ProvinceError as error:
        return error


# --- signatures at the province's gate


async def knock(desk: Desk, body: bytes, at: int, sign: str, nonce: str = NONCE) -> httpx.Response:
    headers = {"X-Gw-Time": str(at), "X-Gw-Nonce": nonce, "X-Gw-Sign": sign}
    return await desk.client.post(PATH, content=body, headers=headers)


async def test_a_signature_opens_the_gate_once(desk: Desk) -> None:
    body, now = b"{}", int(time.time())
    sign = signature(SECRET, "POST", PATH, str(now), NONCE, body)
    first, replayed = await knock(desk, body, now, sign), await knock(desk, body, now, sign)
    assert first.status_code == 400  # let in, and then found to be no order
    assert (replayed.status_code, replayed.json()["error"]) == (401, "signature_replayed")


@pytest.mark.parametrize("age", [-301, 301])
async def test_an_old_or_future_signature_is_refused(desk: Desk, age: int) -> None:
    at = int(time.time()) - age
    answer = await knock(desk, b"{}", at, signature(SECRET, "POST", PATH, str(at), NONCE, b"{}"))
    assert (answer.status_code, answer.json()["error"]) == (401, "signature_stale")


@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", PATH, b"{}"), ("POST", "/gateway/tax/other", b"{}"), ("POST", PATH, b"{ }")]
)
async def test_a_signature_over_something_else_is_refused(desk: Desk, method: str, path: str, body: bytes) -> None:
    now = int(time.time())
    answer = await knock(desk, b"{}", now, signature(SECRET, method, path, str(now), NONCE, body))
    assert (answer.status_code, answer.json()["error"]) == (401, "signature_wrong")


@pytest.mark.parametrize("nonce", ["", "short", "x" * 65, "n n" * 10])
async def test_a_nonce_has_a_shape(desk: Desk, nonce: str) -> None:
    now = int(time.time())
    answer = await knock(desk, b"{}", now, signature(SECRET, "POST", PATH, str(now), nonce, b"{}"), nonce)
    assert (answer.status_code, answer.json()["error"]) == (401, "signature_missing")


async def test_an_adapter_with_another_secret_is_misconfigured(desk: Desk) -> None:
    wrong = SignedJson(region=REGION, url="http://province", secret=b"x" * 32, transport=desk.transport)
    for ask in (wrong.call(call()), wrong.find(call()), wrong.health()):
        with pytest.raises(Misconfigured, match="http_401"):
            await ask
    assert await desk.ledger() == []


async def test_a_body_over_a_mebibyte_is_not_read_by_the_province(desk: Desk) -> None:
    with pytest.raises(ContractBroken, match="http_413"):
        await desk.adapter.call(call(payload={"uscc": "x" * (1 << 20)}))


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b"\xff", b"[" * 100_000, b'{"items": {"a": 1}}', b'{"requestNo": 7}', b'"x"', b"null"]
)
async def test_a_signed_body_that_is_no_order_is_refused(desk: Desk, body: bytes) -> None:
    now = int(time.time())
    answer = await knock(desk, body, now, signature(SECRET, "POST", PATH, str(now), NONCE, body))
    assert answer.status_code == 400


# --- what an answer means


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Misconfigured),
        (307, Misconfigured),
        (400, ContractBroken),
        (401, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
        (408, Ambiguous),
        (409, ContractBroken),
        (422, ContractBroken),
        (429, Unavailable),
        (500, Ambiguous),
        (502, Ambiguous),
        (503, Unavailable),
        (504, Ambiguous),
        (201, Ambiguous),
        (204, Ambiguous),
    ],
)
async def test_each_status_stands_for_one_error(status: int, error: type[ProvinceError]) -> None:
    headers = {"Location": "http://elsewhere/", "Content-Type": "application/json"}
    assert type(await outcome(province_that(lambda _: httpx.Response(status, headers=headers)))) is error


def _bad_certificate() -> httpx.ConnectError:
    error = httpx.ConnectError("tls")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed")
    return error


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (httpx.ConnectError("refused"), Unavailable),
        (httpx.ConnectTimeout("slow"), Unavailable),
        (httpx.PoolTimeout("full"), Unavailable),
        (httpx.ReadTimeout("slow"), Ambiguous),
        (httpx.WriteTimeout("slow"), Ambiguous),
        (httpx.ReadError("reset"), Ambiguous),
        (httpx.WriteError("reset"), Ambiguous),
        (httpx.RemoteProtocolError("garbled"), Ambiguous),
        (_bad_certificate(), Misconfigured),
        (httpx.UnsupportedProtocol("ftp"), Misconfigured),
    ],
)
async def test_each_break_of_the_line_stands_for_one_error(broken: Exception, error: type[ProvinceError]) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise broken

    assert type(await outcome(province_that(fail))) is error


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, html="<h1>系统维护中</h1>"),
        httpx.Response(200, content=b"{}", headers={"Content-Type": "application/json; charset=gbk"}),
        httpx.Response(200, content=b"{}", headers={"Content-Type": "text/plain"}),
        httpx.Response(200, content=b"{}"),
        httpx.Response(200, content=b"{", headers={"Content-Type": "application/json"}),
        httpx.Response(200, content="中".encode("gbk"), headers={"Content-Type": "application/json"}),
        httpx.Response(200, content=b"[" * 200_000, headers={"Content-Type": "application/json"}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json="00"),
        httpx.Response(200, content=b" " * ((1 << 20) + 1), headers={"Content-Type": "application/json"}),
    ],
    ids=["html", "charset", "type", "no type", "cut", "gbk", "deep", "list", "text", "oversize"],
)
async def test_an_unreadable_answer_leaves_the_outcome_open(response: httpx.Response) -> None:
    error = await outcome(province_that(lambda _: response))
    assert isinstance(error, Ambiguous)
    assert error.code == "unreadable_answer"


@pytest.mark.parametrize(
    "changes",
    [
        {"businessNo": 7},
        {"businessNo": None},
        {"resultItems": []},
        {"resultItems": {"amount": 1}},
        {"reasons": "none"},
        {"reasons": [1]},
        {"reasons": ["<script>"]},
        {"message": "text"},
        {"message": {"zh": "好"}},
        {"checkAfter": "soon"},
        {"checkAfter": True},
    ],
)
async def test_a_field_of_the_wrong_type_leaves_the_outcome_open(changes: dict[str, object]) -> None:
    error = await outcome(province_that(lambda request: httpx.Response(200, json=good(request, **changes))))
    assert isinstance(error, Ambiguous)


async def test_an_error_names_fields_but_never_their_values() -> None:
    secret = {"resultItems": {"name": ["阿依古丽"]}}
    error = await outcome(province_that(lambda request: httpx.Response(200, json=good(request, **secret))))
    assert isinstance(error, Ambiguous)
    assert "data" in str(error)
    assert "阿依古丽" not in str(error)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"requestNo": "0" * 64}, "wrong_key_echoed"),
        ({"requestNo": None}, "wrong_key_echoed"),
        ({"resultCode": "99"}, "unknown_result_code"),
        ({"resultCode": 0}, "unknown_result_code"),
        ({"resultCode": ["00"]}, "unknown_result_code"),
        ({"resultCode": "03"}, "unknown_result_code"),
        ({"resultItems": {"licence_identifier": "1.2.156.3005.2.1.2.3.001.X"}}, "invalid_licence_identifier"),
        ({"resultItems": {"licence_identifier": "not one"}}, "invalid_licence_identifier"),
        ({"resultItems": {"licence_identifier": ""}}, "invalid_licence_identifier"),
    ],
)
async def test_an_answer_that_repeating_cannot_mend_breaks_the_contract(changes: dict[str, object], code: str) -> None:
    error = await outcome(province_that(lambda request: httpx.Response(200, json=good(request, **changes))))
    assert isinstance(error, ContractBroken)
    assert error.code == code


async def test_fields_nobody_asked_for_are_ignored() -> None:
    answer = await outcome(province_that(lambda request: httpx.Response(200, json=good(request, extra={"a": [1]}))))
    assert isinstance(answer, Answer)
    assert answer.status is AnswerStatus.ACCEPTED


async def test_a_byte_at_a_time_does_not_hold_the_adapter_for_ever() -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.01)

    def drip(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Drip(), headers={"Content-Type": "application/json"})

    adapter = SignedJson(
        region=REGION, url="http://province", secret=SECRET, timeout_s=0.1, connect_timeout_s=0.1,
        transport=httpx.MockTransport(drip),
    )  # fmt: skip
    started = time.monotonic()
    with pytest.raises(Ambiguous, match="timeout"):
        await adapter.call(call())
    assert time.monotonic() - started < 2


async def test_only_the_payload_and_the_names_of_the_case_leave_the_house() -> None:
    seen: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=good(request), headers={"Set-Cookie": "track=1"})

    adapter = province_that(keep)
    sent = call(Verb.SUBMIT, payload={"name": "\U00020bb7"})
    await adapter.call(sent)
    await adapter.call(sent)
    assert json.loads(seen[0].content) == {
        "requestNo": sent.key, "regionCode": REGION, "serviceCode": "tax_clearance", "action": "apply",
        "originalNo": "", "caseNo": "CASE-1", "legNo": "leg", "stepNo": "step", "items": {"name": "\U00020bb7"},
    }  # fmt: skip
    assert seen[0].headers["X-Gw-Nonce"] != seen[1].headers["X-Gw-Nonce"]
    assert "cookie" not in seen[1].headers
    assert str(seen[0].url) == "http://province/gateway/tax/tax_clearance"


async def test_a_path_prefix_in_the_address_is_part_of_what_is_signed() -> None:
    def check(request: httpx.Request) -> httpx.Response:
        h = request.headers
        expected = signature(SECRET, "POST", "/gov" + PATH, h["X-Gw-Time"], h["X-Gw-Nonce"], request.content)
        return httpx.Response(200, json=good(request)) if h["X-Gw-Sign"] == expected else httpx.Response(401)

    adapter = SignedJson(region=REGION, url="http://p/gov/", secret=SECRET, transport=httpx.MockTransport(check))
    assert isinstance(await outcome(adapter), Answer)


# --- Retry-After

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("999999", 3600.0),
        ("9" * 400, 3600.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (formatdate(NOW + 1e6, usegmt=True), 3600.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("７", None),
        ("Fri, 99 Foo 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_at_most_an_hour_or_nothing(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_reaches_the_caller(status: int) -> None:
    error = await outcome(province_that(lambda _: httpx.Response(status, headers={"Retry-After": "12"})))
    assert isinstance(error, Unavailable)
    assert error.retry_after == 12.0


# --- callbacks


def letter(body: bytes, at: int | None = None, path: str = "/cb", secret: bytes = SECRET) -> dict[str, str]:
    stamp = str(int(time.time()) if at is None else at)
    return {
        "x-gw-time": stamp,
        "X-Gw-Nonce": NONCE,
        "X-GW-SIGN": signature(secret, "POST", path, stamp, NONCE, body),
    }


def told(**changes: object) -> bytes:
    body: dict[str, object] = {"eventNo": "e1", "regionCode": REGION, "requestNo": "k", "resultCode": "01"}
    return json.dumps(body | {"reasons": ["late"]} | changes).encode()


async def nobody(_: httpx.Request) -> httpx.Response:
    raise AssertionError("nothing is sent here")


def reader() -> SignedJson:
    return SignedJson(region=REGION, url="http://province", secret=SECRET, transport=httpx.MockTransport(nobody))


def test_a_signed_callback_is_read() -> None:
    notice = reader().read_callback("/cb", letter(told()), told())
    assert (notice.event_id, notice.key, notice.answer.status) == ("e1", "k", AnswerStatus.REJECTED)
    assert notice.answer.reasons == ("late",)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "bad_signature"),
        (letter(told(), secret=b"y" * 32), "bad_signature"),
        (letter(told(), path="/other"), "bad_signature"),
        (letter(told(resultCode="00")), "bad_signature"),
        (letter(told()) | {"X-Gw-Nonce": "m" * 32}, "bad_signature"),
        (letter(told()) | {"X-GW-SIGN": "签"}, "bad_signature"),
        (letter(told()) | {"x-gw-time": "١٢٣"}, "bad_signature"),
        (letter(told(), at=int(time.time()) - 100_000), "stale"),
        (letter(told(), at=int(time.time()) + 100_000), "stale"),
    ],
)
def test_a_callback_that_is_not_signed_now_and_for_this_is_refused(headers: dict[str, str], code: str) -> None:
    with pytest.raises(CallbackRefused) as caught:
        reader().read_callback("/cb", headers, told())
    assert caught.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", told(eventNo=""), told(eventNo=5), told(eventNo="a b"), told(requestNo=""),
        told(requestNo=[]), told(resultCode="99"), told(resultCode="03"), told(regionCode="330000"), told(reasons=7),
        told(resultItems={"licence_identifier": "x"}),
    ],
)  # fmt: skip
def test_a_signed_callback_that_makes_no_sense_is_malformed(body: bytes) -> None:
    with pytest.raises(CallbackRefused) as caught:
        reader().read_callback("/cb", letter(body), body)
    assert caught.value.code == "malformed"
