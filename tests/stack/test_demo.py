"""``make demo`` as a newcomer and as CI run it: the real stack, three courses, then once more and interrupted."""

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
    """The data folder of both runs."""
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


def test_ctrl_c_in_a_second_run_leaves_nothing_running(folder: Path) -> None:
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
