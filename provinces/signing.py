"""Signatures of the gateway: HMAC-SHA256 over method, path, time, nonce and body digest, hexadecimal.

String to sign, lines joined by a line feed: METHOD, path, X-Gw-Time, X-Gw-Nonce, sha256(body) in hex.
The same for calls to the gateway and for its callbacks. Query strings are not covered, so the gateway takes none.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping

TOLERANCE_S = 300
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


def signature(secret: bytes, method: str, path: str, at: str, nonce: str, body: bytes) -> str:
    """The signature of one message."""
    text = "\n".join((method, path, at, nonce, hashlib.sha256(body).hexdigest()))
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def signed_headers(secret: bytes, method: str, path: str, body: bytes) -> dict[str, str]:
    """Headers for a message that leaves now."""
    at, nonce = str(int(time.time())), secrets.token_hex(16)
    return {"X-Gw-Time": at, "X-Gw-Nonce": nonce, "X-Gw-Sign": signature(secret, method, path, at, nonce, body)}


class Gate:
    """Lets signed calls in, each once.

    Nonces are kept in memory for the time a signature is fresh; a restart forgets them, which is harmless because
    every effect is idempotent by its request number.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._nonces: dict[str, float] = {}
        self._swept = 0.0

    def refusal(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str | None:
        """Why this call is not let in, or None."""
        now = time.time()
        at, nonce, sent = (headers.get(name, "") for name in ("x-gw-time", "x-gw-nonce", "x-gw-sign"))
        if not (at.isascii() and at.isdigit() and len(at) <= 12 and _NONCE.fullmatch(nonce)):
            return "signature_missing"
        expected = signature(self._secret, method, path, at, nonce, body)
        if not hmac.compare_digest(expected.encode(), sent.encode("utf-8", "replace")):
            return "signature_wrong"
        if abs(now - int(at)) > TOLERANCE_S:
            return "signature_stale"
        if now - self._swept > 60:
            self._swept = now
            self._nonces = {known: until for known, until in self._nonces.items() if until > now}
        if nonce in self._nonces:
            return "signature_replayed"
        self._nonces[nonce] = now + 2 * TOLERANCE_S + 1
        return None
