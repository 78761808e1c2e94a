"""What a province does for each verb, seen through the adapter and checked in the province's own ledger."""

from __future__ import annotations

import asyncio

import pytest
from stdnum.iso7064 import mod_37_36

from adapters.errors import ContractBroken, Misconfigured
from domain.effects import AnswerStatus, Verb
from tests.adapters.places import CLEAN, Desk, call, handover, new_key

ARREARS = "91320500XXXX009164"
MARKET = "market_regulation"


async def test_a_submission_is_accepted_and_stands_in_the_ledger_once(desk: Desk) -> None:
    sent = call()
    answer = await desk.adapter.call(sent)
    (row,) = await desk.ledger(sent.key)
    assert answer.status is AnswerStatus.ACCEPTED
    assert answer.reference == row["reference"] != ""
    assert (row["verb"], row["delta"], row["operation"], row["case_no"]) == ("submit", 1, "tax_clearance", "CASE-1")


async def test_the_ledger_can_be_asked_for_one_case(desk: Desk) -> None:
    await desk.adapter.call(call(case_no="A"))
    await desk.adapter.call(call(case_no="B"))
    rows = (await desk.client.get("/sim/ledger?case_no=B")).json()["rows"]
    assert [row["case_no"] for row in rows] == ["B"]


async def test_the_same_key_and_body_get_the_stored_answer_and_no_second_effect(desk: Desk) -> None:
    sent = call()
    first = await desk.adapter.call(sent)
    assert await desk.adapter.call(sent) == first
    assert len(await desk.ledger(sent.key)) == 1


async def test_the_same_key_with_another_body_breaks_the_contract(desk: Desk) -> None:
    sent = call()
    await desk.adapter.call(sent)
    with pytest.raises(ContractBroken) as caught:
        await desk.adapter.call(sent.model_copy(update={"case_no": "CASE-2"}))
    assert caught.value.code == "key_used_otherwise"
    assert len(await desk.ledger(sent.key)) == 1


async def test_fifty_at_once_with_one_key_are_one_effect(desk: Desk) -> None:
    sent = call(operation="business_licence_issue", department=MARKET)
    answers = await asyncio.gather(*(desk.adapter.call(sent) for _ in range(50)))
    assert len({answer.data["licence_identifier"] for answer in answers}) == 1
    assert len(await desk.ledger(sent.key)) == 1


@pytest.mark.parametrize(
    ("operation", "department", "uscc", "reason"),
    [
        ("tax_clearance", "tax", "91320500XXXX009164", "tax_arrears"),
        ("archive_handover", MARKET, "91320500XXXX00924Y", "archive_sealed"),
        ("move_registration", MARKET, "91320500XXXX00959H", "address_not_registrable"),
        ("business_licence_issue", MARKET, "91320500XXXX00967C", "name_taken"),
    ],
)
async def test_a_marked_company_is_refused_with_reason_and_text(
    desk: Desk, operation: str, department: str, uscc: str, reason: str
) -> None:
    sent = call(operation=operation, department=department, payload={"uscc": uscc})
    answer = await desk.adapter.call(sent)
    assert (answer.status, answer.reasons) == (AnswerStatus.REJECTED, (reason,))
    assert answer.text is not None
    assert answer.text.zh
    assert answer.text.en
    assert await desk.ledger(sent.key) == []


async def test_find_gives_the_answer_under_a_key_and_nothing_for_an_unknown_one(desk: Desk) -> None:
    sent = call()
    assert await desk.adapter.find(sent) is None
    answer = await desk.adapter.call(sent)
    assert await desk.adapter.find(sent) == answer
    assert len(await desk.ledger()) == 1


async def test_a_reversal_brings_the_ledger_back_to_zero_and_twice_is_once(desk: Desk) -> None:
    sent = call()
    await desk.adapter.call(sent)
    undo = call(Verb.REVERSE, "tax_clearance_release", original=sent.key)
    first = await desk.adapter.call(undo)
    again = await desk.adapter.call(undo)
    other_key = await desk.adapter.call(call(Verb.REVERSE, "tax_clearance_release", original=sent.key))
    assert first == again
    assert (first.status, first.data["outcome"]) == (AnswerStatus.ACCEPTED, "reversed")
    assert (other_key.status, other_key.data["outcome"]) == (AnswerStatus.ACCEPTED, "already_reversed")
    assert [row["delta"] for row in await desk.ledger(sent.key)] == [1, -1]


