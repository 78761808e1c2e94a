"""What the adapters make of everything a province may send back: the same for all four wires."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import httpx
import pytest

from adapters.errors import Ambiguous, ContractBroken, Misconfigured, ProvinceError, Unavailable
from adapters.port import Adapter
from domain.effects import Answer, AnswerStatus, Expect, Verb
from domain.messages import Text
from tests.adapters.wires import ANHUI, JIANGSU, SHANGHAI, WIRES, ZHEJIANG, Told, Wire, call, new_key

TEXT = {"zh": "欠税", "en": "taxes are owed"}
NOW = 1_795_600_000.0


@pytest.fixture(params=WIRES, ids=lambda wire: wire.name)
def wire(request: pytest.FixtureRequest) -> Wire:
    """Each of the four."""
    assert isinstance(request.param, Wire)
    return request.param


async def outcome(adapter: Adapter, **fields: str) -> Answer | ProvinceError:
    """What a submission came to."""
    try:
        return await adapter.call(call(payload=fields or None))
    except ProvinceError as error:
        return error


async def answered(wire: Wire, told: Told, **fields: str) -> Answer | ProvinceError:
    """What becomes of a matter."""
    return await outcome(wire.adapter(lambda request: wire.matter(request, told)), **fields)


# --- matters


async def test_done_is_accepted_with_number_and_result(wire: Wire) -> None:
    answer = await answered(wire, Told(number="34-1", result={"holder_name": "𠮷丽娜"}))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.reference) == (AnswerStatus.ACCEPTED, "34-1")
    assert answer.data == {"holder_name": "𠮷丽娜"}


async def test_refused_is_rejected_with_reasons_and_text(wire: Wire) -> None:
    answer = await answered(wire, Told(state="refused", reasons=["tax_arrears"], text=TEXT))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.reasons) == (AnswerStatus.REJECTED, ("tax_arrears",))
    assert answer.text == Text(**TEXT)


async def test_in_progress_is_pending_until_the_province_means_to_be_done(wire: Wire) -> None:
    told = Told(state="doing", after=90, wants=TEXT)
    adapter = wire.adapter(lambda request: wire.matter(request, told), clock=lambda: NOW)
    answer = await outcome(adapter)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.poll_after_s) == (AnswerStatus.PENDING, 90)
    assert answer.until == datetime.fromtimestamp(NOW + 90, UTC)
    assert answer.wants == Text(**TEXT)
    assert answer.expect is (Expect.CALLBACK if wire in (SHANGHAI, ZHEJIANG) else Expect.POLL)


async def test_without_a_word_about_when_it_is_asked_after_the_pause_of_the_entry(wire: Wire) -> None:
    adapter = wire.adapter(lambda request: wire.matter(request, Told(state="doing")), poll_after_s=41)
    answer = await outcome(adapter)
    assert isinstance(answer, Answer)
    assert (answer.poll_after_s, answer.until) == (41, None)


async def test_a_search_finds_the_matter_or_nothing(wire: Wire) -> None:
    sent = call()
    told = Told(key=wire.adapter(wire.matter).business_number(sent.case_no, sent.key))
    found = await wire.adapter(lambda request: wire.found(request, told)).find(sent)
    assert found is not None
    assert found.status is AnswerStatus.ACCEPTED
    assert await wire.adapter(wire.found).find(sent) is None


async def test_find_is_not_a_call(wire: Wire) -> None:
    with pytest.raises(Misconfigured, match="verb_not_supported"):
        await wire.adapter(wire.matter).call(call(Verb.FIND))


# --- money and texts


@pytest.mark.parametrize("fen", ["0", "1", "99", "100", "-250", "800000", "9007199254740993", "999999999999999999"])
async def test_money_goes_out_and_comes_back_to_the_fen(wire: Wire, fen: str) -> None:
    sent: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return wire.matter(request, Told(result={"fee_fen": fen}))

    answer = await outcome(wire.adapter(keep), amount_fen=fen)
    assert isinstance(answer, Answer)
    assert answer.data == {"fee_fen": fen}
    digits = f"{'-' if fen.startswith('-') else ''}{abs(int(fen)) // 100}.{abs(int(fen)) % 100:02d}"
    spelled = {
        SHANGHAI: f'"amount_fen":{fen}}}',
        JIANGSU: f'<Field name="amount_fen" unit="yuan">{digits}</Field>',
        ZHEJIANG: f'"amount_fen":"{fen}"',
        ANHUI: f'"amount_fen":{digits}}}',
    }
    assert spelled[wire] in sent[0].content.decode("gb18030" if wire is JIANGSU else "utf-8")


async def nobody(_: httpx.Request) -> httpx.Response:
    raise AssertionError("nothing is sent here")


@pytest.mark.parametrize("amount", ["", "1.5", "ten", "007", "+1", "-0", " 1", "１", "1" * 19, "1e3"])
async def test_an_amount_that_is_no_integer_is_never_sent(wire: Wire, amount: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        await wire.adapter(transport=httpx.MockTransport(nobody)).call(call(payload={"amount_fen": amount}))
    assert caught.value.code == "bad_amount"
    assert amount not in caught.value.detail or not amount


@pytest.mark.parametrize("field", [{"name": "\ud842"}, {"Name": "x"}, {"a b": "x"}])
async def test_text_that_cannot_be_sent_never_is(wire: Wire, field: dict[str, str]) -> None:
    with pytest.raises(ContractBroken, match="unsendable_text"):
        await wire.adapter(transport=httpx.MockTransport(nobody)).call(call().model_copy(update={"payload": field}))


@pytest.mark.parametrize("operation", ["../lookup", "tax clearance", "税", "", "x" * 65, "a/b"])
async def test_an_operation_cannot_escape_its_route(wire: Wire, operation: str) -> None:
    adapter = wire.adapter(transport=httpx.MockTransport(nobody))
    for wrong in (call(operation=operation), call(department=operation)):
        with pytest.raises(Misconfigured, match="bad_route"):
            await adapter.call(wrong)
    with pytest.raises(Misconfigured, match="bad_route"):
        await adapter.call(call(Verb.REVERSE, original=operation))


# --- what each trouble is


@pytest.mark.parametrize(
    ("trouble", "error", "code"),
    [
        ("signature", Misconfigured, "signature_wrong"),
        ("stale", Misconfigured, "clock_or_key"),
        ("replayed", Ambiguous, "request_replayed"),
        ("no_service", Misconfigured, "no_such_service"),
        ("conflict", ContractBroken, "key_used_otherwise"),
        ("malformed", ContractBroken, "malformed"),
        ("too_many", Unavailable, ""),
        ("internal", Ambiguous, ""),
    ],
)
async def test_each_trouble_has_its_error(wire: Wire, trouble: str, error: type[ProvinceError], code: str) -> None:
    if trouble == "conflict" and wire is ANHUI:
        return  # nobody keeps keys there
    caught = await outcome(wire.adapter(lambda request: wire.trouble(trouble, request)))
    assert type(caught) is error
    assert code in ("", caught.code)
    if isinstance(caught, Unavailable):
        assert caught.retry_after == 17.0


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (204, Ambiguous),
        (206, Ambiguous),
        (301, Misconfigured),
        (307, Misconfigured),
        (400, ContractBroken),
        (401, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
        (408, Ambiguous),
        (413, ContractBroken),
        (418, ContractBroken),
        (422, ContractBroken),
        (429, Unavailable),
        (500, Ambiguous),
        (502, Ambiguous),
        (503, Unavailable),
        (504, Ambiguous),
    ],
)
async def test_each_status_by_itself_stands_for_one_error(wire: Wire, status: int, error: type[ProvinceError]) -> None:
    headers = {"Location": "http://elsewhere/", "Content-Type": wire.media}
    assert type(await outcome(wire.adapter(lambda _: httpx.Response(status, headers=headers)))) is error


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
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else each.__name__,
)
async def test_each_break_of_the_line_stands_for_one_error(
    wire: Wire, broken: Exception, error: type[ProvinceError]
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise broken

    assert type(await outcome(wire.adapter(fail))) is error


# --- what cannot be read


def _bodies() -> list[tuple[str, bytes, str]]:
    return [
        ("html", "<h1>系统维护中</h1>".encode(), "text/html"),
        ("no type", b"{}", ""),
        ("other type", b"{}", "text/plain"),
        ("charset", b"{}", "{media}; charset=big5"),
        ("empty", b"", "{media}"),
        ("cut json", b'{"code": "200", "da', "{media}"),
        ("cut xml", b"<Envelope><Head><AppId>", "{media}"),
        ("no utf-8", b"\xff\xfe\x00", "{media}"),
        ("deep json", b"[" * 200_000, "{media}"),
        ("deep object", b'{"a":' * 40 + b"1" + b"}" * 40, "{media}"),
        ("deep xml", b"<a>" * 5000, "{media}"),
        ("list", b"[]", "{media}"),
        ("text", b'"00"', "{media}"),
        ("nan", b'{"code": NaN}', "{media}"),
        ("twice", b'{"code": "200", "code": "200"}', "{media}"),
        ("oversize", b" " * ((1 << 20) + 1), "{media}"),
        ("dtd", b'<!DOCTYPE a [<!ENTITY x "y">]><Envelope><Head>&x;</Head></Envelope>', "{media}"),
        ("external", b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><Envelope/>', "{media}"),
    ]


@pytest.mark.parametrize(("body", "media"), [each[1:] for each in _bodies()], ids=[each[0] for each in _bodies()])
async def test_an_unreadable_answer_leaves_the_outcome_open(wire: Wire, body: bytes, media: str) -> None:
    headers = {"Content-Type": media.format(media=wire.media.partition(";")[0])} if media else {}
    error = await outcome(wire.adapter(lambda _: httpx.Response(200, content=body, headers=headers)))
    assert isinstance(error, Ambiguous)
    assert error.code == "unreadable_answer"


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
async def test_a_compressed_answer_is_not_opened(wire: Wire, encoding: str) -> None:
    def squeezed(request: httpx.Request) -> httpx.Response:
        answer = wire.matter(request)
        return httpx.Response(200, stream=answer.stream, headers={**answer.headers, "Content-Encoding": encoding})

    error = await outcome(wire.adapter(squeezed))
    assert isinstance(error, Ambiguous)
    assert error.detail == "content_encoding"


@pytest.mark.parametrize(
    "told",
    [
        Told(number=7),
        Told(number=None),
        Told(number="x" * 129),
        Told(number="\ud842"),
        Told(result=[]),
        Told(result={"amount": 1}),
        Told(result={"name": "\udc00"}),
        Told(result={"name": "x" * 4001}),
        Told(result={"Name": "x"}),
        Told(reasons="none"),
        Told(reasons=[1]),
        Told(reasons=["<script>"]),
        Told(text="text"),
        Told(text={"zh": "好"}),
        Told(wants=["x"]),
        Told(after="soon"),
        Told(after=True),
        Told(after=1.5),
    ],
    ids=repr,
)
async def test_a_part_of_the_wrong_type_or_size_leaves_the_outcome_open(wire: Wire, told: Told) -> None:
    if wire is JIANGSU and told.after != "soon" and told.reasons != ["<script>"] and told.number != "x" * 129:
        return  # XML has no types to be wrong, and no half surrogates
    told.state = "refused" if told.reasons or told.text else "doing"
    error = await answered(wire, told)
    assert isinstance(error, Ambiguous)
    assert error.code == "unreadable_answer"


async def test_an_error_names_parts_but_never_their_values() -> None:
    for wire in (SHANGHAI, ZHEJIANG, ANHUI):
        error = await answered(wire, Told(result={"name": ["阿依古丽"]}))
        assert isinstance(error, Ambiguous)
        assert "data" in str(error)
        assert "阿依古丽" not in str(error)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (Told(key="0" * 64), "wrong_key_echoed"),
        (Told(key=""), "wrong_key_echoed"),
        (Told(state="99"), "unknown_result_code"),
        (Told(state=""), "unknown_result_code"),
        (Told(state="DONE "), "unknown_result_code"),
        (Told(result={"licence_identifier": "1.2.156.3005.2.1.2.3.001.X"}), "invalid_licence_identifier"),
        (Told(result={"licence_identifier": "not one"}), "invalid_licence_identifier"),
        (Told(result={"licence_identifier": ""}), "invalid_licence_identifier"),
    ],
    ids=repr,
)
async def test_an_answer_that_repeating_cannot_mend_breaks_the_contract(wire: Wire, told: Told, code: str) -> None:
    error = await answered(wire, told)
    assert isinstance(error, ContractBroken)
    assert error.code == code


@pytest.mark.parametrize("told", [Told(key=7), Told(key=["x"]), Told(state=0), Told(state=["00"]), Told(state=None)])
async def test_a_key_or_a_state_that_is_no_text_breaks_the_contract_too(told: Told) -> None:
    for wire in (SHANGHAI, ZHEJIANG, ANHUI):
        assert isinstance(await answered(wire, told), ContractBroken)


async def test_a_byte_at_a_time_does_not_hold_the_adapter_for_ever(wire: Wire) -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.01)

    def drip(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Drip(), headers={"Content-Type": wire.media})

    started = time.monotonic()
    with pytest.raises(Ambiguous, match="timeout"):
        await wire.adapter(drip, timeout_s=0.1, connect_timeout_s=0.1).call(call())
    assert time.monotonic() - started < 2


# --- who asks


async def test_nothing_is_repeated_on_the_wire_and_no_cookie_comes_back(wire: Wire) -> None:
    seen: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = wire.matter(request)
        answer.headers["Set-Cookie"] = "track=1"
        return answer

    adapter, sent = wire.adapter(keep), call()
    await adapter.call(sent)
    await adapter.call(sent)
    marks = {
        SHANGHAI: lambda r: r.headers["Signature-Input"],
        JIANGSU: lambda r: JIANGSU.asked(r).findtext("Head/MsgId"),
        ZHEJIANG: lambda r: r.headers["X-Nonce"],
        ANHUI: lambda r: r.headers["X-Serial"],
    }
    mark: Callable[[httpx.Request], str] = marks[wire]
    assert mark(seen[0]) != mark(seen[1])
    assert "cookie" not in seen[1].headers


@pytest.mark.parametrize("missing", ["all", "first"])
def test_a_missing_credential_stops_the_worker(wire: Wire, missing: str) -> None:
    for name in wire.credentials if missing == "all" else list(wire.credentials)[:1]:
        with pytest.raises(Misconfigured, match=name):
            wire.adapter(wire.matter, credentials=wire.given(**{name: None}))


async def test_a_secret_that_rotates_is_used_from_the_next_call_on(wire: Wire) -> None:
    credentials = wire.given()
    values = dict(wire.credentials)
    credentials._values = values  # type: ignore[assignment]
    seen: list[str] = []
    names = {SHANGHAI: "key_id", JIANGSU: "app_id", ZHEJIANG: "access_key", ANHUI: "app_id"}

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.headers} {request.content!r}")
        return wire.matter(request)

    adapter = wire.adapter(keep, credentials=credentials)
    await adapter.call(call())
    values[names[wire]] = "successor"
    await adapter.call(call())
    assert "successor" not in seen[0]
    assert "successor" in seen[1]


async def test_a_credential_no_header_can_carry_is_a_matter_of_configuration() -> None:
    for wire, name in ((ZHEJIANG, "access_key"), (ANHUI, "app_id")):
        for odd in ("a\r\nX: y", "密钥"):
            with pytest.raises(Misconfigured, match="unsendable_header"):
                await wire.adapter(wire.matter, credentials=wire.given(**{name: odd})).call(call())


async def test_every_keyed_verb_carries_its_key_and_looking_carries_none(wire: Wire) -> None:
    original = new_key()
    adapter = wire.adapter(wire.matter)
    for verb in wire.kind.capabilities.verbs - {Verb.FIND, Verb.QUERY}:
        sent = call(verb)
        if verb in EARLIER:
            sent = call(verb, original=original, original_reference="7")
        assert (await adapter.call(sent)).status is AnswerStatus.ACCEPTED


EARLIER = {Verb.REVERSE, Verb.WITHDRAW, Verb.SUPPLEMENT}
