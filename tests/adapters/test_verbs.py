"""What a province does for each verb, seen through its adapter and checked in the province's own ledger."""

from __future__ import annotations

import asyncio

import pytest
from stdnum.iso7064 import mod_37_36

from adapters.errors import ContractBroken, Misconfigured, ProvinceError
from domain.effects import Answer, AnswerStatus, ProvinceCall, Verb
from tests.adapters.places import Desk, handover
from tests.adapters.wires import ANHUI, CLEAN, JIANGSU, SHANGHAI, ZHEJIANG, call

ARREARS = "91320500XXXX009164"
WANTS = "91340100XXXX0081X9"  # 81: something has to be handed in
MARKET = "market_regulation"


async def end(desk: Desk, sent: ProvinceCall) -> Answer:
    """How a call ends, asked for where the end does not come with the answer."""
    answer = await desk.adapter.call(sent)
    if answer.status is not AnswerStatus.PENDING:
        return answer
    desk.ends()
    found = await desk.adapter.find(sent)
    assert found is not None
    return found


async def test_a_submission_is_accepted_and_stands_in_the_ledger_once(desk: Desk) -> None:
    sent = call()
    answer = await end(desk, sent)
    (row,) = await desk.ledger(sent)
    assert answer.status is AnswerStatus.ACCEPTED
    assert answer.reference == row["reference"] != ""
    assert (row["verb"], row["delta"], row["operation"], row["case_no"]) == ("submit", 1, "tax_clearance", "CASE-1")


async def test_the_ledger_can_be_asked_for_one_case(desk: Desk) -> None:
    await end(desk, call(case_no="A"))
    await end(desk, call(case_no="B"))
    rows = (await desk.client.get("/sim/ledger?case_no=B")).json()["rows"]
    assert [row["case_no"] for row in rows] == ["B"]


async def test_the_same_key_again_is_the_same_effect_where_keys_are_kept(desk: Desk) -> None:
    sent = call()
    first, again = await desk.adapter.call(sent), await desk.adapter.call(sent)
    desk.ends()
    effects = len(await desk.ledger(sent))
    if desk.wire is ANHUI:
        assert effects == 2  # which is why it is searched first, and why nothing is sent again before it has settled
        with pytest.raises(ContractBroken, match="done_twice"):
            await desk.adapter.find(sent)
        return
    assert first.model_copy(update={"until": None}) == again.model_copy(update={"until": None})
    assert effects == 1


async def test_the_same_key_with_another_content_breaks_the_contract(desk: Desk) -> None:
    if desk.wire is ANHUI:
        pytest.skip("keeps no keys")
    sent = call()
    await desk.adapter.call(sent)
    with pytest.raises(ContractBroken) as caught:
        await desk.adapter.call(sent.model_copy(update={"payload": {"uscc": CLEAN, "more": "1"}}))
    assert caught.value.code == "key_used_otherwise"
    desk.ends()
    assert len(await desk.ledger(sent)) == 1


async def test_twenty_at_once_with_one_key_are_one_effect(desk: Desk) -> None:
    if desk.wire is ANHUI:
        pytest.skip("keeps no keys")
    sent = call(operation="business_licence_issue", department=MARKET)
    answers = await asyncio.gather(*(desk.adapter.call(sent) for _ in range(20)))
    assert len({answer.reference for answer in answers}) == 1
    desk.ends()
    assert len(await desk.ledger(sent)) == 1


@pytest.mark.parametrize(
    ("operation", "department", "uscc", "reason"),
    [
        ("tax_clearance", "tax", ARREARS, "tax_arrears"),
        ("archive_handover", MARKET, "91320500XXXX00924Y", "archive_sealed"),
        ("archive_handover", MARKET, "91320500XXXX00940L", "archive_incomplete"),
        ("move_registration", MARKET, "91320500XXXX00959H", "address_not_registrable"),
        ("business_licence_issue", MARKET, "91320500XXXX00967C", "name_taken"),
    ],
)
async def test_a_marked_company_is_refused_with_reason_and_text(
    desk: Desk, operation: str, department: str, uscc: str, reason: str
) -> None:
    sent = call(operation=operation, department=department, payload={"uscc": uscc})
    answer = await end(desk, sent)
    assert (answer.status, answer.reasons) == (AnswerStatus.REJECTED, (reason,))
    assert answer.text is not None
    assert answer.text.zh
    assert answer.text.en
    assert await desk.ledger(sent) == []


