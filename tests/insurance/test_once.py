"""One message, one effect: sent twice, taken back, lost at each hop, done and not done, the platform killed between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from adapters.errors import Ambiguous, ContractBroken, Misconfigured, ProvinceError, Rejected, Unavailable
from domain.medical.interface import InsuranceMessage
from tests.insurance.places import A, Person, Town, bill, line

New = Callable[[str], Person]
OUT = bill((A, "200.00"))
REVERSIBLE = ("2401", "2304", "2305", "2207", "2208")
HOPS = {"treatment": "310000", "hub": "hub", "insured": ""}  # "": the person's own province


async def ready(town: Town, infno: str, person: Person) -> InsuranceMessage:
    """Everything done that comes before, and the message itself, not sent yet."""
    if infno == "2401":
        return town.message("2401", town.admission(person), person)
    if infno in ("2304", "2305"):
        visit = await town.stay(person)
        if infno == "2304":
            return town.message("2304", town.to_settle(person, visit), person)
        done = await town.settle(person, visit)
        return town.message("2305", {"mdtrt_id": visit, "setl_id": done.setl_id}, person)
    visit = (await town.ask("2201", town.admission(person, med_type="11"), person))["mdtrt_id"]
    await town.ask("2204", {"mdtrt_id": visit, "feedetail": OUT}, person)
    if infno == "2207":
        return town.message("2207", town.to_settle(person, visit, OUT), person)
    done = await town.settle(person, visit, OUT, "2207")
    return town.message("2208", {"mdtrt_id": visit, "setl_id": done.setl_id}, person)


async def effects(town: Town, person: Person, msgid: str) -> list[int]:
    return [row["delta"] for row in await town.ledger(person.area[:2] + "0000", msgid=msgid)]


async def reverse(town: Town, message: InsuranceMessage, person: Person, **more: Any) -> str:
    told = await town.ask("2601", {"omsgid": message.msgid, "oinfno": message.infno}, person, **more)
    return str(told["rev_rslt"])


async def state(town: Town, message: InsuranceMessage, person: Person) -> str:
    return str((await town.ask("5203", {"msgid": message.msgid}, person))["msg_stas"])


def hop(name: str, person: Person) -> str:
    return HOPS[name] or person.area[:2] + "0000"


# the same message again


@pytest.mark.parametrize("infno", REVERSIBLE)
async def test_the_same_message_twice_has_one_effect_and_one_answer(town: Town, somebody: New, infno: str) -> None:
    person = somebody("employee")
    message = await ready(town, infno, person)
    first, second = await town.gate.send(message), await town.gate.send(message)
    assert first == second
    assert len(await effects(town, person, message.msgid)) == 1


async def test_two_copies_at_once_have_one_effect(town: Town, somebody: New) -> None:
    person = somebody("employee")
    message = await ready(town, "2304", person)
    answers = await asyncio.gather(*(town.gate.send(message) for _ in range(8)))
    assert len({answer.body for answer in answers}) == 1
    assert await effects(town, person, message.msgid) == [1]


async def test_the_same_number_with_another_body_is_an_error(town: Town, somebody: New) -> None:
    person = somebody("employee")
    message = await ready(town, "2304", person)
    await town.gate.send(message)
    other = message.model_copy(update={"body": json.dumps(json.loads(message.body) | {"acct_used_flag": "0"})})
    with pytest.raises(ContractBroken, match="key_used_otherwise"):
        await town.gate.send(other)


# taking back


@pytest.mark.parametrize("infno", REVERSIBLE)
async def test_what_is_taken_back_leaves_nothing(town: Town, somebody: New, infno: str) -> None:
    person = somebody("employee")
    message = await ready(town, infno, person)
    before = await town.year(person)
    answer = json.loads((await town.gate.send(message)).body)
    assert await reverse(town, message, person) == "reversed"
    assert await reverse(town, message, person) == "reversed"  # once, however often it is asked
    assert await town.year(person) == before
    rows = await town.ledger(person.area[:2] + "0000", mdtrt_id=answer["mdtrt_id"])
    about = [row for row in rows if row["kind"] in ("settle", "undo")] if infno != "2401" else rows
    assert sum(row["delta"] for row in about) == (1 if infno in ("2305", "2208") else 0)
    assert await state(town, message, person) == "reversed"
    with pytest.raises(Rejected) as no:
        await town.gate.send(message)
    assert no.value.reasons == ("reversed",)


@pytest.mark.parametrize("infno", REVERSIBLE)
async def test_what_is_taken_back_before_it_comes_does_nothing_when_it_comes(
    town: Town, somebody: New, infno: str
) -> None:
    person = somebody("employee")
    message = await ready(town, infno, person)
    assert await state(town, message, person) == "never_arrived"
    assert await reverse(town, message, person) == "never_arrived"
    assert await reverse(town, message, person) == "never_arrived"
    assert await state(town, message, person) == "tombstone"
    with pytest.raises(Rejected) as no:
        await town.gate.send(message)
    assert no.value.reasons == ("reversed",)
    assert await effects(town, person, message.msgid) == []


async def test_an_undoing_taken_back_lets_the_settlement_stand_to_be_undone_again(town: Town, somebody: New) -> None:
    person = somebody("employee")
    undo = await ready(town, "2305", person)
    totals = await town.year(person)
    await town.gate.send(undo)
    await reverse(town, undo, person)
    assert await town.year(person) == totals
    again = undo.model_copy(update={"msgid": town.message("2305", {}, person).msgid})
    await town.gate.send(again)
    assert (await town.year(person))["pool"] == "0.00"


async def test_an_undoing_that_another_settlement_stands_on_is_not_taken_back(town: Town, somebody: New) -> None:
    """The money that went back to the account has been spent on another stay."""
    person = somebody("employee")
    undo = await ready(town, "2305", person)
    await town.gate.send(undo)
    assert (await town.settle(person, await town.stay(person))).balc == 0
    with pytest.raises(Rejected) as no:
        await reverse(town, undo, person)
    assert no.value.reasons == ("not_reversible",)


async def test_nothing_else_is_taken_back(town: Town, somebody: New) -> None:
    person = somebody("employee")
    settle = await ready(town, "2304", person)
    await town.gate.send(settle)
    for body, reason in (
        ({"omsgid": settle.msgid, "oinfno": "2402"}, "not_reversible"),
        ({"omsgid": settle.msgid, "oinfno": "2207"}, "original_differs"),
    ):
        with pytest.raises(Rejected) as no:
            await town.ask("2601", body, person)
        assert no.value.reasons == (reason,)
    with pytest.raises(Rejected) as no:
        await reverse(town, settle, somebody("resident"))
    assert no.value.reasons == ("original_differs",)
    undone = json.loads(settle.body)["mdtrt_id"]
    rows = await town.ledger(person.area[:2] + "0000", mdtrt_id=undone)
    await town.ask("2305", {"mdtrt_id": undone, "setl_id": rows[-1]["setl_id"]}, person)
    with pytest.raises(Rejected) as no:
        await reverse(town, settle, person)
    assert no.value.reasons == ("not_reversible",)  # its effect is gone already, by an undoing that stands


async def test_an_admission_with_fees_is_not_taken_back(town: Town, somebody: New) -> None:
    person = somebody("employee")
    message = await ready(town, "2401", person)
    visit = json.loads((await town.gate.send(message)).body)["mdtrt_id"]
    await town.ask("2301", {"mdtrt_id": visit, "feedetail": [line(1, A, "5.00")]}, person)
    with pytest.raises(Rejected) as no:
        await reverse(town, message, person)
    assert no.value.reasons == ("not_reversible",)


# lost on the way: each reversible message, at each hop, done and not done


@pytest.mark.parametrize("where", HOPS)
@pytest.mark.parametrize("infno", REVERSIBLE)
async def test_an_answer_lost_after_it_was_done_is_found_and_not_done_again(
    town: Town, somebody: New, infno: str, where: str
) -> None:
    person = somebody("employee")
    message = await ready(town, infno, person)
    await town.fault(hop(where, person), "lost_answer", infno)
    with pytest.raises(Ambiguous):
        await town.gate.send(message)
    assert await state(town, message, person) == "done"
    await town.gate.send(message)  # the same again: what was answered first
    assert len(await effects(town, person, message.msgid)) == 1


@pytest.mark.parametrize("where", HOPS)
@pytest.mark.parametrize("infno", ["2401", "2304"])
async def test_whoever_has_asked_can_go_on_without_sending_again(
    town: Town, somebody: New, infno: str, where: str
) -> None:
    person = somebody("employee")
    message = await ready(town, infno, person)
    await town.fault(hop(where, person), "lost_answer", infno)
    with pytest.raises(Ambiguous):
        await town.gate.send(message)
    visit = (await town.ask("5203", {"msgid": message.msgid}, person))["mdtrt_id"]
    if infno == "2401":
        await town.ask("2301", {"mdtrt_id": visit, "feedetail": [line(1, A, "5.00")]}, person)
        return
    (row,) = (await town.ask("5203", {"mdtrt_id": visit}, person))["rows"]
    assert (row["msgid"], row["stas"]) == (message.msgid, "1")
    await town.ask("2305", {"mdtrt_id": visit, "setl_id": row["setlinfo"]["setl_id"]}, person)


@pytest.mark.parametrize("where", HOPS)
@pytest.mark.parametrize("infno", REVERSIBLE)
async def test_a_message_lost_before_it_was_done_is_known_never_to_have_come(
    town: Town, somebody: New, infno: str, where: str
) -> None:
    person = somebody("employee")
    message = await ready(town, infno, person)
    await town.fault(hop(where, person), "half_open", infno, seconds=0.1)
    with pytest.raises(Ambiguous):
        await town.gate.send(message)
    assert await state(town, message, person) == "never_arrived"
    assert await reverse(town, message, person) == "never_arrived"
    assert await effects(town, person, message.msgid) == []


@pytest.mark.parametrize("infno", REVERSIBLE)
async def test_a_lost_answer_can_be_taken_back_unseen(town: Town, somebody: New, infno: str) -> None:
    person = somebody("employee")
    message = await ready(town, infno, person)
    await town.fault(hop("insured", person), "timeout", infno, seconds=1.2)
    with pytest.raises(Ambiguous):
        await town.gate.send(message)
    assert await reverse(town, message, person) == "reversed"
    with pytest.raises(Rejected) as no:
        await town.gate.send(message)
    assert no.value.reasons == ("reversed",)


async def test_fees_wait_until_the_outcome_of_a_settlement_is_known(town: Town, somebody: New) -> None:
    person = somebody("employee")
    message = await ready(town, "2304", person)
    await town.fault("hub", "lost_answer", "2304")
    with pytest.raises(Ambiguous):
        await town.gate.send(message)
    visit = json.loads(message.body)["mdtrt_id"]
    more = town.message("2301", {"mdtrt_id": visit, "feedetail": [line(9, A, "1.00")]}, person)
    with pytest.raises(Rejected) as no:
        await town.gate.send(more)
    assert no.value.reasons == ("visit_state",)
    await reverse(town, message, person)
    await town.gate.send(more)


@pytest.mark.parametrize(("kind", "rev_rslt"), [("delayed", "never_arrived"), ("slow", "reversed")])
async def test_what_is_taken_back_while_it_is_under_way_does_nothing(
    town: Town, somebody: New, kind: str, rev_rslt: str
) -> None:
    """Before it reaches the insured place, or after it was done there and before that is known here."""
    person = somebody("employee")
    message = await ready(town, "2304", person)
    await town.fault(hop("insured", person), kind, "hub:2304", seconds=0.3)
    sending = asyncio.create_task(town.gate.send(message))
    await asyncio.sleep(0.15)
    assert await reverse(town, message, person) == rev_rslt
    with pytest.raises(Rejected) as no:
        await sending
    assert no.value.reasons == ("reversed",)
    visit = json.loads(message.body)["mdtrt_id"]
    for region, role in (("310000", "treatment"), ("hub", "hub"), (person.area[:2] + "0000", "insured")):
        rows = [row for row in await town.ledger(region, role, mdtrt_id=visit) if row["setl_id"]]
        assert [row["delta"] for row in rows] == ([1, -1] if kind == "slow" else []), role
    assert (await town.settle(person, visit)).fund_pay_sumamt > 0  # under a number of its own it can be settled


# kinds of trouble


@pytest.mark.parametrize("where", HOPS)
@pytest.mark.parametrize(
    ("kind", "error", "more"),
    [
        ("down", Unavailable, {}),
        ("error_500", Ambiguous, {}),
        ("reset", Ambiguous, {}),
        ("garbage", Ambiguous, {}),
        ("truncated", Ambiguous, {}),
        ("reset_mid_body", Ambiguous, {}),
        ("oversize", Ambiguous, {}),
        ("deep", Ambiguous, {}),
        ("forged_answer", Ambiguous, {}),
        ("drip", Ambiguous, {"seconds": 30.0}),
        ("timeout", Ambiguous, {"seconds": 1.2}),
    ],
)
async def test_each_trouble_at_each_hop_is_what_it_is(
    town: Town, kind: str, error: type[ProvinceError], more: dict[str, Any], where: str
) -> None:
    person = Person("340500", "employee")
    message = town.message("5303", {}, person)
    await town.hasty.send(message)  # signed in
    await town.fault(hop(where, person), kind, "5303", **more)
    with pytest.raises(error):
        await (town.hasty if where == "treatment" else town.gate).send(message)
    await town.clear()
    assert json.loads((await town.gate.send(message)).body)["data"] == []


@pytest.mark.parametrize(("status", "error"), [(400, ContractBroken), (401, Misconfigured), (404, Misconfigured)])
async def test_a_refusal_by_status_is_a_matter_of_the_line(town: Town, status: int, error: type[ProvinceError]) -> None:
    person = Person("340500", "employee")
    await town.fault("310000", "http_status", "5303", status=status)
    with pytest.raises(error):
        await town.ask("5303", {}, person)
    await town.fault("hub", "http_status", "5303", status=status)
    with pytest.raises(Ambiguous):  # what a hop in between said, nobody here can interpret
        await town.ask("5303", {}, person)


async def test_a_slow_platform_is_waited_for(town: Town) -> None:
    person = Person("340500", "employee")
    await town.fault("340000", "slow", "hub:5303", seconds=0.15)
    await town.fault("340000", "delayed", "hub:5303", seconds=0.1)
    assert (await town.ask("5303", {}, person))["data"] == []


async def test_nobody_listens_is_nothing_done(town: Town, somebody: New) -> None:
    person = somebody("employee")
    message = await ready(town, "2304", person)
    await town.fault(hop("insured", person), "refused", "*", seconds=0.8)
    with pytest.raises(Unavailable):
        await town.gate.send(message)
    await asyncio.sleep(1.2)
    await town.gate.send(message)
    assert await effects(town, person, message.msgid) == [1]


async def test_what_the_hub_delivers_twice_is_done_once(town: Town, somebody: New) -> None:
    person = somebody("employee")
    message = await ready(town, "2304", person)
    await town.fault("hub", "duplicate", "2304")
    await town.gate.send(message)
    assert await effects(town, person, message.msgid) == [1]
    assert (await town.controls["hub"].get("/sim/faults")).json()["faults"] == []


@pytest.mark.parametrize("where", HOPS)
@pytest.mark.parametrize(("kind", "code"), [("wrong_person", "wrong_person_answered"), ("wrong_visit", "wrong_visit")])
async def test_an_answer_about_somebody_else_is_not_believed(
    town: Town, somebody: New, kind: str, code: str, where: str
) -> None:
    person = somebody("employee")
    message = await ready(town, "2304", person)
    await town.fault(hop(where, person), kind, "2304")
    with pytest.raises(ContractBroken, match=code):
        await town.gate.send(message)
    assert await reverse(town, message, person) == "reversed"  # it was done: what is not believed is taken back


async def test_somebody_elses_particulars_are_not_believed(town: Town) -> None:
    person = Person("340500", "resident")
    await town.fault("340000", "wrong_person", "1101")
    with pytest.raises(ContractBroken, match="wrong_person_answered"):
        await town.ask("1101", {"mdtrt_cert_type": "02", "mdtrt_cert_no": person.certno}, person)


# kill -9


@pytest.mark.parametrize("where", HOPS)
async def test_kill_9_between_done_and_answered_loses_nothing(town: Town, somebody: New, where: str) -> None:
    person = somebody("employee")
    message = await ready(town, "2304", person)
    region = hop(where, person)
    await town.fault(region, "timeout", "2304", seconds=5.0)
    sending = asyncio.create_task(town.gate.send(message))
    for _ in range(100):
        await asyncio.sleep(0.03)  # once it is done, it is held back, at whichever hop it is
        if await effects(town, person, message.msgid):
            break
    await asyncio.sleep(0.05)
    await town.kill(region)
    with pytest.raises(Ambiguous):
        await sending
    assert await state(town, message, person) == "done"
    answer = await town.gate.send(message)
    assert await effects(town, person, message.msgid) == [1]
    visit = json.loads(answer.body)["mdtrt_id"]
    for place, role in (("310000", "treatment"), ("hub", "hub"), (person.area[:2] + "0000", "insured")):
        rows = [row for row in await town.ledger(place, role, mdtrt_id=visit) if row["setl_id"]]
        assert [row["row"]["fund_pay_sumamt"] for row in rows] == ["19180.00"], role


async def test_the_ledger_cannot_be_changed(town: Town) -> None:
    import sqlite3

    with sqlite3.connect(town.folder / "340000" / "insurance.sqlite", timeout=10) as books:
        for words in ("UPDATE ledger SET delta = 0", "DELETE FROM ledger", "DELETE FROM settlement"):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                books.execute(words)
    books.close()
