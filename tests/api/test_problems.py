"""Whatever comes in, what goes out is a problem document: a code, two languages, a request id, never a value."""

from __future__ import annotations

import base64
import json
import re

import httpx
import pytest

from api.routers import cases, services
from api.usecases import submit
from domain.errors import ERRORS
from tests.fixtures.houses import Caller, Office
from tests.fixtures.running import Town
from tests.fixtures.samples import FORM, SERVICE

CANARY = "canary-310199199001010018"
NO = "32050020261123PENTMOV002N9CH"
TASK = "t" + "0" * 25
NUL = "%00"


def is_problem(answer: httpx.Response, status: int, code: str = "") -> None:
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert code in {"", body["code"]}, answer.text
    assert body["type"] == f"urn:tongban:problem:{body['code']}"
    assert body["status"] == ERRORS[body["code"]].status == status
    assert body["title"] == ERRORS[body["code"]].text.en
    assert body["title_zh"] == ERRORS[body["code"]].text.zh
    assert body["request_id"] == answer.headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{32}", body["request_id"])
    for item in body.get("errors", []):
        assert item["code"] in ERRORS
        assert item["zh"]
        assert item["en"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def fields(answer: httpx.Response) -> dict[str, str]:
    return {item["field"]: item["code"] for item in answer.json()["errors"]}


async def test_an_unknown_address_is_a_problem_document(office: Office) -> None:
    for path in ("/", "/v1", "/v1/nothing", "/v1/cases/x/y/z", "/v1//cases"):
        is_problem(await office.citizen().get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/cases"),
        ("PATCH", f"/v1/cases/{NO}"),
        ("OPTIONS", "/v1/cases"),
        ("HEAD", "/v1/cases"),
        ("PUT", "/healthz"),
        ("GET", f"/v1/tasks/{TASK}/decision"),
        ("POST", f"/v1/tasks/{TASK}/decision"),
        ("TRACE", "/v1/services"),
    ],
)
async def test_a_method_the_address_does_not_take_says_which_it_takes(office: Office, method: str, path: str) -> None:
    answer = await office.citizen().request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"]
    if method != "HEAD":
        is_problem(answer, 405, "method_not_allowed")


