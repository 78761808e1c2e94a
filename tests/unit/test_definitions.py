"""Every bad definition gives its own complaint, where it is; every good one none. The codes are all documented."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from catalogue.compiler import Refused, compile_file, compile_text, offered
from catalogue.reading import LARGEST, read_document
from catalogue.schema import schema

HERE = Path(__file__).parents[1] / "definitions"
BAD = sorted((HERE / "bad").glob("*.yaml"))
GOOD = sorted((HERE / "good").glob("*.yaml"))
ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "catalogue" / "services").glob("*.yaml"))
OFFERS = offered(ROOT / "catalogue" / "operations.yaml")
_EXPECT = re.compile(rb"# expect: ([a-z0-9_]+) line ([0-9]+)\n")


def expected(file: Path) -> tuple[str, int]:
    match = _EXPECT.match(file.read_bytes())
    assert match, file.name
    return match[1].decode(), int(match[2])


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_definition_is_refused_for_its_fault_at_its_place(file: Path) -> None:
    code, line = expected(file)
    with pytest.raises(Refused) as refused:
        compile_file(file, OFFERS)
    found = [(complaint.code, complaint.line) for complaint in refused.value.complaints]
    assert (code, line) in found
    text = str(next(c for c in refused.value.complaints if c.code == code))
    assert re.match(rf"{re.escape(file.name)}:{line}:[0-9]+: {code}: .+\. .+", text, re.S)


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_a_good_definition_is_taken(file: Path) -> None:
    assert compile_file(file, OFFERS).digest()


def test_there_are_many_faults_each_with_its_own_code() -> None:
    codes = {expected(file)[0] for file in BAD}
    assert len(BAD) >= 60
    assert len(codes) >= 60


def test_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(Refused, match="too_large"):
        compile_text(b"#" * (LARGEST + 1))


def test_what_no_adapter_offers_is_told_when_the_adapters_are_known() -> None:
    source = GOOD[0].read_bytes()
    most = {"vehicle_licence", "vehicle_transfer_out", "vehicle_transfer_restore", "vehicle_licence_issue"}
    most |= {"fee_order", "fee_refund"}
    offers = {"traffic_police": most}
    with pytest.raises(Refused) as refused:
        compile_text(source, "x.yaml", offers)
    assert [c.code for c in refused.value.complaints] == ["capability_missing"]
    assert compile_text(source, "x.yaml", {"traffic_police": most | {"vehicle_licence_revoke"}})


def test_the_same_definition_has_the_same_digest_and_another_one_another() -> None:
    source = GOOD[0].read_bytes()
    assert compile_text(source).digest() == compile_text(source).digest()
    assert compile_text(source.replace("大于二".encode(), "大于贰".encode())).digest() != compile_text(source).digest()


def test_the_schema_for_editors_is_the_one_the_compiler_reads_by() -> None:
    file = ROOT / "docs" / "definition.schema.json"
    assert json.loads(file.read_text("utf-8")) == schema(), (
        "run: python -m catalogue.schema > docs/definition.schema.json"
    )


@pytest.mark.parametrize("file", GOOD + SHIPPED, ids=lambda file: file.stem)
def test_what_the_compiler_takes_the_schema_takes_and_an_unknown_key_neither(file: Path) -> None:
    document = json.loads(json.dumps(read_document(file.read_bytes(), file.name), default=str))
    checker = Draft202012Validator(schema())
    assert [error.message for error in checker.iter_errors(document)] == []
    assert not checker.is_valid(document | {"colour": "red"})
    document["steps"][0]["colour"] = "red"
    assert not checker.is_valid(document)
