"""A department without an interface: a clerk keys the request in, types the number twice, and the case goes on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from adapters.port import ResultRow, ResultsFile
from api.delivery import Delivery
from api.usecases import reconcile
from catalogue.library import HERE
from catalogue.scenario import read_scenario
from domain.calendar import local_day
from domain.effects import Answer, AnswerStatus
from models import results
from tests.api.test_problems import is_problem
from tests.api.test_services import LIBRARY, Journey
from tests.fixtures.houses import Caller
from tests.fixtures.running import Town, eventually

# a home in 安徽, whose registry of natural resources has no interface
HEFEI = {"property_city": "340100", "owner_id": "340199194910010042", "owner_name": "阿依古丽·买买提"}


def mortgage(town: Town) -> Journey:
    return Journey(town, LIBRARY.services["YRD-RE-MORT"], read_scenario(HERE / "scenarios/YRD-RE-MORT/completed.yaml"))


async def whole_worklist(clerk: Caller) -> list[dict[str, Any]]:
    """Every open task of the clerk, the oldest first: other tests have left theirs."""
    tasks: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await clerk.get("/v1/tasks", params={"limit": 200} | ({"cursor": cursor} if cursor else {}))).json()
        tasks += page["tasks"]
        if not (cursor := page.get("next") or ""):
            return tasks


async def to_the_counter(town: Town, step: str = "register") -> tuple[Journey, Caller, dict[str, Any]]:
    """A mortgage that waits for the clerk who keys that step in."""
    journey = mortgage(town)
    await journey.submit(**HEFEI)
    for signer in journey.signers:
        await journey._sign(signer)
    clerk = town.login("caseworker", "340100", "natural_resources")
    for _ in range(200):
        tasks = await whole_worklist(clerk)
        if found := [t for t in tasks if t["case_no"] == journey.no and t["step"] == step]:
            return journey, clerk, (await clerk.get(f"/v1/tasks/{found[0]['id']}")).json()
        await journey._round()
    raise AssertionError("nobody has asked the counter")


async def decide(clerk: Caller, task: dict[str, Any], **words: str) -> Any:
    headers = {"If-Match": f'"{task["revision"]}"'}
    return await clerk.put(f"/v1/tasks/{task['id']}/decision", json=words, headers=headers)


async def test_a_mortgage_is_entered_by_hand_and_stands_once_in_the_books(town: Town) -> None:
    journey = mortgage(town)
    case = await journey.run(**HEFEI)
    assert case["status"] == "completed", case["reason"]
    ledger = await town.ledger(journey.no)
    assert ledger["register", "submit"] == ledger["proof", "submit"] == 1
    (result,) = (await journey.owner.get(f"/v1/cases/{journey.no}/results")).json()["results"]
    assert (await town.caller().get(f"/v1/verify/{result['licence']}")).json()["valid"] is True


async def test_the_clerk_sees_what_to_key_in_and_nothing_else(town: Town) -> None:
    journey, _, task = await to_the_counter(town)
    rekey = task["rekey"]
    assert (task["kind"], rekey["operation"], rekey["reverses"]) == ("rekey", "mortgage_register", False)
    assert set(rekey["fields"]) == {"unit_no", "owner_id", "bank_uscc", "amount_yuan", "contract_no"}
    assert rekey["fields"]["owner_id"] == HEFEI["owner_id"]
    assert rekey["remark"].startswith(f"{journey.no}-")
    waiting = (await town.case(journey.owner, journey.no))["waiting_on"]
    assert (waiting["who"], waiting["why"], waiting["step"]) == ("department", "rekey", "")
    elsewhere = town.login("caseworker", "330100", "natural_resources")
    is_problem(await elsewhere.get(f"/v1/tasks/{task['id']}"), 404)


@pytest.mark.parametrize(
    ("words", "code", "field"),
    [
        ({}, "number_required", "/number"),
        ({"number": "  ", "number_again": "  ", "photo": "a" * 64}, "number_required", "/number"),
        ({"number": "皖1", "number_again": "皖7", "photo": "a" * 64}, "numbers_differ", "/number_again"),
        ({"number": "皖1", "number_again": "皖1"}, "photo_required", "/photo"),
    ],
)
async def test_a_number_counts_only_if_it_was_typed_twice_alike_and_photographed(
    town: Town, words: dict[str, str], code: str, field: str
) -> None:
    _, clerk, task = await to_the_counter(town)
    answer = await decide(clerk, task, outcome="entered", **words)
    assert answer.status_code == 422, answer.text
    assert (code, field) in [(each["code"], each["field"]) for each in answer.json()["errors"]]
    is_problem(await decide(clerk, task, outcome="refused"), 422)


async def test_a_withdrawal_has_what_was_keyed_in_taken_out_by_hand(town: Town) -> None:
    journey, clerk, task = await to_the_counter(town, "fee-residential")
    words = await town.at_the_counter(task)
    assert (await decide(clerk, task, outcome="entered", **words)).status_code == 200
    await town.until(journey.owner, journey.no, lambda c: _step(c, "fee-residential") == "done")
    await eventually(lambda: town.rows(journey.no), lambda rows: sum(row["delta"] for row in rows) == 1)  # it is paid
    answer = await journey.owner.post(f"/v1/cases/{journey.no}/withdraw", json={"reason": "不再需要"})
    assert answer.status_code == 200, answer.text

    async def reversal() -> dict[str, Any]:
        tasks = (await clerk.get("/v1/tasks", params={"limit": 200})).json()["tasks"]
        return next((t for t in tasks if t["case_no"] == journey.no and "nothing_to_undo" in t["outcomes"]), {})

    undo = (await clerk.get(f"/v1/tasks/{(await eventually(reversal, bool))['id']}")).json()
    rekey = undo["rekey"]
    assert (rekey["operation"], rekey["reverses"], rekey["undoes"]) == ("fee_refund", True, words["number"])
    assert rekey["undoes_remark"] == task["rekey"]["remark"] != rekey["remark"]
    taken_out = await town.at_the_counter(undo)
    assert (await decide(clerk, undo, outcome="entered", **taken_out)).status_code == 200
    case = await town.until(journey.owner, journey.no, lambda c: c["closed_at"])
    assert case["status"] == "withdrawn"
    assert sum(row["delta"] for row in await town.rows(journey.no)) == 0


def _step(case: dict[str, Any], step: str) -> str:
    return str(next(s["status"] for leg in case["legs"] for s in leg["steps"] if s["id"] == step))


# the nightly file


class Files:
    """Stands between the house and its adapter of 340000: its nightly file says what the test says."""

    def __init__(self, town: Town, *rows: ResultRow) -> None:
        self.house = town.house
        self.rows = rows
        self.adapter = town.house.provinces.get("340000")

    async def read(self, town: Town, day: date, monkeypatch: pytest.MonkeyPatch) -> results.ResultFile:
        async def given(_self: object, asked: date) -> ResultsFile:
            return ResultsFile(day=asked, digest="d" * 64, rows=self.rows)

        monkeypatch.setattr(type(self.adapter), "results", given)
        delivery = Delivery(town.house.database, town.house.gateway, town.house.calendars, local_first=True)
        file = await reconcile.run(town.house, delivery, "340000", day)
        assert file is not None
        return file


def row(number: str, reference: str, status: AnswerStatus = AnswerStatus.ACCEPTED) -> ResultRow:
    return ResultRow(number, "natural_resources", "mortgage_register", Answer(status=status, reference=reference))


async def differences(town: Town, day: date) -> list[tuple[str, str]]:
    async with town.house.database.begin() as session:
        found = await results.differences_of(session, "340000", day)
    return [(each.kind, each.business_number) for each in found]


async def test_what_the_clerk_forgot_to_write_down_comes_with_the_nightly_file(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey, clerk, task = await to_the_counter(town)
    words = await town.at_the_counter(task)
    day = local_day(datetime.now(UTC)) - timedelta(days=1)
    files = Files(town, row(task["rekey"]["remark"], words["number"]), row("NOBODY-1", "34-9"))
    file = await files.read(town, day, monkeypatch)
    assert (file.rows, file.taken, file.known) == (2, 1, 0)
    assert ("extra", "NOBODY-1") in await differences(town, day)
    case = await town.until(journey.owner, journey.no, lambda c: _step(c, "register") == "done")
    assert not [w for w in case["waiting"] if w["why"] == "rekey" and w["step"] == "register"]
    assert (await clerk.get(f"/v1/tasks/{task['id']}")).json()["state"] == "cancelled"
    again = await files.read(town, day, monkeypatch)
    assert (again.taken, again.known) == (0, 1)
    operator = town.login("operator")
    shown = (await operator.get("/v1/provinces/340000/results")).json()["files"][0]
    assert (shown["rows"], [d["kind"] for d in shown["differences"]].count("extra")) == (2, 1)


async def test_a_file_that_says_otherwise_is_noted_and_changes_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey, clerk, task = await to_the_counter(town)
    words = await town.at_the_counter(task)
    assert (await decide(clerk, task, outcome="entered", **words)).status_code == 200
    await town.until(journey.owner, journey.no, lambda c: _step(c, "register") == "done")
    remark, today = task["rekey"]["remark"], local_day(datetime.now(UTC))
    await Files(town, row(remark, "34-other")).read(town, today, monkeypatch)
    assert ("number", remark) in await differences(town, today)
    await Files(town, row(remark, words["number"], AnswerStatus.REJECTED)).read(town, today, monkeypatch)
    assert ("contradiction", remark) in await differences(town, today)
    assert _step(await town.case(journey.owner, journey.no), "register") == "done"


async def test_a_licence_of_the_counter_waits_for_its_clerk_whatever_the_file_says(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey, clerk, task = await to_the_counter(town)
    words = await town.at_the_counter(task)
    assert (await decide(clerk, task, outcome="entered", **words)).status_code == 200

    async def look() -> dict[str, Any]:
        tasks = (await clerk.get("/v1/tasks", params={"limit": 200})).json()["tasks"]
        return next((t for t in tasks if t["case_no"] == journey.no and t["step"] == "proof"), {})

    found = await eventually(look, bool)
    proof = (await clerk.get(f"/v1/tasks/{found['id']}")).json()
    issued = await town.at_the_counter(proof)
    row_ = ResultRow(
        proof["rekey"]["remark"], "natural_resources", "mortgage_proof_issue", Answer(status=AnswerStatus.ACCEPTED)
    )
    file = await Files(town, row_).read(town, local_day(datetime.now(UTC)) - timedelta(days=2), monkeypatch)
    assert file.taken == 0
    assert (await decide(clerk, proof, outcome="entered", **issued)).status_code == 200
    case = await eventually(journey._round, lambda c: c["closed_at"])
    assert case["status"] == "completed"