async def test_what_nobody_foresaw_shows_neither_values_nor_a_trace(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fails(*_: object) -> None:
        raise ValueError(CANARY)

    citizen = office.citizen()
    monkeypatch.setattr(cases, "list_cases", fails)
    is_problem(await citizen.get("/v1/cases"), 500, "internal")
    answer = await citizen.get("/v1/cases")
    assert CANARY not in answer.text
    assert "Traceback" not in answer.text
    printed = capsys.readouterr()
    assert CANARY not in printed.out + printed.err
    assert answer.json()["request_id"] in printed.out + printed.err  # but it can be found by its number


async def test_what_nobody_foresaw_while_chained_to_another_error_shows_no_values_either(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise RuntimeError(CANARY) from error

    monkeypatch.setattr(submit, "check", fails)
    answer = await office.citizen().post("/v1/cases", json={"service": SERVICE, "form": FORM})
    is_problem(answer, 500, "internal")
    printed = capsys.readouterr()
    assert CANARY not in answer.text + printed.out + printed.err


async def test_an_error_that_needs_arguments_to_be_made_is_answered_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(Exception):
        def __new__(cls, one: str, two: str) -> Odd:
            return super().__new__(cls)

        def __init__(self, one: str, two: str) -> None:
            super().__init__(one + two)

    def fails(_: object) -> None:
        raise Odd(CANARY, "2")

    monkeypatch.setattr(services, "house", fails)
    is_problem(await office.citizen().get("/v1/services"), 500, "internal")


BODIES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 422),
    "broken": (b'{"service": ', 400),
    "not text": (b"\xff\xfe\x00", 400),
    "a list": (b"[]", 422),
    "a number": (b"7", 422),
    "null": (b"null", 422),
    "deep lists": (b"[" * 100_000, 400),
    "closed deep lists": (b'{"service":"x","form":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", 422),
    "deep objects": (b'{"form":' * 50_000 + b"1" + b"}" * 50_000, 422),
    "not a number": (b'{"service":"YRD-ENT-MOVE","form":{"company_name":NaN}}', 422),
    "infinity": (b'{"service":"YRD-ENT-MOVE","form":{"company_name":1e999}}', 422),
    "a huge integer": (b'{"service":"YRD-ENT-MOVE","form":{"company_name":' + b"9" * 5000 + b"}}", 422),
    "an unknown field": (json.dumps({"service": SERVICE, "form": FORM, "status": "completed"}).encode(), 422),
    "fields of the server": (json.dumps({"service": SERVICE, "form": FORM, "owner": "x", "no": NO}).encode(), 422),
    "wrong types": (json.dumps({"service": 7, "form": "x", "documents": []}).encode(), 422),
    "a form of lists": (json.dumps({"service": SERVICE, "form": {k: [v] for k, v in FORM.items()}}).encode(), 422),
    "half a pair": (b'{"service":"YRD-ENT-MOVE","form":{"company_name":"a\\ud800b"}}', 422),
    "half a pair as a field name": (b'{"service":"YRD-ENT-MOVE","form":{"\\ud800":"b"}}', 422),
    "half a pair as a service": (b'{"service":"\\ud800","form":{}}', 422),
    "half a pair as a material": (b'{"service":"YRD-ENT-MOVE","form":{},"documents":{"\\ud800":["x"]}}', 422),
    "half a pair as an unknown field": (b'{"service":"x","form":{},"\\ud800":1}', 422),
    "an unknown channel": (json.dumps({"service": SERVICE, "form": FORM, "channel": "fax"}).encode(), 422),
    "a zero byte in the service": (json.dumps({"service": "a\0b", "form": FORM}).encode(), 422),
}


@pytest.mark.parametrize("kind", BODIES)
async def test_a_body_that_cannot_be_an_application_is_refused_as_such(office: Office, kind: str) -> None:
    body, status = BODIES[kind]
    answer = await office.citizen().post("/v1/cases", content=body, headers={"Content-Type": "application/json"})
    accepted = {400, 422} if "deep" in kind or "integer" in kind or kind == "empty" else {status}
    assert answer.status_code in (accepted | ({404} if "service" in kind else set())), answer.text
    is_problem(answer, answer.status_code)


async def test_a_body_that_is_too_large_is_refused_declared_or_not(office: Office) -> None:
    async def endless() -> object:
        for _ in range(40):
            yield b" " * 65536

    citizen = office.citizen()
    is_problem(await citizen.post("/v1/cases", content=b" " * (1024 * 1024 + 1)), 413, "body_too_large")
    is_problem(await citizen.post("/v1/cases", content=endless()), 413, "body_too_large")  # type: ignore[arg-type]
    lying = {"Content-Length": "-5"}
    is_problem(await citizen.post("/v1/cases", content=b"{}", headers=lying), 413, "body_too_large")


PLACES = [
    ("GET", "/v1/cases/{}"),
    ("GET", "/v1/cases/{}/events"),
    ("GET", "/v1/cases/{}/stream"),
    ("GET", "/v1/cases/{}/results"),
    ("POST", "/v1/cases/{}/evidence/e1/accept"),
    ("POST", f"/v1/cases/{NO}/evidence/{{}}/accept"),
    ("GET", "/v1/services/{}"),
    ("GET", "/v1/verify/{}"),
    ("GET", "/v1/cases?service={}"),
    ("GET", "/v1/cases?status={}"),
    ("GET", "/v1/cases?text={}"),
    ("GET", "/v1/cases?cursor={}"),
    ("GET", "/v1/cases?region={}"),
    ("GET", "/v1/cases?waiting_on={}"),
    ("POST", "/v1/callbacks/{}"),
]
ODD = [NUL, "a%00b", "%ED%A0%80", "%F0%28%8C%28", "%E2%80%AE", "..%2f..%2fetc", "%27%20OR%201=1--", "9" * 500, "%ff"]


@pytest.mark.parametrize(("method", "place"), PLACES)
async def test_no_odd_text_in_any_address_is_more_than_not_found_or_invalid(
    office: Office, method: str, place: str
) -> None:
    citizen = office.citizen()
    for odd in ODD:
        answer = await citizen.request(method, place.format(odd))
        assert answer.status_code in {200, 404, 422}, (place, odd, answer.text)
        assert answer.status_code != 200 or answer.json() == {"cases": [], "next": None}


async def test_no_odd_text_in_an_address_of_the_worklist_is_more_than_not_found(office: Office) -> None:
    worker = office.market()
    for odd in ODD:
        for path in (f"/v1/tasks/{odd}", f"/v1/tasks?cursor={odd}", f"/v1/tasks?state={odd}"):
            answer = await worker.get(path)
            assert answer.status_code in {404, 422}, (path, answer.text)


CURSORS = [
    "x",
    "====",
    "bnVsbA==",  # null
    "W10=",  # []
    "WzEsMl0=",  # [1,2]
    "WyIyMDI2LTExLTIzVDAwOjAwOjAwIiwieCJd",  # without a zone
    "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjU5IiwieCJd",  # before the first moment
    "Wyc5OTk5LTEyLTMxVDIzOjU5OjU5LTIzOjU5JywneCdd",
    "WyI5OTk5LTEyLTMxVDIzOjU5OjU5LTIzOjU5IiwieCJd",  # after the last one
    "WyIyMDI2LTExLTIzVDAwOjAwOjAwWiIsIlx1ZDgwMCJd",  # half a pair
    "WyIyMDI2LTExLTIzVDAwOjAwOjAwWiIsIlx1MDAwMCJd",  # a zero byte
    "W1tbW1tbW1tbW1tbW1tbW1tb",
    "通办",
    "8J+Yig==",
]


@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_cursor_that_we_did_not_write_is_refused(office: Office, cursor: str) -> None:
    for caller, path in ((office.citizen(), "/v1/cases"), (office.market(), "/v1/tasks")):
        answer = await caller.get(path, params={"cursor": cursor})
        is_problem(answer, 422, "cursor_invalid")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=201", "limit=x", "limit=" + "9" * 400, "limit=1.5", "overdue=maybe", "limit=１x"],
)
async def test_a_parameter_out_of_its_range_names_its_field(office: Office, query: str) -> None:
    answer = await office.citizen().get(f"/v1/cases?{query}")
    is_problem(answer, 422)
    assert fields(answer) == {f"/{query.partition('=')[0]}": "field_invalid"}


