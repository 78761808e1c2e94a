"""``migrate`` as an operator runs it on a running product: tried dry, moved, interrupted, gone on with, taken back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import text
from typer.testing import CliRunner, Result

import api.gateway
from api.house import House
from api.schemas import CommandOut
from api.usecases import orders
from catalogue.library import HERE
from domain.process import AnyOrder, MigrateCommand
from models import moves
from tests.api.test_problems import is_problem
from tests.fixtures.houses import Office
from tests.fixtures.running import Town, eventually
from tests.fixtures.samples import SERVICE, add_case
from tongban import verify
from tongban.cli import app
from tongban.settings import Mode, Settings
from tongban.stack.stack import Stack

V1 = "2026.11.1"
SHIPPED = (HERE / "services" / f"{SERVICE}.yaml").read_text("utf-8")
TAX = "  - id: tax\n"
PRECHECK = """  - id: precheck
    leg: destination
    kind: verify
    role: destination_market
    title: {zh: 预审, en: Preliminary check}
    needs: [accept]
"""


def definition(version: str, *changes: tuple[str, str]) -> str:
    """The shipped definition with some lines changed."""
    source = SHIPPED.replace(f"version: {V1}", f"version: {version}")
    for before, after in changes:
        assert source.count(before) == 1, before
        source = source.replace(before, after)
    return source


NEEDS_TAX = "    needs: [accept{}]\n    operation: tax_clearance"
# a check before the tax authority is asked; one before the registration; other words about acceptance
BEFORE_TAX = ((TAX, PRECHECK + TAX), (NEEDS_TAX.format(""), NEEDS_TAX.format(", precheck")))
AFTER_DECISION = (
    ("    needs: [decide]\n", "    needs: [decide, precheck]\n"),
    ("  - id: register\n", PRECHECK.replace("[accept]", "[decide]") + "  - id: register\n"),
)
WORDS = (("    title: {zh: 受理, en: Acceptance}\n", "    title: {zh: 受理审核, en: Taking in}\n"),)


@pytest.fixture
def settings(town: Town, engine: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """As an operator of this town would have them, in the environment."""
    folder = town.house.files._folder
    assert folder is not None
    values = {
        "mode": "demo",
        "database_url": town.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        "provinces_file": str(folder.parent / "provinces.json"),
        "payload_keys_file": str(engine.secrets.payload_keys),
        "files_url": folder.as_uri(),
        "oidc_issuer": "https://login.test.invalid",
        "data_dir": str(tmp_path),
    }
    for name, value in values.items():
        monkeypatch.setenv(f"TONGBAN_{name.upper()}", value)
    monkeypatch.setenv("TEMPORAL_ADDRESS", engine.temporal_address)
    return Settings(**{**values, "mode": Mode.DEMO})  # type: ignore[arg-type]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes a definition; returns where it is."""

    def written(version: str, *changes: tuple[str, str]) -> str:
        file = tmp_path / f"{version}.yaml"
        file.write_text(definition(version, *changes), encoding="utf-8")
        return str(file)

    return written


_versions = iter(range(1, 1000))


@pytest.fixture
def number() -> str:
    """A version that no other test has."""
    return f"2026.12.{next(_versions)}"


async def run(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["migrate", *words])


async def told(*words: str, status: int = 0) -> dict[str, Any]:
    """What the command says as JSON."""
    result = await run(*words, "--json")
    assert result.exit_code == status, result.output
    return dict(json.loads(result.stdout))


def outcomes(document: dict[str, Any]) -> dict[str, str]:
    return {case["no"]: case["outcome"] for case in document["cases"]}


def only(*numbers: str) -> list[str]:
    return [word for no in numbers for word in ("--only", no)]


async def version_of(town: Town, no: str) -> str:
    return str((await town.case(town.login("auditor"), no))["version"])


async def holds(settings: Settings) -> None:
    out = StringIO()
    assert await verify.run(settings, Console(file=out, width=200), ask_provinces=True) == verify.HOLDS, out.getvalue()


