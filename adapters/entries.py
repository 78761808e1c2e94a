"""The provinces file: its shape, and the sentence an operator reads when it is wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from adapters.addresses import plain_address
from domain.calendar import LocalDay
from domain.messages import Text

LONGEST_WAIT_S = 12.0


class ConfigurationError(Exception):
    """The provinces file cannot be used. The text names file, region and field; never a secret."""


class Strict(BaseModel):
    """An entry of a file that people write: what it does not know is a slip."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Pending(Strict):
    """How to wait for results. ``poll_after_s``: pause before asking, when the province does not say."""

    poll_after_s: int = Field(default=30, ge=1, le=86400)


class FromEnvironment(Strict):
    """Credentials in an environment variable, as JSON."""

    env: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")


class CalendarOverride(Strict):
    """A day on which a province works otherwise than the national notice says, such as a typhoon closure."""

    day: date
    working: bool
    reason: Text


class DepartmentEntry(Strict):
    """How one department is reached, where it is not as the rest of its province."""

    adapter: str
    url: str = ""
    credentials: Path | FromEnvironment | None = None
    options: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        return plain_address(url) if url else url


class ProvinceEntry(Strict):
    """One province of the file. Times in seconds.

    rate_per_s: calls a second, over all. private_network: its address is in a private range on purpose.
    client_certificate: PEM file with our key and certificate, for provinces that ask for one.
    """

    region: str = Field(pattern=r"^[1-9][0-9]0000$")
    adapter: str
    url: str
    credentials: Path | FromEnvironment | None = None
    timeout_s: float = Field(default=10.0, gt=0, le=LONGEST_WAIT_S)
    connect_timeout_s: float = Field(default=2.0, gt=0, le=LONGEST_WAIT_S)
    pending: Pending = Pending()
    rate_per_s: float | None = Field(default=None, gt=0, le=10000)
    private_network: bool = False
    client_certificate: Path | None = None
    options: Mapping[str, str] = Field(default_factory=dict)
    departments: Mapping[str, DepartmentEntry] = Field(default_factory=dict)
    calendar: tuple[CalendarOverride, ...] = ()

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        return plain_address(url)

    @model_validator(mode="after")
    def _days_once(self) -> Self:
        for day, times in Counter(each.day for each in self.calendar).items():
            if times > 1:
                raise ValueError(f"calendar: {day} is listed {times} times")
        for name in self.departments:
            if not re.fullmatch(r"[a-z0-9_]{1,64}", name):
                raise ValueError(f"departments: {name!r} is no department")
        return self

    def as_department(self) -> DepartmentEntry:
        """How the province is reached, in the words of a department."""
        return DepartmentEntry(adapter=self.adapter, url=self.url, credentials=self.credentials, options=self.options)

    def under(self, department: DepartmentEntry) -> DepartmentEntry:
        """A department's entry with what it takes over from its province."""
        return department.model_copy(
            update={
                "url": department.url or self.url,
                "credentials": department.credentials or self.credentials,
                "options": {**self.options, **department.options},
            }
        )


def local_days(entry: ProvinceEntry) -> tuple[LocalDay, ...]:
    """The days on which a province works otherwise, by date."""
    return tuple(
        LocalDay(day=each.day, working=each.working, why=each.reason)
        for each in sorted(entry.calendar, key=lambda each: each.day)
    )


def read_entries(path: Path) -> tuple[ProvinceEntry, ...]:
    """The provinces file, checked; raises ConfigurationError."""
    try:
        raw = path.read_bytes()
    except OSError as missing:
        raise ConfigurationError(f"{path}: cannot be read ({missing.strerror})") from None
    try:
        entries = TypeAdapter(tuple[ProvinceEntry, ...]).validate_json(raw)
    except ValidationError as wrong:
        raise ConfigurationError(sentence(path, raw, wrong)) from None
    for region, times in Counter(entry.region for entry in entries).items():
        if times > 1:
            raise ConfigurationError(f"{path}: region {region} is listed {times} times, field region")
    return entries


def sentence(path: Path, raw: bytes, wrong: ValidationError) -> str:
    """The first mistake in one sentence, without the value that was wrong."""
    first = wrong.errors(include_input=False, include_url=False)[0]
    where = first["loc"]
    if not where or not isinstance(where[0], int):
        return f"{path}: {first['msg']}"
    field = ".".join(str(part) for part in where[1:]) or "of the entry"
    return f"{path}: region {_region(raw, where[0])}, field {field}: {first['msg']}"


def _region(raw: bytes, index: int) -> str:
    try:
        listed = TypeAdapter(list[dict[str, object]]).validate_json(raw)
        return str(listed[index].get("region", f"of entry {index + 1}"))
    except ValidationError:
        return f"of entry {index + 1}"
