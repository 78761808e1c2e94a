"""Parts are restarted when they die, and nothing outlives the supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.conftest import ROOT, alive, eventually, sleeper
from tongban.stack.errors import Interrupted, PartFailed
from tongban.stack.supervisor import Supervisor

pytestmark = pytest.mark.stack


def test_a_killed_part_is_started_again_and_that_is_said(tmp_path: Path, said: list[str]) -> None:
    supervisor = Supervisor([sleeper("relay")], tmp_path, said.append)
    supervisor.start()
    try:
        killed = supervisor.kill("relay")
        assert supervisor.wait_ready("relay", 5)
        assert supervisor.pid("relay") != killed
        assert alive(supervisor.pid("relay"))
        assert supervisor.restarts("relay") == 1
        assert said == ["relay ended (signal SIGKILL); starting it again in 0.2 s"]
    finally:
        supervisor.stop()


def test_pauses_grow_while_a_part_keeps_dying(tmp_path: Path, said: list[str]) -> None:
    supervisor = Supervisor([sleeper("api", code="import time; time.sleep(0.2)")], tmp_path, said.append)
    supervisor.start()
    try:
        assert eventually(lambda: len(said) >= 3)
    finally:
        supervisor.stop()
    assert [line[-5:] for line in said[:3]] == ["0.2 s", "0.4 s", "0.8 s"]


def test_stop_ends_all_and_may_be_called_again(tmp_path: Path, said: list[str]) -> None:
    supervisor = Supervisor([sleeper("a"), sleeper("b", needs=("a",))], tmp_path, said.append)
    supervisor.start()
    pids = [supervisor.pid("a"), supervisor.pid("b")]
    supervisor.stop()
    supervisor.stop()
    assert not any(alive(pid) for pid in pids)
    assert said == []


def test_a_part_that_ignores_the_request_to_end_is_ended(tmp_path: Path, said: list[str]) -> None:
    stubborn = (
        "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    child = sleeper("stubborn", code=stubborn)
    log = tmp_path / "stubborn.log"
    quick = type(child)(**{**vars(child), "stop_within_s": 0.3, "ready": lambda _pid: b"up" in log.read_bytes()})
    supervisor = Supervisor([quick], tmp_path, said.append)
    supervisor.start()
    pid = supervisor.pid("stubborn")
    supervisor.stop()
    assert not alive(pid)


def test_a_part_that_cannot_start_is_named_with_the_end_of_its_log(tmp_path: Path, said: list[str]) -> None:
    broken = sleeper("migrate", code="import sys; sys.exit('no such table')")
    once = type(broken)(**{**vars(broken), "once": True})
    supervisor = Supervisor([once, sleeper("api", needs=("migrate",))], tmp_path, said.append)
    with pytest.raises(PartFailed, match=r"(?s)migrate: status 1.*no such table"):
        supervisor.start()


def test_a_request_to_stop_during_the_start_ends_the_start(tmp_path: Path, said: list[str]) -> None:
    child = sleeper("slow")
    never = type(child)(**{**vars(child), "ready": lambda _pid: False})
    supervisor = Supervisor([never], tmp_path, said.append, asked_to_stop=lambda: True)
    with pytest.raises(Interrupted):
        supervisor.start()


SUPERVISOR_OF_TWO = """
import sys, time
from pathlib import Path
from tests.stack.conftest import sleeper
from tongban.stack.supervisor import Supervisor
s = Supervisor([sleeper("a"), sleeper("b")], Path(sys.argv[1]), print)
s.start()
print(s.pid("a"), s.pid("b"), flush=True)
time.sleep(600)
"""


def test_nothing_survives_kill_9_of_the_supervisor(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", SUPERVISOR_OF_TWO, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        pids = [int(text) for text in process.stdout.readline().split()]
        assert len(pids) == 2
        assert all(alive(pid) for pid in pids)
        os.kill(process.pid, signal.SIGKILL)
    assert eventually(lambda: not any(alive(pid) for pid in pids), 3)
