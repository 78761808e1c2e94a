"""Which adapter serves which province: the provinces file, checked when it is opened.

The file is a JSON list, one entry per province:

    [{"region": "340000", "adapter": "anhui", "url": "https://gateway.example", "credentials": "anhui.json"}]

Credentials are named, never written: a file (relative to the provinces file) or ``{"env": "NAME"}``. Departments that
are reached otherwise are listed under ``departments``. An adapter is an entry point in the group ``tongban.adapters``;
the name is what the file says under ``adapter``, the object an ``AdapterFactory`` (adapters.port).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Self, cast

from adapters.credentials import Credentials, FileCredentials, GivenCredentials, from_environment
from adapters.entries import (
    ConfigurationError,
    DepartmentEntry,
    FromEnvironment,
    ProvinceEntry,
    local_days,
    read_entries,
)
from adapters.errors import Misconfigured
from adapters.port import PORT_VERSION, AdapterFactory, AdapterSettings, Capabilities, ProvinceAdapter
from domain.calendar import LocalDay

GROUP = "tongban.adapters"
SHIPPED = tuple(
    EntryPoint(name, value, GROUP)
    for name, value in {
        "anhui": "adapters.anhui:Anhui",
        "clerk": "adapters.clerk:Clerk",
        "jiangsu": "adapters.jiangsu:Jiangsu",
        "shanghai": "adapters.shanghai:Shanghai",
        "zhejiang": "adapters.zhejiang:Zhejiang",
    }.items()
)


class Provinces:
    """The adapters in use. Closing it closes them all."""

    def __init__(
        self,
        adapters: Mapping[str, ProvinceAdapter],
        entries: Mapping[str, ProvinceEntry],
        departments: Mapping[tuple[str, str], ProvinceAdapter] | None = None,
    ) -> None:
        self._adapters = dict(adapters)
        self._departments = dict(departments or {})
        self.entries = dict(entries)

    @property
    def regions(self) -> tuple[str, ...]:
        """The provinces served, sorted."""
        return tuple(sorted(self._adapters))

    def get(self, region: str) -> ProvinceAdapter:
        """The adapter of a province by its own code (340000); raises Misconfigured if there is none."""
        try:
            return self._adapters[region]
        except KeyError:
            raise Misconfigured("unknown_province", f"no adapter for {region} in the provinces file") from None

    def for_place(self, code: str, department: str = "") -> ProvinceAdapter:
        """The adapter that serves a department at a place, down to its county: 320500 and 320509 -> 320000."""
        if not re.fullmatch(r"[0-9]{6}", code):
            raise Misconfigured("unknown_province", "a place is a six-digit code")
        region = code[:2] + "0000"
        return self._departments.get((region, department)) or self.get(region)

    def adapter_name(self, region: str) -> str:
        """What the provinces file calls the adapter of a province."""
        return self.entries[region].adapter

    def rate(self, region: str) -> float | None:
        """Calls a second that a province bears: what its entry says, or its adapter."""
        entry = self.entries.get(region)
        limits = [entry.rate_per_s if entry else None, self.get(region).capabilities.max_rate_per_s]
        return min((limit for limit in limits if limit is not None), default=None)

    @property
    def local_days(self) -> Mapping[str, tuple[LocalDay, ...]]:
        """By province, the days on which it works otherwise than the national notice says."""
        return {region: local_days(entry) for region, entry in self.entries.items() if entry.calendar}

    def allows_private(self, region: str) -> bool:
        """Whether addresses of private ranges are meant there."""
        entry = self.entries.get(region[:2] + "0000")
        return entry is not None and entry.private_network

    async def aclose(self) -> None:
        """Closes every adapter, even when one fails to."""
        every = [*self._adapters.values(), *self._departments.values()]
        results = await asyncio.gather(*(each.aclose() for each in every), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            raise failures[0]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def open_provinces(path: Path | str) -> Provinces:
    """Reads the file, the credentials it names, and makes the adapters; raises ConfigurationError."""
    path = Path(path)
    adapters: dict[str, ProvinceAdapter] = {}
    departments: dict[tuple[str, str], ProvinceAdapter] = {}
    entries = {entry.region: entry for entry in read_entries(path)}
    for region, entry in entries.items():
        adapters[region] = _open(path, entry, entry.as_department())
        for name, department in entry.departments.items():
            departments[region, name] = _open(path, entry, entry.under(department))
    return Provinces(adapters, entries, departments)


def _open(path: Path, entry: ProvinceEntry, how: DepartmentEntry) -> ProvinceAdapter:
    where = f"{path}: region {entry.region}, field"
    try:
        factory = find_adapter(how.adapter)
    except ConfigurationError as wrong:
        raise ConfigurationError(f"{where} adapter: {wrong}") from wrong
    settings = AdapterSettings(
        region=entry.region,
        url=how.url,
        credentials=open_credentials(path, how.credentials, where),
        timeout_s=entry.timeout_s,
        connect_timeout_s=entry.connect_timeout_s,
        poll_after_s=entry.pending.poll_after_s,
        private_network=entry.private_network,
        client_certificate=str(path.parent / entry.client_certificate) if entry.client_certificate else "",
        options=how.options,
    )
    try:
        return factory(settings)
    except Misconfigured as wrong:
        raise ConfigurationError(f"{where} adapter: {how.adapter!r} cannot be used: {wrong}") from wrong
    except Exception as broken:  # somebody else's code: whatever it raises, the worker stops with a sentence
        raise ConfigurationError(
            f"{where} adapter: {how.adapter!r} cannot be made ({type(broken).__name__}: {broken})"
        ) from broken


def open_credentials(path: Path, named: Path | FromEnvironment | None, where: str) -> Credentials:
    """What an entry of the file at ``path`` names. ``where``: how a ConfigurationError begins."""
    if named is None:
        return GivenCredentials({})
    try:
        if isinstance(named, Path):
            return FileCredentials(path.parent / named)
        return from_environment(named.env)
    except OSError as missing:
        raise ConfigurationError(f"{where} credentials: cannot be read ({missing.strerror})") from None
    except ValueError as wrong:
        raise ConfigurationError(f"{where} credentials: {wrong}") from None


def installed() -> dict[str, list[EntryPoint]]:
    """Every adapter there is, by name; more than one under a name is a mistake of the installation."""
    found: dict[str, list[EntryPoint]] = {}
    for point in (*SHIPPED, *entry_points(group=GROUP)):
        same = found.setdefault(point.name, [])
        if point.value not in {each.value for each in same}:  # one package may be seen through two paths
            same.append(point)
    return found


def find_adapter(name: str) -> AdapterFactory:
    """The adapter of that name, made for this port; ConfigurationError says what is wrong with it."""
    found = installed()
    points = found.get(name, [])
    if not points:
        raise ConfigurationError(f"{name!r} is unknown (known: {', '.join(sorted(found))})")
    if len(points) > 1:
        both = ", ".join(sorted(point.value for point in points))
        raise ConfigurationError(f"{name!r} is installed {len(points)} times ({both})")
    return load_adapter(name, points[0])


def load_adapter(name: str, point: EntryPoint) -> AdapterFactory:
    """What an entry point (or ``module:object``) names, if it can be an adapter."""
    try:
        factory = point.load()
    except Exception as broken:
        raise ConfigurationError(f"{name!r} cannot be loaded ({type(broken).__name__}: {broken})") from broken
    version = getattr(factory, "port_version", None)
    if version != PORT_VERSION:
        raise ConfigurationError(f"{name!r} is made for port version {version}, this is version {PORT_VERSION}")
    if not isinstance(getattr(factory, "capabilities", None), Capabilities):
        raise ConfigurationError(f"{name!r} does not declare its capabilities")
    return cast(AdapterFactory, factory)
