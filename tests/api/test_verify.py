"""``verify`` on a running product: it holds after whatever went on here, and finds each crime."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import text

from domain import names
from tests.fixtures.running import Town
from tongban import relay, verify
from tongban.settings import Mode, Settings
from tongban.stack.stack import Stack
from tongban.verify import BROKEN, HOLDS, UNCHECKED

ORPHAN = "32050020261123PENTMOVZZZZZZ9"
Verify = tuple[int, str]


@pytest.fixture
def settings(town: Town, engine: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """As an operator of this town would have them."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", engine.temporal_address)
    folder = town.house.files._folder
    assert folder is not None
    return Settings(
        mode=Mode.DEMO,
        database_url=town.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        provinces_file=folder.parent / "provinces.json",
        payload_keys_file=engine.secrets.payload_keys,
        files_url=folder.as_uri(),
        oidc_issuer="https://login.test.invalid",
        data_dir=tmp_path,
    )


async def verified(settings: Settings, *, ask_provinces: bool = False) -> Verify:
    out = StringIO()
    status = await verify.run(settings, Console(file=out, width=200), ask_provinces=ask_provinces)
    return status, out.getvalue()


@asynccontextmanager
async def crime(town: Town, commit: str, undo: str, **values: object) -> AsyncIterator[None]:
    """Somebody with the database's password changes it past the triggers; put right afterwards."""

    async def run(statement: str) -> None:
        async with town.database.begin() as session:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            await session.execute(text(statement), values)

    await run(commit)
    try:
        yield
    finally:
        await run(undo)


async def test_everything_holds_after_a_case_of_each_kind(town: Town, settings: Settings) -> None:
    citizen = town.citizen()
    await town.complete(citizen)
    refused = await town.to_decision(citizen)
    answer = await town.decide(town.market(), refused, "decide", "refuse", reason="住所不符", legal_basis="第十九条")
    assert answer.status_code == 200
    await town.until(citizen, refused, lambda case: case["closed_at"])
    withdrawn = await town.to_decision(citizen)
    assert (await citizen.post(f"/v1/cases/{withdrawn}/withdraw", json={})).status_code == 200
    await town.until(citizen, withdrawn, lambda case: case["closed_at"])
    await citizen.submit()
    status, report = await verified(settings, ask_provinces=True)
    assert (status, report.rstrip().endswith("every invariant holds")) == (HOLDS, True), report


@pytest.mark.parametrize(
    ("commit", "undo", "said"),
    [
        (
            "UPDATE event SET actor_subject = 'x' || actor_subject WHERE case_no = :no AND seq = 3",
            "UPDATE event SET actor_subject = substr(actor_subject, 2) WHERE case_no = :no AND seq = 3",
            "event 3 was changed",
        ),
        (
            "UPDATE cases SET status = 'withdrawn' WHERE no = :no",
            "UPDATE cases SET status = 'completed' WHERE no = :no",
            "the case says withdrawn",
        ),
        (
            "UPDATE application SET form = jsonb_set(form, '{new_address}', to_jsonb('x' || (form->>'new_address')))"
            " WHERE case_no = :no",
            "UPDATE application SET form = jsonb_set(form, '{new_address}', to_jsonb(substr(form->>'new_address', 2)))"
            " WHERE case_no = :no",
            "not the one the receipt was given for",
        ),
        (
            "UPDATE cases SET closed_at = NULL, updated_at = updated_at - interval '1 hour' WHERE no = :no",
            "UPDATE cases SET closed_at = updated_at + interval '1 hour', updated_at = updated_at + interval '1 hour'"
            " WHERE no = :no",
            "its workflow is not",
        ),
        (
            "UPDATE effect SET answer = answer || '{\"status\": \"rejected\"}' WHERE case_no = :no AND step = 'tax'",
            "UPDATE effect SET answer = answer || '{\"status\": \"accepted\"}' WHERE case_no = :no AND step = 'tax'",
            "tax is rejected here, accepted in 340000",
        ),
        (
            "UPDATE licence SET case_no = 'moved' WHERE case_no = :no",
            "UPDATE licence SET case_no = :no WHERE case_no = 'moved'",
            "a licence was granted but is not stored",
        ),
    ],
    ids=["edited event", "status", "form", "reopened", "answer", "licence"],
)
async def test_a_crime_against_the_tables_is_found(
    town: Town, settings: Settings, commit: str, undo: str, said: str
) -> None:
    no = await town.complete(town.citizen())
    workflow = town.house.gateway._client.get_workflow_handle(no)
    await workflow.result()  # it ends a moment after its case
    async with crime(town, commit, undo, no=no):
        status, report = await verified(settings, ask_provinces=True)
    assert (status, said in report) == (BROKEN, True), report
    assert no in report


@pytest.mark.parametrize(
    ("step", "status"), [("representative", HOLDS), ("tax", BROKEN)], ids=["nobody waits for it", "it stands"]
)
async def test_an_end_there_that_was_not_waited_for_is_broken_only_where_an_effect_stands(
    town: Town, settings: Settings, step: str, status: int
) -> None:
    no = await town.complete(town.citizen())
    await town.house.gateway._client.get_workflow_handle(no).result()
    change = 'UPDATE effect SET answer = answer || \'{"status": "%s"}\' WHERE case_no = :no AND step = :step'
    async with crime(town, change % "pending", change % "accepted", no=no, step=step):
        found, report = await verified(settings, ask_provinces=True)
    about = [line for line in report.splitlines() if no in line and "pending here" in line]
    assert bool(about) is (status == BROKEN), report
    assert found == status, report


