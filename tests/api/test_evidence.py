"""Evidence is used only with the applicant's consent; withdrawal undoes what took effect."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.test_problems import is_problem
from tests.fixtures.houses import Caller
from tests.fixtures.running import Town


async def offered(town: Town) -> tuple[Caller, str, dict[str, str]]:
    citizen = town.citizen()
    no = await citizen.submit()
    return citizen, no, await town.offered(citizen, no)


def path(no: str, item: str, order: str = "accept") -> str:
    return f"/v1/cases/{no}/evidence/{item}/{order}"


async def test_the_applicant_sees_what_was_found_and_nothing_has_been_released(town: Town) -> None:
    citizen, no, items = await offered(town)
    case = await town.case(citizen, no)
    assert case["waiting_on"]["who"] in {"applicant", "department"}
    assert "applicant" in {waiting["who"] for waiting in case["waiting"]}
    previews = {item["step"]: item["preview"] for item in case["evidence"]}
    assert set(previews) == set(items) == {"representative", "shareholder"}
    assert all(previews.values())
    assert await town.ledger(no) == {}
    for reader in (town.market(), town.login("auditor"), town.login("caseworker", "340100", "tax")):
        assert [item["preview"] for item in (await town.case(reader, no))["evidence"]] == [None, None]


async def test_consent_releases_it_once_and_shows_it_to_the_place_that_decides(town: Town) -> None:
    citizen, no, items = await offered(town)
    answer = await citizen.post(path(no, items["shareholder"]))
    assert answer.status_code == 200, answer.text
    await town.until(citizen, no, lambda c: {e["step"]: e["state"] for e in c["evidence"]}["shareholder"] == "used")
    assert await town.ledger(no) == {("shareholder", "fetch"): 1}
    shown = {e["step"]: e["preview"] for e in (await town.case(town.market(), no))["evidence"]}
    assert shown["shareholder"]
    assert shown["representative"] is None
    other = {
        e["step"]: e["preview"] for e in (await town.case(town.login("caseworker", "340100", "tax"), no))["evidence"]
    }
    assert set(other.values()) == {None}


async def test_consent_twice_or_ten_times_at_once_releases_it_once(town: Town) -> None:
    citizen, no, items = await offered(town)
    answers = await asyncio.gather(*(citizen.post(path(no, items["representative"])) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}, [a.text for a in answers]
    keyed = {"Idempotency-Key": "another-try"}
    late = await citizen.post(path(no, items["representative"]), headers=keyed)
    is_problem(late, 409, "evidence_settled")
    await town.until(citizen, no, lambda c: any(e["state"] == "used" for e in c["evidence"]))
    assert await town.ledger(no) == {("representative", "fetch"): 1}


async def test_consent_under_a_key_is_answered_alike_each_time(town: Town) -> None:
    citizen, no, items = await offered(town)
    headers = {"Idempotency-Key": "consent"}
    first = await citizen.post(path(no, items["representative"]), headers=headers)
    again = await citizen.post(path(no, items["representative"]), headers=headers)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = await citizen.post(path(no, items["shareholder"]), headers=headers)
    is_problem(other, 409, "idempotency_conflict")


async def test_whoever_declines_hands_in_a_document_of_his_own(town: Town) -> None:
    citizen, no, items = await offered(town)
    item = items["shareholder"]
    is_problem(await citizen.post(path(no, item, "decline"), json={}), 422, "replacement_required")
    foreign = await town.citizen().upload()
    for document in (foreign, "d" + "0" * 26):
        answer = await citizen.post(path(no, item, "decline"), json={"document_id": document})
        is_problem(answer, 422, "document_unknown")
    own = await citizen.upload()
    answer = await citizen.post(path(no, item, "decline"), json={"document_id": own, "reason": "已更新"})
    assert answer.status_code == 200, answer.text
    (shown,) = [e for e in (await town.case(citizen, no))["evidence"] if e["step"] == "shareholder"]
    assert (shown["state"], shown["document_id"]) == ("replaced", own)
    assert await town.ledger(no) == {}
    is_problem(await citizen.post(path(no, item)), 409, "evidence_settled")


async def test_a_late_decline_does_not_change_what_was_handed_in(town: Town) -> None:
    citizen, no, items = await offered(town)
    item, first, second = items["shareholder"], await citizen.upload(), await citizen.upload()
    assert (await citizen.post(path(no, item, "decline"), json={"document_id": first})).status_code == 200
    late = await citizen.post(
        path(no, item, "decline"), json={"document_id": second}, headers={"Idempotency-Key": "late"}
    )
    is_problem(late, 409, "evidence_settled")
    (shown,) = [e for e in (await town.case(citizen, no))["evidence"] if e["step"] == "shareholder"]
    assert shown["document_id"] == first


async def test_after_the_end_nothing_is_answered_any_more(town: Town) -> None:
    citizen, no, items = await offered(town)
    assert (await citizen.post(f"/v1/cases/{no}/withdraw", json={})).status_code == 200
    await town.until(citizen, no, lambda c: c["closed_at"])
    own = await citizen.upload()
    is_problem(await citizen.post(path(no, items["shareholder"])), 409, "case_closed")
    declined = await citizen.post(path(no, items["representative"], "decline"), json={"document_id": own})
    is_problem(declined, 409, "case_closed")
    case = await town.case(citizen, no)
    assert [(e["state"], e["preview"] is not None) for e in case["evidence"]] == [("cancelled", False)] * 2
    assert [e["document_id"] for e in case["evidence"]] == ["", ""]


async def test_a_missing_register_entry_asks_for_a_document(town: Town) -> None:
    citizen = town.citizen()
    no = await citizen.submit(legal_representative_id="340101199001014043")
    case = await town.until(citizen, no, lambda c: any(e["state"] == "unavailable" for e in c["evidence"]))
    (item,) = [e for e in case["evidence"] if e["state"] == "unavailable"]
    refused = await citizen.post(path(no, item["id"]))
    is_problem(refused, 422, "replacement_required")
    answer = await citizen.post(path(no, item["id"], "decline"), json={"document_id": await citizen.upload()})
    assert answer.status_code == 200, answer.text


async def test_withdrawn_before_anything_happened_there_is_nothing_to_undo(town: Town) -> None:
    citizen, no, _ = await offered(town)
    answer = await citizen.post(f"/v1/cases/{no}/withdraw", json={"reason": "不再迁移"})
    assert answer.status_code == 200
    case = await town.until(citizen, no, lambda c: c["closed_at"])
    assert (case["status"], case["waiting_on"]) == ("withdrawn", None)
    assert await town.rows(no) == []
    tasks = (await town.market().get("/v1/tasks", params={"limit": 200})).json()["tasks"]
    assert no not in {task["case_no"] for task in tasks}


async def test_withdrawn_before_the_decision_what_took_effect_is_undone_once(town: Town) -> None:
    citizen = town.citizen()
    no = await town.to_decision(citizen)
    assert (await town.ledger(no))[("tax", "submit")] == 1
    answers = await asyncio.gather(*(citizen.post(f"/v1/cases/{no}/withdraw", json={}) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {200}, [a.text for a in answers]
    case = await town.until(citizen, no, lambda c: c["closed_at"])
    assert case["status"] == "withdrawn"
    ledger = await town.ledger(no)
    assert {step: ledger[(step, "reverse")] for step in ("tax", "archive")} == {"tax": 1, "archive": 1}
    for step in ("tax", "archive"):
        assert sum(row["delta"] for row in await town.rows(no) if row["step"] == step) == 0
    again = await citizen.post(f"/v1/cases/{no}/withdraw", json={})
    assert (again.status_code, again.json()) == (200, answers[0].json())  # the same order, the same answer


async def test_after_the_decision_it_is_too_late(town: Town) -> None:
    citizen = town.citizen()
    no = await town.to_decision(citizen)
    assert (await town.decide(town.market(), no, "decide", "grant")).status_code == 200
    answer = await citizen.post(f"/v1/cases/{no}/withdraw", json={})
    assert answer.json()["code"] in {"too_late_to_withdraw", "case_closed"}, answer.text
    assert answer.status_code == 409
    case = await town.until(citizen, no, lambda c: c["closed_at"])
    assert case["status"] == "completed"
    is_problem(await citizen.post(f"/v1/cases/{no}/withdraw", json={}), 409, "case_closed")


@pytest.mark.parametrize("body", [{"reason": "x" * 4001}, {"why": "x"}, {"reason": 7}])
async def test_a_withdrawal_of_the_wrong_shape_does_nothing(town: Town, body: dict[str, object]) -> None:
    citizen, no, _ = await offered(town)
    is_problem(await citizen.post(f"/v1/cases/{no}/withdraw", json=body), 422)
    assert (await town.case(citizen, no))["closed_at"] is None


async def test_a_reason_no_database_keeps_is_refused_as_such(town: Town) -> None:
    citizen, no, _ = await offered(town)
    answer = await citizen.post(f"/v1/cases/{no}/withdraw", json={"reason": "a\0b"})
    is_problem(answer, 422)
    assert (await town.case(citizen, no))["closed_at"] is None
