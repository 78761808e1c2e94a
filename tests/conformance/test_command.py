"""The command: its reports, its words, its status."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from adapters.conformance import reports
from adapters.conformance.catalogue import all_checks
from adapters.conformance.controls import Controls
from adapters.conformance.model import Report, Status, Step, Wire
from adapters.conformance.model import Result as Ended
from domain.messages import Text
from tests.conformance import faulty
from tests.conformance.conftest import Tiny
from tests.conformance.test_kit import named
from tongban.cli import app


@dataclass
class Deaf:
    """A target that takes connections and never says a word."""

    url: str


EVIL = '<script>alert("1")</script>\x00\x1b]]>&'


def command(tiny: Tiny, folder: Path, *more: str, adapter: type = faulty.Honest) -> Result:
    keys = folder / "keys.json"
    keys.write_text(json.dumps(faulty.honest_keys().good), "utf-8")
    words = ["--adapter", named(adapter), "--target", tiny.url, "--credentials", str(keys)]
    return CliRunner().invoke(app, ["conformance", *words, "--profile", str(faulty.SCAFFOLD / "profile.json"), *more])


def test_reports_of_a_run_that_passes(tiny: Tiny, tmp_path: Path) -> None:
    files = {kind: tmp_path / f"report.{kind}" for kind in ("json", "junit", "html", "badge")}
    options = [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    result = command(tiny, tmp_path, "--only", "SUB", "--only", "hlt-01", *options)
    assert result.exit_code == 0, result.output
    assert "SUB-01" in result.output
    assert "通过 passed" in result.output
    content = json.loads(files["json"].read_text("utf-8"))
    assert (content["version"], content["passed"], content["counts"]["failed"]) == (1, True, 0)
    assert {check["id"] for check in content["checks"]} >= {"SUB-01", "HLT-01"}
    suite = ElementTree.fromstring(files["junit"].read_bytes()).find("testsuite")
    assert suite is not None
    assert len(suite.findall("testcase")) == len(content["checks"]) == int(suite.get("tests", "0"))
    svg = ElementTree.fromstring(files["badge"].read_text("utf-8"))
    assert svg.find("{http://www.w3.org/2000/svg}title") is not None
    everything = "".join(file.read_text("utf-8") for file in files.values()) + result.output
    assert "test-only-0123456789abcdef" not in everything, "secrets are masked"
    assert "Bearer ***" in everything


def test_a_run_that_fails_says_what_where_and_why(tiny: Tiny, tmp_path: Path) -> None:
    result = command(tiny, tmp_path, "--only", "FND-02", "--only", "SUB-01", adapter=faulty.FindSubmits)
    assert result.exit_code == 1
    assert "expected nothing, came accepted" in result.output
    assert "应为 nothing" in result.output
    assert "docs/reference/conformance.md#find-unknown" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Give --adapter and --target"),
        (["--adapter", "nowhere", "--target", "http://127.0.0.1:1"], "'nowhere' is unknown"),
        (["--adapter", "no.such:Thing", "--target", "http://127.0.0.1:1"], "cannot be loaded"),
        (["--adapter", "adapters.port:Adapter", "--target", "http://127.0.0.1:1"], "does not declare"),
        (["--adapter", "adapters.anhui:Anhui", "--target", "http://127.0.0.1:1"], "Nothing answers"),
        (["--adapter", "adapters.anhui:Anhui", "--target", "ftp://x"], "give an http or https address"),
        (["--adapter", "adapters.anhui:Anhui", "--target", "http://[::1"], "give an http or https address"),
        (["--only", "XXX-99"], "unknown checks: XXX-99"),
        (
            ["--adapter", "tests.conformance.faulty:FindSubmits", "--target", "http://127.0.0.1:1"],
            "No profile is shipped",
        ),
    ],
)
def test_bad_usage_is_a_sentence_in_both_languages(words: list[str], said: str) -> None:
    if said in ("'nowhere' is unknown", "cannot be loaded", "does not declare"):
        words = [*words, "--profile", str(faulty.SCAFFOLD / "profile.json")]
    result = CliRunner().invoke(app, ["conformance", *words])
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert re.search("[\u4e00-\u9fff]", result.stderr)
    assert "Traceback" not in result.output


def test_a_target_that_never_answers_is_a_report_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Controls, "PATIENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        silent = Deaf(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        result = command(silent, tmp_path, "--only", "CAP-05")
    assert result.exit_code == 0, result.output
    assert "CAP-05" in result.output


def test_unusable_files_and_addresses(tiny: Tiny, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    for text, said in {
        "[]": "no JSON object",
        "{": "no JSON object",
        '{"region": "x"}': "region",
        '{"region": "340000", "samples": {"other": {"department": "a", "operation": "b"}}}': "unknown samples other",
    }.items():
        bad.write_text(text, "utf-8")
        result = command(tiny, tmp_path, "--profile", str(bad))
        assert (result.exit_code, said in result.stderr) == (2, True), result.output
    for words, said in {
        ("--listen", "here"): "give HOST:PORT",
        ("--listen", "127.0.0.1:99999"): "give HOST:PORT",
        ("--listen", "192.0.2.1:0"): "Cannot listen",
        ("--html", str(tmp_path / "no" / "x.html")): "there is no such folder",
        ("--only", "CAP-01", "--json", str(tmp_path)): "cannot be written",
    }.items():
        result = command(tiny, tmp_path, *words)
        assert (result.exit_code, said in result.stderr) == (2, True), result.output


def test_all_checks_are_listed_with_their_requirements() -> None:
    result = CliRunner().invoke(app, ["conformance", "--list"])
    assert result.exit_code == 0
    for check in all_checks():
        assert re.search(rf"^{check.id} +{check.requirement} ", result.output, re.M), check.id


def evil_report() -> Report:
    """A report in which everything that comes from outside is an attack."""
    checks = all_checks()
    step = Step(EVIL, EVIL, [Wire(f"POST /{EVIL} HTTP/1.1\n{EVIL}", EVIL, EVIL)])
    ended = [
        Ended(checks[0], Status.PASSED, None, [step], 0.1),
        Ended(checks[1], Status.FAILED, Text(zh=EVIL, en=EVIL), [step], 0.1),
        Ended(checks[2], Status.NOT_APPLICABLE, Text(zh=EVIL, en=EVIL)),
    ]
    return Report(EVIL, f"http://{EVIL}", EVIL, 0.0, 1.0, (), ended)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [f"{name}={value}" for name, value in attrs]


def test_the_html_report_is_one_file_without_scripts_and_everything_is_escaped() -> None:
    html = reports.page(evil_report())
    page = _Tags()
    page.feed(html)
    assert "script" not in page.tags
    assert {"details", "summary", "pre"} <= set(page.tags)
    assert not [each for each in page.attributes if re.match("(src|href|on[a-z]+|style)=", each)]
    assert "default-src 'none'" in html
    assert "1 项通过，1 项未通过，1 项不适用" in html
    assert "1 passed, 1 failed, 1 not applicable" in html


def test_xml_and_json_reports_survive_anything() -> None:
    report = evil_report()
    suite = ElementTree.fromstring(reports.junit(report)).find("testsuite")
    assert suite is not None
    counted = [suite.get(name) for name in ("tests", "failures", "skipped")]
    assert counted == ["3", "1", "1"]
    assert json.loads(reports.document(report))["checks"][1]["steps"][0]["asked"] == EVIL
    assert ElementTree.fromstring(reports.badge(report)).tag.endswith("svg")
    assert not report.passed
