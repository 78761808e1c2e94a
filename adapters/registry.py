"""Which adapter serves which province: the provinces file, checked when it is opened.

The file is a JSON list:

    [{"region": "340000", "adapter": "signed_json", "url": "https://gateway.example", "secret_env": "TONGBAN_ANHUI"}]

Secrets are named, never written: ``secret_file`` (relative to the provinces file) or ``secret_env``. An adapter of
somebody else is an installed package with an entry point in the group ``tongban.adapters``; the name is what the file
says under ``adapter``, the object is called with the keyword arguments of ``AdapterFactory``.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, Self, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from adapters.errors import Misconfigured
from adapters.port import ProvinceAdapter
from adapters.signed_json import SignedJson

GROUP = "tongban.adapters"
SHORTEST_SECRET = 16


class ConfigurationError(Exception):
    """The provinces file cannot be used. The text names file, region and field; never a secret."""


class AdapterFactory(Protocol):
    """What makes an adapter."""

    def __call__(
        self,
        *,
        region: str,
        url: str,
        secret: bytes,
        timeout_s: float,
        connect_timeout_s: float,
        poll_after_s: int,
    ) -> ProvinceAdapter: ...


BUILT_IN: Mapping[str, AdapterFactory] = {"signed_json": SignedJson}


class Pending(BaseModel):
    """How to wait for results. ``poll_after_s``: pause before asking, when the province does not say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    poll_after_s: int = Field(default=30, ge=1, le=86400)


class ProvinceEntry(BaseModel):
    """One province of the file. Times in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str = Field(pattern=r"^[1-9][0-9]0000$")
    adapter: str
    url: str
    secret_file: Path | None = None
    secret_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    timeout_s: float = Field(default=10.0, gt=0, le=12)
    connect_timeout_s: float = Field(default=2.0, gt=0, le=12)
    pending: Pending = Pending()

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("must be http(s)://host[:port][/path] without user, query or fragment")
        if re.fullmatch(r"\d+|0x[0-9a-f]+|(0[0-7]+\.).*", host) or not re.fullmatch(r"[a-z0-9.:-]+", host):
            raise ValueError("host must be a plain name or a dotted address")
        if not re.fullmatch(r"[A-Za-z0-9/._~-]*", parts.path):
            raise ValueError("path must be plain, without escapes")
        parts.port  # noqa: B018 - raises ValueError for a port that is none
        return url

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if (self.secret_file is None) == (self.secret_env is None):
            raise ValueError("exactly one of secret_file and secret_env is needed")
        return self


class Provinces:
    """The adapters in use. Closing it closes them all."""

    def __init__(self, adapters: Mapping[str, ProvinceAdapter], entries: Mapping[str, ProvinceEntry]) -> None:
        self._adapters = dict(adapters)
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

    def for_place(self, code: str) -> ProvinceAdapter:
        """The adapter that serves a place, down to its county: 320500 and 320509 -> 320000."""
        if not re.fullmatch(r"[0-9]{6}", code):
            raise Misconfigured("unknown_province", "a place is a six-digit code")
        return self.get(code[:2] + "0000")

    async def aclose(self) -> None:
        """Closes every adapter, even when one fails to."""
        results = await asyncio.gather(*(each.aclose() for each in self._adapters.values()), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            raise failures[0]


def read_entries(path: Path) -> tuple[ProvinceEntry, ...]:
    """The provinces file, checked; raises ConfigurationError."""
    try:
        raw = path.read_bytes()
    except OSError as missing:
        raise ConfigurationError(f"{path}: cannot be read ({missing.strerror})") from None
    try:
        entries = TypeAdapter(tuple[ProvinceEntry, ...]).validate_json(raw)
    except ValidationError as wrong:
        raise ConfigurationError(_sentence(path, raw, wrong)) from None
    for region, times in Counter(entry.region for entry in entries).items():
        if times > 1:
            raise ConfigurationError(f"{path}: region {region} is listed {times} times, field region")
    return entries


def open_provinces(path: Path | str) -> Provinces:
    """Reads the file, the secrets it names, and makes the adapters; raises ConfigurationError."""
    path = Path(path)
    adapters: dict[str, ProvinceAdapter] = {}
    entries = {entry.region: entry for entry in read_entries(path)}
    for region, entry in entries.items():
        factory = _factory(path, entry)
        adapters[region] = factory(
            region=region,
            url=entry.url,
            secret=_secret(path, entry),
            timeout_s=entry.timeout_s,
            connect_timeout_s=entry.connect_timeout_s,
            poll_after_s=entry.pending.poll_after_s,
        )
    return Provinces(adapters, entries)


def _factory(path: Path, entry: ProvinceEntry) -> AdapterFactory:
    installed = {point.name: point for point in entry_points(group=GROUP)}
    both = sorted(set(BUILT_IN) & set(installed))
    if entry.adapter in both:
        raise ConfigurationError(
            f"{path}: region {entry.region}, field adapter: {entry.adapter!r} is built in and in a package too"
        )
    if entry.adapter in BUILT_IN:
        return BUILT_IN[entry.adapter]
    if entry.adapter in installed:
        try:
            return cast(AdapterFactory, installed[entry.adapter].load())
        except Exception as broken:
            raise ConfigurationError(
                f"{path}: region {entry.region}, field adapter: {entry.adapter!r} cannot be loaded"
                f" ({type(broken).__name__})"
            ) from broken
    known = ", ".join(sorted({*BUILT_IN, *installed}))
    raise ConfigurationError(
        f"{path}: region {entry.region}, field adapter: {entry.adapter!r} is unknown (known: {known})"
    )


def _secret(path: Path, entry: ProvinceEntry) -> bytes:
    if entry.secret_env is not None:
        field, secret = "secret_env", os.environ.get(entry.secret_env, "").encode()
    else:
        field = "secret_file"
        try:
            secret = (path.parent / cast(Path, entry.secret_file)).read_bytes()
        except OSError as missing:
            raise ConfigurationError(
                f"{path}: region {entry.region}, field secret_file: cannot be read ({missing.strerror})"
            ) from None
    secret = secret.strip()
    if len(secret) < SHORTEST_SECRET:
        raise ConfigurationError(
            f"{path}: region {entry.region}, field {field}: the secret is missing or under {SHORTEST_SECRET} bytes"
        )
    return secret


def _sentence(path: Path, raw: bytes, wrong: ValidationError) -> str:
    """The first mistake in one sentence, without the value that was wrong."""
    first = wrong.errors(include_input=False, include_url=False)[0]
    where = first["loc"]
    if not where or not isinstance(where[0], int):
        return f"{path}: {first['msg']}"
    field = ".".join(str(part) for part in where[1:]) or "secret_file or secret_env"
    return f"{path}: region {_region(raw, where[0])}, field {field}: {first['msg']}"


def _region(raw: bytes, index: int) -> str:
    try:
        listed = TypeAdapter(list[dict[str, object]]).validate_json(raw)
        return str(listed[index].get("region", f"of entry {index + 1}"))
    except ValidationError:
        return f"of entry {index + 1}"