async def test_find_gives_the_answer_under_a_key_and_nothing_for_an_unknown_one(desk: Desk) -> None:
    sent = call()
    assert await desk.adapter.find(sent) is None
    answer = await end(desk, sent)
    assert await desk.adapter.find(sent) == answer
    assert len(await desk.ledger()) == 1


async def test_a_query_says_how_far_a_submission_is(desk: Desk) -> None:
    sent = handover()
    taken = await desk.adapter.call(sent)
    asked = sent.model_copy(update={"verb": Verb.QUERY, "reference": taken.reference})
    assert (await desk.adapter.call(asked)).status is AnswerStatus.PENDING
    desk.ends()
    assert (await desk.adapter.call(asked)).status is AnswerStatus.ACCEPTED
    unknown = {"reference": "0", "key": "0" * 64} if desk.wire is SHANGHAI else {"reference": "0"}
    with pytest.raises(ContractBroken):
        await desk.adapter.call(asked.model_copy(update=unknown))


@pytest.mark.parametrize("verb", [Verb.CONSULT, Verb.NOTIFY])
async def test_another_authority_is_asked_or_told(desk: Desk, verb: Verb) -> None:
    sent = call(verb)
    assert (await end(desk, sent)).status is AnswerStatus.ACCEPTED
    assert await desk.adapter.find(sent) is not None


# --- what is undone


async def test_a_reversal_brings_the_ledger_back_to_zero_and_twice_is_once(desk: Desk) -> None:
    sent = call()
    await end(desk, sent)
    undo = call(Verb.REVERSE, "tax_clearance_release", original=sent.key)
    first = await end(desk, undo)
    again = await end(desk, undo)
    other = await end(desk, call(Verb.REVERSE, "tax_clearance_release", original=sent.key))
    assert first == again
    assert (first.status, first.data["outcome"]) == (AnswerStatus.ACCEPTED, "reversed")
    assert (other.status, other.data["outcome"]) == (
        AnswerStatus.ACCEPTED,
        "reversed" if desk.wire is ANHUI else "already_reversed",
    )
    assert [row["delta"] for row in await desk.ledger(sent)] == [1, -1]


async def test_a_reversal_that_comes_first_finds_nothing_and_buries_the_original(desk: Desk) -> None:
    late = call()
    undone = await end(desk, call(Verb.REVERSE, "tax_clearance_release", original=late.key))
    assert (undone.status, undone.data["outcome"]) == (AnswerStatus.ACCEPTED, "nothing_to_reverse")
    if desk.wire is ANHUI:
        return  # nothing can be buried under a number the province has never given
    answer = await end(desk, late)
    assert (answer.status, answer.reasons) == (AnswerStatus.REJECTED, ("cancelled",))
    assert await desk.adapter.find(late) == answer
    assert await desk.ledger() == []


async def test_reversing_what_was_refused_changes_nothing(desk: Desk) -> None:
    sent = call(payload={"uscc": ARREARS})
    await end(desk, sent)
    undone = await end(desk, call(Verb.REVERSE, "tax_clearance_release", original=sent.key))
    assert undone.data["outcome"] == "nothing_to_reverse"
    assert await desk.ledger() == []


async def test_a_reversal_of_another_service_is_refused(desk: Desk) -> None:
    sent = call()
    await end(desk, sent)
    answer = await end(desk, call(Verb.REVERSE, "archive_return", MARKET, original=sent.key))
    assert (answer.status, answer.reasons) == (AnswerStatus.REJECTED, ("wrong_original",))
    assert [row["delta"] for row in await desk.ledger()] == [1]


