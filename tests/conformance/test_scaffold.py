"""``new adapter``: what it writes is small, clean, and passes its tests at once, installed or not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters import registry
from tests.conformance.places import ROOT
from tongban.cli import app
from tongban.commands import new


def made(folder: Path, name: str = "hello-world") -> Path:
    result = CliRunner().invoke(app, ["new", "adapter", name, "--into", str(folder)])
    assert result.exit_code == 0, result.output
    assert "python -m pytest" in result.output
    return folder / name


def python(*words: str, cwd: Path, path: str = str(ROOT)) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_it_passes_its_tests_at_once(tmp_path: Path) -> None:
    folder = made(tmp_path)
    result = python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed
    assert int(passed[1]) >= 75
    one = python(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_conformance.py::test_conformance[SUB-02]",
        cwd=folder,
    )
    assert "1 passed" in one.stdout


def test_its_tests_fail_when_the_adapter_is_broken(tmp_path: Path) -> None:
    folder = made(tmp_path)
    adapter = folder / "src" / "tongban_hello_world" / "adapter.py"
    adapter.write_text(adapter.read_text("utf-8").replace("return None if said ==", "return None if said !="), "utf-8")
    result = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "FND-01 or FND-02", cwd=folder)
    assert result.returncode == 1
    assert "expected accepted, came None" in result.stdout
    assert "conformance.md#find-known" in result.stdout


def test_the_adapter_is_under_forty_lines_and_all_of_it_is_clean(tmp_path: Path) -> None:
    folder = made(tmp_path)
    lines = (folder / "src" / "tongban_hello_world" / "adapter.py").read_text("utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) < 40
    assert not [
        text for file in folder.rglob("*") if file.is_file() for text in re.findall(r"\$\w+", file.read_text("utf-8"))
    ]
    words = ["--isolated", "--line-length=120", "--select=E,F,W,I,B,UP,SIM", "--no-cache", "src", "tests"]
    ruff = python("-m", "ruff", "check", *words, cwd=folder)
    assert ruff.returncode == 0, ruff.stdout


def test_installed_it_is_found_by_its_name(tmp_path: Path) -> None:
    """What pip would write: the package and its metadata beside each other on the path."""
    folder = made(tmp_path)
    info = tmp_path / "site" / "tongban_adapter_hello_world-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tongban-adapter-hello-world\nVersion: 0.1.0\n", "utf-8"
    )
    point = re.search(r'^hello-world = "(.+)"$', (folder / "pyproject.toml").read_text("utf-8"), re.M)
    assert point
    (info / "entry_points.txt").write_text(f"[tongban.adapters]\nhello-world = {point[1]}\n", "utf-8")
    (tmp_path / "site" / "tongban_hello_world").symlink_to(folder / "src" / "tongban_hello_world")
    code = "from adapters.registry import find_adapter; print(find_adapter('hello-world').capabilities.keys)"
    result = python("-c", code, cwd=tmp_path, path=os.pathsep.join([str(ROOT), str(tmp_path / "site")]))
    assert result.stdout.strip() == "True", result.stderr


@pytest.mark.parametrize("name", ["Hello", "9lives", "a" * 41, "a.b", "../x", "", "a b", "é", "-x", "a\n"])
def test_bad_names_are_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    result = CliRunner().invoke(app, ["new", "adapter", "--into", str(tmp_path), "--", name])
    assert result.exit_code == 2, result.output
    assert "cannot be a name" in result.stderr
    assert "不能作名称" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_names_and_folders_that_are_taken_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = CliRunner().invoke(app, ["new", "adapter", "shanghai", "--into", str(tmp_path)])
    assert (shipped.exit_code, "already" in shipped.stderr) == (2, True)
    monkeypatch.setattr(registry, "installed", lambda: {"paper_tray": []})
    hyphened = CliRunner().invoke(app, ["new", "adapter", "paper-tray", "--into", str(tmp_path)])
    assert (hyphened.exit_code, "already" in hyphened.stderr) == (2, True)
    (tmp_path / "mine").mkdir()
    there = CliRunner().invoke(app, ["new", "adapter", "mine", "--into", str(tmp_path)])
    assert (there.exit_code, "exists already" in there.stderr) == (2, True)
    nowhere = CliRunner().invoke(app, ["new", "adapter", "mine", "--into", str(tmp_path / "no")])
    assert (nowhere.exit_code, "no such folder" in nowhere.stderr) == (2, True)


def test_nothing_is_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    result = CliRunner().invoke(app, ["new", "adapter", "mine", "--into", str(tmp_path)])
    assert (result.exit_code, "No space left" in result.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_words_of_python_work(tmp_path: Path) -> None:
    for name in ("none", "class", "json", "a-b_c"):
        new.write(name, tmp_path / name)
        for file in (tmp_path / name).rglob("*.py"):
            compile(file.read_text("utf-8"), str(file), "exec")
