"""What the faces sign with: hex HMAC-SHA256 of lines, HMAC-SM3 and once-only numbers."""

from __future__ import annotations

import hashlib
import hmac
import re

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

TOLERANCE_S = 300
NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


def sha256_hex(body: bytes) -> str:
    """The digest as the signed lines spell it."""
    return hashlib.sha256(body).hexdigest()


def hmac_sha256(secret: str, *lines: str) -> bytes:
    """Of the lines joined by line feeds."""
    return hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).digest()


def hmac_sm3(secret: str, text: str) -> bytes:
    """RFC 2104 with SM3, whose block is 64 bytes."""
    made = HMAC(secret.encode(), hashes.SM3())
    made.update(text.encode())
    return made.finalize()


def same(expected: str, sent: str) -> bool:
    """Compared in constant time, whatever was sent."""
    return hmac.compare_digest(expected.encode(), sent.encode("utf-8", "replace"))


def is_stale(at: float, now: float) -> bool:
    """Whether a signature of that time is not believed any more, or not yet."""
    return abs(now - at) > TOLERANCE_S


class Nonces:
    """Numbers that are taken once.

    They are kept in memory for the time a signature is fresh; a restart forgets them, which a real house does too.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._swept = 0.0

    def take(self, nonce: str, now: float) -> bool:
        """False if it was taken before."""
        if abs(now - self._swept) > 60:
            self._swept = now
            self._until = {known: until for known, until in self._until.items() if until > now}
        if nonce in self._until:
            return False
        self._until[nonce] = now + 2 * TOLERANCE_S + 1
        return True
