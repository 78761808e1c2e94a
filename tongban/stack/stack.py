"""``Stack``: the whole product on one machine, as a context manager.

    with Stack(Path(".data")) as stack:
        print(stack.api_url)

Everything is written below the data folder. Two stacks in two folders do not meet; a second one in the same folder
is refused. When this process ends, however it ends, the parts end too.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from tongban.stack import parts as part
from tongban.stack.agreements import INSURANCE, ebills_file, insurance_file, provinces_file
from tongban.stack.child import Child
from tongban.stack.errors import StackError, StackInUse
from tongban.stack.keys import AUDIENCE, DEMO_ISSUER, REGIONS, Secrets
from tongban.stack.ports import HOST, Ports
from tongban.stack.postgres import USUAL_PORT as USUAL_POSTGRES_PORT
from tongban.stack.postgres import Postgres
from tongban.stack.supervisor import Supervisor
from tongban.stack.temporal import NAMESPACE, USUAL_HTTP_PORT, USUAL_UI_PORT, Temporal
from tongban.stack.temporal import USUAL_PORT as USUAL_TEMPORAL_PORT

STACK_ENV = "stack.env"


def say_on_stderr(line: str) -> None:
    """One line for the person who started the stack."""
    print(f"tongban: {line}", file=sys.stderr, flush=True)  # noqa: T201


class Stack:
    """parts: which of ``parts.ALL``. workers: processes per kind. env: laid over the settings of all our programs.

    options: by province, what its adapter is told in the provinces file.

    usual_ports=False never tries the usual ports, so that tests stay out of a developer's way.
    database_url / temporal_address in ``env`` (TONGBAN_DATABASE_URL, TEMPORAL_ADDRESS) win over the embedded ones,
    which are then not started.
    """

    def __init__(
        self,
        data_dir: Path = Path(".data"),
        *,
        parts: Collection[str] = part.ALL,
        workers: Mapping[str, int] | None = None,
        env: Mapping[str, str] | None = None,
        options: Mapping[str, Mapping[str, str]] | None = None,
        local_first: bool = True,
        usual_ports: bool = True,
        say: Callable[[str], None] = say_on_stderr,
    ) -> None:
        if unknown := set(parts) - part.ALL:
            raise StackError(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(sorted(part.ALL))}")
        self.data_dir = data_dir.resolve()
        self._extra = dict(env or {})
        self._options = dict(options or {})
        self._parts = set(parts)
        for name, variable in ((part.POSTGRES, "TONGBAN_DATABASE_URL"), (part.TEMPORAL, "TEMPORAL_ADDRESS")):
            if variable in self._extra:
                self._parts.discard(name)
        self._workers = {part.CORE: 1, part.PROVINCE_ROLES: 1} | dict(workers or {})
        self._local_first = local_first
        self._usual_ports = usual_ports
        self._say = say
        self._asked = False
        self._lock: int | None = None
        self._ports: Ports | None = None
        self.supervisor: Supervisor | None = None
        self.secrets = Secrets(self.data_dir / "secrets")
        self.api_url = self.database_url = self.temporal_address = self.temporal_ui_url = ""
        self.province_urls: dict[str, str] = {}
        self.insurance_urls: dict[str, str] = {}
        self.ebills_url = ""
        self.settings: dict[str, str] = {}

    def start(self) -> Self:
        """Starts all parts; returns when they are ready. Raises StackError with a text for people."""
        self._take_lock()
        try:
            self.supervisor = Supervisor(self._compose(), self.data_dir / "logs", self._say, lambda: self._asked)
            self.supervisor.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops all parts in reverse order. Harmless when done twice."""
        if self.supervisor:
            self.supervisor.stop()
        if self._ports:
            self._ports.release()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def kill(self, name: str) -> int:
        """SIGKILL to a part; it is started again."""
        return self._running().kill(name)

    def pid(self, name: str) -> int:
        """The part's process id."""
        return self._running().pid(name)

    def wait_ready(self, name: str, within_s: float = 30.0) -> bool:
        """Waits until a part is ready (again)."""
        return self._running().wait_ready(name, within_s)

    def wait(self) -> None:
        """Returns when a signal asked to stop (see ``signals``)."""
        while not self._asked:
            time.sleep(0.1)

    @contextmanager
    def signals(self) -> Iterator[None]:
        """While inside, SIGINT, SIGTERM and SIGHUP end ``wait()``, and ``start()`` too. Main thread only."""

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            self._asked = True  # no lock is taken here, see Supervisor

        previous = {
            number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> Supervisor:
        if self.supervisor is None:
            raise StackError("the stack is not running")
        return self.supervisor

    def _take_lock(self) -> None:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            file = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as why:
            raise StackError(
                f"nothing can be written in {self.data_dir}: {why.strerror}. Use another folder: --data-dir"
            ) from why
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(file, 32).decode(errors="replace").strip() or "unknown"
            os.close(file)
            raise StackInUse(
                f"a stack is already running in {self.data_dir} (process {holder}). "
                "Stop it first, or use another folder: --data-dir"
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._lock = file

    def _compose(self) -> list[Child]:
        """Ports, secrets, settings, and from them the list of children."""
        self.secrets.generate((*REGIONS, part.EBILLS))
        ports = self._ports = Ports(self.data_dir / "ports.json", usual=self._usual_ports)
        wanted = self._parts
        children: list[Child] = []
        temporal: Temporal | None = None
        # reserved even without an API in this stack: provinces and links need an address to point at
        api_port = ports.take(part.API, part.USUAL_API_PORT)
        self.api_url = f"http://{HOST}:{api_port}"
        if part.POSTGRES in wanted:
            port = ports.take(part.POSTGRES, USUAL_POSTGRES_PORT)
            postgres = Postgres(self.data_dir / "postgres", port, self.secrets.database_password, self._say)
            self.database_url = postgres.url
            children.append(postgres.child())
        if part.TEMPORAL in wanted:
            temporal = Temporal(
                self.data_dir / "temporal",
                port=ports.take(part.TEMPORAL, USUAL_TEMPORAL_PORT),
                ui_port=ports.take("temporal-ui", USUAL_UI_PORT),
                http_port=ports.take("temporal-http", USUAL_HTTP_PORT),
            )
            self.temporal_address, self.temporal_ui_url = temporal.address, temporal.ui_url
            children.append(temporal.child())
        for region in REGIONS if part.PROVINCES in wanted else ():
            port = ports.take(f"province-{region}", part.USUAL_PROVINCE_PORT[region])
            self.province_urls[region] = f"http://{HOST}:{port}"
            folder = self.data_dir / "provinces" / region
            children.append(part.province(region, port, folder, self.api_url, self.secrets.province(region)))
        children += self._insurance(ports)
        if part.EBILLS in wanted:
            port = ports.take(part.EBILLS, part.USUAL_EBILLS_PORT)
            self.ebills_url = f"http://{HOST}:{port}"
            children.append(part.ebills(port, self.data_dir / "ebills", self.secrets.province(part.EBILLS)))
        self._write_settings(api_port)
        return children + self._own_programs(api_port, temporal)

    def _insurance(self, ports: Ports) -> list[Child]:
        """The insurance platforms and the hub; all addresses are known before the first of them starts."""
        if part.INSURANCE not in self._parts:
            return []
        taken = {region: ports.take(f"insurance-{region}", part.USUAL_INSURANCE_PORT[region]) for region in INSURANCE}
        self.insurance_urls = {region: f"http://{HOST}:{port}" for region, port in taken.items()}
        self.secrets.write_insurance(self.insurance_urls)
        folder = self.data_dir / "insurance"
        return [
            part.insurance(region, port, folder / region, self.secrets.insurance_peers(region))
            for region, port in taken.items()
        ]

    def _own_programs(self, api_port: int, temporal: Temporal | None) -> list[Child]:
        wanted, env = self._parts, self.settings
        database = (part.POSTGRES,) if part.POSTGRES in wanted else ()
        tables = (part.MIGRATE,) if part.MIGRATE in wanted else database
        with_temporal = (*tables, part.TEMPORAL) if part.TEMPORAL in wanted else tables
        children: list[Child] = []
        if part.MIGRATE in wanted:
            children.append(part.migrate(env, database))
        if part.WORKERS in wanted:
            for kind, count in self._workers.items():
                children += [part.worker(kind, n, env, with_temporal, temporal) for n in range(1, count + 1)]
        if part.API in wanted:
            children.append(part.api(env, api_port, with_temporal))
        if part.RELAY in wanted:
            children.append(part.relay(env, with_temporal))
        return children

    def _write_settings(self, api_port: int) -> None:
        """The environment of our programs, and the same as a file for other terminals. No secret is in it."""
        file = self.data_dir / "provinces.json"
        callers = {region: str(self.secrets.caller(region)) for region in self.province_urls}
        provinces_file(file, self.province_urls, callers, self._options)
        insurance = self.data_dir / "insurance.json"
        if self.insurance_urls:
            insured = {region: str(self.secrets.insurance_caller(region)) for region in self.insurance_urls}
            insurance_file(insurance, self.insurance_urls, insured)
        settings = {
            "TONGBAN_MODE": "demo",
            "TONGBAN_DATA_DIR": str(self.data_dir),
            "TONGBAN_DATABASE_URL": self.database_url,
            "TONGBAN_DATABASE_PASSWORD_FILE": str(self.secrets.database_password) if self.database_url else "",
            "TONGBAN_PROVINCES_FILE": str(file),
            "TONGBAN_INSURANCE_FILE": str(insurance) if self.insurance_urls else "",
            "TONGBAN_PAYLOAD_KEYS_FILE": str(self.secrets.payload_keys),
            "TONGBAN_OIDC_ISSUER": DEMO_ISSUER,
            "TONGBAN_OIDC_AUDIENCE": AUDIENCE,
            "TONGBAN_OIDC_KEYS": str(self.secrets.public_keys),
            "TONGBAN_OIDC_ALGORITHMS": '["ES256"]',
            "TONGBAN_API_HOST": HOST,
            "TONGBAN_API_PORT": str(api_port),
            "TONGBAN_PUBLIC_URL": self.api_url,
            "TONGBAN_LOCAL_FIRST": str(self._local_first).lower(),
            "TEMPORAL_ADDRESS": self.temporal_address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
        }
        if self.ebills_url:
            entry = self.data_dir / "ebills.json"
            ebills_file(entry, self.ebills_url, str(self.secrets.caller(part.EBILLS)))
            settings["TONGBAN_EBILLS_FILE"] = str(entry)
        own = os.environ.get("TONGBAN_SERVICES_DIR", "")
        if own:  # the caller's own definitions; a folder of his, so from where he stands
            settings["TONGBAN_SERVICES_DIR"] = str(Path(own).resolve())
        self.settings = {name: value for name, value in (settings | self._extra).items() if value}
        self.database_url = self.settings.get("TONGBAN_DATABASE_URL", "")
        self.temporal_address = self.settings.get("TEMPORAL_ADDRESS", "")
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self.settings.items()]
        (self.data_dir / STACK_ENV).write_text("\n".join(lines) + "\n", "utf-8")


def read_stack_env(file: Path) -> dict[str, str]:
    """The settings a running (or the last) stack wrote."""
    pairs = (
        shlex.split(line)[1].partition("=")
        for line in file.read_text("utf-8").splitlines()
        if line.startswith("export ")
    )
    return {name: value for name, _, value in pairs}