async def test_a_reversal_that_comes_first_buries_the_original(desk: Desk) -> None:
    late = call()
    undone = await desk.adapter.call(call(Verb.REVERSE, "tax_clearance_release", original=late.key))
    assert (undone.status, undone.data["outcome"]) == (AnswerStatus.ACCEPTED, "nothing_to_reverse")
    answer = await desk.adapter.call(late)
    assert (answer.status, answer.reasons) == (AnswerStatus.REJECTED, ("cancelled",))
    assert await desk.adapter.find(late) == answer
    assert await desk.ledger() == []


async def test_reversing_what_was_refused_changes_nothing(desk: Desk) -> None:
    sent = call(payload={"uscc": ARREARS})
    await desk.adapter.call(sent)
    undone = await desk.adapter.call(call(Verb.REVERSE, "tax_clearance_release", original=sent.key))
    assert undone.data["outcome"] == "nothing_to_reverse"
    assert await desk.ledger() == []


async def test_a_reversal_of_another_service_is_refused(desk: Desk) -> None:
    sent = call()
    await desk.adapter.call(sent)
    answer = await desk.adapter.call(call(Verb.REVERSE, "archive_return", MARKET, original=sent.key))
    assert (answer.status, answer.reasons) == (AnswerStatus.REJECTED, ("wrong_original",))
    assert [row["delta"] for row in await desk.ledger()] == [1]


async def test_pending_work_that_is_cancelled_leaves_net_zero_and_never_completes(desk: Desk) -> None:
    sent = handover()
    taken = await desk.adapter.call(sent)
    assert taken.status is AnswerStatus.PENDING
    assert taken.poll_after_s == 60
    undone = await desk.adapter.call(call(Verb.REVERSE, "archive_return", MARKET, original=sent.key))
    assert undone.data["outcome"] == "cancelled"
    assert desk.gateway.store.next_due() is None
    desk.gateway.office.complete_due(now=4e9)
    found = await desk.adapter.find(sent)
    assert found is not None
    assert (found.status, found.reasons) == (AnswerStatus.REJECTED, ("cancelled",))
    assert sum(int(str(row["delta"])) for row in await desk.ledger()) == 0


async def test_a_poll_finds_pending_work_done_once_it_is_due(desk: Desk) -> None:
    sent = handover()
    taken = await desk.adapter.call(sent)
    desk.gateway.office.complete_due(now=4e9)
    found = await desk.adapter.find(sent)
    assert found is not None
    assert (found.status, found.reference) == (AnswerStatus.ACCEPTED, taken.reference)
    assert [row["delta"] for row in await desk.ledger(sent.key)] == [1]


async def test_an_archive_found_incomplete_is_refused_in_the_end(desk: Desk) -> None:
    sent = handover(uscc="91320500XXXX00940L")
    assert (await desk.adapter.call(sent)).status is AnswerStatus.PENDING
    desk.gateway.office.complete_due(now=4e9)
    found = await desk.adapter.find(sent)
    assert found is not None
    assert found.reasons == ("archive_incomplete",)
    assert await desk.ledger() == []


async def test_a_slow_company_takes_ten_times_as_long(desk: Desk) -> None:
    assert (await desk.adapter.call(handover(uscc="91320500XXXX00932R"))).poll_after_s == 600


async def test_every_licence_issued_has_a_number_of_its_own_with_a_valid_check_character(desk: Desk) -> None:
    issue = [call(operation="business_licence_issue", department=MARKET) for _ in range(5)]
    numbers = [(await desk.adapter.call(each)).data["licence_identifier"] for each in issue]
    assert len(set(numbers)) == 5
    for number in numbers:
        assert number.startswith("1.2.156.3005.2.11100000XXXX000786001.11340000XXXX00051C.")
        assert len(number.split(".")[7]) == 16
        assert mod_37_36.is_valid(number.removeprefix("1.2.156.3005.2.").replace(".", ""))


async def test_an_offer_shows_evidence_and_leaves_no_trace(desk: Desk) -> None:
    offer = call(
        Verb.OFFER, "legal_representative_licence", "big_data", key="", payload={"holder_id": "340199194910010042"}
    )
    shown = await desk.adapter.call(offer)
    assert shown.data["holder_name"] == "阿依古丽·买买提"
    assert await desk.ledger() == []


