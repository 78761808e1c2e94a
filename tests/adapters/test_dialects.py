"""What only one dialect has: tokens, signed answers, pages, business numbers, a person at the counter."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable

import httpx
import pytest
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from adapters.clerk import Clerk
from adapters.credentials import GivenCredentials
from adapters.errors import Ambiguous, ContractBroken, Misconfigured, ProvinceError, Unavailable
from adapters.port import Adapter, AdapterSettings, FindBy
from domain.effects import AnswerStatus, Expect, Verb
from tests.adapters.wires import ANHUI, CLEAN, JIANGSU, OURS, SECRET, SHANGHAI, ZHEJIANG, Told, call, new_key

Script = Callable[[httpx.Request], httpx.Response]


async def error_of(adapter: Adapter) -> ProvinceError:
    with pytest.raises(ProvinceError) as caught:
        await adapter.call(call())
    return caught.value


# --- 310000


class Tokens:
    """A place that gives tokens, and counts."""

    def __init__(self, then: Script = SHANGHAI.matter, **changes: object) -> None:
        self.given, self.then, self.changes = 0, then, changes
        self.refuse: httpx.Response | Exception | None = None
        self.now = 1_795_600_000.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/oauth/token":
            return self.then(request)
        self.given += 1
        if isinstance(self.refuse, Exception):
            raise self.refuse
        token = {"access_token": f"T{self.given}", "token_type": "Bearer", "expires_in": 300} | self.changes
        return self.refuse or httpx.Response(200, json=token)

    def adapter(self, **more: object) -> Adapter:
        return SHANGHAI.adapter(transport=httpx.MockTransport(self), clock=lambda: self.now, **more)


async def test_310000_signs_what_it_sends_over_all_the_page_asks_for() -> None:
    seen: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return SHANGHAI.matter(request)

    adapter = SHANGHAI.adapter(keep, url="http://province:8401/gov/")
    sent = call(payload={"name": "𠮷", "amount_fen": "5"})
    await adapter.call(sent)
    keys = MappingKeyResolver(public_keys={"ours-1": OURS.public_key()}, private_keys={})
    needed = ("@method", "@authority", "@path", "@query", "authorization", "content-type", "content-digest")
    (signed,) = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=keys).verify(
        seen[0], require_components=(*needed, "idempotency-key"), body=seen[0].content
    )
    assert signed.label == "sig1"
    assert 16 <= len(str(signed.parameters["nonce"])) <= 64
    assert signed.covered_components['"@path"'] == "/gov/api/v1/departments/tax/services/tax_clearance/applications"
    assert signed.covered_components['"@authority"'] == "province:8401" == seen[0].headers["Host"]
    assert json.loads(seen[0].content) == {
        "case": {"number": "CASE-1", "leg": "leg", "step": "step"}, "fields": {"name": "𠮷", "amount_fen": 5},
    }  # fmt: skip


async def test_a_token_is_kept_until_shortly_before_it_expires() -> None:
    place = Tokens()
    adapter = place.adapter()
    await asyncio.gather(*(adapter.call(call()) for _ in range(10)))
    assert place.given == 1
    place.now += 260
    await adapter.call(call())
    assert place.given == 1
    place.now += 20
    await adapter.call(call())
    assert place.given == 2


async def test_a_token_of_other_credentials_is_not_used() -> None:
    values = dict(SHANGHAI.credentials)
    credentials = GivenCredentials({})
    credentials._values = values  # type: ignore[assignment]
    place = Tokens()
    adapter = place.adapter(credentials=credentials)
    await adapter.call(call())
    values["client_secret"] = "another-secret-0123456789"
    await adapter.call(call())
    assert place.given == 2


async def test_a_token_that_is_no_longer_taken_is_fetched_once_more() -> None:
    place = Tokens()

    def only_the_second(request: httpx.Request) -> httpx.Response:
        good = request.headers["Authorization"] == "Bearer T2"
        return SHANGHAI.matter(request) if good else SHANGHAI.trouble("token", request)

    place.then = only_the_second
    assert (await place.adapter().call(call())).status is AnswerStatus.ACCEPTED
    assert place.given == 2
    place.then = lambda request: SHANGHAI.trouble("token", request)
    error = await error_of(place.adapter())
    assert isinstance(error, Misconfigured)
    assert error.code == "token_refused"
    assert place.given == 4


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), Misconfigured),
        (httpx.Response(404), Misconfigured),
        (httpx.Response(400), Unavailable),
        (httpx.Response(500), Unavailable),
        (httpx.Response(503), Unavailable),
        (httpx.Response(200, text="<h1>"), Unavailable),
        (httpx.Response(200, json={"access_token": "a b", "token_type": "Bearer", "expires_in": 300}), Unavailable),
        (httpx.Response(200, json={"access_token": "a", "token_type": "mac", "expires_in": 300}), Unavailable),
        (httpx.Response(200, json={"access_token": "a", "token_type": "Bearer", "expires_in": 0}), Unavailable),
        (httpx.Response(200, json={"access_token": "a", "token_type": "Bearer", "expires_in": True}), Unavailable),
        (httpx.Response(200, json={"access_token": 7, "token_type": "Bearer", "expires_in": 300}), Unavailable),
        (httpx.ReadTimeout("slow"), Unavailable),
        (httpx.ReadError("reset"), Unavailable),
        (httpx.ConnectError("refused"), Unavailable),
    ],
    ids=repr,
)
async def test_without_a_token_nothing_was_done(answer: httpx.Response | Exception, error: type[ProvinceError]) -> None:
    place = Tokens(then=lambda _: pytest.fail("nothing is asked without a token"))
    place.refuse = answer
    assert type(await error_of(place.adapter())) is error


@pytest.mark.parametrize("key", ["", "short", b64encode(b"x" * 31).decode(), "not base64!"])
def test_a_key_that_is_none_stops_the_worker(key: str) -> None:
    for changes in ({"private_key": key}, {"province_keys": {"theirs-1": key}}):
        with pytest.raises(Misconfigured):
            SHANGHAI.adapter(SHANGHAI.matter, credentials=SHANGHAI.given(**changes))


# --- 320000


async def test_320000_signs_its_message_and_escapes_what_xml_would_lose() -> None:
    seen: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return JIANGSU.matter(request)

    text = "a\\b\nc\rd\t<&>\"'\u00a0]]>𠮷"
    await JIANGSU.adapter(keep, clock=lambda: 1_795_600_000.0).call(call(payload={"note": text, "fee_fen": "1234"}))
    raw = seen[0].content.decode("gb18030")
    asked = JIANGSU.asked(seen[0])
    head = {each.tag: each.text or "" for each in asked.findall("Head/*")}
    assert "&#13;" in raw
    assert asked.findtext("Body/Fields/Field[@name='note']") == text
    assert head["SendTime"] == "20261125174640"
    body = raw[raw.index("<Body>") + 6 : raw.index("</Body>")]
    assert head["Sign"] == JIANGSU.sign(SECRET, head, body)
    assert seen[0].headers["Content-Type"] == "text/xml; charset=GB18030"


@pytest.mark.parametrize("text", ["\x00", "a\x0bb", "\x1f", "\ufffe", "\uffff"])
async def test_what_xml_cannot_carry_is_never_sent(text: str) -> None:
    with pytest.raises(ContractBroken, match="unsendable_text"):
        await JIANGSU.adapter(lambda _: pytest.fail("nothing is sent")).call(call(payload={"note": text}))


def _resigned(request: httpx.Request, **head: str) -> httpx.Response:
    return JIANGSU.sealed(request, "0000", f"<MsgNo>{JIANGSU.asked(request).findtext('Body/MsgNo')}</MsgNo>", **head)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda text: text.replace("<Sign>", "<NoSign>").replace("</Sign>", "</NoSign>"), "answer_not_signed"),
        (lambda text: text[: text.index("<Sign>") + 6] + text[text.index("</Sign>") :], "answer_not_signed"),
        (lambda text: text.replace("N-1", "N-2"), "forged_answer"),
        (lambda text: text.replace("0000", "2001"), "forged_answer"),
        (lambda text: text.replace("说明", "明说"), "forged_answer"),
        (lambda text: text.replace('unit="yuan"', 'unit="fen"'), "forged_answer"),
        (lambda text: text.replace("<Sign>", "<Sign>0"), "forged_answer"),
    ],
)
async def test_an_answer_is_believed_by_its_signature_alone(spoil: Callable[[str], str], code: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return JIANGSU.raw(spoil(JIANGSU.matter(request, Told(result={"fee_fen": "5"})).content.decode("gb18030")))

    error = await error_of(JIANGSU.adapter(answer))
    assert isinstance(error, ContractBroken)
    assert error.code == code


@pytest.mark.parametrize("head", [{"MsgId": "0" * 32}, {"AppId": "another"}, {"TransCode": "CX01"}])
async def test_a_true_answer_to_another_message_is_none(head: dict[str, str]) -> None:
    error = await error_of(JIANGSU.adapter(lambda request: _resigned(request, **head)))
    assert isinstance(error, ContractBroken)
    assert error.code == "forged_answer"


async def test_another_secret_is_a_matter_of_configuration_only_if_it_is_ours_that_is_wrong() -> None:
    other = "another-secret-0123456789"
    error = await error_of(JIANGSU.adapter(lambda request: JIANGSU.sealed(request, "3001", "", other)))
    assert isinstance(error, Misconfigured)
    error = await error_of(JIANGSU.adapter(lambda request: JIANGSU.sealed(request, "0000", "", other)))
    assert isinstance(error, ContractBroken)
    both = JIANGSU.given(secrets=[SECRET, other])
    adapter = JIANGSU.adapter(lambda request: JIANGSU.sealed(request, "9999", "", other), credentials=both)
    assert (await error_of(adapter)).code == "internal_error"


@pytest.mark.parametrize(
    "body",
    [
        '<Field name="fee_fen" unit="yuan">1.2</Field>', '<Field name="fee_fen" unit="yuan">01.20</Field>',
        '<Field name="fee_fen">120</Field>', '<Field name="fee" unit="yuan">1.20</Field>',
        '<Field name="fee_fen" unit="usd">1.20</Field>', "<Field>x</Field>", '<Other name="x">x</Other>',
        '<Field name="x">1</Field><Field name="x">2</Field>', '<Field name="x"><y/></Field>',
    ],
)  # fmt: skip
async def test_a_field_of_320000_that_makes_no_sense_leaves_the_outcome_open(body: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        key = JIANGSU.asked(request).findtext("Body/MsgNo")
        return JIANGSU.sealed(request, "0000", f"<MsgNo>{key}</MsgNo><Fields>{body}</Fields>")

    assert isinstance(await error_of(JIANGSU.adapter(answer)), Ambiguous)


# --- 330000


async def test_330000_signs_the_query_and_the_body() -> None:
    def check(request: httpx.Request) -> httpx.Response:
        h = request.headers
        lines = (request.method, request.url.path, request.url.query.decode(), "tester", h["X-Timestamp"], h["X-Nonce"])
        text = "\n".join((*lines, hashlib.sha256(request.content).hexdigest()))
        assert b64decode(h["X-Signature"]) == hmac.digest(SECRET.encode(), text.encode(), "sha256")
        assert h["X-Timestamp"] == "1795600000500"
        return ZHEJIANG.matter(request) if request.method == "POST" else ZHEJIANG.found(request)

    adapter = ZHEJIANG.adapter(check, url="http://province/gov", clock=lambda: 1_795_600_000.5)
    assert (await adapter.call(call())).status is AnswerStatus.ACCEPTED
    assert await adapter.find(call(case_no="a b/号&c=d")) is None


def page(number: int, total: object, *told: Told, **more: object) -> httpx.Response:
    listed = [ZHEJIANG.one(each, "0" * 64) for each in told]
    return ZHEJIANG.envelope({"total": total, "pageNo": number, "pageSize": 5, "list": listed} | more)


async def test_a_case_that_grows_while_it_is_read_is_read_on() -> None:
    wanted = call()
    asked: list[int] = []

    def growing(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["pageNo"])
        asked.append(number)
        matters = [Told()] * 4 + [Told(key=wanted.key)] if number == 3 else [Told()] * 5
        return page(number, 5 * number + 3, *matters)

    found = await ZHEJIANG.adapter(growing).find(wanted)
    assert found is not None
    assert asked == [1, 2, 3]  # and no further than the key


@pytest.mark.parametrize(
    "answer",
    [
        page(1, 9, Told()),
        page(2, 1, Told()),
        page(1, "1", Told()),
        page(1, 1, Told(), list=None),
        page(1, 1, Told(), list=["x"]),
        ZHEJIANG.envelope([]),
        ZHEJIANG.envelope(None),
    ],
    ids=lambda answer: answer.text[:90],
)
async def test_pages_that_contradict_themselves_prove_nothing(answer: httpx.Response) -> None:
    with pytest.raises(Ambiguous):
        await ZHEJIANG.adapter(lambda _: answer).find(call())


async def test_a_case_without_end_is_not_read_for_ever() -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        return page(int(request.url.params["pageNo"]), 10**9, *[Told()] * 5)

    with pytest.raises(ContractBroken, match="too_many_matters"):
        await ZHEJIANG.adapter(endless).find(call())


# --- 340000


async def test_340000_signs_path_query_and_body() -> None:
    def check(request: httpx.Request) -> httpx.Response:
        h = request.headers
        lines = (request.method, request.url.raw_path.decode(), h["X-Date"], h["X-Serial"])
        text = "\n".join((*lines, hashlib.sha256(request.content).hexdigest()))
        assert h["X-Auth"] == hmac.digest(SECRET.encode(), text.encode(), "sha256").hex()
        return ANHUI.matter(request) if request.method == "POST" else ANHUI.found(request)

    adapter = ANHUI.adapter(check, url="http://province/gov")
    assert (await adapter.call(call())).status is AnswerStatus.ACCEPTED
    assert await adapter.find(call(case_no="a b/号&c=d")) is None


def test_340000_declares_that_it_keeps_no_keys() -> None:
    capabilities = ANHUI.kind.capabilities
    assert (capabilities.keys, capabilities.find, capabilities.settle_s) == (False, FindBy.BUSINESS_NUMBER, 20.0)
    assert ANHUI.adapter(ANHUI.matter).business_number("C-7", "0123456789abcdef" * 4) == "C-7-0123456789abcdef"


async def test_two_matters_under_one_number_are_for_people() -> None:
    with pytest.raises(ContractBroken, match="done_twice"):
        await ANHUI.adapter(lambda request: ANHUI.found(request, Told(), Told(number="N-2"))).find(call())


async def test_what_is_about_an_earlier_matter_looks_for_its_number_unless_it_is_told() -> None:
    seen: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return ANHUI.matter(request, Told(number="N-9"))

    adapter, original = ANHUI.adapter(keep), new_key()
    for verb, path in ((Verb.REVERSE, "chexiao"), (Verb.WITHDRAW, "chehui"), (Verb.SUPPLEMENT, "buzheng")):
        seen.clear()
        await adapter.call(call(verb, original=original, original_reference="N-5"))
        (sent,) = seen
        assert sent.url.path.endswith("/" + path)
        assert json.loads(sent.content)["ywlsh"] == "N-5"
        seen.clear()
        await adapter.call(call(verb, original=original))
        assert seen[0].url.params["wsbh"] == f"CASE-1-{original[:16]}"
        assert json.loads(seen[1].content)["ywlsh"] == "N-9"


async def test_what_the_province_never_saw_needs_no_reversal() -> None:
    adapter = ANHUI.adapter(lambda request: ANHUI.found(request) if request.method == "GET" else pytest.fail("sent"))
    for verb in (Verb.REVERSE, Verb.WITHDRAW):
        answer = await adapter.call(call(verb, original=new_key()))
        assert (answer.status, answer.data) == (AnswerStatus.ACCEPTED, {"outcome": "nothing_to_reverse"})
    assert (await adapter.call(call(Verb.SUPPLEMENT, original=new_key()))).reasons == ("nothing_wanted",)


@pytest.mark.parametrize(
    ("original", "found"),
    [
        (Told(state="refused", reasons=["cancelled"]), True),
        (Told(state="refused", reasons=["tax_arrears"]), False),
        (Told(state="doing"), False),
        (Told(), False),
        (None, False),
    ],
)
async def test_a_reversal_that_never_came_counts_if_the_original_is_cancelled(
    original: Told | None, found: bool
) -> None:
    for verb in (Verb.FIND, Verb.REVERSE, Verb.WITHDRAW):
        asked = call(verb, original=new_key())
        own = asked.key[:16]

        def answer(request: httpx.Request, own: str = own) -> httpx.Response:
            mine = own in str(request.url)
            return ANHUI.found(request, *([original] if original and not mine else []))

        told = await ANHUI.adapter(answer).find(asked)
        assert (told is not None and told.status is AnswerStatus.ACCEPTED) is found


async def test_a_reversal_that_came_twice_is_found_as_it_went_first() -> None:
    adapter = ANHUI.adapter(lambda request: ANHUI.found(request, Told(), Told(state="refused", reasons=["x"])))
    told = await adapter.find(call(Verb.REVERSE, original=new_key()))
    assert told is not None
    assert told.status is AnswerStatus.ACCEPTED
    with pytest.raises(ContractBroken, match="done_twice"):
        await adapter.find(call())


@pytest.mark.parametrize("content", ['{"total": 2, "rows": []}', '{"rows": []}', '{"total": 1, "rows": [1]}', "{}"])
async def test_a_search_that_contradicts_itself_proves_nothing(content: str) -> None:
    with pytest.raises(Ambiguous):
        await ANHUI.adapter(lambda _: ANHUI.json(content)).find(call())


@pytest.mark.parametrize("amount", ["5", "5.0", "5.000", "5e0", '"5.00"', "true", "null", "1e400", "05.00"])
async def test_an_amount_of_340000_has_two_decimals_or_is_none(amount: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        text = ANHUI.matter(request, Told(result={"fee_fen": "500"})).text
        return ANHUI.json(text.replace("5.00", amount))

    error = await error_of(ANHUI.adapter(answer))
    assert isinstance(error, Ambiguous)


# --- the counter


async def test_at_the_counter_nothing_is_sent_and_everything_waits_for_a_person() -> None:
    clerk = Clerk(AdapterSettings(region="340000", url="", credentials=GivenCredentials({}), poll_after_s=600))
    for verb in (Verb.SUBMIT, Verb.REVERSE, Verb.FETCH):
        sent = call(verb, original=new_key())
        for answer in (await clerk.call(sent), await clerk.find(sent)):
            assert answer is not None
            assert (answer.status, answer.expect) == (AnswerStatus.PENDING, Expect.CLERK)
            assert (answer.reference, answer.poll_after_s) == ("", 600)
    for verb in (Verb.OFFER, Verb.VERIFY, Verb.QUERY):
        with pytest.raises(Misconfigured, match="verb_not_supported"):
            await clerk.call(call(verb))
    assert clerk.capabilities.answers == {Expect.CLERK}
    assert clerk.business_number("C-7", CLEAN) == f"C-7-{CLEAN[:16]}"
    await clerk.health()
    await clerk.aclose()
