"""``settle`` prints one JSON object or says in a line each what is wrong."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from domain.settlement import AMOUNTS
from tests.settlement.golden import CASES, GOLDEN, PACKS, changed, raw
from tests.settlement.recomputed import recomputed
from tongban.cli import app

RESULT = ("claim", "pack", "version", *AMOUNTS, "year_to_date", "explanation")


def run(pack: Path, claim: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["settle", "--pack", str(pack), "--claim", str(claim), *more])


@pytest.fixture
def claim(tmp_path: Path) -> Path:
    file = tmp_path / "claim.json"
    file.write_bytes(raw(CASES[0]["claim"]))
    return file


def test_the_example_of_the_docs_is_settled_by_the_packs_that_are_shipped() -> None:
    root = Path(__file__).parents[2]
    result = run(root / "catalogue" / "policies", root / "docs" / "examples" / "claim.json")
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert (answer["medfee_sumamt"], answer["fund_pay_sumamt"]) == ("32000.00", "24660.00")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["claim"]["claim"])
def test_every_golden_case_is_printed_with_an_explanation_that_adds_up(
    case: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "claim.json"
    file.write_bytes(raw(case["claim"]))
    result = run(GOLDEN / f"pack-{case['claim']['pack']}.json", file)
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert tuple(answer) == RESULT
    assert {field: answer[field] for field in case["expected"]} == case["expected"]
    sums = recomputed(answer["explanation"])
    assert {field: sums.get(field, 0) for field in case["expected"]} == {
        field: Fraction(amount) for field, amount in case["expected"].items()
    }


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "packs"
    folder.mkdir()
    half = changed(PACKS["TEST-EMP"], {"/valid_to": "2026-06-30"})
    later = changed(PACKS["TEST-EMP"], {"/version": "2026.2", "/valid_from": "2026-07-01", "/deductible/3": "0.00"})
    for name, pack in (("1", half), ("2", later), ("3", PACKS["TEST-RES"])):
        (folder / f"{name}.json").write_bytes(raw(pack))
    return folder


@pytest.mark.parametrize(
    ("day", "version", "pays"), [("2026-06-30", "2026.1", "800.00"), ("2026-07-01", "2026.2", "0.00")]
)
def test_from_a_folder_the_day_of_discharge_chooses(
    tmp_path: Path, claim: Path, day: str, version: str, pays: str
) -> None:
    claim.write_bytes(raw(CASES[0]["claim"] | {"discharge_date": day}))
    answer = json.loads(run(folder_of(tmp_path), claim).stdout)
    assert (answer["version"], answer["act_pay_dedc"]) == (version, pays)


def test_what_is_shipped_says_that_it_is_made_up(claim: Path) -> None:
    from catalogue.packs import POLICIES

    assert json.loads(run(POLICIES, claim).stdout)["synthetic"] is True


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"/discharge_date": "2025-12-31"}, "/discharge_date: pack_not_in_force: 出院之日此政策包不生效。"),
        ({}, "/discharge_date: discharge_date_missing: "),
        ({"/pack": "TEST-ALL"}, "/pack: pack_unknown: 没有此政策包。 There is no such pack."),
        ({"/category": "chronic", "/discharge_date": "2026-03-01"}, "/category: category_unknown: "),
    ],
)
def test_what_cannot_be_settled_is_told_with_its_place(
    tmp_path: Path, claim: Path, changes: dict[str, object], said: str
) -> None:
    claim.write_bytes(raw(changed(CASES[0]["claim"], changes)))
    result = run(folder_of(tmp_path), claim)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{claim}: {said}")
    assert len(result.stderr.splitlines()) == 1


def test_faults_of_both_files_are_told_at_once_and_as_json(tmp_path: Path, claim: Path) -> None:
    pack = tmp_path / "pack.json"
    pack.write_bytes(raw(changed(PACKS["TEST-EMP"], {"/bands/0/ratio/3": "1.2", "/annual_cap": 1})))
    claim.write_bytes(raw(changed(CASES[0]["claim"], {"/fees/0/class": "Z"})))
    lines = run(pack, claim).stderr.splitlines()
    assert [line.split(": ")[:3] for line in lines] == [
        [str(pack), "/bands/0/ratio/3", "ratio_above_one"],
        [str(pack), "/annual_cap", "amount_wrong"],
        [str(claim), "/fees/0/class", "class_unknown"],
    ]
    result = run(pack, claim, "--json")
    assert (result.exit_code, result.stderr) == (2, "")
    errors = json.loads(result.stdout)["errors"]
    assert [(error["file"], error["where"], error["code"]) for error in errors] == [
        tuple(line.split(": ")[:3]) for line in lines
    ]
    assert errors[0]["text"] == {"zh": "比例不得大于1。", "en": "A ratio must not be above 1."}


def test_a_file_that_cannot_be_read_is_told_in_a_line(tmp_path: Path, claim: Path) -> None:
    for pack, bill in ((tmp_path / "none.json", claim), (GOLDEN / "pack-TEST-EMP.json", tmp_path)):
        result = run(pack, bill)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "unreadable: 文件无法读取。 The file cannot be read." in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_a_strangers_key_does_not_steer_the_terminal(tmp_path: Path, claim: Path) -> None:
    claim.write_text(json.dumps(CASES[0]["claim"] | {"\u001b[2J\ud800": 1}))
    result = run(GOLDEN / "pack-TEST-EMP.json", claim)
    assert result.exit_code == 2
    assert "/\\u001b[2J\\ud800: key_unknown" in result.stderr
    assert json.loads(run(GOLDEN / "pack-TEST-EMP.json", claim, "--json").stdout)["errors"]
