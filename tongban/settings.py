"""Every setting of the product, in one class. Environment variables carry the prefix ``TONGBAN_``.

Temporal is reached by its own standard variables (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS…,
TEMPORAL_API_KEY), read by the SDK. Secrets are given as files, never as values in a compose file.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SYMMETRIC = frozenset({"HS256", "HS384", "HS512", "none"})


class Mode(StrEnum):
    PRODUCTION = "production"
    DEMO = "demo"


class Settings(BaseSettings):
    """Read once per process; wrong or missing values stop it with the variable's name."""

    model_config = SettingsConfigDict(env_prefix="TONGBAN_", extra="ignore", frozen=True)

    mode: Mode = Mode.PRODUCTION
    data_dir: Path = Path(".data")
    database_url: str = Field(min_length=1, description="postgresql://user@host:port/name")
    database_password_file: Path | None = None
    database_pool: int = Field(default=8, ge=1, le=200)
    provinces_file: Path = Field(description="JSON file: adapter, address and credentials of each province")
    insurance_file: Path | None = Field(
        default=None, description="JSON file: address and credentials of each insurance platform and of the hub"
    )
    ebills_file: Path | None = Field(
        default=None, description="JSON file: address and credentials of the service platform for fiscal e-bills"
    )
    files_url: str = Field(
        default="", description="where documents are kept: file:///path, s3://bucket; default data_dir/files"
    )
    services_dir: Path | None = Field(
        default=None, description="folder with service definitions of your own, beside those that are shipped"
    )
    books_dir: Path | None = Field(
        default=None, description="folder with outside books, PLACE-DAY.jsonl, for the daily reconciliation"
    )
    payload_keys_file: Path = Field(description="key ring that encrypts what Temporal stores")

    oidc_issuer: str
    oidc_audience: str = "tongban-api"
    oidc_keys: str = Field(default="", description="JWKS by file path or https URL; default: discovery at the issuer")
    oidc_algorithms: tuple[str, ...] = ("RS256", "ES256")

    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8700, ge=0, le=65535)
    public_url: str = Field(
        default="http://127.0.0.1:8700", description="how the outside reaches the API; printed on licences"
    )
    max_upload_bytes: int = Field(default=20 * 1024 * 1024, ge=1024)

    requests_per_s: float = Field(default=200.0, gt=0, description="per caller and API process, on average")
    requests_burst: int = Field(default=1000, ge=1, description="how many of them at once")

    local_first: bool = True
    sandbox: bool = False
    province_slots: int = Field(default=20, ge=1, description="calls in flight per province and worker process")
    relay_pause_s: float = Field(default=1.0, gt=0)
    log_level: str = "INFO"

    @model_validator(mode="after")
    def _refuse_what_is_unsafe(self) -> Settings:
        if bad := SYMMETRIC & set(self.oidc_algorithms):
            raise ValueError(
                f"TONGBAN_OIDC_ALGORITHMS: {sorted(bad)} would let anyone who knows the public key sign tokens"
            )
        if self.services_dir is not None and not self.services_dir.is_dir():
            raise ValueError("TONGBAN_SERVICES_DIR: no such folder")
        if self.mode is Mode.PRODUCTION and not self.oidc_issuer.startswith("https://"):
            raise ValueError("TONGBAN_OIDC_ISSUER: must be an https address outside demo mode")
        return self

    def files_location(self) -> str:
        """The URL of the document store."""
        return self.files_url or (self.data_dir.resolve() / "files").as_uri()
