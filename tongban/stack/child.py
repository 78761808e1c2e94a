"""One part of the stack as the supervisor sees it: what to start, when it is ready, how it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")
KEPT_LOG_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Account:
    """The system user a part runs as."""

    name: str
    uid: int
    gid: int


def _always(_pid: int) -> bool:
    return True


@dataclass(frozen=True)
class Child:
    """``needs`` are names that must be ready before this one starts; ``prepare`` runs just before each start.

    ``ready`` is asked with the pid until it says yes. ``once``: runs to its end, ready when it ends with 0.
    ``death_signal`` is what the kernel sends when the supervisor vanishes without a word.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    ready: Callable[[int], bool] = _always
    prepare: Callable[[], None] | None = None
    account: Account | None = None
    directory: Path = Path("/")
    once: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    stop_within_s: float = 10.0
    ready_within_s: float = 60.0


def spawn(child: Child, log: Path) -> subprocess.Popen[bytes]:
    """Starts the part in a session of its own, its output appended to ``log``.

    Must be called from a thread that lives as long as the supervisor: the death signal is bound to the thread.
    """
    if log.exists() and log.stat().st_size > KEPT_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    account = child.account
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    launch = [
        sys.executable,
        "-I",
        "-S",
        str(LAUNCH),
        str(os.getpid()),
        str(int(child.death_signal)),
        str(uid),
        str(gid),
    ]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*launch, str(child.directory), "--", *child.argv],
            env=dict(child.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