async def accepting(town: Town) -> tuple[Any, str]:
    """A case that waits for its acceptance, and whose it is."""
    who = town.citizen()
    no = await who.submit()
    await town.task(town.market(), no, "accept")
    await town.offered(who, no)
    return who, no


async def test_a_dry_run_tells_of_every_case_and_changes_nothing(
    town: Town, settings: Settings, write: Callable[..., str], number: str
) -> None:
    _, waiting = await accepting(town)
    deciding = await town.to_decision(town.citizen())
    file = write(number, *BEFORE_TAX)
    found = await told(SERVICE, "--from", V1, "--to", file, "--dry-run", *only(waiting, deciding))
    assert outcomes(found) == {waiting: "movable", deciding: "blocked"}
    (case,) = [c for c in found["cases"] if c["no"] == deciding]
    (why,) = case["why"]
    assert (why["code"], why["step"]) == ("migration_step_before", "precheck")
    assert "Preliminary check would come before Tax confirms no arrears, which has begun" in why["en"]
    assert "“预审”须先于已开始的“税务确认无欠税”完成" in why["zh"]
    assert (found["run"], found["dry_run"], found["summary"]["movable"]) == ("", True, 1)
    (differences,) = found["differences"].values()
    assert "steps.precheck" in {each["where"] for each in differences}
    assert {await version_of(town, no) for no in (waiting, deciding)} == {V1}
    words = write(number, *WORDS)
    text_ = await run(SERVICE, "--from", V1, "--to", words, "--dry-run", *only(waiting, deciding))
    assert text_.exit_code == 0, text_.output
    assert "~ steps.accept.title.en: Acceptance -> Taking in" in text_.stdout
    assert "可迁移 movable 1, 不受影响 unaffected 1" in text_.stdout


async def test_moved_cases_go_on_by_the_new_version_to_their_end_and_everything_holds(
    town: Town, settings: Settings, write: Callable[..., str], number: str
) -> None:
    who, no = await accepting(town)
    deciding = await town.to_decision(town.citizen())
    receipt = (await town.case(who, no))["plan_digest"]
    found = await told(SERVICE, "--from", V1, "--to", write(number, *BEFORE_TAX), *only(no, deciding), status=1)
    assert outcomes(found) == {no: "moved", deciding: "blocked"}
    case = await town.case(who, no)
    assert (case["version"], case["plan_digest"] != receipt) == (number, True)
    assert "precheck" in {step["id"] for leg in case["legs"] for step in leg["steps"]}
    events = (await who.get(f"/v1/cases/{no}/events")).json()["events"]
    (moved,) = [event for event in events if event["type"] == "case:migrated"]
    assert (moved["data"]["from"], moved["data"]["to"], moved["data"]["run"]) == (V1, number, found["run"])
    worker = town.market()
    await town.accept_evidence(who, no)
    assert (await town.decide(worker, no, "accept", "accept")).status_code == 200
    assert (await town.decide(worker, no, "verify", "confirm")).status_code == 200
    assert (await town.decide(worker, no, "decide", "grant")).status_code == 200
    case = await town.until(who, no, lambda c: c["closed_at"])
    assert case["status"] == "completed"
    assert {count for (_, verb), count in (await town.ledger(no)).items() if verb == "submit"} == {1}
    await holds(settings)


