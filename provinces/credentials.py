"""Who may call and with which keys the province answers. Read again whenever the file changes."""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Collection, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TEST_CREDENTIALS = Path(__file__).parent / "credentials.json"
"""Well known to everybody: for tests and demonstrations only."""

log = logging.getLogger("provinces")


class BadCredentials(Exception):
    """A file that does not hold what a face needs."""


class Credentials:
    """The credentials of one province. Values are looked up by name; what is missing or odd raises BadCredentials.

    ``needs``: names without which a file is not taken, neither at the start nor when it changes.
    """

    def __init__(self, region: str, file: Path | None = None, needs: Collection[str] = ()) -> None:
        self._region = region
        self._needs = needs
        self._file = file or TEST_CREDENTIALS
        self._seen = (0, 0)
        self._values: Mapping[str, object] = {}
        self._read()

    def text(self, name: str) -> str:
        """One text."""
        value = self._current().get(name)
        if not isinstance(value, str) or not value:
            raise BadCredentials(f"{name} is missing")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of secrets: the first signs, all verify."""
        value = self._current().get(name)
        if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
            raise BadCredentials(f"{name} is no list of texts")
        return value

    def public_key(self, name: str, kid: str) -> Ed25519PublicKey | None:
        """One of the caller's keys, or None if it is not listed."""
        value = self._current().get(name)
        found = value.get(kid) if isinstance(value, dict) else None
        return None if found is None else Ed25519PublicKey.from_public_bytes(_raw(name, found))

    def private_key(self, name: str) -> Ed25519PrivateKey:
        """The province's own key."""
        return Ed25519PrivateKey.from_private_bytes(_raw(name, self.text(name)))

    def _current(self) -> Mapping[str, object]:
        try:
            about = self._file.stat()
            if (about.st_mtime_ns, about.st_size) != self._seen:
                self._read()
        except (OSError, BadCredentials):
            log.exception("the credentials cannot be read; the last ones stay in force")
        return self._values

    def _read(self) -> None:
        about = self._file.stat()
        self._seen = (about.st_mtime_ns, about.st_size)
        try:
            read = json.loads(self._file.read_text("utf-8"))
        except ValueError:
            raise BadCredentials(f"{self._file.name} is no JSON") from None
        values = read.get(self._region, read) if isinstance(read, dict) else None
        if not isinstance(values, dict):
            raise BadCredentials(f"{self._file.name} holds no object")
        if missing := [name for name in self._needs if name not in values]:
            raise BadCredentials(f"{self._file.name}: {', '.join(missing)} missing")
        self._values = values


def _raw(name: str, value: object) -> bytes:
    try:
        raw = base64.b64decode(str(value), validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != 32:
        raise BadCredentials(f"{name} is no Ed25519 key of 32 bytes")
    return raw
