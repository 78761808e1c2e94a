"""What the API stands on, handed in by the composition root (tongban.serve) or by a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from fastapi import Request
from joserfc.jwk import KeySet

from adapters.ebills.port import EbillPlatform
from adapters.files import DocumentStore
from adapters.port import ProvinceAdapter
from api.gateway import Gateway
from catalogue.library import Library
from domain.calendar import LocalDay
from models.calendars import Calendars
from models.database import Database


class Keys(Protocol):
    """The token issuer's keys (adapters.oidc)."""

    async def keys(self, kid: str | None = None) -> KeySet: ...


class Provinces(Protocol):
    """The adapters in use (adapters.registry)."""

    @property
    def regions(self) -> tuple[str, ...]: ...

    def get(self, region: str) -> ProvinceAdapter: ...

    def for_place(self, code: str, department: str = "") -> ProvinceAdapter: ...

    def rate(self, region: str) -> float | None: ...

    def adapter_name(self, region: str) -> str: ...

    def allows_private(self, region: str) -> bool: ...

    @property
    def local_days(self) -> Mapping[str, tuple[LocalDay, ...]]: ...


@dataclass(frozen=True)
class Login:
    """How access tokens are checked. ``algorithms`` is pinned: the token does not choose."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    keys: Keys


@dataclass(frozen=True)
class House:
    """One per process."""

    database: Database
    gateway: Gateway
    library: Library
    provinces: Provinces
    files: DocumentStore
    login: Login
    public_url: str
    max_upload_bytes: int
    local_first: bool
    requests_per_s: float = 200.0
    requests_burst: int = 1000
    ebills: EbillPlatform | None = None

    @cached_property
    def calendars(self) -> Calendars:
        """The calendar in force: what is shipped and what was loaded since."""
        return Calendars(lambda: self.library.calendar, lambda: self.provinces.local_days)

    def verification_url(self, licence: str) -> str:
        """Where anyone can verify a licence."""
        return f"{self.public_url.rstrip('/')}/v1/verify/{licence}"

    def qr_url(self, number: str) -> str:
        """A picture of that address, for printing."""
        return f"{self.verification_url(number)}/qr.svg"


def house(request: Request) -> House:
    """The house of this application."""
    found: House = request.app.state.house
    return found


Headers = Mapping[str, str]
