"""The real servers: where they listen, who may start them, what a hard end leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.conftest import ROOT, alive, eventually
from tongban.stack.errors import StackError, StackInUse
from tongban.stack.ports import Ports
from tongban.stack.postgres import account
from tongban.stack.stack import Stack, read_stack_env

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


def query(stack: Stack, sql: str) -> str:
    """One value from the stack's database, by psql."""
    from tongban.stack.postgres import binaries

    env = {"PGPASSWORD": stack.secrets.database_password.read_text(), "PATH": os.defpath}
    argv = [str(binaries() / "psql"), "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", stack.database_url, "-c", sql]
    return subprocess.run(argv, env=env, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder below one that only its owner enters, with a name that is hard on scripts."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    return closed / "通办 data"


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[Stack]:
    with Stack(folder, parts={"postgres", "temporal"}, usual_ports=False, say=lambda _line: None) as running:
        yield running


def test_the_database_is_utf8_and_keeps_what_it_confirms(stack: Stack) -> None:
    assert query(stack, "show server_encoding") == "UTF8"
    assert query(stack, "show fsync") == "on"
    assert query(stack, "select datlocprovider from pg_database where datname = 'tongban'") == "b"


def test_it_listens_only_on_this_machine_and_wants_a_password(stack: Stack) -> None:
    from tongban.stack.postgres import binaries

    assert query(stack, "show listen_addresses") == "127.0.0.1"
    argv = [str(binaries() / "psql"), "-X", "-w", "-d", stack.database_url, "-c", "select 1"]
    refused = subprocess.run(argv, env={"PATH": os.defpath}, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "no password" in refused.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")
def test_started_as_root_it_runs_as_another_user_and_opens_no_more_than_passage(stack: Stack, folder: Path) -> None:
    assert Path(f"/proc/{stack.pid('postgres')}").stat().st_uid != 0
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o701
    assert stat.S_IMODE((folder / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE(stack.secrets.payload_keys.stat().st_mode) == 0o600


def test_a_second_stack_in_the_same_folder_is_refused(stack: Stack, folder: Path) -> None:
    with pytest.raises(StackInUse, match=f"process {os.getpid()}"):
        Stack(folder, parts={"postgres"}).start()
    assert query(stack, "select 1") == "1"


def test_a_cluster_is_run_by_whoever_owns_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 65534, 65534)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = account(tmp_path)
    assert found is not None
    assert (found.uid, found.gid) == (tmp_path.stat().st_uid, tmp_path.stat().st_gid)


def test_a_folder_in_which_nothing_can_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match=r"nothing can be written in .*--data-dir"):
        Stack(tmp_path / "file" / "data", usual_ports=False).start()


def test_other_terminals_learn_the_settings_and_no_secret(stack: Stack, folder: Path) -> None:
    text = (folder / "stack.env").read_text()
    assert read_stack_env(folder / "stack.env") == stack.settings
    assert stack.secrets.database_password.read_text() not in text


def test_confirmed_rows_survive_kill_9_of_the_database(stack: Stack) -> None:
    query(stack, "create table kept (n int); insert into kept values (1)")
    stack.kill("postgres")
    assert stack.wait_ready("postgres", 20)
    assert query(stack, "select n from kept") == "1"


def test_taken_ports_are_avoided_and_chosen_ones_kept(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        first = Ports(tmp_path / "ports.json")
        chosen = first.take("api", taken)
        assert chosen != taken
        second = Ports(tmp_path / "other.json")
        assert second.take("api", chosen) != chosen  # held by the first, though nothing listens yet
        first.release()
        second.release()
    again = Ports(tmp_path / "ports.json")
    assert again.take("api", taken) == chosen
    again.release()


STACK_ALONE = """
import sys, time
from pathlib import Path
from tongban.stack.stack import Stack
s = Stack(Path(sys.argv[1]), parts={"postgres", "temporal"}, usual_ports=False).start()
print(s.pid("postgres"), s.pid("temporal"), flush=True)
s.wait()
"""


def in_folder(folder: Path) -> list[int]:
    """Processes whose command line names the folder, database backends by their parent."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if os.fsencode(folder) in (entry / "cmdline").read_bytes() and alive(int(entry.name)):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_kill_9_of_the_whole_stack_leaves_no_process_and_it_starts_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    argv = [sys.executable, "-c", STACK_ALONE, str(data)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        pids = [int(text) for text in process.stdout.readline().split()]
        assert len(pids) == 2
        children = Path(f"/proc/{pids[0]}/task/{pids[0]}/children").read_text().split()
        backends = [int(text) for text in children]
        os.kill(process.pid, signal.SIGKILL)
    assert eventually(lambda: not any(alive(pid) for pid in [*pids, *backends]), 5)
    assert eventually(lambda: in_folder(data) == [], 2)
    with Stack(data, parts={"postgres"}, usual_ports=False, say=lambda _line: None) as again:
        assert query(again, "select 1") == "1"


def test_a_pid_file_that_names_a_stranger_does_not_hinder(tmp_path: Path) -> None:
    with Stack(tmp_path, parts={"postgres"}, usual_ports=False, say=lambda _line: None):
        pass
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n{tmp_path}/postgres\n1\n1\n\n127.0.0.1\n\n")
    with Stack(tmp_path, parts={"postgres"}, usual_ports=False, say=lambda _line: None) as again:
        assert query(again, "select 1") == "1"


WAITING = """
import sys
from pathlib import Path
from tongban.stack.stack import Stack
s = Stack(Path(sys.argv[1]), parts=(), usual_ports=False)
with s.signals(), s:
    print("up", flush=True)
    s.wait()
"""


def test_a_stop_asked_for_many_times_at_once_still_happens(tmp_path: Path) -> None:
    """make passes SIGTERM on to a process that got it already; a handler that takes a lock then waits for itself."""
    for _ in range(8):
        argv = [sys.executable, "-c", WAITING, str(tmp_path)]
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            for _ in range(20000):
                os.kill(process.pid, signal.SIGTERM)
            try:
                process.wait(5)
            finally:
                process.kill()
