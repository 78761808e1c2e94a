"""What provinces report: believed only when signed by them, taken once, kept even when it is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from adapters.errors import Ambiguous
from api.usecases import callbacks
from domain.effects import Answer, AnswerStatus, ProvinceCall
from models import effects, provinces
from models.effects import Intent
from tests.api.test_problems import is_problem
from tests.db.test_effects import LONG, intent
from tests.fixtures.houses import Office
from tests.fixtures.samples import FORM, add_case

ZHEJIANG, SHANGHAI = "330000", "310000"


async def asked(office: Office, answer: Answer | None = None) -> Intent:
    """An effect that a province has been asked for, and what it has answered so far."""
    what = intent(await add_case(office.house.database)).model_copy(update={"region": "330100"})
    await effects.prepare(office.house.database, what, LONG)
    if answer is not None:
        await effects.receipt(office.house.database, what.key, answer)
    return what


def notice(key: object, *, event: object = None, **changes: object) -> dict[str, object]:
    """The report of an end in the words of 330000."""
    matter: dict[str, object] = {"outBizNo": key, "bizNo": "33-1", "status": "DONE", "resultData": {}}
    matter |= {"reasonCodes": [], "reasonText": None, "wants": None, "checkAfter": 0}
    data: dict[str, object] = {"eventId": event or secrets.token_hex(8), "seq": 2, "time": "2026-11-25T09:00:00Z"}
    return {"code": "200", "msg": "ok", "data": data | {"matter": matter | changes}, "traceId": "t"}


def signed(office: Office, path: str, body: bytes, region: str = ZHEJIANG, age: int = 0) -> dict[str, str]:
    """The headers of a report; ``region`` is whose secret signs it."""
    agreed = json.loads(office.logins.secrets.province(region).read_text())
    at, nonce, name = str(int((time.time() - age) * 1000)), secrets.token_hex(16), "tongban-demo"
    content = "\n".join(("POST", path, "", name, at, nonce, hashlib.sha256(body).hexdigest()))
    secret = str(agreed.get("secrets", agreed.get("client_secrets"))[0]).encode()
    sign = base64.b64encode(hmac.digest(secret, content.encode(), "sha256")).decode()
    return {
        "X-Access-Key": name, "X-Timestamp": at, "X-Nonce": nonce, "X-Signature": sign,
        "Content-Type": "application/json",
    }  # fmt: skip


async def report(
    office: Office, content: dict[str, object] | bytes, region: str = ZHEJIANG, **how: Any
) -> httpx.Response:
    path = f"/v1/callbacks/{region}"
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = signed(office, path, body, how.get("signer", region), how.get("age", 0)) | how.get("headers", {})
    return await office.caller().post(path, content=body, headers=headers)


async def report_from_shanghai(office: Office, key: str, event: str = "1") -> httpx.Response:
    """A CloudEvent, truly signed by 310000."""
    path, agreed = "/v1/callbacks/310000", json.loads(office.logins.secrets.province(SHANGHAI).read_text())
    matter: dict[str, object] = {
        "id": key,
        "number": "31-1",
        "state": "done",
        "result": {},
        "wants": None,
        "check_after": 0,
    }
    body = json.dumps(
        {
            "specversion": "1.0", "id": event, "source": "/310000", "type": "cn.sh.application.ended", "subject": key,
            "time": "2026-11-25T09:00:00Z", "datacontenttype": "application/json", "data": matter,
        }
    ).encode()  # fmt: skip
    kind = "application/cloudevents+json"
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    covered = '("@method" "@path" "content-type" "content-digest")'
    parameters = (
        f'{covered};created={int(time.time())};nonce="{secrets.token_hex(16)}";keyid="{agreed["key_id"]}";alg="ed25519"'
    )
    base = (
        f'"@method": POST\n"@path": {path}\n"content-type": {kind}\n"content-digest": {digest}\n'
        f'"@signature-params": {parameters}'
    )
    key_ = Ed25519PrivateKey.from_private_bytes(base64.b64decode(agreed["private_key"]))
    signature = base64.b64encode(key_.sign(base.encode())).decode()
    headers = {"Content-Type": kind, "Content-Digest": digest, "Signature-Input": f"sig1={parameters}"}
    return await office.caller().post(path, content=body, headers=headers | {"Signature": f"sig1=:{signature}:"})


async def rows(office: Office, question: str) -> list[Any]:
    async with office.house.database.begin() as session:
        return [tuple(row) for row in await session.execute(text(question))]


async def test_a_new_result_is_taken_kept_and_sent_on(office: Office) -> None:
    what = await asked(office)
    answer = await report(office, notice(what.key))
    assert (answer.status_code, answer.json()) == (202, {"status": "taken"})
    assert await rows(office, "SELECT verdict, times, case_no FROM inbox") == [("taken", 1, what.case_no)]
    assert await rows(office, "SELECT answer->>'reference' FROM effect") == [("33-1",)]
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
    what = await asked(office, Answer(status=AnswerStatus.ACCEPTED, reference="33-0"))
    answer = await report(office, notice(what.key))
    assert (answer.status_code, answer.json()) == (200, {"status": "late"})
    assert await rows(office, "SELECT answer->>'reference' FROM effect") == [("33-0",)]


async def test_a_result_that_contradicts_the_one_on_record_changes_nothing_and_is_kept(office: Office) -> None:
    what = await asked(office, Answer(status=AnswerStatus.ACCEPTED, reference="33-0"))
    message = notice(what.key, status="REFUSED", reasonCodes=["tax_arrears"])
    for _ in range(2):
        is_problem(await report(office, message), 409, "contradiction")
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("accepted",)]
    assert await rows(office, "SELECT verdict, times, answer->'reasons'->>0 FROM inbox") == [
        ("contradiction", 2, "tax_arrears")
    ]
    assert await rows(office, "SELECT count(*) FROM outbox WHERE kind = 'callback'") == [(0,)]


async def test_interim_news_sent_again_later_is_the_same_event(
    office: Office,
) -> None:
    what = await asked(office, Answer(status=AnswerStatus.PENDING))
    wants = {"zh": "请补交章程", "en": "the articles, please"}
    news = notice(what.key, event="wants-1", status="DOING", wants=wants, checkAfter=60)
    assert (await report(office, news)).status_code == 202
    again = await report(office, news)  # counted from now, "until" is a moment later
    assert (again.status_code, again.json()) == (200, {"status": "taken"})


async def test_an_address_in_a_report_leads_nowhere_odd(office: Office) -> None:
    what = await asked(office, Answer(status=AnswerStatus.PENDING))
    bad = notice(what.key, status="DOING", resultData={"payment_url": "javascript:alert(1)"})
    is_problem(await report(office, bad), 401, "bad_signature")
    assert await rows(office, "SELECT answer FROM inbox") == [({"code": "foreign_address"},)]


async def test_one_event_id_for_two_messages_is_a_contradiction_and_both_are_kept(office: Office) -> None:
    what = await asked(office)
    first, other = notice(what.key, event="e1"), notice(what.key, event="e1", status="REFUSED", reasonCodes=["ARREARS"])
    assert (await report(office, first)).status_code == 202
    for _ in range(2):
        is_problem(await report(office, other), 409, "contradiction")
    assert (await report(office, first)).status_code == 200
    kept = await rows(office, "SELECT verdict, times FROM inbox ORDER BY verdict")
    assert [verdict for verdict, _ in kept] == ["contradiction", "taken"]
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("accepted",)]


async def test_that_it_is_pending_said_after_the_end_was_only_slow(office: Office) -> None:
    what = await asked(office, Answer(status=AnswerStatus.ACCEPTED))
    answer = await report(office, notice(what.key, status="DOING", checkAfter=30))
    assert answer.status_code == 200, answer.text
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("accepted",)]


async def test_a_report_about_what_nobody_asked_for_is_not_found(office: Office) -> None:
    await asked(office)
    is_problem(await report(office, notice("f" * 64)), 404, "not_found")
    is_problem(await report(office, notice("e" * 64)), 404, "not_found")
    assert await rows(office, "SELECT verdict, length(key) FROM inbox") == [("unknown", 64), ("unknown", 64)]


async def test_a_province_does_not_speak_for_another(office: Office) -> None:
    what = await asked(office)
    answer = await report_from_shanghai(office, what.key)
    is_problem(answer, 404, "not_found")
    assert await rows(office, "SELECT answer FROM effect") == [(None,)]


async def test_two_provinces_may_count_their_events_alike(office: Office) -> None:
    what = await asked(office)
    assert (await report_from_shanghai(office, "f" * 64, event="1")).status_code == 404
    assert (await report(office, notice(what.key, event="1"))).status_code == 202


FORGERIES: dict[str, dict[str, Any]] = {
    "signed by another province": {"signer": "320000"},
    "too old": {"age": 330},
    "from the future": {"age": -330},
    "without a signature": {"headers": {"X-Signature": ""}},
    "with a wrong signature": {"headers": {"X-Signature": "0" * 44}},
    "with another time": {"headers": {"X-Timestamp": "1"}},
    "with a short nonce": {"headers": {"X-Nonce": "x"}},
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
    path, body = f"/v1/callbacks/{ZHEJIANG}", json.dumps(notice(what.key, status="REFUSED", reasonCodes=["x"])).encode()
    headers = signed(office, path, body)
    answer = await office.caller().post(path, content=body.replace(b"REFUSED", b"DONE"), headers=headers)
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
        b'{"data": 7}',
        json.dumps(notice(7)).encode(),
        json.dumps(notice("k", event="a b")).encode(),
        json.dumps(notice("k", event="x" * 129)).encode(),
        json.dumps(notice("k", status="PERHAPS")).encode(),
        json.dumps(notice("k", resultData={"a": 1})).encode(),
        json.dumps(notice("k", resultData={"licence_identifier": "1.2.3"})).encode(),
    ],
)
async def test_a_signed_message_of_the_wrong_form_is_not_believed(office: Office, content: bytes) -> None:
    is_problem(await report(office, content), 401, "bad_signature")


@pytest.mark.parametrize(
    "content",
    [
        notice("a\0b"),
        notice("\ud800"),
        notice("f" * 64, bizNo="a\0b"),
        notice("f" * 64, resultData={"a": "\0"}),
        notice("f" * 64, resultData={"a": "\ud800"}),
        notice("f" * 64, reasonText={"zh": "\0", "en": "x"}),
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


async def test_a_report_about_somebody_else_is_put_aside_and_a_person_hears_of_it(office: Office) -> None:
    what = await asked(office, Answer(status=AnswerStatus.PENDING))
    about = {"holder_id": "91310000XXXX00019C", "holder_name": "别家公司"}
    for _ in range(2):
        is_problem(await report(office, notice(what.key, event="e1", resultData=about)), 409, "wrong_person")
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("pending",)]
    assert await rows(office, "SELECT verdict, times, answer::text LIKE '%别家%' FROM inbox") == [
        ("wrong_person", 2, False)
    ]
    assert await rows(office, "SELECT came_by, code, fields FROM province_quarantine") == [
        ("callback", "wrong_person", ["holder_id", "holder_name"])
    ]
    told = await rows(
        office, "SELECT payload->>'answer', payload::text LIKE '%别家%' FROM outbox WHERE kind = 'callback'"
    )
    assert told == [("failed", False)]


async def test_a_report_about_the_one_the_case_is_about_is_taken(office: Office) -> None:
    what = await asked(office, Answer(status=AnswerStatus.PENDING))
    about = {"holder_id": str(FORM["uscc"])}
    assert (await report(office, notice(what.key, resultData=about))).status_code == 202


class Asked:
    """What 330000 says when it is asked whether it has refused; ``asked``: how often it was."""

    def __init__(self, office: Office, monkeypatch: pytest.MonkeyPatch, says: Answer | Exception | None) -> None:
        self.says = says
        self.asked = 0
        monkeypatch.setattr(office.house.provinces.get(ZHEJIANG), "find", self.find)

    async def find(self, call: ProvinceCall) -> Answer | None:
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


REFUSED = Answer(status=AnswerStatus.REJECTED, reasons=("tax_arrears",))


async def test_a_refusal_is_believed_when_the_province_asked_says_the_same(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = await asked(office, Answer(status=AnswerStatus.PENDING))
    province = Asked(office, monkeypatch, REFUSED)
    told = notice(what.key, event="e1", status="REFUSED", reasonCodes=["tax_arrears"])
    assert (await report(office, told)).status_code == 202
    assert (await report(office, told)).status_code == 200
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("rejected",)]
    assert province.asked == 1  # once it is known nothing is asked any more


@pytest.mark.parametrize("truth", [Answer(status=AnswerStatus.ACCEPTED, reference="33-1"), None])
async def test_a_refusal_that_the_province_does_not_confirm_changes_nothing_and_is_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch, truth: Answer | None
) -> None:
    what = await asked(office, Answer(status=AnswerStatus.PENDING))
    Asked(office, monkeypatch, truth)
    lie = notice(what.key, event="e1", status="REFUSED", reasonCodes=["tax_arrears"])
    for _ in range(2):
        is_problem(await report(office, lie), 409, "contradiction")
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("pending",)]
    assert await rows(office, "SELECT verdict, times FROM inbox") == [("contradiction", 2)]
    shown = (await office.login("operator").get("/v1/provinces")).json()["provinces"]
    assert [row["contradictions"] for row in shown if row["region"] == ZHEJIANG] == [1]
    assert (await report(office, notice(what.key, event="e2"))).status_code == 202  # the truth, when it comes
    assert await rows(office, "SELECT answer->>'status' FROM effect") == [("accepted",)]


@pytest.mark.parametrize("answer", [Ambiguous("timeout"), Answer(status=AnswerStatus.PENDING)])
async def test_a_refusal_that_cannot_be_confirmed_now_is_asked_to_be_sent_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, answer: Answer | Exception
) -> None:
    what = await asked(office, Answer(status=AnswerStatus.PENDING))
    province = Asked(office, monkeypatch, answer)
    told = notice(what.key, event="e1", status="REFUSED", reasonCodes=["tax_arrears"])
    is_problem(await report(office, told), 503, "temporarily_down")
    assert await rows(office, "SELECT count(*) FROM inbox") == [(0,)]
    province.says = REFUSED
    assert (await report(office, told)).status_code == 202


async def test_a_province_that_is_held_is_not_asked(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    what = await asked(office, Answer(status=AnswerStatus.PENDING))
    province = Asked(office, monkeypatch, REFUSED)
    async with office.house.database.begin() as session:
        await provinces.set_control(session, ZHEJIANG, held=True, rate=None, reason="drill", by="op")
    told = notice(what.key, status="REFUSED", reasonCodes=["x"])
    is_problem(await report(office, told), 503, "temporarily_down")
    assert province.asked == 0