@pytest.mark.parametrize("verb", [Verb.REVERSE, Verb.WITHDRAW])
async def test_what_is_called_off_in_progress_leaves_net_zero_and_never_completes(desk: Desk, verb: Verb) -> None:
    if desk.wire is JIANGSU:
        pytest.skip("its reversals end in their turn, behind the original")
    sent = handover()
    assert (await desk.adapter.call(sent)).status is AnswerStatus.PENDING
    undo = call(verb, "archive_return", MARKET, original=sent.key)
    assert await desk.adapter.find(undo) is None
    assert (await desk.adapter.call(undo)).data["outcome"] == "cancelled"
    desk.ends()
    found = await desk.adapter.find(sent)
    assert found is not None
    assert (found.status, found.reasons) == (AnswerStatus.REJECTED, ("cancelled",))
    again = await desk.adapter.find(undo)
    assert again is not None
    assert (again.status, again.data) == (AnswerStatus.ACCEPTED, {"outcome": "cancelled"})
    assert sum(int(str(row["delta"])) for row in await desk.ledger()) == 0


async def test_what_is_done_cannot_be_withdrawn(desk: Desk) -> None:
    sent = handover()
    await end(desk, sent)
    answer = await end(desk, call(Verb.WITHDRAW, "archive_return", MARKET, original=sent.key))
    assert (answer.status, answer.reasons) == (AnswerStatus.REJECTED, ("already_done",))
    assert [row["delta"] for row in await desk.ledger(sent)] == [1]


async def test_what_a_province_wants_is_handed_in_once(desk: Desk) -> None:
    sent = handover(uscc=WANTS)
    await desk.adapter.call(sent)
    taken = await desk.adapter.find(sent)
    assert taken is not None
    assert taken.wants is not None
    more = call(Verb.SUPPLEMENT, "archive_handover", MARKET, original=sent.key, payload={"note": "补正"})
    if desk.wire is ANHUI:
        assert await desk.adapter.find(more) is None
    assert (await desk.adapter.call(more)).status in (AnswerStatus.ACCEPTED, AnswerStatus.PENDING)
    desk.ends()
    assert await desk.adapter.find(more) is not None
    found = await desk.adapter.find(sent)
    assert found is not None
    assert found.wants is None
    second = call(Verb.SUPPLEMENT, "archive_handover", MARKET, original=sent.key, payload={"note": "again"})
    assert (await end(desk, second)).reasons == ("nothing_wanted",)
    nothing = call(Verb.SUPPLEMENT, "archive_handover", MARKET, original=call().key)
    assert (await end(desk, nothing)).reasons == ("nothing_wanted",)


async def test_a_poll_finds_pending_work_done_once_it_is_due(desk: Desk) -> None:
    sent = handover()
    taken = await desk.adapter.call(sent)
    assert (taken.status, taken.poll_after_s) == (AnswerStatus.PENDING, 60)
    desk.ends()
    found = await desk.adapter.find(sent)
    assert found is not None
    assert (found.status, found.reference) == (AnswerStatus.ACCEPTED, taken.reference)
    assert [row["delta"] for row in await desk.ledger(sent)] == [1]


async def test_a_slow_company_takes_ten_times_as_long(desk: Desk) -> None:
    assert (await desk.adapter.call(handover(uscc="91320500XXXX00932R"))).poll_after_s == 600


async def test_every_licence_issued_has_a_number_of_its_own_with_a_valid_check_character(desk: Desk) -> None:
    issue = [call(operation="business_licence_issue", department=MARKET) for _ in range(5)]
    numbers = [(await end(desk, each)).data["licence_identifier"] for each in issue]
    assert len(set(numbers)) == 5
    for number in numbers:
        assert number.startswith("1.2.156.3005.2.11100000XXXX000786001.")
        assert len(number.split(".")[7]) == 16
        assert mod_37_36.is_valid(number.removeprefix("1.2.156.3005.2.").replace(".", ""))


# --- evidence


