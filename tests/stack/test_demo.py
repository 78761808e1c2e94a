"""``make demo`` as a newcomer and as CI run it: one service with its three ends, all services, interrupted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.conftest import ROOT, eventually

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of all runs, one after the other."""
    return tmp_path_factory.mktemp("demo") / "data"


def command(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The demo without a terminal."""
    argv = [sys.executable, "-m", "tongban", "demo", "--data-dir", str(folder), "--other-ports", *words]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TONGBAN_", "TEMPORAL_"))}
    env = kept | {"COLUMNS": "110", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        argv,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def mentioning(folder: Path) -> list[str]:
    """The command lines of living processes that name the data folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and process.name != str(os.getpid()):
            try:
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found


def test_three_courses_end_as_promised_and_every_ledger_is_exact(folder: Path) -> None:
    with command(folder, "--all") as demo:
        output, _ = demo.communicate(timeout=240)
    assert demo.returncode == 0, output
    assert "\x1b" not in output, "no cursor control without a terminal"
    assert "✗" not in output
    numbers = re.findall(r"Case (\d{6} \d{8} P ENTMOV \w{7})  (.+?)  ", output)
    assert [status for _, status in numbers] == ["办结 completed", "不予许可 refused", "已撤回 withdrawn"]
    assert len({number for number, _ in numbers}) == 3
    for part in ("postgres", "temporal", "provinces", "api", "workers", "relay"):
        assert re.search(rf"^ *\d+\.\d s  {part} ", output, re.MULTILINE), f"{part} was not shown"
    assert output.count("查看该任务：404，代为决定：404") == 3
    # one licence, valid without a login
    assert len(re.findall(r"^  http://127\.0\.0\.1:\d+/v1/verify/1\.2\.156\.3005\.2\.\S+$", output, re.MULTILINE)) == 1
    assert output.count("✔ 一张证照，免登录验真有效") == 1
    # every limit is explained, in both languages
    assert "行政许可法第三十二条：自" in output
    assert "Administrative Licensing Law, art. 32: 5 working days" in output
    # each province, three times
    for line in ("上海市账目：1 条", "浙江省账目：1 条"):
        assert output.count(f"✔ {line}") == 3
    assert [int(n) for n in re.findall(r"✔ 江苏省账目：(\d+) 条", output)] == [2, 0, 0]
    assert [int(n) for n in re.findall(r"✔ 安徽省账目：(\d+) 条", output)][:2] == [2, 4]
    assert output.count("✔ 各省账目净额为零") == 2
    assert output.count("✔ 已生效的事项逐一撤销") == 2
    assert "every invariant holds" in output
    assert "✔ 全部不变量成立" in output
    assert mentioning(folder) == []


def test_three_services_are_played_one_after_the_other_in_a_folder_that_was_used_before(folder: Path) -> None:
    with command(folder, "all", "--fast") as demo:
        output, _ = demo.communicate(timeout=240)
    assert demo.returncode == 0, output
    assert "✗" not in output
    numbers = re.findall(r"Case (\d{6}) \d{8} P (ENTMOV|HUKOU0|HWTRAN) \w{7}  办结 completed", output)
    assert numbers == [("320500", "ENTMOV"), ("310118", "HUKOU0"), ("310000", "HWTRAN")]
    # who may not, or not yet, or not like this
    assert output.count("查看该任务：404，代为决定：404") == 3
    assert "合肥市公安经办人，迁出地核验：核验属实，被拒 422" in output
    assert "青浦区公安经办人甲，决定准予迁入：准予，被拒 409" in output
    assert "青浦区公安经办人乙，决定准予迁入：准予 caseworker B" in output
    assert output.count("✔ 审查人本人不得再作决定（409）") == 2
    # taken from a queue, told on the way, in order
    assert output.count("经办人领取任务") == 2
    for province in ("江苏省", "浙江省"):
        assert f"{province}生态环境经办人，通报途经地（{province}）：已知悉" in output
    assert "✔ 先“注销迁出地户口”，后“登记迁入户口”" in output
    assert "✔ 先“商请接受地同意”，后“移出地决定”" in output
    # three licences of three types, each valid without a login
    kinds = re.findall(r"^  http://127\.0\.0\.1:\d+/v1/verify/1\.2\.156\.3005\.2\.(\w{21})\.", output, re.MULTILINE)
    assert [kind[-3:] for kind in kinds] == ["001", "101", "111"]
    assert output.count("✔ 一张证照，免登录验真有效") == 3
    # the books of the four provinces
    rows = {
        p: [int(n) for n in re.findall(rf"✔ {p}账目：(\d+) 条", output)]
        for p in ("上海市", "江苏省", "浙江省", "安徽省")
    }
    assert rows == {"上海市": [1, 3, 3], "江苏省": [2, 0, 0], "浙江省": [1, 0, 0], "安徽省": [2, 2, 1]}
    assert "✔ 全部不变量成立" in output
    assert re.search(r"^✔ \d+ 项全部成立 all \d+ points hold$", output, re.MULTILINE)
    assert mentioning(folder) == []


def test_what_cannot_be_played_is_told_at_once_and_nothing_is_started(tmp_path: Path) -> None:
    with command(tmp_path / "data", "moon") as demo:
        output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 2, output
    assert "nothing of that name: moon" in output
    assert "what can be played: all, medical, YRD-ENT-MOVE, YRD-HUKOU, YRD-HW-TRANSFER" in output
    assert not (tmp_path / "data").exists()


def test_ctrl_c_in_a_later_run_leaves_nothing_running(folder: Path) -> None:
    with command(folder, "--lang", "en") as demo:
        assert demo.stdout is not None
        said = []
        for line in demo.stdout:
            said.append(line)
            if "the case is received" in line:
                demo.send_signal(signal.SIGINT)
                break
        rest, _ = demo.communicate(timeout=60)
    output = "".join(said) + rest
    assert demo.returncode == 130, output
    assert "Traceback" not in output
    assert eventually(lambda: mentioning(folder) == [], 5), mentioning(folder)
