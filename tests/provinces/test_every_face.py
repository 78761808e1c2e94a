"""What holds at every province, each asked in its own dialect."""

from __future__ import annotations

import pytest

from tests.provinces.callers import Anhui, Jiangsu, Shanghai, Zhejiang
from tests.provinces.places import COMPANY, Desk

MARKET = "market_regulation"
UNKNOWN_SERVICE = {Shanghai: "urn:sh:no-such-service", Jiangsu: "3404", Zhejiang: "40402", Anhui: "no_such_service"}
MALFORMED = {Shanghai: "urn:sh:malformed", Jiangsu: "3400", Zhejiang: "40001", Anhui: "malformed"}
REUSED = {Shanghai: "urn:sh:key-reused", Jiangsu: "2409", Zhejiang: "40901"}


async def test_an_application_is_done_once_and_stands_in_the_ledger(desk: Desk) -> None:
    done = await desk.outcome("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    (row,) = await desk.ledger()
    assert (done.state, done.key, done.number) == ("done", done.sent_as, row["reference"])
    assert (row["request_no"], row["case_no"], row["leg"], row["step"]) == (done.sent_as, "CASE-1", "leg", "step")
    assert (row["verb"], row["delta"], row["department"], row["operation"]) == ("submit", 1, "tax", "tax_clearance")


async def test_the_same_key_is_the_same_matter_and_with_other_content_a_conflict(desk: Desk) -> None:
    if isinstance(desk.caller, Anhui):
        pytest.skip("it knows no keys")
    first = await desk.outcome("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    again = await desk.outcome("apply", "tax", "tax_clearance", {"uscc": COMPANY}, key=first.sent_as)
    other = await desk.caller.send("apply", "tax", "tax_clearance", {"uscc": COMPANY, "a": "b"}, key=first.sent_as)
    assert again.number == first.number
    assert other.problem == REUSED[type(desk.caller)]
    assert len(await desk.ledger()) == 1


async def test_a_refusal_has_reasons_and_no_effect(desk: Desk) -> None:
    refused = await desk.outcome("apply", "tax", "tax_clearance", {"uscc": "91320500XXXX009164"})
    assert (refused.state, refused.reasons) == ("refused", ["tax_arrears"])
    assert await desk.caller.find(refused) is not None
    assert await desk.ledger() == []


async def test_what_takes_time_is_found_when_it_has_ended(desk: Desk) -> None:
    taken = await desk.caller.send("apply", MARKET, "archive_handover", {"uscc": COMPANY})
    assert (taken.state, taken.after >= 1) == ("in_progress", True)
    found = await desk.caller.find(taken)
    assert found is not None
    assert (found.state, found.number) == ("in_progress", taken.number)
    desk.finish()
    ended = await desk.caller.find(taken)
    assert ended is not None
    assert (ended.state, ended.number) == ("done", taken.number)
    assert await desk.net() == 1


async def test_a_reversal_undoes_and_twice_is_once(desk: Desk) -> None:
    done = await desk.outcome("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    undone = await desk.outcome("reverse", "tax", "tax_clearance_release", original=done)
    again = await desk.outcome("reverse", "tax", "tax_clearance_release", original=done)
    assert (undone.state, undone.result["outcome"]) == ("done", "reversed")
    # without keys the same answer comes again, with keys another key is another reversal that finds nothing to do
    assert again.result["outcome"] == ("reversed" if isinstance(desk.caller, Anhui) else "already_reversed")
    assert [row["delta"] for row in await desk.ledger()] == [1, -1]
    assert (await desk.ledger())[1]["original"] == done.sent_as


async def test_a_reversal_of_another_service_is_refused(desk: Desk) -> None:
    done = await desk.outcome("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    wrong = await desk.outcome("reverse", MARKET, "archive_return", original=done)
    assert (wrong.state, wrong.reasons) == ("refused", ["wrong_original"])
    assert await desk.net() == 1


async def test_what_is_reversed_before_it_comes_never_takes_effect(desk: Desk) -> None:
    if isinstance(desk.caller, Anhui):
        pytest.skip("it cannot name what it has never seen")
    ghost = await desk.outcome("apply", "tax", "tax_clearance", {"uscc": "91320500XXXX009164"})
    late = "ab" * 32
    ghost.sent_as = late
    undone = await desk.outcome("reverse", "tax", "tax_clearance_release", original=ghost)
    assert undone.result["outcome"] == "nothing_to_reverse"
    arrived = await desk.outcome("apply", "tax", "tax_clearance", {"uscc": COMPANY}, key=late)
    found = await desk.caller.find(arrived)
    assert found is not None
    assert (found.state, found.reasons) == ("refused", ["cancelled"])
    assert await desk.ledger() == []


@pytest.mark.parametrize("service", ["archive_return", "archive_handover"])
async def test_a_withdrawal_calls_off_what_is_in_progress(desk: Desk, service: str) -> None:
    taken = await desk.caller.send("apply", MARKET, "archive_handover", {"uscc": "91340100XXXX0081X9"})
    back = await desk.outcome("withdraw", MARKET, service, original=taken)
    assert (back.state, back.result) == ("done", {"outcome": "cancelled"})
    desk.finish()
    found = await desk.caller.find(taken)
    assert found is not None
    assert (found.state, found.reasons) == ("refused", ["cancelled"])
    assert await desk.net() == 0


async def test_what_is_done_cannot_be_withdrawn(desk: Desk) -> None:
    done = await desk.outcome("apply", "tax", "tax_clearance", {"uscc": COMPANY})
    late = await desk.outcome("withdraw", "tax", "tax_clearance_release", original=done)
    assert (late.state, late.reasons) == ("refused", ["already_done"])
    assert await desk.net() == 1


async def test_what_is_wanted_can_be_handed_in_and_then_it_ends_well(desk: Desk) -> None:
    waiting = await desk.caller.send("apply", "tax", "tax_clearance", {"uscc": "91340100XXXX0081X9"})
    assert (waiting.state, bool(waiting.wants)) == ("in_progress", True)
    desk.finish()
    still = await desk.caller.find(waiting)
    assert still is not None
    assert (still.state, still.wants) == ("in_progress", waiting.wants)
    handed = await desk.outcome("supplement", "tax", "tax_clearance", {"explanation": "好"}, original=waiting)
    assert handed.state == "done"
    desk.finish()
    ended = await desk.caller.find(waiting)
    assert ended is not None
    assert (ended.state, ended.wants) == ("done", "")
    more = await desk.outcome("supplement", "tax", "tax_clearance", {"explanation": "又"}, original=waiting)
    assert (more.state, more.reasons) == ("refused", ["nothing_wanted"])
    assert [row["verb"] for row in await desk.ledger()] == ["submit"]


async def test_departments_are_asked_and_told_about_anything(desk: Desk) -> None:
    asked = await desk.caller.send("consult", "ecology", "any_question", {"uscc": COMPANY})
    assert asked.state == "in_progress"
    desk.finish()
    opinion = await desk.caller.find(asked)
    assert opinion is not None
    assert (opinion.state, opinion.result["opinion"]) == ("done", "agree")
    told = await desk.outcome("notify", "ecology", "any_news", {"uscc": COMPANY})
    assert told.state == "done"
    objected = await desk.caller.send("consult", "ecology", "any_question", {"uscc": "91320500XXXX009164"})
    desk.finish()
    no = await desk.caller.find(objected)
    assert no is not None
    assert (no.state, no.reasons) == ("refused", ["objection"])
    assert [(row["verb"], row["delta"]) for row in await desk.ledger()] == [("consult", 1), ("notify", 1)]


async def test_evidence_is_shown_without_a_trace_released_with_one_and_verified(desk: Desk) -> None:
    holder = {"holder_id": "310199199001010018"}  # the notary's register knows people from anywhere
    shown = await desk.outcome("preview", "notary", "notarial_certificate", holder)
    assert (shown.state, shown.key, shown.number) == ("done", "", "")
    assert (shown.result["holder_name"], shown.result["licence_name"]) == ("沈安宁", "公证书")
    assert await desk.ledger() == []
    released = await desk.outcome("release", "notary", "notarial_certificate", holder)
    assert released.result == shown.result
    assert [(row["verb"], row["delta"]) for row in await desk.ledger()] == [("fetch", 0)]
    number = {"licence_identifier": shown.result["licence_identifier"]}
    genuine = await desk.outcome("verify", "notary", "notarial_certificate", number)
    assert (genuine.result["genuine"], genuine.result["licence_status"]) == ("yes", "valid")
    missing = await desk.outcome("preview", "notary", "notarial_certificate", {"holder_id": "1"})
    assert (missing.state, missing.reasons) == ("refused", ["invalid_holder"])


async def test_a_licence_is_genuine_where_it_was_issued_until_it_is_revoked(desk: Desk) -> None:
    issued = await desk.outcome("apply", MARKET, "business_licence_issue", {"uscc": COMPANY, "company_name": "甲"})
    number = {"licence_identifier": issued.result["licence_identifier"]}
    assert (await desk.outcome("verify", MARKET, "business_licence", number)).result["licence_status"] == "valid"
    await desk.outcome("reverse", MARKET, "business_licence_revoke", original=issued)
    revoked = await desk.outcome("verify", MARKET, "business_licence", number)
    assert (revoked.result["genuine"], revoked.result["licence_status"]) == ("yes", "revoked")
    elsewhere = "1.2.156.3005.2.11100000XXXX000786001.11310000XXXX000510.2026999999999999.001.V"
    foreign = await desk.outcome("verify", MARKET, "business_licence", {"licence_identifier": elsewhere})
    assert (foreign.state, foreign.result) == ("done", number | {"licence_identifier": elsewhere, "genuine": "no"})
    odd = await desk.outcome("verify", MARKET, "business_licence", {"licence_identifier": elsewhere[:-1] + "0"})
    assert (odd.state, odd.reasons) == ("refused", ["invalid_licence"])


@pytest.mark.parametrize(
    "name", ["\U00020bb7丽娜", "\U0002b81c\U00030edd", "阿依古丽·买买提", "\"\\ <&>'", "a\r\nb\\n\tc", "𝟙ａ\u200b"]
)
async def test_rare_characters_come_back_as_they_were_sent(desk: Desk, name: str) -> None:
    done = await desk.outcome("apply", MARKET, "business_licence_issue", {"company_name": name, "uscc": COMPANY})
    assert done.result["holder_name"] == name


@pytest.mark.parametrize("fen", [0, 1, 5, 10, 8000, 123456789012345])
async def test_money_is_exact_there_and_back(desk: Desk, fen: int) -> None:
    paid = await desk.outcome("apply", "social_security", "funeral_grant_pay", {"amount_fen": fen, "uscc": COMPANY})
    assert paid.result["amount_fen"] == str(fen)


async def test_who_is_not_there_is_not_asked(desk: Desk) -> None:
    for department, service in (("tax", "no_such"), ("forestry", "tax_clearance")):
        assert (await desk.caller.send("apply", department, service)).problem == UNKNOWN_SERVICE[type(desk.caller)]
    wrong = await desk.caller.send("apply", "notary", "notarial_certificate")
    assert wrong.problem == MALFORMED[type(desk.caller)]
    assert await desk.ledger() == []


async def test_health_names_the_region(desk: Desk) -> None:
    assert desk.caller.region in (await desk.caller.health()).text


async def test_too_much_is_not_read(desk: Desk) -> None:
    much = await desk.caller.send("apply", "tax", "tax_clearance", {"uscc": "x" * (1 << 20)})
    assert much.problem in {"urn:sh:too-large", "http 413", "41301", "too_large"}
