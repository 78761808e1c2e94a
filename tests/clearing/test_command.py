"""``clearing`` on the command line, against a real database; ``run`` with a real Temporal and its worker."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from domain.clearing import days_of, month_of
from models.database import Database
from tests.clearing.months import clear, enter, golden_rows, propose_month
from tests.clearing.samples import AH, JS, SH, settled
from tests.clearing.test_reconciliation import line
from tests.fixtures.databases import Cluster
from tests.fixtures.running import Town
from tongban.cli import app
from tongban.stack.stack import Stack

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "clearing-2026-10.svg"
DAY = date(2026, 10, 12)


@pytest.fixture
def environment(cluster: Cluster, database_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = cluster.settings(database_name)
    for name in ("mode", "database_url", "provinces_file", "payload_keys_file", "oidc_issuer", "data_dir"):
        monkeypatch.setenv(f"TONGBAN_{name.upper()}", str(getattr(settings, name)))


async def command(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["clearing", *words])


@pytest.mark.usefixtures("environment")
async def test_the_golden_month_is_reported_as_table_csv_and_picture(database: Database, tmp_path: Path) -> None:
    await enter(database, *golden_rows())
    await propose_month(database, "2026-10")
    await clear(database, "2026-10")
    table = await command("report", "--month", "2026-10")
    assert table.exit_code == 0, table.output
    for figure in ("+2,320,000.00", "-370,000.00", "-300,000.00", "-1,650,000.00", "4,700,000.00", "2026-12-10"):
        assert figure in table.stdout
    sheet = tmp_path / "october.csv"
    assert (await command("report", "--month", "2026-10", "--format", "csv", "--out", str(sheet))).exit_code == 0
    assert "340000 安徽省,310000 上海市,3,1250000.00" in sheet.read_text("utf-8-sig")
    drawn = tmp_path / "october.svg"
    words = ("report", "--month", "2026-10", "--format", "svg", "--lang", "en", "--out", str(drawn))
    assert (await command(*words)).exit_code == 0
    assert drawn.read_text("utf-8") == PICTURE.read_text("utf-8"), "the picture in the docs is what the command draws"


@pytest.mark.usefixtures("environment", "database")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "--month", "2026-10"), "no clearing of that month"),
        (("report", "--month", "October"), "such as 2026-10"),
        (("run", "--month", "2026-13"), "such as 2026-10"),
        (("run", "--month", "2026-10", "--profile", "/nowhere.yaml"), "profile cannot be used"),
        (("reconcile", "--day", "monday"), "such as 2026-10-12"),
        (("reconcile", "--day", "2026-10-12", "--book", "110000"), "no such book"),
    ],
)
async def test_what_cannot_be_used_is_refused_with_a_sentence(words: tuple[str, ...], said: str) -> None:
    result = await command(*words)
    assert (result.exit_code, said in result.stderr) == (2, True), result.output


@pytest.mark.usefixtures("environment")
async def test_a_day_is_compared_with_books_in_a_folder(database: Database, tmp_path: Path) -> None:
    row = settled(AH, SH, day=DAY)
    await enter(database, row)
    for place in (AH, SH, "hub"):
        (tmp_path / f"{place}-{DAY}.jsonl").write_text(line(row).model_dump_json())
    for place in ("320000", "330000"):
        (tmp_path / f"{place}-{DAY}.jsonl").touch()
    words = ("reconcile", "--day", str(DAY), "--books", str(tmp_path))
    result = await command(*words)
    assert result.exit_code == 0, result.output
    (tmp_path / f"hub-{DAY}.jsonl").write_text("")
    told = await command(*words, "--json")
    assert told.exit_code == 1
    assert [(r["book"], r["differences"]) for r in json.loads(told.stdout)][-1] == ("hub", 1)
    (tmp_path / f"hub-{DAY}.jsonl").unlink()
    unread = await command(*words, "--book", "hub")
    assert (unread.exit_code, "not read" in unread.stdout) == (3, True)


@pytest.fixture
def of_the_town(town: Town, engine: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As an operator of the town would have it."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", engine.temporal_address)
    monkeypatch.setenv("TONGBAN_MODE", "demo")
    url = town.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("TONGBAN_DATABASE_URL", url)
    folder = town.house.files._folder
    assert folder is not None
    monkeypatch.setenv("TONGBAN_PROVINCES_FILE", str(folder.parent / "provinces.json"))
    monkeypatch.setenv("TONGBAN_PAYLOAD_KEYS_FILE", str(engine.secrets.payload_keys))
    monkeypatch.setenv("TONGBAN_OIDC_ISSUER", "https://login.test.invalid")
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(tmp_path))


@pytest.mark.usefixtures("of_the_town")
async def test_a_month_is_run_and_waited_for(town: Town) -> None:
    month = "2023-03"
    await enter(town.database, settled(AH, SH, 80_000, days_of(month)[1]))
    waiting = await command("run", "--month", month, "--patience", "2.5")
    assert waiting.exit_code == 4, waiting.output
    assert "waits for 340000" in waiting.stderr
    assert "800.00" in waiting.stdout
    running = asyncio.create_task(command("run", "--month", month, "--patience", "20"))
    caller = town.login("caseworker", AH, "health_insurance")
    answer = await caller.post(f"/v1/medical/clearing/{month}/confirmations")
    assert answer.status_code == 200, answer.text
    done = await running
    assert (done.exit_code, "cleared" in done.stdout) == (0, True), done.output


@pytest.mark.usefixtures("of_the_town")
async def test_a_month_that_goes_on_is_run_early_only_when_asked_to(town: Town) -> None:
    async with town.database.begin() as session:
        today = await session.scalar(text("SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date"))
    month = month_of(today)
    refused = await command("run", "--month", month)
    assert (refused.exit_code, "not over" in refused.stderr) == (2, True)
    await enter(town.database, settled(JS, SH, 500, today))
    early = await command("run", "--month", month, "--early", "--until", "proposed", "--patience", "20")
    assert early.exit_code == 0, early.output
    assert "5.00" in early.stdout
