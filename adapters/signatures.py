"""HTTP message signatures (RFC 9421) with Ed25519, and the body's digest (RFC 9530), for dialects that use them.

Keys are base64 of their 32 bytes. The time of a signature is measured by the clock that is handed in, and only after
the signature was found to be right.
"""

from __future__ import annotations

import secrets
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519

from adapters.errors import CallbackRefused, Misconfigured
from adapters.exchange import is_fresh


@dataclass
class _Message:
    """What the library wants to see of a request."""

    method: str
    url: str
    headers: dict[str, str]


class _Verifier(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        """Leaves the time to ``verify``: the library only knows the machine's clock."""


def private_key(text: str) -> Ed25519PrivateKey:
    """A key to sign with; Misconfigured if it is none."""
    try:
        return Ed25519PrivateKey.from_private_bytes(b64decode(text, validate=True))
    except ValueError:
        raise Misconfigured("credential_unusable", "no private key") from None


def public_keys(table: Mapping[str, str]) -> Mapping[str, Ed25519PublicKey]:
    """Keys to verify with, by their id; Misconfigured if one is none."""
    try:
        return {name: Ed25519PublicKey.from_public_bytes(b64decode(key, validate=True)) for name, key in table.items()}
    except ValueError:
        raise Misconfigured("credential_unusable", "no public key") from None


def sign(
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    *,
    covered: Sequence[str],
    key_id: str,
    key: Ed25519PrivateKey,
    now: float,
) -> None:
    """Adds ``Signature-Input``, ``Signature`` and, with a body, ``Content-Digest`` to the headers; label ``sig1``."""
    keys = MappingKeyResolver(public_keys={}, private_keys={key_id: key})
    try:
        HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys).sign(
            _Message(method, url, headers),
            key_id=key_id,
            created=datetime.fromtimestamp(now, UTC),
            nonce=secrets.token_hex(16),
            label="sig1",
            covered_component_ids=covered,
            body=body or None,
        )
    except (HTTPMessageSignaturesException, ValueError) as odd:
        raise Misconfigured("unsignable_request", type(odd).__name__) from odd


def verify(
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    required: Sequence[str],
    keys: Mapping[str, Ed25519PublicKey],
    clock: Callable[[], float],
) -> None:
    """Returns if a POST to ``path`` bears one signature by one of the keys over all that is required, made now, and its
    body is what was signed. CallbackRefused("bad_signature" | "stale") otherwise."""
    message = _Message("POST", "http://callback" + path, dict(headers))  # the host is not among what is signed
    resolver = MappingKeyResolver(public_keys=keys, private_keys={})
    try:
        (signed,) = _Verifier(signature_algorithm=ED25519, key_resolver=resolver).verify(
            message, max_age=None, require_components=required, body=body
        )
    except (HTTPMessageSignaturesException, ValueError):
        raise CallbackRefused("bad_signature") from None
    created, expires = (signed.parameters.get(name) for name in ("created", "expires"))
    if not isinstance(created, int) or not is_fresh(created, clock):
        raise CallbackRefused("stale")
    if isinstance(expires, int) and expires < clock():
        raise CallbackRefused("stale")
