"""Prefilling: what registers hold about the person logged in, and nobody else. Bills are paid at the cashier's."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.api.test_problems import is_problem
from tests.fixtures.houses import Caller
from tests.fixtures.running import Town, eventually
from tongban.stack.keys import AUDIENCE, sign_token

ME = "340199194910010042"  # synthetic, domain note 6
NAME = "阿依古丽·买买提"


def verified(town: Town, number: str = ME, name: str = NAME) -> Caller:
    """A citizen whose identity provider has checked his number."""
    token = sign_token(
        town.secrets.signing_key,
        issuer="https://login.test.invalid",
        audience=AUDIENCE,
        subject="verified-citizen",
        hours=1,
        claims={"role": "citizen", "name": name, "id_number": number},
    )
    return town.caller(token)


async def test_empty_fields_are_filled_from_account_and_register_with_their_source(town: Town) -> None:
    path = "/v1/services/YRD-HUKOU/prefill"
    answer = await verified(town).post(path, json={"form": {"origin_city": "340100"}})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["values"] == {"applicant_id": ME, "applicant_name": NAME}
    assert found["sources"]["applicant_id"] == {"account": True}
    assert found["sources"]["applicant_name"]["place"]["region"] == "340100"
    kept = await verified(town).post(path, json={"form": {"origin_city": "340100", "applicant_name": "x"}})
    assert kept.json()["values"] == {"applicant_id": ME}  # what is filled in stays


async def test_nobody_elses_register_entry_is_shown(town: Town) -> None:
    path = "/v1/services/YRD-HUKOU/prefill"
    other = {"form": {"origin_city": "310000", "applicant_id": "310199199001010018"}}
    found = (await verified(town).post(path, json=other)).json()
    assert found["values"] == {}
    assert found["missing"][0]["why"] == "not_about_you"
    assert "沈安宁" not in str(found)
    is_problem(await town.citizen().post(path, json=other), 403, "identity_not_verified")
    is_problem(await town.market().post(path, json=other), 403, "forbidden")
    is_problem(await town.caller().post(path, json=other), 401, "unauthenticated")


async def test_a_register_that_is_somewhere_unknown_or_has_nothing_is_told_and_not_refused(town: Town) -> None:
    path = "/v1/services/YRD-HUKOU/prefill"
    nowhere = (await verified(town).post(path, json={"form": {}})).json()
    assert nowhere["missing"][0]["why"] == "place_unknown"
    elsewhere = (await verified(town).post(path, json={"form": {"origin_city": "330100"}})).json()
    assert elsewhere["missing"][0]["why"] == "not_found"
    odds: list[Any] = [[], {}, 5, True, "\ud800"]
    for odd in odds:
        body = json.dumps({"form": {"origin_city": "340100", "applicant_name": odd, "applicant_id": odd}})
        answer = await verified(town).post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, (odd, answer.text)
    assert elsewhere["values"] == {"applicant_id": ME}


async def test_the_consent_form_is_read_and_agreed_to_before_papers_are_collected(town: Town) -> None:
    form = (await town.caller().get("/v1/services/YRD-IDCARD/consent")).json()
    assert (form["needed"], form["tag"]) == (True, "DESIGN")
    assert (await town.caller().get("/v1/services/YRD-HUKOU/consent")).json()["needed"] is False
    body: dict[str, Any] = {"service": "YRD-IDCARD", "form": _card()}
    citizen = town.citizen()
    is_problem(await citizen.post("/v1/cases", json=body), 422, "consent_required")
    is_problem(await citizen.post("/v1/cases", json=body | {"consent": "1999"}), 422, "consent_version")
    answer = await citizen.post("/v1/cases", json=body | {"consent": form["version"]})
    assert answer.json().get("code") != "consent_required"


def _card() -> dict[str, Any]:
    from catalogue.library import HERE
    from catalogue.scenario import read_scenario

    return dict(read_scenario(HERE / "scenarios" / "YRD-IDCARD" / "completed.yaml").form)


async def test_a_fee_names_where_it_is_paid_and_goes_on_when_it_is(town: Town) -> None:
    from tests.api.test_windows import Meeting

    meeting = Meeting(town)
    await meeting.begin()
    await meeting.ok(meeting.owner, act="close", outcome="abandoned")
    await town.accept_only(meeting.owner, meeting.no)
    decided = await town.decide_whole(meeting.near, meeting.no, "window", "completed")
    assert decided.status_code == 200, decided.text
    assert (await town.decide(meeting.near, meeting.no, "accept", "accept")).status_code == 200

    async def fee() -> dict[str, Any]:
        fees = (await meeting.owner.get(f"/v1/cases/{meeting.no}/fees")).json()["fees"]
        return dict(fees[0]) if fees else {}

    due = await eventually(fee, lambda f: f.get("status") in {"due", "paid"})
    assert due["amount_fen"] == 8000
    if due["status"] == "due":
        assert due["pay_at"].startswith("http://127.0.0.1:")
        async with httpx.AsyncClient(trust_env=False) as payer:
            page = await payer.get(due["pay_at"])
            assert "80.00" in page.text
            await payer.post(due["pay_at"])
    paid = await eventually(fee, lambda f: f.get("status") == "paid")
    assert paid["pay_at"] == ""
    await meeting.owner.post(f"/v1/cases/{meeting.no}/withdraw", json={})
    back = await eventually(fee, lambda f: f.get("status") == "refunded")
    assert back["refund_on"] == ["decided_refused", "withdrawn", "terminated"]
