"""CPU and memory of processes, by their kind, read from the operating system."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil


class Meter:
    """``groups``: kind -> process ids; children count with their parent. Peak memory is sampled ten times a second."""

    def __init__(self, groups: Mapping[str, Sequence[int]]) -> None:
        self._groups = {kind: list(pids) for kind, pids in groups.items()}
        self.peak_mib: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def cpu_s(self) -> dict[str, float]:
        """User + system seconds spent so far, per kind."""
        return {kind: sum(_cpu(process) for process in self._tree(kind)) for kind in self._groups}

    def close(self) -> None:
        """Ends the sampling."""
        self._stop.set()
        self._thread.join()

    def _tree(self, kind: str) -> list[psutil.Process]:
        found = []
        for pid in self._groups[kind]:
            try:
                process = psutil.Process(pid)
                found += [process, *process.children(recursive=True)] if pid != os.getpid() else [process]
            except psutil.NoSuchProcess:
                continue
        return found

    def _sample(self) -> None:
        while not self._stop.wait(0.1):
            for kind in self._groups:
                used = sum(_memory(process) for process in self._tree(kind))
                self.peak_mib[kind] = max(self.peak_mib.get(kind, 0.0), used / 2**20)


def _cpu(process: psutil.Process) -> float:
    """Ended children are counted in their parent's children times, so that a database's backends are not lost."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def machine() -> dict[str, Any]:
    """What it ran on."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else ""
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": [round(x, 2) for x in os.getloadavg()],
    }
