"""Unit tests reach nothing: no network, no process."""

from __future__ import annotations

import socket
import subprocess
from typing import Any, NoReturn

import pytest


@pytest.fixture(autouse=True)
def nothing_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections and processes fail with a sentence. The event loop's own socket pair is let be."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a unit test reaches out of its process")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
