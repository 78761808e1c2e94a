"""The e-bills file (``TONGBAN_EBILLS_FILE``): where the platform is, and by reference what was agreed with it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from adapters.addresses import plain_address
from adapters.credentials import Credentials, FileCredentials, from_environment
from adapters.ebills.client import Ebills
from adapters.entries import LONGEST_WAIT_S, ConfigurationError, FromEnvironment
from adapters.errors import Misconfigured
from adapters.port import AdapterSettings

NATION = "100000"


class EbillsEntry(BaseModel):
    """The file's only object. Times in seconds. credentials: ``access_key`` and ``secrets``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


def open_ebills(path: Path) -> Ebills:
    """Reads the file and opens the client; ConfigurationError in one sentence, without values."""
    try:
        entry = EbillsEntry.model_validate_json(path.read_bytes())
    except OSError as missing:
        raise ConfigurationError(f"{path}: cannot be read ({missing.strerror})") from None
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "of the file"
        raise ConfigurationError(f"{path}: field {field}: {first['msg']}") from None
    settings = AdapterSettings(
        region=NATION,
        url=entry.url,
        credentials=_credentials(path, entry),
        timeout_s=entry.timeout_s,
        connect_timeout_s=entry.connect_timeout_s,
        private_network=entry.private_network,
        client_certificate=str(path.parent / entry.client_certificate) if entry.client_certificate else "",
    )
    try:
        return Ebills(settings)
    except Misconfigured as wrong:
        raise ConfigurationError(f"{path}: {wrong}") from wrong


def _credentials(path: Path, entry: EbillsEntry) -> Credentials:
    try:
        if isinstance(entry.credentials, Path):
            return FileCredentials(path.parent / entry.credentials)
        return from_environment(entry.credentials.env)
    except OSError as missing:
        raise ConfigurationError(f"{path}: credentials: cannot be read ({missing.strerror})") from None
    except ValueError as wrong:
        raise ConfigurationError(f"{path}: credentials: {wrong}") from None
