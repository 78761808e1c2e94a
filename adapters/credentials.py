"""What a province and its caller have agreed on, by reference: a JSON file or an environment variable.

The file is read again when it has changed, so that keys rotate without a restart: first the new secret is added beside
the old one (``"secrets": ["new", "old"]``), then, when both sides have it, the old one is taken out. The first signs,
all verify. A file that cannot be used any more leaves what was read last in force and says so in the log: a slip of an
editor must not take a province off the net.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue, TypeAdapter, ValidationError

from adapters.errors import Misconfigured

SHORTEST_SECRET = 16
_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
log = logging.getLogger(__name__)


class Credentials(Protocol):
    """The agreed values, always the ones in force now."""

    def text(self, name: str) -> str:
        """One value, such as a client id; Misconfigured if it is missing."""
        ...

    def secrets(self, name: str = "secrets") -> tuple[bytes, ...]:
        """A secret and its successors or predecessors: the first signs, all verify. At least 16 bytes each."""
        ...

    def table(self, name: str) -> Mapping[str, str]:
        """Values by name, such as public keys by key id."""
        ...


class _Values:
    def __init__(self, values: Mapping[str, JsonValue]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """One value."""
        value = self._current().get(name)
        if not isinstance(value, str) or not value:
            raise Misconfigured("credential_missing", name)
        return value

    def secrets(self, name: str = "secrets") -> tuple[bytes, ...]:
        """One or several."""
        value = self._current().get(name)
        found = tuple(v.encode() for v in (value if isinstance(value, list) else [value]) if isinstance(v, str))
        if not found:
            raise Misconfigured("credential_missing", name)
        if any(len(secret) < SHORTEST_SECRET for secret in found):
            raise Misconfigured("credential_too_short", f"{name}: under {SHORTEST_SECRET} bytes")
        return found

    def table(self, name: str) -> Mapping[str, str]:
        """A mapping of strings."""
        value = self._current().get(name)
        if not isinstance(value, dict) or not value:
            raise Misconfigured("credential_missing", name)
        return {key: each for key, each in value.items() if isinstance(each, str)}

    def _current(self) -> Mapping[str, JsonValue]:
        return self._values


class GivenCredentials(_Values):
    """Values that are there already: tests, the conformance kit, an environment variable."""


class FileCredentials(_Values):
    """A JSON file, read again when its time stamp or size changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        super().__init__(_read(path.read_bytes()))

    def _stamp(self) -> tuple[int, int, int]:
        stat = self._path.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _current(self) -> Mapping[str, JsonValue]:
        try:
            if (stamp := self._stamp()) != self._seen:
                self._seen = stamp  # also of a file that is no use: complain about each version once
                read = _read(self._path.read_bytes())
                if missing := self._values.keys() - read.keys():
                    raise ValueError(f"without {', '.join(sorted(missing))}")
                self._values = read
        except (OSError, ValueError) as broken:
            log.warning("credentials cannot be taken, the old ones stay: %s", _why(broken))
        return self._values


def from_environment(name: str) -> GivenCredentials:
    """The JSON object in an environment variable; ValueError if it is none."""
    return GivenCredentials(_read(os.environ.get(name, "").encode()))


def _why(broken: Exception) -> str:
    """Names of what is missing, never a value."""
    return str(broken) if isinstance(broken, ValueError) else type(broken).__name__


def _read(raw: bytes) -> dict[str, JsonValue]:
    try:
        return _OBJECT.validate_json(raw)
    except ValidationError:
        raise ValueError("no JSON object") from None  # without the text: it is secret
