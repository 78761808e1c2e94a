"""Ports that are free now and stay the same from one start to the next.

A stack first asks for the ports it had last time, then for the usual ones, then for any. Two stacks that start at
the same moment must not both find a port free, so each chosen port is also held as an abstract socket name
(Linux): the kernel drops it with the process, nothing is left to clean.
"""

from __future__ import annotations

import contextlib
import errno
import json
import random
import socket
from pathlib import Path

from tongban.stack.errors import StackError

HOST = "127.0.0.1"
OTHERS = range(20000, 32000)  # below the range the kernel takes for outgoing connections


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Whether something listens on 127.0.0.1:port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


class Ports:
    """The ports of one data folder, remembered in ``file``. ``usual=False`` never tries the usual ones (tests)."""

    def __init__(self, file: Path, *, usual: bool = True) -> None:
        self._file = file
        self._usual = usual
        self._held: list[socket.socket] = []
        self._chosen: dict[str, int] = {}
        self._remembered: dict[str, int] = {}
        with contextlib.suppress(OSError, ValueError):
            self._remembered = {str(k): int(v) for k, v in json.loads(file.read_text("utf-8")).items()}

    def take(self, name: str, usual: int) -> int:
        """The port of ``name``: the one of last time, else ``usual``, else any free one."""
        if name in self._chosen:
            return self._chosen[name]
        remembered = self._remembered.get(name)
        candidates = [remembered] if remembered else []
        if self._usual:
            candidates.append(usual)
        candidates += random.sample(OTHERS, 200)
        for port in candidates:
            if port not in self._chosen.values() and is_free(port) and self._hold(port):
                self._chosen[name] = port
                self._file.write_text(json.dumps(self._remembered | self._chosen, indent=1), "utf-8")
                return port
        raise StackError(f"no free port on {HOST} for {name}")

    def release(self) -> None:
        """Lets go of all ports; harmless when done twice."""
        while self._held:
            self._held.pop().close()

    def _hold(self, port: int) -> bool:
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0tongban-port-{port}")
        except OSError as why:
            holder.close()
            return why.errno != errno.EADDRINUSE  # in use: another stack took it; else: no such sockets on this system
        self._held.append(holder)
        return True
