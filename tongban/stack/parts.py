"""What the stack consists of: each part's command line, environment, needs, and how one knows that it is ready."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from domain.names import CORE_QUEUE, province_queue
from tongban.stack.child import Child
from tongban.stack.keys import REGIONS
from tongban.stack.ports import accepts
from tongban.stack.temporal import Temporal

ROOT = Path(__file__).resolve().parents[2]
POSTGRES, TEMPORAL, PROVINCES, INSURANCE, MIGRATE, API, WORKERS, RELAY = (
    "postgres",
    "temporal",
    "provinces",
    "insurance",
    "migrate",
    "api",
    "workers",
    "relay",
)
EBILLS = "ebills"
ALL = frozenset({POSTGRES, TEMPORAL, PROVINCES, INSURANCE, MIGRATE, API, WORKERS, RELAY, EBILLS})
WITHOUT_MEDICAL = ALL - {INSURANCE, EBILLS}  # for what has nothing to do with medical care
CORE, PROVINCE_ROLES = "core", "provinces"
USUAL_API_PORT = 8700
USUAL_PROVINCE_PORT = {"310000": 8731, "320000": 8733, "330000": 8734, "340000": 8735}
USUAL_INSURANCE_PORT = {"310000": 8741, "320000": 8743, "330000": 8744, "340000": 8745, "hub": 8740}
USUAL_EBILLS_PORT = 8751
CALLBACK_PATH = "/v1/callbacks/{region}"
SEEN_POLLING_WITHIN_S = 15.0  # a worker under another identity than pid@host counts as ready after this
# read from the caller's environment; everything else comes from the stack
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "COVERAGE_PROCESS_START", "SSL_CERT_FILE")


def python_env(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of our own programs: little of the caller's, then ``extra``."""
    own = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return own | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"} | dict(extra)


def program(*words: str) -> tuple[str, ...]:
    """Our own command line, never through a script: a script's first line cannot hold every path."""
    return (sys.executable, "-m", *words)


def province(region: str, port: int, folder: Path, api_url: str, agreed: Path) -> Child:
    """One simulated back office."""
    callback = api_url + CALLBACK_PATH.format(region=region)
    options = {
        "--region": region,
        "--port": port,
        "--data": folder,
        "--callback-url": callback,
        "--credentials": agreed,
    }
    folder.mkdir(parents=True, exist_ok=True)
    return Child(
        name=f"province-{region}",
        argv=program("provinces", *(str(word) for pair in options.items() for word in pair), "--controls"),
        env=python_env({}),
        ready=lambda _pid: accepts(port),
        directory=ROOT,
    )


def insurance(region: str, port: int, folder: Path, peers: Path) -> Child:
    """One simulated insurance platform, or the hub."""
    options = {"--region": region, "--port": port, "--data": folder, "--peers": peers}
    folder.mkdir(parents=True, exist_ok=True)
    return Child(
        name=f"insurance-{region}",
        argv=program("provinces.insurance", *(str(word) for pair in options.items() for word in pair), "--controls"),
        env=python_env({}),
        ready=lambda _pid: accepts(port),
        directory=ROOT,
    )


def ebills(port: int, folder: Path, agreed: Path) -> Child:
    """The simulated service platform for fiscal e-bills."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ("--port", str(port), "--data", str(folder), "--credentials", str(agreed), "--controls")
    return Child(
        name=EBILLS,
        argv=program("provinces.ebills", *options),
        env=python_env({}),
        ready=lambda _pid: accepts(port),
        directory=ROOT,
    )


def migrate(env: Mapping[str, str], needs: tuple[str, ...]) -> Child:
    """Brings the tables to the newest version, once, before anything that reads them."""
    return Child(
        name=MIGRATE,
        argv=program("tongban", "db", "upgrade"),
        env=python_env(env),
        needs=needs,
        once=True,
        directory=ROOT,
    )


def api(env: Mapping[str, str], port: int, needs: tuple[str, ...]) -> Child:
    """The JSON API and the pages. It listens once its start-up is done."""
    return Child(
        name=API,
        argv=program("tongban", "api"),
        env=python_env(env),
        needs=needs,
        ready=lambda _pid: accepts(port),
        directory=ROOT,
    )


def relay(env: Mapping[str, str], needs: tuple[str, ...]) -> Child:
    """The outbox relay."""
    return Child(
        name=RELAY,
        argv=program("tongban", "relay"),
        env=python_env(env),
        needs=needs,
        ready=_alive_for(0.5),
        directory=ROOT,
    )


def worker(kind: str, number: int, env: Mapping[str, str], needs: tuple[str, ...], temporal: Temporal | None) -> Child:
    """A worker process: ``core``, or ``provinces`` for all four province roles in one process."""
    roles = [CORE] if kind == CORE else [f"province:{region}" for region in REGIONS]
    queue = CORE_QUEUE if kind == CORE else province_queue(REGIONS[-1])
    return Child(
        name=f"worker-{kind}" + (f"-{number}" if number > 1 else ""),
        argv=program("tongban", "worker", *(word for role in roles for word in ("--role", role))),
        env=python_env(env),
        needs=needs,
        ready=_polls(temporal, queue, workflows=kind == CORE) if temporal else _alive_for(2.0),
        directory=ROOT,
        stop_within_s=15,
    )


def _alive_for(seconds: float) -> Callable[[int], bool]:
    since: dict[int, float] = {}
    return lambda pid: time.monotonic() - since.setdefault(pid, time.monotonic()) > seconds


def _polls(temporal: Temporal, queue: str, *, workflows: bool) -> Callable[[int], bool]:
    long_enough = _alive_for(SEEN_POLLING_WITHIN_S)
    return lambda pid: long_enough(pid) or temporal.polled(queue, pid, workflows=workflows)
