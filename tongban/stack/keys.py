"""Secrets of a demo: generated on the first start into the data folder, readable only by their owner, never shipped."""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from tongban.stack.agreements import AGREEMENTS, INSURANCE, insurance_peers, insurance_secrets

REGIONS = ("310000", "320000", "330000", "340000")
DEMO_ISSUER = "https://login.demo.tongban.invalid"
AUDIENCE = "tongban-api"


def write_private(path: Path, text: str) -> None:
    """A file that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


class Secrets:
    """The secret files in ``folder``. Missing ones are generated, existing ones are never changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.database_password = self.folder / "database-password"
        self.payload_keys = self.folder / "payload-keys.json"
        self.signing_key = self.folder / "oidc-key.json"
        self.public_keys = self.folder / "oidc-jwks.json"
        self.insurance_secrets = self.folder / "insurance-secrets.json"

    def province(self, region: str) -> Path:
        """What one province holds of the agreement with its caller."""
        return self.folder / f"province-{region}.json"

    def caller(self, region: str) -> Path:
        """What the caller, that is we, holds of it."""
        return self.folder / f"caller-{region}.json"

    def insurance_peers(self, region: str) -> Path:
        """What an insurance platform, or the hub, knows of those it talks to."""
        return self.folder / f"insurance-peers-{region}.json"

    def insurance_caller(self, region: str) -> Path:
        """What we hold of the agreement with it."""
        return self.folder / f"insurance-caller-{region}.json"

    def write_insurance(self, urls: Mapping[str, str]) -> None:
        """The files of the insurance platforms: secrets as they are once made, addresses of this start."""
        if not self.insurance_secrets.exists():
            write_private(self.insurance_secrets, json.dumps(insurance_secrets()))
        agreed = json.loads(self.insurance_secrets.read_text("utf-8"))
        for region in INSURANCE:
            write_private(self.insurance_peers(region), json.dumps(insurance_peers(region, agreed, urls)))
            caller = {"caller": "tongban", "secrets": [agreed[f"tongban-{region}"]]}
            write_private(self.insurance_caller(region), json.dumps(caller))

    def files(self, regions: Iterable[str] = REGIONS) -> tuple[Path, ...]:
        """All of them."""
        mine = (self.database_password, self.payload_keys, self.signing_key, self.public_keys)
        return mine + tuple(side(region) for region in regions for side in (self.province, self.caller))

    def generate(self, regions: Iterable[str] = REGIONS) -> None:
        """Makes what is missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # names can be passed through, not listed; each file is 0600
        if not self.database_password.exists():
            write_private(self.database_password, secrets.token_urlsafe(32))
        for region in regions:
            if not self.province(region).exists() or not self.caller(region).exists():
                caller, province = AGREEMENTS[region]()
                write_private(self.caller(region), json.dumps(caller))
                write_private(self.province(region), json.dumps(province))
        if not self.payload_keys.exists():
            key = base64.b64encode(secrets.token_bytes(32)).decode()
            write_private(self.payload_keys, json.dumps({"current": "k1", "keys": {"k1": key}}))
        if not self.signing_key.exists() or not self.public_keys.exists():
            self._signing_key()

    def _signing_key(self) -> None:
        from joserfc.jwk import ECKey, KeySet

        name = "demo-" + secrets.token_hex(4)
        key = ECKey.generate_key("P-256", parameters={"kid": name, "use": "sig", "alg": "ES256"}, private=True)
        write_private(self.public_keys, json.dumps(KeySet([key]).as_dict(private=False)))
        self.public_keys.chmod(0o644)
        write_private(self.signing_key, json.dumps(key.as_dict(private=True)))


def sign_token(
    signing_key: Path, *, issuer: str, audience: str, subject: str, hours: float, claims: Mapping[str, str | None]
) -> str:
    """A login as the demo's identity provider would give it: a JWT signed with ES256."""
    from joserfc import jwt
    from joserfc.jwk import ECKey

    key = ECKey.import_key(json.loads(signing_key.read_text("utf-8")))
    now = int(time.time())
    body: dict[str, object] = {
        "iss": issuer,
        "aud": audience,
        "iat": now,
        "exp": now + int(hours * 3600),
        "sub": subject,
    }
    body |= {name: value for name, value in claims.items() if value}
    return jwt.encode({"alg": "ES256", "kid": key.kid}, body, key, algorithms=["ES256"])
