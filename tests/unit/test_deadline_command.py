"""``deadline`` answers with the date first, ``calendar check`` with everything that is wrong with a notice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalogue.library import HERE
from tongban.cli import app

SHIPPED = HERE / "calendars" / "2026.json"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def deadline(*words: str) -> Result:
    return run("deadline", *words)


def test_the_first_line_is_the_date_and_nothing_else() -> None:
    result = deadline("--start", "2026-09-16", "--working-days", "5", "--suspend", "2026-09-19..2026-09-28")
    assert (result.exit_code, result.stdout) == (0, "2026-10-08\n")


def test_a_provisional_date_says_so_on_its_line() -> None:
    result = deadline("--start", "2026-12-30", "--working-days", "2")
    assert result.stdout == "2027-01-01 (provisional 暂定)\n"


def test_it_explains_in_both_languages_below_the_date() -> None:
    result = deadline("--start", "2026-09-30", "--working-days", "5", "--explain")
    first, *lines = result.stdout.splitlines()
    assert first == "2026-10-13"
    assert "  国庆节放假，顺延 7 天。" in lines
    assert "  +7 for National Day." in lines
    assert "  2026-10-10 is a make-up working day and counts." in lines


def test_calendar_days_end_on_a_working_day() -> None:
    result = deadline("--start", "2026-09-24", "--calendar-days", "10", "--explain")
    assert result.stdout.splitlines()[0] == "2026-10-08"
    assert "民法典第二百零三条" in result.stdout


def test_the_same_as_json() -> None:
    result = deadline("--start", "2026-09-30", "--working-days", "5", "--json")
    answer = json.loads(result.stdout)
    assert (answer["due"], answer["provisional"], answer["working_days"]) == ("2026-10-13", False, 5)
    assert {"zh": "国庆节放假，顺延 7 天。", "en": "+7 for National Day."} in answer["explanation"]


def test_a_notice_that_is_not_loaded_can_be_tried(tmp_path: Path) -> None:
    file = tmp_path / "2027.json"
    file.write_text(json.dumps(notice()), encoding="utf-8")
    words = ("--start", "2026-12-30", "--working-days", "2")
    assert deadline(*words, "--notice", str(file)).stdout == "2027-01-04\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--start", "2026-02-30", "--working-days", "5"], "--start: "),
        (["--start", "16.9.2026", "--working-days", "5"], "--start: "),
        (["--start", "20260916", "--working-days", "5"], "--start: "),
        (["--start", "1850-01-01", "--working-days", "5"], "2000年至2099年"),
        (["--start", "2026-09-16", "--working-days", "-1"], "--working-days: 天数须为0至3660。"),
        (["--start", "2026-09-16", "--calendar-days", "3661"], "--calendar-days: 天数须为0至3660。"),
        (["--start", "2026-09-16", "--working-days", "9" * 5000], "The number of days must be 0 to 3660."),
        (["--start", "2026-09-16", "--working-days", "five"], "--working-days: "),
        (["--start", "2026-09-16", "--working-days", "5", "--suspend", "2026-09-19"], "FIRST..LAST"),
        (
            ["--start", "2026-09-16", "--working-days", "5", "--suspend", "2026-09-28..2026-09-19"],
            "--suspend 2026-09-28..2026-09-19: 暂停期间的末日早于首日。",
        ),
        (["--start", "2026-09-16", "--working-days", "5", "--suspend", "2026-01-01..2099-01-01"], "--suspend: "),
        (["--start", "2026-09-16"], "exactly one"),
        (["--start", "2026-09-16", "--working-days", "5", "--calendar-days", "5"], "exactly one"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(words: list[str], said: str) -> None:
    result = deadline(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def notice(**changes: object) -> dict[str, object]:
    """A notice as it might be for 2027; made up."""
    return {
        "year": 2027,
        "source": "made up for a test",
        "holidays": [
            {"name": {"zh": "元旦", "en": "New Year"}, "first": "2027-01-01", "last": "2027-01-03"},
            {"name": {"zh": "国庆节", "en": "National Day"}, "first": "2027-10-01", "last": "2027-10-07"},
        ],
        "make_up_days": ["2027-09-26", "2027-10-09"],
    } | changes


def test_a_good_notice_is_summed_up() -> None:
    result = run("calendar", "check", str(SHIPPED))
    assert result.exit_code == 0
    assert result.stdout.startswith("2026: 7 个节假日 holidays, 6 个调休上班日 make-up days, 248 个工作日")


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "2027.json"
    file.write_text(json.dumps(notice(source=" ", make_up_days=["2027-10-02", "2027-10-08"])), encoding="utf-8")
    result = run("calendar", "check", str(file))
    assert result.exit_code == 1
    told = [line.removeprefix(f"{file}: ").split(": ")[:2] for line in result.stderr.splitlines()]
    assert told == [
        ["source", "source_missing"],
        ["make_up_days[0]", "make_up_in_holiday"],
        ["make_up_days[1]", "make_up_on_weekday"],
    ]
    assert "请注明通知的出处" in result.stderr
    assert "Say which notice this is" in result.stderr


def test_a_file_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    result = run("calendar", "check", str(tmp_path / "none.json"))
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr
    assert len(result.stderr.splitlines()) == 1