async def test_an_offer_shows_evidence_and_leaves_no_trace(desk: Desk) -> None:
    offer = call(
        Verb.OFFER, "legal_representative_licence", "big_data", key="", payload={"holder_id": "340199194910010042"}
    )
    shown = await desk.adapter.call(offer)
    if desk.wire is ANHUI:
        assert shown.data["holder_name"] == "阿依古丽·买买提"
    else:
        assert (shown.status, shown.reasons) == (AnswerStatus.REJECTED, ("not_found",))
    assert await desk.ledger() == []


async def test_fetching_evidence_is_keyed_and_stands_in_the_ledger_as_a_release(desk: Desk) -> None:
    if desk.wire is not ANHUI:
        pytest.skip("the holder is of 340000")
    fetch = call(Verb.FETCH, "business_licence", MARKET, payload={"holder_id": CLEAN})
    offer = fetch.model_copy(update={"verb": Verb.OFFER, "key": ""})
    released = await end(desk, fetch)
    assert released.data == (await desk.adapter.call(offer)).data
    (row,) = await desk.ledger(fetch)
    assert (row["verb"], row["delta"]) == ("fetch", 0)


@pytest.mark.parametrize("holder", ["340199194910010043", "91340100XXXX00043F", ""])
async def test_a_register_without_the_holder_says_so(desk: Desk, holder: str) -> None:
    for verb in (Verb.OFFER, Verb.FETCH):
        asked = call(verb, "business_licence", MARKET, payload={"holder_id": holder})
        assert (await end(desk, asked)).reasons == ("invalid_holder",)
    assert await desk.ledger() == []


async def test_a_licence_that_was_issued_is_genuine_and_another_is_not(desk: Desk) -> None:
    issued = await end(desk, call(operation="business_licence_issue", department=MARKET))
    number = issued.data["licence_identifier"]
    ask = call(Verb.VERIFY, "business_licence", MARKET, key="", payload={"licence_identifier": number})
    assert (await desk.adapter.call(ask)).status is AnswerStatus.ACCEPTED
    other = ask.model_copy(update={"payload": {"licence_identifier": number[:-1] + "?"}})
    assert (await desk.adapter.call(other)).status is AnswerStatus.REJECTED


@pytest.mark.parametrize(
    "name",
    [
        "\U00020bb7丽娜",
        "\U0002b81c\U00030edd",
        "阿依古丽·买买提",
        "𝟙ａ\u200b",
        '"\\\n<script>&amp;',
        "㐂\ue5e5\U0010fffd",
        " x\t",
    ],
)  # fmt: skip
async def test_rare_characters_come_back_as_they_were_sent(desk: Desk, name: str) -> None:
    sent = call(operation="business_licence_issue", department=MARKET, payload={"company_name": name, "uscc": CLEAN})
    answer = await end(desk, sent)
    assert answer.data["holder_name"] == name
    assert await desk.adapter.find(sent) == answer


# --- routes


async def test_a_service_nobody_offers_is_a_matter_of_configuration(desk: Desk) -> None:
    for wrong in (call(operation="no_such"), call(department="forestry")):
        with pytest.raises(Misconfigured) as caught:
            await desk.adapter.call(wrong)
        assert caught.value.code == "no_such_service"


async def test_a_verb_the_operation_does_not_know_is_refused_without_effect(desk: Desk) -> None:
    for wrong in (call(Verb.FETCH), call(operation="tax_clearance_release")):
        with pytest.raises(ProvinceError):
            await desk.adapter.call(wrong)
    desk.ends()
    assert await desk.ledger() == []


async def test_health_names_a_wrong_province(desk: Desk) -> None:
    await desk.adapter.health()
    desk.adapter.region = "350000"
    with pytest.raises(Misconfigured, match="another_region"):
        await desk.adapter.health()


async def test_a_case_of_many_pages_is_searched_to_its_end(desk: Desk) -> None:
    if desk.wire is not ZHEJIANG:
        pytest.skip("it is asked by key")
    sent = [call() for _ in range(12)]
    for each in sent:
        await desk.adapter.call(each)
    for each in (sent[0], sent[4], sent[5], sent[11]):
        assert await desk.adapter.find(each) is not None
    assert await desk.adapter.find(call()) is None