async def test_fetching_evidence_is_keyed_and_stands_in_the_ledger_as_a_release(desk: Desk) -> None:
    fetch = call(Verb.FETCH, "business_licence", MARKET, payload={"holder_id": CLEAN})
    offer = fetch.model_copy(update={"verb": Verb.OFFER, "key": ""})
    released = await desk.adapter.call(fetch)
    assert released.data == (await desk.adapter.call(offer)).data
    assert await desk.adapter.call(fetch) == released
    (row,) = await desk.ledger(fetch.key)
    assert (row["verb"], row["delta"]) == ("fetch", 0)


@pytest.mark.parametrize(
    ("holder", "reason"),
    [
        ("340101199001014043", "not_found"),
        ("91340100XXXX00975T", "not_found"),
        ("310199199001010018", "not_found"),  # of another province
        ("340199194910010043", "invalid_holder"),
        ("91340100XXXX00043F", "invalid_holder"),
        ("", "invalid_holder"),
    ],
)
async def test_a_register_without_the_holder_says_so(desk: Desk, holder: str, reason: str) -> None:
    for verb in (Verb.OFFER, Verb.FETCH):
        asked = call(verb, "business_licence", MARKET, payload={"holder_id": holder})
        assert (await desk.adapter.call(asked)).reasons == (reason,)
    assert await desk.ledger() == []


@pytest.mark.parametrize(
    ("department", "register", "found"),
    [
        ("natural_resources", "estate_title", True),
        ("social_security", "insurance_record", True),
        ("public_security", "household_register_licence", False),
    ],
)
async def test_who_comes_from_elsewhere_can_own_a_home_and_work_here(
    desk: Desk, department: str, register: str, found: bool
) -> None:
    asked = call(Verb.FETCH, register, department, payload={"holder_id": "310199199001010018"})
    answer = await desk.adapter.call(asked)
    assert answer.data.get("holder_name", "") == ("沈安宁" if found else "")
    assert answer.reasons == (() if found else ("not_found",))


async def test_an_unseeded_holder_gets_the_same_evidence_every_time(desk: Desk) -> None:
    asked = call(Verb.OFFER, "business_licence", MARKET, key="", payload={"holder_id": "91340100XXXX00983M"})
    first = await desk.adapter.call(asked)
    assert first.data["licence_status"] == "revoked"
    assert await desk.adapter.call(asked) == first


@pytest.mark.parametrize(
    "name", ["\U00020bb7丽娜", "\U0002b81c\U00030edd", "阿依古丽·买买提", "𝟙ａ\u200b", '"\\\n<script>']
)
async def test_rare_characters_come_back_as_they_were_sent(desk: Desk, name: str) -> None:
    sent = call(operation="business_licence_issue", department=MARKET, payload={"company_name": name})
    answer = await desk.adapter.call(sent)
    assert answer.data["holder_name"] == name
    assert await desk.adapter.find(sent) == answer


async def test_a_service_nobody_offers_is_a_matter_of_configuration(desk: Desk) -> None:
    for wrong in (call(operation="no_such"), call(department="forestry")):
        with pytest.raises(Misconfigured) as caught:
            await desk.adapter.call(wrong)
        assert caught.value.code == "http_404"


@pytest.mark.parametrize("operation", ["../lookup", "tax clearance", "税", ""])
async def test_an_operation_cannot_escape_its_route(desk: Desk, operation: str) -> None:
    with pytest.raises(Misconfigured, match="bad_route"):
        await desk.adapter.call(call(operation=operation))


async def test_a_verb_the_operation_does_not_know_is_refused_without_effect(desk: Desk) -> None:
    for wrong in (call(Verb.REVERSE, original=new_key()), call(Verb.FETCH), call(operation="tax_clearance_release")):
        with pytest.raises(ContractBroken):
            await desk.adapter.call(wrong)
    assert await desk.ledger() == []


async def test_find_is_not_a_call(desk: Desk) -> None:
    with pytest.raises(Misconfigured, match="verb_not_supported"):
        await desk.adapter.call(call(Verb.FIND))


async def test_health_names_a_wrong_province(desk: Desk) -> None:
    await desk.adapter.health()
    desk.adapter.region = "330000"
    with pytest.raises(Misconfigured, match="another_region"):
        await desk.adapter.health()
