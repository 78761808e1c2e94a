"""The command line: logins, refusals, and how wrong settings are told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from unittest.mock import patch

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from typer.testing import CliRunner

from tongban.cli import app
from tongban.stack.keys import Secrets
from tongban.stack.stack import Stack


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Secrets:
    """The settings of a demo, in the environment."""
    secrets = Secrets(tmp_path / "secrets")
    secrets.generate()
    for name, value in {
        "TONGBAN_MODE": "demo",
        "TONGBAN_DATA_DIR": str(tmp_path),
        "TONGBAN_DATABASE_URL": "postgresql://tongban@127.0.0.1:1/tongban",
        "TONGBAN_PROVINCES_FILE": str(tmp_path / "provinces.json"),
        "TONGBAN_PAYLOAD_KEYS_FILE": str(secrets.payload_keys),
        "TONGBAN_OIDC_ISSUER": "https://login.example",
    }.items():
        monkeypatch.setenv(name, value)
    return secrets


def test_a_demo_login_is_signed_and_carries_role_and_place(demo: Secrets) -> None:
    words = ["token", "--role", "caseworker", "--region", "320000", "--department", "hrss", "--hours", "2"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    keys = KeySet.import_key_set(json.loads(demo.public_keys.read_text()))
    assert "d" not in json.loads(demo.public_keys.read_text())["keys"][0]
    token = jwt.decode(result.output.strip(), keys, algorithms=["ES256"])
    claims = token.claims
    assert (claims["iss"], claims["aud"]) == ("https://login.example", "tongban-api")
    assert (claims["role"], claims["region"], claims["department"]) == ("caseworker", "320000", "hrss")
    assert claims["sub"] == "demo-caseworker"
    assert claims["exp"] - claims["iat"] == 7200


def test_no_login_is_made_outside_the_demo(demo: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_MODE", "production")
    result = CliRunner().invoke(app, ["token", "--role", "citizen"])
    assert result.exit_code == 2
    assert "only in demo mode" in result.output
    assert "eyJ" not in result.output


@pytest.mark.usefixtures("demo")
def test_symmetric_token_algorithms_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_OIDC_ALGORITHMS", '["ES256", "HS256"]')
    result = CliRunner().invoke(app, ["token", "--role", "citizen"])
    assert result.exit_code == 2
    assert "TONGBAN_OIDC_ALGORITHMS" in result.output


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("variable", "value"),
    [("TONGBAN_DATABASE_POOL", "many"), ("TONGBAN_MODE", "test"), ("TONGBAN_OIDC_ALGORITHMS", "ES256")],
)
def test_a_wrong_setting_is_one_line_that_names_it(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    result = CliRunner().invoke(app, ["token", "--role", "citizen"])
    assert result.exit_code == 2
    assert variable in result.output.upper()
    assert len(result.output.splitlines()) == 1
    assert "Traceback" not in result.output


def test_missing_settings_are_all_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(app, ["relay"])
    assert result.exit_code == 2
    for variable in ("TONGBAN_DATABASE_URL", "TONGBAN_PROVINCES_FILE", "TONGBAN_OIDC_ISSUER"):
        assert f"{variable}: " in result.output


def test_another_terminal_needs_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack(tmp_path, parts=(), usual_ports=False, env={"TONGBAN_DATABASE_URL": "postgresql://x@127.0.0.1/x"})
    stack.start()
    stack.stop()
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(tmp_path))
    with patch.dict(os.environ):  # the command adds to the environment of its process
        result = CliRunner().invoke(app, ["token", "--role", "citizen"])
    assert result.exit_code == 0, result.output
    assert result.output.count(".") == 2


@pytest.mark.usefixtures("demo")
def test_a_worker_with_an_unknown_role_is_refused() -> None:
    result = CliRunner().invoke(app, ["worker", "--role", "province:32"])
    assert result.exit_code == 2
    assert "province:32" in result.output
