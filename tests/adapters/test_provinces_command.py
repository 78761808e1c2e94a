"""``provinces check`` and what the programs say about a provinces file that cannot be used: one sentence, status 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tongban.cli import app

SECRET = "0123456789abcdef"


def written(folder: Path, **changes: object) -> Path:
    (folder / "keys.json").write_text(json.dumps({"access_key": "a", "secrets": [SECRET]}))
    entry = {"region": "330000", "adapter": "zhejiang", "url": "http://127.0.0.1:1", "credentials": "keys.json"}
    file = folder / "provinces.json"
    file.write_text(json.dumps([entry | {"private_network": True} | changes]))
    return file


def check(file: Path, *more: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["provinces", "check", "--file", str(file), *more])
    return result.exit_code, result.stdout, result.stderr


def test_a_good_file_is_shown_with_what_each_province_can(tmp_path: Path) -> None:
    file = written(tmp_path, departments={"ecology": {"adapter": "clerk"}})
    status, out, _ = check(file)
    assert status == 0
    assert "330000  zhejiang  http://127.0.0.1:1" in out
    assert "submit" in out
    assert "ecology: clerk" in out


def test_asked_it_says_who_does_not_answer(tmp_path: Path) -> None:
    status, out, _ = check(written(tmp_path), "--ask")
    assert (status, "Unavailable" in out) == (1, True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"adapter": "pigeon"}, "'pigeon' is unknown"),
        ({"credentials": "none.json"}, "credentials: cannot be read"),
        ({"credentials": None}, "credential_missing"),
        ({"region": "3300"}, "field region"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    status, out, err = check(written(tmp_path, **changes))
    assert (status, out) == (2, "")
    assert says in err
    assert SECRET not in err


def test_a_worker_for_a_province_that_is_not_in_the_file_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "ring.json").write_text("{}")
    env = {
        "PATH": "/usr/bin",
        "TONGBAN_MODE": "demo",
        "TONGBAN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "TONGBAN_PROVINCES_FILE": str(written(tmp_path)),
        "TONGBAN_PAYLOAD_KEYS_FILE": str(tmp_path / "ring.json"),
        "TONGBAN_OIDC_ISSUER": "https://login.test.invalid",
    }
    words = [sys.executable, "-m", "tongban", "worker", "--role", "province:340000"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 2
    assert "no such province in the file" in done.stderr
    assert "Traceback" not in done.stderr