async def test_all_cases_of_a_stored_version_are_moved_batch_by_batch_and_back(
    town: Town, settings: Settings, write: Callable[..., str], number: str
) -> None:
    cases = sorted([(await accepting(town))[1] for _ in range(3)])
    first = write(number, *BEFORE_TAX)
    await told(SERVICE, "--from", V1, "--to", first, *only(*cases))
    second = f"{number}9"
    file = write(second, *BEFORE_TAX, *WORDS)
    found = await told(SERVICE, "--from", number, "--to", file, "--batch", "2", "--limit", "1")
    assert outcomes(found) == {cases[0]: "moved"}
    again = await told(SERVICE, "--from", number, "--to", file, "--batch", "2")
    assert again["run"] == found["run"], "the same command goes on with its run"
    assert outcomes(again) == {cases[1]: "moved", cases[2]: "moved"}
    assert outcomes(await told(SERVICE, "--from", number, "--to", file)) == {}
    runs = await run("--runs")
    (line,) = [line for line in runs.stdout.splitlines() if line.startswith(found["run"])]
    assert f"{SERVICE} {number} -> {second}" in line
    assert "moved 3" in line

    assert (await town.decide(town.market(), cases[0], "accept", "accept")).status_code == 200
    await town.task(town.market(), cases[0], "verify")
    dry = await told("--revert", found["run"], "--dry-run")
    assert set(outcomes(dry).values()) == {"movable"}, "what has begun is in both versions"
    back = await told("--revert", found["run"])
    assert outcomes(back) == dict.fromkeys(cases, "moved")
    assert {await version_of(town, no) for no in cases} == {number}
    assert outcomes(await told("--revert", found["run"])) == {}
    fresh = await told(SERVICE, "--from", number, "--to", file, *only(cases[1]))
    assert fresh["run"] != found["run"]
    assert outcomes(fresh) == {cases[1]: "moved"}
    await holds(settings)


async def test_a_case_that_has_begun_what_only_the_new_version_has_is_not_moved_back(
    town: Town, settings: Settings, write: Callable[..., str], number: str
) -> None:
    _, no = await accepting(town)
    _, still = await accepting(town)
    found = await told(SERVICE, "--from", V1, "--to", write(number, *BEFORE_TAX), *only(no, still))
    assert (await town.decide(town.market(), no, "accept", "accept")).status_code == 200
    await town.task(town.market(), no, "verify")
    back = await told("--revert", found["run"], status=1)
    assert outcomes(back) == {no: "blocked", still: "moved"}
    (case,) = [c for c in back["cases"] if c["no"] == no]
    assert [(why["code"], why["step"]) for why in case["why"]] == [("migration_step_removed", "precheck")]
    assert (await version_of(town, no), await version_of(town, still)) == (number, V1)


