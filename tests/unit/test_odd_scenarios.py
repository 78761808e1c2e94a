"""A scenario or a folder that cannot be used is a sentence, never a trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalogue.library import HERE
from tongban.cli import app

WHOLE = (HERE / "scenarios" / "YRD-VEH" / "completed.yaml").read_text("utf-8")
START = "2026-11-23T09:00:00+08:00"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (WHOLE.replace(START, "9999-12-31T23:00:00+08:00"), "start"),
        (WHOLE.replace(START, "0001-01-01T00:00:00+08:00"), "start"),
        (WHOLE + "promised: [ghost]\n", "promised"),
        (WHOLE + "promised: [application]\n", "promised"),
        (WHOLE + "ends_on: 2026-02-30\n", "not YAML"),
        (WHOLE + "acts: [{does: ask_extension}]\n", "ask_extension needs clock"),
        (WHOLE + "acts: [{does: original}]\n", "original needs material and stage"),
        (WHOLE + "acts: [{does: transfer}]\n", "transfer needs region"),
        (WHOLE + "acts: [{does: begin_procedure, procedure: x, planned: soon}]\n", "a duration is"),
        (WHOLE + "acts: [{does: withdraw, after: ''}]\n", "a duration is"),
        (WHOLE + "acts: [{does: withdraw, when: '9999-12-31T23:00:00+08:00'}]\n", "when is not between"),
        ("a: " + "[" * 5000, "not YAML"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_told_so(source: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(source, "utf-8")
    result = CliRunner().invoke(app, ["services", "simulate", "YRD-VEH", "--scenario", str(file)])
    assert result.exit_code == 2, result.output
    assert f"odd.yaml: {told}" in result.output or told in result.output


def test_operations_that_cannot_be_read_are_told_so(tmp_path: Path) -> None:
    file = tmp_path / "operations.yaml"
    file.write_text("a: " + "[" * 5000, "utf-8")
    definition = HERE / "services" / "YRD-VEH.yaml"
    result = CliRunner().invoke(app, ["services", "check", str(definition), "--operations", str(file)])
    assert result.exit_code == 2
    assert "not YAML" in result.output


@pytest.mark.parametrize("words", [["list"], ["matrix", "YRD-VEH"], ["diff", "YRD-VEH", "YRD-HUKOU"]])
def test_a_folder_of_own_definitions_is_read_whole_or_told_why_not(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGBAN_SERVICES_DIR", str(tmp_path / "nowhere"))
    assert CliRunner().invoke(app, ["services", *words]).exit_code == 2
    monkeypatch.setenv("TONGBAN_SERVICES_DIR", str(tmp_path))
    assert CliRunner().invoke(app, ["services", *words]).exit_code == 0
    (tmp_path / "again.yaml").write_bytes((HERE / "services" / "YRD-VEH.yaml").read_bytes())
    twice = CliRunner().invoke(app, ["services", *words])
    assert (twice.exit_code, "again.yaml:1:1: version_taken" in twice.output) == (1, True)
    (tmp_path / "again.yaml").write_text("code: 5\n", "utf-8")
    wrong = CliRunner().invoke(app, ["services", *words])
    assert (wrong.exit_code, "again.yaml:1:1: wrong_value" in wrong.output) == (1, True)
