"""What is agreed with a province: by reference, read again when it changes, and in no error text."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from adapters.credentials import FileCredentials, GivenCredentials, from_environment
from adapters.errors import Misconfigured

SECRET = "0123456789abcdef"


def test_one_secret_or_several_the_first_signs() -> None:
    assert GivenCredentials({"secrets": SECRET}).secrets() == (SECRET.encode(),)
    assert GivenCredentials({"secrets": ["z" * 16, SECRET]}).secrets() == (b"z" * 16, SECRET.encode())
    assert GivenCredentials({"client_secret": SECRET}).secrets("client_secret") == (SECRET.encode(),)


@pytest.mark.parametrize("value", [None, [], 7, {}, [7]])
def test_a_secret_that_is_none_is_missing(value: object) -> None:
    with pytest.raises(Misconfigured, match="credential_missing: secrets"):
        GivenCredentials({"secrets": value}).secrets()  # type: ignore[dict-item]


@pytest.mark.parametrize("value", ["", "short", [SECRET, "short"]])
def test_a_secret_has_sixteen_bytes(value: object) -> None:
    with pytest.raises(Misconfigured, match="credential_too_short") as caught:
        GivenCredentials({"secrets": value}).secrets()  # type: ignore[dict-item]
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("value", [None, "", 7, []])
def test_a_text_is_there_or_missing(value: object) -> None:
    assert GivenCredentials({"app_id": "tester"}).text("app_id") == "tester"
    with pytest.raises(Misconfigured, match="credential_missing: app_id"):
        GivenCredentials({"app_id": value}).text("app_id")  # type: ignore[dict-item]


@pytest.mark.parametrize("value", [None, {}, "x", []])
def test_a_table_is_there_or_missing(value: object) -> None:
    assert GivenCredentials({"keys": {"a": "1", "b": 2}}).table("keys") == {"a": "1"}
    with pytest.raises(Misconfigured, match="credential_missing: keys"):
        GivenCredentials({"keys": value}).table("keys")  # type: ignore[dict-item]


def test_a_file_is_read_again_when_it_changes_and_complained_about_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "province.json"
    file.write_text(json.dumps({"app_id": "first"}))
    credentials = FileCredentials(file)
    file.write_text(json.dumps({"app_id": "second"}))
    assert credentials.text("app_id") == "second"
    file.write_text(json.dumps({"app_id": "third"})[:-3])
    with caplog.at_level(logging.WARNING):
        assert [credentials.text("app_id") for _ in range(3)] == ["second"] * 3
    assert len(caplog.records) == 1
    assert "third" not in caplog.text
    file.write_text(json.dumps({"app_id": "fourth!"}))
    assert credentials.text("app_id") == "fourth!"


def test_a_file_that_is_no_use_from_the_start_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        FileCredentials(tmp_path / "nowhere.json")
    (tmp_path / "odd.json").write_text(f'["{SECRET}"')
    with pytest.raises(ValueError) as caught:
        FileCredentials(tmp_path / "odd.json")
    assert SECRET not in str(caught.value)


def test_an_environment_variable_holds_the_same_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVINCE", json.dumps({"secrets": [SECRET]}))
    assert from_environment("PROVINCE").secrets() == (SECRET.encode(),)
    monkeypatch.delenv("PROVINCE")
    with pytest.raises(ValueError, match="no JSON object"):
        from_environment("PROVINCE")
