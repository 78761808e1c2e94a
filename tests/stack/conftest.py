"""Small pretend parts, so that the supervisor is tried without the weight of the real ones."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tongban.stack.child import Child

ROOT = Path(__file__).resolve().parents[2]


def sleeper(name: str, *, needs: tuple[str, ...] = (), code: str = "import time; time.sleep(600)") -> Child:
    """A part that does nothing, for long."""
    return Child(name=name, argv=(sys.executable, "-I", "-S", "-c", code), env=dict(os.environ), needs=needs)


def alive(pid: int) -> bool:
    """Whether a process exists and is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def eventually(what: Callable[[], bool], within_s: float = 10.0) -> bool:
    """Waits until ``what`` is true."""
    end = time.monotonic() + within_s
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def said() -> list[str]:
    """What the supervisor told the person in front of it."""
    return []
