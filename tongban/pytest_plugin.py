"""The conformance kit as a pytest plugin. It imports the kit only when it is asked for.

    pytest --conformance-adapter NAME --conformance-target URL    every check becomes a test item of its own
    def test_conformance(conformance_check): conformance_check()  the same inside a package's own tests

The second takes its target from the fixture ``conformance_target``, which a package overrides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from adapters.conformance.model import Report, Result

_OPTIONS = {
    "adapter": "entry point or module:Class of the adapter to try",
    "target": "address of the province to try it against",
    "profile": "profile file; default: the one shipped for the adapter",
    "credentials": "credentials file; default: the ones shipped for the adapter",
    "listen": "HOST:PORT for the province's callbacks; default: a free port of this machine",
}


@dataclass(frozen=True)
class ConformanceTarget:
    """What to try against what. ``credentials``: a file, or the values themselves."""

    adapter: str
    url: str
    profile: Path | None = None
    credentials: Path | Mapping[str, object] | None = None
    listen: str = "127.0.0.1:0"


class ConformanceFailure(Exception):
    """A check that failed; its text is all that needs to be shown."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, named as those of the command."""
    group = parser.getgroup("conformance", "Tongban's conformance kit")
    for name, text in _OPTIONS.items():
        group.addoption(f"--conformance-{name}", default="", help=text)


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """With the options given, every check is an item."""
    target = _named(config)
    if target is not None:
        runs = _Runs(target, _ids())
        items += [
            CheckItem.from_parent(session, name=f"conformance[{each}]", check_id=each, runs=runs) for each in _ids()
        ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for ``conformance_check`` becomes one test a check."""
    if "conformance_check" in metafunc.fixturenames:
        metafunc.parametrize("conformance_check", _ids(), indirect=True)


@pytest.fixture(scope="session")
def conformance_target(request: pytest.FixtureRequest) -> ConformanceTarget:
    """What is tried: a package overrides this, otherwise the options say it."""
    target = _named(request.config)
    if target is None:
        raise pytest.UsageError("no conformance_target: override the fixture or give --conformance-adapter and -target")
    return target


@pytest.fixture(scope="session")
def conformance_runs(request: pytest.FixtureRequest, conformance_target: ConformanceTarget) -> _Runs:
    """One run of all checks that were collected, made when the first result is asked for."""
    wanted = []
    for item in request.session.items:
        spec = getattr(item, "callspec", None)
        if spec is not None and "conformance_check" in spec.params:
            wanted.append(str(spec.params["conformance_check"]))
    return _Runs(conformance_target, wanted)


@pytest.fixture
def conformance_check(request: pytest.FixtureRequest, conformance_runs: _Runs) -> Callable[[], None]:
    """Call it: it returns, skips or fails as its check has ended."""

    def judge() -> None:
        __tracebackhide__ = True
        conformance_runs.judge(str(request.param))

    return judge


class CheckItem(pytest.Item):
    """One check."""

    def __init__(self, *, check_id: str, runs: _Runs, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self._check_id = check_id
        self._runs = runs

    def runtest(self) -> None:
        """The first one runs them all, side by side."""
        self._runs.judge(self._check_id)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        """The check's own words, without a trace through the kit."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, None, str]:
        """There is no file to point to."""
        return self.config.rootpath, None, self.name


class _Runs:
    """Runs the checks when the first result is wanted: side by side they take a fraction of the time."""

    def __init__(self, target: ConformanceTarget, ids: Iterable[str]) -> None:
        self._target = target
        self._ids = list(ids)
        self._results: dict[str, Result] | None = None

    def judge(self, check_id: str) -> None:
        """Returns, skips or fails."""
        from adapters.conformance.model import Status
        from adapters.conformance.reports import explain

        if self._results is None:
            with ThreadPoolExecutor(1) as thread:  # a loop of its own, whatever loop the tests have
                report = thread.submit(asyncio.run, _run(self._target, self._ids)).result()
            self._results = {result.check.id: result for result in report.results}
        __tracebackhide__ = True
        result = self._results[check_id]
        if result.status is Status.NOT_APPLICABLE:
            pytest.skip(f"{result.text.zh} / {result.text.en}" if result.text else "")
        if result.status is Status.FAILED:
            raise ConformanceFailure(explain(result))


async def _run(target: ConformanceTarget, ids: Iterable[str]) -> Report:
    from adapters.conformance import profile as files
    from adapters.conformance.run import conform, opened, select

    profile = files.read_profile(target.profile, target.adapter)
    if isinstance(target.credentials, Mapping):
        keys = files.given_keys(target.credentials)
    else:
        keys = files.read_keys(target.credentials, target.adapter)
    async with opened(target.adapter, target.url, profile, keys, listen=target.listen) as kit:
        return await conform(kit, select(ids))


def _ids() -> list[str]:
    from adapters.conformance.catalogue import all_checks

    return [check.id for check in all_checks()]


def _named(config: pytest.Config) -> ConformanceTarget | None:
    given = {name: str(config.getoption(f"--conformance-{name}")) for name in _OPTIONS}
    if not any(given.values()):
        return None
    if not (given["adapter"] and given["target"]):
        raise pytest.UsageError("--conformance-adapter and --conformance-target belong together")
    return ConformanceTarget(
        given["adapter"],
        given["target"],
        Path(given["profile"]) if given["profile"] else None,
        Path(given["credentials"]) if given["credentials"] else None,
        given["listen"] or "127.0.0.1:0",
    )