async def test_while_nobody_works_cases_fail_and_the_same_command_goes_on_later(
    town: Town, settings: Settings, write: Callable[..., str], number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [(await accepting(town))[1] for _ in range(3)]
    words = (SERVICE, "--from", V1, "--to", write(number, *BEFORE_TAX), *only(*cases))
    with monkeypatch.context() as patch:
        patch.setattr(api.gateway, "PATIENCE", timedelta(seconds=1))
        await town.end_work()
        try:
            found = await told(*words, "--batch", "2", "--max-failures", "1", status=1)
        finally:
            town.begin_work()
    assert list(outcomes(found).values()) == ["failed", "failed"], "the third is not tried"
    assert found["stopped"]
    assert found["cases"][0]["why"][0]["code"] == "temporarily_down"
    again = await told(*words)
    assert again["run"] == found["run"]
    assert set(outcomes(again).values()) <= {"moved", "unaffected"}
    assert {await version_of(town, no) for no in cases} == {number}
    assert await states(town, found["run"]) == {"moved": 3}
    events = [(await town.login("auditor").get(f"/v1/cases/{no}/events")).json()["events"] for no in cases]
    assert [[e["type"] for e in trail].count("case:migrated") for trail in events] == [1, 1, 1]


async def states(town: Town, run_: str) -> dict[str, int]:
    async with town.database.begin() as session:
        rows = await session.execute(
            text("SELECT state, count(*) FROM case_move WHERE run = :run GROUP BY 1"), {"run": run_}
        )
        return {state: int(count) for state, count in rows}


@pytest.mark.parametrize("moment", ["before the order", "after the order"])
async def test_killed_at_any_moment_it_is_run_again_and_no_case_is_moved_twice_or_forgotten(
    town: Town, settings: Settings, write: Callable[..., str], number: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [(await accepting(town))[1] for _ in range(2)]
    words = (SERVICE, "--from", V1, "--to", write(number, *BEFORE_TAX), *only(*cases))

    class Killed(BaseException):
        """Nothing catches this, as nothing catches SIGKILL."""

    async def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if moment == "before the order":
            patch.setattr(orders, "send", killed)
        else:
            patch.setattr(moves, "set_state", killed)
        with pytest.raises(Killed):
            await run(*words)
    moved = {await version_of(town, no) for no in cases}
    assert moved == ({V1} if moment == "before the order" else {number})
    found = await told(*words)
    assert await states(town, found["run"]) == {"moved": 2}
    assert {await version_of(town, no) for no in cases} == {number}
    back = await told("--revert", found["run"])
    assert outcomes(back) == dict.fromkeys(sorted(cases), "moved")


async def test_the_process_is_killed_while_it_moves_and_the_next_one_goes_on(
    town: Town, settings: Settings, write: Callable[..., str], number: str
) -> None:
    cases = [(await accepting(town))[1] for _ in range(4)]
    words = (SERVICE, "--from", V1, "--to", write(number, *BEFORE_TAX), *only(*cases))
    command = [sys.executable, "-m", "tongban", "migrate", *words, "--batch", "1"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)

    async def moved() -> int:
        return [await version_of(town, no) for no in cases].count(number)

    await eventually(moved, lambda count: count > 0)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    found = await told(*words)
    assert await moved() == 4
    assert await states(town, found["run"]) == {"moved": 4}
    for no in cases:
        events = (await town.login("auditor").get(f"/v1/cases/{no}/events")).json()["events"]
        assert [event["type"] for event in events].count("case:migrated") == 1


async def test_what_happens_between_the_look_and_the_order_is_told_with_the_step(
    town: Town, settings: Settings, write: Callable[..., str], number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, no = await accepting(town)
    really = orders.send

    accepted: list[int] = []
    loop = asyncio.get_running_loop()

    async def from_there(house: House, case_no: str, order: AnyOrder) -> CommandOut:
        if isinstance(order, MigrateCommand):  # the command runs in a loop of its own
            decided = asyncio.run_coroutine_threadsafe(town.decide(town.market(), no, "accept", "accept"), loop)
            accepted.append((await asyncio.wrap_future(decided)).status_code)
        return await really(house, case_no, order)

    monkeypatch.setattr(orders, "send", from_there)
    found = await told(SERVICE, "--from", V1, "--to", write(number, *BEFORE_TAX), *only(no), status=1)
    assert accepted == [200]
    (case,) = found["cases"]
    assert (case["outcome"], case["why"][0]["code"], case["why"][0]["step"]) == (
        "blocked",
        "migration_step_before",
        "precheck",
    )
    assert await version_of(town, no) == V1


async def test_interrupted_it_says_how_to_go_on(
    town: Town, settings: Settings, write: Callable[..., str], number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(orders, "send", interrupted)
    _, no = await accepting(town)
    result = await run(SERVICE, "--from", V1, "--to", write(number, *BEFORE_TAX), *only(no))
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr


async def test_a_case_whose_workflow_has_not_been_started_is_started_and_moved(
    town: Town, settings: Settings, write: Callable[..., str], number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object) -> None:
        raise api.gateway.Down("test")

    who = town.citizen()
    with monkeypatch.context() as patch:
        patch.setattr(town.house.gateway, "start", down)
        no = await who.submit()
    assert (await town.case(who, no))["status"] == "submitted"
    found = await told(SERVICE, "--from", V1, "--to", write(number, *BEFORE_TAX), *only(no))
    assert outcomes(found) == {no: "moved"}
    await eventually(lambda: version_of(town, no), lambda version: version == number)


async def test_a_form_that_lacks_what_the_new_version_requires_is_a_reason_to_stay(
    town: Town, settings: Settings, write: Callable[..., str], number: str
) -> None:
    _, no = await accepting(town)
    branch = "    branch_city:\n      {type: string, format: region, title: 分支机构所在地, x-title-en: Branch}\n"
    changes = (
        ("shareholder_name, shareholder_uscc]", "shareholder_name, shareholder_uscc, branch_city]"),
        ("    new_address:\n", branch + "    new_address:\n"),
    )
    found = await told(SERVICE, "--from", V1, "--to", write(number, *changes), "--dry-run", *only(no))
    assert outcomes(found) == {no: "blocked"}
    (why,) = found["cases"][0]["why"]
    assert why["code"] == "migration_form"
    assert "Branch (branch_city)" in why["en"]


async def test_a_case_that_was_corrected_after_a_move_is_checked_by_the_new_form_only(
    town: Town, settings: Settings, write: Callable[..., str], number: str
) -> None:
    """A field that the new version does not know any more stays in the file and in nobody's way."""
    _, no = await accepting(town)
    name = "{type: string, minLength: 2, maxLength: 100, title: 股东名称, x-title-en: Shareholder}"
    changes = (
        (f"    shareholder_name:\n      {name}\n", ""),
        ("legal_representative_id, shareholder_name, shareholder_uscc]", "legal_representative_id, shareholder_uscc]"),
        (", holder_name: form.shareholder_name", ""),
    )
    found = await told(SERVICE, "--from", V1, "--to", write(number, *changes, *AFTER_DECISION), *only(no))
    assert outcomes(found) == {no: "moved"}
    correction = {"fields": {"new_address": "苏州市更正路二号"}, "reason": "笔误"}
    answer = await town.market().post(f"/v1/cases/{no}/corrections", json=correction)
    assert answer.status_code == 200, answer.text


async def test_what_was_promised_under_an_older_version_can_still_be_handed_in(office: Office) -> None:
    who = office.citizen("promiser")
    no = await add_case(office.house.database, owner="promiser")
    document = await who.upload()
    path, body = f"/v1/cases/{no}/promises/later", {"documents": [document]}
    is_problem(await who.post(path, json=body), 422, "material_unknown")
    kept: dict[str, Any] = {
        "id": "later",
        "title": {"zh": "后补材料", "en": "Later"},
        "tolerance": "deferrable",
        "due": None,
    }
    kept |= {"on_broken": "task", "original": False}
    async with office.house.database.begin() as session:
        await session.execute(
            text("UPDATE application SET case_plan = jsonb_set(case_plan, '{materials}', CAST(:kept AS jsonb))"),
            {"kept": json.dumps([kept])},
        )
    is_problem(await who.post(path, json=body), 503, "temporarily_down")  # there is no Temporal here to tell


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((SERVICE,), "--from V1 --to V2"),
        ((SERVICE, "--from", V1), "--from V1 --to V2"),
        ((SERVICE, "--from", V1, "--to", V1), "It is the version the cases have"),
        ((SERVICE, "--from", V1, "--to", "2031.1.1"), "Neither a version"),
        ((SERVICE, "--from", "2001.1.1", "--to", V1), "There is no such version"),
        ((SERVICE, "--from", V1, "--to", "2026.11.2", "--revert", "x"), "--from V1 --to V2"),
        (("--revert", "20200101-ffffff"), "There is no such run"),
    ],
)
async def test_what_cannot_be_meant_is_told_in_a_sentence(
    settings: Settings, words: tuple[str, ...], said: str
) -> None:
    result = await run(*words)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


async def test_a_draft_another_service_and_a_faulty_file_are_no_version_to_move_to(
    town: Town, settings: Settings, write: Callable[..., str], tmp_path: Path
) -> None:
    draft = write("2026.12.901", ("mode: joint\n", "mode: joint\nstate: draft\n"))
    other = write("2026.12.902", (f"code: {SERVICE}\n", "code: YRD-ENT-OTHER\n"))
    faulty = write("2026.12.903", ("    needs: [decide]\n", "    needs: [nothing]\n"))
    for file, said in ((draft, "It is a draft"), (other, "another service"), (faulty, "need_unknown")):
        result = await run(SERVICE, "--from", V1, "--to", file)
        assert result.exit_code == 2, result.output
        assert said in result.stderr


async def test_a_database_that_does_not_answer_is_told_in_a_sentence(
    settings: Settings, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGBAN_DATABASE_URL", "postgresql://tongban@127.0.0.1:1/tongban")
    result = await run(SERVICE, "--from", V1, "--to", write("2026.12.999", *WORDS), "--dry-run")
    assert result.exit_code == 2
    assert "数据库无法访问" in result.stderr
