"""``calendar load`` and ``calendar list`` as an operator runs them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from models.database import Database
from tests.fixtures.databases import Cluster
from tests.fixtures.samples import add_case
from tests.unit.test_deadline_command import notice
from tongban.cli import app

NOBODY_THERE = "postgresql://tongban@127.0.0.1:1/tongban"


@pytest.fixture
def environment(cluster: Cluster, database_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = cluster.settings(database_name)
    for name in ("mode", "database_url", "provinces_file", "payload_keys_file", "oidc_issuer", "data_dir"):
        monkeypatch.setenv(f"TONGBAN_{name.upper()}", str(getattr(settings, name)))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Writes a notice for 2027; returns where it is."""

    def written(**changes: object) -> str:
        file = tmp_path / "2027.json"
        file.write_text(json.dumps(notice(**changes)), encoding="utf-8")
        return str(file)

    return written


async def calendar(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["calendar", *words])


@pytest.mark.usefixtures("environment")
async def test_a_notice_is_loaded_once_and_replaced_only_when_asked_to(
    database: Database, write: Callable[..., str]
) -> None:
    await add_case(database)
    first = await calendar("load", write())
    assert first.exit_code == 0, first.output
    assert "1 件在办事项将重新计算期限" in first.stdout
    assert "1 open case will compute" in first.stdout
    again = await calendar("load", write())
    assert (again.exit_code, "nothing was changed" in again.stdout) == (0, True)
    other = await calendar("load", write(source="corrected"))
    assert (other.exit_code, "--replace" in other.stderr) == (1, True)
    replaced = await calendar("load", "--replace", write(source="corrected"))
    assert (replaced.exit_code, "已替换" in replaced.stdout) == (0, True)


@pytest.mark.usefixtures("environment", "database")
async def test_the_list_tells_shipped_from_loaded(write: Callable[..., str]) -> None:
    await calendar("load", write())
    result = await calendar("list")
    assert result.exit_code == 0, result.output
    assert [line.split()[:3] for line in result.stdout.splitlines()] == [
        ["2025", "随附", "shipped"],
        ["2026", "随附", "shipped"],
        ["2027", "已载入", "loaded"],
    ]
    assert "made up for a test" in result.stdout


@pytest.mark.usefixtures("environment", "database")
async def test_a_faulty_notice_is_not_loaded(write: Callable[..., str]) -> None:
    result = await calendar("load", write(make_up_days=["2027-10-08"]))
    assert (result.exit_code, "make_up_on_weekday" in result.stderr) == (1, True)
    assert "2027" not in (await calendar("list")).stdout


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["load", "list"])
async def test_a_database_that_does_not_answer_is_told_in_a_sentence(
    command: str, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGBAN_DATABASE_URL", NOBODY_THERE)
    result = await calendar(command, *([write()] if command == "load" else []))
    assert result.exit_code == 2
    assert "数据库无法访问" in result.stderr
    assert len(result.stderr.splitlines()) == 1
