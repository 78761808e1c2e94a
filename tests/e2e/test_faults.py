"""Provinces that lose answers, lie, stammer and fall silent: nothing happens twice, and all know who is waited for."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlmodel import col

from models.database import Database, database_url
from models.inbox import Inbox
from tests.e2e.drive import LAW, Drive, status
from tests.fixtures.running import eventually
from tongban.demo import synthetic
from tongban.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("e2e")]

REGIONS = ("310000", "320000", "330000", "340000")
SERVICES = {
    "310000": ("legal_representative_licence",),
    "320000": ("move_registration", "business_licence_issue"),
    "330000": ("business_licence",),
    "340000": ("tax_clearance", "archive_handover"),
}


async def everywhere(drive: Drive, kind: str, more: dict[str, float | str]) -> None:
    for region in REGIONS:
        for service in SERVICES[region]:
            await drive.switch_on(region, kind, service, 1, more)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("lost_answer", {}),
        ("garbage", {}),
        ("reset", {}),
        ("error_500", {}),
        ("refuse_429", {"retry_after": "tomorrow"}),
    ],
)
async def test_the_first_try_of_every_call_goes_wrong(drive: Drive, kind: str, more: dict[str, float | str]) -> None:
    await everywhere(drive, kind, more)
    no = await drive.submit()
    await drive.whole(no)
    await drive.check_completed([no])


@pytest.mark.parametrize("kind", ["delayed", "slow"])
async def test_what_is_answered_after_the_caller_gave_up_is_done_once(drive: Drive, kind: str) -> None:
    await drive.fault("340000", kind, "tax_clearance", seconds=4)
    await drive.fault("340000", kind, "archive_handover", seconds=4)
    no = await drive.submit()
    await drive.whole(no)
    await drive.check_completed([no])


def moving_from(city: str) -> dict[str, str]:
    """A company of that city: its province hands the archive over, which takes time."""
    return {"origin_city": city, "uscc": synthetic.credit_code(city)}


async def received(stack: Stack, no: str) -> list[str]:
    """What became of the messages about a case, oldest first."""
    database = Database(database_url(stack.database_url, stack.secrets.database_password), 1)
    try:
        async with database.begin() as session:
            rows = await session.execute(select(Inbox).where(col(Inbox.case_no) == no).order_by(col(Inbox.received_at)))
            return [row.verdict for row in rows.scalars()]
    finally:
        await database.aclose()


@pytest.mark.parametrize("city", ["310115", "330100"])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("callback_duplicate", {}),
        ("callback_forged", {}),
        ("callback_unknown", {}),
        ("callback_early", {}),
        ("callback_late", {"seconds": 3}),
        ("callback_reordered", {"seconds": 1}),
        ("callback_contradictory", {"seconds": 1}),
    ],
)
async def test_a_callback_that_comes_wrong_does_nothing_wrong(
    drive: Drive, stack: Stack, kind: str, more: dict[str, float | str], city: str
) -> None:
    await drive.switch_on(f"{city[:2]}0000", kind, "archive_handover", 1, more)
    no = await drive.submit(**moving_from(city))
    await drive.whole(no)
    await drive.check_completed([no])
    await eventually(lambda: received(stack, no), bool)  # a late one may come after the end


@pytest.mark.parametrize("city", ["310115", "330100"])
async def test_a_callback_that_never_comes_is_asked_for(drive: Drive, city: str) -> None:
    await drive.fault(f"{city[:2]}0000", "callback_lost", "archive_handover")
    no = await drive.submit(**moving_from(city))
    await drive.accept(no)
    await drive.until(no, lambda c: status(c, "archive") == "pending")
    await drive.finish(no)
    await drive.check_completed([no])


async def test_a_province_that_is_down_holds_up_only_what_needs_it_and_is_named(drive: Drive) -> None:
    await drive.fault("330000", "down", times=None)
    no = await drive.submit()
    case = await drive.until(
        no,
        lambda c: (
            any(w["why"] == "province_unavailable" for w in c["waiting"])
            and {e["step"]: e["state"] for e in c["evidence"]}.get("representative") == "offered"
        ),
    )
    (waiting,) = [w for w in case["waiting"] if w["why"] == "province_unavailable"]
    assert (waiting["who"], waiting["region"][:2], waiting["step"]) == ("province", "33", "shareholder")
    (item,) = [e for e in case["evidence"] if e["step"] == "representative"]
    answer = await drive.citizen.ask("POST", f"/v1/cases/{no}/evidence/{item['id']}/accept")
    assert answer.status_code == 200, answer.text
    await drive.decide(no, "accept", "accept")
    await drive.until(no, lambda c: status(c, "tax") == status(c, "archive") == "done")
    await drive.calm()
    case = await drive.until(no, lambda c: {e["step"]: e["state"] for e in c["evidence"]}["shareholder"] == "offered")
    (item,) = [e for e in case["evidence"] if e["step"] == "shareholder"]
    answer = await drive.citizen.ask("POST", f"/v1/cases/{no}/evidence/{item['id']}/accept")
    assert answer.status_code == 200, answer.text
    await drive.finish(no)
    await drive.check_completed([no])


@pytest.mark.parametrize("kind", ["", "lost_answer", "error_500"])
async def test_what_is_refused_is_undone_also_when_the_undoing_goes_wrong(drive: Drive, kind: str) -> None:
    refused, withdrawn = await drive.submit(), await drive.submit()
    await asyncio.gather(drive.accept(refused), drive.accept(withdrawn))
    await asyncio.gather(drive.ready(refused), drive.ready(withdrawn))
    if kind:
        for service in ("tax_clearance_release", "archive_return"):
            await drive.fault("340000", kind, service, 2)
    answer = await drive.citizen.ask("POST", f"/v1/cases/{withdrawn}/withdraw", json={})
    assert answer.status_code == 200, answer.text
    await drive.decide(refused, "decide", "refuse", **LAW)
    await asyncio.gather(drive.end(refused), drive.end(withdrawn))
    await drive.check_undone(refused, "decided_refused")
    await drive.check_undone(withdrawn, "withdrawn")
    rows = [*await drive.books(refused), *await drive.books(withdrawn)]
    assert sum(row["verb"] == "reverse" for row in rows) == 4


async def test_withdrawn_while_the_answers_are_lost_nothing_is_left_behind(drive: Drive, stack: Stack) -> None:
    numbers = [await drive.submit() for _ in range(3)]
    await asyncio.gather(*(drive.see(no) for no in numbers))
    await drive.fault("340000", "lost_answer", "tax_clearance", 3)
    await drive.fault("340000", "slow", "archive_handover", 3, seconds=2)
    await asyncio.gather(*(drive.accept(no) for no in numbers))
    stack.kill("worker-core")
    for no in numbers:
        assert (await drive.citizen.ask("POST", f"/v1/cases/{no}/withdraw", json={})).status_code == 200
    await asyncio.gather(*(drive.end(no) for no in numbers))
    for no in numbers:
        await drive.check_undone(no, "withdrawn")


@pytest.mark.parametrize(
    ("form", "step"),
    [({"uscc": "91320500XXXX009164"}, "tax"), ({"uscc": "91320500XXXX00940L"}, "archive")],
)
async def test_what_one_province_refuses_is_undone_at_the_others(drive: Drive, form: dict[str, str], step: str) -> None:
    no = await drive.submit(**form)
    await drive.accept(no)
    case = await drive.end(no)
    assert status(case, step) in {"rejected", "cancelled"}, case
    await drive.check_undone(no, "terminated")
