"""Companies and people whose number makes a province answer in a special way, each through everything that is real."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from stdnum.iso7064 import mod_11_2

from domain.identifiers import organisation_check_char, uscc_check_char
from models.database import Database, database_url
from provinces import evidence
from tests.e2e.drive import Drive, status
from tests.fixtures.running import eventually
from tongban.demo import synthetic
from tongban.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("e2e")]

CALLED_BACK = ("310115", "330100")
EVERYWHERE = (*CALLED_BACK, "320100", "340100")


def company(city: str, mark: str) -> dict[str, str]:
    """The form of a company of that city with this mark. It moves to another province than its own."""
    eight = f"XXXX{synthetic.number(2)}{mark}"
    first17 = f"91{city}{eight}{organisation_check_char(eight)}"
    return {"origin_city": city, "uscc": first17 + uscc_check_char(first17)} | goes_to(city)


def goes_to(city: str) -> dict[str, str]:
    return {"destination_city": "330100" if city[:2] == "32" else "320500"}


def person(mark: str) -> dict[str, str]:
    """The form with a legal representative of Shanghai with this mark."""
    first17 = f"31019919900101{mark}1"
    return {"legal_representative_id": first17 + str(mod_11_2.calc_check_digit(first17))}


async def rows(stack: Stack, query: str, no: str) -> list[tuple[Any, ...]]:
    """What our tables hold about a case."""
    database = Database(database_url(stack.database_url, stack.secrets.database_password), 1)
    try:
        async with database.begin() as session:
            return [tuple(row) for row in await session.execute(text(query), {"no": no})]
    finally:
        await database.aclose()


def at(drive: Drive, city: str) -> Drive:
    """The caseworker is the one of the place where the company goes."""
    drive.market = drive.meet("caseworker", goes_to(city)["destination_city"], "market_regulation")
    return drive


async def everywhere(stack: Stack, cities: Sequence[str], play: Callable[[Drive, str], Awaitable[None]]) -> None:
    """The same in every city, side by side, each with people of its own."""
    drives = [at(Drive(stack), city) for city in cities]
    try:
        await asyncio.gather(*(play(drive, city) for drive, city in zip(drives, cities, strict=True)))
    finally:
        for drive in drives:
            await drive.aclose()


async def events_of(drive: Drive, no: str) -> list[dict[str, Any]]:
    return list((await drive.citizen.get(f"/v1/cases/{no}/events?limit=1000"))["events"])


async def test_81_what_is_wanted_is_a_task_of_the_place_and_after_it_all_ends_well(drive: Drive, stack: Stack) -> None:
    await everywhere(stack, EVERYWHERE, _supplied)


async def _supplied(drive: Drive, city: str) -> None:
    no = await drive.submit(**company(city, "81"))
    await drive.accept(no)
    wanted: set[str] = set()
    clerks = {d: drive.meet("caseworker", city, d) for d in ("tax", "market_regulation")}
    clerks["destination"] = drive.market
    for _ in range(400):
        case = await drive.case(no)
        if case["closed_at"]:
            break
        if status(case, "decide") == "task":
            await drive.decide(no, "decide", "grant")
        for clerk in clerks.values():
            for task in (await clerk.get("/v1/tasks?limit=200"))["tasks"]:
                if task["case_no"] != no or task["kind"] != "supply":
                    continue
                shown = await clerk.get(f"/v1/tasks/{task['id']}")
                assert shown["wants"] is None or shown["wants"]["zh"]
                answer = await clerk.ask(
                    "PUT",
                    f"/v1/tasks/{task['id']}/decision",
                    json={"outcome": "hand_in"},
                    headers={"If-Match": f'"{task["revision"]}"'},
                )
                assert answer.status_code in {200, 409, 412}, answer.text
                wanted.add(task["step"])
        await asyncio.sleep(0.15)
    assert wanted == {"tax", "archive", "register", "licence"}, await drive.dump(no)
    await drive.check_completed([no])


async def test_82_a_slow_answer_is_found_by_asking(drive: Drive) -> None:
    no = await drive.submit(**company("340100", "82"))
    await drive.whole(no)
    await drive.check_completed([no])


async def test_83_a_province_that_is_down_is_named_and_can_still_be_withdrawn_from(drive: Drive, stack: Stack) -> None:
    await everywhere(stack, EVERYWHERE, _withdrawn_from_what_is_down)


async def _withdrawn_from_what_is_down(drive: Drive, city: str) -> None:
    no = await drive.submit(**company(city, "83"))
    await drive.accept(no)
    case = await drive.until(no, lambda c: sum(w["why"] == "province_unavailable" for w in c["waiting"]) == 2)
    assert {w["region"][:2] for w in case["waiting"] if w["who"] == "province"} == {city[:2]}
    assert {status(case, "tax"), status(case, "archive")} == {"blocked"}
    assert (await drive.citizen.ask("POST", f"/v1/cases/{no}/withdraw", json={})).status_code == 200
    await drive.end(no)
    await drive.check_undone(no, "withdrawn")


@pytest.mark.parametrize("mark", ["84", "85"])
async def test_84_and_85_what_was_done_without_a_good_answer_is_done_once(
    drive: Drive, stack: Stack, mark: str
) -> None:
    await everywhere(stack, EVERYWHERE, partial(_answered_badly, mark))


async def _answered_badly(mark: str, drive: Drive, city: str) -> None:
    no = await drive.submit(**company(city, mark))
    await drive.whole(no)
    await drive.check_completed([no])
    # some may have met a breaker and have gone through the queue at once
    troubled = [e for e in await events_of(drive, no) if e["type"] == "effect:submit:blocked"]
    assert {"tax", "archive"} <= {e["step"] for e in troubled}, troubled


async def test_86_every_message_twice_is_taken_once(drive: Drive, stack: Stack) -> None:
    await everywhere(stack, CALLED_BACK, partial(_told_twice, stack))


async def _told_twice(stack: Stack, drive: Drive, city: str) -> None:
    no = await drive.submit(**company(city, "86"))
    await drive.whole(no)
    await drive.check_completed([no])
    found = await rows(stack, "SELECT event_id, verdict FROM inbox WHERE case_no = :no", no)
    assert len({event for event, _ in found}) == len(found) >= 2
    answered = [e["step"] for e in await events_of(drive, no) if e["type"] == "effect:submit:accepted"]
    assert sorted(answered) == ["archive", "licence", "register", "tax"]


async def test_87_a_message_that_says_the_opposite_is_kept_and_changes_nothing(drive: Drive, stack: Stack) -> None:
    await everywhere(stack, CALLED_BACK, partial(_contradicted, stack))


async def _contradicted(stack: Stack, drive: Drive, city: str) -> None:
    no = await drive.submit(**company(city, "87"))
    await drive.accept(no)
    query = "SELECT verdict, answer->>'status' FROM inbox WHERE case_no = :no ORDER BY received_at"
    found = await eventually(lambda: rows(stack, query, no), lambda all_: ("contradiction", "rejected") in all_)
    await drive.finish(no)
    await drive.check_completed([no])
    found = await rows(stack, query, no)
    assert {told for verdict, told in found if verdict == "contradiction"} == {"rejected"}, found
    assert "rejected" not in {told for verdict, told in found if verdict == "taken"}, found


async def test_88_evidence_of_another_person_is_put_aside_and_a_person_decides(drive: Drive, stack: Stack) -> None:
    no = await drive.submit(**person("88"))
    case = await drive.until(no, lambda c: status(c, "representative") == "resolve")
    (waiting,) = [w for w in case["waiting"] if w["step"] == "representative"]
    assert (waiting["who"], waiting["region"][:2], waiting["why"]) == ("department", "31", "resolve")
    steps = {s["id"]: s for leg in case["legs"] for s in leg["steps"]}
    assert steps["representative"]["trouble"] == "wrong_person"
    clerk = drive.meet("caseworker", "310000", "big_data")
    (task,) = [t for t in (await clerk.get("/v1/tasks?limit=200"))["tasks"] if t["case_no"] == no]
    assert (task["kind"], task["step"]) == ("resolve", "representative")
    auditor = drive.meet("auditor")
    entries = (await auditor.get("/v1/provinces/310000/quarantine"))["entries"]
    (entry,) = [e for e in entries if e["case_no"] == no]
    assert (entry["step"], entry["code"], entry["came_by"]) == ("representative", "wrong_person", "answer")
    assert "holder_id" in entry["fields"]
    foreign = _shown_instead(person("88")["legal_representative_id"])
    for table in ("evidence", "effect", "event", "province_quarantine"):
        (content,) = await rows(stack, f"SELECT json_agg(t)::text FROM {table} t WHERE case_no = :no", no)
        assert [value for value in foreign if value in str(content[0])] == [], (table, content)
    assert (await drive.citizen.ask("POST", f"/v1/cases/{no}/withdraw", json={})).status_code == 200
    await drive.end(no)
    await drive.check_undone(no, "withdrawn")


def _shown_instead(asked: str) -> set[str]:
    """Who the province's register holds under the number it mixes up: nothing of it may be anywhere in the house."""
    found = evidence.look_up("310000", asked)
    assert isinstance(found, dict)
    return {found["holder_id"], found["licence_identifier"]}  # his name is also that of somebody who belongs here
