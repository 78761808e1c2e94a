"""What provinces report: believed only when signed by them, taken once, kept even when it is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.usecases import callbacks
from domain.effects import Answer, AnswerStatus
from models import effects
from models.effects import Intent
from tests.api.test_problems import is_problem
from tests.db.test_effects import LONG, intent
from tests.fixtures.houses import Office
from tests.fixtures.samples import add_case

ANHUI = "340000"


async def asked(office: Office, answer: Answer | None = None) -> Intent:
    """An effect that a province has been asked for, and what it has answered so far."""
    what = intent(await add_case(office.house.database))
    await effects.prepare(office.house.database, what, LONG)
    if answer is not None:
        await effects.receipt(office.house.database, what.key, answer)
    return what


def notice(key: str, **changes: object) -> dict[str, object]:
    body: dict[str, object] = {"requestNo": key, "resultCode": "00", "businessNo": "34-1", "resultItems": {}}
    body |= {"reasons": [], "message": None, "checkAfter": 0}
    return body | {"eventNo": secrets.token_hex(8), "regionCode": ANHUI} | changes


def signed(office: Office, path: str, body: bytes, region: str = ANHUI, age: int = 0) -> dict[str, str]:
    secret = office.logins.secrets.province(region).read_bytes().strip()
    at, nonce = str(int(time.time()) - age), secrets.token_hex(16)
    content = f"POST\n{path}\n{at}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
    sign = hmac.digest(secret, content.encode(), "sha256").hex()
    return {"X-Gw-Time": at, "X-Gw-Nonce": nonce, "X-Gw-Sign": sign, "Content-Type": "application/json"}


async def report(office: Office, content: dict[str, object] | bytes, region: str = ANHUI, **how: Any) -> httpx.Response:
    path = f"/v1/callbacks/{region}"
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = signed(office, path, body, how.get("signer", region), how.get("age", 0)) | how.get("headers", {})
    return await office.caller().post(path, content=body, headers=headers)


async def rows(office: Office, question: str) -> list[Any]:
    async with office.house.database.begin() as session:
        return [tuple(row) for row in await session.execute(text(question))]


async def test_a_new_result_is_taken_kept_and_sent_on(office: Office) -> None:
    what = await asked(office)
    answer = await report(office, notice(what.key))
    assert (answer.status_code, answer.json()) == (202, {"status": "taken"})
    assert await rows(office, "SELECT verdict, times, case_no FROM inbox") == [("taken", 1, what.case_no)]
    assert await rows(office, "SELECT answer->>'reference' FROM effect") == [("34-1",)]
    assert await rows(office, "SELECT payload->>'key' FROM outbox WHERE kind = 'callback'") == [(what.key,)]


async def test_the_same_event_again_is_counted_and_nothing_else(office: Office) -> None:
    what = await asked(office)
    message = notice(what.key)
    assert (await report(office, message)).status_code == 202
    again = await report(office, message)
    assert (again.status_code, again.json()) == (200, {"status": "taken"})
    assert await rows(office, "SELECT verdict, times FROM inbox") == [("taken", 2)]
    assert await rows(office, "SELECT count(*) FROM outbox WHERE kind = 'callback'") == [(1,)]


async def test_what_was_pending_is_ended_by_a_report(office: Office) -> None:
    what = await asked(office, Answer(status=AnswerStatus.PENDING))
    assert (await report(office, notice(what.key))).status_code == 202
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("accepted",)]


async def test_the_same_result_under_another_event_is_late(office: Office) -> None:
    what = await asked(office, Answer(status=AnswerStatus.ACCEPTED, reference="34-0"))
    answer = await report(office, notice(what.key))
    assert (answer.status_code, answer.json()) == (200, {"status": "late"})
    assert await rows(office, "SELECT answer->>'reference' FROM effect") == [("34-0",)]


async def test_a_result_that_contradicts_the_one_on_record_changes_nothing_and_is_kept(office: Office) -> None:
    what = await asked(office, Answer(status=AnswerStatus.ACCEPTED, reference="34-0"))
    message = notice(what.key, resultCode="01", reasons=["tax_arrears"])
    for _ in range(2):
        is_problem(await report(office, message), 409, "contradiction")
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("accepted",)]
    assert await rows(office, "SELECT verdict, times, answer->'reasons'->>0 FROM inbox") == [
        ("contradiction", 2, "tax_arrears")
    ]
    assert await rows(office, "SELECT count(*) FROM outbox WHERE kind = 'callback'") == [(0,)]


async def test_one_event_id_for_two_messages_is_a_contradiction_and_both_are_kept(office: Office) -> None:
    what = await asked(office)
    first = notice(what.key)
    assert (await report(office, first)).status_code == 202
    other = first | {"resultCode": "01", "reasons": ["ARREARS"]}
    for _ in range(2):
        is_problem(await report(office, other), 409, "contradiction")
    assert (await report(office, first)).status_code == 200
    kept = await rows(office, "SELECT verdict, times FROM inbox ORDER BY verdict")
    assert [verdict for verdict, _ in kept] == ["contradiction", "taken"]
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("accepted",)]


async def test_that_it_is_pending_said_after_the_end_was_only_slow(office: Office) -> None:
    what = await asked(office, Answer(status=AnswerStatus.ACCEPTED))
    answer = await report(office, notice(what.key, resultCode="02", checkAfter=30))
    assert answer.status_code == 200, answer.text
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("accepted",)]


async def test_a_report_about_what_nobody_asked_for_is_not_found(office: Office) -> None:
    await asked(office)
    is_problem(await report(office, notice("f" * 64)), 404, "not_found")
    is_problem(await report(office, notice("x" * 5000)), 404, "not_found")
    assert await rows(office, "SELECT verdict, length(key) FROM inbox") == [("unknown", 64), ("unknown", 64)]


async def test_a_province_does_not_speak_for_another(office: Office) -> None:
    what = await asked(office)
    answer = await report(office, notice(what.key, regionCode="320000"), region="320000")
    is_problem(answer, 404, "not_found")
    assert await rows(office, "SELECT answer FROM effect") == [(None,)]


async def test_two_provinces_may_count_their_events_alike(office: Office) -> None:
    what = await asked(office)
    assert (
        await report(office, notice("f" * 64, regionCode="320000", eventNo="1"), region="320000")
    ).status_code == 404
    assert (await report(office, notice(what.key, eventNo="1"))).status_code == 202


FORGERIES: dict[str, dict[str, Any]] = {
    "signed by another province": {"signer": "320000"},
    "too old": {"age": 330},
    "from the future": {"age": -330},
    "without a signature": {"headers": {"X-Gw-Sign": ""}},
    "with a wrong signature": {"headers": {"X-Gw-Sign": "0" * 64}},
    "with another time": {"headers": {"X-Gw-Time": "1"}},
    "with a short nonce": {"headers": {"X-Gw-Nonce": "x"}},
}


@pytest.mark.parametrize("how", FORGERIES)
async def test_what_is_not_signed_by_the_province_now_is_not_believed(office: Office, how: str) -> None:
    what = await asked(office)
    answer = await report(office, notice(what.key), **FORGERIES[how])
    is_problem(answer, 401, "bad_signature")
    assert await rows(office, "SELECT answer FROM effect") == [(None,)]
    assert await rows(office, "SELECT verdict, key, case_no FROM inbox") == [("forged", "", "")]


async def test_a_signed_body_changed_on_its_way_is_not_believed(office: Office) -> None:
    what = await asked(office)
    path, body = f"/v1/callbacks/{ANHUI}", json.dumps(notice(what.key, resultCode="01", reasons=["x"])).encode()
    headers = signed(office, path, body)
    answer = await office.caller().post(path, content=body.replace(b'"01"', b'"00"'), headers=headers)
    is_problem(answer, 401, "bad_signature")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"requestNo": 7}',
        json.dumps(notice("k", eventNo="a b")).encode(),
        json.dumps(notice("k", eventNo="x" * 129)).encode(),
        json.dumps(notice("k", regionCode="310000")).encode(),
        json.dumps(notice("k", resultCode="99")).encode(),
        json.dumps(notice("k", resultItems={"a": 1})).encode(),
        json.dumps(notice("k", resultItems={"licence_identifier": "1.2.3"})).encode(),
    ],
)
async def test_a_signed_message_of_the_wrong_form_is_not_believed(office: Office, content: bytes) -> None:
    is_problem(await report(office, content), 401, "bad_signature")


@pytest.mark.parametrize(
    "content",
    [
        notice("a\0b"),
        notice("\ud800"),
        notice("f" * 64, businessNo="a\0b"),
        notice("f" * 64, resultItems={"a": "\0"}),
        notice("f" * 64, resultItems={"a": "\ud800"}),
        notice("f" * 64, message={"zh": "\0", "en": "x"}),
    ],
)
async def test_a_signed_message_with_what_no_database_keeps_is_refused_as_such(
    office: Office, content: dict[str, object]
) -> None:
    answer = await report(office, content)
    assert answer.status_code in {401, 404}, answer.text


async def test_forged_messages_leave_a_trace_without_content_and_not_without_bound(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "FORGED_KEPT_PER_HOUR", 3)
    for n in range(6):
        is_problem(await report(office, notice(f"canary-{n}"), signer="320000"), 401)
    kept = await rows(office, "SELECT verdict, inbox::text FROM inbox")
    assert len(kept) == 3
    assert not any("canary" in whole for _, whole in kept)


async def test_a_message_that_is_too_large_is_refused_before_it_is_read(office: Office) -> None:
    is_problem(await report(office, b" " * (1024 * 1024 + 1)), 413, "body_too_large")
    assert await rows(office, "SELECT count(*) FROM inbox") == [(0,)]


@pytest.mark.parametrize("region", ["110000", "340100", "340000x", "x", "34000O", "３４００００"])
async def test_an_address_of_no_province_is_not_found(office: Office, region: str) -> None:
    answer = await office.caller().post(f"/v1/callbacks/{region}", content=b"{}")
    is_problem(answer, 404, "not_found")
