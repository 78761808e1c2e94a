"""The pytest plugin: checks as test items, and nothing at all where it was not asked for."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conformance import faulty
from tests.conformance.conftest import Tiny
from tests.conformance.places import ROOT
from tests.conformance.test_kit import named
from tests.conformance.test_scaffold import python


def options(tiny: Tiny, folder: Path, adapter: type = faulty.Honest) -> list[str]:
    keys = folder / "keys.json"
    keys.write_text(json.dumps(faulty.honest_keys().good), "utf-8")
    profile = faulty.SCAFFOLD / "profile.json"
    named_ones = {"adapter": named(adapter), "target": tiny.url, "profile": profile, "credentials": keys}
    return [f"--conformance-{name}={value}" for name, value in named_ones.items()]


def pytest_in(folder: Path, *words: str) -> tuple[int, str]:
    (folder / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings =\n    error\n    ignore:The configuration option .asyncio_default\n", "utf-8"
    )
    path = f"{ROOT}:{faulty.SCAFFOLD / 'src'}"
    result = python("-m", "pytest", "-p", "no:cacheprovider", "-rs", *words, cwd=folder, path=path)
    return result.returncode, result.stdout + result.stderr


def test_every_check_is_an_item(tiny: Tiny, tmp_path: Path) -> None:
    adapter = "--conformance-adapter=tongban_honest.adapter:HonestAdapter"
    code, out = pytest_in(tmp_path, "-v", *options(tiny, tmp_path)[1:], adapter, "-k", "SUB or CBK-01 or HLT-01")
    assert code == 0, out
    assert "conformance[SUB-01] PASSED" in out
    assert "conformance[CBK-01] SKIPPED" in out
    assert "14 passed" not in out
    assert "callback" in out


def test_a_check_that_fails_is_a_test_that_fails(tiny: Tiny, tmp_path: Path) -> None:
    code, out = pytest_in(tmp_path, *options(tiny, tmp_path, faulty.FindSubmits), "-k", "FND-02 or SUB-01")
    assert code == 1
    assert "1 failed, 1 passed" in out
    assert "expected nothing, came accepted" in out
    assert "Traceback" not in out


def test_without_its_options_it_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import sys\n\n\ndef test_lazily():\n    assert not [n for n in sys.modules if n.startswith('adapters')]\n",
        "utf-8",
    )
    code, out = pytest_in(tmp_path, "-q")
    assert (code, "1 passed" in out) == (0, True), out


def test_half_of_its_options_is_a_usage_error(tmp_path: Path) -> None:
    code, out = pytest_in(tmp_path, "--conformance-adapter=anhui")
    assert (code, "belong together" in out) == (4, True), out


def test_an_unreachable_target_is_told_in_a_sentence(tiny: Tiny, tmp_path: Path) -> None:
    words = [*options(tiny, tmp_path), "--conformance-target=http://127.0.0.1:1", "-k", "SUB-01"]
    code, out = pytest_in(tmp_path, *words)
    assert code == 1
    assert "Nothing answers at http://127.0.0.1:1" in out
