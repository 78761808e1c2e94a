"""The platform as a part of the stack, the relay that reads it, and verify that names invariant 7."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.ebills import open_ebills
from adapters.errors import Misconfigured
from tests.bills.halls import Hall
from tests.bills.places import caller, issue, lock
from tests.fixtures.databases import Cluster
from tongban import relay, verify
from tongban.settings import Settings
from tongban.stack.stack import Stack
from tongban.wiring import read_ebills


@pytest.mark.stack
async def test_the_stack_runs_the_platform_agrees_on_a_secret_with_it_and_tells_the_programs_where_it_is(
    folders: Callable[[str], Path],
) -> None:
    folder = folders("ebills")
    with Stack(folder, parts={"ebills"}, usual_ports=False, say=lambda _line: None) as stack:
        assert stack.settings["TONGBAN_EBILLS_FILE"] == str(folder / "ebills.json")
        client = open_ebills(folder / "ebills.json")
        outcome = await client.send(issue())
        assert outcome.bill is not None
        stranger = caller(stack.ebills_url)
        with pytest.raises(Misconfigured):
            await stranger.health()  # the secrets that everybody knows are not taken here
        await stranger.aclose()
        stack.kill("ebills")
        assert stack.wait_ready("ebills")
        assert (await client.send(lock(outcome.bill.ref, 1))).lock is not None
        await client.aclose()


def test_without_a_file_there_is_no_platform_and_nothing_else_changes(cluster: Cluster) -> None:
    settings: Settings = cluster.settings("tongban")
    assert settings.ebills_file is None
    assert read_ebills(settings) is None


async def test_the_relay_reads_on_and_survives_what_it_cannot_take(hall: Hall) -> None:
    bill = await hall.issue()
    await hall.lock(bill, 100)
    await hall.act(hall.hospital, bill, "red-letter", {"reason": "开具有误"})
    await hall.platform.fault("down", operation="events")
    await relay.read_bills(hall.office.house)
    assert (await hall.row(bill))[1][0].state == "open"
    await relay.read_bills(hall.office.house)
    assert (await hall.row(bill))[1][0].state == "suspended"


async def test_verify_names_the_bill_under_invariant_7(hall: Hall, cluster: Cluster) -> None:
    bill = await hall.issue()
    name = hall.database.engine.url.database
    assert name is not None
    report = verify.Report()
    await verify._tables(hall.database, cluster.settings(name), report)
    assert report.checked["7"] > 0
    assert report.breaks == []
    connection = await cluster.connect(name)
    try:
        await connection.execute("UPDATE bill SET reimbursed = total + 1 WHERE number = $1", bill["number"])
    finally:
        await connection.close()
    await verify._tables(hall.database, cluster.settings(name), report)
    ((number, what),) = report.breaks
    assert number == "7"
    assert what.startswith(f"bill {bill['code']}-{bill['number']} ")