async def test_a_reversal_that_found_nothing_to_undo_is_known_to_no_province(town: Town, settings: Settings) -> None:
    citizen = town.citizen()
    no = await town.to_decision(citizen)
    assert (await citizen.post(f"/v1/cases/{no}/withdraw", json={})).status_code == 200
    await town.until(citizen, no, lambda case: case["closed_at"])
    await town.house.gateway._client.get_workflow_handle(no).result()
    about = "WHERE case_no = :no AND step = 'tax' AND verb = 'reverse'"
    gone = f"UPDATE effect SET key = translate(key, '0123456789', '1234567890') {about}"
    back = f"UPDATE effect SET key = translate(key, '1234567890', '0123456789') {about}"
    async with crime(town, gone, back, no=no):
        status, report = await verified(settings, ask_provinces=True)
        assert (status, "tax is accepted here, nothing in 340000" in report) == (BROKEN, True), report
        told = f"UPDATE effect SET answer = answer || jsonb_build_object('reference', %s) {about}"
        async with crime(town, told % "''", told % "'34-1'", no=no):
            status, report = await verified(settings, ask_provinces=True)
    assert status == HOLDS, report


async def test_a_case_that_is_still_to_be_told_of_a_new_calendar_may_show_its_old_date(
    town: Town, settings: Settings
) -> None:
    citizen = town.citizen()
    no = await citizen.submit()
    await town.until(citizen, no, lambda case: case["clocks"])
    commit = "UPDATE cases SET progress = jsonb_set(progress, '{clocks,0,legal_due}', '\"2027-06-01\"') WHERE no = :no"
    undo = "UPDATE cases SET progress = jsonb_set(progress, '{clocks,0,legal_due}', :due) WHERE no = :no"
    due = json.dumps((await town.case(citizen, no))["clocks"][0]["legal_due"])
    news = (
        "INSERT INTO outbox (kind, case_no, payload, created_at, due_at, attempts, error)"
        " VALUES ('calendar', :no, '{}', now(), now() + interval '1 hour', 0, '')"
    )
    async with crime(town, commit, undo.replace(":due", f"'{due}'"), no=no):
        assert (await verified(settings))[0] == BROKEN
        async with crime(town, news, "DELETE FROM outbox WHERE kind = 'calendar' AND case_no = :no", no=no):
            status, report = await verified(settings)
    assert status == HOLDS, report


async def test_a_workflow_without_a_case_is_found(town: Town, settings: Settings) -> None:
    client = town.house.gateway._client
    await client.start_workflow(names.CASE_WORKFLOW, id=ORPHAN, task_queue="nobody-works-here")
    try:
        for _ in range(100):  # Temporal's list follows its histories with a little delay
            status, report = await verified(settings)
            if status == BROKEN:
                break
        assert f"{ORPHAN}: a workflow without a case" in report
    finally:
        await client.get_workflow_handle(ORPHAN).terminate()
        await client.workflow_service.delete_workflow_execution(_deletion(client.namespace))


def _deletion(namespace: str) -> Any:
    from temporalio.api.common.v1 import WorkflowExecution
    from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

    return DeleteWorkflowExecutionRequest(namespace=namespace, workflow_execution=WorkflowExecution(workflow_id=ORPHAN))


async def test_an_open_case_without_a_workflow_is_found(town: Town, settings: Settings) -> None:
    no = await town.citizen().submit()
    copy = "".join(reversed(no))
    columns = (
        "service, version, plan_digest, owner, channel, subject, status, reason, waiting_who, waiting_region, "
        "waiting_department, progress, due_at, created_at, closed_at, recorded, events, head, "
        "principal, basis, identity, reopens"
    )
    commit = (
        f"INSERT INTO cases (no, updated_at, {columns}) SELECT :copy, updated_at - interval '1 hour', {columns} "
        "FROM cases WHERE no = :no"
    )
    async with crime(town, commit, "DELETE FROM cases WHERE no = :copy AND :no <> ''", no=no, copy=copy):
        status, report = await verified(settings)
    assert (status, f"{copy}: no workflow" in report) == (BROKEN, True), report


async def test_a_lost_file_is_found(town: Town, settings: Settings) -> None:
    citizen = town.citizen()
    no = await citizen.submit()
    case = await town.case(citizen, no)
    digest = case["documents"]["resolution"][0]["digest"]
    folder = town.house.files._folder
    assert folder is not None
    (folder / digest).rename(folder / "away")
    try:
        status, report = await verified(settings)
    finally:
        (folder / "away").rename(folder / digest)
    assert (status, f"file {digest} of the receipt is not in the store" in report) == (BROKEN, True), report


async def test_what_cannot_be_reached_is_said_and_is_no_success(
    town: Town, settings: Settings, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{closed_port}")
    status, report = await verified(settings)
    assert (status, "not checked: invariant 3,4" in report) == (UNCHECKED, True), report
    nowhere = settings.model_copy(update={"database_url": f"postgresql://x@127.0.0.1:{closed_port}/x"})
    assert (await verified(nowhere))[0] == UNCHECKED


async def test_half_a_line_among_the_noted_seals_is_told_and_the_next_one_is_whole(
    town: Town, settings: Settings
) -> None:
    await town.citizen().submit()
    notes = settings.data_dir / "seals.jsonl"
    notes.parent.mkdir(parents=True, exist_ok=True)
    notes.write_bytes(b'{"no": 1, "be')
    try:
        relay.append_line(notes, '{"half": "no"}')
        assert notes.read_text("utf-8").splitlines()[1] == '{"half": "no"}'
        status, report = await verified(settings)
        assert status != HOLDS  # tests before this one may have broken something for good
        assert "line 1 of seals.jsonl cannot be read" in report
    finally:
        notes.unlink()
