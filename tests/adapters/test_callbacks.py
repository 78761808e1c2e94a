"""Callbacks of 310000 and 330000: what is believed, and by which word the rest is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from adapters.errors import CallbackRefused
from adapters.port import Adapter
from domain.effects import AnswerStatus
from tests.adapters.wires import ANHUI, JIANGSU, SHANGHAI, THEIRS, ZHEJIANG, Told, Wire

NOW = 1_795_600_000.0
KEY = "ab" * 32
PATH = "/callbacks/province"
WANTED = {"zh": "补", "en": "more"}
Letter = tuple[dict[str, str], bytes]


class Message:
    def __init__(self, headers: dict[str, str], path: str = PATH) -> None:
        self.method, self.url, self.headers = "POST", "https://caller.example" + path, headers


def cloud_event(*, event: Mapping[str, object] | None = None, matter: Mapping[str, object] | None = None) -> bytes:
    data: dict[str, object] = {
        "id": KEY,
        "number": "31-1",
        "state": "done",
        "result": {},
        "wants": None,
        "check_after": 0,
    }
    body: dict[str, object] = {
        "specversion": "1.0", "id": "e-1", "source": "/310000", "type": "cn.sh.application.ended", "subject": KEY,
        "time": "2026-11-25T09:30:00Z", "datacontenttype": "application/json", "data": data | dict(matter or {}),
    }  # fmt: skip
    return json.dumps(body | dict(event or {})).encode()


def signed(
    body: bytes,
    *,
    at: float = NOW,
    key: Ed25519PrivateKey = THEIRS,
    key_id: str = "theirs-1",
    path: str = PATH,
    covered: tuple[str, ...] = ("@method", "@path", "content-type", "content-digest"),
    media: str = "application/cloudevents+json",
) -> dict[str, str]:
    """The headers of an event of 310000."""
    message = Message({"Content-Type": media}, path)
    keys = MappingKeyResolver(public_keys={}, private_keys={key_id: key})
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys).sign(
        message, key_id=key_id, created=datetime.fromtimestamp(at, UTC), nonce="n" * 20, label="sig1",
        covered_component_ids=covered, body=body if "content-digest" in covered else None,
    )  # fmt: skip
    return message.headers


def event_330000(*, data: Mapping[str, object] | None = None, told: Told | None = None) -> bytes:
    told = told or Told()
    inner: dict[str, object] = {"eventId": "e-1", "seq": 2, "time": "2026-11-25T09:30:00Z"}
    inner |= {"matter": ZHEJIANG.one(told, KEY)} | dict(data or {})
    return json.dumps({"code": "200", "msg": "", "data": inner, "traceId": "t"}).encode()


def reader(wire: Wire, **more: object) -> Adapter:
    return wire.adapter(wire.matter, clock=lambda: NOW, **more)


def sent_by(wire: Wire, body: bytes, at: float = NOW) -> dict[str, str]:
    return signed(body, at=at) if wire is SHANGHAI else ZHEJIANG.headers(PATH, body, int(at * 1000))


def good(wire: Wire) -> bytes:
    return cloud_event() if wire is SHANGHAI else event_330000()


BOTH = pytest.mark.parametrize("wire", [SHANGHAI, ZHEJIANG], ids=lambda wire: wire.name)


def refusal(adapter: Adapter, headers: Mapping[str, str], body: bytes, path: str = PATH) -> str:
    with pytest.raises(CallbackRefused) as caught:
        adapter.read_callback(path, headers, body)
    return caught.value.code


@BOTH
def test_a_signed_callback_is_read(wire: Wire) -> None:
    notice = reader(wire).read_callback(PATH, sent_by(wire, good(wire)), good(wire))
    assert (notice.event_id, notice.key, notice.answer.status) == ("e-1", KEY, AnswerStatus.ACCEPTED)


@BOTH
def test_header_names_come_in_any_case(wire: Wire) -> None:
    headers = {name.upper(): value for name, value in sent_by(wire, good(wire)).items()}
    assert reader(wire).read_callback(PATH, headers, good(wire)).key == KEY


def test_an_event_of_310000_may_tell_of_a_refusal_or_of_what_is_wanted() -> None:
    for kind, matter, status in (
        ("cn.sh.application.ended", {"state": "refused", "reasons": ["late"]}, AnswerStatus.REJECTED),
        (
            "cn.sh.application.wants",
            {"state": "in_progress", "wants": {"zh": "补", "en": "more"}},
            AnswerStatus.PENDING,
        ),
    ):
        body = cloud_event(event={"type": kind}, matter=matter)
        answer = reader(SHANGHAI).read_callback(PATH, signed(body), body).answer
        assert answer.status is status
    assert answer.wants is not None


@pytest.mark.parametrize("state", ["doing", "done", "refused"])
def test_330000_tells_progress_and_end_in_any_order(state: str) -> None:
    body = event_330000(told=Told(state=state))
    answer = reader(ZHEJIANG).read_callback(PATH, sent_by(ZHEJIANG, body), body).answer
    assert answer.status == {"doing": "pending", "done": "accepted", "refused": "rejected"}[state]


@BOTH
@pytest.mark.parametrize("age", [-301, 301, 10**7])
def test_an_old_or_future_callback_is_stale(wire: Wire, age: float) -> None:
    assert refusal(reader(wire), sent_by(wire, good(wire), NOW - age), good(wire)) == "stale"


@BOTH
def test_a_callback_is_fresh_for_five_minutes_by_the_clock_of_the_settings(wire: Wire) -> None:
    for age in (-299, 299):
        assert reader(wire).read_callback(PATH, sent_by(wire, good(wire), NOW - age), good(wire)).key == KEY


@BOTH
@pytest.mark.parametrize(
    "spoil",
    [
        lambda h, b: ({}, b),
        lambda h, b: (h, b + b" "),
        lambda h, b: (h, b.replace(b"e-1", b"e-2")),
        lambda h, b: ({n: v for n, v in h.items() if n.lower() not in ("signature", "x-signature")}, b),
        lambda h, b: ({n: ("签" if "sign" in n.lower() else v) for n, v in h.items()}, b),
        lambda h, b: (
            {n: (v[:-6] + "AAAAAA" if n.lower() in ("signature", "x-signature") else v) for n, v in h.items()},
            b,
        ),
        lambda h, b: ({n: ("0" if n.lower() in ("x-timestamp", "content-digest") else v) for n, v in h.items()}, b),
        lambda h, b: ({n: ("a" * 20 if n.lower() in ("x-nonce", "content-type") else v) for n, v in h.items()}, b),
        lambda h, b: ({n: ("x" if n.lower() in ("x-access-key", "signature-input") else v) for n, v in h.items()}, b),
    ],
)
def test_what_is_not_what_was_signed_is_refused(wire: Wire, spoil: Callable[[dict[str, str], bytes], Letter]) -> None:
    headers, body = spoil(sent_by(wire, good(wire)), good(wire))
    assert refusal(reader(wire), headers, body) == "bad_signature"


@BOTH
def test_a_callback_for_another_address_is_refused(wire: Wire) -> None:
    assert refusal(reader(wire), sent_by(wire, good(wire)), good(wire), "/callbacks/other") == "bad_signature"
    assert refusal(reader(wire), sent_by(wire, good(wire)), good(wire), "no path \u7b7e") == "bad_signature"


def test_another_secret_or_key_is_refused_and_each_of_several_is_believed() -> None:
    body = event_330000()
    headers = ZHEJIANG.headers(PATH, body, int(NOW * 1000), "another-secret-0123456789")
    assert refusal(reader(ZHEJIANG), headers, body) == "bad_signature"
    both = ZHEJIANG.given(secrets=["first-secret-0123456789", "another-secret-0123456789"])
    assert reader(ZHEJIANG, credentials=both).read_callback(PATH, headers, body).key == KEY
    stranger = Ed25519PrivateKey.generate()
    event = cloud_event()
    assert refusal(reader(SHANGHAI), signed(event, key=stranger), event) == "bad_signature"
    assert refusal(reader(SHANGHAI), signed(event, key_id="theirs-2"), event) == "bad_signature"


@pytest.mark.parametrize("left_out", ["@method", "@path", "content-type", "content-digest"])
def test_a_signature_that_leaves_something_out_is_refused(left_out: str) -> None:
    covered = tuple(n for n in ("@method", "@path", "content-type", "content-digest") if n != left_out)
    body = cloud_event()
    assert refusal(reader(SHANGHAI), signed(body, covered=covered), body) == "bad_signature"


def test_two_signatures_are_one_too_many() -> None:
    body = cloud_event()
    headers = signed(body)
    headers["Signature-Input"] += ", " + headers["Signature-Input"].replace("sig1", "sig2")
    headers["Signature"] += ", " + headers["Signature"].replace("sig1", "sig2")
    assert refusal(reader(SHANGHAI), headers, body) == "bad_signature"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b"\xff",
        cloud_event(event={"source": "/330000"}), cloud_event(event={"specversion": "0.3"}),
        cloud_event(event={"type": "cn.sh.application.begun"}), cloud_event(event={"type": ["x"]}),
        cloud_event(event={"type": "cn.sh.application.wants"}), cloud_event(event={"id": ""}),
        cloud_event(event={"id": 5}), cloud_event(event={"id": "a b"}), cloud_event(event={"subject": ""}),
        cloud_event(event={"subject": "cd" * 32}), cloud_event(event={"subject": "\ud842"}),
        cloud_event(event={"data": []}), cloud_event(matter={"id": "cd" * 32}), cloud_event(matter={"state": "99"}),
        cloud_event(matter={"state": "in_progress"}), cloud_event(matter={"number": 7}),
        cloud_event(matter={"result": {"licence_identifier": "x"}}), cloud_event(matter={"result": {"fee_fen": "1"}}),
    ],
)  # fmt: skip
def test_a_signed_event_of_310000_that_makes_no_sense_is_malformed(body: bytes) -> None:
    assert refusal(reader(SHANGHAI), signed(body), body) == "malformed"


def test_an_event_of_another_media_type_is_malformed() -> None:
    assert refusal(reader(SHANGHAI), signed(cloud_event(), media="application/json"), cloud_event()) == "malformed"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b'{"data": []}', b'{"data": {"eventId": "e-1"}}',
        event_330000(data={"eventId": ""}), event_330000(data={"eventId": 5}), event_330000(data={"eventId": "a b"}),
        event_330000(data={"matter": []}), event_330000(data={"matter": {}}), event_330000(told=Told(key="")),
        event_330000(told=Told(key="\ud842")), event_330000(told=Told(key=["x"])), event_330000(told=Told(state="99")),
        event_330000(told=Told(reasons=7)), event_330000(told=Told(result={"licence_identifier": "x"})),
        event_330000(told=Told(result={"fee_fen": 1})),
    ],
)  # fmt: skip
def test_a_signed_event_of_330000_that_makes_no_sense_is_malformed(body: bytes) -> None:
    assert refusal(reader(ZHEJIANG), sent_by(ZHEJIANG, body), body) == "malformed"


@pytest.mark.parametrize("wire", [JIANGSU, ANHUI], ids=lambda wire: wire.name)
def test_who_never_calls_back_is_never_believed(wire: Wire) -> None:
    assert refusal(reader(wire), sent_by(ZHEJIANG, event_330000()), event_330000()) == "bad_signature"


@BOTH
def test_without_credentials_nothing_is_believed(wire: Wire) -> None:
    credentials = wire.given()
    adapter = reader(wire, credentials=credentials)
    credentials._values = {}
    assert refusal(adapter, sent_by(wire, good(wire)), good(wire)) == "bad_signature"
