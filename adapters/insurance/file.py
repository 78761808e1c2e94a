"""The insurance file: where each insurance platform is, and which credentials are agreed with it.

A JSON list, one entry per province and one for the hub:

    [{"region": "340000", "url": "https://insurance.example", "credentials": "insurance-340000.json"},
     {"region": "hub", "url": "https://hub.example", "credentials": {"env": "TONGBAN_HUB"}}]

Credentials hold ``caller`` (who we are there) and ``secrets``; a file is read again when it has changed.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from adapters.addresses import plain_address
from adapters.entries import LONGEST_WAIT_S, ConfigurationError, FromEnvironment, Strict, sentence
from adapters.errors import Misconfigured
from adapters.insurance.gate import InsuranceGate
from adapters.port import AdapterSettings
from adapters.registry import open_credentials


class InsuranceEntry(Strict):
    """One platform. Times in seconds; private_network: its address is in a private range on purpose."""

    region: str = Field(pattern=r"^([1-9][0-9]0000|hub)$")
    url: str
    credentials: Path | FromEnvironment
    timeout_s: float = Field(default=10.0, gt=0, le=LONGEST_WAIT_S)
    connect_timeout_s: float = Field(default=2.0, gt=0, le=LONGEST_WAIT_S)
    private_network: bool = False
    client_certificate: Path | None = None

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        return plain_address(url)


def read_insurance_entries(path: Path) -> tuple[InsuranceEntry, ...]:
    """The insurance file, checked; raises ConfigurationError."""
    try:
        raw = path.read_bytes()
    except OSError as missing:
        raise ConfigurationError(f"{path}: cannot be read ({missing.strerror})") from None
    try:
        entries = TypeAdapter(tuple[InsuranceEntry, ...]).validate_json(raw)
    except ValidationError as wrong:
        raise ConfigurationError(sentence(path, raw, wrong)) from None
    for region, times in Counter(entry.region for entry in entries).items():
        if times > 1:
            raise ConfigurationError(f"{path}: region {region} is listed {times} times, field region")
    return entries


def open_insurance(path: Path | str) -> InsuranceGate:
    """Reads the file and the credentials it names; raises ConfigurationError with one sentence, never a secret."""
    path = Path(path)
    platforms: dict[str, AdapterSettings] = {}
    for entry in read_insurance_entries(path):
        where = f"{path}: region {entry.region}, field"
        platforms[entry.region] = AdapterSettings(
            region=entry.region,
            url=entry.url,
            credentials=open_credentials(path, entry.credentials, where),
            timeout_s=entry.timeout_s,
            connect_timeout_s=entry.connect_timeout_s,
            private_network=entry.private_network,
            client_certificate=str(path.parent / entry.client_certificate) if entry.client_certificate else "",
        )
    try:
        return InsuranceGate(platforms)
    except Misconfigured as wrong:
        raise ConfigurationError(f"{path}: cannot be used: {wrong}") from wrong
