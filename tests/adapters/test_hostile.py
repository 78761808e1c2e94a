"""A province as an attacker: whatever bytes it sends, nothing but the port's own errors comes out."""

from __future__ import annotations

import contextlib
import json
import zipfile
from datetime import date
from io import BytesIO

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.errors import CallbackRefused, ContractBroken, ProvinceError
from adapters.port import ResultsFile
from adapters.results import read_results
from domain.effects import Answer, Verb
from tests.adapters.test_callbacks import PATH, cloud_event, event_330000, reader, sent_by
from tests.adapters.wires import JIANGSU, SHANGHAI, WIRES, ZHEJIANG, Told, Wire, call

NAMES = (
    "code data id number state result reasons text zh en wants check_after type status outBizNo bizNo resultData list "
    "reasonCodes reasonText checkAfter total pageNo wsbh ywlsh zt jgx yydm yysm xyc jghcx rows error retryAfter fee_fen"
)
WORDS = "200 42901 99999 done in_progress DONE DOING bj zb urn:sh:refused \ud800 " + "a" * 64
texts = st.one_of(st.sampled_from(WORDS.split(" ")), st.text(st.characters(), max_size=20))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
anything: st.SearchStrategy[object] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(NAMES.split()), texts), inner, max_size=6),
    ),
    max_leaves=30,
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def only_our_errors(wire: Wire, response: httpx.Response) -> None:
    """Asks for everything there is."""
    adapter = wire.adapter(
        lambda _: httpx.Response(response.status_code, content=response.content, headers=response.headers)
    )
    key = "a" * 64
    asks = [
        adapter.call(call(key=key)),
        adapter.call(call(Verb.REVERSE, key=key, original=key)),
        adapter.call(call(Verb.OFFER, key="")),
        adapter.call(call(Verb.QUERY, key=key, reference="7")),
        adapter.find(call(key=key)),
        adapter.find(call(Verb.FIND, key=key, original=key)),
        adapter.health(),
    ]
    for ask in asks:
        with contextlib.suppress(ProvinceError):
            found = await ask
            assert found is None or isinstance(found, Answer)


@quick
@given(body=st.binary(max_size=300), status=st.sampled_from([200, 201, 400, 401, 404, 409, 422]), xml=st.booleans())
async def test_random_bytes(wire: Wire, body: bytes, status: int, xml: bool) -> None:
    media = "text/xml; charset=GB18030" if xml else "application/json"
    await only_our_errors(wire, httpx.Response(status, content=body, headers={"Content-Type": media}))


@quick
@given(body=anything, status=st.sampled_from([200, 201, 401, 404, 422]))
async def test_random_json(wire: Wire, body: object, status: int) -> None:
    if wire is JIANGSU:
        pytest.skip("speaks XML")
    content = json.dumps(body).encode()
    await only_our_errors(wire, httpx.Response(status, content=content, headers={"Content-Type": "application/json"}))


elements: st.SearchStrategy[str] = st.recursive(
    st.one_of(st.text(max_size=10).map(lambda t: t.replace("<", "&lt;").replace("&", "&amp;")), st.just("")),
    lambda inner: st.builds(
        lambda tag, attribute, children: f"<{tag}{attribute}>{''.join(children)}</{tag}>",
        st.sampled_from(
            ["Fields", "Field", "Text", "Zh", "En", "Reasons", "Reason", "Wants", "CheckAfter", "RetryAfter"]
        ),
        st.sampled_from(["", ' name="fee_fen"', ' name="fee_fen" unit="yuan"', ' name="x" unit="usd"', ' unit="yuan"']),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


@quick
@given(body=elements, code=st.sampled_from(["0000", "1001", "2001", "2404", "9001", "9999", "3400", "x", ""]))
async def test_random_xml_rightly_signed(body: str, code: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        try:
            return JIANGSU.sealed(request, code, f"<MsgNo>{'a' * 64}</MsgNo>" + body)
        except SyntaxError:  # not even the other end can read it
            return JIANGSU.raw(f"<Envelope><Head/><Body>{body}</Body></Envelope>")

    adapter = JIANGSU.adapter(answer)
    for ask in (adapter.call(call(key="a" * 64)), adapter.find(call(key="a" * 64)), adapter.health()):
        with contextlib.suppress(ProvinceError):
            await ask


@quick
@given(
    text=st.text(max_size=200), head=st.sampled_from(["", "<Envelope>", "<Envelope><Head>", "<?xml version='1.0'?>"])
)
async def test_random_xml(text: str, head: str) -> None:
    response = httpx.Response(
        200, content=(head + text).encode("gb18030", "ignore"), headers={"Content-Type": "text/xml"}
    )
    await only_our_errors(JIANGSU, response)


@quick
@given(body=st.one_of(st.binary(max_size=200), anything.map(lambda value: json.dumps(value).encode())))
async def test_random_callbacks_rightly_signed(body: bytes) -> None:
    for each in (SHANGHAI, ZHEJIANG):
        with contextlib.suppress(CallbackRefused):
            reader(each).read_callback(PATH, sent_by(each, body), body)


@quick
@given(part=anything)
async def test_callbacks_with_one_part_at_random(part: object) -> None:
    bodies: list[tuple[Wire, bytes]] = [
        (SHANGHAI, cloud_event(event={n: part})) for n in ("id", "subject", "data", "type", "source")
    ]
    bodies += [(SHANGHAI, cloud_event(matter={n: part})) for n in ("id", "number", "state", "result", "wants")]
    bodies += [(ZHEJIANG, event_330000(data={n: part})) for n in ("eventId", "matter")]
    bodies += [(ZHEJIANG, event_330000(told=Told(**{n: part}))) for n in ("key", "number", "state", "result", "after")]
    for each, body in bodies:
        with contextlib.suppress(CallbackRefused):
            reader(each).read_callback(PATH, sent_by(each, body), body)


@quick
@given(headers=st.dictionaries(
    st.sampled_from(["signature", "signature-input", "content-digest", "content-type", "x-access-key", "x-timestamp",
                     "x-nonce", "x-signature"]),
    st.one_of(st.text(max_size=40), st.sampled_from(["sig1=()", "sig1=:AA==:", "sha-256=:AA==:", "tester"])),
))  # fmt: skip
async def test_random_headers(headers: dict[str, str]) -> None:
    for each in WIRES:
        with pytest.raises(CallbackRefused):
            reader(each).read_callback(PATH, headers, b"{}")


def archive(cuts: list[tuple[int, int]]) -> bytes:
    """A nightly file with some of its bytes changed."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("results.csv", "wsbh,ywlsh,bm,sx,zt,bjsj,je\r\n" * 20)
        made.writestr("control.json", '{"day": "2026-11-25", "rows": 0, "amount": "0.00", "sha256": ""}')
    raw = bytearray(packed.getvalue())
    for at, value in cuts:
        raw[at % len(raw)] = value
    return bytes(raw)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_nightly_file_with_random_damage(cuts: list[tuple[int, int]]) -> None:
    with contextlib.suppress(ContractBroken):
        assert isinstance(read_results(date(2026, 11, 25), archive(cuts)), ResultsFile)
