"""The four simulated provinces as processes, and the scaffold's own tiny one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from adapters.conformance.model import Report, Status
from adapters.conformance.profile import Keys, Profile, keys_of, read_keys, read_profile
from adapters.conformance.run import conform, opened, select

ROOT = Path(__file__).resolve().parents[2]
DIALECTS = {
    "adapters.shanghai:Shanghai": "310000",
    "adapters.jiangsu:Jiangsu": "320000",
    "adapters.zhejiang:Zhejiang": "330000",
    "adapters.anhui:Anhui": "340000",
}


class Process:
    """A province as it really runs."""

    def __init__(self, region: str, data: Path) -> None:
        command = [sys.executable, "-m", "provinces", "--region", region, "--port", "0", "--data", str(data)]
        command += ["--pending-seconds", "0.4", "--slow-seconds", "0.01", "--controls"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def wait(self) -> str:
        """Its address, once it listens."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("listening on 127.0.0.1:"), line
        return "http://" + line.split()[-1]

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.communicate(timeout=10)


async def run_kit(
    adapter: str, url: str, profile: Profile, keys: Keys, only: Iterable[str] = (), *, controls: bool = True
) -> Report:
    """One run of the kit."""
    async with opened(adapter, url, profile, keys, controls=controls) as kit:
        return await conform(kit, select(only))


async def run_shipped(adapter: str, url: str, like: str = "", only: Iterable[str] = ()) -> Report:
    """One run with the shipped profile; ``like``: of the adapter that a faulty one is made from."""
    return await run_kit(adapter, url, read_profile(None, like or adapter), read_keys(None, like or adapter), only)


def failing(report: Report) -> set[str]:
    """The ids that failed."""
    return {result.check.id for result in report.results if result.status is Status.FAILED}


def why(report: Report) -> str:
    """What failed, in words."""
    return "\n".join(
        f"{result.check.id}: {result.text.en if result.text else ''} {[(s.asked, s.came) for s in result.steps]}"
        for result in report.results
        if result.status is Status.FAILED
    )


__all__ = ["DIALECTS", "ROOT", "Process", "failing", "keys_of", "run_kit", "run_shipped", "why"]