@pytest.mark.parametrize("after", ["-1", "x", str(2**31), "9" * 400])
async def test_events_after_no_number_are_refused(office: Office, after: str) -> None:
    is_problem(await office.citizen().get(f"/v1/cases/{NO}/events?after={after}"), 422)


async def test_a_problem_names_each_field_that_is_wrong(office: Office) -> None:
    citizen: Caller = office.citizen()
    answer = await citizen.post("/v1/cases", json={"form": {}, "documents": {"a": "x"}, "extra": 1})
    is_problem(answer, 422)
    assert fields(answer) == {
        "/service": "field_missing",
        "/documents/a": "field_invalid",
        "/extra": "field_unknown",
    }
    assert "extra_forbidden" not in answer.text


async def test_the_server_prints_no_value_of_what_nobody_foresaw_either(
    town: Town, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: object) -> None:
        raise ValueError(CANARY)

    monkeypatch.setattr(cases, "list_cases", fails)
    answer = await town.citizen().get("/v1/cases")
    is_problem(answer, 500, "internal")
    printed = capfd.readouterr()
    assert CANARY not in printed.out + printed.err + caplog.text


BRACKETS = base64.urlsafe_b64encode(b"[" * 6000).decode()
LONE_SURROGATE = b'{"form": {"\\ud800": 1}}'


@pytest.mark.parametrize(
    ("method", "path", "headers", "content"),
    [
        ("GET", "/v1/cases", {"Authorization": f"Bearer {BRACKETS}.e30.x"}, b""),
        ("POST", "/v1/services/YRD-ENT-MOVE/precheck", {"Content-Type": "application/json"}, LONE_SURROGATE),
    ],
    ids=["a token of brackets", "half a character"],
)
async def test_what_a_stranger_sends_is_refused_not_stumbled_over(
    office: Office, method: str, path: str, headers: dict[str, str], content: bytes
) -> None:
    answer = await office.caller().request(method, path, headers=headers, content=content)
    assert answer.status_code < 500, answer.text


async def test_a_document_id_that_cannot_be_one_is_not_there(office: Office) -> None:
    assert (await office.citizen().get("/v1/documents/%00")).status_code == 404
